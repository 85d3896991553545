/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what the rest of the scheduler sees of them.
 *
 * The protocol is told in ext_kick.c. A scheduling cycle tells it where it begins
 * and where it ends: scx_kick_cycle_start() and scx_kick_cycle_end() below.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_H
#define _KERNEL_SCHED_EXT_KICK_H

#ifdef CONFIG_SCHED_CLASS_EXT

struct seq_buf;

/**
 * enum scx_kick_flags - what scx_bpf_kick_cpu() is to do beyond waking the CPU
 * @SCX_KICK_IDLE: Only if the CPU is idle or on its way there. It then goes through at least one
 *	full scheduling cycle that starts after the kick. A CPU that is sure to start one before
 *	it idles is left alone. Excludes the other flags.
 * @SCX_KICK_PREEMPT: Take the slice from the task that the CPU runs, if that is a sched_ext task,
 *	so that the cycle goes through the dispatch path.
 * @SCX_KICK_WAIT: The calling CPU starts no further sched_ext task before the kicked CPU has
 *	entered a scheduling cycle that started after the kick.
 */
enum scx_kick_flags {
	SCX_KICK_IDLE		= 1LLU << 0,
	SCX_KICK_PREEMPT	= 1LLU << 1,
	SCX_KICK_WAIT		= 1LLU << 2,
};

/* scx_kick::word, low bits: what was asked of the CPU. The flags keep their places. */
#define KICK_REQ_IDLE		((int)SCX_KICK_IDLE)
#define KICK_REQ_PREEMPT	((int)SCX_KICK_PREEMPT)
#define KICK_REQ_WAIT		((int)SCX_KICK_WAIT)
#define KICK_REQ_RESCHED	0x08	/* goes with every request but the next and KICK_REQ_IDLE */
#define KICK_REQ_TASK		0x10	/* preempt the task that was seen running */
#define KICK_REQ_MASK		0x1f

/* scx_kick::word: becomes KICK_REQ_TASK when the scx operation that claimed the task has ended */
#define KICK_CLAIM		0x20

/* scx_kick::word: where the CPU is in its scheduling cycle */
#define KICK_CPU_IDLE		0x00	/* idle, or nothing is known of it */
#define KICK_CPU_PICKING	0x40	/* between the start and the end of a cycle */
#define KICK_CPU_BUSY		0x80	/* runs a task, starts a cycle before it idles */

/*
 * scx_kick::word, from here up: the number of the cycle, and below it that of the picks that a
 * sibling made. Both wrap.
 */
#define KICK_CYCLE_SHIFT	16
#define KICK_CYCLE		BIT(KICK_CYCLE_SHIFT)
#define KICK_SIBLING		BIT(8)

/**
 * enum scx_kick_outcome - what became of a kick
 * @SCX_KICKED_SENT: the CPU gets an interrupt, or polls for work while idle and has been told
 * @SCX_KICKED_COALESCED: served together with an earlier kick, or by the end of a cycle under way
 * @SCX_KICKED_SELF: the CPU kicked itself: no interrupt
 * @SCX_KICKED_BUSY: %SCX_KICK_IDLE at a CPU that runs a task: nothing to do
 * @SCX_KICKED_OFFLINE: dropped, the CPU is offline
 * @SCX_KICKED_BYPASS: dropped, the BPF scheduler is bypassed
 * @SCX_KICKED_DISABLED: dropped, no BPF scheduler is loaded
 * @SCX_KICKED_CLAIMED: scx_bpf_kick_task() returned 0
 * @SCX_KICKED_REFUSED: it returned -EBUSY, and not because of a bypass
 * @SCX_KICKED_GONE: it returned -ESRCH
 * @SCX_KICKED_NR: how many there are
 */
enum scx_kick_outcome {
	SCX_KICKED_SENT,
	SCX_KICKED_COALESCED,
	SCX_KICKED_SELF,
	SCX_KICKED_BUSY,
	SCX_KICKED_OFFLINE,
	SCX_KICKED_BYPASS,
	SCX_KICKED_DISABLED,
	SCX_KICKED_CLAIMED,
	SCX_KICKED_REFUSED,
	SCX_KICKED_GONE,
	SCX_KICKED_NR,
};

/* Until when kicks are held back */
enum kick_later {
	KICK_LATER_NONE,
	KICK_LATER_ENQUEUE,	/* the verdict of ops.select_cpu() or ops.enqueue() */
	KICK_LATER_WOKEN,	/* ... which moves the task to the local DSQ of another CPU */
	KICK_LATER_DISPATCH,	/* the verdicts of ops.dispatch() */
};

/**
 * struct scx_kick - the kick state of one CPU
 * @word: requests, state and numbers; every kicker and the CPU itself write it
 * @asked_ns: when the first request was made in an even, an odd cycle, while the tracepoint
 *	sched_ext_kick_served is on
 * @number: the numbers in @word
 * @waiting: @wait_asked or @wait_on
 * @wait_asked: no further sched_ext task starts before the CPUs with KICK_REQ_WAIT have entered a
 *	cycle
 * @wait_on: a wait for that gave way to a cycle of this CPU, and goes on at the end of it; or it
 *	has ended, and the task that it held up has executed nothing yet
 * @wait_cpu: the CPU that is waited for just now, or nr_cpu_ids: the wait has ended
 * @wait_word: its @word when that began
 * @later: kicks are held back until the scx operation has ended, enum kick_later
 * @later_wait: so does one with KICK_REQ_WAIT
 * @unsent_work: sends what was asked from NMI, and wakes the CPU itself, once interrupts open
 * @later_lo: low bit for each target of a kick held back until the scx operation has ended
 * @later_hi: high bit, see kick_later()
 *
 * All but @word and @asked_ns is written by the CPU itself, and by scx_kick_reset().
 */
