// SPDX-License-Identifier: GPL-2.0-only
/* Kicks of a CPU that a task of a higher class keeps: no interrupt, and nothing is lost by that */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kick_test.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE	6
#endif

#define KICKS	200
#define ROUNDS	32

static const u64 kinds[] = { 0, KICK_PREEMPT, KICK_WAIT, KICK_PREEMPT | KICK_WAIT };

/* What the task on top does now. User space moves it on, one by one */
enum phase {
	SPINS,
	YIELDS,
	LETS_GO,
	LEAVES,
};

static enum phase phase;

static void work_until(struct worker *w, enum phase end)
{
	while (shared(phase) < end && !shared(w->stop)) {
		if (shared(phase) == YIELDS)
			sched_yield();
		count(w->turns);
	}
}

/* Each spell begins with the bell and ends when user space says so */
static void work_in_spells(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop)
		work_until(w, LEAVES);
}

static bool begin_spell(struct worker *w)
{
	set_shared(phase, SPINS);
	return lab_ring(w) && lab_goes_on(w);
}

static bool end_spell(struct worker *w)
{
	set_shared(phase, LEAVES);
	return LAB_WAIT(lab_asleep(w));
}

/* What all CPUs were sent */
static u64 interrupts(struct lab *lab)
{
	u64 sum = 0;
	int cpu;

	for (cpu = 0; cpu < lab->nr_cpus; cpu++)
		sum += shared(lab->cpus[cpu].interrupted);
	return sum;
}

/*
 * Kick the CPU that @top runs on: it goes on, and no CPU is sent more than next to nothing. On a
 * slow machine others may send more in between: then again, twice at most
 */
static enum scx_test_status leaves_in_peace(struct lab *lab, struct worker *top, u64 flags)
{
	u64 sent = KICKS;
	int i, series;

	for (series = 0; series < 3 && sent >= KICKS / 4; series++) {
		u64 before = interrupts(lab);

		for (i = 0; i < KICKS; i++) {
			SCX_ASSERT(lab_kick(lab, shared(top->ran_on), flags, 1));
			SCX_ASSERT(lab_goes_on(top));
		}
		sent = interrupts(lab) - before;
	}
	SCX_LT(sent, KICKS / 4);
	return SCX_TEST_PASS;
}

static enum scx_test_status all_kinds_leave_in_peace(struct lab *lab, struct worker *top)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (leaves_in_peace(lab, top, kinds[i]))
			return SCX_TEST_FAIL;
	}
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_higher_irq(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *top, *w;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_watch_sends));
	top = lab_work(lab, 1, SCHED_FIFO, work_spin);
	SCX_ASSERT(top && lab_goes_on(top));
	top->ran_on = 1;
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && !sem_post(&w->bell));

	if (all_kinds_leave_in_peace(lab, top))
		return SCX_TEST_FAIL;
	SCX_EQ(w->turns, 0);
	top->stop = true;
	LAB_COMES(w->turns == 1);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

struct deadline_attr {
	u32 size;
	u32 policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime;
	u64 deadline;
	u64 period;
};

/* May go anywhere, as it has to, and may be throttled for a fifth of the time */
static void work_by_deadline(struct worker *w)
{
	struct deadline_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime = 800 * NSEC_PER_MSEC,
		.deadline = NSEC_PER_SEC,
		.period = NSEC_PER_SEC,
	};

	if (!go_anywhere(0) || syscall(SYS_sched_setattr, 0, &attr, 0)) {
		perror("Failed to get a deadline");
		return;
	}
	while (!shared(w->stop)) {
		set_shared(w->ran_on, sched_getcpu());
		count(w->turns);
	}
}

static enum scx_test_status kick_higher_deadline(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *top;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_watch_sends));
	top = lab_work(lab, 1, SCHED_OTHER, work_by_deadline);
	SCX_ASSERT(top && lab_goes_on(top));
	if (all_kinds_leave_in_peace(lab, top))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * A task of the lab that the CPU has to run once its FIFO task is gone, and a kick that was made
 * before it went
 */
static bool queue_and_kick(struct lab *lab, struct worker *w, u64 flags)
{
	u64 enqueues = lab->cpus[1].enqueues;

	return lab_ring(w) && LAB_WAIT(lab->cpus[1].enqueues != enqueues) &&
	       lab_kick(lab, 1, flags, 1);
}

static u64 kick_of(int round)
{
	return round & 1 ? KICK_PREEMPT : 0;
}

/*
 * Once the task on top blocks, ends, or has become a task of the fair class and blocks then, the
 * CPU runs what was queued meanwhile
 */
