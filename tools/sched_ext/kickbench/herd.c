// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: all CPUs kick one.
 */
#define _GNU_SOURCE
#include "kickbench.h"

static void *herd_fn(void *arg)
{
	struct thread *t = arg;
	struct kb_args args = {
		.target = opts.target, .kicks = KB_MAX_KICKS, .rounds = 16,
		.flags = kinds[PREEMPT].flags,
	};

	while (!READ_ONCE(*t->stop)) {
		run_prog(skel->progs.kick_storm, &args, sizeof(args));
		add_sample(t->arg, args.end - args.start);
		WRITE_ONCE(t->work, t->work + args.kicks * args.rounds);
		relax();
	}
	return NULL;
}

static u64 sum_work(struct thread *threads, int n)
{
	u64 sum = 0;

	while (n--)
		sum += READ_ONCE(threads[n].work);
	return sum;
}

/* From the first kick of any CPU after the last time a task went off the target */
static void report_herd_delays(const struct row *row)
{
	const struct kb_herd *herd = &skel->bss->herd;
	struct samples off = {}, run = {};
	u64 i;

	for (i = 0; i < herd->nr && i < KB_MAX_SAMPLES; i++) {
		add_sample(&off, herd->off[i]);
		add_sample(&run, herd->run[i]);
	}
	report(row, "victim off CPU", &off, 1, true);
	report(row, "next task on CPU", &run, 1, true);
}

static void scenario_herd(void)
{
	struct row row = { "herd", KB_SYSCALL, BUSY_CPU, PREEMPT, KB_MAX_KICKS };
	struct samples cost[KB_MAX_CPUS] = {}, all = {};
	struct thread threads[KB_MAX_CPUS], victims[2];
	bool stop = false, stop_victims = false;
	u64 irqs[2][NR_IRQS], start, kicks, served, lost;
	int cpu, i, n = 0;
	double elapsed;
	size_t j;

	show_cycles(false);
	set_policy(SCHED_OTHER);
	start_victims(victims, &opts.target, 1, &stop_victims);
	skel->bss->herd.cpu = opts.target;
	for (cpu = 0; cpu < opts.nr_cpus; cpu++) {
		if (cpu == opts.target)
			continue;
		threads[n].arg = &cost[n];
		start_thread(&threads[n++], cpu, herd_fn, &stop);
	}
	wait_running(threads, n);

	read_irqs(irqs[0]);
	served = READ_ONCE(kb_cpu(opts.target)->served);
	kicks = sum_work(threads, n);
	start = now_ns();
	sleep_us(opts.secs * 1e6);
	kicks = sum_work(threads, n) - kicks;
	elapsed = now_ns() - start;
	served = READ_ONCE(kb_cpu(opts.target)->served) - served;
	read_irqs(irqs[1]);

	join_threads(threads, n, &stop);
	set_policy(SCHED_EXT);
	lost = !wait_seen(opts.target);
	join_threads(victims, 2, &stop_victims);

	for (i = 0; i < n; i++) {
		for (j = 0; j < cost[i].n; j++)
			add_sample(&all, cost[i].v[j]);
		free(cost[i].v);
	}
	report(&row, "kick and clock", &all, KB_MAX_KICKS, false);
	report_one(&row, "rate", opts.exact ? "kicks/Ginsn" : "kicks/s", kicks * 1e9 / elapsed);
	for (i = 0; i < NR_IRQS; i++)
		report_one(&row, irq_names[i], "per kick",
			   kicks ? (double)(irqs[1][i] - irqs[0][i]) / kicks : 0);
	report_one(&row, "coalesced", "per kick", kicks ? 1 - (double)served / kicks : 0);
	if (!opts.exact)
		report_herd_delays(&row);
	report_one(&row, "lost", "kicks", lost);
}

const struct scenario herd_scenario = {
	.name		= "herd",
	.help		= "all CPUs kick one",
	.run		= scenario_herd,
};