struct scx_kick {
	atomic_t		word;
	u64			asked_ns[2];

	unsigned int		number ____cacheline_aligned_in_smp;
	union {
		u16		waiting;
		struct {
			bool	wait_asked;
			bool	wait_on;
		};
	};
	u8			later;
	bool			later_wait;
	s32			wait_cpu;
	int			wait_word;
	struct irq_work		unsent_work;
	cpumask_var_t		later_lo;
	cpumask_var_t		later_hi;
};

/**
 * struct scx_kick_stats - what the kicks that a CPU made came to
 * @outcomes: kicks by enum scx_kick_outcome; their sum is what was asked
 * @irqs: interrupts sent for them, those to the CPU itself included
 * @served: scheduling cycles of this CPU that took requests
 * @waits: waits that have ended
 * @wait_ns: how long they took together
 * @wait_max_ns: the longest one
 * @wait_since_ns: since when this CPU waits, 0 if it does not
 * @wait_before_ns: what the same wait took before it had to give way
 * @wait_told: that it is a long one has been reported
 *
 * Written by the CPU itself, and reset through debugfs.
 */
struct scx_kick_stats {
	unsigned long		outcomes[SCX_KICKED_NR];
	unsigned long		irqs;
	unsigned long		served;
	unsigned long		waits;
	u64			wait_ns;
	u64			wait_max_ns;
	u64			wait_since_ns;
	u64			wait_before_ns;
	bool			wait_told;
};

DECLARE_PER_CPU_SHARED_ALIGNED(struct scx_kick, scx_kick_pcpu);
DECLARE_PER_CPU(struct scx_kick_stats, scx_kick_stats);

void scx_kick_cpu(s32 cpu, int req);
void scx_kick_local_enq(struct scx_dispatch_q *dsq, struct task_struct *p, u64 enq_flags);
void scx_kick_serve(struct rq *rq, int word);
void __scx_kick_flush(void);
void __scx_kick_enqueued(struct task_struct *p, u64 enq_flags);
void __scx_kick_sibling_pick(void);
void __scx_kick_cycle_end(bool switched);
void scx_kick_wait_check(s32 cpu);
void scx_kick_dump(struct seq_buf *s, s32 cpu, bool idle);
void scx_kick_reset(void);

/**
 * scx_kick_cycle_start - a scheduling cycle of this CPU starts
 * @rq: this CPU's rq
 *
 * Takes what was asked of this CPU: the cycle that follows serves it. Whatever a kicker wrote
 * before its kick, the cycle sees, see ext_kick.c.
 *
 * Context: prev_balance() with a BPF scheduler loaded. @rq is locked, interrupts are off.
 */
static inline void scx_kick_cycle_start(struct rq *rq)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	int word;

	kick->number += KICK_CYCLE;
	/*
	 * A full barrier, (B) of ext_kick.c. Without it, the dispatch path could look at a BPF
	 * queue before the kicker filled it while the kicker already counts on this cycle.
	 */
	word = atomic_xchg(&kick->word, kick->number | KICK_CPU_PICKING);
	if (unlikely(word & (KICK_REQ_MASK | KICK_CLAIM)))
		scx_kick_serve(rq, word);
}

/**
 * scx_kick_sibling_pick - this CPU is about to run what its sibling picked for it
 *
 * Its dispatch path does not run, so requests stay. They lead to a cycle at the end of this one.
 * KICK_CPU_BUSY stays, too, for those who rely on a cycle to come.
 *
 * Context: pick_next_task() under core scheduling, before the switch. The rq is locked.
 */
static inline void scx_kick_sibling_pick(void)
{
	if (scx_enabled())
		__scx_kick_sibling_pick();
}

/**
 * scx_kick_flush - what an scx operation of this CPU decided has been done
 * @later: what kicks of the operation were held back for
 *
 * Kicks that it made are done now. A CPU that is kicked finds the task that was put on a DSQ by the
 * same operation. What is decided may enqueue tasks on other rqs, before all is done.
 *
 * Context: Interrupts are off. Any rq locks may be held.
 */
static inline void scx_kick_flush(enum kick_later later)
{
	if (unlikely(__this_cpu_read(scx_kick_pcpu.later) == later))
		__scx_kick_flush();
}

/**
 * scx_kick_enqueued - the verdict on a task has been carried out
 * @p: the task
 * @enq_flags: with which ops.enqueue() was asked, or would have been
 *
 * Kicks that ops.select_cpu() and ops.enqueue() made are done now, or once @p is woken up.
 *
 * Context: after do_enqueue_task(). The rq lock of @p is held.
 */
static inline void scx_kick_enqueued(struct task_struct *p, u64 enq_flags)
{
	if (unlikely(__this_cpu_read(scx_kick_pcpu.later) == KICK_LATER_ENQUEUE))
		__scx_kick_enqueued(p, enq_flags);
}

/**
 * scx_kick_cycle_end - a scheduling cycle of this CPU has ended
 * @switched: another task runs now
 *
 * What was asked during the cycle leads to another one. Then, if a sched_ext task is about to
 * run, waits for the CPUs that were kicked with %SCX_KICK_WAIT.
 *
 * Context: the end of __schedule(), on the stack of the task that was picked. The rq lock is
 * dropped, interrupts are on, preemption is off.
 */
static inline void scx_kick_cycle_end(bool switched)
{
	if (scx_enabled())
		__scx_kick_cycle_end(switched);
}

#else	/* CONFIG_SCHED_CLASS_EXT */

static inline void scx_kick_sibling_pick(void) {}
static inline void scx_kick_cycle_end(bool switched) {}

#endif	/* CONFIG_SCHED_CLASS_EXT */

#endif	/* _KERNEL_SCHED_EXT_KICK_H */
