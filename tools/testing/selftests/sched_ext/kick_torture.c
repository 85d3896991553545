// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick_torture: kicks of every kind from every context at random, faults around them, and an
 * account of each kick. The kernel's half, and how a lost kick is found, is in kick_torture.bpf.c.
 */
#include <bpf/btf.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <scx/kick_compat.h>
#include "kick_torture_user.h"

#define TIMER_NS	1000000

static const char usage[] =
"Kick CPUs at random while faults go on, and account for each kick.\n"
"\n"
"Usage: %s [OPTION]...\n"
"\n"
"  -t SECS     how long (60)\n"
"  -n KICKS    end as soon as so many were made and not dropped\n"
"  -s SEED     of all that is chosen at random (1)\n"
"  -f FAULTS   those named, by commas, or none (all)\n"
"  -x FAULTS   all but those named\n"
"  -c CONTEXTS that kick (all)\n"
"  -k KINDS    of kicks (all)\n"
"  -i N        operations and events make a kick one time in N (16)\n"
"  -b KICKS    the most that a task makes in a row (2048)\n"
"  -w N        sets of tasks for each CPU (1)\n"
"  -p LEVEL    of suspend: s2idle, or one of /sys/power/pm_test (freezer)\n"
"  -v          all of the books, not only what was made\n"
"\n"
"What has not come after 30 s, or KICK_LOST_SECS of the environment, is lost. It ends with one line,\n"
"and with status 0 if nothing was lost. Faults:\n";

/* How often each kind is chosen */
static const int kind_weights[TORTURE_NR_KINDS] = {
	[TORTURE_PLAIN]		= 8,
	[TORTURE_KIND_IDLE]	= 8,
	[TORTURE_PREEMPT]	= 8,
	[TORTURE_WAIT]		= 4,
	[TORTURE_PREEMPT_WAIT]	= 4,
	[TORTURE_MASK]		= 4,
	[TORTURE_MASK_IDLE]	= 4,
	[TORTURE_KIND_TASK]	= 4,
	[TORTURE_LAZY]		= 4,
	[TORTURE_LAZY_TASK]	= 4,
	[TORTURE_CURR]		= 4,
	[TORTURE_CURR_IDLE]	= 4,
	[TORTURE_IDLE_NR]	= 4,
};

static u64 contexts_on = -1ULL, kinds_on = -1ULL, faults_on = -1ULL;
static u32 one_in = 16;
static bool has_subs;

static struct bpf_link *links[128];
static int nr_links;
static volatile sig_atomic_t interrupted;

/*
 * Options
 */

static void print_usage(FILE *file, const char *name)
{
	int i;

	fprintf(file, usage, name);
	for (i = 0; i < nr_faults; i++)
		fprintf(file, "  %-11s %s\n", faults[i].name, faults[i].what);
}

/* @stride bytes lie between the pointers to @names */
static int find_name(const char *name, const char * const *names, size_t stride, int nr)
{
	const char *at = (const char *)names;
	int i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(name, *(const char * const *)(at + i * stride)))
			return i;
	}
	fprintf(stderr, "'%s' is none of:", name);
	for (i = 0; i < nr; i++)
		fprintf(stderr, " %s", *(const char * const *)(at + i * stride));
	fputc('\n', stderr);
	exit(2);
}

/* The bits of the names in @list, which go by commas */
static u64 parse_list(char *list, const char * const *names, size_t stride, int nr)
{
	u64 set = 0;
	char *name;

	if (!strcmp(list, "none"))
		return 0;
	for (name = strtok(list, ","); name; name = strtok(NULL, ","))
		set |= 1ULL << find_name(name, names, stride, nr);
	return set;
}

static u64 parse_faults(char *list)
{
	return parse_list(list, (const char * const *)&faults[0].name, sizeof(faults[0]),
			  nr_faults);
}

