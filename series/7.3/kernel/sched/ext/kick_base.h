/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what they take from the rest of sched_ext.
 *
 * All of this is for the root scheduler and for the kernel itself. kick_sub.c
 * has what differs for sub-schedulers.
 *
 * Of rule (2) in kick.c: CONFIG_RSEQ_SLICE_EXTENSION clears need_resched
 * without a cycle, for a task that may go on for some us. Kicks that come then
 * coalesce with a request that has no mark. The timer of the extension sets it
 * again.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_BASE_H
#define _KERNEL_SCHED_EXT_KICK_BASE_H

/* End the root scheduler, and with it all others. */
#define kick_error(fmt, args...)					\
do {									\
	struct scx_sched *__root = rcu_dereference_all(scx_root);	\
									\
	if (__root)							\
		scx_error(__root, fmt, ##args);				\
} while (0)

#define dump_line(s, fmt, args...)	scx_dump_line(s, fmt, ##args)

/* Check that @cpu exists, and end the root scheduler if not. */
static __always_inline bool kick_cpu_valid(s32 cpu)
{
	struct scx_sched *root = rcu_dereference_all(scx_root);

	return root && scx_cpu_valid(root, cpu, "in a kick");
}

/* Find out if an operation runs here that a kick has to wait for. */
static __always_inline bool kick_in_op(void)
{
	return __this_cpu_read(scx_kick_pcpu.op) != KICK_OP_NONE;
}

/* Return what the kernel does after the operation that runs here. */
static __always_inline enum kick_op kick_op(void)
{
	return __this_cpu_read(scx_kick_pcpu.op);
}

/* Find out if the root is bypassed: then all schedulers are. */
static __always_inline bool kick_bypassed(void)
{
	struct scx_sched *root = rcu_dereference_all(scx_root);

	return !root || READ_ONCE(root->bypass_depth);
}

/* Find out if @rq is in its dispatch path. Caller holds @rq's lock. */
static __always_inline bool kick_rq_dispatches(struct rq *rq)
{
	return rq->scx.flags & SCX_RQ_IN_DISPATCH;
}

/*
 * Return the CPU whose local DSQ @p is about to be moved to. Caller holds the
 * lock of @p's rq.
 */
static __always_inline s32 kick_bound_for(struct task_struct *p)
{
	return scx_cpu_ret(scx_task_sched(p),
			   p->scx.ddsp_dsq_id & SCX_DSQ_LOCAL_CPU_MASK);
}

/*
 * Take the slice from @curr, unless @curr is being rescued. Caller holds its
 * rq's lock.
 */
static __always_inline void kick_end_slice(struct task_struct *curr)
{
	struct scx_sched *root;

	if (likely(scx_set_task_slice(curr, 0)))
		return;
	root = rcu_dereference_all(scx_root);
	if (root)
		__scx_add_event(root, SCX_EV_SLICE_DENIED, 1);
}

/*
 * Have what @cpu runs schedule on its way to user space. If that is another
 * task by now, it schedules once for nothing. Caller has interrupts off, so the
 * task does not go away.
 */
static __always_inline void kick_mark_lazy(s32 cpu)
{
	if (TIF_NEED_RESCHED_LAZY != TIF_NEED_RESCHED)
		set_tsk_thread_flag(rcu_dereference_raw(cpu_rq(cpu)->curr),
				    TIF_NEED_RESCHED_LAZY);
}

#endif	/* _KERNEL_SCHED_EXT_KICK_BASE_H */
