// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench - measure kicks
 *
 * The loader of scx_kickbench.bpf.c. It uses nothing but the public interface of sched_ext, so
 * one binary measures any kernel that has scx_bpf_kick_cpu(). What it measures is in kickbench/,
 * a file for each group of scenarios.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include "kickbench/kickbench.h"

struct settings opts = { .reps = 200, .secs = 1, .kicker = -1, .target = -1, .unit = "ns" };
struct scx_kickbench *skel;

static struct bpf_link *ops_link;

/* In the order in which they run */
static const struct scenario * const scenarios[] = {
	&cycle_scenario,
	&clock_scenario,
	&ipi_scenario,
	&cost_scenario,
	&from_scenario,
	&task_scenario,
	&lazy_scenario,
	&round_scenario,
	&mask_scenario,
	&herd_scenario,
	&latency_scenario,
	&urgent_scenario,
};

#define NR_SCENARIOS	ARRAY_SIZE(scenarios)

static const char help[] =
"Measure kicks: what they cost, how fast they arrive, what they interrupt.\n"
"\n"
"Usage: %s [OPTION...]\n"
"\n"
"  -s, --scenario=LIST    Run these scenarios only, see below\n"
"  -n, --count=COUNT      Measure each figure COUNT times (default 200)\n"
"  -d, --seconds=SECONDS  Length of what is measured over time (default 1)\n"
"  -k, --kicker=CPU       CPU that kicks (default 1, or 0 of 2 CPUs)\n"
"  -t, --target=CPU       CPU that is kicked (default 2, or 1 of 2 CPUs)\n"
"  -i, --instructions     The clock counts instructions (QEMU's -icount shift=0)\n"
"  -w, --wait             Kick with SCX_KICK_WAIT even where that may hang the machine\n"
"  -T, --tsv              One line a figure, tabs between the columns\n"
"  -j, --json             The same as one JSON document\n"
"  -v, --verbose          Print libbpf's debug messages\n"
"  -h, --help             Print this help\n"
"\n"
"Scenarios, all by default:\n";

void check_alive(void)
{
	if (ops_link && UEI_EXITED(skel, uei)) {
		UEI_REPORT(skel, uei);
		die("the BPF scheduler has gone");
	}
	if (loader_stop)
		die("interrupted");
}

static void print_help(void)
{
	int i;

	printf(help, program_invocation_short_name);
	for (i = 0; i < NR_SCENARIOS; i++)
		printf("  %-10s %s\n", scenarios[i]->name, scenarios[i]->help);
}

static int find_scenario(const char *name)
{
	int i;

	for (i = 0; i < NR_SCENARIOS; i++)
		if (!strcmp(name, scenarios[i]->name))
			return i;
	misuse("no scenario is called %s, see --help", name);
}

/* Without a list all scenarios are wanted */
static void parse(int argc, char **argv, bool *wanted)
{
	static const struct option long_opts[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 'd' },
		{ "kicker", required_argument, NULL, 'k' },
		{ "target", required_argument, NULL, 't' },
		{ "instructions", no_argument, NULL, 'i' },
		{ "wait", no_argument, NULL, 'w' },
		{ "tsv", no_argument, NULL, 'T' },
		LOADER_JSON, LOADER_VERBOSE, LOADER_HELP, {}
	};
	int opt, i, nr_wanted = 0;
	char *name;

	while ((opt = getopt_long(argc, argv, "s:n:d:k:t:iwT" LOADER_OPTS, long_opts,
				  NULL)) != -1) {
		switch (opt) {
		case 's':
			for (name = strtok(optarg, ","); name; name = strtok(NULL, ",")) {
				wanted[find_scenario(name)] = true;
				nr_wanted++;
			}
			if (!nr_wanted)
				misuse("--scenario: a name is wanted, see --help");
			break;
		case 'n':
			opts.reps = loader_number(opt, optarg, 1, 1000000);
			break;
		case 'd':
			opts.secs = loader_real(opt, optarg, 0.001, 3600);
			break;
		case 'k':
			opts.kicker = loader_number(opt, optarg, 0, opts.nr_cpus - 1);
			break;
		case 't':
			opts.target = loader_number(opt, optarg, 0, opts.nr_cpus - 1);
			break;
		case 'i':
			opts.unit = "instructions";
			opts.exact = true;
			break;
		case 'w':
			opts.wait_works = true;
			break;
		case 'T':
			opts.tsv = true;
			break;
		case 'h':
			print_help();
			exit(0);
		default:
			loader_option(opt, help);
		}
	}
	loader_options_only(argc, argv);
	for (i = 0; i < NR_SCENARIOS; i++)
		wanted[i] |= !nr_wanted;
}

