// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: by sub-schedulers, by cid, and from wakeups that are left to another CPU.
 */
#include "ext_kick_base.h"

/*
 * Preempt the task that @cpu runs if it is of @sch or below. As a claim it hits that one or nobody:
 * by the time that @cpu schedules it may run another scheduler's.
 */
static bool kick_own_task(struct scx_sched *sch, s32 cpu, int wait)
{
	struct task_struct *p = rcu_dereference_all(cpu_rq(cpu)->curr);
	s32 ret;

	if (!kick_task_permitted(sch, p, cpu))
		return false;
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (kick_bypassed(sch))
		return false;
	ret = kick_task(p, cpu, wait, true);
	if (ret)
		return false;
	kick_account(cpu, KICK_REQ_TASK | wait, kick_task_outcome(ret));
	return true;
}

/* Only who has the cap takes the slice from another scheduler's task. Others just reschedule. */
static noinline void kick_with_caps(struct scx_sched *sch, s32 cpu, int req)
{
	if (scx_missing_caps(sch, cpu, SCX_CAP_BASE)) {
		__scx_add_event(sch, SCX_EV_SUB_KICK_DENIED, 1);
		return;
	}
	if ((req & KICK_REQ_PREEMPT) && scx_missing_caps(sch, cpu, SCX_CAP_PREEMPT)) {
		if (kick_own_task(sch, cpu, req & KICK_REQ_WAIT))
			return;
		__scx_add_event(sch, SCX_EV_SUB_PREEMPT_DENIED, 1);
		req &= ~KICK_REQ_PREEMPT;
	}

	if (kick_in_op())
		kick_later(cpu, req);
	else
		kick_now(sch, cpu, req);
}

static noinline bool kick_task_permitted(struct scx_sched *sch, struct task_struct *p, s32 cpu)
{
	struct scx_sched *task_sch = scx_task_sched_rcu(p);

	return (task_sch && scx_is_descendant(task_sch, sch)) ||
	       !scx_missing_caps(sch, cpu, SCX_CAP_PREEMPT);
}

/**
 * scx_kick_flush_queued - ops.select_cpu() has run, and the CPU that it chose is to do the rest
 *
 * Context: ttwu_queue(), interrupts are off.
 */
void scx_kick_flush_queued(void)
{
	scx_kick_flush(KICK_LATER_ENQUEUE);
}

__bpf_kfunc_start_defs();

/**
 * scx_bpf_kick_cid - make the CPU of a cid schedule
 * @cid: cid to kick
 * @flags: as for scx_bpf_kick_cpu()
 *
 * Does what scx_bpf_kick_cpu() does for the CPU that @cid stands for. A @cid that does not exist
 * ends the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 */
__bpf_kfunc void scx_bpf_kick_cid(s32 cid, u64 flags)
{
	struct scx_sched *sch;
	s32 cpu;

	guard(irqsave)();
	sch = KICK_PROG_SCHED;
	if (!sch)
		return;
	cpu = scx_cid_to_cpu(sch, cid);
	if (cpu >= 0)
		kick_flagged(sch, cpu, flags, kick_req(flags));
}

__bpf_kfunc_end_defs();
