// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loader of scx_central: sets it up, prints its counters every second, takes it out at the end.
 * scx_central.bpf.c tells how it works.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include <scx/kick_compat.h>
#include <scx/loader.h>
#include "scx_central.h"
#include "scx_central.bpf.skel.h"

#define ONLINE_FILE	"/sys/devices/system/cpu/online"

static struct {
	long cpu, slice_us, queue, batch;
	bool partial;
} opts = { .slice_us = 20 * 1000, .queue = 4096, .batch = 32 };

static struct scx_central *skel;

/* The BPF side's counters as they are printed; scx_central.bpf.c says what they count. */
#define COUNTER(__name)	LOADER_COUNTER(scx_central, __name)

static const struct loader_counter counters[] = {
	COUNTER(enqueued), COUNTER(bound), COUNTER(waiting), COUNTER(overflows),
	COUNTER(asks), COUNTER(full),
	COUNTER(rounds), COUNTER(decisions), COUNTER(stand_ins), COUNTER(mismatches),
	COUNTER(gone), COUNTER(released),
	COUNTER(ticks), COUNTER(overstays), COUNTER(late), COUNTER(kicks_idle),
	COUNTER(kicks_preempt), {}
};

static const char help[] =
"Usage: %s [OPTION...]\n"
"\n"
"A sched_ext scheduler: one CPU decides what all the others run, so they need no tick.\n"
"\n"
"  -c, --cpu=CPU    The central CPU (default: 0)\n"
"  -s, --slice=US   How long a task runs when others wait, in microseconds (default: 20000)\n"
"  -q, --queue=N    Size of the queue of waiting tasks (default: 4096)\n"
"  -b, --batch=N    Tasks handed out in one go (default: 32)\n"
"  -p, --partial    Schedule only tasks of policy SCHED_EXT\n"
"  -j, --json       Print the counters as one line of JSON at the end\n"
"  -v, --verbose    Print libbpf's debug messages\n"
"  -h, --help       Print this help\n";

/* Whether @cpu is online. @list gets the CPUs that are, as the kernel writes them: 0-2,5 */
static bool is_online(long cpu, char *list, int size)
{
	FILE *f = fopen(ONLINE_FILE, "r");
	long first, last;
	char *pos;

	if (!f || !fgets(list, size, f))
		die("%s: %s", ONLINE_FILE, strerror(errno));
	fclose(f);
	list[strcspn(list, "\n")] = '\0';

	for (pos = list; *pos; pos += strspn(pos, ",")) {
		first = strtol(pos, &pos, 10);
		last = first;
		if (*pos == '-')
			last = strtol(pos + 1, &pos, 10);
		if (cpu >= first && cpu <= last)
			return true;
	}
	return false;
}

static void parse(int argc, char **argv)
{
	static const struct option long_opts[] = {
		{ "cpu", required_argument, NULL, 'c' },
		{ "slice", required_argument, NULL, 's' },
		{ "queue", required_argument, NULL, 'q' },
		{ "batch", required_argument, NULL, 'b' },
		{ "partial", no_argument, NULL, 'p' },
		LOADER_JSON, LOADER_VERBOSE, LOADER_HELP, {}
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "c:s:q:b:p" LOADER_OPTS, long_opts, NULL)) != -1) {
		switch (opt) {
		case 'c':
			opts.cpu = loader_number(opt, optarg, 0, libbpf_num_possible_cpus() - 1);
			break;
		case 's':
			opts.slice_us = loader_number(opt, optarg, 100, 10 * 1000 * 1000);
			break;
		case 'q':
			opts.queue = loader_number(opt, optarg, 1, 1 << 20);
			break;
		case 'b':
			opts.batch = loader_number(opt, optarg, 1, 4096);
			break;
		case 'p':
			opts.partial = true;
			break;
		default:
			loader_option(opt, help);
		}
	}
	loader_options_only(argc, argv);
}

/* The central CPU may have gone offline since the last time: then another one takes over. */
static void check_central_cpu(bool again)
{
	char list[4096];

	if (is_online(opts.cpu, list, sizeof(list)))
		return;
	if (!again)
		misuse("-c %ld: CPU is offline, online are %s", opts.cpu, list);
	fprintf(stderr, "scx_central: CPU %ld is offline, CPU %ld takes over\n", opts.cpu,
		strtol(list, NULL, 10));
	opts.cpu = strtol(list, NULL, 10);
}

/* In place of the timer: an event of the central CPU, in its interrupts */
static struct bpf_link *start_clock(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = TIMER_NS,
	};
	struct bpf_link *clock = NULL;
	int fd;

	fd = syscall(SYS_perf_event_open, &attr, -1, opts.cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		clock = bpf_program__attach_perf_event(skel->progs.central_clock, fd);
	if (!clock)
		die("this kernel has no BPF timers, and no perf event: %s", strerror(errno));
	return clock;
}

static struct loader_live load(bool again)
{
	int nr_cpus = libbpf_num_possible_cpus();

	check_central_cpu(again);
	skel = SCX_OPS_OPEN(central_ops, scx_central);
	skel->rodata->central_cpu = opts.cpu;
	skel->rodata->nr_cpu_ids = nr_cpus;
	skel->rodata->slice_ns = opts.slice_us * 1000;
	skel->rodata->queue_size = opts.queue;
	skel->rodata->switch_partial = opts.partial;
	skel->rodata->bpf_timers = __COMPAT_has_bpf_timers();
	bpf_program__set_autoload(skel->progs.central_clock, !__COMPAT_has_bpf_timers());
	skel->struct_ops.central_ops->dispatch_max_batch = opts.batch;
	if (opts.partial)
		skel->struct_ops.central_ops->flags |= SCX_OPS_SWITCH_PARTIAL;
	bpf_map__set_max_entries(skel->maps.waiting_q, opts.queue);
	bpf_map__set_max_entries(skel->maps.cpu_ctxs, nr_cpus);
	SCX_OPS_LOAD(skel, central_ops, scx_central, uei);
	return (struct loader_live) {
		.link	= SCX_OPS_ATTACH(skel, central_ops, scx_central),
		.clock	= __COMPAT_has_bpf_timers() ? NULL : start_clock(),
		.bss	= skel->bss,
		.uei	= &skel->data->uei,
	};
}

static s64 report(void)
{
	return UEI_REPORT(skel, uei);
}

static void destroy(void)
{
	scx_central__destroy(skel);
}

/* All that it has counted since it was loaded */
static void print(const void *now, const void *before)
{
	static const struct scx_central__bss none;
	int i;

	for (i = 0; counters[i].name; i++)
		printf("%s=%lu%c", counters[i].name, loader_count(&counters[i], now, &none),
		       i % 6 == 5 || !counters[i + 1].name ? '\n' : ' ');
}

static void print_json(const void *now, const void *before)
{
	printf("{\"central_cpu\":%ld", opts.cpu);
	loader_print_members(counters, now, before);
	printf("}\n");
}

static const struct loader_sched central = {
	.bss_size	= sizeof(struct scx_central__bss),
	.load		= load,
	.report		= report,
	.destroy	= destroy,
	.print		= print,
	.print_json	= print_json,
};

int main(int argc, char **argv)
{
	loader_init();
	parse(argc, argv);
	return loader_run(&central);
}