static u64 parse_number(const char *arg, u64 min)
{
	char *end;
	u64 n = strtoull(arg, &end, 0);

	if (!*arg || *end || n < min) {
		fprintf(stderr, "'%s' is not a number from %lu\n", arg, min);
		exit(2);
	}
	return n;
}

static void parse(int opt, char *arg)
{
	switch (opt) {
	case 't':
		opts.secs = parse_number(arg, 1);
		break;
	case 'n':
		opts.kicks = parse_number(arg, 1);
		break;
	case 's':
		opts.seed = parse_number(arg, 0);
		break;
	case 'f':
		faults_on = parse_faults(arg);
		break;
	case 'x':
		faults_on &= ~parse_faults(arg);
		break;
	case 'c':
		contexts_on = parse_list(arg, context_names, sizeof(char *), TORTURE_NR_CONTEXTS);
		break;
	case 'k':
		kinds_on = parse_list(arg, kind_names, sizeof(char *), TORTURE_NR_KINDS);
		break;
	case 'i':
		one_in = parse_number(arg, 1);
		break;
	case 'b':
		opts.burst = parse_number(arg, 1);
		break;
	case 'w':
		opts.sets = parse_number(arg, 1);
		break;
	case 'p':
		opts.suspend = arg;
		break;
	case 'v':
		opts.verbose = true;
		break;
	}
}

static void parse_all(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "t:n:s:f:x:c:k:i:b:w:p:vh")) != -1) {
		if (opt == 'h' || opt == '?') {
			print_usage(opt == 'h' ? stdout : stderr, argv[0]);
			exit(opt == 'h' ? 0 : 2);
		}
		parse(opt, optarg);
	}
}

/*
 * The programs
 */

/* Of the schedulers by cid: not of the one by CPU */
static bool is_of_subs(const struct bpf_program *prog)
{
	return !strncmp(bpf_program__name(prog), "sub_", 4);
}

/* What a program of this section attaches to, and is called */
static bool kernel_has(const struct btf *btf, const char *section)
{
	const char *point = strchr(section, '/') + 1;
	cpu_set_t set;
	char type[64];

	/* The way to user space is traced only there */
	if (!strcmp(point, "user_enter") && !tickless(&set))
		return false;

	if (strncmp(section, "tp_btf", 6))
		return btf__find_by_name_kind(btf, point, BTF_KIND_FUNC) > 0;
	snprintf(type, sizeof(type), "btf_trace_%s", point);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

static void fit_pick_only(void)
{
	skel->rodata->pick_only = true;
	bpf_program__set_attach_target(skel->progs.torture_cycle_scx, 0, "pick_task_stop");
	bpf_program__set_attach_target(skel->progs.torture_bypass_begin, 0, "scx_bypass");
	bpf_program__set_attach_target(skel->progs.torture_bypass_end, 0, "scx_bypass");
	bpf_program__set_autoload(skel->progs.torture_cycle_stop, false);
	bpf_program__set_autoload(skel->progs.torture_cycle_dl, false);
	bpf_program__set_autoload(skel->progs.torture_cycle_rt, false);
	bpf_program__set_autoload(skel->progs.torture_cycle_fair, false);
}

/* Their parts are loaded by open_subs() */
static void fit_subs(const struct btf *btf)
{
	has_subs = knows_subs(btf);
	if (cid_ops(skel))
		bpf_map__set_autocreate(cid_ops(skel), false);
}

static void fit_kernel(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct bpf_program *prog;
	u64 lazy;

	if (__COMPAT_has_bpf_timers()) {
		bpf_program__set_autoload(skel->progs.torture_start_timer, true);
	} else {
		fprintf(stderr, "# without timers\n");
		contexts_on &= ~(1ULL << TORTURE_TIMER);
	}
	bpf_object__for_each_program(prog, skel->obj) {
		const char *section = bpf_program__section_name(prog);

		/* Those that are optional are not loaded if nothing else is said */
		if (is_of_subs(prog))
			bpf_program__set_autoload(prog, false);
		if (bpf_program__autoload(prog) || is_of_subs(prog) ||
		    prog == skel->progs.torture_start_timer)
			continue;
		if (kernel_has(btf, section))
			bpf_program__set_autoload(prog, true);
		else
			fprintf(stderr, "# without %s\n", section);
	}
	if (btf__find_by_name_kind(btf, "scx_bpf_kick_cpumask", BTF_KIND_FUNC) < 0)
		kinds_on &= ~(1ULL << TORTURE_MASK | 1ULL << TORTURE_MASK_IDLE);
	if (btf__find_by_name_kind(btf, "scx_bpf_kick_task", BTF_KIND_FUNC) < 0)
		kinds_on &= ~(1ULL << TORTURE_KIND_TASK | 1ULL << TORTURE_LAZY_TASK);
	if (btf__find_by_name_kind(btf, "scx_bpf_kick_curr", BTF_KIND_FUNC) < 0)
		kinds_on &= ~(1ULL << TORTURE_CURR | 1ULL << TORTURE_CURR_IDLE);
	if (btf__find_by_name_kind(btf, "scx_bpf_kick_idle", BTF_KIND_FUNC) < 0)
		kinds_on &= ~(1ULL << TORTURE_IDLE_NR);
	if (!__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY", &lazy))
		kinds_on &= ~(1ULL << TORTURE_LAZY | 1ULL << TORTURE_LAZY_TASK);
	if (btf__find_by_name_kind(btf, "balance_scx", BTF_KIND_FUNC) < 0)
		fit_pick_only();
	fit_subs(btf);
	btf__free(btf);
}

static bool attach_programs(struct kick_torture *sched)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, sched->obj) {
		if (bpf_program__type(prog) != BPF_PROG_TYPE_TRACING ||
		    !bpf_program__autoload(prog))
			continue;
		links[nr_links] = bpf_program__attach(prog);
		if (!links[nr_links++])
			return false;
	}
	return true;
}

