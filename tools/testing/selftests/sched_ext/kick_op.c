// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kicks from operations that something follows: a task that is woken up, put back or changed is
 * queued when the operation is over. The CPU that was kicked must not look for it before that.
 *
 * CPUs 1 and 3 have a task each that does not give way, CPU 2 idles. Another task comes from
 * somewhere to the queue of CPU 2 or 3, and nobody kicks that but the operation.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "kick_test.h"

#define ROUNDS	30
/* A task of a higher class may make a CPU look for tasks just then */
#define MAX_EARLY	(ROUNDS / 6)

/* Long enough for a cycle of the CPU that was kicked */
#define LINGER_NS	(5 * 1000 * 1000)

struct op {
	enum lab_hook hook;
	bool (*place)(struct worker *w);	/* where the operation is to find the task */
	bool (*cause)(struct worker *w, int round);
};

/* Stay on CPU 1, take a turn elsewhere */
static void work_elsewhere(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop) {
		while (sched_getcpu() == 1 && !shared(w->stop))
			;
		w->ran_on = sched_getcpu();
		count(w->turns);
	}
}

static bool leave_asleep(struct worker *w)
{
	return LAB_WAIT(lab_asleep(w));
}

static bool queue(struct worker *w, int via)
{
	struct lab_cpu *lc = &w->lab->cpus[w->ran_on];
	u64 enqueues = lc->enqueues;

	return lab_route(w->lab, w, 1, 0, via) && lab_ring(w) &&
	       LAB_WAIT(shared(lc->enqueues) != enqueues);
}

/* Behind the task that CPU 1 runs */
static bool leave_queued(struct worker *w)
{
	return queue(w, -1);
}

/* Nowhere: the BPF scheduler has it, for a CPU that there is not */
static bool leave_undecided(struct worker *w)
{
	return queue(w, LAB_NR_CPUS);
}

/* What a CPU has had of higher classes */
struct higher {
	u64 released;
	u32 displaced, below;
};

static struct higher higher(struct lab_cpu *lc)
{
	return (struct higher) {
		.released = shared(lc->released),
		.displaced = shared(lc->displaced),
		.below = shared(lc->below),
	};
}

/*
 * A task of a higher class was there then, and has left, or has been there since. A kick may have
 * met it, and was right to do nothing
 */
static bool had_higher(struct lab_cpu *lc, struct higher since)
{
	struct higher now = higher(lc);

	return now.released != since.released || now.displaced != since.displaced ||
	       now.below < since.below;
}

static bool leave_running(struct worker *w)
{
	struct lab_cpu *lc = &w->lab->cpus[1];

	if (!queue(w, -1))
		return false;
	while (shared(lc->curr) != w->tid) {
		struct higher before = higher(lc);

		if (!lab_kick(w->lab, 1, KICK_PREEMPT, 1) ||
		    !LAB_WAIT(shared(lc->curr) == w->tid || had_higher(lc, before)))
			return false;
	}
	return true;
}

static bool wake(struct worker *w, int round)
{
	return lab_ring(w);
}

static bool carried_out(struct lab *lab)
{
	u64 left = 0;
	int cpu;

	for (cpu = 0; cpu < 4; cpu++)
		left += lab->cpus[cpu].left;
	return left < 4;
}

/*
 * Preempt CPU 1 until it has put back @w. If one of the kicks before came late @w waits there, and
 * has to run first, or it was put back before that was ordered
 */
static bool put_back(struct worker *w, int round)
{
	WAIT_UNTIL(now_ns() + NSEC_PER_SEC, 5000, carried_out(w->lab) ||
		   !lab_kick(w->lab, 1, KICK_PREEMPT, 1));
	return true;
}

static bool change_cpus(struct worker *w, int round)
{
	return lab_roam(w, round % 2, 3);
}

static bool change_nice(struct worker *w, int round)
{
	return !setpriority(PRIO_PROCESS, w->tid, 1 + round % 2);
}

static bool change_class(struct worker *w, int round)
{
	return lab_set_policy(w, SCHED_OTHER) && lab_set_policy(w, SCHED_EXT);
}

static bool preempt(struct worker *w, int round)
{
	unsigned long turns = w->turns;

	return lab_ring(w) && LAB_WAIT(shared(w->turns) != turns);
}

static const char *const cgroups[] = {
	"/sys/fs/cgroup/kick_op_0", "/sys/fs/cgroup/kick_op_1"
};

static bool enter(const char *cgroup)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	return put(path, "0");
}

static bool change_cgroup(struct worker *w, int round)
{
	return enter(cgroups[round % 2]);
}

/* Whichever CPU calls the operation about @w kicks CPU @to */
static void order(struct worker *w, enum lab_hook hook, int to)
{
	struct lab *lab = w->lab;
	int cpu;

	for (cpu = 0; cpu < 4; cpu++) {
		lab->cpus[cpu].about = w->tid;
		lab->cpus[cpu].linger_ns = LINGER_NS;
		lab_order(lab, cpu, hook, to, to == 3 ? KICK_PREEMPT : KICK_IDLE, 1);
	}
}

