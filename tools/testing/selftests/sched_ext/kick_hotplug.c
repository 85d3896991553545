// SPDX-License-Identifier: GPL-2.0-only
/* Kicks of CPUs that are offline, that go offline and that do so while they kick themselves */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	300

static const u64 all_flags[] = {
	0, KICK_IDLE, KICK_PREEMPT, KICK_WAIT, KICK_PREEMPT | KICK_WAIT
};

/* CPU 1 schedules as it should: every kind of kick is seen, tasks run */
static enum scx_test_status in_order(struct lab *lab)
{
	struct lab_cpu *lc = &lab->cpus[1];
	struct worker *w;
	int i;

	SCX_ASSERT(set_online(1, true));
	for (i = 0; i < KICKS; i++) {
		SCX_ASSERT(lab_kick(lab, 1, all_flags[i % 3], 1));
		LAB_FOLLOWS(lab, lc->seen == lc->asked);
	}
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	SCX_ASSERT(lab_ring(w));
	LAB_COMES(w->turns);
	SCX_EQ(w->ran_on, 1);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_hotplug_offline(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w;
	struct irqs before, after;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = &lab->workers[0];
	w->target = 1;
	w->flags = KICK_PREEMPT;
	SCX_ASSERT(lab_work(lab, 2, SCHED_EXT, work_kick_and_yield));
	SCX_ASSERT(set_online(1, false));

	before = lab_irqs(2);
	for (i = 0; i < 5; i++) {
		unsigned long turns = w->turns;

		SCX_ASSERT(lab_kick(lab, 1, all_flags[i], 100));
		w->flags = all_flags[i];
		LAB_COMES(w->turns > turns + 100);
	}
	after = lab_irqs(2);
	SCX_LT(after.iwi - before.iwi, 100);

	w->flags = 0;
	lab_let_go(lab);
	lab->cpus[1].asked = lab->cpus[1].seen;
	if (in_order(lab))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* CPU 1 comes or goes, and those that kick it all the time go on */
static enum scx_test_status move_under_kicks(struct worker *w, bool online)
{
	SCX_ASSERT(set_online(1, online));
	SCX_ASSERT(lab_goes_on(&w[0]) && lab_goes_on(&w[1]));
	return SCX_TEST_PASS;
}

static enum scx_test_status toggle_under_kicks(struct lab *lab, const u64 *flags, int nr)
{
	struct worker *w = lab->workers;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w[0].target = 1;
	w[1].target = 1;
	SCX_ASSERT(lab_work(lab, 2, SCHED_EXT, work_kick_and_yield));
	SCX_ASSERT(lab_work(lab, 3, SCHED_EXT, work_kick_and_yield));
	for (i = 0; i < nr; i++) {
		w[0].flags = flags[i];
		w[1].flags = flags[i];
		if (move_under_kicks(w, false) || move_under_kicks(w, true))
			return SCX_TEST_FAIL;
	}
	lab_let_go(lab);
	if (in_order(lab))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_hotplug_toggle(void *ctx)
{
	return toggle_under_kicks(ctx, all_flags, 3);
}

static enum scx_test_status kick_hotplug_wait(void *ctx)
{
	return toggle_under_kicks(ctx, all_flags + 3, 2);
}

static enum scx_test_status kick_hotplug_self(void *ctx)
{
	/* From ops.cpu_offline, from each ops.dispatch, from cycles after the last of these */
	static const enum lab_hook from[] = { LAB_CPU_OFFLINE, LAB_DISPATCH, LAB_DYING };
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	int i;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_watch_cycles));
	lc = &lab->cpus[1];
	for (i = 0; i < 5 * 3; i++) {
		enum lab_hook hook = from[i % 3];
		u64 offlines = lc->offlines, asked = lc->asked;

		lab_order(lab, 1, hook, 1, all_flags[i % 5], hook == LAB_DYING ? 20 : -1);
		SCX_ASSERT(lab_kick(lab, 1, 0, 1));
		SCX_ASSERT(set_online(1, false));
		SCX_EQ(lc->offlines, offlines + 1);
		SCX_GT(lc->asked, asked + 1);
		/* Each one brought about the next one */
		if (hook == LAB_DYING)
			SCX_EQ(lc->left, 0);
		lc->left = 0;
		SCX_ASSERT(set_online(1, true));
	}
	if (in_order(lab))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_hotplug_offline,
	 "kicks of an offline CPU are dropped, with SCX_KICK_WAIT too, and that the CPU comes back as it was",
	 STOCK_FAILS("one self-interrupt per kick"))

LAB_TEST(kick_hotplug_toggle,
	 "a CPU can go offline and come back while others kick it",
	 STOCK_PASSES)

LAB_TEST(kick_hotplug_wait,
	 "a CPU can go offline and come back while others wait for it",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_hotplug_self,
	 "a CPU can kick itself on its way offline",
	 STOCK_BREAKS("its last interrupts to itself never come; the machine is broken then"))
