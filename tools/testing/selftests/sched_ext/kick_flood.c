// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick_flood: a scheduler that floods the machine with kicks must not take it away from its user.
 * Shell commands come back, the watchdog or sysrq-S gets rid of the scheduler, and nothing of it
 * stays. What the commands took is measured, on any kernel. Each flood ends by itself after the
 * time in which one command at least has to come back, and the next one follows.
 */
#include <linux/perf_event.h>
#include <scx/kick_compat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../kselftest.h"
#include "kick_machine.h"
#include "kick_flood.h"
#include "kick_flood.bpf.skel.h"

#define COMMANDS	21

/* Hard interrupts come before everything else: they leave time for that */
#define CLOCK_NS	500000

enum { LOC, RES, CAL, IWI, SWITCHES, NR_EVENTS };

static const char * const event_names[NR_EVENTS] = { "LOC", "RES", "CAL", "IWI", "switches" };

struct flood {
	const char *name;
	u64 flags;
};

static const struct flood floods[] = {
	{ "kicks, no flags", 0 },
	{ "kicks, IDLE", 1 },
	{ "kicks, PREEMPT", 2 },
	{ "kicks, WAIT", 4 },
	{ "kicks, PREEMPT and WAIT", 6 },
};

static struct kick_flood *skel;
static struct bpf_link **clocks;
static int nr_cpus;

static u64 kicks_made(void)
{
	u64 made = 0;
	int cpu;

	for (cpu = 0; cpu < nr_cpus; cpu++)
		made += skel->bss->kicks[cpu];
	return made;
}

