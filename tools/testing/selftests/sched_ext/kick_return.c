// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU kicks itself with interrupts off, on the way to user space: nobody looks at need_resched
 * any more before user code goes on, so it has to be interrupted. CPU 1 has two tasks that don't
 * give way.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	100
#define ROUNDS	40

/* A task is to enter the kernel once */
static bool call;

static void work_spin_and_call(struct worker *w)
{
	while (!shared(w->stop)) {
		if (__atomic_exchange_n(&call, false, __ATOMIC_SEQ_CST))
			syscall(SYS_getppid);
		count(w->turns);
	}
}

static enum scx_test_status prepare(struct lab *lab, struct bpf_program *tracer)
{
	SCX_ASSERT(lab_start(lab, tracer));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin_and_call));
	SCX_ASSERT(lab_work(lab, 1, SCHED_EXT, work_spin_and_call));
	/* Not in a task of a higher class */
	lab->cpus[1].in_turn = 1;
	return SCX_TEST_PASS;
}

/* Each kick makes CPU 1 switch tasks, and the next task kicks on its way to user space */
static enum scx_test_status kick_return(void *ctx)
{
	struct lab *lab = ctx;
	struct lab_cpu *lc;

	if (libbpf_find_vmlinux_btf_id("switch_fpu_return", BPF_TRACE_FENTRY) < 0) {
		fprintf(stderr, "Has no switch_fpu_return()\n");
		return SCX_TEST_SKIP;
	}
	if (prepare(lab, lab->skel->progs.lab_fpu_return))
		return SCX_TEST_FAIL;
	lc = &lab->cpus[1];
	lab_order(lab, 1, LAB_RETURN, 1, KICK_PREEMPT, KICKS);
	LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, !lc->left);
	LAB_FOLLOWS(lab, lc->seen == lc->asked);
	/* A tick may come just then. It makes up for an interrupt that is missing */
	SCX_LT(lc->late, KICKS / 2);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/* What follows is deaf to nothing: a kick, the kick alone, or a task of a higher class */
static enum scx_test_status kick_and_look(struct lab *lab, struct worker *fifo, int round)
{
	struct lab_cpu *lc = &lab->cpus[1];
	u64 expired = lc->expired;

	lab_order(lab, 1, LAB_RETURN, 1, round % 3 == 1 ? KICK_PREEMPT : 0, 1);
	set_shared(call, true);
	LAB_COMES(!lc->left);
	if (round % 3 == 2) {
		SCX_ASSERT(lab_ring(fifo));
		LAB_FOLLOWS(lab, shared(fifo->turns) > round / 3);
		/* A kick would find it on the CPU still */
		LAB_COMES(lab_asleep(fifo));
	}
	if (round % 3 == 1)
		LAB_FOLLOWS(lab, lc->seen == lc->asked);
	else
		LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, lc->expired != expired);
	LAB_COMES(lc->seen == lc->asked);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_tick_return(void *ctx)
{
	struct lab *lab = ctx;
	struct worker *fifo;
	int i;

	if (!is_tickless(1))
		return SCX_TEST_SKIP;
	if (prepare(lab, lab->skel->progs.lab_user_enter))
		return SCX_TEST_FAIL;
	fifo = lab_work(lab, 1, SCHED_FIFO, work_on_bell);
	SCX_ASSERT(fifo);
	for (i = 0; i < ROUNDS; i++) {
		if (kick_and_look(lab, fifo, i))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_return,
	 "a CPU that kicks itself on the way to user space schedules before the next tick",
	 STOCK_PASSES)

LAB_TEST(kick_tick_return,
	 "the same holds for a CPU without a tick, and it is not deaf to later kicks and wake-ups",
	 STOCK_PASSES)
