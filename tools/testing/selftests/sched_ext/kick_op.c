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

/* Preempt CPU 1 until it runs, or doesn't run, @w. A kick is lost on a task of a higher class */
static bool swap(struct worker *w, bool in)
{
	struct lab_cpu *lc = &w->lab->cpus[1];

	while ((shared(lc->curr) == w->tid) != in) {
		u64 released = lc->released;

		if (!lab_kick(w->lab, 1, KICK_PREEMPT, 1) ||
		    !LAB_WAIT((shared(lc->curr) == w->tid) == in || lc->released != released))
			return false;
	}
	return true;
}

static bool leave_running(struct worker *w)
{
	return queue(w, -1) && swap(w, true);
}

static bool wake(struct worker *w, int round)
{
	return lab_ring(w);
}

static bool put_back(struct worker *w, int round)
{
	return swap(w, false);
}

static bool change_cpus(struct worker *w, int round)
{
	return lab_roam(w, round % 2, 3);
}

static bool change_nice(struct worker *w, int round)
{
	return !setpriority(PRIO_PROCESS, w->tid, 1 + round % 2);
}

static bool set_policy(struct worker *w, int policy)
{
	struct sched_param param = {};

	return !sched_setscheduler(w->tid, policy, &param);
}

static bool change_class(struct worker *w, int round)
{
	return set_policy(w, SCHED_OTHER) && set_policy(w, SCHED_EXT);
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

static bool carried_out(struct lab *lab)
{
	u64 left = 0;
	int cpu;

	for (cpu = 0; cpu < 4; cpu++)
		left += lab->cpus[cpu].left;
	return left < 4;
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

/* The kick may have met a task of a higher class, then there is another one */
static enum scx_test_status comes_to(struct worker *w, int cpu, unsigned long turns, u64 released)
{
	struct lab_cpu *lc = &w->lab->cpus[cpu];

	LAB_FOLLOWS(w->lab, shared(w->turns) != turns || lc->released != released);
	if (shared(w->turns) == turns)
		LAB_KICK_BRINGS(w->lab, cpu, KICK_PREEMPT, shared(w->turns) != turns);
	SCX_EQ(w->ran_on, cpu);
	return SCX_TEST_PASS;
}

static enum scx_test_status hand_over(struct worker *w, const struct op *op, int round, int to)
{
	struct lab *lab = w->lab;
	unsigned long turns = w->turns;
	u64 released;

	SCX_ASSERT(op->place(w));
	released = lab->cpus[to].released;
	SCX_ASSERT(lab_route(lab, w, to, 0, -1));
	order(w, op->hook, to);
	SCX_ASSERT(op->cause(w, round));
	if (comes_to(w, to, turns, released))
		return SCX_TEST_FAIL;
	SCX_ASSERT(carried_out(lab));
	return SCX_TEST_PASS;
}

/* Each kick has its effect when the task is in the queue, and not before */
static enum scx_test_status hands_over(struct lab *lab, const struct op *op)
{
	struct worker *w, *spinner;
	int i, early = 0;

	SCX_ASSERT(lab_start(lab, NULL));
	w = lab_work(lab, 2, SCHED_EXT, work_elsewhere);
	SCX_ASSERT(w && LAB_WAIT(lab_asleep(w)) && lab_roam(w, 1, 3));
	w->ran_on = 2;
	lab->cpus[3].renew = 1;
	spinner = lab_spin(lab, 3);
	SCX_ASSERT(spinner && lab_spin(lab, 1));

	for (i = 0; i < ROUNDS; i++) {
		/* Not where it comes from: the operation locks that CPU's rq */
		int to = w->ran_on ^ 1;

		LAB_COMES(shared(lab->cpus[3].curr) == spinner->tid);
		if (hand_over(w, op, i, to))
			return SCX_TEST_FAIL;
		/* A CPU that idles may look for tasks at any time */
		early += end_order(lab) && to == 3;
	}
	SCX_LT(early, ROUNDS / 10);
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
	SCX_ASSERT(lab_spin(lab, 3));
	for (i = 0; i < ROUNDS; i++) {
		u64 released = target->released, lost = lost_at();

		order(w, op->hook, 3);
		/* Not if a task of a higher class has just been there */
		while (!carried_out(lab))
			SCX_ASSERT(op->cause(w, causes++) && now_ns() < lost);
		LAB_FOLLOWS(lab, target->seen == target->asked || target->released != released);
		early += end_order(lab) && target->released == released;
	}
	SCX_LT(early, ROUNDS / 10);
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
	 "passes")

LAB_TEST(kick_op_stopping,
	 "the CPU kicked by ops.stopping finds the task that is put back",
	 "passes")

LAB_TEST(kick_op_dequeue,
	 "the CPU kicked by ops.dequeue finds the task, queued again when it has been changed",
	 "passes")

LAB_TEST(kick_op_quiescent,
	 "the CPU kicked by ops.quiescent finds the task, queued again when it has been changed",
	 "passes")

LAB_TEST(kick_op_set_weight,
	 "the CPU kicked by ops.set_weight finds the task, queued again when it has been changed",
	 "passes")

LAB_TEST(kick_op_set_cpumask,
	 "the CPU kicked by ops.set_cpumask finds the task, queued again when it has been changed",
	 "passes")

LAB_TEST(kick_op_cgroup_move,
	 "the CPU kicked by ops.cgroup_move finds the task, queued again when it has been moved",
	 "passes")

LAB_TEST(kick_op_stopped,
	 "a kick from ops.stopping of a task that is changed has no effect before that is over",
	 "passes")

LAB_TEST(kick_op_enable,
	 "a kick from ops.enable has no effect before the task is sched_ext's",
	 "passes")

LAB_TEST(kick_op_cpu_release,
	 "a kick from ops.cpu_release has no effect before that has returned",
	 "passes")
