// SPDX-License-Identifier: GPL-2.0-only
/*
 * SCX_KICK_PREEMPT_LAZY and SCX_ENQ_PREEMPT_LAZY: what they take, by when, that they interrupt
 * nobody, and what goes before them. By their names: the kernel's BTF has their values.
 */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	100
#define ROUNDS	20

static u64 kick_lazy_flag, enq_lazy_flag;

static enum scx_test_status start(struct lab *lab, struct bpf_program *tracer)
{
	bool has = __COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY",
				      &kick_lazy_flag) &&
		   __COMPAT_read_enum("scx_enq_flags", "SCX_ENQ_PREEMPT_LAZY", &enq_lazy_flag);

	SCX_FAIL_IF(!has, "The kernel has no lazy preemption");
	SCX_ASSERT(lab_start(lab, tracer));
	return SCX_TEST_PASS;
}

/* Two tasks that never give up CPU 1 by themselves; the first one runs */
static enum scx_test_status two_spinners(struct lab *lab, struct bpf_program *tracer,
					 struct worker *w[2])
{
	if (start(lab, tracer))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_spin_two(lab, w));
	return SCX_TEST_PASS;
}

/*
 * Each kick lets the other task run, by the next tick: the second one at most that is counted after
 * the kick. More if this thread was held up before its kick.
 */
