// SPDX-License-Identifier: GPL-2.0-only
/* SCX_KICK_WAIT: it waits for what it should, and nobody hangs */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	100

/* One turn after the other, however slow the machine is */
static enum scx_test_status takes_turns(struct worker *w, int nr)
{
	unsigned long goal = w->turns + nr;

	while (w->turns < goal)
		SCX_ASSERT(lab_goes_on(w));
	return SCX_TEST_PASS;
}

static enum scx_test_status kicks_go_through(struct worker *w, u64 flags)
{
	w->flags = flags;
	return takes_turns(w, KICKS);
}

/* One task kicks and yields, so that its CPU starts a sched_ext task after each kick */
static struct worker *waiter(struct lab *lab, int cpu, int target, u64 flags)
{
	struct worker *w = &lab->workers[lab->nr_workers];

	w->target = target;
	w->flags = flags;
	return lab_work(lab, cpu, SCHED_EXT, work_kick_and_yield);
}

static enum scx_test_status waits_go_through(struct lab *lab)
{
	struct worker *w = waiter(lab, 2, 1, KICK_WAIT);

	SCX_ASSERT(w);
	if (kicks_go_through(w, KICK_WAIT) || kicks_go_through(w, KICK_PREEMPT | KICK_WAIT))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_wait_idle(void *ctx)
{
	struct lab *lab = ctx;

	SCX_ASSERT(lab_start(lab, NULL));
	return waits_go_through(lab);
}

static enum scx_test_status kick_wait_busy(void *ctx)
{
	struct lab *lab = ctx;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_spin(lab, 1));
	return waits_go_through(lab);
}

/* Each of @nr CPUs has two tasks that kick the next CPU, and kicks it itself when it dispatches */
static enum scx_test_status ring(struct lab *lab, int first, int nr, u64 flags)
{
	int i;

	SCX_LE(2 * nr, LAB_MAX_WORKERS);
	for (i = 0; i < nr; i++) {
		int cpu = first + i, next = first + (i + 1) % nr;

		SCX_ASSERT(waiter(lab, cpu, next, flags));
		SCX_ASSERT(waiter(lab, cpu, next, flags));
	}
	for (i = 0; i < nr; i++)
		lab_order(lab, first + i, LAB_DISPATCH, first + (i + 1) % nr, flags, -1);

	for (i = 0; i < 2 * nr; i++) {
		if (takes_turns(&lab->workers[i], KICKS / 5))
			return SCX_TEST_FAIL;
	}

	for (i = 0; i < nr; i++)
		lab->cpus[first + i].left = 0;
	return SCX_TEST_PASS;
}

static enum scx_test_status rings(struct lab *lab, int first, int nr)
{
	SCX_ASSERT(lab_start(lab, NULL));
	if (ring(lab, first, nr, KICK_WAIT))
		return SCX_TEST_FAIL;
	lab_let_go(lab);
	if (ring(lab, first, nr, KICK_PREEMPT | KICK_WAIT))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_wait_ring3(void *ctx)
{
	return rings(ctx, 1, 3);
}

static enum scx_test_status kick_wait_ring_all(void *ctx)
{
	struct lab *lab = ctx;
	int nr = lab->nr_cpus < LAB_MAX_WORKERS / 2 ? lab->nr_cpus : LAB_MAX_WORKERS / 2;

	return rings(lab, 0, nr);
}

/* Set before the target is let go, read by the first instructions of the task that had to wait */
static bool let_go;

static void work_see_order(struct worker *w)
{
	w->in_order = shared(let_go);
	w->turns++;
	sem_wait(&w->bell);
}

/* A thread that ends frees its stack, and that waits for an answer from CPU 1 */
static void work_spin_and_sleep(struct worker *w)
{
	work_spin(w);
	sem_wait(&w->bell);
}

static void work_kick_and_see_order(struct worker *w)
{
	sem_wait(&w->bell);
	lab_worker_kicks(w);
	w->in_order = shared(let_go);
	count(w->turns);
	sem_wait(&w->bell);
}

/* CPU 1 stands still with interrupts off, so it can't begin a cycle: it is waited for until now */
static void let_target_go(struct lab *lab)
{
	/* A CPU that doesn't wait has a task run meanwhile */
	usleep(2000);
	set_shared(let_go, true);
	lab_unhold(lab, 1);
}

/*
 * @w has run after that, unless the target went on by itself, or the kick was a claim that somebody
 * else had: @said
 */
static enum scx_test_status judge(struct worker *w, s32 said, int *judged)
{
	struct lab_cpu *target = &w->lab->cpus[1];

