/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state KICK_CPU_ABOVE of kernel/sched/ext/kick.c, for an exhaustive search by spin: a CPU that
 * a task of a class above sched_ext keeps is left alone by kicks, and nothing is lost.
 *
 * One CPU schedules. KICKERS others kick it, and one changes the class of the task that it runs,
 * with the rq lock held and without a cycle. That is where ABOVE could be taken for true when it is
 * not any more, so the end of a cycle is in two steps here: the look at the class, and (H). Steps,
 * ghosts and the way to a state of rest are those of kick.pml.
 *
 * The configurations are in check.sh, the mutants in the file `mutants'.
 */

#ifndef KICKERS
#define KICKERS	2
#endif
#ifndef AFTER
#define AFTER	8		/* cycles that may follow once the environment rests */
#endif

#include "properties.pmh"

/* What else must hold */
hidden byte higher_undisturbed;		/* no interrupt and no cycle because of a kick */
hidden byte above_is_true;		/* at rest */

/* scx_kick::word */
#define KICK_REQ_IDLE		1
#define KICK_REQ_PREEMPT	2
#define KICK_REQ_RESCHED	8
#define KICK_REQ_MASK		11
#define KICK_CPU_ABOVE		32
#define KICK_CPU_PICKING	64
#define KICK_CPU_BUSY		128
#define KICK_CPU_IDLE		0

/* The class of what the CPU runs. */
#define IDLE	0
#define EXT	1
#define OTHER	2		/* above sched_ext */

#define NEEDLESS(w, req)	((((req) & KICK_REQ_IDLE) && ((w) & KICK_CPU_BUSY)) || \
				 (((req) & KICK_REQ_RESCHED) && ABOVE(w)))
#define ABOVE(w)	((w) & KICK_CPU_ABOVE)

byte word = KICK_CPU_BUSY;
byte number;			/* in the word: accessed together with it; of (G) only */
byte cls = EXT;
bit slice = 1;
bit nr;				/* need_resched */
bit ipi;
bit asleep;			/* idle, only an interrupt ends it */
bit polling;			/* idle, need_resched ends it */
bit irqs_off;
bit hard;			/* in an interrupt handler */
bit rqlock;
bit in_cycle;

/* Ghosts. */
bit stop;			/* the environment rests */
bit owed;			/* a cycle that starts after a kick, once nothing above runs */
bit owed_idle;
bit owed_preempt;		/* the sched_ext task that runs loses its slice */
bit changing;			/* its class, and the word does not show it yet */
bit kept;			/* a cycle has ended with OTHER, which has run since */
byte after;			/* cycles since the environment rests */

#define resched_curr()	nr = 1; ipi = ipi || !polling

/* ---- the kicker ---- */

active [KICKERS] proctype kicker()
{
	byte w, req;

	do
	:: atomic { !stop ->
		if
		:: req = KICK_REQ_RESCHED; owed = 1
		:: req = KICK_REQ_RESCHED | KICK_REQ_PREEMPT; owed = 1;
			owed_preempt = owed_preempt || (cls == EXT && !changing)
		:: req = KICK_REQ_IDLE; owed_idle = 1
		fi;
		/* kick_place() */
		w = word;
		if
		:: NEEDLESS(w, req) -> req = 0; w = 0
		:: !NEEDLESS(w, req) && (w & (KICK_REQ_MASK | KICK_CPU_PICKING)) ->
			word = w | req; req = 0; w = 0
		:: !NEEDLESS(w, req) && !(w & (KICK_REQ_MASK | KICK_CPU_PICKING)) ->
			word = w | req;
			PROPERTY(higher_undisturbed, !kept)
		fi };
		/* kick_send() */
		if
		:: atomic { req ->
			if
			:: (w & KICK_CPU_BUSY) && nr
			:: !(w & KICK_CPU_BUSY) && polling -> nr = 1
			:: !((w & KICK_CPU_BUSY) && nr) && !(!(w & KICK_CPU_BUSY) && polling) -> ipi = 1
			fi;
			req = 0; w = 0 }
		:: atomic { !req }
		fi
	od
}

/* ---- the target ---- */

#define STATE	(cls == IDLE -> KICK_CPU_IDLE : \
		 (cls == EXT -> KICK_CPU_BUSY : (KICK_CPU_BUSY | KICK_CPU_ABOVE)))
#define DROPPED(s)	((s) & KICK_CPU_ABOVE -> KICK_REQ_MASK : ((s) & KICK_CPU_BUSY -> KICK_REQ_IDLE : 0))
#define AGAIN(s)	1

inline scx_kick_cycle_end()
{
	atomic { s = STATE };
	do
	:: atomic {				/* (H) */
		if
		:: word == w && number == n ->
			number = 0;
			word = s | (w & KICK_REQ_MASK & ~DROPPED(s));
			if
			:: (word & KICK_REQ_MASK) && AGAIN(s) -> nr = 1;
				PROPERTY(higher_undisturbed, !(s & KICK_CPU_ABOVE))
			:: else
			fi;
			kept = (s & KICK_CPU_ABOVE) && cls == OTHER;
			s = 0; w = 0; n = 0; in_cycle = 0;
			break
		:: else -> w = word; n = number
		fi };
		/* kick_cycle_again(): something has come, it may have been (G) */
		atomic { s = STATE }
	od
}

active proctype cpu() provided (!hard)
{
	byte w, n, s;
	bit blocked;

	do
	:: atomic { cls == IDLE && !nr -> polling = 1 };
		if
		:: atomic { nr -> polling = 0 }
		:: atomic { !nr -> polling = 0; asleep = 1 };
			!asleep
		fi
	:: atomic { cls != IDLE && !nr && !stop -> blocked = 1; goto schedule }
	:: atomic { nr;
schedule:
		!rqlock;
		rqlock = 1; irqs_off = 1; in_cycle = 1; kept = 0;
		if
		:: stop -> after++; PROPERTY(no_storm, after <= AFTER)
		:: else
		fi;
		slice = slice && !(word & KICK_REQ_PREEMPT);
		word = KICK_CPU_PICKING; w = KICK_CPU_PICKING;
		PROPERTY(preempts_if_asked, !owed_preempt || cls != EXT || !slice);
		owed = 0; owed_idle = 0; owed_preempt = 0 };
		/* The pick, need_resched of the task before, and the rq lock. */
		atomic {
		if
		:: !blocked && cls != IDLE
		:: !stop && (blocked || cls != EXT || !slice) -> cls = EXT
		:: !stop -> cls = OTHER
		:: blocked || cls == IDLE -> cls = IDLE
		fi;
		owed_preempt = owed_preempt && cls == EXT;
		slice = 1; blocked = 0; nr = 0; rqlock = 0; irqs_off = 0 };
		scx_kick_cycle_end()
	od
}

active proctype interrupts()
{
	do
	:: atomic { ipi && !irqs_off -> ipi = 0; asleep = 0;
		if
		:: word & KICK_REQ_MASK -> nr = 1
		:: else
		fi }
	/* a tick, or a wakeup */
	:: atomic { !stop && !irqs_off && !nr -> nr = 1; asleep = 0 }
	od
}

/* ---- who changes the class ---- */

/*
 * scx_kick_entered(). In a cycle it leaves a request, and counts: the request may be there already,
 * and (H) has to fail all the same. It does not go on for so long in one cycle that this wraps.
 */
#define COUNT()	number = (word & KICK_CPU_PICKING -> number + 1 : number)
#define G()	COUNT(); word = (word & KICK_CPU_PICKING -> word | KICK_REQ_RESCHED : word & ~KICK_CPU_ABOVE)

active proctype changer()
{
	do
	/* sched_setscheduler(), or the end of an inherited priority */
	:: atomic { !stop && !rqlock && cls == OTHER && number < 2 -> rqlock = 1 };
		atomic { cls = EXT; kept = 0; slice = 1; changing = 1 };
		atomic { G(); changing = 0 };		/* (G) */
		atomic { resched_curr(); rqlock = 0 }
	/* and the other way: the word says BUSY, kicks interrupt it as before */
	:: atomic { !stop && !rqlock && cls == EXT -> cls = OTHER; owed_preempt = 0 }
	od
}

/* Ends the play, and looks at what is left when nothing moves any more. */
active proctype monitor()
{
	stop = 1;
	atomic {
		timeout ->
		PROPERTY(comes_to_rest, !in_cycle && !nr && !ipi && !rqlock);
		PROPERTY(above_is_true, !(word & KICK_CPU_ABOVE) || cls == OTHER);
		PROPERTY(kick_is_served, !(word & KICK_REQ_MASK));
		PROPERTY(kick_is_served, cls == OTHER || !owed);
		PROPERTY(idle_kick_is_served, cls != IDLE || !owed_idle)
	}
}
