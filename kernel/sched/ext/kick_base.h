/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what they take from the rest of sched_ext.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_BASE_H
#define _KERNEL_SCHED_EXT_KICK_BASE_H

/* End the BPF scheduler. */
#define kick_error(fmt, args...)	scx_ops_error(fmt, ##args)

/* Check that @cpu exists, and end the BPF scheduler if not. */
static __always_inline bool kick_cpu_valid(s32 cpu)
{
	return ops_cpu_valid(cpu, "in a kick");
}

/* Find out if the BPF scheduler is bypassed. */
static __always_inline bool kick_bypassed(void)
{
	return READ_ONCE(scx_ops_bypass_depth);
}

/* Find out if an operation runs here that a kick has to wait for. */
static __always_inline bool kick_in_op(void)
{
	return (current->scx.kf_mask & KICK_KF_MASK) ||
	       __this_cpu_read(scx_kick_pcpu.op) != KICK_OP_NONE;
}

/* Return what the kernel does after the operation that runs here. */
static __always_inline enum kick_op kick_op(void)
{
	u32 mask = current->scx.kf_mask;

	if (mask & SCX_KF_DISPATCH)
		return KICK_OP_DISPATCH;
	if (mask & KICK_KF_MASK)
		return KICK_OP_ENQUEUE;
	return __this_cpu_read(scx_kick_pcpu.op);
}

/* Find out if @rq is in its dispatch path. Caller holds @rq's lock. */
static __always_inline bool kick_rq_dispatches(struct rq *rq)
{
	return rq->scx.flags & SCX_RQ_IN_BALANCE;
}

/*
 * Return the CPU whose local DSQ @p is about to be moved to. Caller holds the
 * lock of @p's rq.
 */
static __always_inline s32 kick_bound_for(struct task_struct *p)
{
	return p->scx.ddsp_dsq_id & SCX_DSQ_LOCAL_CPU_MASK;
}

/* Take the slice from @curr. Caller holds the lock of its rq. */
static __always_inline void kick_end_slice(struct task_struct *curr)
{
	curr->scx.slice = 0;
}

#endif	/* _KERNEL_SCHED_EXT_KICK_BASE_H */
