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
 * No operation that is marked calls another one that is marked.
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
	KICK_AFTER_cgroup_move		= KICK_OP_LOCKED,
	/* Tasks of the local DSQ may be enqueued again. */
	KICK_AFTER_cpu_release		= KICK_OP_LOCKED,

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
};

/* Operations that have a bit in kf_mask are told by that and need no mark. */
#define KICK_KF_MASK	(SCX_KF_SELECT_CPU | SCX_KF_ENQUEUE | SCX_KF_DISPATCH)
#define KICK_MARKED(mask, op)	(!((mask) & KICK_KF_MASK) && KICK_AFTER_##op)

/*
 * Note that operation @op, called with @mask, begins. Caller has interrupts
 * off.
 */
#define scx_kick_mark(mask, op)					\
do {								\
	if (KICK_MARKED(mask, op))				\
		scx_kick_set_op(KICK_AFTER_##op);		\
} while (0)

/* Note that it has ended. */
#define scx_kick_unmark(mask, op)				\
do {								\
	if (KICK_MARKED(mask, op))				\
		scx_kick_set_op(KICK_OP_NONE);			\
} while (0)

#endif	/* _KERNEL_SCHED_EXT_KICK_OPS_H */
