// SPDX-License-Identifier: GPL-2.0-only
/* Kicks of CPUs that are offline, that go offline and that do so while they kick themselves */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define ROUNDS	3

static const u64 all_flags[] = {
	0, KICK_IDLE, KICK_PREEMPT, KICK_WAIT, KICK_PREEMPT | KICK_WAIT
};

/* CPU 1 schedules as it should: every kind of kick is seen, tasks run */
static enum scx_test_status in_order(struct lab *lab)
{
	struct worker *w;
	int i;

	SCX_ASSERT(lab_cpu_online(1, true));
	for (i = 0; i < 3; i++) {
		SCX_ASSERT(lab_kick(lab, 1, all_flags[i], 1));
		LAB_COMES(lab->cpus[1].seen == lab->cpus[1].asked);
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
	SCX_ASSERT(lab_cpu_online(1, false));

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

/* Tasks on CPU 2 and 3 kick CPU 1 all the time, which comes and goes */
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
		unsigned long turns[2] = { w[0].turns, w[1].turns };

		w[0].flags = flags[i];
		w[1].flags = flags[i];
		SCX_ASSERT(lab_cpu_online(1, false));
		SCX_ASSERT(lab_cpu_online(1, true));
		LAB_COMES(w[0].turns != turns[0] && w[1].turns != turns[1]);
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
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[1];
	for (i = 0; i < 2 * ROUNDS; i++) {
		/* Once from ops.cpu_offline, once from each ops.dispatch until it is gone */
		enum lab_hook hook = i % 2 ? LAB_DISPATCH : LAB_CPU_OFFLINE;
		u64 offlines = lc->offlines, asked = lc->asked;

		lab_order(lab, 1, hook, 1, all_flags[i % 5], hook == LAB_DISPATCH ? -1 : 1);
		SCX_ASSERT(lab_kick(lab, 1, 0, 1));
		SCX_ASSERT(lab_cpu_online(1, false));
		SCX_EQ(lc->offlines, offlines + 1);
		SCX_GT(lc->asked, asked + 1);
		lc->left = 0;
		SCX_ASSERT(lab_cpu_online(1, true));
	}
	if (in_order(lab))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static struct scx_test tests[] = {
	LAB_TEST(kick_hotplug_offline,
		 "kicks of an offline CPU are dropped, with SCX_KICK_WAIT too, and that the CPU comes back as it was",
		 "one self-interrupt per kick"),
	LAB_TEST(kick_hotplug_toggle,
		 "a CPU can go offline and come back while others kick it",
		 "passes"),
	LAB_TEST(kick_hotplug_wait,
		 "a CPU can go offline and come back while others wait for it",
		 "the machine hangs"),
	LAB_TEST(kick_hotplug_self,
		 "a CPU can kick itself on its way offline",
		 "passes"),
	{}
};

REGISTER_LAB_TESTS(tests)
