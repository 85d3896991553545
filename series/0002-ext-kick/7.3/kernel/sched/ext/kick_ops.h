/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what the kernel does after each scx operation, and so when the
 * kicks are made that it makes, see enum kick_op.
 *
 * ops.dequeue(), ops.stopping() and ops.quiescent() are part of what surrounds
 * them: a task that sleeps is followed by nothing, one that is dequeued to be
 * changed is enqueued again, and dequeue_task_scx() says which. So are those that
 * are called from the middle of a scheduling cycle, which decides after them, and
 * those that run with interrupts on: their kicks are made at once.
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

	/* As ops.dispatch(), with the dispatch buffer of the scheduler that is told. */
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

#endif	/* _KERNEL_SCHED_EXT_KICK_OPS_H */
