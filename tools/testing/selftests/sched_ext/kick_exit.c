// SPDX-License-Identifier: GPL-2.0-only
/* Kicks while the scheduler comes and goes: none outlives it, nothing hangs */
#include <stdio.h>
#include <unistd.h>
#include <scx/kick_compat.h>
#include "kick_test.h"

#define KICKS	1000
#define LOADS	15

/* A timer on each CPU kicks the next one, all the time, whether a scheduler is loaded or not */
static enum scx_test_status storm(struct lab *lab, u64 flags)
{
	int cpu;

	for (cpu = 0; cpu < lab->nr_cpus; cpu++) {
		lab_order(lab, cpu, LAB_TIMER, (cpu + 1) % lab->nr_cpus, flags, -1);
		SCX_ASSERT(lab_start_timer(lab, cpu, 100 * 1000));
	}
	return SCX_TEST_PASS;
}

/* Nothing but kicks makes room for the second of two tasks that don't give way */
static enum scx_test_status reload_in_storm(struct lab *lab, u64 flags)
{
	int i, cpu;

	SCX_ASSERT(lab_start(lab, NULL));
	for (cpu = 1; cpu < 4; cpu++) {
		SCX_ASSERT(lab_spin(lab, cpu) && lab_work(lab, cpu, SCHED_EXT, work_spin));
		SCX_ASSERT(lab_work(lab, cpu, SCHED_EXT, work_doze));
	}
	if (storm(lab, flags))
		return SCX_TEST_FAIL;

	for (i = 0; i < LOADS; i++) {
		struct lab_cpu *lc = &lab->cpus[1 + i % 3];
		u64 expired = lc->expired, timers = lc->timers;

		LAB_COMES(lc->timers > timers + 20 && lc->expired > expired + 20);
		SCX_ASSERT(lab_stop(lab));
		timers = lc->timers;
		LAB_COMES(lc->timers > timers + 5);
		SCX_ASSERT(lab_attach(lab));
	}
	for (i = 0; i < lab->nr_workers; i++)
		SCX_ASSERT(lab_goes_on(&lab->workers[i]));
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_exit_storm(void *ctx)
{
	return reload_in_storm(ctx, KICK_PREEMPT);
}

static enum scx_test_status kick_exit_wait(void *ctx)
{
	return reload_in_storm(ctx, KICK_PREEMPT | KICK_WAIT);
}

static enum scx_test_status kick_exit_none(void *ctx)
{
	struct lab *lab = ctx;
	struct irqs kicker, target;
	struct lab_cpu *lc;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_spin(lab, 1));
	SCX_ASSERT(lab_stop(lab));

	kicker = lab_irqs(0);
	target = lab_irqs(1);
	SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, KICKS));
	SCX_LT(lab_irqs(0).iwi - kicker.iwi, KICKS / 4);
	if (lab_few_irqs(1, target, 0, KICKS / 4))
		return SCX_TEST_FAIL;

	/* None is pending, the next scheduler's kicks are new. It inherits a short slice, too */
	SCX_ASSERT(lab_attach(lab));
	lc = &lab->cpus[1];
	for (i = 0; i < 10; i++) {
		u64 expired = lc->expired;

		LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lc->expired != expired);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * ops.exit_task is called for each task of the machine, all CPUs are bypassed then. It lingers, so
 * that the target could serve each kick before the next one. Only one CPU does all that, which may
 * be one of the targets: it kicks the other one.
 */
static enum scx_test_status kick_exit_bypassed(void *ctx)
{
	struct lab *lab = ctx;
	u64 iwi = 0, res = 0, kicks = 0;
	int cpu;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_spin(lab, 1) && lab_spin(lab, 2));

	for (cpu = 0; cpu < lab->nr_cpus; cpu++) {
		lab->cpus[cpu].linger_ns = 2 * 1000 * 1000;
		lab_order(lab, cpu, LAB_EXIT_TASK, cpu == 1 ? 2 : 1, KICK_PREEMPT, -1);
		iwi -= lab_irqs(cpu).iwi;
		kicks -= lab->cpus[cpu].asked;
	}
	res -= lab_irqs(1).res + lab_irqs(2).res;
	SCX_ASSERT(lab_stop(lab));
	res += lab_irqs(1).res + lab_irqs(2).res;
	for (cpu = 0; cpu < lab->nr_cpus; cpu++) {
		iwi += lab_irqs(cpu).iwi;
		kicks += lab->cpus[cpu].asked;
	}

	fprintf(stderr, "%lu kicks, IWI %lu, RES %lu\n", kicks, iwi, res);
	SCX_GT(kicks, 40);
	/* With PREEMPT_RT, RCU sends its own, at the end of a section that was preempted */
	if (!__COMPAT_is_preempt_rt())
		SCX_LT(iwi, kicks / 4);
	SCX_LT(res, kicks / 4);
	return SCX_TEST_PASS;
}

LAB_TEST(kick_exit_none,
	 "kicks are dropped while no scheduler is loaded",
	 STOCK_FAILS("one self-interrupt per kick")
	 BUT_PASSES_ON("7.3"))

LAB_TEST(kick_exit_bypassed,
	 "kicks are dropped while the scheduler is bypassed",
	 STOCK_PASSES)

LAB_TEST(kick_exit_storm,
	 "schedulers load and unload while every CPU is kicked all the time",
	 STOCK_PASSES)

LAB_TEST(kick_exit_wait,
	 "schedulers load and unload while every CPU waits for another one all the time",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))
