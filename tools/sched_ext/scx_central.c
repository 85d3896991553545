// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loader of scx_central: sets it up, prints its counters every second, takes it out at the end.
 * scx_central.bpf.c tells how it works.
 */
#define _GNU_SOURCE
#include <libgen.h>
#include <linux/perf_event.h>
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

struct options {
	long cpu, slice_us, queue, batch;
	bool partial, json;
};

/* The BPF side's counters as they are printed; scx_central.bpf.c says what they count. */
#define COUNTER(__name)	{ #__name, offsetof(struct scx_central__bss, nr_##__name) }

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(enqueued), COUNTER(bound), COUNTER(waiting), COUNTER(overflows),
	COUNTER(asks), COUNTER(full),
	COUNTER(rounds), COUNTER(decisions), COUNTER(stand_ins), COUNTER(mismatches),
	COUNTER(gone), COUNTER(released),
	COUNTER(ticks), COUNTER(overstays), COUNTER(late), COUNTER(kicks_idle),
	COUNTER(kicks_preempt), {}
};

static const char help[] =
"Usage: %s [-c CPU] [-s SLICE_US] [-q TASKS] [-b SLOTS] [-p] [-j] [-v]\n"
"\n"
"A sched_ext scheduler: one CPU decides what all the others run, so they need no tick.\n"
"\n"
"  -c CPU       The central CPU (default: 0)\n"
"  -s SLICE_US  How long a task runs when others wait, in microseconds (default: 20000)\n"
"  -q TASKS     Size of the queue of waiting tasks (default: 4096)\n"
"  -b SLOTS     Tasks handed out in one go (default: 32)\n"
"  -p           Schedule only tasks of policy SCHED_EXT\n"
"  -j           Print the counters as one line of JSON at the end\n"
"  -v           Print libbpf's debug messages\n"
"  -h           Print this help\n";

/* Whether @cpu is online. @list gets the CPUs that are, as the kernel writes them: 0-2,5 */
static bool is_online(long cpu, char *list, int size)
{
	FILE *f = fopen(ONLINE_FILE, "r");
	long first, last;
	char *pos;

	if (!f || !fgets(list, size, f)) {
		perror("scx_central: " ONLINE_FILE);
		exit(1);
	}
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

static void parse(struct options *opts, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, ":c:s:q:b:pjvh")) != -1) {
		switch (opt) {
		case 'c':
			opts->cpu = number(opt, optarg, 0, libbpf_num_possible_cpus() - 1);
			break;
		case 's':
			opts->slice_us = number(opt, optarg, 100, 10 * 1000 * 1000);
			break;
		case 'q':
			opts->queue = number(opt, optarg, 1, 1 << 20);
			break;
		case 'b':
			opts->batch = number(opt, optarg, 1, 4096);
			break;
		case 'p':
			opts->partial = true;
			break;
		case 'j':
			opts->json = true;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			printf(help, basename(argv[0]));
			exit(0);
		default:
			fprintf(stderr, "scx_central: -%c: %s, see -h\n", optopt,
				opt == ':' ? "needs a value" : "not an option");
			exit(2);
		}
	}
	options_only(argc, argv);
}

/* The central CPU may have gone offline since the last time: then another one takes over. */
static void check_central_cpu(struct options *opts, bool again)
{
	char list[4096];

	if (is_online(opts->cpu, list, sizeof(list)))
		return;
	if (!again) {
		fprintf(stderr, "scx_central: -c %ld: CPU is offline, online are %s\n",
			opts->cpu, list);
		exit(2);
	}
	fprintf(stderr, "scx_central: CPU %ld is offline, CPU %ld takes over\n",
		opts->cpu, strtol(list, NULL, 10));
	opts->cpu = strtol(list, NULL, 10);
}

static struct scx_central *set_up(const struct options *opts)
{
	int nr_cpus = libbpf_num_possible_cpus();
	struct scx_central *skel;

