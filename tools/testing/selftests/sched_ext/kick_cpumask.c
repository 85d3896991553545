// SPDX-License-Identifier: GPL-2.0-only
/* scx_bpf_kick_cpumask(): each online CPU of the mask is kicked, the others are not */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	100

static const u64 all_flags[] = {
	0, KICK_IDLE, KICK_PREEMPT, KICK_WAIT, KICK_PREEMPT | KICK_WAIT
};

static bool seen(struct lab *lab, u64 mask)
{
	for (; mask; mask &= mask - 1) {
		struct lab_cpu *lc = &lab->cpus[__builtin_ctzll(mask)];

		if (lc->seen != lc->asked)
			return false;
	}
	return true;
}

/* A mask has room for 64 CPUs here */
static u64 all_cpus(struct lab *lab)
{
	return lab->nr_cpus < 64 ? (1ULL << lab->nr_cpus) - 1 : -1ULL;
}

static enum scx_test_status kick_cpumask_idle(void *ctx)
{
	struct lab *lab = ctx;
	u64 masks[] = { 1 << 1, 1 << 2 | 1 << 3, 1 << 1 | 1 << 3, all_cpus(lab) };
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	for (i = 0; i < KICKS; i++) {
		u64 mask = masks[i % 4];

		SCX_EQ(lab_kick_mask(lab, mask, all_flags[i % 5]), __builtin_popcountll(mask));
		LAB_FOLLOWS(lab, seen(lab, mask));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* Two tasks that do not give way on each of CPU 1 to 3; CPU 3 is in no mask */
static enum scx_test_status kick_cpumask_busy(void *ctx)
{
	static const u64 mask = 1 << 1 | 1 << 2;
	struct lab *lab = ctx;
	struct irqs irqs[3];
	int i, cpu;

	SCX_ASSERT(lab_start(lab, NULL));
	for (cpu = 1; cpu < 4; cpu++)
		SCX_ASSERT(lab_spin(lab, cpu) && lab_work(lab, cpu, SCHED_EXT, work_spin));

	for (cpu = 1; cpu < 3; cpu++)
		irqs[cpu] = lab_irqs(cpu);
	for (i = 0; i < KICKS; i++)
		SCX_EQ(lab_kick_mask(lab, mask, KICK_IDLE), 2);
	for (cpu = 1; cpu < 3; cpu++) {
		if (lab_few_irqs(cpu, irqs[cpu], 0, KICKS / 4))
			return SCX_TEST_FAIL;
		SCX_EQ(lab->cpus[cpu].expired, 0);
	}

	for (i = 0; i < KICKS; i++) {
		u64 expired[3] = { 0, lab->cpus[1].expired, lab->cpus[2].expired };

		for (cpu = 1; cpu < 3; cpu++)
			LAB_BRINGS(lab, cpu, lab_kick_mask(lab, mask, KICK_PREEMPT) == 2,
				   lab->cpus[cpu].expired != expired[cpu]);
	}
	SCX_EQ(lab->cpus[3].expired, 0);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_cpumask_empty(void *ctx)
{
	/* No CPU of these exists */
	static const u64 beyond = 1ULL << 63;
	struct lab *lab = ctx;
	struct irqs irqs[4];
	int i, cpu;

	if (libbpf_num_possible_cpus() > 63)
		return SCX_TEST_SKIP;
	SCX_ASSERT(lab_start(lab, NULL));
	for (cpu = 0; cpu < 4; cpu++)
		irqs[cpu] = lab_irqs(cpu);
	for (i = 0; i < KICKS; i++)
		SCX_EQ(lab_kick_mask(lab, beyond, i % 2 ? KICK_IDLE : KICK_PREEMPT), 0);
	for (cpu = 0; cpu < 4; cpu++) {
		if (lab_few_irqs(cpu, irqs[cpu], 0, KICKS / 4))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_cpumask_offline(void *ctx)
{
	static const u64 mask = 1 << 1 | 1 << 2 | 1 << 3;
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(set_online(1, false));
	for (i = 0; i < KICKS; i++) {
		SCX_EQ(lab_kick_mask(lab, mask, all_flags[i % 5]), 2);
		LAB_FOLLOWS(lab, seen(lab, 1 << 2 | 1 << 3));
	}
	SCX_EQ(lab_kick_mask(lab, 1 << 1, KICK_PREEMPT), 0);

	SCX_ASSERT(set_online(1, true));
	for (i = 0; i < KICKS; i++) {
		SCX_EQ(lab_kick_mask(lab, mask, all_flags[i % 5]), 3);
		LAB_FOLLOWS(lab, seen(lab, mask));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_cpumask_self(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w = lab->workers;
	struct irqs before;

	SCX_ASSERT(lab_start(lab, NULL));
	w->mask = 1 << 1 | 1 << 2;
	w->flags = KICK_PREEMPT;
	before = lab_irqs(1);
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_kick_myself));
	LAB_FOLLOWS(lab, w->turns >= KICKS);
	SCX_GT(lab->cpus[1].expired, KICKS * 3 / 4);
	LAB_FOLLOWS(lab, seen(lab, 1 << 2));
	if (lab_few_irqs(1, before, 0, KICKS / 4))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* Held back by ops.dispatch and ops.enqueue; a tick may come amid a kick of the task there */
static enum scx_test_status kick_cpumask_from_op(void *ctx)
{
	static const enum lab_hook from[] = { LAB_DISPATCH, LAB_ENQUEUE, LAB_TICK, LAB_RUNNING };
	static const u64 mask = 1 << 1 | 1 << 3;
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[2];
	for (i = 0; i < 2; i++) {
		lab->workers[i].mask = mask | 1 << 2;
		lab->workers[i].flags = KICK_PREEMPT;
		SCX_ASSERT(lab_work(lab, 2, SCHED_EXT, work_kick_and_yield));
	}

	lc->mask = mask;
	for (i = 0; i < KICKS; i++) {
		lab_order(lab, 2, from[i % 4], 0, i % 8 < 4 ? KICK_IDLE : KICK_PREEMPT, 1);
		LAB_COMES(!lc->left);
		SCX_EQ(lc->ret, 2);
	}
	lab_let_go(lab);
	LAB_FOLLOWS(lab, seen(lab, mask | 1 << 2));

	/* Nobody else kicks these CPUs */
	SCX_ASSERT(lab_spin(lab, 2));
	for (i = 0; i < KICKS; i++) {
		lab_order(lab, 2, i % 2 ? LAB_DISPATCH : LAB_TICK, 0, KICK_IDLE, 1);
		if (i % 2)
			LAB_KICK_BRINGS(lab, 2, KICK_PREEMPT, !lc->left);
		else
			LAB_COMES(!lc->left);
		LAB_FOLLOWS(lab, seen(lab, mask));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_cpumask_idle,
	 "scx_bpf_kick_cpumask() makes all CPUs of its mask schedule and returns how many",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_cpumask_busy,
	 "it preempts on each CPU of its mask, with SCX_KICK_IDLE on none, and on no others",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_cpumask_empty,
	 "an empty mask kicks nobody and returns 0",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_cpumask_offline,
	 "offline CPUs in the mask are left out, with SCX_KICK_WAIT too, and not counted",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_cpumask_self,
	 "the kicking CPU may be in the mask and gets no interrupt",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_cpumask_from_op,
	 "operations can kick a mask, amid other kicks of their CPU too",
	 STOCK_FAILS("has no such kfunc"))
