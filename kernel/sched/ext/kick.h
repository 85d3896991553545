/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what the rest of the scheduler sees of them.
 *
 * kick.c explains the protocol. Above all, the scheduler tells the kick path
 * where a scheduling cycle of a CPU begins and where it ends, which scx
 * operation is running, and that what an operation decided has been carried
 * out.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_H
#define _KERNEL_SCHED_EXT_KICK_H

#ifdef CONFIG_SCHED_CLASS_EXT

#include "kick_int.h"
#include "kick_ops.h"

void scx_kick_cpu(s32 cpu, int req);
void scx_kick_local_enq(struct scx_dispatch_q *dsq, struct task_struct *p,
			u64 enq_flags);
void scx_kick_entered(struct rq *rq, struct task_struct *p);
void scx_kick_serve(struct rq *rq, int word);
void __scx_kick_flush(void);
void __scx_kick_dispatched(struct rq *rq, struct task_struct *prev);
void __scx_kick_enqueued(struct task_struct *p, u64 enq_flags);
void __scx_kick_sibling_pick(struct rq *rq);
void scx_kick_core_dispatch(struct rq *rq);
bool scx_kick_core_dispatched(struct rq *rq, struct task_struct *prev);
void __scx_kick_cycle_end(bool switched);
void scx_kick_dump(struct seq_buf *s, s32 cpu, bool idle);
void scx_kick_reset(void);

/**
 * scx_kick_cycle_start - a scheduling cycle of this CPU starts
 * @rq: this CPU's rq
 *
 * Takes the requests from the word of this CPU: the cycle that follows serves
 * them, and sees what their kickers wrote before.
 *
 * Context: prev_balance() with a BPF scheduler loaded. Caller holds @rq's lock.
 */
static inline void scx_kick_cycle_start(struct rq *rq)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	int word;

	kick->number += KICK_CYCLE;
	/*
	 * A full barrier, (B) of kick.c. Without it, the dispatch path could
	 * look at a BPF queue before the kicker filled it while the kicker
	 * already counts on this cycle.
	 */
	word = atomic_xchg(&kick->word, kick->number | KICK_CPU_PICKING);
	if (unlikely(word & (KICK_REQ_ALL | KICK_CLAIM)))
		scx_kick_serve(rq, word);
}

/**
 * scx_kick_sibling_pick - this CPU is about to run what its sibling picked
 * @rq: this CPU's rq
 *
 * The dispatch path of this CPU does not run, so its requests stay, and lead to
 * a cycle at the end of this one. %KICK_CPU_BUSY and %KICK_CPU_ABOVE stay, too,
 * for those who rely on a cycle to come. Preemptions are made at once.
 *
 * Context: pick_next_task() under core scheduling, before the switch. Caller
 * holds the rq lock.
 */
static inline void scx_kick_sibling_pick(struct rq *rq)
{
	if (scx_enabled())
		__scx_kick_sibling_pick(rq);
}

/**
 * scx_kick_set_op - an scx operation begins, or has ended
 * @op: what the kernel does after it, enum kick_op
 *
 * Context: Caller has interrupts off.
 */
static __always_inline void scx_kick_set_op(u8 op)
{
	__this_cpu_write(scx_kick_pcpu.op, op);
}

/**
 * scx_kick_flush - what an scx operation of this CPU decided has been done
 * @op: the operation
 *
 * Makes the kicks that were held back for @op. A CPU that is kicked finds the
 * task that the same operation put on a DSQ. Carrying out what was decided may
 * enqueue tasks on other rqs, so kicks wait for all of it.
 *
 * Context: Caller has interrupts off, and may hold any rq locks.
 */
static inline void scx_kick_flush(enum kick_op op)
{
	if (unlikely(__this_cpu_read(scx_kick_pcpu.held.until) == op))
		__scx_kick_flush();
}

