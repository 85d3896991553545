// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: what kicks cost the CPU that makes them, and what becomes of each.
 */
#define _GNU_SOURCE
#include "kickbench.h"

/* What the row needs and this kernel lacks, or NULL */
static const char *lacking(const struct row *row)
{
	static char text[100];

	if (row->prog == skel->progs.kick_task && !__COMPAT_has_ksym("scx_bpf_kick_task"))
		return "left out: this kernel has no scx_bpf_kick_task()";
	if (row->prog == skel->progs.kick_mask && !__COMPAT_has_ksym("scx_bpf_kick_cpumask"))
		return "left out: this kernel has no scx_bpf_kick_cpumask()";
	if (row->kind == WAIT && !opts.wait_works)
		return "left out: here a wait for a busy CPU hangs the machine";
	if (kinds[row->kind].present)
		return NULL;
	snprintf(text, sizeof(text), "left out: this kernel has no %s", kinds[row->kind].name);
	return text;
}

/* Cost of a burst, delays, interrupts, coalesced and lost kicks */
void measure_cost(const struct row *row)
{
	struct samples cost = {}, whole = {}, no_cost = {}, no_whole = {}, net = {};
	bool left_alone = row->kind == IDLE && row->target != IDLE_CPU;
	int cpus[KB_MAX_CPUS], n = target_cpus(row, cpus);
	double kicks = row->target == ALL_CPUS ? n : row->kicks;
	u64 irqs[2][NR_IRQS], served, t, after, claimed = 0, lost = 0;
	struct thread threads[2 * KB_MAX_CPUS];
	struct delays delays = {};
	int i, j, nr_threads = 0;
	bool stop = false;

	if (lacking(row)) {
		report_none(row, "kick", "%s", lacking(row));
		return;
	}

	show_cycles(row->kind == PLAIN || row->kind == WAIT);
	if (row->target == BUSY_CPU || row->target == ALL_CPUS)
		nr_threads = start_victims(threads, cpus, n, &stop);

	for (i = 0; i < opts.reps / 4 + 10; i++) {
		sleep_us(50);
		add_sample(&no_cost, make_burst(row, cpus[0], 0, &t));
		add_sample(&no_whole, t);
	}

	served = sum_served(cpus, n);
	read_irqs(irqs[0]);
	for (i = 0; i < opts.reps; i++) {
		check_alive();
		sleep_us(50);
		settle(threads, nr_threads);
		t = make_burst(row, cpus[0], row->kicks, &after);
		add_sample(&cost, t);
		add_sample(&net, t);
		add_sample(&whole, after);
		claimed += !task_ret;
		/* It had just gone: nobody was kicked. */
		if (task_ret == -ESRCH)
			continue;
		for (j = 0; !left_alone && j < n; j++) {
			if (wait_seen(cpus[j]))
				add_delays(&delays, cpus[j]);
			else
				lost++;
		}
	}
	read_irqs(irqs[1]);
	served = sum_served(cpus, n) - served;
	join_threads(threads, nr_threads, &stop);

	report(row, "kick and clock", &cost, kicks, false);
	subtract(&net, typical(&no_cost));
	subtract(&whole, typical(&no_whole));
	report(row, "kick", &net, kicks, false);
	report(row, "kick and after", &whole, kicks, false);
	for (i = 0; i < NR_IRQS; i++)
		report_one(row, irq_names[i], "per kick",
			   (irqs[1][i] - irqs[0][i]) / kicks / opts.reps);
	if (!left_alone) {
		report_delays(row, &delays);
		if (row->prog == skel->progs.kick_task && row->kicks == 1)
			report_one(row, "claimed", "per kick", (double)claimed / opts.reps);
		report_one(row, "coalesced", "per kick", 1 - served / kicks / opts.reps);
		report_one(row, "lost", "kicks", lost);
	}
	free(no_cost.v);
	free(no_whole.v);
}

