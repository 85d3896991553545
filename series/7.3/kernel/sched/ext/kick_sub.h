/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: by sub-schedulers, and from wakeups that are left to another
 * CPU.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_SUB_H
#define _KERNEL_SCHED_EXT_KICK_SUB_H

struct rq;
struct scx_sched;

#ifdef CONFIG_EXT_SUB_SCHED

DECLARE_STATIC_KEY_FALSE(__scx_has_subs);

int scx_kick_sub_init(struct scx_sched *sch, struct scx_sched *parent);
void scx_kick_sub_exit(struct scx_sched *sch);
void __scx_kick_serve_subs(struct rq *rq);

/**
 * scx_kick_serve_subs - preempt for sub-schedulers
 * @rq: this CPU's rq
 *
 * Context: after scx_kick_cycle_start() or scx_kick_sibling_pick(). Caller
 * holds @rq's lock.
 */
static inline void scx_kick_serve_subs(struct rq *rq)
{
	if (static_branch_unlikely(&__scx_has_subs))
		__scx_kick_serve_subs(rq);
}

#else	/* CONFIG_EXT_SUB_SCHED */

static inline int scx_kick_sub_init(struct scx_sched *sch,
				    struct scx_sched *parent)
{
	return 0;
}

static inline void scx_kick_sub_exit(struct scx_sched *sch) {}
static inline void scx_kick_serve_subs(struct rq *rq) {}

#endif	/* CONFIG_EXT_SUB_SCHED */

#ifdef CONFIG_SCHED_CLASS_EXT

void scx_kick_forget_root(void);

/**
 * scx_kick_flush_queued - the CPU that ops.select_cpu() chose does the rest
 *
 * Makes the kicks of ops.select_cpu() now: the enqueueing happens elsewhere.
 *
 * Context: ttwu_queue(). Caller has interrupts off.
 */
static inline void scx_kick_flush_queued(void)
{
	if (scx_enabled())
		scx_kick_flush(KICK_OP_ENQUEUE);
}

#else	/* CONFIG_SCHED_CLASS_EXT */

static inline void scx_kick_flush_queued(void) {}

#endif	/* CONFIG_SCHED_CLASS_EXT */

#endif	/* _KERNEL_SCHED_EXT_KICK_SUB_H */
