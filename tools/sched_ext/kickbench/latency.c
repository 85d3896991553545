// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: how long it takes from a kick to the victim off its CPU.
 */
#define _GNU_SOURCE
#include "kickbench.h"

/* At random moments of what the target does, and with more samples than the costs have */
static void measure_latency(struct row *row)
{
	struct delays delays = {};
	struct thread threads[2];
	int i, nr_threads = 0;
	bool stop = false;
	u64 after, lost = 0;

	if (opts.exact) {
		report_none(row, "cycle", "could not be taken: under -icount CPUs run in turn");
		return;
	}
	show_cycles(false);
	if (row->target == BUSY_CPU)
		nr_threads = start_victims(threads, &opts.target, 1, &stop);
	for (i = 0; i < 10 * opts.reps; i++) {
		check_alive();
		sleep_us(random_us(50, 500));
		make_burst(row, opts.target, 1, &after);
		if (!wait_seen(opts.target))
			lost++;
		sleep_us(20);
		add_delays(&delays, opts.target);
	}
	join_threads(threads, nr_threads, &stop);
	report_delays(row, &delays);
	report_one(row, "lost", "kicks", lost);
}

static void scenario_latency(void)
{
	struct row busy = { "latency", KB_SYSCALL, BUSY_CPU, PREEMPT, 1 };
	struct row idle = { "latency", KB_SYSCALL, IDLE_CPU, IDLE, 1 };

	measure_latency(&busy);
	measure_latency(&idle);
}

const struct scenario latency_scenario = {
	.name		= "latency",
	.help		= "from a kick to the victim off its CPU",
	.run		= scenario_latency,
};