/**
 * scx_kick_dispatched - what ops.dispatch() decided has been done
 * @rq: the rq that it was for
 * @prev: the task that runs there
 *
 * Makes the kicks of ops.dispatch(). If a task was put on the local DSQ to
 * preempt @prev meanwhile, ends the slice of @prev, which ops.dispatch() may
 * have filled again: @prev could be put back before the end of the cycle.
 *
 * Context: the dispatch path. Caller holds @rq's lock.
 */
static inline void scx_kick_dispatched(struct rq *rq, struct task_struct *prev)
{
	scx_kick_flush(KICK_OP_DISPATCH);
	/*
	 * Others may set bits at any time. Those set under the rq lock are
	 * seen.
	 */
	if (unlikely(data_race(__this_cpu_read(scx_kick_pcpu.word.counter)) &
		     KICK_REQ_TASK))
		__scx_kick_dispatched(rq, prev);
}

/**
 * scx_kick_enqueued - the verdict on a task has been carried out
 * @p: the task
 * @enq_flags: flags that ops.enqueue() was called with, or would have been
 *
 * Makes the kicks of ops.runnable(), ops.select_cpu(), ops.enqueue() and
 * ops.stopping(), or leaves them to task_woken_scx().
 *
 * Context: after do_enqueue_task(). Caller holds the rq lock of @p.
 */
static inline void scx_kick_enqueued(struct task_struct *p, u64 enq_flags)
{
	if (unlikely(__this_cpu_read(scx_kick_pcpu.held.until) ==
		     KICK_OP_ENQUEUE))
		__scx_kick_enqueued(p, enq_flags);
}

/**
 * scx_kick_tick - the tick of a CPU that runs a sched_ext task
 * @rq: its rq
 *
 * Starts a cycle if the CPU has CPUs to wait for and no wait has begun, and for
 * a kick that was left to the tick.
 *
 * Context: task_tick_scx(). Caller holds @rq's lock.
 */
static inline void scx_kick_tick(struct rq *rq)
{
	/* Another CPU makes ticks for one that has none of its own. */
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu_of(rq));

	if (READ_ONCE(kick->wait.asked) ||
	    (atomic_read(&kick->word) & KICK_REQ_LAZY))
		resched_curr(rq);
}

/**
 * scx_kick_tick_stops - a CPU may run without a tick from now on
 * @rq: its rq
 *
 * Has the CPU schedule if a kick was left to the tick. In a cycle of its own
 * there is no such kick: its start has taken it, and none is placed before its
 * end. Under core scheduling the cycle may be a sibling's.
 *
 * Context: set_next_task_scx(), refresh_tick(). Caller holds @rq's lock, and
 * has set %SCX_RQ_CAN_STOP_TICK.
 */
static inline void scx_kick_tick_stops(struct rq *rq)
{
	if (likely(!tick_nohz_full_cpu(cpu_of(rq))))
		return;
	smp_mb();	/* (K), pairs with (J) of rule (6) in kick.c */
	if (atomic_read(&per_cpu(scx_kick_pcpu, cpu_of(rq)).word) &
	    KICK_REQ_LAZY)
		resched_curr(rq);
}

/**
 * scx_kick_cycle_end - a scheduling cycle of this CPU has ended
 * @switched: another task runs now
 *
 * Starts another cycle for what was asked during this one. Then, if a sched_ext
 * task is about to run, waits for the CPUs that this one kicked with
 * %SCX_KICK_WAIT.
 *
 * Context: the end of __schedule(), on the stack of the task that was picked.
 * Caller holds no rq lock, has interrupts on and preemption off.
 */
static inline void scx_kick_cycle_end(bool switched)
{
	if (scx_enabled())
		__scx_kick_cycle_end(switched);
}

#else	/* CONFIG_SCHED_CLASS_EXT */

struct rq;

static inline void scx_kick_cycle_start(struct rq *rq) {}
static inline void scx_kick_sibling_pick(struct rq *rq) {}
static inline void scx_kick_cycle_end(bool switched) {}

#endif	/* CONFIG_SCHED_CLASS_EXT */

#endif	/* _KERNEL_SCHED_EXT_KICK_H */