static void fill_choices(void)
{
	int left = 0, kind = -1, i;

	for (i = 0; i < TORTURE_NR_CHOICES; i++) {
		while (!left) {
			kind = (kind + 1) % TORTURE_NR_KINDS;
			left = kinds_on & 1ULL << kind ? kind_weights[kind] : 0;
		}
		orders->choices[i] = kind;
		left--;
	}
}

/* The first set of CPUs is empty, the last has all */
static void fill_mask(int i)
{
	u64 random = seed_of(SEED_MASKS + i);
	int cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if ((int)(next_random(&random) % (TORTURE_NR_MASKS - 1)) < i)
			skel->bss->mask_bits[i][cpu / 64] |= 1ULL << cpu % 64;
	}
}

static void give_orders(void)
{
	int cpu, i;

	orders->contexts = contexts_on;
	orders->one_in = one_in;
	orders->timer_ns = TIMER_NS;
	fill_choices();
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		for (i = 0; i < TORTURE_NR_CONTEXTS; i++)
			cpus[cpu].random[i] = seed_of(SEED_CPUS + (cpu << 8 | i));
	}
	for (i = 0; i < TORTURE_NR_MASKS; i++)
		fill_mask(i);
	for (i = 0; i < nr_faults; i++)
		faults[i].on = faults_on & 1ULL << i;
}

/* With faults that need them: they take a while to load */
static bool set_up_subs(void)
{
	char name[] = "sub";
	u64 cgroup = has_subs && faults_on & parse_faults(name) ? sub_cgroup() : 0;

	return !cgroup || (open_subs(cgroup) && attach_programs(parent) && attach_programs(sub));
}