static u64 end_order(struct lab *lab)
{
	u64 early = 0;
	int cpu;

	for (cpu = 0; cpu < 4; cpu++) {
		lab->cpus[cpu].left = 0;
		early += lab->cpus[cpu].early;
		lab->cpus[cpu].early = 0;
	}
	return early;
}

/* A task comes to a CPU: the one that spins there, if it is CPU 3, and how things were before */
struct hand_over {
	struct worker *w, *spinner;
	int to;
	unsigned long turns;
	struct higher before;
	u64 runs;
};

static bool has_come(const struct hand_over *h)
{
	return shared(h->w->turns) != h->turns;
}

static bool disturbed(const struct hand_over *h)
{
	struct lab_cpu *lc = &h->w->lab->cpus[h->to];

	return had_higher(lc, h->before) ||
	       (shared(lc->runs) != h->runs && shared(lc->curr) == h->spinner->tid);
}

/* If nobody has @kicked for it, somebody has to */
static enum scx_test_status comes(const struct hand_over *h, bool kicked)
{
	struct lab *lab = h->w->lab;

	LAB_FOLLOWS(lab, has_come(h) || disturbed(h) || !kicked);
	/* Until it sleeps: it may be the task that comes whom a kick meets */
	if (!has_come(h))
		SCX_ASSERT(WAIT_UNTIL(lost_at(), 5000, (has_come(h) && lab_asleep(h->w)) ||
				      !lab_kick(lab, h->to, KICK_PREEMPT, 1)));
	SCX_ASSERT(has_come(h));
	SCX_EQ(h->w->ran_on, h->to);
	return SCX_TEST_PASS;
}

static enum scx_test_status hand_over(struct hand_over *h, const struct op *op, int round)
{
	struct lab *lab = h->w->lab;
	struct lab_cpu *from = &lab->cpus[1], *target;
	u32 displaced = shared(from->displaced);

	/* Not where it comes from: the operation locks that CPU's rq */
	h->to = h->w->ran_on ^ 1;
	h->turns = h->w->turns;
	SCX_ASSERT(op->place(h->w));
	target = &lab->cpus[h->to];
	h->before = higher(target);
	h->runs = target->runs;
	SCX_ASSERT(lab_route(lab, h->w, h->to, 0, -1));
	order(h->w, op->hook, h->to);
	SCX_ASSERT(op->cause(h->w, round));
	if (comes(h, op->hook != LAB_PUT || carried_out(lab)))
		return SCX_TEST_FAIL;
	/* The operation was over before it was ordered, if a kick came late to bring it about */
	SCX_ASSERT(carried_out(lab) || shared(from->displaced) != displaced);
	return SCX_TEST_PASS;
}

/* CPU 3 has seen all kicks. One that has met a task of a higher class may be lost */
static bool settles(struct lab *lab)
{
	struct lab_cpu *lc = &lab->cpus[3];

	return WAIT_UNTIL(lost_at(), 5000, shared(lc->seen) == shared(lc->asked) ||
			  !lab_kick(lab, 3, KICK_PREEMPT, 1));
}

/* Each kick has its effect when the task is in the queue, and not before */
static enum scx_test_status hands_over(struct lab *lab, const struct op *op)
{
	struct hand_over h = {};
	int i, early = 0;

	SCX_ASSERT(lab_start(lab, NULL));
	h.w = lab_work(lab, 2, SCHED_EXT, work_elsewhere);
	SCX_ASSERT(h.w && LAB_WAIT(lab_asleep(h.w)) && lab_roam(h.w, 1, 3));
	h.w->ran_on = 2;
	lab->cpus[3].renew = 1;
	lab->cpus[3].endless = 1;
	h.spinner = lab_spin(lab, 3);
	SCX_ASSERT(h.spinner && lab_spin(lab, 1));

	for (i = 0; i < ROUNDS; i++) {
		SCX_ASSERT(settles(lab));
		LAB_COMES(shared(lab->cpus[3].curr) == h.spinner->tid);
		if (hand_over(&h, op, i))
			return SCX_TEST_FAIL;
		/* A CPU that idles may look for tasks at any time */
		early += end_order(lab) && h.to == 3 && !had_higher(&lab->cpus[3], h.before);
	}
	SCX_LE(early, MAX_EARLY);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* The same where the operation puts @w in no queue: @op has no place for it */
static enum scx_test_status comes_after(struct worker *w, const struct op *op)
{
	struct lab *lab = w->lab;
	struct lab_cpu *target = &lab->cpus[3];
	int i, early = 0, causes = 0;

