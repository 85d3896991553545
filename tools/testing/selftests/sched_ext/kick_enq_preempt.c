// SPDX-License-Identifier: GPL-2.0-only
/* SCX_ENQ_PREEMPT into the local queue of this CPU and of others */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define WAKEUPS	100

static enum scx_test_status spin_on(struct lab *lab, int cpu, struct worker **w)
{
	*w = lab_work(lab, cpu, SCHED_EXT, work_spin);
	SCX_ASSERT(*w);
	LAB_COMES((*w)->turns);
	return SCX_TEST_PASS;
}

/* The task under it goes on afterwards */
static enum scx_test_status runs_on(struct worker *w)
{
	unsigned long turns = w->turns;

	LAB_COMES(w->turns != turns);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_enq_local(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner, *w;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL, ENQ_PREEMPT, -1));
	if (spin_on(lab, 1, &spinner))
		return SCX_TEST_FAIL;

	for (i = 1; i <= WAKEUPS; i++) {
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(w->turns == i);
		if (runs_on(spinner))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* The wake-up is on one of two busy CPUs, the queue that of the other */
static enum scx_test_status kick_enq_remote(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner[2], *w;
	cpu_set_t both;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	CPU_ZERO(&both);
	CPU_SET(1, &both);
	CPU_SET(2, &both);
	SCX_ASSERT(!sched_setaffinity(w->tid, sizeof(both), &both));
	if (spin_on(lab, 1, &spinner[0]) || spin_on(lab, 2, &spinner[1]))
		return SCX_TEST_FAIL;

	for (i = 1; i <= WAKEUPS; i++) {
		int to = 1 + i % 2;

		SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | to, ENQ_PREEMPT, -1));
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(w->turns == i);
		SCX_EQ(w->ran_on, to);
		if (runs_on(spinner[0]) || runs_on(spinner[1]))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* CPU 2, idle, hands the task to CPU 1, busy */
static enum scx_test_status kick_enq_dispatch(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner, *w;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | 1, ENQ_PREEMPT, 2));
	if (spin_on(lab, 1, &spinner))
		return SCX_TEST_FAIL;

	for (i = 1; i <= WAKEUPS; i++) {
		u64 enqueues = lab->cpus[1].enqueues;

		SCX_ASSERT(lab_ring(w));
		LAB_COMES(lab->cpus[1].enqueues != enqueues);
		SCX_ASSERT(lab_kick(lab, 2, KICK_IDLE, 1));
		LAB_COMES(w->turns == i);
		if (runs_on(spinner))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static void work_bell_and_spin(struct worker *w)
{
	sem_wait(&w->bell);
	work_spin(w);
}

/*
 * CPU 1 dispatches to itself in the cycle that runs the task. It is not current yet: the slice to
 * take is that of the task before it, which has none left.
 */
static enum scx_test_status kick_enq_own_dispatch(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *spinner, *w;
	u64 expired, ticks;

	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[1];
	w = lab_work(lab, 1, SCHED_EXT, work_bell_and_spin);
	SCX_ASSERT(w);
	if (spin_on(lab, 1, &spinner))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | 1, ENQ_PREEMPT, 1));
	SCX_ASSERT(lab_ring(w));
	LAB_COMES(lab->skel->bss->via_pid == w->tid);

	LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lc->curr == w->tid);
	expired = lc->expired;
	ticks = lc->ticks;
	LAB_COMES(lc->ticks > ticks + 10);
	SCX_EQ(lc->expired, expired);
	SCX_EQ(lc->curr, w->tid);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static struct scx_test tests[] = {
	LAB_TEST(kick_enq_local,
		 "a task woken into its own CPU's local queue with SCX_ENQ_PREEMPT runs at once",
		 "passes"),
	LAB_TEST(kick_enq_remote,
		 "a task that ops.enqueue puts on another CPU's local queue with SCX_ENQ_PREEMPT runs there at once",
		 "loses the flag on the way, the task waits for ever"),
	LAB_TEST(kick_enq_dispatch,
		 "a task that ops.dispatch puts on another CPU's local queue with SCX_ENQ_PREEMPT runs there at once",
		 "passes"),
	LAB_TEST(kick_enq_own_dispatch,
		 "a task dispatched with SCX_ENQ_PREEMPT by the CPU that is picking it keeps its own slice",
		 "passes"),
	{}
};

REGISTER_LAB_TESTS(tests)