static void check_options(void)
{
	if (opts.nr_cpus < 2 || opts.nr_cpus > KB_MAX_CPUS)
		die("%d CPUs are online, 2 to %d can be measured", opts.nr_cpus, KB_MAX_CPUS);
	if (opts.kicker < 0)
		opts.kicker = opts.target == 1 ? 0 : opts.nr_cpus > 2;
	if (opts.target < 0)
		opts.target = (opts.kicker + 1) % opts.nr_cpus;
	if (opts.kicker == opts.target)
		misuse("CPU %d cannot be kicker and target", opts.kicker);
}

/* The shortest of several runs of a loop */
static u64 time_loop(int n)
{
	u64 best = ~0ULL, start, t;
	volatile int i;
	int j;

	for (j = 0; j < 20; j++) {
		start = now_ns();
		for (i = 0; i < n; i++)
			;
		t = now_ns() - start;
		if (t < best)
			best = t;
	}
	return best;
}

/* Then a loop takes a whole number for each time round. The kernel scales the clock: 1 off. */
static void check_clock(void)
{
	u64 more = time_loop(2000) - time_loop(1000), again = time_loop(3000) - time_loop(2000);

	if (more + 1 < again || again + 1 < more || (more + 1) % 1000 > 2)
		die("--instructions: this clock does not count them, QEMU's -icount shift=0 does");
}

static void check_kernel(void)
{
	char state[32] = "";
	FILE *file = fopen("/sys/kernel/sched_ext/state", "r");

	if (!file)
		die("this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)");
	if (fscanf(file, "%31s", state) != 1 || strcmp(state, "disabled"))
		die("a BPF scheduler is already loaded: sched_ext is %s", state);
	fclose(file);
	if (geteuid())
		die("only root can load a BPF scheduler");
}

static void load(void)
{
	skel = SCX_OPS_OPEN(kickbench_ops, scx_kickbench);
	bpf_program__set_autoload(skel->progs.start_timer, __COMPAT_has_bpf_timers());
	SCX_OPS_LOAD(skel, kickbench_ops, scx_kickbench, uei);
	ops_link = SCX_OPS_ATTACH(skel, kickbench_ops, scx_kickbench);
}

int main(int argc, char **argv)
{
	bool wanted[NR_SCENARIOS] = {};
	int i;

	atexit(end_output);
	loader_init();
	opts.nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	parse(argc, argv, wanted);
	check_options();

	check_kernel();
	if (opts.exact)
		check_clock();
	for (i = IDLE; i < NR_KINDS; i++)
		kinds[i].present = __COMPAT_read_enum("scx_kick_flags", kinds[i].name,
						      &kinds[i].flags);

	/* Kernels without it spin with interrupts off, for a CPU that may never let them go. */
	if (__COMPAT_has_ksym("scx_bpf_kick_task"))
		opts.wait_works = true;

	for (i = 0; i < NR_SCENARIOS; i++)
		if (wanted[i] && scenarios[i]->run_unloaded)
			scenarios[i]->run_unloaded();

	load();
	pin(opts.kicker);
	set_policy(SCHED_EXT);
	burst()->cpu = opts.kicker;
	burst()->pid = syscall(SYS_gettid);

	for (i = 0; i < NR_SCENARIOS; i++)
		if (wanted[i])
			scenarios[i]->run();
	set_policy(SCHED_OTHER);
	check_alive();
	bpf_link__destroy(ops_link);
	scx_kickbench__destroy(skel);
	return 0;
}