	if (!target->overheld && said >= 0) {
		SCX_ASSERT(w->in_order);
		*judged += 1;
	}
	target->overheld = 0;
	return SCX_TEST_PASS;
}

/* How CPU 2 makes the kick that @kick tells, while CPU 1 stands still */
typedef enum scx_test_status (*way)(struct lab *lab, const struct worker *kick, int *judged);

/* A task on CPU 2 sleeps, ops.dispatch kicks CPU 1, and CPU 2 picks the next task */
static enum scx_test_status wait_of_cycle(struct lab *lab, const struct worker *kick, int *judged)
{
	struct lab_cpu *waiting = &lab->cpus[2];
	struct worker *first, *next;
	u64 released;

	/* The next one is in CPU 2's queue when the first one sleeps */
	first = lab_work(lab, 2, SCHED_EXT, work_spin_and_sleep);
	SCX_ASSERT(first);
	LAB_COMES(first->turns);
	next = lab_work(lab, 2, SCHED_EXT, work_see_order);
	SCX_ASSERT(next);

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	waiting->mask = kick->mask;
	waiting->victim = kick->victim ? kick->victim->tid : 0;
	released = waiting->released;
	lab_order(lab, 2, LAB_DISPATCH, kick->target, kick->flags, 1);
	first->stop = true;
	/* A task of a higher class in between: then the kick may be of another cycle */
	LAB_COMES(waiting->curr == next->tid || waiting->released != released);
	let_target_go(lab);

	LAB_COMES(next->turns);
	return waiting->released == released ? judge(next, waiting->ret, judged) : SCX_TEST_PASS;
}

/* A task on CPU 2 kicks CPU 1, and may go on itself, for it has an endless slice */
static enum scx_test_status wait_of_task(struct lab *lab, const struct worker *kick, int *judged)
{
	struct worker *kicker = &lab->workers[lab->nr_workers];
	u64 sent;

	kicker->target = kick->target;
	kicker->victim = kick->victim;
	kicker->mask = kick->mask;
	kicker->flags = kick->flags;
	SCX_ASSERT(lab_work(lab, 2, SCHED_EXT, work_kick_and_see_order));
	SCX_ASSERT(LAB_WAIT(lab_asleep(kicker)));

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	sent = lab->cpus[2].sent;
	SCX_ASSERT(lab_ring(kicker));
	LAB_COMES(lab->cpus[2].sent != sent);
	let_target_go(lab);

	LAB_COMES(kicker->turns);
	return judge(kicker, kicker->said, judged);
}

/* A kernel without this kick path waits until the CPU has another task than before */
static bool spin_twice(struct lab *lab, int cpu)
{
	return lab_spin(lab, cpu) && lab_work(lab, cpu, SCHED_EXT, work_spin);
}

/* What each of @nr @kicks says of whom to kick. @twice: CPU 1 has two tasks */
static enum scx_test_status waits(struct lab *lab, way kick, const struct worker *kicks, int nr,
				  bool twice)
{
	int i, judged = 0;

	/* Others come in between: often with PREEMPT_RT, or during the long waits of stock */
	for (i = 0; i < 12 || (judged < 2 && i < 200); i++) {
		SCX_ASSERT(twice ? spin_twice(lab, 1) : !!lab_spin(lab, 1));
		set_shared(let_go, false);
		if (kick(lab, &kicks[i % nr], &judged))
			return SCX_TEST_FAIL;
		lab_let_go(lab);
	}
	SCX_GE(judged, 2);
	return SCX_TEST_PASS;
}

static enum scx_test_status waits_both_ways(struct lab *lab, const struct worker *kicks, int nr)
{
	SCX_ASSERT(lab_start(lab, NULL));
	if (waits(lab, wait_of_cycle, kicks, nr, false) ||
	    waits(lab, wait_of_task, kicks, nr, false))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_wait_order(void *ctx)
{
	static const struct worker kicks[] = {
		{ .target = 1, .flags = KICK_WAIT },
		{ .target = 1, .flags = KICK_PREEMPT | KICK_WAIT },
	};

	return waits_both_ways(ctx, kicks, 2);
}

static enum scx_test_status kick_wait_cpumask(void *ctx)
{
	static const struct worker kicks[] = {
		{ .mask = 1 << 1 | 1 << 3, .flags = KICK_WAIT },
		{ .mask = 1 << 1 | 1 << 2, .flags = KICK_PREEMPT | KICK_WAIT },
	};

