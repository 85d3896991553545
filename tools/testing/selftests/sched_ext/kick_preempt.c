// SPDX-License-Identifier: GPL-2.0-only
/* What SCX_KICK_PREEMPT takes away, from whom, and what other kicks leave alone */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	200

/* Two tasks that never give up CPU 1 by themselves; the first one runs */
static enum scx_test_status two_spinners(struct lab *lab, struct bpf_program *tracer,
					 struct worker *w[2])
{
	SCX_ASSERT(lab_start(lab, tracer));
	SCX_ASSERT(lab_spin_two(lab, w));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_preempt(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];

	for (i = 0; i < KICKS; i++) {
		struct worker *next = w[shared(lc->curr) == w[0]->tid];
		unsigned long turns = next->turns;
		u64 expired = lc->expired, asked = lc->asked;

		LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lc->expired != expired);
		if (lc->asked == asked + 1) {
			LAB_COMES(next->turns != turns);
			SCX_EQ(lc->curr, next->tid);
			continue;
		}
		/* A kick that met a task of a higher class, and was made again, may come twice */
		LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lc->seen == lc->asked);
		turns = w[0]->turns + w[1]->turns;
		LAB_COMES(w[0]->turns + w[1]->turns != turns);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_preempt_only(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	struct lab_cpu *lc;
	int i;

	if (two_spinners(lab, lab->skel->progs.lab_watch_cycles, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];

	for (i = 0; i < KICKS; i++) {
		u64 balances = lc->balances;

		SCX_ASSERT(lab_kick(lab, 1, i % 2 ? KICK_IDLE : 0, 1));
		if (!(i % 2))
			LAB_FOLLOWS(lab, lc->balances != balances);
	}
	SCX_EQ(lc->expired, 0);
	SCX_EQ(w[1]->turns, 0);
	SCX_EQ(lc->curr, w[0]->tid);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static long times_preempted;

static void work_spin_and_count(struct worker *w)
{
	struct rusage usage;

	work_spin(w);
	getrusage(RUSAGE_THREAD, &usage);
	times_preempted = usage.ru_nivcsw;
}

static enum scx_test_status kick_preempt_rt(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2], *rt;
	unsigned long turns;
	u64 ticks;
	int i;

	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	rt = lab_work(lab, 1, SCHED_FIFO, work_spin_and_count);
	SCX_ASSERT(rt);
	LAB_COMES(rt->turns);

	turns = w[0]->turns;
	for (i = 0; i < KICKS; i++) {
		SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
		SCX_ASSERT(lab_goes_on(rt));
	}
	SCX_EQ(w[0]->turns, turns);
	SCX_EQ(w[1]->turns, 0);

	/* The task under it was not the CPU's current one: it goes on, its slice is whole */
	rt->stop = true;
	LAB_COMES(w[0]->turns != turns);
	ticks = lab->cpus[1].ticks;
	LAB_COMES(lab->cpus[1].ticks > ticks + 3);
	SCX_EQ(w[1]->turns, 0);
	SCX_EQ(lab->cpus[1].expired, 0);

	SCX_ASSERT(lab_stop(lab));
	lab_let_go(lab);
	SCX_LT(times_preempted, KICKS / 4);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_preempt_cost(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct irqs kicker, target;
	struct worker *w[2];
	u64 works = KICKS;
	int i, series;

	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];

	/* PREEMPT_RT has irq_work of its own, on a slow machine often: then again */
	for (series = 0; series < 3 && works >= KICKS / 4; series++) {
		kicker = lab_irqs(0);
		target = lab_irqs(1);
		for (i = 0; i < KICKS; i++) {
			u64 expired = lc->expired;

			LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lc->expired != expired);
		}
		works = lab_irqs(0).iwi - kicker.iwi;
	}
	SCX_LT(works, KICKS / 4);
	if (lab_few_irqs(1, target, KICKS, KICKS / 4))
		return SCX_TEST_FAIL;

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * The target stands still with interrupts off and its own rq locked, so that nothing is served
 * while the kicks come. What it was sent is counted: the interrupt controller merges them.
 */
static enum scx_test_status kick_coalesce(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	struct irqs kicker;
	struct lab_cpu *lc;
	u64 interrupted;
	bool held;

	if (two_spinners(lab, lab->skel->progs.lab_watch_sends, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];

	kicker = lab_irqs(0);
	interrupted = lc->interrupted;
	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	SCX_ASSERT(lab_kick_held(lab, 1, KICK_PREEMPT, KICKS, &held));
	SCX_ASSERT(held);
	SCX_EQ(lc->expired, 0);
	lab_unhold(lab, 1);

	LAB_COMES(w[1]->turns);
	SCX_EQ(lc->overheld, 0);
	SCX_LT(lab_irqs(0).iwi - kicker.iwi, KICKS / 4);
	SCX_GT(lc->interrupted, interrupted);
	SCX_LT(lc->interrupted - interrupted, KICKS / 4);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_preempt,
	 "SCX_KICK_PREEMPT takes the slice of the running task, calls ops.dispatch and lets the next task run",
	 STOCK_PASSES)

LAB_TEST(kick_preempt_only,
	 "kicks without SCX_KICK_PREEMPT start a cycle and leave the running task its slice",
	 STOCK_PASSES)

LAB_TEST(kick_preempt_rt,
	 "SCX_KICK_PREEMPT neither preempts an RT task nor takes the slice of the task under it",
	 STOCK_PASSES)

LAB_TEST(kick_preempt_cost,
	 "a preempting kick costs one interrupt, at the target",
	 STOCK_FAILS("another one at the kicker"))

LAB_TEST(kick_coalesce,
	 "kicks return and cost one interrupt in all while the target can't take them",
	 STOCK_FAILS("the kicker waits for the target's rq lock with interrupts off"))
