/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what they take from the rest of sched_ext.
 *
 * What is here, and what uses it, is for the root scheduler and for the kernel
 * itself. What is different for sub-schedulers is in kick_sub.c.
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

static __always_inline bool kick_cpu_valid(s32 cpu)
{
	struct scx_sched *root = rcu_dereference_all(scx_root);

	return root && scx_cpu_valid(root, cpu, "in a kick");
}

/* In an operation that a kick has to wait for? */
static __always_inline bool kick_in_op(void)
{
	return __this_cpu_read(scx_kick_pcpu.op) != KICK_OP_NONE;
}

static __always_inline enum kick_op kick_op(void)
{
	return __this_cpu_read(scx_kick_pcpu.op);
}

/* If the root is bypassed, all are. */
static __always_inline bool kick_bypassed(void)
{
	struct scx_sched *root = rcu_dereference_all(scx_root);

	return !root || READ_ONCE(root->bypass_depth);
}

static __always_inline bool kick_rq_dispatches(struct rq *rq)
{
	return rq->scx.flags & SCX_RQ_IN_DISPATCH;
}

/* A task that is being rescued keeps its slice. */
static __always_inline void kick_end_slice(struct task_struct *curr)
{
	struct scx_sched *root;

	if (likely(scx_set_task_slice(curr, 0)))
		return;
	root = rcu_dereference_all(scx_root);
	if (root)
		__scx_add_event(root, SCX_EV_SLICE_DENIED, 1);
}

#endif	/* _KERNEL_SCHED_EXT_KICK_BASE_H */
