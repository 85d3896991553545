// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_bpf_kick_curr(): a victim named by its CPU and its pid, and what the CPU was found to do.
 * scx_bpf_kick_idle(): as many idle CPUs as there is work for.
 */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	100
#define ROUNDS	20

static s32 kick_curr_of(struct lab *lab, int cpu, s32 pid, u64 flags)
{
	struct lab_kick_args args = {
		.cpu = cpu, .victim = pid, .flags = flags | LAB_CURR, .nr = 1
	};

	return lab_send(lab, &args) ? args.ret : -EIO;
}

static s32 kick_idle_of(struct lab *lab, u64 cpus, u64 nr)
{
	struct lab_kick_args args = { .mask = cpus, .flags = LAB_IDLE | nr, .nr = 1 };

	return lab_send(lab, &args) ? args.ret : -EIO;
}

/* Two tasks that never give up CPU 1 by themselves; the first one runs */
static enum scx_test_status two_spinners(struct lab *lab, struct worker *w[2])
{
	SCX_FAIL_IF(!__COMPAT_has_ksym("scx_bpf_kick_curr") ||
		    !__COMPAT_has_ksym("scx_bpf_kick_idle"), "The kernel has no such kfuncs");
	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_spin_two(lab, w));
	return SCX_TEST_PASS;
}

/* Kernel threads come in between for a while, and no worker runs then */
static bool claimed(struct lab *lab, s32 pid, u64 flags, u64 ended)
{
	return LAB_WAIT(!kick_curr_of(lab, 1, pid, flags) || lab->cpus[1].ended != ended);
}

static enum scx_test_status kick_curr_pid(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	u64 lazy = 0;
	int i;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];
	__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY", &lazy);
	for (i = 0; i < KICKS; i++) {
		struct worker *victim = lab_running(lab, w), *next = lab_other(w, victim);
		unsigned long turns = next->turns;
		u64 ended = lc->ended;
		u32 displaced = lc->displaced;
		s32 ret;

		/* The one that waits is not to be had */
		ret = kick_curr_of(lab, 1, next->tid, 0);
		SCX_ASSERT(ret || lc->displaced != displaced);
		if (ret && lc->displaced == displaced)
			SCX_EQ(lc->ended, ended);
		LAB_BRINGS(lab, 1, claimed(lab, i % 3 ? victim->tid : 0, i % 4 ? 0 : lazy, ended),
			   lc->ended != ended);
		LAB_COMES(next->turns != turns);
		SCX_ASSERT(lc->curr == next->tid || lc->displaced != displaced);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_curr_found(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2], *rt;
	int i, busy = 0;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];

	for (i = 0; i < ROUNDS; i++) {
		u32 overheld = lc->overheld;
		u64 ended, dispatches = lab->cpus[2].dispatches;
		s32 first, second, idle;

		/* Pending, and then gone */
		SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
		ended = lc->ended;
		idle = kick_curr_of(lab, 1, 0, KICK_IDLE);
		first = kick_curr_of(lab, 1, 0, 0);
		second = kick_curr_of(lab, 1, 0, 0);
		if (shared(lc->overheld) == overheld && !first) {
			SCX_EQ(idle, -ESRCH);
			SCX_EQ(second, -EBUSY);
			SCX_EQ(lc->ended, ended);
			busy++;
		}
		lab_unhold(lab, 1);
		if (!first || !second)
			LAB_FOLLOWS(lab, lc->ended != ended);
		/* The next round is not to take this one's hold for its own */
		LAB_COMES(!shared(lc->held));

		/* Idle: woken, whoever is looked for */
		SCX_ASSERT(LAB_WAIT(kick_curr_of(lab, 2, i % 2 ? 0 : w[0]->tid,
						 i % 3 ? 0 : KICK_IDLE) == 1));
		LAB_FOLLOWS(lab, lab->cpus[2].dispatches != dispatches);
	}
	SCX_GE(busy, ROUNDS / 2);

	/* This thread's CPU, and one with a real-time task */
	rt = lab_work(lab, 3, SCHED_FIFO, work_spin);
	SCX_ASSERT(rt);
	LAB_COMES(rt->turns);
	LAB_COMES(kick_curr_of(lab, 3, 0, 0) == -EPERM);
	LAB_COMES(kick_curr_of(lab, 3, 0, KICK_IDLE) == -EPERM);
	LAB_COMES(kick_curr_of(lab, 0, 0, 0) == -EPERM);
	rt->stop = true;
	SCX_ASSERT(lab_stop(lab));
	SCX_EQ(kick_curr_of(lab, 1, 0, 0), -ESRCH);
	return SCX_TEST_PASS;
}