	SCX_FAIL_IF(!__COMPAT_has_ksym("scx_bpf_kick_cpumask"), "The kernel has no such kfunc");
	return waits_both_ways(ctx, kicks, 2);
}

/* The task that CPU 1 runs is the lab's first worker */
static enum scx_test_status kick_wait_task(void *ctx)
{
	struct lab *lab = ctx;
	const struct worker kick = { .victim = lab->workers, .flags = KICK_WAIT };

	SCX_FAIL_IF(!__COMPAT_has_ksym("scx_bpf_kick_task"), "The kernel has no such kfunc");
	return waits_both_ways(lab, &kick, 1);
}

static enum scx_test_status kick_wait_syscall(void *ctx)
{
	static const struct worker kick = { .target = 1, .flags = KICK_PREEMPT | KICK_WAIT };
	struct lab *lab = ctx;

	SCX_ASSERT(lab_start(lab, NULL));
	if (waits(lab, wait_of_task, &kick, 1, true))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* An interrupt on CPU 2, which runs @w, kicks CPU 1 from @hook */
static enum scx_test_status wait_of_irq(struct worker *w, enum lab_hook hook, int *judged)
{
	struct lab *lab = w->lab;
	u64 sent = lab->cpus[2].sent;
	unsigned long turns;

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	/* CPU 2 has waited before, and may leave further waits until the next tick */
	usleep(20 * 1000);
	lab_order(lab, 2, hook, 1, KICK_PREEMPT | KICK_WAIT, 1);
	/* That is before the interrupt has ended, so the task has not gone on */
	LAB_COMES(lab->cpus[2].sent != sent);
	turns = shared(w->turns);
	usleep(2000);
	w->in_order = shared(w->turns) == turns;
	lab_unhold(lab, 1);
	SCX_ASSERT(lab_goes_on(w));
	return judge(w, 0, judged);
}

static enum scx_test_status kick_wait_irq(void *ctx)
{
	static const enum lab_hook hooks[] = { LAB_TICK, LAB_TIMER, LAB_HARDIRQ };
	struct lab *lab = ctx;
	int i, judged = 0;
	struct worker *w;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_hardirq));
	SCX_ASSERT(lab_start_timer(lab, 2, 200 * 1000));
	w = lab_spin(lab, 2);
	SCX_ASSERT(w && spin_twice(lab, 1));
	for (i = 0; i < 12; i++) {
		if (wait_of_irq(w, hooks[i % 3], &judged))
			return SCX_TEST_FAIL;
	}
	SCX_GE(judged, 4);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* Have CPU 2's next ops.dispatch kick CPU @target, and make it come */
static enum scx_test_status dispatch_kicks(struct lab *lab, int target)
{
	lab_order(lab, 2, LAB_DISPATCH, target, KICK_PREEMPT | KICK_WAIT, 1);
	LAB_KICK_BRINGS(lab, 2, KICK_PREEMPT, !lab->cpus[2].left);
	return SCX_TEST_PASS;
}

/*
 * CPUs 1 and 3 stand still. CPU 2 keeps the same task in two cycles. One waits for CPU 3 and gives
 * way to the other, which kicks CPU 1: that the first wait is over must not let the task go on.
 */
static enum scx_test_status wait_again(struct lab *lab, struct worker *w, int *judged)
{
	struct lab_cpu *first = &lab->cpus[3];
	unsigned long turns;

	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK) && lab_hold(lab, 3, LAB_TICK));
	if (dispatch_kicks(lab, 3))
		return SCX_TEST_FAIL;
	turns = shared(w->turns);
	if (dispatch_kicks(lab, 1))
		return SCX_TEST_FAIL;
	lab_unhold(lab, 3);
	LAB_FOLLOWS(lab, first->seen == first->asked);
	usleep(2000);
	w->in_order = shared(w->turns) == turns;
	lab_unhold(lab, 1);
	SCX_ASSERT(lab_goes_on(w));
	return judge(w, 0, judged);
}

