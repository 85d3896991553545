// SPDX-License-Identifier: GPL-2.0-only
/* Tasks that preempt in the local queue of this CPU and of others, by SCX_ENQ_PREEMPT or a kick */
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define WAKEUPS		100
#define LINGER_NS	1000000

/* A task of CPU 1 that sleeps and goes to @dsq by @via when woken, and one that doesn't give way */
static enum scx_test_status sleeper_and_spinner(struct lab *lab, u64 dsq, int via,
						struct worker **w, struct worker **spinner)
{
	SCX_ASSERT(lab_start(lab, NULL));
	*w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(*w && lab_route(lab, *w, dsq, ENQ_PREEMPT, via));
	*spinner = lab_spin(lab, 1);
	SCX_ASSERT(*spinner);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_enq_local(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner, *w;
	int i;

	if (sleeper_and_spinner(lab, DSQ_LOCAL, -1, &w, &spinner))
		return SCX_TEST_FAIL;

	for (i = 1; i <= WAKEUPS; i++) {
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(w->turns == i);
		/* The task under it goes on */
		SCX_ASSERT(lab_goes_on(spinner));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* The wake-up is on one of two busy CPUs, the queue that of the other */
static enum scx_test_status kick_enq_remote(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner[2], *w;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && lab_roam(w, 1, 2));
	for (i = 0; i < 2; i++) {
		spinner[i] = lab_spin(lab, 1 + i);
		SCX_ASSERT(spinner[i]);
	}

	for (i = 1; i <= WAKEUPS; i++) {
		int to = 1 + i % 2;

		SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | to, ENQ_PREEMPT, -1));
		SCX_ASSERT(lab_ring(w));
		LAB_COMES(w->turns == i);
		SCX_ASSERT(lab_ran_on(w, to));
		SCX_ASSERT(lab_goes_on(spinner[0]) && lab_goes_on(spinner[1]));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* CPU 2, idle, hands the task to CPU 1, busy */
static enum scx_test_status kick_enq_dispatch(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *spinner, *w;
	int i;

	if (sleeper_and_spinner(lab, DSQ_LOCAL_ON | 1, 2, &w, &spinner))
		return SCX_TEST_FAIL;

	for (i = 1; i <= WAKEUPS; i++) {
		u64 enqueues = lab->cpus[1].enqueues;

		SCX_ASSERT(lab_ring(w));
		LAB_COMES(lab->cpus[1].enqueues != enqueues);
		SCX_ASSERT(lab_kick(lab, 2, KICK_IDLE, 1));
		LAB_FOLLOWS(lab, w->turns == i);
		/* The task under it goes on */
		SCX_ASSERT(lab_goes_on(spinner));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static void work_bell_and_spin(struct worker *w)
{
	sem_wait(&w->bell);
	work_spin(w);
}

/*
 * CPU 1 dispatches to itself in the cycle that runs the task. It is not current yet: the slice to
 * take is that of the task before it, which has none left.
 */
static enum scx_test_status kick_enq_own_dispatch(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;
	struct worker *spinner, *w;
	u64 expired, ticks;

	SCX_ASSERT(lab_start(lab, NULL));
	lc = &lab->cpus[1];
	w = lab_work(lab, 1, SCHED_EXT, work_bell_and_spin);
	SCX_ASSERT(w);
	spinner = lab_spin(lab, 1);
	SCX_ASSERT(spinner);
	SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | 1, ENQ_PREEMPT, 1));
	SCX_ASSERT(lab_ring(w));
	LAB_COMES(lab->skel->bss->via_pid == w->tid);

	LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, w->turns);
	expired = lc->expired;
	ticks = lc->ticks;
	LAB_COMES(lc->ticks > ticks + 10);
	SCX_EQ(lc->expired, expired);
	SCX_EQ(lc->curr, w->tid);

	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* Ring for @w the first time, then only kick CPU @cpu for it */
static bool ring_or_kick(struct lab *lab, struct worker *w, int cpu, bool *rung)
{
	if (*rung)
		return lab_kick(lab, cpu, KICK_PREEMPT, 1);
	*rung = true;
	return lab_ring(w);
}

/*
 * As kick_enq_remote, but the waking CPU 0 kicks from the ops.enqueue that chose the queue: the
 * CPU, or with @claim its task. A cycle that starts before the task is there takes the slice for
 * nothing. CPU 0 leaves time for that.
 */
static enum scx_test_status enqueue_and_kick(struct lab *lab, bool claim)
{
	struct worker *spinner[2], *w;
	int i;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_linger_wakeup));
	w = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && lab_roam(w, 1, 2));
	for (i = 0; i < 2; i++) {
		spinner[i] = lab_spin(lab, 1 + i);
		SCX_ASSERT(spinner[i]);
		lab->cpus[1 + i].renew = true;
	}
	lab->cpus[0].linger_ns = LINGER_NS;

	for (i = 1; i <= WAKEUPS; i++) {
		int to = 1 + i % 2;
		bool rung = false;

		SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | to, 0, -1));
		lab->cpus[0].victim = claim ? spinner[to - 1]->tid : 0;
		lab_order(lab, 0, LAB_ENQUEUE, to, claim ? 0 : KICK_PREEMPT, 1);
		/* Not while a kernel thread has the CPU: it is the spinner that is to go */
		LAB_COMES(shared(lab->cpus[to].on));
		LAB_BRINGS(lab, to, ring_or_kick(lab, w, to, &rung), w->turns == i);
		SCX_ASSERT(lab_ran_on(w, to));
		/* A kick may come so late that it hits the task, which waits for the other then */
		SCX_ASSERT(LAB_WAIT(lab_asleep(w) || !lab_kick(lab, to, KICK_PREEMPT, 1)));
		SCX_ASSERT(lab_goes_on(spinner[0]) && lab_goes_on(spinner[1]));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_enq_then_kick(void *ctx)
{
	return enqueue_and_kick(ctx, false);
}

