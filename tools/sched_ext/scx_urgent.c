// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loader of scx_urgent: sets it up, prints its statistics every second, takes it out at the end.
 * scx_urgent.bpf.c tells how it works.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include <scx/loader.h>
#include "scx_urgent.h"
#include "scx_urgent.bpf.skel.h"

static struct {
	long nice, weight, slice_us, tries;
	bool claim;
} opts = { .nice = -10, .slice_us = 20 * 1000, .tries = 4, .claim = true };

static struct scx_urgent *skel;

/* The BPF side's counters as they are printed; scx_urgent.bpf.c says what they count. */
#define COUNTER(__name)	LOADER_COUNTER(scx_urgent, __name)

static const struct loader_counter counters[] = {
	COUNTER(wakeups), COUNTER(idle), COUNTER(started), COUNTER(kicks), COUNTER(busy),
	COUNTER(gone), COUNTER(void), COUNTER(spared), COUNTER(again), COUNTER(nobody),
	COUNTER(preempted), COUNTER(wrong), COUNTER(late), {}
};

static const char help[] =
"Usage: %s [OPTION...]\n"
"\n"
"A sched_ext scheduler: urgent tasks preempt the least important task that runs.\n"
"\n"
"  -n, --nice=NICE      Tasks of this nice value or a lower one are urgent (default: -10)\n"
"  -w, --weight=WEIGHT  So are tasks in a cgroup of this cpu.weight or a higher one (default:\n"
"                       none)\n"
"  -s, --slice=US       How long a task runs when others wait, in microseconds (default: 20000)\n"
"  -t, --tries=N        How many tasks to try to preempt before an urgent one waits (default: 4)\n"
"  -C, --no-claim       Kick the CPU of the chosen task instead of claiming that task\n"
"  -j, --json           At the end, print the statistics from the first second on as a line of\n"
"                       JSON\n"
"  -v, --verbose        Print libbpf's debug messages\n"
"  -h, --help           Print this help\n";

static void parse(int argc, char **argv)
{
	static const struct option long_opts[] = {
		{ "nice", required_argument, NULL, 'n' },
		{ "weight", required_argument, NULL, 'w' },
		{ "slice", required_argument, NULL, 's' },
		{ "tries", required_argument, NULL, 't' },
		{ "no-claim", no_argument, NULL, 'C' },
		LOADER_JSON, LOADER_VERBOSE, LOADER_HELP, {}
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "n:w:s:t:C" LOADER_OPTS, long_opts, NULL)) != -1) {
		switch (opt) {
		case 'n':
			opts.nice = loader_number(opt, optarg, -20, 19);
			break;
		case 'w':
			opts.weight = loader_number(opt, optarg, 1, 10000);
			break;
		case 's':
			opts.slice_us = loader_number(opt, optarg, 100, 10 * 1000 * 1000);
			break;
		case 't':
			opts.tries = loader_number(opt, optarg, 1, 64);
			break;
		case 'C':
			opts.claim = false;
			break;
		default:
			loader_option(opt, help);
		}
	}
	loader_options_only(argc, argv);
}

/* What the options ask for and this kernel does not have */
static void check_kernel(void)
{
	if (opts.claim && !__COMPAT_has_ksym("scx_bpf_kick_task")) {
		fprintf(stderr, "scx_urgent: no claims: this kernel has no scx_bpf_kick_task()\n");
		opts.claim = false;
	}
	if (opts.weight && !__COMPAT_struct_has_field("task_group", "scx_weight"))
		misuse("-w %ld: this kernel has no CONFIG_EXT_GROUP_SCHED", opts.weight);
}

static struct loader_live load(bool again)
{
	int nr_cpus = libbpf_num_possible_cpus();

	skel = SCX_OPS_OPEN(urgent_ops, scx_urgent);
	skel->rodata->nr_cpu_ids = nr_cpus;
	skel->rodata->urgent_nice = opts.nice;
	skel->rodata->urgent_weight = opts.weight;
	skel->rodata->slice_ns = opts.slice_us * 1000;
	skel->rodata->max_tries = opts.tries;
	skel->rodata->claims = opts.claim;
	bpf_map__set_max_entries(skel->maps.cpu_ctxs, nr_cpus);
	SCX_OPS_LOAD(skel, urgent_ops, scx_urgent, uei);
	return (struct loader_live) {
		.link	= SCX_OPS_ATTACH(skel, urgent_ops, scx_urgent),
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
	scx_urgent__destroy(skel);
}

/* The least latency that a bucket counts */
static u64 bucket_ns(u32 i)
{
	if (i < LATENCY_STEPS)
		return i;
	return (u64)(LATENCY_STEPS + i % LATENCY_STEPS) << (i / LATENCY_STEPS - 1);
}

/* In microseconds: what @percent of the urgent tasks since @before did not wait longer than */
static double latency_us(const void *now, const void *before, u32 percent)
{
	const struct scx_urgent__bss *bss = now, *old = before;
	u64 all = 0, sum = 0;
	u32 i;

	for (i = 0; i < LATENCY_BUCKETS; i++)
		all += bss->latency[i] - old->latency[i];
	if (!all)
		return 0;
	for (i = 0; i < LATENCY_BUCKETS; i++) {
		sum += bss->latency[i] - old->latency[i];
		if (sum * 100 >= all * percent)
			break;
	}
	return bucket_ns(i + 1) / 1000.0;
}

static void print(const void *now, const void *before)
{
	int i;

	for (i = 0; counters[i].name; i++)
		printf("%s=%lu ", counters[i].name, loader_count(&counters[i], now, before));
	printf("p50=%.1fus p99=%.1fus\n", latency_us(now, before, 50),
	       latency_us(now, before, 99));
}

static void print_json(const void *now, const void *before)
{
	printf("{\"claims\":%s", opts.claim ? "true" : "false");
	loader_print_members(counters, now, before);
	printf(",\"p50_us\":%.1f,\"p99_us\":%.1f}\n", latency_us(now, before, 50),
	       latency_us(now, before, 99));
}

static const struct loader_sched urgent = {
	.bss_size	= sizeof(struct scx_urgent__bss),
	/* While it comes and goes the kernel takes slices, too: not for the statistics. */
	.warm_up	= 1,
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
	check_kernel();
	return loader_run(&urgent);
}