static enum scx_test_status kick_wait_again(void *ctx)
{
	struct lab *lab = ctx;
	int i, judged = 0;
	struct worker *w;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_spin(lab, 2);
	SCX_ASSERT(w && spin_twice(lab, 1) && spin_twice(lab, 3));
	for (i = 0; i < 12; i++) {
		if (wait_again(lab, w, &judged))
			return SCX_TEST_FAIL;
	}
	SCX_GE(judged, 4);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * CPU 3 stands still, and CPU 2 waits for it. CPU 1 waits for CPU 0, time and again. In a timer no
 * lock is held: to wake a task on CPU 3 is no reason to wait for it.
 */
static enum scx_test_status kick_wait_own(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *w, *other;
	struct lab_cpu *slow;
	unsigned long goal;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(spin_twice(lab, 0) && spin_twice(lab, 3));
	other = waiter(lab, 2, 3, KICK_PREEMPT | KICK_WAIT);
	w = waiter(lab, 1, 0, KICK_PREEMPT | KICK_WAIT);
	SCX_ASSERT(w && other && lab_goes_on(w) && lab_goes_on(other));

	slow = &lab->cpus[3];
	slow->hold_ns = 3 * NSEC_PER_SEC;
	SCX_ASSERT(lab_start_timer(lab, 3, 1000 * 1000) && lab_hold(lab, 3, LAB_TIMER));
	LAB_COMES(slow->seen != slow->asked);
	goal = w->turns + KICKS / 5;
	LAB_COMES(shared(w->turns) >= goal || slow->overheld);
	SCX_EQ(slow->overheld, 0);
	lab_unhold(lab, 3);
	SCX_ASSERT(lab_goes_on(other));
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_wait_order,
	 "after SCX_KICK_WAIT no sched_ext task starts before the target begins a cycle",
	 STOCK_PASSES)

LAB_TEST(kick_wait_cpumask,
	 "the same holds for scx_bpf_kick_cpumask(), whatever other CPUs are in its mask",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_wait_task,
	 "the same holds for scx_bpf_kick_task()",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_wait_syscall,
	 "a task that kicks with SCX_KICK_WAIT does not go on before the target begins a cycle",
	 STOCK_PASSES)

LAB_TEST(kick_wait_irq,
	 "nor does a task whose CPU kicks from its tick, a timer or a hard interrupt",
	 STOCK_PASSES)

LAB_TEST(kick_wait_again,
	 "a wait that gives way to a cycle goes on with what that cycle has kicked",
	 STOCK_FAILS("a CPU that waits does not schedule"))

LAB_TEST(kick_wait_own,
	 "a CPU waits for those that it has kicked, and not for those of others",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_wait_idle,
	 "SCX_KICK_WAIT at an idle CPU makes progress",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_wait_busy,
	 "SCX_KICK_WAIT at a CPU that runs a task makes progress",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_wait_ring3,
	 "three CPUs that wait for each other in a ring all make progress",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))

LAB_TEST(kick_wait_ring_all,
	 "all CPUs that wait for each other in a ring make progress",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))