static void scenario_clock(void)
{
	struct row row = { "clock", KB_SYSCALL, -1, -1, 0 };
	struct row empty = { "clock", KB_SYSCALL, BUSY_CPU, PLAIN, 0 };
	struct samples s = {};
	u64 whole;
	int i;

	for (i = 0; i < opts.reps; i++)
		add_sample(&s, make_burst(&empty, opts.target, 0, &whole));
	report(&row, "nothing, and clock", &s, 1, false);
}

const struct scenario clock_scenario = {
	.name		= "clock",
	.help		= "reading the clock twice: part of each 'kick and clock'",
	.run		= scenario_clock,
};

static void scenario_cost(void)
{
	static const int bursts[] = { KB_MAX_KICKS, 1 };
	struct row row = { "cost", KB_SYSCALL };
	int i;

	for (i = 0; i < 2; i++) {
		row.kicks = bursts[i];
		for (row.target = IDLE_CPU; row.target <= OWN_CPU; row.target++)
			for (row.kind = PLAIN; row.kind <= WAIT; row.kind++)
				measure_cost(&row);
	}
}

const struct scenario cost_scenario = {
	.name		= "cost",
	.help		= "kicks of an idle, a busy and the own CPU, alone and 64 in a row",
	.run		= scenario_cost,
};

static void scenario_from(void)
{
	struct row row = { "from" };

	for (row.from = KB_NOPREEMPT; row.from < KB_NR_FROM; row.from++) {
		if (row.from == KB_TIMER && !__COMPAT_has_bpf_timers())
			continue;
		row.kind = PREEMPT;
		for (row.target = BUSY_CPU; row.target <= OWN_CPU; row.target++) {
			row.kicks = KB_MAX_KICKS;
			measure_cost(&row);
			row.kicks = 1;
			measure_cost(&row);
		}
		row.target = IDLE_CPU;
		row.kind = IDLE;
		measure_cost(&row);
	}
}

const struct scenario from_scenario = {
	.name		= "from",
	.help		= "kicks with preemption off, from operations and a timer",
	.run		= scenario_from,
};

static void scenario_task(void)
{
	struct row row = { "task", KB_SYSCALL, BUSY_CPU, PLAIN, .prog = skel->progs.kick_task };

	row.kicks = KB_MAX_KICKS;
	measure_cost(&row);
	row.kicks = 1;
	measure_cost(&row);
}

const struct scenario task_scenario = {
	.name		= "task",
	.help		= "kicks of the task that a busy CPU runs",
	.run		= scenario_task,
};

/* A CPU, and then the task that it runs */
static void scenario_lazy(void)
{
	struct row row = { "lazy", KB_SYSCALL, BUSY_CPU, LAZY };
	int i;

	for (i = 0; i < 2; i++) {
		row.kicks = KB_MAX_KICKS;
		measure_cost(&row);
		row.kicks = 1;
		measure_cost(&row);
		row.scenario = "lazy_task";
		row.prog = skel->progs.kick_task;
	}
}

const struct scenario lazy_scenario = {
	.name		= "lazy",
	.help		= "kicks and claims at a busy CPU that are left to its tick",
	.run		= scenario_lazy,
};

static void scenario_round(void)
{
	struct row row = { "round", KB_SYSCALL, ALL_CPUS, PREEMPT, opts.nr_cpus - 1 };

	row.prog = skel->progs.kick_round;
	measure_cost(&row);
}

const struct scenario round_scenario = {
	.name		= "round",
	.help		= "one CPU kicks all others, each once",
	.run		= scenario_round,
};

static void scenario_mask(void)
{
	struct row row = { "mask", KB_SYSCALL, ALL_CPUS, PREEMPT, opts.nr_cpus - 1 };

	row.prog = skel->progs.kick_mask;
	measure_cost(&row);
}

const struct scenario mask_scenario = {
	.name		= "mask",
	.help		= "the same in one call",
	.run		= scenario_mask,
};
