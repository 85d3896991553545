// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kicks under core scheduling: on the two threads of a core, CPUs 2 and 3, only tasks that have the
 * same cookie, or none, run at a time. One thread picks for both.
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include "kick_test.h"

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE		62
#define PR_SCHED_CORE_CREATE	1
#define PR_SCHED_CORE_SHARE_TO	2
#define PR_SCHED_CORE_SHARE_FROM 3
#endif

#define SPANS		50
#define WAKEUPS		100
#define PERIOD_NS	(2 * NSEC_PER_MSEC)

static const u64 kinds[] = {
	0, KICK_PREEMPT, KICK_WAIT, KICK_PREEMPT | KICK_WAIT, KICK_IDLE,
};

static bool is_smt(void)
{
	char cpus[64];

	if (get("/sys/devices/system/cpu/cpu2/topology/thread_siblings_list", cpus, sizeof(cpus)) &&
	    !strcmp(cpus, "2-3\n") && !prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, 1, 0, 0))
		return true;
	fprintf(stderr, "Needs CPUs 2 and 3 to be threads of a core, and core scheduling\n");
	return false;
}

/* A cookie of its own */
static bool new_cookie(struct worker *w)
{
	return !prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, w->tid, 0, 0);
}

/* This thread has it in between, then that of init again, which is none */
static bool share_cookie(struct worker *from, struct worker *to)
{
	return !prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, from->tid, 0, 0) &&
	       !prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_TO, to->tid, 0, 0) &&
	       !prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, 1, 0, 0);
}

static bool kick_from_timer(struct lab *lab, int cpu, int target, u64 flags)
{
	lab_order(lab, cpu, LAB_TIMER, target, flags, -1);
	return lab_start_timer(lab, cpu, PERIOD_NS);
}

static enum scx_test_status all_go_on(struct lab *lab)
{
	int i;

	for (i = 0; i < lab->nr_workers; i++)
		SCX_ASSERT(lab_goes_on(&lab->workers[i]));
	return SCX_TEST_PASS;
}

/*
 * Each thread has tasks with either cookie and without. Nothing but kicks of the sibling, by a
 * timer, takes their slices.
 */
static enum scx_test_status kicks_of_siblings(struct lab *lab, u64 flags, u64 at_times)
{
	struct worker *w[6];
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	for (i = 0; i < 6; i++) {
		w[i] = lab_work(lab, 2 + i % 2, SCHED_EXT, work_spin);
		SCX_ASSERT(w[i]);
	}
	SCX_ASSERT(kick_from_timer(lab, 2, 3, flags));
	SCX_ASSERT(kick_from_timer(lab, 3, 2, flags));
	SCX_ASSERT(new_cookie(w[0]) && share_cookie(w[0], w[1]));
	SCX_ASSERT(new_cookie(w[2]) && share_cookie(w[2], w[3]));