static enum scx_test_status top_leaves(struct lab *lab, u64 wait)
{
	struct worker *top, *w;
	int i;

	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w);
	top = lab_work(lab, 1, SCHED_FIFO, work_in_spells);
	SCX_ASSERT(top);
	for (i = 0; i < ROUNDS; i++) {
		SCX_ASSERT(LAB_WAIT(lab_asleep(w)));
		SCX_ASSERT(lab_set_policy(top, SCHED_FIFO) && begin_spell(top));
		SCX_ASSERT(queue_and_kick(lab, w, kick_of(i) | wait));
		SCX_EQ(w->turns, i);
		if (i & 4)
			SCX_ASSERT(lab_set_policy(top, SCHED_OTHER) && lab_goes_on(top));
		SCX_ASSERT(end_spell(top));
		LAB_FOLLOWS(lab, w->turns == i + 1);
	}

	for (i = ROUNDS; i < 2 * ROUNDS; i++) {
		SCX_ASSERT(LAB_WAIT(lab_asleep(w)));
		top = lab_work(lab, 1, SCHED_FIFO, work_spin);
		SCX_ASSERT(top && lab_goes_on(top));
		SCX_ASSERT(queue_and_kick(lab, w, kick_of(i) | wait));
		SCX_EQ(w->turns, i);
		top->stop = true;
		LAB_FOLLOWS(lab, w->turns == i + 1);
	}
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_higher_leaves(void *ctx)
{
	struct lab *lab = ctx;

	SCX_ASSERT(lab_start(lab, NULL));
	if (top_leaves(lab, 0))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * The task that runs has become one of the lab's without a cycle: a kick preempts it, as any other.
 * That this is so may be told the scheduler, which counts in ->released, but only once. If a task
 * of a higher class comes in between it is told that one has come, and gone: then again.
 */
static enum scx_test_status preempts(struct lab *lab, struct worker *w, int round, u64 released)
{
	struct lab_cpu *lc = &lab->cpus[1];

	do {
		SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
		LAB_FOLLOWS(lab, w->turns == round + 1 || lc->released > released + 1);
		released = lc->released;
	} while (w->turns != round + 1);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_higher_demoted(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *top, *w;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && LAB_WAIT(lab_asleep(w)));
	top = lab_work(lab, 1, SCHED_FIFO, work_in_spells);
	SCX_ASSERT(top);
	for (i = 0; i < ROUNDS; i++) {
		u64 released;

		SCX_ASSERT(lab_set_policy(top, SCHED_FIFO) && begin_spell(top));
		SCX_ASSERT(queue_and_kick(lab, w, kick_of(i)));
		SCX_EQ(w->turns, i);
		released = lab->cpus[1].released;
		SCX_ASSERT(lab_set_policy(top, SCHED_EXT));
		if (preempts(lab, w, i, released))
			return SCX_TEST_FAIL;
		SCX_ASSERT(lab_goes_on(top) && end_spell(top));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static pthread_mutex_t mutex;

/* A FIFO task that waits for the mutex lends the owner its priority, and class */
static void work_as_owner(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop) {
		pthread_mutex_lock(&mutex);
		work_until(w, LETS_GO);
		pthread_mutex_unlock(&mutex);
		work_until(w, LEAVES);
	}
}

static void work_as_lender(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop) {
		pthread_mutex_lock(&mutex);
		pthread_mutex_unlock(&mutex);
		count(w->turns);
	}
}

static bool init_mutex(void)
{
	pthread_mutexattr_t attr;

	return !pthread_mutexattr_init(&attr) &&
	       !pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT) &&
	       !pthread_mutex_init(&mutex, &attr);
}

/* A task that CPU 1 is to run once the owner, which it runs, has lost its priority or slice */
static bool start_lending(struct lab *lab, struct worker **w, struct worker **owner,
			  struct worker **lender)
{
	if (!init_mutex() || !lab_start(lab, NULL))
		return false;
	*w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	*owner = lab_work(lab, 1, SCHED_EXT, work_as_owner);
	*lender = lab_work(lab, 2, SCHED_FIFO, work_as_lender);
	return *w && *owner && *lender;
}

/* The 18th field: priorities of real-time tasks are below 0 there. Others follow the name's ')' */
static bool is_boosted(struct worker *w)
{
	char path[64], text[1024], *pos;
	int field;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", w->tid);
	if (!get(path, text, sizeof(text)))
		return false;
	pos = strrchr(text, ')');
	for (field = 2; pos && field < 18; field++)
		pos = strchr(pos + 1, ' ');
	return pos && atol(pos) < 0;
}

/* The owner runs as a FIFO task now, and has gone through cycles as such */
static bool lend(struct worker *owner, struct worker *lender)
{
	unsigned long turns;

	if (!lab_ring(lender) || !LAB_WAIT(is_boosted(owner)))
		return false;
	set_shared(phase, YIELDS);
	turns = owner->turns;
	return LAB_WAIT(owner->turns > turns + 3);
}

