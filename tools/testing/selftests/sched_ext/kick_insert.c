// SPDX-License-Identifier: GPL-2.0-only
/*
 * An op that puts a task on a CPU's queue and kicks that CPU: one interrupt for both. What the CPU
 * was sent is counted: the interrupt controller merges two that come soon after each other.
 */
#include <stdio.h>
#include "kick_test.h"

#define WAKEUPS		100

static enum scx_test_status wake_and_count(struct lab *lab, struct worker *w, int to, u64 *sent)
{
	u64 before = lab->cpus[to].interrupted, turns = w->turns;
	u32 displaced = lab->cpus[to].displaced;

	lab->cpus[0].target = to;
	lab->cpus[0].left = 1;
	SCX_ASSERT(lab_ring(w));
	LAB_FOLLOWS(lab, w->turns == turns + 1 || lab->cpus[to].displaced != displaced);
	/* A task that made room for a higher class is the first one in the queue */
	if (w->turns == turns)
		LAB_KICK_BRINGS(lab, to, KICK_PREEMPT, w->turns == turns + 1);
	SCX_ASSERT(lab_ran_on(w, to));
	SCX_EQ(lab->cpus[0].left, 0);
	*sent += lab->cpus[to].interrupted - before;
	return SCX_TEST_PASS;
}

/* See insert_and_kick() */
static enum scx_test_status wake_in_turn(struct lab *lab, struct worker *w, u64 dsq, u64 enq_flags,
					 u64 *sent)
{
	int i, to = 1;

	*sent = 0;
	for (i = 0; i < WAKEUPS; i++) {
		if (dsq == DSQ_LOCAL_ON)
			to = 1 + (i + 1) % 2;
		SCX_ASSERT(lab_route(lab, w, dsq == DSQ_LOCAL_ON ? dsq | to : dsq, enq_flags, -1));
		if (wake_and_count(lab, w, to, sent))
			return SCX_TEST_FAIL;
	}
	return SCX_TEST_PASS;
}

/*
 * The waking CPU 0 kicks from @hook. The task goes to @dsq, or with DSQ_LOCAL_ON to the local queue
 * of the CPU where it didn't run last. CPU 1 is idle, or runs another task if the kick preempts
 */
static enum scx_test_status insert_and_kick(struct lab *lab, enum lab_hook hook, u64 flags, u64 dsq,
					    u64 enq_flags)
{
	struct worker *w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	u64 sent = 2 * WAKEUPS;
	int series;

	/* A task of one CPU only would not go through ops.select_cpu */
	SCX_ASSERT(w && lab_roam(w, 1, 2));
	SCX_ASSERT(!(flags & KICK_PREEMPT) || lab_spin(lab, 1));
	lab_order(lab, 0, hook, 1, flags, 0);
	/* It would be two for each. Others interrupt the CPU, on a slow one often: then again */
	for (series = 0; series < 3 && sent >= WAKEUPS * 3 / 2; series++) {
		if (wake_in_turn(lab, w, dsq, enq_flags, &sent))
			return SCX_TEST_FAIL;
	}
	SCX_LT(sent, WAKEUPS * 3 / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static bool start(struct lab *lab)
{
	return lab_start(lab, lab->skel->progs.lab_watch_sends);
}

static enum scx_test_status kick_insert_then_kick(void *ctx)
{
	SCX_ASSERT(start(ctx));
	return insert_and_kick(ctx, LAB_ENQUEUE, KICK_IDLE, DSQ_LOCAL, 0);
}

static enum scx_test_status kick_insert_after_kick(void *ctx)
{
	SCX_ASSERT(start(ctx));
	return insert_and_kick(ctx, LAB_SELECT_CPU, KICK_IDLE, DSQ_LOCAL, 0);
}

static enum scx_test_status kick_insert_remote(void *ctx)
{
	SCX_ASSERT(start(ctx));
	return insert_and_kick(ctx, LAB_ENQUEUE, KICK_IDLE, DSQ_LOCAL_ON, 0);
}

static enum scx_test_status kick_insert_shared(void *ctx)
{
	SCX_ASSERT(start(ctx));
	return insert_and_kick(ctx, LAB_ENQUEUE, KICK_IDLE, 1, 0);
}

static enum scx_test_status kick_insert_preempt(void *ctx)
{
	SCX_ASSERT(start(ctx));
	return insert_and_kick(ctx, LAB_ENQUEUE, KICK_PREEMPT, DSQ_LOCAL, ENQ_PREEMPT);
}

LAB_TEST(kick_insert_then_kick,
	 "an idle CPU is interrupted once for a task put on its local queue and the kick that follows",
	 STOCK_PASSES)

LAB_TEST(kick_insert_after_kick,
	 "an idle CPU is interrupted once for a kick and the task put on its local queue after it",
	 STOCK_PASSES)

LAB_TEST(kick_insert_remote,
	 "so is one for a task that was woken elsewhere",
	 STOCK_PASSES)

LAB_TEST(kick_insert_shared,
	 "so is one for a task put on a queue of the scheduler",
	 STOCK_PASSES)

LAB_TEST(kick_insert_preempt,
	 "a busy CPU is interrupted once for SCX_ENQ_PREEMPT and SCX_KICK_PREEMPT from the same op",
	 STOCK_PASSES)