static enum scx_test_status kick_lazy(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	struct irqs kicker;
	u64 interrupted;
	int i, in_time = 0;

	if (two_spinners(lab, lab->skel->progs.lab_watch_sends, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];

	kicker = lab_irqs(0);
	interrupted = lc->interrupted;
	for (i = 0; i < KICKS; i++) {
		struct worker *next = lab_other(w, lab_running(lab, w));
		unsigned long turns = next->turns;
		u64 ended = lc->ended, ticks = lc->ticks;
		u32 displaced = lc->displaced;

		LAB_KICK_BRINGS(lab, 1, kick_lazy_flag, lc->ended != ended);
		LAB_COMES(next->turns != turns);
		in_time += lc->expired_ticks - ticks <= 2;
		SCX_ASSERT(lc->curr == next->tid || lc->displaced != displaced);
	}
	SCX_GE(in_time, KICKS / 2);
	/* PREEMPT_RT has irq_work of its own */
	SCX_LT(lab_irqs(0).iwi - kicker.iwi, KICKS / 2);
	SCX_LT(lc->interrupted - interrupted, KICKS / 4);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_lazy_idle(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[2];
	for (i = 0; i < KICKS; i++) {
		u64 dispatches = lc->dispatches;

		LAB_KICK_BRINGS(lab, 2, kick_lazy_flag, lc->dispatches != dispatches);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * CPU 1 stands still, so nothing is served. @first and then @then are asked of it; whether it is
 * sent an interrupt for the first one, and for the second one.
 */
static enum scx_test_status ask_twice(struct lab *lab, u64 first, u64 then, bool sends,
				      bool sends_then, int *rounds)
{
	struct lab_cpu *lc = &lab->cpus[1];
	u32 overheld = lc->overheld;
	u64 ended, before, after_first, after_then;
	bool held, sent, sent_then;

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	ended = lc->ended;
	before = shared(lc->interrupted);
	SCX_ASSERT(lab_kick(lab, 1, first, 1));
	after_first = shared(lc->interrupted);
	SCX_ASSERT(lab_kick(lab, 1, then, 1));
	after_then = shared(lc->interrupted);
	held = shared(lc->held) && shared(lc->overheld) == overheld && lc->ended == ended;
	lab_unhold(lab, 1);

	LAB_FOLLOWS(lab, lc->ended != ended);
	sent = after_first != before;
	sent_then = after_then != after_first;
	if (held && sent == sends && sent_then == sends_then)
		*rounds += 1;
	return SCX_TEST_PASS;
}

/* Others may interrupt the CPU as well, and not each kick finds it on its sched_ext task */
static enum scx_test_status asked_twice(struct lab *lab, u64 first, u64 then, bool sends,
					bool sends_then)
{
	int i, rounds = 0;

	for (i = 0; i < ROUNDS; i++) {
		if (ask_twice(lab, first, then, sends, sends_then, &rounds))
			return SCX_TEST_FAIL;
	}
	SCX_FAIL_IF(rounds < ROUNDS / 2, "0x%lx, then 0x%lx: as expected %d of %d times", first,
		    then, rounds, ROUNDS);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_lazy_order(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];

	if (two_spinners(lab, lab->skel->progs.lab_watch_sends, w) ||
	    asked_twice(lab, kick_lazy_flag, kick_lazy_flag, false, false) ||
	    asked_twice(lab, kick_lazy_flag, KICK_IDLE, false, false) ||
	    asked_twice(lab, kick_lazy_flag, 0, false, true) ||
	    asked_twice(lab, kick_lazy_flag, KICK_PREEMPT, false, true) ||
	    asked_twice(lab, KICK_PREEMPT, kick_lazy_flag, true, false) ||
	    asked_twice(lab, 0, kick_lazy_flag, true, false) ||
	    asked_twice(lab, kick_lazy_flag | KICK_PREEMPT, 0, true, false) ||
	    asked_twice(lab, kick_lazy_flag | KICK_WAIT, 0, true, false))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* From ops of another CPU and of the own one. Kicks of several CPUs go to cpumasks */
static bool order_lazily(struct lab *lab, int by, enum lab_hook hook)
{
	lab_order(lab, by, hook, 1, kick_lazy_flag, 1);
	return LAB_WAIT(!lab->cpus[by].left);
}

static enum scx_test_status kick_lazy_from_op(void *ctx)
{
	static const enum lab_hook from[] = { LAB_TICK, LAB_RUNNING, LAB_ENQUEUE, LAB_DISPATCH };
	struct lab *lab = ctx;
	struct worker *w[2];
	int i;

	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_take_turns(lab, 2));

	for (i = 0; i < KICKS; i++) {
		int by = i % 5 ? 2 : 1;
		u64 ended = lab->cpus[1].ended;

		lab->cpus[by].mask = i % 3 ? 0 : 1 << 1 | 1 << 3;
		LAB_BRINGS(lab, 1, order_lazily(lab, by, by == 1 ? LAB_TICK : from[i % 4]),
			   lab->cpus[1].ended != ended);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * One op of CPU 2 kicks CPU 1, which stands still, with @first and then with @then. Whether CPU 1
 * is sent an interrupt, and what it comes to in any case. @others: CPUs that are kicked as well
 */
static enum scx_test_status hold_twice(struct lab *lab, enum lab_hook hook, u64 others, u64 first,
				       u64 then, bool sends, int *rounds)
{
	struct lab_cpu *lc = &lab->cpus[1], *by = &lab->cpus[2];
	u64 ended, before, after;
	u32 overheld = lc->overheld;
	bool held;

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	ended = lc->ended;
	before = shared(lc->interrupted);
	by->mask = others ? others | 1 << 1 : 0;
	by->then = then;
	lab_order(lab, 2, hook, 1, first, 1);
	LAB_COMES(!by->left);
	/* The op is over, and an irq_work of it done */
	SCX_ASSERT(lab_goes_on(&lab->workers[2]) && lab_goes_on(&lab->workers[3]));
	after = shared(lc->interrupted);
	held = shared(lc->held) && shared(lc->overheld) == overheld && lc->ended == ended;
	lab_unhold(lab, 1);

	LAB_FOLLOWS(lab, lc->ended != ended);
	*rounds += held && (after != before) == sends;
	return SCX_TEST_PASS;
}

static enum scx_test_status held_twice(struct lab *lab, u64 first, u64 then, bool sends)
{
	static const enum lab_hook from[] = { LAB_RUNNING, LAB_ENQUEUE, LAB_DISPATCH, LAB_TICK };
	int i, rounds = 0;

	/* The first CPU that an op kicks and further ones are kept in different ways */
	for (i = 0; i < ROUNDS; i++) {
		if (hold_twice(lab, from[i % 4], i & 4 ? 1 << 0 : 0, first, then, sends, &rounds))
			return SCX_TEST_FAIL;
	}
	SCX_FAIL_IF(rounds < ROUNDS / 2, "0x%lx and 0x%lx: as expected %d of %d times", first, then,
		    rounds, ROUNDS);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_lazy_held(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w[2];

	if (two_spinners(lab, lab->skel->progs.lab_watch_sends, w))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_take_turns(lab, 2));
	lab->cpus[2].twice = true;
	if (held_twice(lab, kick_lazy_flag, kick_lazy_flag, false) ||
	    held_twice(lab, kick_lazy_flag, KICK_IDLE, false) ||
	    held_twice(lab, KICK_IDLE, kick_lazy_flag, false) ||
	    held_twice(lab, kick_lazy_flag, 0, true) ||
	    held_twice(lab, 0, kick_lazy_flag, true) ||
	    held_twice(lab, kick_lazy_flag, KICK_PREEMPT, true) ||
	    held_twice(lab, KICK_PREEMPT, kick_lazy_flag, true))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* One gets the claim and the others are refused, also who would preempt at once */
static enum scx_test_status kick_lazy_task(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i, claimed = 0;
	u64 interrupted;

	if (two_spinners(lab, lab->skel->progs.lab_watch_sends, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];
	SCX_EQ(lab_kick_task(lab, w[1], kick_lazy_flag), -ESRCH);

	for (i = 0; i < ROUNDS; i++) {
		struct worker *victim = lab_running(lab, w), *next = lab_other(w, victim);
		unsigned long turns = next->turns;
		u32 overheld = lc->overheld;
		s32 first, second, at_once;
		u64 ended;

		SCX_ASSERT(lab_goes_on(victim) && lab_hold(lab, 1, LAB_TICK));
		ended = lc->ended;
		interrupted = shared(lc->interrupted);
		first = lab_kick_task(lab, victim, kick_lazy_flag);
		second = lab_kick_task(lab, victim, kick_lazy_flag);
		at_once = lab_kick_task(lab, victim, 0);
		if (shared(lc->overheld) == overheld && !first) {
			SCX_EQ(second, -EBUSY);
			SCX_EQ(at_once, -EBUSY);
			claimed += shared(lc->interrupted) == interrupted;
		}
		lab_unhold(lab, 1);
		if (first)
			SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
		LAB_FOLLOWS(lab, lc->ended != ended);
		LAB_COMES(next->turns != turns);
	}
	SCX_GE(claimed, ROUNDS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* What runs after the claimed task keeps its slice, by the way the task goes */
static enum scx_test_status kick_lazy_gone(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i, left = 0;

	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];
	for (i = 0; i < ROUNDS; i++) {
		struct worker *victim = lab_running(lab, w), *next = lab_other(w, victim);
		u32 overheld = lc->overheld;
		u64 ended, ticks;
		bool claimed;

		SCX_ASSERT(lab_goes_on(victim) && lab_hold(lab, 1, LAB_TICK));
		ended = lc->ended;
		claimed = !lab_kick_task(lab, victim, kick_lazy_flag) &&
			  shared(lc->overheld) == overheld;
		/* An interrupt that makes the CPU schedule comes before the next tick */
		SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
		lab_unhold(lab, 1);
		LAB_COMES(lc->curr == next->tid);
		ticks = lc->ticks;
		LAB_COMES(lc->ticks > ticks + 3);
		if (claimed && lc->displaced == 0) {
			SCX_EQ(lc->ended, ended + 1);
			SCX_EQ(lc->curr, next->tid);
			left++;
		}
	}
	SCX_ASSERT(left || lc->displaced);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* A task of CPU 1 that sleeps, and one that never gives up that CPU */
static enum scx_test_status sleeper_and_spinner(struct lab *lab, struct worker **sleeper)
{
	if (start(lab, lab->skel->progs.lab_watch_sends))
		return SCX_TEST_FAIL;
	*sleeper = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(*sleeper && LAB_WAIT(lab_asleep(*sleeper)) && lab_spin(lab, 1));
	return SCX_TEST_PASS;
}

/* KICKS wake-ups of the sleeper. @in_time: of how many it has run at the second tick or before */
static enum scx_test_status wake(struct lab *lab, struct worker *sleeper, u64 enq_flags,
				 int *in_time, u64 *interrupted)
{
	struct lab_cpu *lc = &lab->cpus[1];
	unsigned long turns = sleeper->turns;
	u64 before = lc->interrupted;
	int i;

	SCX_ASSERT(lab_route(lab, sleeper, DSQ_LOCAL, enq_flags, -1));
	*in_time = 0;
	for (i = 1; i <= KICKS; i++) {
		u64 ticks = lc->ticks;
		u32 displaced = lc->displaced;

		SCX_ASSERT(lab_ring(sleeper));
		LAB_COMES(sleeper->turns == turns + i || lc->displaced != displaced || lc->below);
		/* A task of a higher class may have sent it to the CPU's queue */
		if (sleeper->turns != turns + i)
			LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, sleeper->turns == turns + i);
		*in_time += lc->expired_ticks - ticks <= 2;
	}
	*interrupted = lc->interrupted - before;
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_lazy_enq(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *sleeper;
	u64 interrupted;
	int in_time;

	if (sleeper_and_spinner(lab, &sleeper) ||
	    wake(lab, sleeper, enq_lazy_flag, &in_time, &interrupted))
		return SCX_TEST_FAIL;
	SCX_GE(in_time, KICKS / 2);
	SCX_LT(interrupted, KICKS / 4);

	/* At once if that is asked for as well */
	if (wake(lab, sleeper, enq_lazy_flag | ENQ_PREEMPT, &in_time, &interrupted))
		return SCX_TEST_FAIL;
	SCX_GT(interrupted, KICKS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* What may not stay in a local queue cannot wait for a tick there */
static enum scx_test_status kick_lazy_enq_immed(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *sleeper;
	u64 immed, interrupted;
	int in_time;

	if (!__COMPAT_read_enum("scx_enq_flags", "SCX_ENQ_IMMED", &immed))
		return SCX_TEST_SKIP;
	if (sleeper_and_spinner(lab, &sleeper) ||
	    wake(lab, sleeper, enq_lazy_flag | immed, &in_time, &interrupted))
		return SCX_TEST_FAIL;
	SCX_GT(interrupted, KICKS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* The wake-up is on one of two busy CPUs, the queue that of the other */
static enum scx_test_status kick_lazy_enq_remote(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner[2], *w;
	int i;

	if (start(lab, NULL))
		return SCX_TEST_FAIL;
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && lab_roam(w, 1, 2));
	for (i = 0; i < 2; i++) {
		spinner[i] = lab_spin(lab, 1 + i);
		SCX_ASSERT(spinner[i]);
	}
	for (i = 1; i <= KICKS; i++) {
		int to = 1 + i % 2;

		SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | to, enq_lazy_flag, -1));
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(w->turns == i);
		SCX_EQ(w->ran_on, to);
		SCX_ASSERT(lab_goes_on(spinner[0]) && lab_goes_on(spinner[1]));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static bool claim_or_kick(struct lab *lab, struct worker *w)
{
	return !lab_kick_task(lab, w, kick_lazy_flag) || lab_kick(lab, 1, kick_lazy_flag, 1);
}

/*
 * CPU 1 is one of nohz_full=, and its task runs without a tick: a kick that is left to the tick may
 * not be left to the one that the kernel makes there once a second
 */
static enum scx_test_status kick_tick_lazy(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *w[2];
	int i, without = 0;

	if (!is_tickless(1))
		return SCX_TEST_SKIP;
	if (two_spinners(lab, NULL, w))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];
	for (i = 0; i < KICKS; i++) {
		struct worker *victim = lab_running(lab, w), *next = lab_other(w, victim);
		u64 ended = lc->ended, ticks;

		SCX_ASSERT(lab_goes_on(victim));
		ticks = lc->ticks;
		if (i % 2)
			LAB_BRINGS(lab, 1, claim_or_kick(lab, victim), lc->ended != ended);
		else
			LAB_KICK_BRINGS(lab, 1, kick_lazy_flag, lc->ended != ended);
		without += lc->ticks == ticks;
		LAB_COMES(lc->curr == next->tid || lc->displaced);
	}
	/* They did not come by the tick */
	SCX_GE(without, KICKS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_lazy,
	 "SCX_KICK_PREEMPT_LAZY takes the slice by the next tick and interrupts nobody",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_idle,
	 "SCX_KICK_PREEMPT_LAZY makes an idle CPU call ops.dispatch",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_order,
	 "a second lazy kick and one with IDLE send nothing, a plain one and PREEMPT go before",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_from_op,
	 "operations can kick with SCX_KICK_PREEMPT_LAZY, one CPU or several",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_held,
	 "of what one op asks of a CPU the lazy kick interrupts nobody, and makes a plain one preempt",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_task,
	 "a lazy claim is granted to one, refuses the others and interrupts nobody",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_gone,
	 "a lazy claim ends when its task leaves the CPU, and hits nobody",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_tick_lazy,
	 "a lazy kick of a CPU whose task runs without a tick does not wait for one",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_enq,
	 "a task inserted with SCX_ENQ_PREEMPT_LAZY runs by the next tick and interrupts nobody",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_enq_immed,
	 "SCX_ENQ_IMMED makes SCX_ENQ_PREEMPT_LAZY preempt at once",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_lazy_enq_remote,
	 "so does one on another CPU's local queue",
	 STOCK_FAILS("has no such flag"))