	target->renew = 1;
	target->endless = 1;
	SCX_ASSERT(lab_spin(lab, 3));
	for (i = 0; i < ROUNDS; i++) {
		struct higher before;
		u64 lost = lost_at();

		SCX_ASSERT(settles(lab));
		before = higher(target);
		order(w, op->hook, 3);
		/* Not if a task of a higher class has just been there */
		while (!carried_out(lab))
			SCX_ASSERT(op->cause(w, causes++) && now_ns() < lost);
		LAB_FOLLOWS(lab, target->seen == target->asked || had_higher(target, before));
		early += end_order(lab) && !had_higher(target, before);
	}
	SCX_LE(early, MAX_EARLY);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_op_runnable(void *ctx)
{
	static const struct op op = { LAB_RUNNABLE, leave_asleep, wake };

	return hands_over(ctx, &op);
}

static enum scx_test_status kick_op_stopping(void *ctx)
{
	static const struct op op = { LAB_PUT, leave_running, put_back };

	return hands_over(ctx, &op);
}

static enum scx_test_status kick_op_dequeue(void *ctx)
{
	static const struct op op = { LAB_DEQUEUE, leave_undecided, change_nice };

	return hands_over(ctx, &op);
}

static enum scx_test_status kick_op_quiescent(void *ctx)
{
	static const struct op op = { LAB_QUIESCENT, leave_queued, change_nice };

	return hands_over(ctx, &op);
}

static enum scx_test_status kick_op_set_weight(void *ctx)
{
	static const struct op op = { LAB_SET_WEIGHT, leave_queued, change_nice };

	return hands_over(ctx, &op);
}

static enum scx_test_status kick_op_set_cpumask(void *ctx)
{
	static const struct op op = { LAB_SET_CPUMASK, leave_queued, change_cpus };

	return hands_over(ctx, &op);
}

static enum scx_test_status kick_op_cgroup_move(void *ctx)
{
	static const struct op op = { LAB_CGROUP_MOVE, leave_queued, change_cgroup };
	enum scx_test_status status = SCX_TEST_SKIP;

	if (put("/sys/fs/cgroup/cgroup.subtree_control", "+cpu") &&
	    !mkdir(cgroups[0], 0755) && !mkdir(cgroups[1], 0755) && enter(cgroups[1]))
		status = hands_over(ctx, &op);
	enter("/sys/fs/cgroup");
	rmdir(cgroups[0]);
	rmdir(cgroups[1]);
	return status;
}

static enum scx_test_status kick_op_stopped(void *ctx)
{
	static const struct op op = { LAB_STOPPED, NULL, change_nice };
	struct worker *w;

	SCX_ASSERT(lab_start(ctx, NULL));
	w = lab_spin(ctx, 1);
	SCX_ASSERT(w);
	return comes_after(w, &op);
}

static enum scx_test_status kick_op_enable(void *ctx)
{
	static const struct op op = { LAB_ENABLE, NULL, change_class };
	struct worker *w;

	SCX_ASSERT(lab_start(ctx, NULL));
	w = lab_work(ctx, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(w && LAB_WAIT(lab_asleep(w)));
	return comes_after(w, &op);
}

static enum scx_test_status kick_op_cpu_release(void *ctx)
{
	static const struct op op = { LAB_CPU_RELEASE, NULL, preempt };
	struct worker *w;

	SCX_ASSERT(lab_start(ctx, NULL));
	SCX_ASSERT(lab_spin(ctx, 1));
	w = lab_work(ctx, 1, SCHED_FIFO, work_on_bell);
	SCX_ASSERT(w && LAB_WAIT(lab_asleep(w)));
	return comes_after(w, &op);
}

LAB_TEST(kick_op_runnable,
	 "the CPU kicked by ops.runnable finds the task that is woken up",
	 STOCK_PASSES)

LAB_TEST(kick_op_stopping,
	 "the CPU kicked by ops.stopping finds the task that is put back",
	 STOCK_PASSES)

LAB_TEST(kick_op_dequeue,
	 "the CPU kicked by ops.dequeue finds the task, queued again when it has been changed",
	 STOCK_PASSES)

LAB_TEST(kick_op_quiescent,
	 "the CPU kicked by ops.quiescent finds the task, queued again when it has been changed",
	 STOCK_PASSES)

LAB_TEST(kick_op_set_weight,
	 "the CPU kicked by ops.set_weight finds the task, queued again when it has been changed",
	 STOCK_PASSES)

LAB_TEST(kick_op_set_cpumask,
	 "the CPU kicked by ops.set_cpumask finds the task, queued again when it has been changed",
	 STOCK_PASSES)

LAB_TEST(kick_op_cgroup_move,
	 "the CPU kicked by ops.cgroup_move finds the task, queued again when it has been moved",
	 STOCK_PASSES)

LAB_TEST(kick_op_stopped,
	 "a kick from ops.stopping of a task that is changed has no effect before that is over",
	 STOCK_PASSES)

LAB_TEST(kick_op_enable,
	 "a kick from ops.enable has no effect before the task is sched_ext's",
	 STOCK_PASSES)

LAB_TEST(kick_op_cpu_release,
	 "a kick from ops.cpu_release has no effect before that has returned",
	 STOCK_PASSES)
