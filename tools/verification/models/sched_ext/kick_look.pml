/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who makes a CPU look at the word, in kernel/sched/ext/kick*.c, for an exhaustive search by spin.
 *
 * kick.pml takes it for granted that a CPU whose need_resched is set schedules. Here it does so only
 * where the kernel looks: not in user space, not halted, and not behind the last look on the way to
 * either. Three things depend on that: a CPU that kicks itself behind that look has to interrupt
 * itself, a kick is not sent to a CPU that is marked already, and what NMI and operations leave in
 * the cpumasks is placed and sent by an irq_work, so that a request in the word is never one that
 * nobody is going to look at.
 *
 * CPU 0 schedules, goes to user space and idles. It kicks itself from everywhere, and CPU 1 kicks
 * it, too. Steps, ghosts and the way to a state of rest are those of kick.pml.
 *
 * The configurations are in check.sh, the mutants in the file `mutants'.
 */

#ifndef CTX
#define CTX	C_LOOK
#endif
#ifndef AFTER
#define AFTER	12		/* cycles that may follow once the environment rests */
#endif

/* Where kicks come from, beside those of CPU 1 from a task. */
#define C_LOOK		1	/* a program behind the last look, interrupts are off */
#define C_TASK		2	/* the same with interrupts on, or in an interrupt */
#define C_NMI		4	/* of CPU NMI */
#define C_OP		8	/* an operation that dequeues a task, kicks, and enqueues it */

#include "properties.pmh"

/* What else must hold */
hidden byte never_deaf;			/* a request, and nothing that makes the CPU look */
hidden byte pending_is_sent;		/* who finds a request or a mark there can rely on that */
hidden byte operation_comes_first;	/* the cycle sees what the operation has enqueued */
hidden byte nothing_held;		/* at rest */

/* scx_kick::word */
#define KICK_REQ_IDLE		1
#define KICK_REQ_RESCHED	8
#define KICK_REQ_MASK		9
#define KICK_CPU_IDLE		0
#define KICK_CPU_PICKING	64
#define KICK_CPU_BUSY		128

byte word = KICK_CPU_BUSY;
byte held[2];			/* the cpumasks of each CPU, of which CPU 0 is in: KICK_REQ_* */
bit masks[2];			/* held::masks */
bit queued[2];			/* the irq_work, which is an interrupt of its own */

/* CPU 0 and the kernel around it. */
bit idle;			/* runs the idle task */
bit user;			/* is in user space */
bit past;			/* behind its last look at need_resched, until an interrupt comes */
bit look;			/* one has come: it looks on its return to user space */
bit nr;				/* need_resched */
bit ipi;
bit asleep;			/* only an interrupt ends it */
bit polling;			/* need_resched ends it */
bit irqs_off;
bit hard;			/* in an interrupt handler */
bit rqlock;
bit in_cycle;
bit work;			/* a task waits for CPU 0 */

/* Ghosts. */
bit stop;			/* the environment rests */
byte sending;			/* who has interrupts off, and is about to send */
bit owed;
bit owed_idle;
bit promised;			/* by an operation: a cycle that sees the task */
byte after;			/* cycles since the environment rests */

#define LOOKS		(!past || look || hard || (idle && !asleep && !irqs_off))
#define ON_ITS_WAY	(ipi || queued[0] || sending || (word & KICK_CPU_PICKING) || (nr && LOOKS))

/* ---- kicks ---- */

inline choose(req)
{
	if
	:: req = KICK_REQ_RESCHED; owed = 1
	:: req = KICK_REQ_IDLE; owed_idle = 1
	fi
}

/* The mark counts if it is there when the request is. */
#define READ_MARK()	skip
#define MARKED		nr

/* Leaves in @req whether kick_send() is to follow, and in @w the word before the request. */
inline kick_place(req, w)
{
	w = word;
	if
	:: (req & KICK_REQ_IDLE) && (w & KICK_CPU_BUSY) -> req = 0
	:: !((req & KICK_REQ_IDLE) && (w & KICK_CPU_BUSY)) && (w & (KICK_REQ_MASK | KICK_CPU_PICKING)) ->
		PROPERTY(pending_is_sent, ON_ITS_WAY);
		word = w | req; req = 0
	:: !((req & KICK_REQ_IDLE) && (w & KICK_CPU_BUSY)) && !(w & (KICK_REQ_MASK | KICK_CPU_PICKING)) ->
		word = w | req; sending++
	fi
}

#define INTERRUPTS_ITSELF	1

/* @masked: of a program that was called with interrupts off, in no interrupt handler */
inline kick_send(c, req, w, masked)
{
	if
	:: req && c == 0 ->
		nr = 1;
		queued[0] = queued[0] || (masked && INTERRUPTS_ITSELF)
	:: req && c == 1 ->
		if
		:: (w & KICK_CPU_BUSY) && MARKED
		:: !(w & KICK_CPU_BUSY) && polling -> nr = 1
		:: else -> ipi = 1
		fi
	:: !req
	fi;
	sending = sending - (req != 0);
	PROPERTY(never_deaf, !req || !(word & KICK_REQ_MASK) || ON_ITS_WAY);
	req = 0; w = 0
}

/* kick_hold_slow(): NMI does all of it before anything else goes on there */
inline kick_hold(c, req)
{
	held[c] = held[c] | req;
	masks[c] = 1;
	queued[c] = 1;
	req = 0
}

#define TAKE(c, req, bits)	req = held[c] & (bits); held[c] = held[c] & ~(bits)
#define TAKEN(c, bits)		skip

inline kick_drain_bits(c, req, w, bits)
{
	atomic { TAKE(c, req, bits) };
	if
	:: atomic { req -> READ_MARK(); kick_place(req, w) }
	:: atomic { !req }
	fi;
	atomic { kick_send(c, req, w, 0); TAKEN(c, bits) }
}

/* The flag first: NMI that comes in between sets it again. */
inline kick_drain(c, req, w)
{
	atomic { masks[c] = 0 };
	kick_drain_bits(c, req, w, KICK_REQ_RESCHED);
	kick_drain_bits(c, req, w, KICK_REQ_IDLE);
	skip
}

/* ---- CPU 0 ---- */

/* A program that traces what comes between the last look and user space, or halting. */
#if (CTX) & C_LOOK
#define BEHIND_LAST_LOOK()							\
	if									\
	:: skip									\
	:: atomic { !stop -> choose(req); kick_place(req, w) };			\
		atomic { kick_send(0, req, w, 1) }				\
	fi
#else
#define BEHIND_LAST_LOOK()	skip
#endif

active proctype cpu() provided (!hard)
{
	byte req, w;
	bit marked, blocked;

	do
	/* the idle loop */
	:: atomic { idle && !nr -> polling = 1 };
		if
		:: atomic { nr -> polling = 0 }
		:: atomic { !nr -> polling = 0; irqs_off = 1; past = 1 };
			BEHIND_LAST_LOOK();
			atomic { asleep = 1; irqs_off = 0 };	/* sti; hlt */
			atomic { !asleep -> past = 0 }
		fi

	/* back to user space, until an interrupt or a system call */
	:: atomic { !idle && !nr -> irqs_off = 1; past = 1 };
		BEHIND_LAST_LOOK();
		atomic { user = 1; irqs_off = 0 };
		atomic { look || !stop -> look = 0; user = 0; past = 0 }

#if (CTX) & C_TASK
	:: atomic { !idle && !nr && !stop -> irqs_off = 1; choose(req); kick_place(req, w) };
		atomic { kick_send(0, req, w, 0); irqs_off = 0 }
#endif
#if (CTX) & C_OP
	:: atomic { !idle && !nr && !stop && !rqlock ->
		rqlock = 1; irqs_off = 1; choose(req); promised = 1;
		kick_hold(0, req)
		};
		atomic { work = 1; rqlock = 0; irqs_off = 0 }
#endif

	:: atomic { !idle && !nr && !stop -> blocked = 1; goto schedule }
	:: atomic { nr;
schedule:
		!rqlock;
		rqlock = 1; irqs_off = 1; in_cycle = 1;
		if
		:: stop -> after++; PROPERTY(no_storm, after <= AFTER)
		:: else
		fi;
		/* scx_kick_cycle_start() */
		word = KICK_CPU_PICKING;
		owed = 0; owed_idle = 0 };
		atomic {
		if
		:: work -> idle = 0; work = 0; promised = 0
		:: !work && !blocked
		:: !work && (blocked || idle) -> idle = 1
		:: !work && !stop -> idle = 0
		fi;
		blocked = 0; nr = 0; rqlock = 0; irqs_off = 0 };
		/* scx_kick_cycle_end() */
		atomic {
			req = word & KICK_REQ_MASK & (idle -> KICK_REQ_MASK : ~KICK_REQ_IDLE);
			w = word;
			word = req | (idle -> KICK_CPU_IDLE : KICK_CPU_BUSY);
			nr = nr || req;
			req = 0;
			if
			:: w != KICK_CPU_PICKING && masks[0] -> irqs_off = 1
			:: else
			fi;
			w = 0 };
		/* a flush that comes earlier than the irq_work */
		if
		:: atomic { irqs_off }; kick_drain(0, req, w)
		:: atomic { !irqs_off }
		fi;
		atomic { irqs_off = 0; in_cycle = 0 }
	od
}

active proctype interrupts()
{
	byte req, w;
	bit marked;

	do
	:: atomic { ipi && !irqs_off -> ipi = 0; asleep = 0; look = user;
		if
		:: word & KICK_REQ_MASK -> nr = 1
		:: else
		fi }
	/* kick_work_fn() */
	:: atomic { queued[0] && !irqs_off -> hard = 1; asleep = 0;
		queued[0] = 0
		};
		if
		:: atomic { masks[0] }; kick_drain(0, req, w)
		:: atomic { !masks[0] }
		fi;
		atomic {
			if
			:: word & KICK_REQ_MASK -> nr = 1
			:: else
			fi;
			hard = 0; look = user }
#ifndef NOTICK
	/* a tick, or a wakeup */
	:: atomic { !stop && !irqs_off && !nr -> nr = 1; asleep = 0; look = user }
#endif
#if (CTX) & C_TASK
	:: atomic { !stop && !irqs_off -> hard = 1; asleep = 0; choose(req); kick_place(req, w) };
		atomic { kick_send(0, req, w, 0); hard = 0; look = user }
#endif
	od
}

/* ---- CPU 1 ---- */

active proctype kicker()
{
	byte req, w;
	bit marked, ring;

	do
	:: atomic { !stop -> READ_MARK() };
		atomic { choose(req); kick_place(req, w) };
		atomic { kick_send(1, req, w, 0); marked = 0 }
#ifndef NOTICK
	/* resched_curr(): the mark and then the interrupt, with the rq lock */
	:: atomic { !stop && !rqlock && !nr ->
		nr = 1;
		if
		:: polling
		:: !polling -> rqlock = 1; sending++; ring = 1
		fi };
		if
		:: atomic { ring -> ipi = 1; sending--; rqlock = 0; ring = 0 }
		:: atomic { !ring }
		fi
#endif
#if (CTX) & (C_NMI + C_OP)
	:: atomic { queued[1] ->
		queued[1] = 0
		};
		if
		:: atomic { masks[1] }; kick_drain(1, req, w)
		:: atomic { !masks[1] }
		fi;
		atomic { marked = 0 }
#endif
#if (CTX) & C_OP
	/* the rq lock that it has is another one */
	:: atomic { !stop -> choose(req); promised = 1;
		kick_hold(1, req)
		};
		atomic { work = 1 }
#endif
	od
}

#if (CTX) & C_NMI
/* NMI does not look at need_resched when it returns. It ends a halt like any interrupt. */
active proctype nmi()
{
	byte c = NMI, req;

	do
	:: atomic { !stop -> choose(req); kick_hold(c, req); asleep = asleep && c != 0 }
	od
}
#endif

/* Whoever finds the request pending would wait for ever, or for something unrelated. */
active proctype deaf()
{
	atomic { (word & KICK_REQ_MASK) && !ON_ITS_WAY -> PROPERTY(never_deaf, 0) }
}

/* Ends the play, and looks at what is left when nothing moves any more. */
active proctype monitor()
{
	stop = 1;
	atomic {
		timeout ->
		PROPERTY(comes_to_rest, !in_cycle && !ipi && !queued[0] && !queued[1] && !rqlock);
		PROPERTY(nothing_held, !held[0] && !held[1]);
		PROPERTY(kick_is_served, !owed && !(word & KICK_REQ_MASK));
		PROPERTY(idle_kick_is_served, !idle || !owed_idle);
		PROPERTY(operation_comes_first, !idle || !(work && promised))
	}
}