	skel = SCX_OPS_OPEN(central_ops, scx_central);
	skel->rodata->central_cpu = opts->cpu;
	skel->rodata->nr_cpu_ids = nr_cpus;
	skel->rodata->slice_ns = opts->slice_us * 1000;
	skel->rodata->queue_size = opts->queue;
	skel->rodata->switch_partial = opts->partial;
	skel->rodata->bpf_timers = __COMPAT_has_bpf_timers();
	bpf_program__set_autoload(skel->progs.central_clock, !__COMPAT_has_bpf_timers());
	skel->struct_ops.central_ops->dispatch_max_batch = opts->batch;
	if (opts->partial)
		skel->struct_ops.central_ops->flags |= SCX_OPS_SWITCH_PARTIAL;
	bpf_map__set_max_entries(skel->maps.waiting_q, opts->queue);
	bpf_map__set_max_entries(skel->maps.cpu_ctxs, nr_cpus);
	SCX_OPS_LOAD(skel, central_ops, scx_central, uei);
	return skel;
}

/* In place of the timer: an event of the central CPU, in its interrupts */
static struct bpf_link *start_clock(const struct options *opts, struct scx_central *skel)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = TIMER_NS,
	};
	struct bpf_link *clock = NULL;
	int fd;

	fd = syscall(SYS_perf_event_open, &attr, -1, opts->cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		clock = bpf_program__attach_perf_event(skel->progs.central_clock, fd);
	if (!clock) {
		fprintf(stderr, "scx_central: this kernel has no BPF timers, and no perf event: %s\n",
			strerror(errno));
		exit(1);
	}
	return clock;
}

static s64 value(const struct scx_central__bss *bss, int i)
{
	return *(const s64 *)((const char *)bss + counters[i].offset);
}

static void print_counters(const struct scx_central__bss *bss)
{
	int i;

	for (i = 0; counters[i].name; i++)
		printf("%s=%ld%c", counters[i].name, value(bss, i),
		       i % 6 == 5 || !counters[i + 1].name ? '\n' : ' ');
	fflush(stdout);
}

static void print_json(const struct scx_central__bss *bss, long cpu)
{
	int i;

	printf("{\"central_cpu\":%ld", cpu);
	for (i = 0; counters[i].name; i++)
		printf(",\"%s\":%ld", counters[i].name, value(bss, i));
	printf("}\n");
	fflush(stdout);
}

/* Run it once. True if it should be loaded again; *failed if it ended by itself. */
static bool run(const struct options *opts, bool *failed)
{
	struct scx_central *skel = set_up(opts);
	struct bpf_link *link = SCX_OPS_ATTACH(skel, central_ops, scx_central);
	struct bpf_link *clock = __COMPAT_has_bpf_timers() ? NULL : start_clock(opts, skel);
	u64 exit_unreg = __COMPAT_ENUM_OR_ZERO("scx_exit_kind", "SCX_EXIT_UNREG");
	struct scx_central__bss last;
	bool restart;

	while (!stop && !UEI_EXITED(skel, uei)) {
		print_counters(skel->bss);
		sleep(1);
	}

	last = *skel->bss;
	bpf_link__destroy(link);
	bpf_link__destroy(clock);
	restart = UEI_ECODE_RESTART(UEI_REPORT(skel, uei));
	*failed = !restart && skel->data->uei.kind != exit_unreg;
	restart = restart && !stop;
	if (opts->json && !restart)
		print_json(&last, opts->cpu);
	scx_central__destroy(skel);

	return restart;
}

int main(int argc, char **argv)
{
	struct options opts = { .slice_us = 20 * 1000, .queue = 4096, .batch = 32 };
	bool again, failed;

	loader_init();
	parse(&opts, argc, argv);
	check_central_cpu(&opts, false);
	do {
		again = run(&opts, &failed);
		if (again)
			check_central_cpu(&opts, true);
	} while (again);

	return failed;
}
