/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The claims of scx_bpf_kick_task() in kernel/sched/ext/kick*.c, for an exhaustive search by spin.
 *
 * One CPU schedules. CLAIMERS others claim the preemption of its task A, or kick the CPU. Steps,
 * ghosts and the way to a state of rest are those of kick.pml, see there. What is added are the
 * numbers in the word, and rq->curr and the task's count of switches, plain stores that become
 * visible late, in any order.
 *
 * The environment lasts until the word has had NUMBERS numbers at most, and may stop before. So
 * they do not wrap, and no claimer mistakes one for another because of that.
 *
 * The configurations are in check.sh, the mutants in the file `mutants'.
 */

#ifndef CLAIMERS
#define CLAIMERS	2
#endif
#ifndef NUMBERS
#define NUMBERS	3
#endif
#ifndef AFTER
#define AFTER	8		/* cycles that may follow once the environment rests */
#endif
#ifndef KINDS
#define KINDS	K_TASK		/* of claimer 0, */
#endif
#ifndef OTHERS
#define OTHERS	KINDS		/* of the others */
#endif

/* What claimers do. */
#define K_TASK		1	/* a claim */
#define K_OP		2	/* a claim from within ops.enqueue(), which queues a task, too */
#define K_PREEMPT	4	/* kicks */
#define K_RESCHED	8
#define K_IDLE		16
#define K_OP_KICKS	32	/* K_OP, and a kick of the same CPU from there */
#ifdef CLAIM_WAIT
#define TASK		(KICK_REQ_TASK | KICK_REQ_WAIT)		/* what claims ask for */
#else
#define TASK		KICK_REQ_TASK
#endif
#ifdef SELF
#define IS_SELF(c)	((c) == 0)	/* claimer 0 is an interrupt of the CPU itself */
#else
#define IS_SELF(c)	0
#endif

#include "properties.pmh"

/* What else must hold */
hidden byte hits_only_what_is_claimed;	/* the named task, in the stint in which it was seen */
hidden byte one_claim_at_a_time;	/* of all claims of one stint */
hidden byte claim_is_served;		/* once it is a request, or its task has left */
hidden byte task_is_there;		/* what the operation put on a queue, when its victim goes */
hidden byte busy_for_a_reason;		/* -EBUSY: somebody else's preemption, or a cycle */
hidden byte busy_is_preempted;		/* and that comes, or the task leaves */
hidden byte claim_ends;			/* at rest there is none */
hidden byte wait_ends;			/* nor is anything waited for */

/* scx_kick::word without the number */
#define KICK_REQ_IDLE		1
#define KICK_REQ_PREEMPT	2
#define KICK_REQ_WAIT		4
#define KICK_REQ_RESCHED	8
#define KICK_REQ_TASK		16
#define KICK_REQ_MASK		31
#define KICK_CLAIM		32
#define KICK_CPU_IDLE		0
#define KICK_CPU_PICKING	64
#define KICK_CPU_BUSY		128
#define KICK_CPU_ABOVE		256	/* with BUSY */

/* Tasks. */
#define IDLE	0
#define A	1		/* of sched_ext, named by claims */
#define B	2		/* of sched_ext, another one */
#define RT	3
#define IS_EXT	((cur == A || cur == B) && ext)
#define IS_ABOVE	(cur == RT || (cur != IDLE && !ext))

/* What the CPU is doing: at. */
#define RUN	0
#define REST	1
#define CYCLE	2

#define ESRCH	1
#define EBUSY	2

#define ENV	(!stop && number < NUMBERS && turn < NUMBERS)

short word = KICK_CPU_BUSY;
byte number = 1;		/* of the cycle and of siblings' picks: accessed together with it */
byte curr = A;			/* rq->curr, as others see it */
byte curr_turn;			/* and in which turn: ghost */
byte switches;			/* how often A has left the CPU, as others see it */

/*
 * The store buffers of the CPU for rq->curr and the count of switches, of the claimers for the task
 * that they queue.
 */
bit curr_sb;
bit switches_sb;
bit work_sb[CLAIMERS];
bit work;			/* the queue holds a task for this CPU */

/* The CPU and the kernel around it. */
byte cur = A;			/* the task that runs */
byte turn;			/* how often tasks were switched, while it matters: ghost */
byte at;
byte corepick;			/* 1 + the task that a sibling has picked for this CPU */
bit forced;			/* idle by the pick of a sibling, with a task */
bit slice = 1;
bit nr;				/* need_resched */
bit ipi;
bit asleep;
bit polling;
bit irqs_off;
bit hard;			/* in an interrupt handler */
bit rqlock;
bit off[CLAIMERS];		/* has shut out interrupts */
bit loaded = 1;
bit bypass;
bit ext = 1;			/* A and B are tasks of sched_ext */

/* Ghosts. */
byte stop;			/* the environment rests, 2: but for tasks that block */
byte holder;			/* 1 + claimer with a claim in the word */
byte holder_turn;		/* the turn that it claimed */
bit armed;			/* it is a request */
bit saw[CLAIMERS];		/* a preemption that has not come yet, */
bit relied;			/* and returned -EBUSY because of it */
bit unqueued[CLAIMERS];		/* the operation's task is not on the queue yet */
bit owed;
bit owed_idle;
bit owed_preempt;
bit kicked;
bit won;				/* ... and then claimed */
byte bell;

#if CLAIMERS > 1
#define preempted()	relied = 0; saw[0] = 0; saw[1] = 0
#else
#define preempted()	relied = 0; saw[0] = 0
#endif

inline forget()
{
	holder = 0; holder_turn = 0; armed = 0;
	owed = 0; owed_idle = 0; owed_preempt = 0; kicked = 0; won = 0; bell = 0;
	preempted()
}

/* ---- the claimer ---- */

#define CAN(c, kind)	(((c) == 0 -> ((KINDS) & (kind)) : ((OTHERS) & (kind))))
#define MAY(c)		(ENV && (!IS_SELF(c) || (!irqs_off && !hard)))
/* With interrupts off, and on again. Kicks are dropped in between from what is seen first. */
#define BEGIN(c)	off[c] = 1; hard = hard || IS_SELF(c); asleep = asleep && !IS_SELF(c)
#define END(c)		w = 0; s = 0; r = 0; seen = 0; sw = 0; sent = 0; ret = 0; gone = 0; pending = 0; \
			op = 0; held = 0; off[c] = 0; hard = hard && !IS_SELF(c)
#define DROPPED		(!loaded || bypass)

#define MARKED(w)	(nr && ((w) & KICK_CPU_BUSY || cur == IDLE))

/* @w: the word before the request */
inline kick_send(c, w)
{
	if
	:: IS_SELF(c) -> nr = 1
	/* marked already */
	:: !IS_SELF(c) && MARKED(w)
	:: !IS_SELF(c) && !MARKED(w) && !(w & KICK_CPU_BUSY) && polling -> nr = 1
	:: !IS_SELF(c) && !MARKED(w) && !(!(w & KICK_CPU_BUSY) && polling) -> ipi = 1
	fi
}

/* To be followed by kick_send() if @sent. One interrupt for all that is asked before a cycle. */
inline send_if(c, yes)
{
	if
	:: yes ->
		sent = 1;
		if
		:: !IS_SELF(c) -> bell++; PROPERTY(one_interrupt, bell == 1)
		:: else
		fi
	:: else
	fi
}

inline kick_place(c, req)
{
	w = word;
	if
	:: (req & KICK_REQ_IDLE) && (w & KICK_CPU_BUSY) -> owed_idle = 1
	:: (req & KICK_REQ_RESCHED) && (w & KICK_CPU_ABOVE) -> owed = 1
	:: else ->
		if
		:: req & KICK_REQ_IDLE -> owed_idle = 1
		:: else -> owed = 1; owed_preempt = owed_preempt || (req & KICK_REQ_PREEMPT)
		fi;
		word = w | req;
		send_if(c, !(w & (KICK_REQ_MASK | KICK_CPU_PICKING)))
	fi
}

#define SAME_NUMBER(s)	(number == s)
#define SAME_WORD(w, s)	(word == w && SAME_NUMBER(s))
#define PREEMPTING	(KICK_CPU_PICKING | KICK_REQ_PREEMPT | KICK_REQ_TASK | KICK_CLAIM)

/* A claim is in the word, from what the word @s and then rq->curr in @r said. */
inline claimed(c, req)
{
	PROPERTY(one_claim_at_a_time, !holder);
	holder = c + 1;
	holder_turn = r;
	armed = ((req) & KICK_REQ_TASK) != 0;
	unqueued[c] = op;
	if
	:: armed -> send_if(c, !(w & KICK_REQ_MASK))
	:: else
	fi
}

inline kick_claim(c, req)
{
	do
	:: ret == 0 ->
		atomic { w = word; s = number;		/* (E) */
			 pending = (at == CYCLE) || owed_preempt || holder;
#ifndef EXITS
			 saw[c] = (w & (KICK_REQ_PREEMPT | KICK_REQ_TASK | KICK_CLAIM)) &&
				  !(w & KICK_CPU_PICKING)
#endif
			};
		atomic {
			seen = curr; r = curr_turn;
			sw = switches;
			if
			:: seen != A -> ret = ESRCH; saw[c] = 0; break
			:: seen == A && ((w & PREEMPTING) || (r == turn && !slice && nr)) ->
				ret = EBUSY;
				PROPERTY(busy_for_a_reason, pending || (!slice && nr) || !loaded);
				relied = relied || saw[c];
				saw[c] = 0;
				break
			:: seen == A && !(w & PREEMPTING) && !(r == turn && !slice && nr) ->
				seen = 0; pending = 0; saw[c] = 0
			fi };
		atomic {				/* (F) */
			if
			:: SAME_WORD(w, s) ->
				word = word | req;
				claimed(c, req);
				s = 0; r = 0;
				break
			:: else -> w = 0; s = 0; r = 0; sw = 0
			fi }
	od
}

#define FLUSHED(c)	!work_sb[c]	/* (A) */
#define SWITCHED(sw)	(switches != sw)
#define IF_PICKING	(KICK_REQ_TASK | KICK_REQ_IDLE)
#define BECOMES(w, req)	((req) | (((w) & KICK_CPU_PICKING) -> IF_PICKING : 0))

/* KICK_CLAIM becomes @req, which is sent if @ring, or its task has left the CPU: @gone. */
inline kick_replace_claim(c, req, ring)
{
	do
	:: !gone ->
		atomic { w = word; s = number; gone = !(w & (KICK_CLAIM | KICK_CPU_PICKING)) };
		atomic { gone = gone || SWITCHED(sw) };
		atomic {
			if
			:: gone ->
				PROPERTY(claim_is_served, holder != c + 1 || holder_turn != turn);
				break
			:: !gone && word == w && number == s ->
				word = (w & ~KICK_CLAIM) | BECOMES(w, req);
				if
				:: holder == c + 1 && (word & KICK_REQ_TASK) -> armed = 1; won = won || work
				:: holder == c + 1 && !(word & KICK_REQ_TASK) ->
					PROPERTY(claim_is_served, !(ring));
					holder = 0; holder_turn = 0
				:: else
				fi;
				send_if(c, ring && !(w & (KICK_REQ_MASK | KICK_CPU_PICKING)));
				break
			:: else
			fi }
	od
}

/* What is left of it: the claim's interrupt, and then the kick that is held back besides. */
inline kick_send_held(c)
{
	atomic {
		if
		:: sent -> kick_send(c, w); sent = 0
		:: else
		fi };
	atomic {
		if
		:: held -> kick_place(c, held)
		:: else
		fi };
	atomic {
		if
		:: sent -> kick_send(c, w)
		:: else
		fi;
		END(c) }
}

/* The operation has ended. It holds a claim, made when A had switched @sw times. */
inline kick_flush_claim(c)
{
	if
	:: atomic { FLUSHED(c) && bypass ->
		kicked = kicked || work || work_sb[c] };
		kick_replace_claim(c, 0, 0);
		atomic { END(c) }
	:: atomic { FLUSHED(c) && !bypass ->
		kicked = kicked || work || work_sb[c] };
		kick_replace_claim(c, TASK, 1);
		if
		:: atomic { gone -> kick_place(c, KICK_REQ_IDLE) }
		:: atomic { !gone }
		fi;
		kick_send_held(c)
	fi
}

active [CLAIMERS] proctype claimer()
{
	byte c = _pid;
	short w;
	byte s, r, seen, sw, ret, held;
	bit op, sent, gone, pending;

	do
	:: atomic { MAY(c) && CAN(c, K_TASK) && !DROPPED && ext -> BEGIN(c) };
		kick_claim(c, TASK);
		atomic {
			if
			:: sent -> kick_send(c, w)
			:: else
			fi;
			END(c) }

	:: atomic { MAY(c) && CAN(c, K_OP + K_OP_KICKS) && !DROPPED && ext && !work_sb[c] ->
		BEGIN(c); op = 1;
		if
		:: CAN(c, K_OP)
		:: CAN(c, K_OP_KICKS) -> held = KICK_REQ_IDLE
		:: CAN(c, K_OP_KICKS) -> held = KICK_REQ_RESCHED | KICK_REQ_PREEMPT
		fi };
		kick_claim(c, KICK_CLAIM);
		/* what the operation has decided is done */
		if
		:: atomic { !ret -> work_sb[c] = 1; w = 0 };
			kick_flush_claim(c)
		:: atomic { ret && !held -> END(c) }
		:: atomic { ret && held -> work_sb[c] = 1 };
			atomic { FLUSHED(c) -> kicked = kicked || work; held = (bypass -> 0 : held) };
			kick_send_held(c)
		fi

	:: atomic { MAY(c) && CAN(c, K_PREEMPT + K_RESCHED + K_IDLE) && !DROPPED -> BEGIN(c) };
		atomic {
			if
			:: CAN(c, K_PREEMPT) -> kick_place(c, (KICK_REQ_RESCHED | KICK_REQ_PREEMPT))
			:: CAN(c, K_RESCHED) -> kick_place(c, KICK_REQ_RESCHED)
			:: CAN(c, K_IDLE) -> kick_place(c, KICK_REQ_IDLE)
			fi;
			if
			:: !sent -> END(c)
			:: else
			fi };
		if
		:: atomic { sent -> kick_send(c, w); END(c) }
		:: atomic { !sent }
		fi
	od
}

/* ---- the target ---- */

/* The requests that the cycle takes; everything in here happens with the word exchanged. */
inline served(w)
{
	if
	:: (w & KICK_REQ_TASK) && IS_EXT ->
		PROPERTY(hits_only_what_is_claimed, holder && holder_turn == turn);
		PROPERTY(task_is_there, !unqueued[holder - 1]);
		slice = 0
	:: else
	fi;
	if
	:: (w & KICK_REQ_PREEMPT) && IS_EXT -> slice = 0
	:: else
	fi;
	if
	:: w & (KICK_REQ_TASK | KICK_REQ_PREEMPT) -> preempted()
	:: else
	fi;
	PROPERTY(preempts_if_asked, !(owed_preempt && IS_EXT && slice));
	PROPERTY(claim_is_served, !(armed && holder_turn == turn && IS_EXT && slice));
	if
	:: armed -> holder = 0; holder_turn = 0; armed = 0
	:: else
	fi;
	owed = 0; owed_idle = 0; owed_preempt = 0; bell = 0
}

inline scx_kick_cycle_start()
{
	atomic {
		number++;
		PROPERTY(no_storm, number <= NUMBERS + AFTER);
		w = word;
		word = KICK_CPU_PICKING;	/* (B) */
		served(w) };
	/* kick_put_back_claim() */
	atomic {
		if
		:: (w & KICK_CLAIM) && !(word & KICK_REQ_TASK) -> word = word | KICK_CLAIM
		:: else
		fi;
		w = 0 }
}

/*
 * What the sibling has picked may be of a higher class: the task does not keep its slice below that.
 * Or it is idle, and then looks at what the claimer has queued.
 */
inline scx_kick_sibling_pick()
{
	number++;
	if
	:: word & (KICK_REQ_TASK | KICK_REQ_PREEMPT) -> slice = slice && !IS_EXT
	:: else
	fi;
	PROPERTY(preempts_if_asked, !(owed_preempt && IS_EXT && slice));
	PROPERTY(claim_is_served, !(armed && holder_turn == turn && IS_EXT && slice));
	owed_preempt = 0;
	word = (word & ~(KICK_REQ_TASK | KICK_REQ_PREEMPT)) | KICK_CPU_PICKING |
	       (word & KICK_REQ_TASK -> KICK_REQ_IDLE : 0)
}

/*
 * A sibling has picked, and the CPU left a state in which it was left alone. Not if it is forced
 * idle and has tasks.
 */
#define OWES_CYCLE(w)	((cur == IDLE && ((w) & KICK_CPU_BUSY) && !forced) || \
			 (((w) & KICK_CPU_ABOVE) && !IS_ABOVE))

inline scx_kick_cycle_end()
{
	w = word;
	keep = KICK_REQ_MASK | KICK_CLAIM;
	if
	:: IS_ABOVE -> keep = 0; owed_preempt = 0
	:: cur != IDLE && !IS_ABOVE -> keep = keep & ~KICK_REQ_IDLE
	:: else
	fi;
	if
	:: (switched || IS_ABOVE) && (w & KICK_CPU_PICKING) ->
		keep = keep & ~(KICK_REQ_TASK | KICK_CLAIM);
		won = won && cur == IDLE;
		if
		:: holder ->
			PROPERTY(claim_is_served, holder_turn != turn || !ext);
			holder = 0; holder_turn = 0; armed = 0
		:: else
		fi
	:: else
	fi;
	word = (w & keep) | (cur == IDLE -> KICK_CPU_IDLE :
			     (IS_ABOVE -> (KICK_CPU_BUSY | KICK_CPU_ABOVE) : KICK_CPU_BUSY));
	if
	:: (word & KICK_REQ_MASK) || OWES_CYCLE(w) -> nr = 1
	:: else
	fi;
	if
	:: !(word & KICK_REQ_MASK) -> bell = 0
	:: else
	fi;
	w = 0; keep = 0; switched = 0
}

/* rq->curr is stored, and need_resched of the task before cleared. */
inline switch_to(next)
{
	if
	:: switched ->
		switches_sb = (cur == A) && loaded;
		cur = next; curr_sb = 1;
		turn = turn + loaded;
		preempted();
		slice = 1
	:: else -> slice = 1
	fi;
	nr = 0; corepick = 0; blocked = 0; rqlock = 0; irqs_off = 0; next = 0
}

active proctype cpu() provided (!hard)
{
	short w;
	byte next, keep;
	bit switched, blocked, rt;

	do
	:: atomic { cur == IDLE && !nr -> at = REST; polling = 1 };
		if
		:: atomic { nr -> polling = 0 }
		:: atomic { !nr -> polling = 0; asleep = 1 };
			!asleep
		fi

	:: atomic { cur != IDLE && !nr && stop != 1 -> blocked = 1; goto schedule }

	:: atomic {
		nr;
schedule:
		!rqlock && !curr_sb && !switches_sb;
		rqlock = 1; at = CYCLE; irqs_off = 1;
#ifdef CORE
		if
		:: corepick && !blocked ->
			/* a sibling has picked: no start of a cycle. What ran can still run */
			next = corepick - 1;
			forced = (next == IDLE && IS_EXT);
			switched = 1
		:: else -> corepick = 0; forced = 0
		fi
#endif
		};
#ifdef CORE
		if
		:: atomic { corepick ->
			if
			:: loaded -> scx_kick_sibling_pick()
			:: else
			fi };
			atomic { switch_to(next) };
			goto picked
		:: atomic { !corepick }
		fi;
#endif
		if
		:: loaded -> scx_kick_cycle_start()
		:: !loaded
		fi;
		atomic {
		if
#ifdef RTS
		:: ENV -> next = RT
#endif
		:: !blocked && (cur == RT || (cur != IDLE && !ext)) -> next = cur
		:: !blocked && IS_EXT && slice -> next = cur
		:: blocked || cur == IDLE || (IS_EXT && !slice) ->
			/* ops.dispatch() */
			if
			:: work && ext -> work = 0; kicked = 0; won = 0; next = B; switched = 1
			:: !(work && ext) && !blocked && cur != IDLE -> next = cur
			:: !(work && ext) && (blocked || cur == IDLE) -> next = IDLE
			:: !(work && ext) && ENV -> next = A
			:: !(work && ext) && ENV -> next = B
			fi
		fi;
		/* A blocked task that is picked again has been away: one cycle stands for several. */
		switched = switched || next != cur || (blocked && next != IDLE);
		switch_to(next)
		};
picked:
		atomic {
		!curr_sb && !switches_sb;	/* (F) */
		if
		:: loaded -> scx_kick_cycle_end()
		:: else -> switched = 0
		fi;
		at = RUN }
	od
}

active proctype interrupts()
{
	do
	:: atomic { ipi && !irqs_off && !hard -> ipi = 0; asleep = 0;
		if
		:: loaded && (word & KICK_REQ_MASK) -> nr = 1
		:: else
		fi }
#ifndef NOTICK
	/* a tick, or a wakeup */
	:: atomic { ENV && !irqs_off && !hard && !nr ->
		if
		:: slice = 0
		:: skip
		fi;
		nr = 1; asleep = 0 }
#endif
#ifndef NOSTEAL
	/* another CPU takes what the operation has queued */
	:: atomic { ENV && work -> work = 0; kicked = 0; won = 0 }
#endif
#ifdef CORE
	/* a sibling picks for this CPU, too, if that is not what it runs */
	:: atomic { ENV && !rqlock && !corepick ->
		if
		:: cur != IDLE -> corepick = IDLE + 1
		:: cur != A -> corepick = A + 1
		:: cur != B -> corepick = B + 1
		fi;
		nr = 1; ipi = ipi || !polling }
#endif
	od
}

#define DRAIN(c)	atomic { work_sb[c] -> work = 1; work_sb[c] = 0; unqueued[c] = 0 }
active proctype store_buffers()
{
	do
	:: atomic { curr_sb -> curr = cur; curr_turn = turn; curr_sb = 0 }
	:: atomic { switches_sb -> switches++; switches_sb = 0 }
	:: DRAIN(0)
#if CLAIMERS > 1
	:: DRAIN(1)
#endif
#if CLAIMERS > 2
	:: DRAIN(2)
#endif
	od
}

#ifdef EXITS
/* A bypass, once. In it the BPF scheduler may go, and another one come. */
active proctype scheduler()
{
	byte i;

	atomic { ENV -> bypass = 1 };
	atomic { !rqlock -> nr = 1; ipi = ipi || !polling };
	if
	:: skip			/* suspend */
	:: atomic { !rqlock -> ext = 0 };
		loaded = 0;
		/* synchronize_rcu() */
		do
		:: i < CLAIMERS -> (!off[i]); i++
		:: else -> i = 0; break
		od;
		/* scx_kick_reset() */
		atomic {
			at != CYCLE;
			word = KICK_CPU_IDLE;
			forget() };
		if
		:: goto gone
		:: atomic { ENV ->
			PROPERTY(clean_until_load, word == KICK_CPU_IDLE);
			loaded = 1 }
		fi;
		/* tasks enter the class after cycles that have seen it unloaded */
		atomic { at != CYCLE -> ext = 1;
			/* scx_kick_entered() */
			word = word & ~KICK_CPU_ABOVE; nr = 1; ipi = ipi || !polling }
	fi;
	bypass = 0;
	atomic { !rqlock -> nr = 1; ipi = ipi || !polling };
gone:
	skip
}
#endif

active proctype monitor()
{
	if
	:: stop = 1
	:: stop = 2
	fi;
	atomic {
		timeout ->
		PROPERTY(comes_to_rest, at != CYCLE && !nr && !ipi);
		PROPERTY(clean_after_exit, loaded || word == KICK_CPU_IDLE);
		if
		:: loaded ->
			PROPERTY(claim_ends, !(word & (KICK_REQ_TASK | KICK_CLAIM)) && !holder);
			PROPERTY(busy_is_preempted, !relied);
			PROPERTY(wait_ends, !(word & KICK_REQ_WAIT));
			PROPERTY(kick_is_served, IS_ABOVE || (!owed && !owed_preempt));
			/* a CPU that is forced idle has tasks, it is not idle */
			PROPERTY(idle_kick_is_served, cur != IDLE || forced || !owed_idle);
			PROPERTY(no_work_missed, cur != IDLE || !work ||
				 !(forced -> won : kicked))
		:: else
		fi
	}
}
