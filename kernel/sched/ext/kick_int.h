/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: the word of a CPU, and what else the kick path keeps for it.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_INT_H
#define _KERNEL_SCHED_EXT_KICK_INT_H

struct seq_buf;

/**
 * enum scx_kick_flags - what scx_bpf_kick_cpu() is to do beyond waking the CPU
 * @SCX_KICK_IDLE: Only if the CPU is idle or on its way there. It then goes
 *	through at least one full scheduling cycle that starts after the kick. A
 *	CPU that is sure to start one before it idles is left alone. Excludes
 *	the other flags.
 * @SCX_KICK_PREEMPT: Take the slice from the task that the CPU runs, if that is
 *	a sched_ext task, so that the cycle goes through the dispatch path.
 * @SCX_KICK_WAIT: The calling CPU starts no further sched_ext task before the
 *	kicked CPU has entered a scheduling cycle that started after the kick.
 * @SCX_KICK_PREEMPT_LAZY: Take the slice as %SCX_KICK_PREEMPT does, but do not
 *	interrupt the task that runs: the CPU starts a cycle at its next
 *	occasion, by its next tick at the latest. Each other kick of the CPU
 *	goes before, and so do %SCX_KICK_PREEMPT and %SCX_KICK_WAIT with it.
 */
enum scx_kick_flags {
	SCX_KICK_IDLE		= 1LLU << 0,
	SCX_KICK_PREEMPT	= 1LLU << 1,
	SCX_KICK_WAIT		= 1LLU << 2,
	SCX_KICK_PREEMPT_LAZY	= 1LLU << 3,
};

/*
 * scx_kick::word, what was asked of the CPU. The first ones keep the places of
 * their flags.
 */
#define KICK_REQ_IDLE		((int)SCX_KICK_IDLE)
#define KICK_REQ_PREEMPT	((int)SCX_KICK_PREEMPT)
#define KICK_REQ_WAIT		((int)SCX_KICK_WAIT)
#define KICK_REQ_RESCHED	0x08	/* with all but IDLE, TASK and LAZY */
#define KICK_REQ_TASK		0x10	/* preempt the task that was seen */
#define KICK_REQ_MASK		0x1f

/*
 * Preempt the task that was seen, when a cycle comes, or a tick. Not in
 * KICK_REQ_MASK: nothing else is on its way for it.
 */
#define KICK_REQ_LAZY		0x20
#define KICK_REQ_ALL		(KICK_REQ_MASK | KICK_REQ_LAZY)

/* These take the slice of the task */
#define KICK_REQ_PREEMPTS	\
	(KICK_REQ_PREEMPT | KICK_REQ_TASK | KICK_REQ_LAZY)

/* A task was claimed by an operation. Becomes KICK_REQ_TASK after it. */
#define KICK_CLAIM		0x800

/* scx_kick::word, where the CPU is in its scheduling cycle */
#define KICK_CPU_IDLE		0x000	/* idle, or nothing is known of it */
#define KICK_CPU_PICKING	0x040	/* between the start and the end */
#define KICK_CPU_BUSY		0x080	/* has a task, cycles before idle */
#define KICK_CPU_ABOVE		0x400	/* with BUSY: of a higher class */

/*
 * The state that makes a request needless: BUSY for IDLE, ABOVE for RESCHED.
 * PREEMPT and WAIT become bits between these two, which stay clear, so no mask
 * is needed. Not for KICK_REQ_TASK and KICK_REQ_LAZY.
 */
#define KICK_NEEDLESS(req)	((req) << 7)

/*
 * scx_kick::word, from KICK_CYCLE_SHIFT up: the number of the cycle. Below it,
 * from KICK_SIBLING up: the number of picks that a sibling made, which rule (5)
 * of kick.c raises, too. Both wrap.
 */
#define KICK_CYCLE_SHIFT	18
#define KICK_CYCLE		BIT(KICK_CYCLE_SHIFT)
#define KICK_SIBLING		BIT(12)