static enum scx_test_status kick_enq_then_claim(void *ctx)
{
	return enqueue_and_kick(ctx, true);
}

/*
 * Each of two CPUs runs a task, and a third one goes to and fro between them: when it is preempted
 * here, ops.enqueue puts it on the other's local queue, and kicks that. It was runnable before, so
 * the kernel moves it later than one that wakes up.
 */
static enum scx_test_status to_and_fro(struct lab *lab, u64 flags)
{
	struct worker *w;
	int i;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_linger_switch));
	w = lab_spin(lab, 1);
	SCX_ASSERT(w && lab_roam(w, 1, 2));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin) && lab_spin(lab, 2));
	for (i = 1; i <= 2; i++) {
		lab->cpus[i].renew = true;
		lab->cpus[i].linger_ns = LINGER_NS;
	}

	for (i = 0; i < WAKEUPS; i++) {
		int from = 1 + i % 2, to = 3 - from;
		u32 displaced = lab->cpus[to].displaced;

		/* Of the last time, if nothing of the lab's has run there since */
		lab->cpus[to].curr = 0;
		SCX_ASSERT(lab_route(lab, w, DSQ_LOCAL_ON | to, 0, -1));
		lab_order(lab, from, LAB_ENQUEUE, to, flags, 1);
		LAB_KICK_BRINGS(lab, from, KICK_PREEMPT, !lab->cpus[from].left);
		LAB_FOLLOWS(lab, lab->cpus[to].curr == w->tid ||
			    lab->cpus[to].displaced != displaced);
		/* The kick was not for a task that a higher class had displaced */
		if (lab->cpus[to].curr != w->tid)
			LAB_KICK_BRINGS(lab, to, KICK_PREEMPT, lab->cpus[to].curr == w->tid);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_enq_expired(void *ctx)
{
	return to_and_fro(ctx, KICK_PREEMPT);
}

static enum scx_test_status kick_enq_expired_lazy(void *ctx)
{
	u64 flags;

	SCX_FAIL_IF(!__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY", &flags),
		    "The kernel has no lazy preemption");
	return to_and_fro(ctx, flags);
}

/*
 * CPU 1 dispatches a task to CPU 3, whose rq is locked for long, and drops its own lock to wait for
 * that. Its own task gets an endless slice in the same ops.dispatch. What is put on its queue
 * meanwhile preempts that task all the same. The wake-up needs CPU 1's lock: so it comes after
 * ops.dispatch has begun, and before the move to CPU 3 if that was held from first to last. CPU 1
 * may still switch to @top, a task of a higher class that wakes up then.
 */
static enum scx_test_status preempt_in_dispatch(struct lab *lab, struct worker *w,
						struct worker *moved, struct worker *top)
{
	u64 dispatches, enqueues = lab->cpus[3].enqueues;
	unsigned long turns = w->turns;
	bool held;

	SCX_ASSERT(lab_ring(moved));
	LAB_COMES(lab->cpus[3].enqueues != enqueues && lab_asleep(w));
	SCX_ASSERT(lab_hold(lab, 3, LAB_TICK));
	dispatches = lab->cpus[1].dispatches;
	LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lab->cpus[1].dispatches != dispatches);
	sem_post(&w->bell);
	if (top)
		sem_post(&top->bell);
	held = shared(lab->cpus[3].held);
	lab_unhold(lab, 3);
	SCX_ASSERT(held);
	LAB_FOLLOWS(lab, w->turns == turns + 1);
	return SCX_TEST_PASS;
}