/* What the machine's time goes into: interrupts of all CPUs by kind, and switches of tasks */
static void read_events(u64 *events)
{
	static char line[64 * 1024];
	FILE *file = fopen("/proc/interrupts", "r");
	int i;

	memset(events, 0, NR_EVENTS * sizeof(*events));
	while (file && fgets(line, sizeof(line), file)) {
		char *p = line + strspn(line, " "), *end;

		for (i = 0; i < SWITCHES; i++) {
			if (strncmp(p, event_names[i], 3) || p[3] != ':')
				continue;
			for (p += 4;; p = end) {
				u64 n = strtoull(p, &end, 10);

				if (end == p)
					break;
				events[i] += n;
			}
			break;
		}
	}
	if (file)
		fclose(file);
	file = fopen("/proc/stat", "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "ctxt %llu", (unsigned long long *)&events[SWITCHES]);
	if (file)
		fclose(file);
}

static u64 time_command(void)
{
	u64 start = now_ns();

	return system("echo > /dev/null") ? 0 : ns_since(start) ?: 1;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return (x > y) - (x < y);
}

/* Returns false if no command comes back before @end */
static bool measure(const char *name, u64 end)
{
	u64 times[COMMANDS], before[NR_EVENTS], after[NR_EVENTS], kicks = kicks_made();
	u64 start = now_ns(), now = start;
	int n, i;

	read_events(before);
	for (n = 0; n < COMMANDS && now < end; n++) {
		times[n] = time_command();
		now = now_ns();
		if (!times[n] || now > end)
			break;
	}
	read_events(after);
	kicks = kicks_made() - kicks;
	qsort(times, n, sizeof(times[0]), compare);
	if (n)
		ksft_print_msg("%-24s %10.2f ms %10.2f ms", name, times[n / 2] / 1e6,
			       times[n - 1] / 1e6);
	else
		ksft_print_msg("%-24s %13s %11.0f s", name, "none in", (now - start) / 1e9);
	printf(" %10.0f", kicks * 1e9 / (now - start));
	for (i = 0; i < NR_EVENTS; i++)
		printf(" %9.0f", (after[i] - before[i]) * 1e9 / (now - start));
	printf("\n");
	if (n && n < COMMANDS)
		ksft_print_msg("%-24s only %d commands came back in %.0f s\n", name, n,
			       (now - start) / 1e9);
	return n;
}

static bool start_clock(int cpu)
{
	int fd = open_event(cpu, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, CLOCK_NS);

	if (fd >= 0)
		clocks[cpu] = bpf_program__attach_perf_event(skel->progs.flood_clock, fd);
	return clocks[cpu];
}

static bool start_flood(const struct flood *what, u64 end)
{
	bool timers = bpf_program__autoload(skel->progs.flood_start);
	struct flood_start_args args;
	bool ok = true;

	skel->bss->flags = what->flags;
	skel->bss->until = end;
	skel->bss->rounds = 16;
	for (args.cpu = 0; !timers && args.cpu < (u32)nr_cpus; args.cpu++)
		ok = (clocks[args.cpu] || start_clock(args.cpu)) && ok;
	for (args.cpu = 0; timers && args.cpu < (u32)nr_cpus; args.cpu++)
		ok = go_to(args.cpu) &&
		     run_program(skel->progs.flood_start, &args, sizeof(args)) && ok;
	return go_anywhere(0) && ok;
}

/* Each flood with a scheduler of its own, which sysrq-S ends, mostly while the flood goes on */
static bool survive(const struct flood *what)
{
	struct bpf_link *link = bpf_map__attach_struct_ops(skel->maps.kick_flood_ops);
	struct user_exit_info *uei = &skel->data->uei;
	u64 end = lost_at();
	bool ok;

	if (!link)
		return false;
	uei->kind = 0;
	ok = start_flood(what, end) && measure(what->name, end);
	if (shared(uei->kind)) {
		ksft_print_msg("meanwhile the scheduler has ended: %s: %s\n", uei->reason,
			       uei->msg);
		ok = strstr(uei->reason, "stall") && ok;
	} else {
		ok = press_sysrq("S") && ok;
	}
	if (!WAIT_FOR(no_scheduler())) {
		ksft_print_msg("sysrq-S does not end the scheduler\n");
		ok = false;
	}
	skel->bss->rounds = 0;
	bpf_link__destroy(link);
	return ok;
}

int main(void)
{
	struct bpf_link *link;
	bool ok;
	u32 i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	nr_cpus = libbpf_num_possible_cpus();
	skel = kick_flood__open();
	if (!skel)
		ksft_exit_fail_msg("the BPF programs can't be opened\n");
	SCX_ENUM_INIT(skel);
	skel->rodata->nr_cpus = nr_cpus;
	bpf_program__set_autoload(skel->progs.flood_start, __COMPAT_has_bpf_timers());
	bpf_program__set_autoload(skel->progs.flood_clock, !__COMPAT_has_bpf_timers());
	clocks = calloc(nr_cpus, sizeof(*clocks));
	if (!clocks || kick_flood__load(skel))
		ksft_exit_fail_msg("the BPF programs can't be loaded here\n");
	ksft_set_plan(1);

	ksft_print_msg("%-24s %13s %13s %10s", "a shell command with", "median", "longest",
		       "kicks/s");
	for (i = 0; i < NR_EVENTS; i++)
		printf(" %7s/s", event_names[i]);
	printf("\n");
	ok = measure("no scheduler", lost_at());
	link = bpf_map__attach_struct_ops(skel->maps.kick_flood_ops);
	if (!link)
		ksft_exit_fail_msg("the scheduler can't be attached\n");
	ok = measure("a scheduler, no kicks", lost_at()) && ok;
	bpf_link__destroy(link);
	for (i = 0; i < ARRAY_SIZE(floods); i++)
		ok = survive(&floods[i]) && ok;
	ok = measure("the scheduler gone", lost_at()) && ok;
	ksft_test_result(ok, "kick_flood\n");
	for (i = 0; i < (u32)nr_cpus; i++)
		bpf_link__destroy(clocks[i]);
	kick_flood__destroy(skel);
	ksft_finished();
}