static enum scx_test_status kick_higher_pi(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *owner, *lender, *w;
	int i;

	SCX_ASSERT(start_lending(lab, &w, &owner, &lender));
	for (i = 0; i < ROUNDS; i++) {
		u64 released;

		SCX_ASSERT(begin_spell(owner) && lend(owner, lender));
		SCX_ASSERT(queue_and_kick(lab, w, kick_of(i)));
		SCX_EQ(w->turns, i);
		released = lab->cpus[1].released;
		set_shared(phase, LETS_GO);
		LAB_COMES(lender->turns == i + 1);
		SCX_ASSERT(!is_boosted(owner));
		if (preempts(lab, w, i, released))
			return SCX_TEST_FAIL;
		SCX_ASSERT(lab_goes_on(owner) && end_spell(owner));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* The owner is on CPU 1, which stands still in an interrupt: no cycle can come */
static bool hold_owner(struct lab *lab, struct worker *owner)
{
	struct lab_cpu *lc = &lab->cpus[1];

	for (;;) {
		if (!lab_goes_on(owner) || !lab_hold(lab, 1, LAB_TIMER))
			return false;
		if (shared(lc->on) && shared(lc->curr) == owner->tid && !shared(lc->below))
			return true;
		lab_unhold(lab, 1);
	}
}

/*
 * The kick takes the slice, and the cycle that it asks for finds a task of a higher class. A lazy
 * kick asks for none: that cycle comes when the task loses its priority
 */
static enum scx_test_status boosted_after_kick(struct lab *lab, u64 flags)
{
	struct worker *owner, *lender, *w;
	int i;

	SCX_ASSERT(start_lending(lab, &w, &owner, &lender));
	SCX_ASSERT(lab_start_timer(lab, 1, 1000 * 1000));
	for (i = 0; i < ROUNDS; i++) {
		SCX_ASSERT(LAB_WAIT(lab_asleep(w)) && begin_spell(owner));
		SCX_ASSERT(hold_owner(lab, owner) && queue_and_kick(lab, w, flags));
		SCX_ASSERT(lab_ring(lender) && LAB_WAIT(is_boosted(owner)));
		lab_unhold(lab, 1);
		set_shared(phase, LETS_GO);
		LAB_COMES(lender->turns == i + 1);
		LAB_FOLLOWS(lab, w->turns == i + 1);
		SCX_ASSERT(lab_goes_on(owner) && end_spell(owner));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_higher_boosted(void *ctx)
{
	return boosted_after_kick(ctx, KICK_PREEMPT);
}

static enum scx_test_status kick_higher_lazy(void *ctx)
{
	u64 flags;

	SCX_FAIL_IF(!__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY", &flags),
		    "The kernel has no lazy preemption");
	return boosted_after_kick(ctx, flags);
}

/* The target does not start a task that could be waited for as long as its own one stays */
static enum scx_test_status kick_higher_wait(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *top, *w;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	top = lab_work(lab, 1, SCHED_FIFO, work_spin);
	SCX_ASSERT(top && lab_goes_on(top));
	w = &lab->workers[lab->nr_workers];
	w->target = 1;
	w->flags = KICK_WAIT;
	SCX_ASSERT(lab_work(lab, 2, SCHED_EXT, work_kick_and_yield));
	for (i = 0; i < KICKS; i++) {
		SCX_ASSERT(lab_goes_on(w));
		w->flags ^= KICK_PREEMPT;
	}
	lab_let_go(lab);
	if (top_leaves(lab, KICK_WAIT))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_higher_irq,
	 "kicks of a CPU that a SCHED_FIFO task keeps send no interrupt",
	 STOCK_FAILS("each sends one"))

LAB_TEST(kick_higher_deadline,
	 "nor do kicks of one that a SCHED_DEADLINE task keeps",
	 STOCK_FAILS("each sends one"))

LAB_TEST(kick_higher_leaves,
	 "the CPU runs what was queued once its SCHED_FIFO task blocks, ends or is demoted and blocks",
	 STOCK_PASSES)

LAB_TEST(kick_higher_demoted,
	 "a SCHED_FIFO task that becomes a sched_ext task while it runs can be preempted by a kick",
	 STOCK_PASSES)

LAB_TEST(kick_higher_pi,
	 "so can a sched_ext task that loses the priority it has inherited",
	 STOCK_PASSES)

LAB_TEST(kick_higher_boosted,
	 "a kick preempts a sched_ext task that inherits priority before the CPU comes to it",
	 STOCK_PASSES)

LAB_TEST(kick_higher_lazy,
	 "so does a lazy one",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_higher_wait,
	 "SCX_KICK_WAIT of a CPU that a SCHED_FIFO task keeps holds nobody up",
	 STOCK_BREAKS("the machine hangs") BUT_PASSES_ON("7.3"))