static enum scx_test_status dispatch_and_preempt(struct lab *lab, bool with_top)
{
	struct worker *spinner[2], *moved, *w, *top = NULL;
	int i;

	if (sleeper_and_spinner(lab, DSQ_LOCAL, -1, &w, &spinner[0]))
		return SCX_TEST_FAIL;
	lab->cpus[1].renew = true;
	moved = lab_work(lab, 3, SCHED_EXT, work_on_bell);
	SCX_ASSERT(moved && lab_route(lab, moved, DSQ_LOCAL_ON | 3, ENQ_PREEMPT, 1));
	spinner[1] = lab_spin(lab, 3);
	SCX_ASSERT(spinner[1]);
	if (with_top) {
		top = lab_work(lab, 1, SCHED_FIFO, work_on_bell);
		SCX_ASSERT(top);
	}

	for (i = 1; i <= WAKEUPS / 4; i++) {
		if (preempt_in_dispatch(lab, w, moved, top))
			return SCX_TEST_FAIL;
		LAB_COMES(!top || top->turns == i);
		LAB_COMES(moved->turns == i);
		SCX_ASSERT(lab_goes_on(spinner[0]) && lab_goes_on(spinner[1]));
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_enq_in_dispatch(void *ctx)
{
	return dispatch_and_preempt(ctx, false);
}

static enum scx_test_status kick_enq_in_dispatch_rt(void *ctx)
{
	return dispatch_and_preempt(ctx, true);
}

static void work_spin_and_tell(struct worker *w)
{
	while (!shared(w->stop)) {
		set_shared(w->ran_on, sched_getcpu());
		count(w->turns);
	}
}

/* The task that is to run first on its CPU sees where the other one ran last */
static struct worker *second;

static void work_see_second(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop) {
		w->in_order = shared(second->ran_on) != w->cpu;
		count(w->turns);
	}
}

/* Nobody but @w, which is to run on CPU @cpu: a kick of that CPU may come late, and hit another */
static bool preempt(struct lab *lab, struct worker *w, int cpu)
{
	s32 ret = lab_kick_task(lab, w, 0);

	if (ret != -EOPNOTSUPP)
		return ret != -EINVAL;
	return shared(lab->cpus[cpu].curr) != w->tid || lab_kick(lab, cpu, KICK_PREEMPT, 1);
}

/*
 * As kick_enq_expired, but another task waits in the local queue already: the preemption is for
 * both of them, in the order in which they came
 */
static enum scx_test_status kick_enq_tail(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *first[3], *spinner[3];
	int i;

	SCX_ASSERT(lab_start(lab, lab->skel->progs.lab_linger_switch));
	second = lab_work(lab, 1, SCHED_EXT, work_spin_and_tell);
	SCX_ASSERT(second && lab_goes_on(second) && lab_roam(second, 1, 2));
	for (i = 1; i <= 2; i++) {
		first[i] = lab_work(lab, i, SCHED_EXT, work_see_second);
		SCX_ASSERT(first[i] && lab_route(lab, first[i], DSQ_LOCAL, 0, -1));
		spinner[i] = lab_work(lab, i, SCHED_EXT, work_spin);
		SCX_ASSERT(spinner[i]);
		lab->cpus[i].renew = true;
		lab->cpus[i].linger_ns = LINGER_NS;
	}

	for (i = 0; i < WAKEUPS; i++) {
		int from = 1 + i % 2, to = 3 - from;
		unsigned long turns = first[to]->turns;
		u32 displaced;

		SCX_ASSERT(lab_route(lab, second, DSQ_LOCAL_ON | to, 0, -1));
		SCX_ASSERT(lab_ring(first[to]));
		LAB_COMES(shared(lab->cpus[to].on));
		displaced = lab->cpus[to].displaced;
		lab_order(lab, from, LAB_ENQUEUE, to, KICK_PREEMPT, 1);
		LAB_BRINGS(lab, from, preempt(lab, second, from), !lab->cpus[from].left);
		LAB_FOLLOWS(lab, first[to]->turns == turns + 1 ||
			    lab->cpus[to].displaced != displaced);
		/* A task that made room for a higher class is the first one in the queue */
		if (lab->cpus[to].displaced != displaced)
			LAB_BRINGS(lab, to, preempt(lab, spinner[to], to),
				   first[to]->turns == turns + 1);
		else
			SCX_ASSERT(first[to]->in_order);
		LAB_FOLLOWS(lab, shared(second->ran_on) == to ||
			    lab->cpus[to].displaced != displaced);
		if (shared(second->ran_on) != to)
			LAB_BRINGS(lab, to, preempt(lab, spinner[to], to),
				   shared(second->ran_on) == to);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_enq_local,
	 "a task woken into its own CPU's local queue with SCX_ENQ_PREEMPT runs at once",
	 STOCK_PASSES)

LAB_TEST(kick_enq_remote,
	 "a task that ops.enqueue puts on another CPU's local queue with SCX_ENQ_PREEMPT runs there at once",
	 STOCK_FAILS("loses the flag on the way, the task waits for ever")
	 BUT_PASSES_ON("7.3"))

LAB_TEST(kick_enq_dispatch,
	 "a task that ops.dispatch puts on another CPU's local queue with SCX_ENQ_PREEMPT runs there at once",
	 STOCK_PASSES)

LAB_TEST(kick_enq_own_dispatch,
	 "a task dispatched with SCX_ENQ_PREEMPT by the CPU that is picking it keeps its own slice",
	 STOCK_PASSES)

LAB_TEST(kick_enq_then_kick,
	 "a kick from the ops.enqueue that puts a task on another CPU's local queue finds it there",
	 STOCK_PASSES)

LAB_TEST(kick_enq_then_claim,
	 "so does a claim",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_enq_expired,
	 "so does a kick for a task that was preempted",
	 STOCK_PASSES)

LAB_TEST(kick_enq_expired_lazy,
	 "a lazy kick for such a task does not come before the task, either",
	 STOCK_FAILS("has no such flag"))

LAB_TEST(kick_enq_in_dispatch,
	 "so does a task that is put there with SCX_ENQ_PREEMPT while its CPU is in ops.dispatch",
	 STOCK_FAILS("loses the flag, the task waits for ever"))

LAB_TEST(kick_enq_in_dispatch_rt,
	 "so does one whose CPU then switches to a SCHED_FIFO task, once that sleeps",
	 STOCK_FAILS("loses the flag, the task waits for ever"))

LAB_TEST(kick_enq_tail,
	 "a kick leaves the order of the CPU's local queue alone",
	 STOCK_PASSES)