/* A task comes to a higher class while it runs, and no cycle starts */
static enum scx_test_status kick_curr_boosted(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	int i, refused = 0;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	for (i = 0; i < ROUNDS; i++) {
		struct worker *victim = lab_running(lab, w);

		SCX_ASSERT(lab_set_policy(victim, SCHED_FIFO));
		refused += kick_curr_of(lab, 1, i % 2 ? 0 : victim->tid, 0) == -EPERM;
		SCX_ASSERT(lab_set_policy(victim, SCHED_EXT));
	}
	SCX_GE(refused, ROUNDS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* From operations of the other CPU: the first claim is held back like that of a task */
static enum scx_test_status kick_curr_from_op(void *ctx)
{
	static const enum lab_hook from[] = { LAB_TICK, LAB_RUNNING, LAB_ENQUEUE, LAB_DISPATCH };
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[2];
	SCX_ASSERT(lab_take_turns(lab, 2));
	for (i = 0; i < KICKS; i++) {
		u64 ended = lab->cpus[1].ended;

		do {
			lc->victim = i % 2 ? 0 : lab->cpus[1].curr;
			lab_order(lab, 2, from[i % 4], 1, LAB_CURR, 1);
			LAB_COMES(!lc->left);
		} while (lc->ret);
		LAB_BRINGS(lab, 1, claimed(lab, 0, 0, ended), lab->cpus[1].ended != ended);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * ops.enqueue() claims what the CPU of the task runs, and inserts the task at the head of the local
 * DSQ, or leaves it to the CPU's queue: then only a kick brings it
 */
static enum scx_test_status kick_curr_insert(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_route route = {
		.dsq = DSQ_LOCAL, .enq_flags = ENQ_HEAD, .via = -1, .claims = 1
	};
	struct worker *sleeper, *spinner;
	struct lab_cpu *lc;
	int i;

	SCX_FAIL_IF(!__COMPAT_has_ksym("scx_bpf_kick_curr"), "The kernel has no such kfunc");
	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[1];
	sleeper = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(sleeper && LAB_WAIT(lab_asleep(sleeper)));
	spinner = lab_spin(lab, 1);
	SCX_ASSERT(spinner);
	SCX_ASSERT(!bpf_map__update_elem(lab->skel->maps.routes, &sleeper->tid,
					 sizeof(sleeper->tid), &route, sizeof(route), BPF_ANY));

	for (i = 1; i <= KICKS; i++) {
		u64 refused = lc->refused;

		SCX_ASSERT(lab_ring(sleeper));
		LAB_COMES(sleeper->turns == i || lc->refused != refused);
		if (lc->refused != refused)
			LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, sleeper->turns == i);
		SCX_EQ(sleeper->ran_on, 1);
		/* The task under it goes on */
		SCX_ASSERT(lab_goes_on(spinner));
	}
	SCX_GE(lc->claimed, KICKS / 10);
	/* A repeated kick that comes late has it queued once more */
	SCX_GE(lc->claimed + lc->refused, KICKS);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* It waits until ops.enqueue() on CPU 0 was answered, and sleeps */
#define NO_ANSWER	1000

static void work_until_answered(struct worker *w)
{
	count(w->turns);
	while (!shared(w->stop) && shared(w->lab->cpus[0].ret) == NO_ANSWER)
		;
	sem_wait(&w->bell);
}

/* A task that sleeps on CPU 2. When CPU 0 wakes it, only a look at CPU 1's queue finds it */
static struct worker *sleeper_for_cpu1(struct lab *lab)
{
	struct worker *w = lab_work(lab, 2, SCHED_EXT, work_on_bell);
	bool ok = w && LAB_WAIT(lab_asleep(w)) && lab_roam(w, 1, 2) && lab_route(lab, w, 1, 0, -1);

	return ok ? w : NULL;
}

/* CPU 1 is inside a cycle, and has looked at its queue */
static enum scx_test_status refuse_inside(struct lab *lab, struct worker *w, bool in_op, s32 *ret)
{
	struct lab_cpu *lc = &lab->cpus[1];
	u32 overheld = lc->overheld;

	set_shared(lc->hold, LAB_DISPATCH);
	SCX_ASSERT(lab_kick(lab, 1, KICK_IDLE, 1));
	LAB_COMES(shared(lc->held) || shared(lc->overheld) != overheld);
	if (in_op)
		lab_order(lab, 0, LAB_ENQUEUE, 1, LAB_CURR, 1);
	SCX_ASSERT(lab_ring(w));
	if (!in_op)
		lab->cpus[0].ret = kick_curr_of(lab, 1, 0, 0);
	lab_unhold(lab, 1);
	LAB_FOLLOWS(lab, w->turns);
	*ret = lab->cpus[0].ret;
	return SCX_TEST_PASS;
}

/* CPU 1 runs a task, and idles before the operation that asks is over */
static enum scx_test_status refuse_before_idle(struct lab *lab, struct worker *w, int policy,
					       s32 *ret)
{
	struct worker *busy;

	lab->cpus[0].ret = NO_ANSWER;
	busy = lab_work(lab, 1, policy, work_until_answered);
	SCX_ASSERT(busy);
	LAB_COMES(busy->turns);
	lab->cpus[0].linger_ns = 2 * NSEC_PER_MSEC;
	lab_order(lab, 0, LAB_ENQUEUE, 1, LAB_CURR | (policy == SCHED_EXT ? KICK_IDLE : 0), 1);
	SCX_ASSERT(lab_ring(w));
	LAB_FOLLOWS(lab, w->turns);
	lab->cpus[0].linger_ns = 0;
	*ret = lab->cpus[0].ret;
	return SCX_TEST_PASS;
}

/* Whoever is refused may rely on CPU 1 to look at what was queued, and what the operation queues */
static enum scx_test_status kick_curr_refused(void *ctx)
{
	struct lab *lab = ctx;
	int i, refused[4] = {};

	SCX_FAIL_IF(!__COMPAT_has_ksym("scx_bpf_kick_curr"), "The kernel has no such kfunc");
	SCX_ASSERT(lab_start(lab, NULL));
	for (i = 0; i < KICKS; i++) {
		struct worker *w = sleeper_for_cpu1(lab);
		enum scx_test_status status;
		s32 ret;

		SCX_ASSERT(w);
		if (i & 1)
			status = refuse_before_idle(lab, w, i & 2 ? SCHED_EXT : SCHED_FIFO, &ret);
		else
			status = refuse_inside(lab, w, i & 2, &ret);
		if (status)
			return status;
		refused[i % 4] += ret < 0;
		lab_let_go(lab);
	}
	for (i = 0; i < 4; i++)
		SCX_GT(refused[i], 0);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* CPU 1 is busy, 2 and 3 are idle */
static enum scx_test_status kick_idle_nr(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	SCX_EQ(kick_idle_of(lab, 1 << 2 | 1 << 3, 0), 0);
	SCX_EQ(kick_idle_of(lab, 1 << 1, 4), 0);
	for (i = 0; i < KICKS; i++) {
		u64 two = lab->cpus[2].dispatches, three = lab->cpus[3].dispatches;
		int nr = 1 + i % 3;

		SCX_ASSERT(LAB_WAIT(kick_idle_of(lab, 0xe, nr) == (nr < 2 ? 1 : 2)));
		LAB_FOLLOWS(lab, lab->cpus[2].dispatches != two);
		if (nr > 1)
			LAB_FOLLOWS(lab, lab->cpus[3].dispatches != three);
	}
	SCX_EQ(lab->cpus[1].expired, 0);
	SCX_ASSERT(lab_stop(lab));
	SCX_EQ(kick_idle_of(lab, 0xe, 3), 0);
	return SCX_TEST_PASS;
}

/* An operation calls twice: what it has woken already, and holds back, is not counted again */
static enum scx_test_status kick_idle_held(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i, once = 0;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];
	lc->twice = 1;
	for (i = 0; i < KICKS; i++) {
		u64 dispatches = lab->cpus[2].dispatches;

		if (i % 2) {
			lc->mask = 1 << 2;
			lc->then = LAB_IDLE | 1;
		} else {
			lc->mask = 0;
			lc->then = LAB_CURR;
		}
		lab_order(lab, 1, LAB_DISPATCH, 2, lc->then, 1);
		LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, !lc->left);
		if (lc->ret == 1) {
			SCX_EQ(lc->then_ret, i % 2 ? 0 : -EBUSY);
			LAB_FOLLOWS(lab, lab->cpus[2].dispatches != dispatches);
			once++;
		}
	}
	SCX_GE(once, KICKS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* One that is woken already is not counted again */
static enum scx_test_status kick_idle_once(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	int i, once = 0;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	for (i = 0; i < ROUNDS; i++) {
		u32 overheld = lab->cpus[2].overheld;
		s32 first, second;

		/* It stands still in its cycle: it is asked to look again, and not counted */
		set_shared(lab->cpus[2].hold, LAB_DISPATCH);
		SCX_ASSERT(lab_kick(lab, 2, KICK_IDLE, 1));
		LAB_COMES(shared(lab->cpus[2].held) || shared(lab->cpus[2].overheld) != overheld);
		first = kick_idle_of(lab, 1 << 2, 1);
		second = kick_idle_of(lab, 1 << 2, 1);
		if (shared(lab->cpus[2].overheld) == overheld) {
			u64 dispatches = lab->cpus[2].dispatches;

			SCX_EQ(first, 0);
			SCX_EQ(second, 0);
			lab_unhold(lab, 2);
			LAB_FOLLOWS(lab, lab->cpus[2].dispatches != dispatches);
			once++;
		}
	}
	SCX_GE(once, ROUNDS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_curr_pid,
	 "scx_bpf_kick_curr() preempts what a CPU runs if it is the task that was named",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_curr_found,
	 "scx_bpf_kick_curr() tells an idle CPU from a busy one, a pending kick and a higher class",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_curr_boosted,
	 "scx_bpf_kick_curr() leaves a task alone that has come to a higher class while it runs",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_curr_refused,
	 "a CPU for which scx_bpf_kick_curr() gives another answer looks at what was queued before it idles",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_curr_from_op,
	 "operations can preempt what a CPU runs by its number",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_curr_insert,
	 "ops.enqueue() can claim what its task's CPU runs, and put the task there if it has won",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_idle_nr,
	 "scx_bpf_kick_idle() wakes as many idle CPUs as it is asked for, and no busy one",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_idle_once,
	 "scx_bpf_kick_idle() has a CPU in its cycle look again, and does not count it",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_idle_held,
	 "a CPU that an operation is going to wake is not counted by it again",
	 STOCK_FAILS("has no such kfunc"))
