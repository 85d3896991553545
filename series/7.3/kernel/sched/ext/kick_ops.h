/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what the kernel does after each scx operation, see enum
 * kick_op. The kicks that an operation makes are held back until that has been
 * done.
 *
 * ops.dequeue(), ops.stopping() and ops.quiescent() are part of a larger step:
 * a task sleeps and leaves its CPU, or is dequeued to be changed and enqueued
 * again. dequeue_task_scx() says which. Other operations with KICK_OP_NONE kick
 * at once.
 *
 * Operations nest: ops.dispatch() may call the ops.dispatch() of a
 * sub-scheduler, and it may move tasks, which dequeues them.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_OPS_H
#define _KERNEL_SCHED_EXT_KICK_OPS_H

enum {
	KICK_AFTER_select_cpu		= KICK_OP_ENQUEUE,
	KICK_AFTER_runnable		= KICK_OP_ENQUEUE,
	KICK_AFTER_enqueue		= KICK_OP_ENQUEUE,
	KICK_AFTER_dispatch		= KICK_OP_DISPATCH,

	/* The task is enqueued again, or for the first time. */
	KICK_AFTER_enable		= KICK_OP_LOCKED,
	KICK_AFTER_set_weight		= KICK_OP_LOCKED,
	KICK_AFTER_set_cpumask		= KICK_OP_LOCKED,
	KICK_AFTER_set_cmask		= KICK_OP_LOCKED,
	KICK_AFTER_cgroup_move		= KICK_OP_LOCKED,
	/* Tasks of the local DSQ may be enqueued again. */
	KICK_AFTER_cpu_release		= KICK_OP_LOCKED,

	/*
	 * As ops.dispatch(), with the dispatch buffer of the scheduler that is
	 * told.
	 */
	KICK_AFTER_sub_ecaps_updated	= KICK_OP_DISPATCH,

	KICK_AFTER_dequeue		= KICK_OP_NONE,
	KICK_AFTER_stopping		= KICK_OP_NONE,
	KICK_AFTER_quiescent		= KICK_OP_NONE,

	KICK_AFTER_running		= KICK_OP_NONE,
	KICK_AFTER_tick			= KICK_OP_NONE,
	KICK_AFTER_yield		= KICK_OP_NONE,
	KICK_AFTER_core_sched_before	= KICK_OP_NONE,
	KICK_AFTER_update_idle		= KICK_OP_NONE,
	KICK_AFTER_cpu_acquire		= KICK_OP_NONE,
	KICK_AFTER_disable		= KICK_OP_NONE,
	KICK_AFTER_exit_task		= KICK_OP_NONE,
	KICK_AFTER_dump			= KICK_OP_NONE,
	KICK_AFTER_dump_cpu		= KICK_OP_NONE,
	KICK_AFTER_dump_task		= KICK_OP_NONE,

	KICK_AFTER_init			= KICK_OP_NONE,
	KICK_AFTER_exit			= KICK_OP_NONE,
	KICK_AFTER_init_task		= KICK_OP_NONE,
	KICK_AFTER_cpu_online		= KICK_OP_NONE,
	KICK_AFTER_cpu_offline		= KICK_OP_NONE,
	KICK_AFTER_cgroup_init		= KICK_OP_NONE,
	KICK_AFTER_cgroup_exit		= KICK_OP_NONE,
	KICK_AFTER_cgroup_prep_move	= KICK_OP_NONE,
	KICK_AFTER_cgroup_cancel_move	= KICK_OP_NONE,
	KICK_AFTER_cgroup_set_weight	= KICK_OP_NONE,
	KICK_AFTER_cgroup_set_bandwidth	= KICK_OP_NONE,
	KICK_AFTER_cgroup_set_idle	= KICK_OP_NONE,
	KICK_AFTER_init_cids		= KICK_OP_NONE,
	KICK_AFTER_sub_attach		= KICK_OP_NONE,
	KICK_AFTER_sub_detach		= KICK_OP_NONE,
	KICK_AFTER_sub_caps_updated	= KICK_OP_NONE,
};

/**
 * scx_kick_begin_op - an scx operation begins
 * @op: what the kernel does after it, enum kick_op. %KICK_OP_NONE: what the
 *	kernel does after the operation that surrounds it
 *
 * Context: Caller has interrupts off, unless @op is %KICK_OP_NONE.
 *
 * Return: what to hand to scx_kick_end_op()
 */
static __always_inline enum kick_op scx_kick_begin_op(int op)
{
	enum kick_op outer = KICK_OP_NONE;

	if (op != KICK_OP_NONE) {
		outer = __this_cpu_read(scx_kick_pcpu.op);
		__this_cpu_write(scx_kick_pcpu.op, op);
	}
	return outer;
}

/**
 * scx_kick_end_op - an scx operation has ended
 * @op: what scx_kick_begin_op() was called with
 * @outer: what it returned
 *
 * Context: as scx_kick_begin_op()
 */
static __always_inline void scx_kick_end_op(int op, enum kick_op outer)
{
	if (op != KICK_OP_NONE)
		__this_cpu_write(scx_kick_pcpu.op, outer);
}

#endif	/* _KERNEL_SCHED_EXT_KICK_OPS_H */