/* Takes the slice as SCX_ENQ_PREEMPT does, but leaves the task at the tail */
#define KICK_ENQ_PREEMPT	BIT_ULL(63)

/*
 * What became of a kick:
 * SENT		the CPU gets an interrupt, or is about to schedule in any case
 * COALESCED	an earlier kick, or the end of a cycle, leads to the cycle for it
 * SELF		the CPU kicked itself
 * BUSY		%SCX_KICK_IDLE at a CPU that runs a task: nothing to do
 * OFFLINE	dropped, the CPU is offline
 * BYPASS	dropped, the BPF scheduler is bypassed
 * DISABLED	dropped, no BPF scheduler is loaded
 * CLAIMED	scx_bpf_kick_task() or scx_bpf_kick_curr() returned 0
 * REFUSED	it returned -EBUSY, and not because of a bypass
 * GONE		it returned -ESRCH, with a BPF scheduler loaded
 * HIGHER	nothing to do, a task of a higher class keeps the CPU
 * LAZY		left to the next cycle of the CPU, or to its tick
 */
#define KICK_OUTCOMES(EM, EM_LAST)			\
	EM(SCX_KICKED_SENT,	"sent")		\
	EM(SCX_KICKED_COALESCED, "coalesced")	\
	EM(SCX_KICKED_SELF,	"self")		\
	EM(SCX_KICKED_BUSY,	"busy")		\
	EM(SCX_KICKED_OFFLINE,	"offline")	\
	EM(SCX_KICKED_BYPASS,	"bypass")	\
	EM(SCX_KICKED_DISABLED,	"disabled")	\
	EM(SCX_KICKED_CLAIMED,	"claimed")	\
	EM(SCX_KICKED_REFUSED,	"refused")	\
	EM(SCX_KICKED_GONE,	"gone")		\
	EM(SCX_KICKED_HIGHER,	"higher")	\
	EM_LAST(SCX_KICKED_LAZY, "lazy")

#undef EM
#define EM(outcome, name)	outcome,
enum scx_kick_outcome {
	KICK_OUTCOMES(EM, EM)
	SCX_KICKED_NR,
};

#undef EM

/* What the kernel does after the scx operation that runs on a CPU, in order. */
enum kick_op {
	KICK_OP_NONE,		/* nothing that a kick has to wait for */
	KICK_OP_ENQUEUE,	/* enqueues the task: scx_kick_enqueued() */
	KICK_OP_WOKEN,		/* ... that wakes up: task_woken_scx() */
	KICK_OP_DISPATCH,	/* flushes the dispatch buffer */
	KICK_OP_LOCKED,		/* something, before interrupts open */
	KICK_OP_SLEEP,		/* switches to another task */
};

/**
 * struct kick_claim - the claim that a CPU holds back
 * @task: the task, NULL: there is none
 * @switches: task_switches(@task), which tells the stint
 * @cpu: where @task runs
 * @req: what it asks for: %KICK_REQ_TASK, perhaps with %KICK_REQ_WAIT, or
 *	%KICK_REQ_LAZY
 */
struct kick_claim {
	struct task_struct	*task;
	unsigned long		switches;
	s32			cpu;
	int			req;
};

/**
 * struct kick_wait - whom a CPU waits for before it starts a sched_ext task
 * @due: any of the four that follow
 * @asked: @cpus has CPUs that no wait has begun for
 * @on: the task that is about to run is held up: a wait gave way to a cycle, or
 *	has ended, and the task has executed nothing since
 * @flush: kicks are held back until the cycle has ended
 * @again: this CPU's own cycle has asked
 * @rounds: how often @cpus was gone through for that task
 * @tick: low bits of jiffies when a wait ended or gave way last
 * @took_us: how long waits took in that tick, in units of 1024 ns
 * @cpu: the CPU that is waited for just now, nr_cpu_ids: none
 * @word: its scx_kick::word when that began
 * @cpus: CPUs that were kicked with %SCX_KICK_WAIT
 */