static bool set_up(void)
{
	int cpu;

	nr_cpus = libbpf_num_possible_cpus();
	skel = kick_torture__open();
	if (!skel || nr_cpus > TORTURE_NR_CPUS)
		return false;
	SCX_ENUM_INIT(skel);
	skel->rodata->nr_cpus = nr_cpus;
	fit_kernel();
	if (!kinds_on || kick_torture__load(skel))
		return false;
	cpus = skel->bss->cpus;
	orders = &skel->bss->orders;
	skel->bss->grace = 1;
	give_orders();
	open_books();
	if (!prepare_tasks() || !run_program(skel->progs.torture_make_masks, NULL, 0) ||
	    !set_up_subs() || !attach_programs(skel))
		return false;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (!is_online(cpu))
			continue;
		cpus[cpu].watched = 1;
		watch(cpu);
	}
	return !failed();
}

static void end_programs(void)
{
	int i;

	for (i = 0; i < nr_cpus; i++)
		unwatch(i);
	for (i = 0; i < nr_links; i++)
		bpf_link__destroy(links[i]);
	close_subs();
	kick_torture__destroy(skel);
}

/*
 * The run
 */

/* Grace periods and tasks go on, and so does the scheduler */
static void check_alive(u64 *random)
{
	static u64 grace_then, then;
	int cpu;

	if (skel->bss->grace != grace_then || !then) {
		grace_then = skel->bss->grace;
		then = now_ns();
	}
	for (cpu = 0; cpu < nr_cpus && ns_since(then) > lost_secs() * NSEC_PER_SEC; cpu++) {
		if (cpus[cpu].watched && cpus[cpu].passed != grace_then)
			fail("CPU %d took no interrupt outside of a kick for %lu s", cpu,
			     lost_secs());
	}
	check_workers();
	revive(random);
}

static void progress(u64 start, const struct books *b)
{
	static u64 last;

	if (ns_since(last) < 10 * NSEC_PER_SEC)
		return;
	last = now_ns();
	fprintf(stderr, "# %3.0f s: %lu kicks, %lu dropped, %lu cycles\n", ns_since(start) / 1e9,
		b->made, b->dropped, b->cycles);
}

static void run(u64 start)
{
	u64 random = seed_of(SEED_RUN), end = start + opts.secs * NSEC_PER_SEC;
	struct books b;
	int cpu;

	do {
		usleep(50000);
		for (cpu = 0; cpu < nr_cpus; cpu++)
			cpus[cpu].alone = !(next_random(&random) & 3);
		check_lost();
		check_alive(&random);
		add_up(&b);
		progress(start, &b);
	} while (!interrupted && !failed() && now_ns() < end &&
		 (!opts.kicks || b.made - b.dropped < opts.kicks));
}

/* Returns false if some threads go on */
static bool finish(void)
{
	if (!end_faults())
		return false;
	orders->stop = 1;
	if (!end_workers())
		return false;
	if (!failed())
		wait_for_rest("with the scheduler loaded");
	unload(SIGTERM);
	if (!failed())
		wait_for_rest("with the scheduler gone");
	return true;
}

static void on_signal(int signal)
{
	interrupted = 1;
}

int main(int argc, char **argv)
{
	u64 start, ns, random;
	bool ended;
	int code;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse_all(argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (!set_up()) {
		fprintf(stderr, "kick_torture: FAILED: its BPF programs can't be loaded here\n");
		return 1;
	}
	/*
	 * In control whatever the scheduler does to the others. Not before: with PREEMPT_RT a
	 * thread of low priority brings the memory for the programs' masks
	 */
	be(SCHED_FIFO | SCHED_RESET_ON_FORK, 50);

	/* Waits are long on a busy virtual machine: tell of those that are too long there */
	put("/sys/module/sched_ext/parameters/kick_wait_warn_ms", "2000");
	random = seed_of(SEED_RUN + 1);
	load(&random);
	start = now_ns();
	if (start_workers() && start_faults())
		run(start);
	ns = ns_since(start);
	ended = finish();
	code = close_books(ns);
	if (ended)
		end_programs();
	return code;
}
