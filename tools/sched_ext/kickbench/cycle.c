// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: the scheduling cycle, with nobody kicking.
 */
#define _GNU_SOURCE
#include "kickbench.h"

struct pong {
	int	in;
	int	out;
	int	policy;
};

static void *pong_fn(void *arg)
{
	struct pong *pong = arg;
	char c;

	pin(opts.kicker);
	set_policy(pong->policy);
	while (read(pong->in, &c, 1) == 1)
		if (write(pong->out, &c, 1) != 1)
			break;
	return NULL;
}

/* Two tasks on one CPU wake each other: what one switch from task to task costs */
static void measure_cycle(const char *measure, int policy)
{
	struct row row = { "cycle", 0, OWN_CPU, -1, -1 };
	struct samples s = {};
	struct pong pong = { .policy = policy };
	int there[2], back[2], i, j;
	double per_second;
	pthread_t thread;
	char c = 0;

	if (pipe(there) || pipe(back))
		die("can't make a pipe: %s", strerror(errno));
	pong.in = there[0];
	pong.out = back[1];
	pin(opts.kicker);
	set_policy(policy);
	if (pthread_create(&thread, NULL, pong_fn, &pong))
		die("can't create a thread");
	for (i = 0; i < 4 * opts.reps; i++) {
		u64 start;

		check_alive();
		start = now_ns();
		for (j = 0; j < 25; j++)
			if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
				die("can't use a pipe: %s", strerror(errno));
		/* The first ones find the other task on its way. */
		if (i >= opts.reps / 10)
			add_sample(&s, now_ns() - start);
	}
	close(there[1]);
	pthread_join(thread, NULL);
	close(there[0]);
	close(back[0]);
	close(back[1]);
	per_second = 50.0 * NSEC_PER_SEC / typical(&s);
	report(&row, measure, &s, 50, false);
	if (!opts.exact)
		report_one(&row, measure, "per second", per_second);
}

static void scenario_cycle(void)
{
	measure_cycle("switch, sched_ext", SCHED_EXT);
	measure_cycle("switch, fair class", SCHED_OTHER);
	set_policy(SCHED_EXT);
}

/* Before the BPF scheduler is there */
static void scenario_cycle_none(void)
{
	measure_cycle("switch, none loaded", SCHED_OTHER);
}

const struct scenario cycle_scenario = {
	.name		= "cycle",
	.help		= "a switch from task to task, without kicks",
	.run		= scenario_cycle,
	.run_unloaded	= scenario_cycle_none,
};
