// SPDX-License-Identifier: GPL-2.0-only
/* Kicks of a CPU that has nothing to run, and SCX_KICK_IDLE at one that has */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	300
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
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && lab_roam(w, 1, 2));

	for (i = 0; i < KICKS; i++) {
		int from = 1 + i % 2, to = 3 - from;
		u64 enqueues = lab->cpus[from].enqueues;

		SCX_ASSERT(lab_route(lab, w, to, 0, -1));
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(lab->cpus[from].enqueues != enqueues);
		SCX_ASSERT(lab_kick(lab, to, waking[i % 3], 1));
		LAB_FOLLOWS(lab, w->turns == i + 1);
		SCX_ASSERT(lab_ran_on(w, to));
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
		LAB_FOLLOWS(lab, seen(lab, 1));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * The target is in ops.dispatch, has looked at its queue in vain and goes idle next. Its rq is
 * locked, and the fair class of CPU 0 may wait for that lock to look at an idle CPU: so it stands
 * still for a short time only, and the kick may come too late.
 */
static enum scx_test_status kick_idle_race(void *ctx)
{
	struct lab *lab = ctx;
	int i, in_time = 0;
	struct lab_cpu *lc;

	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[1];
	lc->hold_ns = 20 * 1000 * 1000;
	for (i = 0; i < KICKS; i++) {
		u32 overheld = lc->overheld;
		bool held;

		lc->hold = LAB_DISPATCH;
		SCX_ASSERT(lab_kick(lab, 1, 0, 1));
		LAB_FOLLOWS(lab, lc->held || lc->overheld != overheld);
		SCX_ASSERT(lab_kick_held(lab, 1, KICK_IDLE, 1, &held));
		in_time += held;
		lab_unhold(lab, 1);
		LAB_FOLLOWS(lab, seen(lab, 1));
	}
	SCX_GT(in_time, KICKS / 4);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_idle_busy(void *ctx)
{
	struct lab *lab = ctx;
	struct irqs kicker, target;
	struct lab_cpu *lc;
	u64 balances;
	u32 displaced;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_watch_cycles));
	SCX_ASSERT(lab_spin(lab, 1));
	lc = &lab->cpus[1];

	kicker = lab_irqs(0);
	target = lab_irqs(1);
	balances = lc->balances;
	displaced = lc->displaced;
	SCX_ASSERT(lab_kick(lab, 1, KICK_IDLE, KICKS));
	SCX_LT(lab_irqs(0).iwi - kicker.iwi, TICKS / 4);

	/* From the tick, the rq lock of the target is held */
	lab_order(lab, 1, LAB_TICK, 1, KICK_IDLE, TICKS);
	LAB_COMES(!lc->left);

	if (lab_few_irqs(1, target, 0, TICKS / 4))
		return SCX_TEST_FAIL;
	/* With PREEMPT_RT, threads of higher classes come with the ticks: the cycles are theirs */
	if (lc->displaced - displaced < TICKS / 16)
		SCX_LT(lc->balances - balances, TICKS / 4);
	SCX_EQ(lc->expired, 0);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * What an op dispatches, the kernel queues after the op has returned. A kick from within the op
 * must not be served by a cycle that looks before that: nobody would kick again.
 */
static enum scx_test_status hand_over(struct lab *lab, bool by_mask)
{
	struct worker *w;
	int i, cpu;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && lab_roam(w, 1, 3));

	for (i = 0; i < KICKS / 2; i++) {
		/* Woken on one CPU, handed to the next one: at once or by the third one */
		int from = i ? w->ran_on : 1, to = 1 + from % 3;
		int via = i % 2 ? 1 + to % 3 : -1;
		enum lab_hook hook = i % 2 ? LAB_DISPATCH : LAB_ENQUEUE;
		u64 enqueues = lab->cpus[from].enqueues;

		SCX_ASSERT(lab_route(lab, w, to, 0, via));
		for (cpu = 0; cpu < 4; cpu++) {
			lab->cpus[cpu].linger_ns = 1000 * 1000;
			lab->cpus[cpu].mask = by_mask ? 1 << to : 0;
		}
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
		LAB_FOLLOWS(lab, w->turns == i + 1);
		SCX_ASSERT(lab_ran_on(w, to));
		for (cpu = 0; cpu < 4; cpu++)
			lab->cpus[cpu].left = 0;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_idle_in_op(void *ctx)
{
	return hand_over(ctx, false);
}

static enum scx_test_status kick_idle_in_op_mask(void *ctx)
{
	return hand_over(ctx, true);
}

LAB_TEST(kick_idle_wakeup,
	 "each kind of kick makes an idle CPU run a task that waits for it in a queue",
	 STOCK_PASSES)

LAB_TEST(kick_idle_cycle,
	 "each kick of an idle CPU is followed by an ops.dispatch that began after it",
	 STOCK_PASSES)

LAB_TEST(kick_idle_race,
	 "no SCX_KICK_IDLE is lost, or has to wait, at a CPU that has just found nothing to run",
	 STOCK_FAILS("the kicker waits for the target's rq lock with interrupts off"))

LAB_TEST(kick_idle_in_op,
	 "the CPU kicked by ops.enqueue or ops.dispatch finds the task dispatched there",
	 STOCK_PASSES)

LAB_TEST(kick_idle_in_op_mask,
	 "the same holds for scx_bpf_kick_cpumask()",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_idle_busy,
	 "SCX_KICK_IDLE at a busy CPU interrupts nobody, whatever lock is held",
	 STOCK_FAILS("one self-interrupt per kick under the target's rq lock"))
