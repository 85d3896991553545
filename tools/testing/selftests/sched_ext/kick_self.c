// SPDX-License-Identifier: GPL-2.0-only
/* A CPU kicks itself: another cycle follows, no interrupt does */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	200

static enum scx_test_status judge(const char *what, u64 flags, struct irqs before)
{
	SCX_FAIL_IF(lab_few_irqs(1, before, 0, KICKS / 4), "%s, flags %lu", what, flags);
	return SCX_TEST_PASS;
}

/*
 * CPU 1 was ordered to kick itself. Where each kick leads to the next one they form a chain, which
 * starts with a push from outside. A task of a higher class may break it, then it gets another one.
 */
static enum scx_test_status chain(struct lab *lab, const char *what, enum lab_hook hook, u64 flags)
{
	struct lab_cpu *lc = &lab->cpus[1];
	struct irqs before = lab_irqs(1);

	fprintf(stderr, "%s, flags %lu\n", what, flags);
	lab_order(lab, 1, hook, 1, flags, KICKS);
	LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, !lc->left);
	LAB_FOLLOWS(lab, lc->seen == lc->asked);
	return judge(what, flags, before);
}

/* The kicks come by themselves, one after the other, and each takes the slice of the task there */
static enum scx_test_status series(struct lab *lab, const char *what, enum lab_hook hook, u64 flags)
{
	struct lab_cpu *lc = &lab->cpus[1];
	struct irqs before = lab_irqs(1);
	u64 expired = lc->expired;

	lc->in_turn = 1;
	lab_order(lab, 1, hook, 1, flags, KICKS);
	while (lc->left) {
		u64 left = lc->left;

		LAB_COMES(!lc->left || lc->left != left);
	}
	/* A task of a higher class may come before the kick is served now and then */
	SCX_GT(lc->expired - expired, KICKS * 3 / 4);
	return judge(what, flags, before);
}

/* Two tasks take turns on CPU 1, each kick makes room for the other one */
static enum scx_test_status kick_self_cycle(void *ctx)
{
	static const struct {
		const char *name;
		enum lab_hook hook;
	} in[] = {
		{ "ops.dispatch", LAB_DISPATCH },
		{ "ops.enqueue", LAB_ENQUEUE },
		{ "ops.running", LAB_RUNNING },
		{ "ops.stopping", LAB_STOPPING },
		{ "sched_switch", LAB_SWITCH },
	};
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_switch));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin));
	for (i = 0; i < 5; i++) {
		if (chain(lab, in[i].name, in[i].hook, KICK_PREEMPT) ||
		    chain(lab, in[i].name, in[i].hook, KICK_PREEMPT | KICK_WAIT))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_self_idle(void *ctx)
{
	static const u64 flags[] = { 0, KICK_IDLE, KICK_PREEMPT, KICK_WAIT };
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	for (i = 0; i < 4; i++) {
		if (chain(lab, "ops.dispatch of an idle CPU", LAB_DISPATCH, flags[i]))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_self_irq(void *ctx)
{
	static const u64 flags[] = { KICK_PREEMPT, KICK_PREEMPT | KICK_WAIT };
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_hardirq));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin));
	SCX_ASSERT(lab_start_timer(lab, 1, 200 * 1000));
	for (i = 0; i < 2; i++) {
		if (series(lab, "ops.tick", LAB_TICK, flags[i]) ||
		    series(lab, "timer", LAB_TIMER, flags[i]) ||
		    series(lab, "hard IRQ", LAB_HARDIRQ, flags[i]))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_self_syscall(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w = lab->workers;
	struct irqs before;

	SCX_ASSERT(lab_start(lab, NULL));
	before = lab_irqs(1);
	w->target = 1;
	w->flags = KICK_PREEMPT;
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_kick_myself));
	LAB_FOLLOWS(lab, w->turns >= KICKS);
	SCX_GT(lab->cpus[1].expired, KICKS * 3 / 4);
	if (judge("syscall program", KICK_PREEMPT, before))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static struct worker *woken;

/* Does not give up the CPU by itself: only the kick lets the other one run */
static void work_ring_bell(struct worker *w)
{
	while (w->turns < KICKS && !w->stop) {
		sem_post(&woken->bell);
		while (shared(woken->turns) == w->turns && !shared(w->stop))
			;
		w->turns++;
	}
}

static enum scx_test_status kick_self_wakeup(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w;
	struct irqs before;

	SCX_ASSERT(lab_start(lab, NULL));
	woken = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	/* ops.select_cpu is not asked about tasks with one CPU */
	SCX_ASSERT(woken && lab_roam(woken, 1, 2));

	before = lab_irqs(1);
	lab_order(lab, 1, LAB_SELECT_CPU, 1, KICK_PREEMPT, KICKS);
	w = lab_work(lab, 1, SCHED_EXT, work_ring_bell);
	SCX_ASSERT(w);
	LAB_COMES(w->turns == KICKS);
	SCX_EQ(lab->cpus[1].left, 0);
	if (judge("ops.select_cpu", KICK_PREEMPT, before))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_self_cycle,
	 "a CPU that kicks itself within a scheduling cycle goes through another one, without an interrupt",
	 STOCK_FAILS("one self-interrupt per kick"))

LAB_TEST(kick_self_idle,
	 "a CPU that kicks itself on its way to idle looks for tasks again, without an interrupt",
	 STOCK_FAILS("one self-interrupt per kick"))

LAB_TEST(kick_self_irq,
	 "a CPU that kicks itself from its tick, a timer or a hard interrupt sends no further one",
	 STOCK_FAILS("one self-interrupt per kick"))

LAB_TEST(kick_self_syscall,
	 "a task that kicks its own CPU from a syscall program expires at once, without an interrupt",
	 STOCK_FAILS("one self-interrupt per kick"))

LAB_TEST(kick_self_wakeup,
	 "a self-kick from ops.select_cpu makes room for the task woken, without an interrupt",
	 STOCK_FAILS("one self-interrupt per kick"))
