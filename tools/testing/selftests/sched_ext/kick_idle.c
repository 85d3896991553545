// SPDX-License-Identifier: GPL-2.0-only
/* Kicks of a CPU that has nothing to run, and SCX_KICK_IDLE at one that has */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	1000
#define TICKS	100

static const u64 waking[] = { KICK_IDLE, 0, KICK_PREEMPT };

static bool seen(struct lab *lab, int cpu)
{
	return lab->cpus[cpu].seen == lab->cpus[cpu].asked;
}

/* The task always waits in the queue of the one of two idle CPUs that its wake-up does not touch */
static enum scx_test_status kick_idle_wakeup(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w;
	cpu_set_t both;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	CPU_ZERO(&both);
	CPU_SET(1, &both);
	CPU_SET(2, &both);
	SCX_ASSERT(!sched_setaffinity(w->tid, sizeof(both), &both));

	for (i = 0; i < 60; i++) {
		int from = 1 + i % 2, to = 3 - from;
		u64 enqueues = lab->cpus[from].enqueues;

		SCX_ASSERT(lab_route(lab, w, to, 0, -1));
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(lab->cpus[from].enqueues != enqueues);
		SCX_ASSERT(lab_kick(lab, to, waking[i % 3], 1));
		LAB_COMES(w->turns == i + 1);
		SCX_EQ(w->ran_on, to);
	}

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_idle_cycle(void *ctx)
{
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	for (i = 0; i < KICKS; i++) {
		SCX_ASSERT(lab_kick(lab, 1, waking[i % 3], 1));
		LAB_COMES(seen(lab, 1));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* The target goes idle and comes back all the time, so kicks meet it at every point on the way */
static enum scx_test_status kick_idle_race(void *ctx)
{
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_doze));
	for (i = 0; i < KICKS; i++) {
		SCX_ASSERT(lab_kick(lab, 1, KICK_IDLE, 1 + i % 7));
		LAB_COMES(seen(lab, 1));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_idle_busy(void *ctx)
{
	struct lab *lab = ctx;
	struct irqs kicker, target, after;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin));
	LAB_COMES(lab->cpus[1].runs);

	kicker = lab_irqs(0);
	target = lab_irqs(1);
	SCX_ASSERT(lab_kick(lab, 1, KICK_IDLE, KICKS));

	/* From the tick, the rq lock of the target is held */
	lab_order(lab, 1, LAB_TICK, 1, KICK_IDLE, TICKS);
	LAB_COMES(!lab->cpus[1].left);

	after = lab_irqs(0);
	SCX_LT(after.iwi - kicker.iwi, TICKS / 4);
	after = lab_irqs(1);
	SCX_LT(after.res - target.res, TICKS / 4);
	SCX_LT(after.cal - target.cal, TICKS / 4);
	SCX_LT(after.iwi - target.iwi, TICKS / 4);
	SCX_EQ(lab->cpus[1].expired, 0);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * What an op dispatches, the kernel queues after the op has returned. A kick from within the op
 * must not be served by a cycle that looks before that: nobody would kick again.
 */
static enum scx_test_status kick_idle_in_op(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w;
	cpu_set_t cpus;
	int i, cpu;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	CPU_ZERO(&cpus);
	for (cpu = 1; cpu < 4; cpu++)
		CPU_SET(cpu, &cpus);
	SCX_ASSERT(!sched_setaffinity(w->tid, sizeof(cpus), &cpus));

	for (i = 0; i < 60; i++) {
		/* Woken on one CPU, handed to the next one: at once or by the third one */
		int from = i ? w->ran_on : 1, to = 1 + from % 3;
		int via = i % 2 ? 1 + to % 3 : -1;
		enum lab_hook hook = i % 2 ? LAB_DISPATCH : LAB_ENQUEUE;
		u64 enqueues = lab->cpus[from].enqueues;

		SCX_ASSERT(lab_route(lab, w, to, 0, via));
		for (cpu = 0; cpu < 4; cpu++)
			lab->cpus[cpu].linger_ns = 1000 * 1000;
		if (via < 0) {
			lab_order(lab, 0, hook, to, KICK_IDLE, 1);
			lab_order(lab, from, hook, to, KICK_IDLE, 1);
		}
		SCX_ASSERT(lab_ring(w));
		if (via >= 0) {
			LAB_COMES(lab->cpus[from].enqueues != enqueues);
			lab_order(lab, via, hook, to, KICK_IDLE, 1);
			SCX_ASSERT(lab_kick(lab, via, KICK_IDLE, 1));
		}
		LAB_COMES(w->turns == i + 1);
		SCX_EQ(w->ran_on, to);
		for (cpu = 0; cpu < 4; cpu++)
			lab->cpus[cpu].left = 0;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static struct scx_test tests[] = {
	LAB_TEST(kick_idle_wakeup,
		 "each kind of kick makes an idle CPU run a task that waits for it in a queue",
		 "passes"),
	LAB_TEST(kick_idle_cycle,
		 "each kick of an idle CPU is followed by an ops.dispatch that began after it",
		 "passes"),
	LAB_TEST(kick_idle_race,
		 "no SCX_KICK_IDLE is lost at a CPU that goes idle and comes back all the time",
		 "passes"),
	LAB_TEST(kick_idle_in_op,
		 "the CPU kicked by ops.enqueue or ops.dispatch finds the task dispatched there",
		 "passes"),
	LAB_TEST(kick_idle_busy,
		 "SCX_KICK_IDLE at a busy CPU interrupts nobody, whatever lock is held",
		 "one self-interrupt per kick under the target's rq lock"),
	{}
};

REGISTER_LAB_TESTS(tests)