struct kick_wait {
	union {
		u32		due;
		struct {
			bool	asked;
			bool	on;
			bool	flush;
			bool	again;
		};
	};
	u8			rounds;
	u8			tick;
	u16			took_us;
	s32			cpu;
	int			word;
	cpumask_var_t		cpus;
};

/**
 * struct kick_held - kicks of a CPU that are not made yet
 * @until: what they wait for, enum kick_op
 * @req: KICK_REQ_* of the first kick of an operation, 0: none
 * @masks: the cpumasks may have bits set
 * @wait: a kick in @resched or @preempt has %KICK_REQ_WAIT
 * @cpu: the CPU of @req
 * @idle: kick with %KICK_REQ_IDLE
 * @resched: kick with %KICK_REQ_RESCHED
 * @preempt: with @resched: kick with %KICK_REQ_PREEMPT as well, without: with
 *	%KICK_REQ_LAZY
 *
 * NMI may set bits of the cpumasks, @masks and @wait at any time.
 */
struct kick_held {
	u8			until;
	u8			req;
	bool			masks;
	bool			wait;
	s32			cpu;
	cpumask_var_t		idle;
	cpumask_var_t		resched;
	cpumask_var_t		preempt;
};

/**
 * struct scx_kick - the kick state of one CPU
 * @word: requests, state and numbers; the CPU, kickers and scx_kick_entered()
 *	write it
 * @preempted: pid of the task that an insertion has taken the slice from there,
 *	under core scheduling; with the rq lock
 * @claim: its claim that is held back
 * @work: makes what is held back, or interrupts the CPU, once interrupts open
 * @number: the numbers in @word
 * @op: the scx operation that it runs, enum kick_op
 * @wait: its waiting
 * @held: its kicks that are held back
 * @send: who gets an interrupt from scx_bpf_kick_cpumask()
 *
 * All but @word and @preempted is written by the CPU itself, and by
 * scx_kick_reset().
 */
struct scx_kick {
	atomic_t		word;
	s32			preempted;
	struct kick_claim	claim;
	struct irq_work		work;

	unsigned int		number ____cacheline_aligned_in_smp;
	u8			op;
	struct kick_wait	wait;
	struct kick_held	held;
	cpumask_var_t		send;
};

/**
 * struct scx_kick_stats - what the kicks that a CPU made came to
 * @outcomes: kicks by enum scx_kick_outcome. Their sum is what was asked, but
 *	for CPUs that scx_bpf_kick_idle() and scx_bpf_kick_curr() left alone in
 *	an operation, or during a bypass
 * @irqs: interrupts sent for them, those to the CPU itself included
 * @served: scheduling cycles of this CPU that took requests
 * @waits: waits that have ended
 * @wait_ns: how long they took together
 * @wait_max_ns: the longest one
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
};

/**
 * struct scx_kick_watch - clocks that the statistics and the tracepoints need
 * @asked_ns: when the first request was made of this CPU in an even, an odd
 *	cycle, while the tracepoint sched_ext_kick_served is on
 * @wait_since_ns: since when this CPU waits, 0 if it does not
 * @wait_before_ns: what the same wait took before it had to give way
 * @wait_told: that it is a long one has been reported
 * @tracing: this CPU is inside the tracepoint sched_ext_kick
 */
struct scx_kick_watch {
	u64			asked_ns[2];
	u64			wait_since_ns;
	u64			wait_before_ns;
	bool			wait_told;
	bool			tracing;
};

DECLARE_PER_CPU_SHARED_ALIGNED(struct scx_kick, scx_kick_pcpu);
DECLARE_PER_CPU(struct scx_kick_stats, scx_kick_stats);
DECLARE_PER_CPU(struct scx_kick_watch, scx_kick_watch);

#endif	/* _KERNEL_SCHED_EXT_KICK_INT_H */
