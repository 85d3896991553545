// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loader of scx_urgent: sets it up, prints its statistics every second, takes it out at the end.
 * scx_urgent.bpf.c tells how it works.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include <scx/loader.h>
#include "scx_urgent.h"
#include "scx_urgent.bpf.skel.h"

struct options {
	long nice, weight, slice_us, tries;
	bool claim, json;
};

/* The BPF side's counters as they are printed; scx_urgent.bpf.c says what they count. */
#define COUNTER(__name)	{ #__name, offsetof(struct scx_urgent__bss, nr_##__name) }

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	COUNTER(wakeups), COUNTER(idle), COUNTER(started), COUNTER(kicks), COUNTER(busy),
	COUNTER(gone), COUNTER(void), COUNTER(spared), COUNTER(again), COUNTER(nobody),
	COUNTER(preempted), COUNTER(wrong), COUNTER(late), {}
};

static const char help[] =
"Usage: %s [-n NICE] [-w WEIGHT] [-s SLICE_US] [-t TRIES] [--no-claim] [-j] [-v]\n"
"\n"
"A sched_ext scheduler: urgent tasks preempt the least important task that runs.\n"
"\n"
"  -n NICE      Tasks of this nice value or a lower one are urgent (default: -10)\n"
"  -w WEIGHT    So are tasks in a cgroup of this cpu.weight or a higher one (default: none)\n"
"  -s SLICE_US  How long a task runs when others wait, in microseconds (default: 20000)\n"
"  -t TRIES     How many tasks to try to preempt before an urgent one waits (default: 4)\n"
"  --no-claim   Kick the CPU of the chosen task instead of claiming that task\n"
"  -j           At the end, print the statistics from the first second on as a line of JSON\n"
"  -v           Print libbpf's debug messages\n"
"  -h           Print this help\n";

static void parse(struct options *opts, int argc, char **argv)
{
	static const struct option longopts[] = { { "no-claim", no_argument, NULL, 'C' }, {} };
	int opt;

	while ((opt = getopt_long(argc, argv, "n:w:s:t:jvh", longopts, NULL)) != -1) {
		switch (opt) {
		case 'n':
			opts->nice = number(opt, optarg, -20, 19);
			break;
		case 'w':
			opts->weight = number(opt, optarg, 1, 10000);
			break;
		case 's':
			opts->slice_us = number(opt, optarg, 100, 10 * 1000 * 1000);
			break;
		case 't':
			opts->tries = number(opt, optarg, 1, 64);
			break;
		case 'C':
			opts->claim = false;
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
		default:	/* getopt_long() has said what is wrong. */
			exit(2);
		}
	}
	options_only(argc, argv);
}

/* What the options ask for and this kernel does not have */
static void check_kernel(struct options *opts)
{
	if (opts->claim && !__COMPAT_has_ksym("scx_bpf_kick_task")) {
		fprintf(stderr, "scx_urgent: no claims: this kernel has no scx_bpf_kick_task()\n");
		opts->claim = false;
	}
	if (opts->weight && !__COMPAT_struct_has_field("task_group", "scx_weight")) {
		fprintf(stderr, "scx_urgent: -w %ld: this kernel has no CONFIG_EXT_GROUP_SCHED\n",
			opts->weight);
		exit(2);
	}
}

static struct scx_urgent *set_up(const struct options *opts)
{
	int nr_cpus = libbpf_num_possible_cpus();
	struct scx_urgent *skel;

	skel = SCX_OPS_OPEN(urgent_ops, scx_urgent);
	skel->rodata->nr_cpu_ids = nr_cpus;
	skel->rodata->urgent_nice = opts->nice;
	skel->rodata->urgent_weight = opts->weight;
	skel->rodata->slice_ns = opts->slice_us * 1000;
	skel->rodata->max_tries = opts->tries;
	skel->rodata->claims = opts->claim;
	bpf_map__set_max_entries(skel->maps.cpu_ctxs, nr_cpus);
	SCX_OPS_LOAD(skel, urgent_ops, scx_urgent, uei);
	return skel;
}

static u64 value(const struct scx_urgent__bss *bss, int i)
{
	return *(const u64 *)((const char *)bss + counters[i].offset);
}

/* The least latency that a bucket counts */
static u64 bucket_ns(u32 i)
{
	if (i < LATENCY_STEPS)
		return i;
	return (u64)(LATENCY_STEPS + i % LATENCY_STEPS) << (i / LATENCY_STEPS - 1);
}

/* In microseconds: what @percent of the urgent tasks since @old did not wait longer than */
static double latency_us(const struct scx_urgent__bss *bss, const struct scx_urgent__bss *old,
			 u32 percent)
{
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

static void print_second(const struct scx_urgent__bss *bss, const struct scx_urgent__bss *old)
{
	int i;

	for (i = 0; counters[i].name; i++)
		printf("%s=%lu ", counters[i].name, value(bss, i) - value(old, i));
	printf("p50=%.1fus p99=%.1fus\n", latency_us(bss, old, 50), latency_us(bss, old, 99));
	fflush(stdout);
}

static void print_json(const struct scx_urgent__bss *bss, const struct scx_urgent__bss *old,
		       const struct options *opts)
{
	int i;

	printf("{\"claims\":%s", opts->claim ? "true" : "false");
	for (i = 0; counters[i].name; i++)
		printf(",\"%s\":%lu", counters[i].name, value(bss, i) - value(old, i));
	printf(",\"p50_us\":%.1f,\"p99_us\":%.1f}\n", latency_us(bss, old, 50),
	       latency_us(bss, old, 99));
	fflush(stdout);
}

/* Run it once. True if it should be loaded again; *failed if it ended by itself. */
static bool run(const struct options *opts, bool *failed)
{
	struct scx_urgent *skel = set_up(opts);
	struct bpf_link *link = SCX_OPS_ATTACH(skel, urgent_ops, scx_urgent);
	u64 exit_unreg = __COMPAT_ENUM_OR_ZERO("scx_exit_kind", "SCX_EXIT_UNREG");
	struct scx_urgent__bss first, last, now;
	bool restart;

	/* While it comes and goes the kernel takes slices, too: not for the statistics. */
	sleep(1);
	first = *skel->bss;
	now = first;
	while (!stop && !UEI_EXITED(skel, uei)) {
		sleep(1);
		last = now;
		now = *skel->bss;
		print_second(&now, &last);
	}
	now = *skel->bss;

	bpf_link__destroy(link);
	restart = UEI_ECODE_RESTART(UEI_REPORT(skel, uei));
	*failed = !restart && skel->data->uei.kind != exit_unreg;
	restart = restart && !stop;
	if (opts->json && !restart)
		print_json(&now, &first, opts);
	scx_urgent__destroy(skel);

	return restart;
}

int main(int argc, char **argv)
{
	struct options opts = { .nice = -10, .slice_us = 20 * 1000, .tries = 4, .claim = true };
	bool failed;

	loader_init();
	parse(&opts, argc, argv);
	check_kernel(&opts);
	while (run(&opts, &failed))
		;

	return failed;
}
