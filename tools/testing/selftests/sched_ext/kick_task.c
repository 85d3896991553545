// SPDX-License-Identifier: GPL-2.0-only
/* scx_bpf_kick_task(): it preempts the task that it names or nobody, and one preemptor at a time */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	200
#define ROUNDS	20

/* Two tasks that never give up CPU 1 by themselves; the first one runs */
static enum scx_test_status two_spinners(struct lab *lab, struct worker *w[2])
{
	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_spin_two(lab, w));
	return SCX_TEST_PASS;
}

/* Without ops.dispatch if a kernel thread came just then */
static bool preempted(struct lab *lab, struct worker *w, u64 expired)
{
	return lab->cpus[1].expired != expired || lab->cpus[1].curr != w->tid;
}

/* Kernel threads come in between for a while, and @w does not run then */
static bool claim(struct lab *lab, struct worker *w, u64 expired)
{
	return LAB_WAIT(!lab_kick_task(lab, w, 0) || preempted(lab, w, expired));
}

/* Nothing is left of earlier claims at CPU 1: @w can be claimed, and that preempts it */
static enum scx_test_status can_be_preempted(struct lab *lab, struct worker *w)
{
	u64 expired = lab->cpus[1].expired;

	LAB_BRINGS(lab, 1, claim(lab, w, expired), preempted(lab, w, expired));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_task_victim(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;

	for (i = 0; i < KICKS; i++) {
		struct worker *next = w[(i + 1) % 2];
		unsigned long turns = next->turns;

		if (can_be_preempted(lab, w[i % 2]))
			return SCX_TEST_FAIL;
		LAB_COMES(next->turns != turns);
		SCX_EQ(lab->cpus[1].curr, next->tid);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static bool claim_from(struct lab *lab, int cpu, enum lab_hook hook)
{
	struct lab_cpu *lc = &lab->cpus[cpu];

	lab_order(lab, cpu, hook, 0, 0, 1);
	return LAB_WAIT(!lc->left) && !lc->ret;
}

/* An earlier claim may have made room for @next by now */
static bool make_room_from(struct lab *lab, int cpu, enum lab_hook hook, s32 next)
{
	return LAB_WAIT(shared(lab->cpus[1].curr) == next || claim_from(lab, cpu, hook));
}

/*
 * From hooks of the victim's CPU and of another one, where two tasks take turns. A claim that is
 * held back is gone when a kernel thread takes the CPU first: then again.
 */
static enum scx_test_status kick_task_from_op(void *ctx)
{
	static const enum lab_hook from[] = { LAB_TICK, LAB_RUNNING, LAB_ENQUEUE, LAB_DISPATCH };
	struct lab *lab = ctx;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_take_turns(lab, 2));

	for (i = 0; i < KICKS; i++) {
		struct lab_cpu *lc = &lab->cpus[i % 5 ? 2 : 1];
		enum lab_hook hook = i % 5 ? from[i % 4] : LAB_TICK;
		s32 next = w[(i + 1) % 2]->tid;

		lc->victim = w[i % 2]->tid;
		LAB_BRINGS(lab, 1, make_room_from(lab, lc - lab->cpus, hook, next),
			   lab->cpus[1].curr == next);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_task_not_running(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2], *asleep, *rt;
	unsigned long turns;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	asleep = lab_work(lab, 2, SCHED_EXT, work_on_bell);
	rt = lab_work(lab, 3, SCHED_FIFO, work_spin);
	SCX_ASSERT(asleep && rt && lab_goes_on(rt));
	SCX_ASSERT(lab_ring(asleep));
	LAB_COMES(asleep->turns);
	LAB_COMES(lab_kick_task(lab, asleep, 0) == -ESRCH);

	turns = w[1]->turns;
	SCX_EQ(lab_kick_task(lab, w[1], 0), -ESRCH);
	SCX_EQ(lab_kick_task(lab, rt, 0), -ESRCH);
	SCX_EQ(lab_kick_task(lab, asleep, 0), -ESRCH);
	SCX_ASSERT(lab_goes_on(w[0]) && lab_goes_on(rt));
	SCX_EQ(w[1]->turns, turns);
	SCX_EQ(lab->cpus[1].expired, 0);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

struct claimer {
	struct worker *w;
	struct lab_kick_args args;
};

static struct claimer claimers[3];

/* Each bell is a burst of claims on the same victim */
static void work_claim(struct worker *w)
{
	struct lab_kick_args *args = &claimers[w->target].args;

	while (!sem_wait(&w->bell) && !w->stop && lab_send(w->lab, args))
		w->turns++;
}

/*
 * CPU 1 stands still, so that nothing is served while the claims come. It may do so at the end of a
 * cycle: then there is none to be had. Or another CPU needs its rq lock first, or it has moved on
 * before this thread could look.
 */
static enum scx_test_status claim_once(struct lab *lab, struct worker *victim, int round,
				       int *claimed)
{
	struct lab_cpu *lc = &lab->cpus[1];
	u32 overheld = lc->overheld, claims = 0, refusals = 0;
	u64 expired, expired_after;
	bool held = true;
	int i;

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	expired = lc->expired;
	for (i = 0; i < 3; i++) {
		claimers[i].args = (struct lab_kick_args){
			.victim = victim->tid, .cpu = 1, .nr = KICKS
		};
		sem_post(&claimers[i].w->bell);
	}
	for (i = 0; i < 3; i++) {
		LAB_COMES(claimers[i].w->turns == round + 1);
		held &= claimers[i].args.held;
		claims += claimers[i].args.claims;
		refusals += claimers[i].args.refusals;
	}
	expired_after = shared(lc->expired);
	held &= shared(lc->overheld) == overheld;
	if (held) {
		SCX_LE(claims, 1);
		SCX_EQ(claims + refusals, 3 * KICKS);
		SCX_EQ(expired_after, expired);
	}
	lab_unhold(lab, 1);

	if (!claims)
		return can_be_preempted(lab, victim);
	*claimed += held;
	LAB_FOLLOWS(lab, preempted(lab, victim, expired));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_task_claim(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];
	int i, claimed = 0, refused = 0;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	for (i = 0; i < 3; i++) {
		struct worker *claimer = &lab->workers[lab->nr_workers];

		claimers[i].w = claimer;
		claimer->target = i;
		SCX_ASSERT(lab_work(lab, i ? 1 + i : 0, SCHED_OTHER, work_claim));
	}

	for (i = 0; i < ROUNDS; i++) {
		SCX_ASSERT(lab_goes_on(w[i % 2]));
		if (claim_once(lab, w[i % 2], i, &claimed))
			return SCX_TEST_FAIL;
	}
	SCX_GE(claimed, ROUNDS / 2);

	/* Any preemption under way counts */
	for (i = 0; i < ROUNDS / 4; i++) {
		struct lab_cpu *lc = &lab->cpus[1];
		u32 overheld = lc->overheld;
		s32 ret;

		SCX_ASSERT(lab_goes_on(w[i % 2]) && lab_hold(lab, 1, LAB_TICK));
		SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
		ret = lab_kick_task(lab, w[i % 2], 0);
		if (shared(lc->overheld) == overheld) {
			SCX_EQ(ret, -EBUSY);
			refused++;
		}
		lab_unhold(lab, 1);
	}
	SCX_GE(refused, ROUNDS / 8);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* Two tasks that take turns by waking each other, so that stints are short */
static void work_ping_pong(struct worker *w)
{
	int i;

	while (!sem_wait(&w->bell) && !w->stop) {
		w->turns++;
		for (i = 0; i < 1000; i++)
			(void)shared(w->stop);
		sem_post(&w->victim->bell);
	}
}

static enum scx_test_status kick_task_race(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w = lab->workers;
	struct lab_kick_args args = { .nr = 64 };
	struct lab_cpu *lc;
	u64 lost;

	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[1];
	w[0].victim = &w[1];
	w[1].victim = &w[0];
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_ping_pong));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_ping_pong));
	lc->innocent = w[1].tid;
	SCX_ASSERT(lab_ring(&w[0]));

	args.victim = w[0].tid;
	lost = lost_at();
	while ((args.claims < 10 * KICKS || w[1].turns < 10 * KICKS) && now_ns() < lost)
		SCX_ASSERT(lab_send(lab, &args));
	SCX_GE(args.claims, KICKS);
	SCX_GE(w[1].turns, KICKS);
	SCX_GT(lc->expired, 0);
	SCX_EQ(lc->hit, 0);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* How a victim leaves its CPU after it was claimed and before it is preempted */
enum leaving { SLEEPS, EXITS, MIGRATES, MAKES_WAY, NR_LEAVING };

static void work_spin_and_sleep(struct worker *w)
{
	work_spin(w);
	sem_wait(&w->bell);
}

static bool leave(struct lab *lab, struct worker *w, enum leaving how)
{
	switch (how) {
	case MIGRATES:
		return lab_roam(w, 3, 3) && LAB_WAIT(lab->cpus[3].curr == w->tid);
	case MAKES_WAY:
		w = lab_work(lab, 1, SCHED_FIFO, work_spin);
		return w && LAB_WAIT(w->turns);
	default:
		w->stop = true;
		return LAB_WAIT(lab->cpus[1].curr != w->tid);
	}
}

/*
 * CPU 2 claims a task of CPU 1 from ops.dispatch and stays in there for a while, its kick is held
 * back. Meanwhile the task leaves CPU 1: it is not followed, who runs there next keeps its slice.
 */
static enum scx_test_status claim_and_leave(struct lab *lab, enum leaving how, int *in_time)
{
	struct lab_cpu *lc = &lab->cpus[1], *claimer = &lab->cpus[2];
	struct worker *victim, *next, *innocent;
	u32 overheld = claimer->overheld;
	u64 expired, elsewhere, ticks;
	bool claimed;

	victim = lab_work(lab, 1, SCHED_EXT, how == SLEEPS ? work_spin_and_sleep : work_spin);
	SCX_ASSERT(victim);
	LAB_COMES(victim->turns);
	next = lab_work(lab, 1, SCHED_EXT, work_spin);
	SCX_ASSERT(next);
	innocent = how == MAKES_WAY ? victim : next;

	expired = lc->expired;
	elsewhere = lab->cpus[3].expired;
	claimer->ret = 1;
	claimer->victim = victim->tid;
	claimer->hold_ns = 200 * 1000 * 1000;
	claimer->hold = LAB_DISPATCH;
	lab_order(lab, 2, LAB_DISPATCH, 0, 0, 1);
	SCX_ASSERT(lab_kick(lab, 2, KICK_IDLE, 1));
	LAB_COMES(claimer->held || claimer->overheld != overheld);
	SCX_ASSERT(leave(lab, victim, how));
	claimed = !claimer->ret && claimer->held;
	claimer->left = 0;
	lab_unhold(lab, 2);
	LAB_COMES(!claimer->held);
	if (how == MAKES_WAY)
		lab->workers[2].stop = true;

	/* Time enough for the claim to be served now, if it were */
	ticks = lc->ticks;
	LAB_COMES(lc->ticks > ticks + 3);
	if (claimed) {
		SCX_EQ(lc->curr, innocent->tid);
		SCX_EQ(lc->expired, expired);
		SCX_EQ(lab->cpus[3].expired, elsewhere);
		*in_time += 1;
	}
	return can_be_preempted(lab, innocent);
}

static enum scx_test_status kick_task_gone(void *ctx)
{
	struct lab *lab = ctx;
	int how, i, in_time;

	SCX_ASSERT(lab_start(lab, NULL));
	for (how = 0; how < NR_LEAVING; how++) {
		for (i = in_time = 0; i < ROUNDS && in_time < 3; i++) {
			if (claim_and_leave(lab, how, &in_time))
				return SCX_TEST_FAIL;
			lab_let_go(lab);
		}
		SCX_FAIL_IF(in_time < 3, "Way to leave %d: never in time", how);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* CPU 2 stays in ops.dispatch with its claim held back when the scheduler is asked to go */
static enum scx_test_status kick_task_exit(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *claimer;
	struct worker *w[2];
	int i, k;

	if (two_spinners(lab, w))
		return SCX_TEST_FAIL;
	claimer = &lab->cpus[2];
	claimer->hold_ns = 300 * 1000 * 1000;
	for (i = 0; i < ROUNDS / 4; i++) {
		LAB_COMES(lab->cpus[1].curr);
		claimer->victim = lab->cpus[1].curr;
		claimer->hold = LAB_DISPATCH;
		lab_order(lab, 2, LAB_DISPATCH, 0, 0, 1);
		SCX_ASSERT(lab_kick(lab, 2, KICK_IDLE, 1));
		LAB_COMES(!claimer->left);
		SCX_ASSERT(lab_stop(lab));
		SCX_EQ(lab_kick_task(lab, w[0], 0), -ESRCH);
		lab->cpus[1].curr = 0;
		SCX_ASSERT(lab_attach(lab));
		LAB_COMES(lab->cpus[1].curr);
		/* The first slices are no endless ones */
		for (k = 0; k < 6; k++) {
			if (can_be_preempted(lab, lab_running(lab, w)))
				return SCX_TEST_FAIL;
		}
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_task_victim,
	 "scx_bpf_kick_task() preempts the running task that it names",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_task_from_op,
	 "operations can claim a task of their own CPU and of another one",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_task_not_running,
	 "scx_bpf_kick_task() says -ESRCH of a task that waits, sleeps or is of another class",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_task_claim,
	 "of all that preempt a task at a time exactly one gets 0, the others -EBUSY",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_task_race,
	 "a task that takes turns with the one being kicked never loses its slice",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_task_gone,
	 "a claim ends when its task sleeps, exits, migrates or makes way, and hits nobody",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_task_exit,
	 "no claim outlives its scheduler",
	 STOCK_FAILS("has no such kfunc"))
