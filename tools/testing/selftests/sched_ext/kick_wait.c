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
static void work_kick_and_sleep(struct worker *w)
{
	lab_worker_kicks(w);
	sem_wait(&w->bell);
}

static void work_spin_and_sleep(struct worker *w)
{
	work_spin(w);
	sem_wait(&w->bell);
}

/*
 * CPU 1 stands still with interrupts off: it can't begin a cycle. A task on CPU 2 kicks it and
 * sleeps, CPU 2 picks the next one. That must not execute anything before CPU 1 was let go.
 */
static enum scx_test_status wait_in_order(struct lab *lab, const struct worker *kick, int *judged)
{
	struct lab_cpu *waiting = &lab->cpus[2];
	struct worker *first, *kicker, *next;
	u64 released;

	/* The others are in CPU 2's queue when the first one sleeps */
	first = lab_work(lab, 2, SCHED_EXT, work_spin_and_sleep);
	SCX_ASSERT(first);
	LAB_COMES(first->turns);
	kicker = &lab->workers[lab->nr_workers];
	kicker->target = kick->target;
	kicker->victim = kick->victim;
	kicker->mask = kick->mask;
	kicker->flags = kick->flags;
	SCX_ASSERT(lab_work(lab, 2, SCHED_EXT, work_kick_and_sleep));
	next = lab_work(lab, 2, SCHED_EXT, work_see_order);
	SCX_ASSERT(next);

	let_go = false;
	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	released = waiting->released;
	first->stop = true;
	/* A task of a higher class in between: then it may be the kicker that has to wait */
	LAB_COMES(waiting->curr == next->tid || waiting->released != released);
	/* It was picked. A CPU that doesn't wait has it run now */
	usleep(2000);
	let_go = true;
	lab_unhold(lab, 1);

	LAB_COMES(next->turns);
	if (waiting->released == released && !lab->cpus[1].overheld) {
		SCX_ASSERT(next->in_order);
		*judged += 1;
	}
	lab->cpus[1].overheld = 0;
	return SCX_TEST_PASS;
}

/* What each of @nr @kicks says of whom to kick */
static enum scx_test_status waits_in_order(struct lab *lab, const struct worker *kicks, int nr)
{
	int i, judged = 0;

	SCX_ASSERT(lab_start(lab, NULL));
	for (i = 0; i < 12; i++) {
		SCX_ASSERT(lab_spin(lab, 1));
		if (wait_in_order(lab, &kicks[i % nr], &judged))
			return SCX_TEST_FAIL;
		lab_let_go(lab);
	}
	SCX_GE(judged, 4);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_wait_order(void *ctx)
{
	static const struct worker kicks[] = {
		{ .target = 1, .flags = KICK_WAIT },
		{ .target = 1, .flags = KICK_PREEMPT | KICK_WAIT },
	};

	return waits_in_order(ctx, kicks, 2);
}

static enum scx_test_status kick_wait_cpumask(void *ctx)
{
	static const struct worker kicks[] = {
		{ .mask = 1 << 1 | 1 << 3, .flags = KICK_WAIT },
		{ .mask = 1 << 1 | 1 << 2, .flags = KICK_PREEMPT | KICK_WAIT },
	};

	return waits_in_order(ctx, kicks, 2);
}

/* The task that CPU 1 runs is the lab's first worker */
static enum scx_test_status kick_wait_task(void *ctx)
{
	struct lab *lab = ctx;
	const struct worker kick = { .victim = lab->workers, .flags = KICK_WAIT };

	return waits_in_order(lab, &kick, 1);
}

LAB_TEST(kick_wait_order,
	 "after SCX_KICK_WAIT no sched_ext task starts before the target begins a cycle",
	 "the machine hangs")

LAB_TEST(kick_wait_cpumask,
	 "the same holds for scx_bpf_kick_cpumask(), whatever other CPUs are in its mask",
	 "has no such kfunc")

LAB_TEST(kick_wait_task,
	 "the same holds for scx_bpf_kick_task()",
	 "has no such kfunc")

LAB_TEST(kick_wait_idle,
	 "SCX_KICK_WAIT at an idle CPU makes progress",
	 "the machine hangs")

LAB_TEST(kick_wait_busy,
	 "SCX_KICK_WAIT at a CPU that runs a task makes progress",
	 "the machine hangs")

LAB_TEST(kick_wait_ring3,
	 "three CPUs that wait for each other in a ring all make progress",
	 "the machine hangs")

LAB_TEST(kick_wait_ring_all,
	 "all CPUs that wait for each other in a ring make progress",
	 "the machine hangs")
