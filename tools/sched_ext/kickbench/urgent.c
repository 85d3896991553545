// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: the application's view: a task that has to run at once while all CPUs are busy.
 */
#define _GNU_SOURCE
#include "kickbench.h"

struct urgent {
	struct samples	to_running;
	struct samples	to_user;
	struct samples	lost;
	struct gaps	*gaps;			/* of what else runs on each CPU */
};

static void run_anywhere(void)
{
	size_t size = CPU_ALLOC_SIZE(KB_MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(KB_MAX_CPUS);
	int cpu;

	CPU_ZERO_S(size, set);
	for (cpu = 0; cpu < opts.nr_cpus; cpu++)
		CPU_SET_S(cpu, size, set);
	if (sched_setaffinity(0, size, set))
		die("can't run on all CPUs: %s", strerror(errno));
	CPU_FREE(set);
}

static void *urgent_fn(void *arg)
{
	struct thread *t = arg;
	struct urgent *u = t->arg;
	struct kb_urgent *kb = &skel->bss->urgent;
	u64 start = 0, end = 0;

	run_anywhere();
	kb->nr_cpus = opts.nr_cpus;
	WRITE_ONCE(kb->pid, t->pid);
	while (!READ_ONCE(*t->stop)) {
		u64 kicks = READ_ONCE(kb->kicks);
		int cpu = sched_getcpu();
		struct gap *gap;

		sleep_us(random_us(500, 3000));
		/* The task that went on with its work after this one's turn has noticed by now. */
		gap = find_gap(&u->gaps[cpu], start, end);
		if (end && gap)
			add_sample(&u->lost, gap->to - gap->from - (end - start));

		start = now_ns();
		end = 0;
		/* The sleep was over at once. */
		if (READ_ONCE(kb->kicks) == kicks)
			continue;
		add_sample(&u->to_running, READ_ONCE(kb->run_at) - READ_ONCE(kb->woken_at));
		add_sample(&u->to_user, start - READ_ONCE(kb->woken_at));
		while (end < start + 50000)
			end = now_ns();
	}
	WRITE_ONCE(kb->pid, 0);
	return NULL;
}

static void scenario_urgent(void)
{
	struct row row = { "urgent", KB_ENQUEUE, BUSY_CPU, PREEMPT, 1 };
	struct urgent u = { .gaps = calloc(opts.nr_cpus, sizeof(*u.gaps)) };
	struct thread threads[KB_MAX_CPUS], thread = { .arg = &u };
	bool stop = false, stop_urgent = false;
	int i;

	if (opts.exact) {
		report_none(&row, "wake-up to CPU",
			    "could not be taken: under -icount CPUs run in turn");
		return;
	}
	if (!u.gaps)
		die("no memory for %d CPUs", opts.nr_cpus);
	show_cycles(false);
	set_policy(SCHED_OTHER);
	for (i = 0; i < opts.nr_cpus; i++) {
		threads[i].arg = &u.gaps[i];
		start_thread(&threads[i], i, gap_fn, &stop);
	}
	wait_running(threads, opts.nr_cpus);
	start_thread(&thread, opts.target, urgent_fn, &stop_urgent);
	for (i = 0; i < 10; i++) {
		check_alive();
		sleep_us(opts.secs * 1e6 / 10);
	}
	join_threads(&thread, 1, &stop_urgent);
	join_threads(threads, opts.nr_cpus, &stop);
	set_policy(SCHED_EXT);
	report(&row, "wake-up to CPU", &u.to_running, 1, true);
	report(&row, "wake-up to user", &u.to_user, 1, true);
	report(&row, "lost per preemption", &u.lost, 1, true);
	free(u.gaps);
}

const struct scenario urgent_scenario = {
	.name		= "urgent",
	.help		= "a task that has to run at once on a busy machine",
	.run		= scenario_urgent,
};