	for (i = 0; i < SPANS; i++) {
		lab->cpus[2].flags = flags | (i & 1 ? at_times : 0);
		lab->cpus[3].flags = lab->cpus[2].flags;
		if (all_go_on(lab))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_smt_cookies(void *ctx)
{
	if (!is_smt())
		return SCX_TEST_SKIP;
	return kicks_of_siblings(ctx, KICK_PREEMPT, KICK_WAIT);
}

static enum scx_test_status kick_smt_lazy(void *ctx)
{
	u64 flags;

	if (!is_smt())
		return SCX_TEST_SKIP;
	SCX_FAIL_IF(!__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY", &flags),
		    "The kernel has no lazy preemption");
	return kicks_of_siblings(ctx, flags, 0);
}

/* A thread idles, because a task with a cookie runs beside it, or because it has nothing to run */
static enum scx_test_status wake_on_sibling(struct lab *lab, bool cookies)
{
	struct worker *spinner, *w;
	int i;

	w = lab_work(lab, 3, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && LAB_WAIT(lab_asleep(w)) && lab_route(lab, w, DSQ_LOCAL, 0, -1));
	spinner = lab_spin(lab, 2);
	SCX_ASSERT(spinner);
	if (cookies)
		SCX_ASSERT(new_cookie(spinner) && share_cookie(spinner, w));
	for (i = 0; i < WAKEUPS; i++) {
		lab_order(lab, 0, LAB_ENQUEUE, 2 + i % 2, kinds[i % ARRAY_SIZE(kinds)], 1);
		SCX_ASSERT(lab_ring(w));
		LAB_FOLLOWS(lab, w->turns == i + 1);
		SCX_ASSERT(lab_goes_on(spinner));
	}
	lab_let_go(lab);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_smt_wakeup(void *ctx)
{
	struct lab *lab = ctx;

	if (!is_smt())
		return SCX_TEST_SKIP;
	SCX_ASSERT(lab_start(lab, NULL));
	if (wake_on_sibling(lab, false) || wake_on_sibling(lab, true))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * Once there is a cookie anywhere, a cycle of CPU 2 calls ops.dispatch() for CPU 3, too, which is
 * idle. What that finds CPU 3 has to run, although nobody has kicked it. Woken on CPU 1 the task
 * goes to CPU 3's queue, which no other CPU looks at.
 */
static enum scx_test_status picked_by_sibling(struct lab *lab, struct worker *w)
{
	u64 enqueues = lab->cpus[1].enqueues, dispatches;
	unsigned long turns = w->turns;

	SCX_ASSERT(LAB_WAIT(lab_asleep(w)) && lab_roam(w, 1, 1) && lab_route(lab, w, 1, 0, -1));
	SCX_ASSERT(lab_ring(w));
	LAB_COMES(lab->cpus[1].enqueues != enqueues && w->turns == turns + 1);
	SCX_ASSERT(LAB_WAIT(lab_asleep(w)));
	SCX_ASSERT(lab_roam(w, 1, 3) && lab_route(lab, w, 3, 0, -1));

	enqueues = lab->cpus[1].enqueues;
	dispatches = lab->cpus[3].dispatches;
	SCX_ASSERT(lab_ring(w));
	LAB_COMES(lab->cpus[1].enqueues != enqueues);
	SCX_ASSERT(lab_kick(lab, 2, KICK_PREEMPT, 1));
	LAB_FOLLOWS(lab, lab->cpus[3].dispatches != dispatches);
	LAB_FOLLOWS(lab, w->turns == turns + 2);
	SCX_ASSERT(lab_ran_on(w, 3));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_smt_sibling(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w, *other;
	int i;

	if (!is_smt())
		return SCX_TEST_SKIP;
	if (__COMPAT_has_ksym("scx_bpf_kick_cid")) {
		fprintf(stderr, "Needs a kernel that dispatches for a sibling in each cycle\n");
		return SCX_TEST_SKIP;
	}
	SCX_ASSERT(lab_start(lab, NULL));
	other = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(other && LAB_WAIT(lab_asleep(other)) && new_cookie(other));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && lab_spin(lab, 2));
	for (i = 0; i < WAKEUPS; i++) {
		if (picked_by_sibling(lab, w))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * CPU 2 takes the slice of CPU 3's task, so its cycle calls ops.dispatch() for CPU 3, too. That
 * puts a task on CPU 3's local queue to preempt, and fills the slice again. The same cycle may
 * pick @top, a task of a higher class, for CPU 3.
 */
static enum scx_test_status preempt_for_sibling(struct lab *lab, struct worker *w,
						struct worker *spinner, struct worker *top)
{
	u64 enqueues = lab->cpus[3].enqueues, dispatches = lab->cpus[3].dispatches;
	unsigned long turns = w->turns;

	SCX_ASSERT(LAB_WAIT(lab_asleep(w)) && lab_ring(w));
	LAB_COMES(lab->cpus[3].enqueues != enqueues);
	set_shared(lab->cpus[2].strip, spinner->tid);
	if (top)
		sem_post(&top->bell);
	SCX_ASSERT(lab_kick(lab, 2, KICK_PREEMPT, 1));
	LAB_FOLLOWS(lab, lab->cpus[3].dispatches != dispatches);
	LAB_FOLLOWS(lab, w->turns == turns + 1);
	SCX_ASSERT(lab_ran_on(w, 3));
	return SCX_TEST_PASS;
}

static enum scx_test_status preempts_for_sibling(struct lab *lab, u64 enq_flags)
{
	struct worker *w, *top, *spinner[2];
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	top = lab_work(lab, 3, SCHED_FIFO, work_on_bell);
	w = lab_work(lab, 3, SCHED_EXT, work_on_bell);
	SCX_ASSERT(top && w && LAB_WAIT(lab_asleep(w)));
	SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | 3, enq_flags, 3));
	for (i = 0; i < 2; i++) {
		lab->cpus[2 + i].renew = true;
		spinner[i] = lab_spin(lab, 2 + i);
		SCX_ASSERT(spinner[i]);
	}
	SCX_ASSERT(new_cookie(w) && share_cookie(w, spinner[0]) && share_cookie(w, spinner[1]));
	for (i = 0; i < WAKEUPS; i++) {
		if (preempt_for_sibling(lab, w, spinner[1], i & 1 ? top : NULL))
			return SCX_TEST_FAIL;
		SCX_ASSERT(lab_goes_on(spinner[0]) && lab_goes_on(spinner[1]));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_smt_enq_preempt(void *ctx)
{
	if (!is_smt())
		return SCX_TEST_SKIP;
	return preempts_for_sibling(ctx, ENQ_PREEMPT);
}

static enum scx_test_status kick_smt_enq_lazy(void *ctx)
{
	u64 flags;

	if (!is_smt())
		return SCX_TEST_SKIP;
	SCX_FAIL_IF(!__COMPAT_read_enum("scx_enq_flags", "SCX_ENQ_PREEMPT_LAZY", &flags),
		    "The kernel has no lazy preemption");
	return preempts_for_sibling(ctx, flags);
}

LAB_TEST(kick_smt_cookies,
	 "all tasks of two threads of a core go on if their cookies exclude each other and the threads kick each other",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_smt_lazy,
	 "so do they if these kicks are lazy",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_smt_wakeup,
	 "a task put on the local queue of an idle thread runs, whatever kick comes with it",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_smt_sibling,
	 "an idle thread runs the task that its sibling's cycle has put on its local queue",
	 STOCK_FAILS("leaves it waiting"))

LAB_TEST(kick_smt_enq_preempt,
	 "a task that a thread's cycle puts on its sibling's local queue to preempt runs next there",
	 STOCK_FAILS("loses the flag, the task waits for ever"))

LAB_TEST(kick_smt_enq_lazy,
	 "so does it if it is to preempt lazily",
	 STOCK_FAILS("has no such flag"))
