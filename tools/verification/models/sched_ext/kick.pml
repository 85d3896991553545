/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kick protocol of kernel/sched/ext_kick.c, for an exhaustive search by spin.
 *
 * CPUs 0 .. NCPU-1 schedule, each in a process of its own, with a process for its interrupts and
 * one for its NMIs that stop it while they run. CPUs NCPU .. NCPU+NKICK-1 only kick: what matters
 * of them is that there are more kickers than targets. Whatever the code does in one access to
 * memory that others see is one step here. A cmpxchg loop is one step, too: what it decides
 * depends on nothing but the value that its last, successful round found.
 *
 * The environment is free: kicks of any kind from any context, wakeups and ticks, tasks that
 * block, scheduler exit, hotplug, as often as they like. At some point, any point, it stops for
 * good. From there on the CPUs must come to rest by themselves within AFTER cycles each, and
 * monitor() says what must hold then. Nothing is owed in a state of rest, so a lost kick, a wait
 * that does not end and a storm of cycles that feeds itself are all found as violated assertions
 * of a finite search, without fairness assumptions.
 *
 * The configurations and the mutants (MUT_*) are in the script `check'.
 */

#ifndef NCPU
#define NCPU	2		/* CPUs that schedule */
#endif
#ifndef NKICK
#define NKICK	0		/* CPUs that only kick */
#endif
#ifndef KINDS
#define KINDS	K_RESCHED+K_IDLE
#endif
#ifndef CTX
#define CTX	C_TASK
#endif
#ifndef AFTER
#define AFTER	12		/* cycles a CPU may need once the environment rests */
#endif
#define NALL	(NCPU + NKICK)

/*
 * Where the work of a configuration does not need all of it: tasks that never block, no ticks,
 * slices that are always used up (each cycle dispatches).
 */
#ifdef NOBLOCK
#define FIRST	EXT
#else
#define FIRST	IDLE
#endif
#ifdef NOSLICE
#define SLICED	0
#else
#define SLICED	1
#endif

/* What is kicked: KINDS. */
#define K_RESCHED	1
#define K_IDLE		2
#define K_PREEMPT	4
#define K_WAIT		8
#define K_ENQ		16	/* SCX_ENQ_PREEMPT from another CPU */

/* Where kicks come from: CTX. */
#define C_TASK		1
#define C_OP		2	/* ops.dispatch: rq lock held, inside a cycle */
#define C_IRQ		4
#define C_NMI		8
#define C_IDLE		16	/* the idle task, on its way to sleep */

/* What must hold. The names are 0, and there to be found in what pan says when one is violated. */
#define PROPERTY(name, condition)	assert((condition) || name)
hidden byte kick_is_served;		/* by a cycle that starts after the kick */
hidden byte idle_kick_is_served;	/* the same, before the CPU idles on */
hidden byte no_work_missed;		/* a task queued before the kick is seen by then */
hidden byte preempts_if_asked;		/* the task that the serving cycle finds loses its slice */
hidden byte preempts_only_if_asked;
hidden byte enq_preempt_is_served;	/* the task inserted with SCX_ENQ_PREEMPT gets the CPU */
hidden byte one_interrupt;		/* at most, for all that is asked before a cycle */
hidden byte no_interrupt_offline;
hidden byte waits_long_enough;		/* no sched_ext task starts before the CPUs waited for cycle */
hidden byte waits_one_cycle;		/* whatever other waiters do */
hidden byte comes_to_rest;		/* nobody hangs in a cycle or a wait */
hidden byte no_storm;			/* nor do cycles cause each other for ever */
hidden byte nothing_pending;		/* at rest */
hidden byte clean_after_exit;		/* nothing pending when the BPF scheduler has gone */
hidden byte clean_until_load;		/* nor any time later */

/* scx_kick::word */
#define KICK_REQ_IDLE		1
#define KICK_REQ_PREEMPT	2
#define KICK_REQ_WAIT		4
#define KICK_REQ_RESCHED	8
#define KICK_REQ_MASK		15
#define KICK_CPU_IDLE		0
#define KICK_CPU_PICKING	16
#define KICK_CPU_BUSY		32

/* Class of a CPU's current task: cls[]. */
#define IDLE	0
#define EXT	1
#define OTHER	2

/* What a CPU is doing: at[]. */
#define RUN	0
#define REST	1	/* idle, waits for an interrupt or for need_resched */
#define CYCLE	2
#define WAIT	3	/* at the end of a cycle, for other CPUs */
#define DEAD	4	/* offline */

#define VICTIM	(NCPU - 1)	/* the CPU that goes down and comes up */
#ifdef NOCYCLES
#define NEXT(n)		skip
#else
#define NEXT(n)		n = (n + 1) % 2
#endif
#ifdef ONEWAY
#define KICKS(c)	(c != VICTIM)	/* the victim is kicked, */
#define TICKS(c)	(c != VICTIM)	/* and does nothing of its own accord but block */
#else
#define KICKS(c)	1
#define TICKS(c)	1
#endif
#define BIT(n)	(1 << (n))
#ifdef CORE
#define RQ(c)	0	/* siblings share the rq lock */
#else
#define RQ(c)	(c)
#endif

/* struct scx_kick */
byte word[NCPU];		/* requests and state */
byte cycles[NCPU];		/* its number of the cycle: always accessed together with it */
bit waiting[NCPU];
bit unsent_work[NALL];		/* the irq_work is queued */

/* The kernel around it. */
bit nr[NCPU];			/* need_resched of current */
bit ipi[NCPU];			/* reschedule IPI pending at the interrupt controller */
bit irqs_off[NCPU];
bit preempt_off[NALL];
bit hard[NCPU];			/* in an interrupt handler */
bit in_nmi[NCPU];
bit asleep[NCPU];		/* only an interrupt ends it */
bit polling[NCPU];		/* TIF_POLLING_NRFLAG of the idle task */
bit rqlock[NCPU];
byte cls[NCPU] = FIRST;
bit slice[NCPU];
byte at[NCPU];
bit loaded = 1;			/* scx_enabled() */
bit bypass;			/* scx_ops_bypass_depth */
bit clean;			/* scx_kick_reset() is done, no scheduler loaded */
bit online[NCPU] = 1;
bit stopper[NCPU];		/* stop_machine() wants this CPU */
bit in_stop[NALL];
bit stopping;
byte corepick[NCPU];		/* 1 + class of the pick that a sibling made, 0: none */
bit forced[NCPU];		/* tasks queued that the core's cookie keeps off the CPU */
bit dsq[NCPU];			/* a task waits on the local DSQ, inserted with SCX_ENQ_PREEMPT */
bit in_op[NCPU];		/* ops.dispatch() */

/*
 * TSO store buffers. One plain store matters: the kicker's task in the BPF queue of a target
 * (1 + target, 0: empty).
 */
bit work[NCPU];			/* the BPF queue holds a task for this CPU */
byte work_sb[NALL];

/* Ghosts: what has been promised. */
bit stop;			/* the environment rests */
bit owed[NCPU];			/* a cycle that starts after a kick */
bit owed_idle[NCPU];		/* the same, before it idles on */
bit owed_preempt[NCPU];
bit owed_dsq[NCPU];		/* SCX_ENQ_PREEMPT: the inserted task runs */
bit kicked[NCPU];		/* somebody filled the queue and then kicked */
byte bell[NCPU];		/* interrupts sent for what is pending now */
byte due[NCPU];			/* CPUs to cycle before a sched_ext task starts here */
byte late[NCPU];		/* the same, from the next cycle on */
byte sampled[NCPU];		/* 1 + CPU waited for */
byte since[NCPU];		/* cycles that it has started meanwhile */
byte after[NCPU];		/* cycles since the environment rests */

/* Another CPU wants a cycle of @c, without a kick: the flag and, if needed, the interrupt. */
#define resched_curr(c)	nr[c] = 1; ipi[c] = ipi[c] || !polling[c]

inline forget(c)
{
	owed[c] = 0; owed_idle[c] = 0; owed_preempt[c] = 0; owed_dsq[c] = 0;
	kicked[c] = 0; bell[c] = 0; due[c] = 0; late[c] = 0
}

/* ---- the kicker ---- */

inline smp_mb(c)
{
	work_sb[c] == 0
}

/* The store, in program order. Becomes visible when store_buffers() says so. */
inline queue_task(c, t)
{
#ifdef WORK
	work_sb[c] == 0;
	work_sb[c] = t + 1
#else
	skip
#endif
}

#ifdef WORK
#define KICKED(t)	kicked[t] = 1
#else
#define KICKED(t)	skip
#endif

/* A request was placed or found pending: it counts from here on. */
inline accepted(c, t, req, nested)
{
	if
	:: req & KICK_REQ_IDLE -> owed_idle[t] = 1
	:: else -> owed[t] = 1
	fi;
	if
	:: req & KICK_REQ_PREEMPT -> owed_preempt[t] = 1
	:: else
	fi;
	KICKED(t);
	if
	:: (req & KICK_REQ_WAIT) && c < NCPU && c != t && cls[t] == EXT ->
		if
		:: nested && at[c] >= CYCLE -> late[c] = late[c] | BIT(t)
		:: else -> due[c] = due[c] | BIT(t)
		fi
	:: else
	fi
}

/* @w: the target's word before the request */
inline kick_send(c, t, w, nmi)
{
	if
#ifndef MUT_NMI_SENDS
	:: nmi ->
#ifndef MUT_NMI_NOT_QUEUED
		unsent_work[c] = 1
#else
		skip
#endif
#endif
	:: !(nmi) && c == t ->
#ifndef MUT_SELF_FORGOTTEN
		nr[t] = 1;
#endif
#ifndef MUT_IDLE_SELF_SLEEPS
		if
		:: c < NCPU && cls[c] == IDLE && !hard[c] && at[c] == REST -> unsent_work[c] = 1
		:: else
		fi
#else
		skip
#endif
	:: !(nmi) && c != t ->
		PROPERTY(no_interrupt_offline, online[t]);
		if
		:: !(w & KICK_CPU_BUSY) && polling[t] -> nr[t] = 1
		:: else -> ipi[t] = 1
		fi
#ifdef MUT_NMI_SENDS
	/* lost: the interrupt controller was in the middle of another interrupt */
	:: nmi -> skip
#endif
	fi
}

#ifdef MUT_NO_COALESCE
#define RINGING	KICK_CPU_PICKING
#else
#define RINGING	(KICK_REQ_MASK | KICK_CPU_PICKING)
#endif

/* The request goes into the word. What was there tells whether anybody has to be interrupted. */
inline place(c, t, req, w, nmi, nested)
{
#ifndef MUT_NO_MB
	smp_mb(c);	/* (A) */
#endif
	w = word[t];
	if
#ifdef MUT_PICKING_IS_BUSY
	:: (req & KICK_REQ_IDLE) && (w & (KICK_CPU_BUSY | KICK_CPU_PICKING)) ->
#else
	:: (req & KICK_REQ_IDLE) && (w & KICK_CPU_BUSY) ->
#endif
		owed_idle[t] = 1;
		KICKED(t)
	:: else ->
		accepted(c, t, req, nested);
#ifdef MUT_WAIT_BY_STATE
		if
		:: (req & KICK_REQ_WAIT) && !(w & (KICK_CPU_BUSY | KICK_CPU_PICKING)) ->
			req = req & ~KICK_REQ_WAIT
		:: else
		fi;
#endif
		if
#ifdef MUT_NO_WAIT
		:: 0
#else
#ifdef MUT_COALESCED_NOT_WAITED
		:: (req & ~w) && (req & KICK_REQ_WAIT) && c < NCPU && c != t -> waiting[c] = 1
#else
		:: (req & KICK_REQ_WAIT) && c < NCPU && c != t -> waiting[c] = 1
#endif
#endif
		:: else
		fi;
		if
#ifdef MUT_NO_COALESCE
		:: 0
#else
		:: !(req & ~w)
#endif
		:: else ->
#ifdef MUT_SPLIT_CLAIM
			placed = 1;
#else
			word[t] = w | req;
#endif
			if
			:: !(w & RINGING) ->
				sent = 1;
				/* one interrupt for all that is asked before the next cycle */
				if
				:: !(nmi) && c != t ->
					bell[t] = bell[t] + 1;
					PROPERTY(one_interrupt, bell[t] == 1)
				:: else
				fi
			:: else
			fi
		fi
	fi
}

/* A whole kick. It ends the context @ctx that it is made in. */
inline kick_now(c, t, req, w, nmi, nested, ctx)
{
#if defined(EXITS) || defined(HOTPLUG)
#ifdef MUT_CHECK_BEFORE_GUARD
	/* a sleepable program is preempted here, RCU does not wait for it */
	dropped = !loaded;
	preempt_off[c] = 1;
	dropped = dropped || bypass;
#else
	atomic {
		dropped = !loaded || bypass;
#ifndef MUT_NO_ONLINE_CHECK
		dropped = dropped || (!online[t] && t != c)
#endif
	};
#endif
#endif
	do
	:: atomic { !sent && !placed ->
		if
		:: !dropped -> place(c, t, req, w, nmi, nested)
		:: else
		fi;
		if
		:: !sent && !placed -> w = 0; t = 0; req = 0; dropped = 0; ctx = 0; break
		:: else
		fi }
#ifdef MUT_SPLIT_CLAIM
	/* the decision was made on a value that may be gone by now */
	:: atomic { placed -> word[t] = word[t] | req; placed = 0;
		if
		:: !sent -> w = 0; t = 0; req = 0; ctx = 0; break
		:: else
		fi }
#endif
	:: atomic { sent && !placed ->
		kick_send(c, t, w, nmi);
		sent = 0; w = 0; t = 0; req = 0; ctx = 0; break }
	od
}

/* Some kick that the configuration has. */
inline choose(c, t, req)
{
	if
	:: (KINDS) & K_RESCHED -> req = KICK_REQ_RESCHED
	:: (KINDS) & K_IDLE -> req = KICK_REQ_IDLE
	:: (KINDS) & K_PREEMPT -> req = KICK_REQ_RESCHED | KICK_REQ_PREEMPT
	:: (KINDS) & K_WAIT -> req = KICK_REQ_RESCHED | KICK_REQ_WAIT
	fi;
#ifdef RING
	t = (c + 1) % NCPU
#elif defined(HOTPLUG) || defined(ONEWAY)
	t = VICTIM
#else
	select(t : 0 .. NCPU - 1)
#endif
}

/* ---- the target ---- */

inline scx_kick_ipi(c)
{
	if
	:: loaded && (word[c] & KICK_REQ_MASK) ->
#ifdef MUT_IPI_CLEARS
		word[c] = word[c] & ~KICK_REQ_MASK;
#endif
#ifndef MUT_IPI_IGNORED
		nr[c] = 1
#endif
	:: else
	fi
}

/* A cycle of @c can be seen to have started: those who wait for it have their due. */
#ifdef WAITS
#define ENTERED(i, c)	due[i] = due[i] & ~BIT(c); late[i] = late[i] & ~BIT(c)
inline entered(c)
{
	ENTERED(0, c); ENTERED(1, c);
#if NCPU > 2
	ENTERED(2, c)
#endif
}
#else
#define entered(c)	skip
#endif

/* The requests that the cycle takes; everything in here happens with the word exchanged. */
inline served(c, w)
{
	if
	:: (w & KICK_REQ_PREEMPT) && cls[c] == EXT ->
		PROPERTY(preempts_only_if_asked, owed_preempt[c]);
		slice[c] = 0
	:: else
	fi;
	PROPERTY(preempts_if_asked, !(owed_preempt[c] && cls[c] == EXT && slice[c]));
	owed[c] = 0;
	owed_idle[c] = 0;
	owed_preempt[c] = 0;
	bell[c] = 0;
#ifdef WAITERS
	if
	:: sampled[0] == c + 1 && since[0] < 2 -> since[0]++
	:: else
	fi;
#endif
	entered(c)
}

/* Before it, __schedule() has only shut out interrupts: all from its begin is one step. */
inline scx_kick_cycle_start(c, w)
{
#ifndef MUT_SPLIT_XCHG
	w = word[c];
#endif
#ifdef WAITS
#ifndef MUT_CYCLES_AT_END
	NEXT(cycles[c]);
#endif
#endif
#ifdef MUT_START_KEEPS_STATE
	word[c] = w & ~KICK_REQ_MASK;
#else
	word[c] = KICK_CPU_PICKING;	/* (B) */
#endif
#ifdef MUT_PREEMPT_IGNORED
	w = w & ~KICK_REQ_PREEMPT;
#endif
	served(c, w);
	w = 0
}

inline scx_kick_cycle_end(c, w)
{
	w = word[c];
#ifdef MUT_CYCLES_AT_END
	NEXT(cycles[c]);
#endif
#ifdef MUT_FAST_PATH_COUNTS
	if
	:: !(w & KICK_CPU_PICKING) -> NEXT(cycles[c])
	:: else
	fi;
#endif
#ifdef MUT_END_STORES
	word[c] = (w & KICK_REQ_MASK) | (cls[c] == IDLE -> KICK_CPU_IDLE : KICK_CPU_BUSY);
#else
#ifdef MUT_END_FORGETS
	word[c] = (cls[c] == IDLE -> KICK_CPU_IDLE : KICK_CPU_BUSY);
#else
	if
	:: cls[c] == IDLE ->
#ifdef MUT_END_DROPS_IDLE
		word[c] = (w & KICK_REQ_MASK & ~KICK_REQ_IDLE) | KICK_CPU_IDLE
#else
		word[c] = (w & KICK_REQ_MASK) | KICK_CPU_IDLE
#endif
	:: else ->
		/* it will start a cycle before it idles */
		word[c] = (w & KICK_REQ_MASK & ~KICK_REQ_IDLE) | KICK_CPU_BUSY
	fi;
	if
	:: word[c] & KICK_REQ_MASK -> nr[c] = 1
#ifndef MUT_END_TRUSTS_SIBLING
	:: !(word[c] & KICK_REQ_MASK) && cls[c] == IDLE && !(w & KICK_CPU_PICKING) &&
#ifdef MUT_END_FIGHTS_SIBLING
	   1 ->
#else
	   !forced[c] ->
#endif
		nr[c] = 1
#endif
	:: else
	fi;
#endif
#endif
	if
	:: !(word[c] & KICK_REQ_MASK) -> bell[c] = 0
	:: else
	fi;
	w = 0
}

/* s is sampled behind the kick: (C). */
#if defined(MUT_WAIT_IGNORES_CYCLES) || defined(NOCYCLES)
#define WAIT_DONE(t, s)	(!(word[t] & KICK_REQ_WAIT))
#else
#define WAIT_DONE(t, s)	(!(word[t] & KICK_REQ_WAIT) || cycles[t] != s)
#endif

#ifdef WAITERS
#define SAMPLED(c, t)	sampled[c] = t + 1; since[c] = 0
#define UNSAMPLED(c)	sampled[c] = 0; since[c] = 0
#else
#define SAMPLED(c, t)	skip
#define UNSAMPLED(c)	skip
#endif

inline kick_wait(c, t, s)
{
	do
	:: atomic { !waiting[c] -> break }
#ifdef MUT_WAITING_CLEARED_LATE
	:: atomic { waiting[c] -> skip };
#else
	:: atomic { waiting[c] -> waiting[c] = 0 };
#endif
		if
		:: bypass
		:: else ->
			at[c] = WAIT;
			do
			:: atomic { t < NCPU && (t == c || !online[t] ||
						 !(word[t] & KICK_REQ_WAIT)) -> t++ }
			:: atomic { t < NCPU && t != c && online[t] &&
				    (word[t] & KICK_REQ_WAIT) ->
				s = cycles[t];
#ifdef MUT_STALE_SAMPLE
				s = snap;
#endif
				SAMPLED(c, t) };
				if
				:: atomic { WAIT_DONE(t, s) -> s = 0; UNSAMPLED(c); t++ }
#ifndef MUT_WAIT_NEVER_YIELDS
				:: atomic { nr[c] -> waiting[c] = 1; s = 0; UNSAMPLED(c); t = NCPU + 1 }
#endif
#ifdef WAITERS
				/* one cycle has to be enough, however many waiters there are */
				:: atomic { since[c] == 1 ->
					PROPERTY(waits_one_cycle, WAIT_DONE(t, s)) }
#endif
				fi
			:: atomic { t >= NCPU ->
#ifdef MUT_WAITING_CLEARED_LATE
				waiting[c] = (t > NCPU);
#endif
				break }
			od;
			if
			:: t > NCPU -> t = 0; break
			:: else -> t = 0
			fi
		fi
	od
}

/* ---- the processes ---- */

/* Task, idle task and scheduler of one CPU. */
active [NCPU] proctype cpu() provided (!hard[_pid] && !in_nmi[_pid])
{
	byte c = _pid;
	byte t, req, w, s, snap;
	bit sent, placed, dropped, blocked, got, rt, keep;

	do
	:: atomic { cls[c] == IDLE && !nr[c] && !stopper[c] -> at[c] = REST; polling[c] = 1 };
		/* as long as it polls, need_resched is enough to wake it */
		if
		:: atomic { nr[c] -> polling[c] = 0 }
		:: atomic { !nr[c] && online[c] -> polling[c] = 0; irqs_off[c] = 1 };
#if (CTX) & C_IDLE
			/* a program that traces the idle loop, behind its last look at need_resched */
			if
			:: skip
			:: atomic { !stop -> choose(c, t, req) };
				kick_now(c, t, req, w, 0, 0, in_op[c])
			fi;
#endif
			/* sti; hlt */
			atomic { asleep[c] = 1; irqs_off[c] = 0 };
			!asleep[c]
#ifdef HOTPLUG
		:: atomic { !online[c] && !nr[c] -> polling[c] = 0; irqs_off[c] = 1;
			    at[c] = DEAD };
			/* then cpuhp wakes its thread on the CPU that has come up */
			atomic { online[c] -> irqs_off[c] = 0; nr[c] = 1 }
#endif
		fi

#ifdef HOTPLUG
	:: atomic { stopper[c] && cls[c] == OTHER -> irqs_off[c] = 1; in_stop[c] = 1 };
		atomic { !stopping -> stopper[c] = 0; in_stop[c] = 0; blocked = 1; goto schedule }
#endif

	/* A task runs. */
	:: atomic { cls[c] != IDLE && !nr[c] && !stopper[c] && ((CTX) & C_TASK) && !stop && KICKS(c) ->
#ifdef MUT_STALE_SAMPLE
		snap = cycles[VICTIM];
#endif
		choose(c, t, req); queue_task(c, t); preempt_off[c] = 1; irqs_off[c] = 1 };
		kick_now(c, t, req, w, 0, 0, preempt_off[c]);
		irqs_off[c] = 0

#ifndef NOBLOCK
	:: atomic { cls[c] != IDLE && !nr[c] && !stopper[c] -> blocked = 1; goto schedule }
#endif

	:: atomic {
		nr[c];
schedule:
		!rqlock[RQ(c)];
		rqlock[RQ(c)] = 1;
		at[c] = CYCLE;
		preempt_off[c] = 1;
		irqs_off[c] = 1;
		due[c] = due[c] | late[c];
		late[c] = 0;
#if AFTER
		if
		:: stop -> after[c]++; PROPERTY(no_storm, after[c] <= AFTER)
		:: else
		fi;
#endif
#ifdef CORE
		if
		:: corepick[c] ->
			/* a sibling has picked, nothing is balanced here */
			cls[c] = corepick[c] - 1;
			corepick[c] = 0;
			slice[c] = SLICED;
			blocked = 0;
			nr[c] = 0;
			rqlock[RQ(c)] = 0;
			irqs_off[c] = 0;
			goto picked
		:: else
		fi;
#endif
#ifdef EXITS
		};
		if
		:: loaded -> atomic { scx_kick_cycle_start(c, w) }
		:: else
		fi;
#else
#ifdef MUT_EARLY_READ
		/* (B) is no barrier: ops.dispatch() looks before the word is seen to change */
		got = work[c];
		if
		:: got -> work[c] = 0; kicked[c] = 0
		:: else
		fi };
		atomic {
#endif
#ifdef MUT_SPLIT_XCHG
		w = word[c] };
		atomic {
#endif
		scx_kick_cycle_start(c, w) };
#endif

		/*
		 * The balance. It stops at a class above sched_ext that has a task, and for a task
		 * that has slice left.
		 */
		atomic {
		if
		:: stopper[c] -> rt = 1
#ifdef RT
		:: !stopper[c] && !stop && online[c] -> rt = 1
#endif
		:: !stopper[c] && cls[c] == OTHER && !blocked -> rt = 1
		:: !stopper[c] && cls[c] == EXT && slice[c] && !blocked -> keep = 1
		:: !stopper[c] && (cls[c] == IDLE || blocked || (cls[c] == EXT && !slice[c])) ->
			/* ops.dispatch() */
#ifndef MUT_EARLY_READ
			got = work[c] && online[c];
			if
			:: got -> work[c] = 0; kicked[c] = 0
			:: else
			fi;
#endif
			in_op[c] = 1
		fi;
#if !((CTX) & C_OP) && !defined(ENQ)
		in_op[c] = 0;
#else
		};
		if
		:: !in_op[c]
		:: in_op[c]
#ifdef ENQ
		/* it may drop the rq lock */
		:: atomic { in_op[c] -> rqlock[RQ(c)] = 0 }; atomic { !rqlock[RQ(c)] -> rqlock[RQ(c)] = 1 }
#endif
#if (CTX) & C_OP
		/* it kicks: what it decided is done after it, and then its kicks */
#ifdef MUT_KICK_IN_OP
		:: atomic { in_op[c] && !stop && loaded -> choose(c, t, req); s = t };
			kick_now(c, t, req, w, 0, 0, in_op[c]);
			atomic { queue_task(c, s); s = 0 }
#else
		:: atomic { in_op[c] && !stop && loaded -> choose(c, t, req); queue_task(c, t) };
			kick_now(c, t, req, w, 0, 0, in_op[c])
#endif
#endif
		fi;
		atomic {
		in_op[c] = 0;
#endif
#ifdef CORE_RT
		/* Each sibling has an RT task, of one priority, that does not go with the other's. */
		rt = 1;
		if
		:: cls[1 - c] != IDLE ->
			corepick[1 - c] = IDLE + 1;
			forced[1 - c] = 1;
			resched_curr(1 - c)
		:: else
		fi;
#elif defined(CORE)
		/* The other sibling is picked for, too. Balanced, if this CPU's balance got that far. */
		if
		:: !rt && work[1 - c] && (cls[1 - c] == IDLE || !slice[1 - c]) ->
			work[1 - c] = 0; kicked[1 - c] = 0; s = EXT + 1
		:: !stop && cls[1 - c] != IDLE -> s = IDLE + 1;
			if
			:: skip			/* its task has gone */
			:: forced[1 - c] = 1	/* or does not go with the one here */
			fi
		:: !stop && cls[1 - c] == IDLE -> s = EXT + 1
		:: rt || !work[1 - c] || (cls[1 - c] != IDLE && slice[1 - c])
		fi;
		if
		:: s && s != cls[1 - c] + 1 ->
			corepick[1 - c] = s;
			if
			:: s != IDLE + 1 -> forced[1 - c] = 0
			:: else
			fi;
			resched_curr(1 - c)
		:: else
		fi;
		s = 0;
#endif
		/* The pick, need_resched of the task before, and the rq lock. */
		if
		:: rt -> cls[c] = OTHER
		:: keep
		:: !rt && !keep && (got || dsq[c]) ->
			owed_dsq[c] = 0;
			dsq[c] = dsq[c] && cls[c] == EXT && !blocked;
#ifdef MUT_ENQ_CURR
			/* put_prev_task_scx() queues the task before, with SCX_ENQ_PREEMPT */
			if
			:: dsq[c] ->
				word[c] = word[c] | KICK_REQ_RESCHED | KICK_REQ_PREEMPT;
				owed_preempt[c] = 1
			:: else
			fi;
#endif
			cls[c] = EXT
		:: !rt && !keep && !got && !dsq[c] && cls[c] != IDLE && !blocked
		:: !rt && !keep && !got && !dsq[c] && (cls[c] == IDLE || blocked) -> cls[c] = IDLE
		:: !rt && !keep && !got && !dsq[c] && !stop && online[c] -> cls[c] = EXT
		fi;
		slice[c] = SLICED;
		rt = 0; got = 0; blocked = 0; keep = 0;
		corepick[c] = 0;
		forced[c] = 0;
		nr[c] = 0;
		rqlock[RQ(c)] = 0;
		irqs_off[c] = 0
		};
picked:
#ifdef MUT_WAIT_BEFORE_END
		if
		:: waiting[c] && cls[c] == EXT -> kick_wait(c, t, s)
		:: else
		fi;
#endif
#ifdef EXITS
		if
		:: loaded -> atomic { scx_kick_cycle_end(c, w) }
		:: else
		fi;
#else
		atomic { scx_kick_cycle_end(c, w);
#ifdef WAITS
		};
#endif
#endif
#ifdef WAITS
		if
		:: waiting[c] && cls[c] == EXT -> kick_wait(c, t, s)
		:: else
		fi;
#endif
#if defined(EXITS) || defined(WAITS)
		atomic {
#endif
		/* __schedule() is called again as long as need_resched is set. */
		preempt_off[c] = 0;
		at[c] = RUN;
		PROPERTY(waits_long_enough, nr[c] || cls[c] != EXT || bypass || !due[c])
		}
	od
}

/* Interrupts of one CPU, and what else sets its need_resched. */
active [NCPU] proctype interrupts() provided (!in_nmi[_pid - NCPU])
{
	byte c = _pid - NCPU;
	byte t, req, w;
	bit sent, placed, dropped;

	do
	:: atomic { ipi[c] && !irqs_off[c] -> ipi[c] = 0; asleep[c] = 0; scx_kick_ipi(c) }

#ifndef NOTICK
	/* a tick, or a wakeup from an interrupt */
	:: atomic { !stop && !irqs_off[c] && !nr[c] && TICKS(c) ->
		if
		:: cls[c] == EXT && slice[c] -> slice[c] = 0
		:: skip
		fi;
		nr[c] = 1;
		asleep[c] = 0 }
#endif

#if (CTX) & C_IRQ
	:: atomic { !stop && !irqs_off[c] && KICKS(c) -> hard[c] = 1; asleep[c] = 0;
		choose(c, t, req); queue_task(c, t) };
		kick_now(c, t, req, w, 0, 1, hard[c])
#endif

#if (CTX) & (C_NMI + C_IDLE)
	/* kick_unsent_workfn() */
	:: atomic { unsent_work[c] && !irqs_off[c] -> unsent_work[c] = 0; asleep[c] = 0;
		if
		:: word[c] & KICK_REQ_MASK -> nr[c] = 1
		:: else
		fi }
#endif
	od
}

#if (CTX) & C_NMI
/* A CPU that kicks itself from NMI. NMIs of kicker() kick others. */
active [NCPU] proctype nmi()
{
	byte c = _pid - 2 * NCPU;
	byte t, req, w;
	bit sent, placed, dropped;

	do
	:: atomic { !stop && at[c] != DEAD -> in_nmi[c] = 1; choose(c, t, req); queue_task(c, t) };
		kick_now(c, t, req, w, 1, 1, in_nmi[c])
	od
}
#define NBEFORE		(3 * NCPU)
#define KICKER_NMI	1
#else
#define NBEFORE		(2 * NCPU)
#define KICKER_NMI	0
#endif

#if NKICK
/* A CPU of which only the kicks matter. */
active [NKICK] proctype kicker()
{
	byte c = _pid - NBEFORE + NCPU;
	byte t, req, w;
	bit sent, placed, dropped;

	do
#if (KINDS) & ~K_ENQ
	:: atomic { !stop && !stopping -> choose(c, t, req); queue_task(c, t);
#ifndef MUT_CHECK_BEFORE_GUARD
		preempt_off[c] = 1
#endif
		};
		kick_now(c, t, req, w, KICKER_NMI, 0, preempt_off[c])
#if KICKER_NMI
	/* kick_unsent_workfn(): an NMI may come in the middle of it, and queue it again */
	:: unsent_work[c] ->
		unsent_work[c] = 0;
		w = word[0];
		atomic {
			if
			:: (w & KICK_REQ_MASK) && !(w & KICK_CPU_PICKING) -> kick_send(c, 0, w, 0)
			:: else
			fi;
			w = 0
		}
#endif
#endif
#if (KINDS) & K_ENQ
	/* SCX_ENQ_PREEMPT: scx_kick_local_enq() */
	:: atomic { !stop && !rqlock[RQ(0)] && !dsq[0] -> rqlock[RQ(0)] = 1; dsq[0] = 1 };
		w = word[0];
		atomic {
			if
			:: !in_op[0] && cls[0] == OTHER
			:: in_op[0] -> owed_dsq[0] = 1
			:: !in_op[0] && cls[0] != OTHER ->
				owed_dsq[0] = 1;
				if
#ifdef MUT_ENQ_STALE
				:: w & KICK_CPU_PICKING ->
#else
				:: word[0] & KICK_CPU_PICKING ->
#endif
					word[0] = word[0] | KICK_REQ_RESCHED |
						  (cls[0] == EXT -> KICK_REQ_PREEMPT : 0);
					if
					:: cls[0] == EXT -> owed_preempt[0] = 1
					:: else
					fi
				:: else ->
					slice[0] = 0;
					resched_curr(0)
				fi
			fi;
			rqlock[RQ(0)] = 0; w = 0
		}
#endif
	od
}
#endif

/* What waits in a store buffer becomes visible at any time. */
#define DRAIN(k)	atomic { work_sb[k] -> work[work_sb[k] - 1] = 1; work_sb[k] = 0 }
active proctype store_buffers()
{
	do
#ifdef WORK
	:: DRAIN(0)
	:: DRAIN(1)
#if NALL > 2
	:: DRAIN(2)
#endif
#if NALL > 3
	:: DRAIN(3)
#endif
#endif
	:: 0
	od
}

#ifdef HOTPLUG
/* The victim goes down and comes up. stop_machine() needs all of them, with preemption on. */
active proctype hotplug()
{
	byte i;

	do
	:: !stop && online[VICTIM] ->
		stopping = 1;
		do
		:: atomic { i < NCPU && !rqlock[RQ(i)] -> stopper[i] = 1; resched_curr(i); i++ }
		:: i >= NCPU && i < NALL -> (!preempt_off[i]); i++
		:: i == NALL -> i = 0; break
		od;
		do
		:: i < NCPU -> in_stop[i]; i++
		:: else -> i = 0; break
		od;
		/* take_cpu_down(): what its interrupt controller holds is lost with it */
		atomic {
			online[VICTIM] = 0;
			ipi[VICTIM] = 0;
			forget(VICTIM);
			entered(VICTIM);
			stopping = 0
		}
	:: atomic { !stop && !online[VICTIM] && at[VICTIM] == DEAD -> online[VICTIM] = 1 }
	od
}
#endif

#ifdef EXITS
/* The BPF scheduler goes and another one comes. */
active proctype scheduler()
{
	byte i;

	do
	:: !stop && loaded ->
		/* scx_ops_disable_workfn(): the bypass makes every CPU schedule */
		bypass = 1;
		do
		:: atomic { i < NCPU && !rqlock[RQ(i)] -> resched_curr(i); i++ }
		:: i == NCPU -> i = 0; break
		od;
		/* the tasks leave the class while they run */
		do
		:: atomic { i < NCPU && !rqlock[RQ(i)] ->
			if
			:: cls[i] == EXT -> cls[i] = OTHER
			:: else
			fi;
			i++ }
		:: i == NCPU -> i = 0; break
		od;
		loaded = 0;
#ifndef MUT_NO_RCU
		/* patching waits for interrupts to be on, synchronize_rcu() for preemption */
		do
		:: i < NALL -> (!preempt_off[i]); i++
		:: else -> i = 0; break
		od;
		do
		:: i < NCPU -> (!hard[i] && !in_nmi[i]); i++
		:: else -> i = 0; break
		od;
#endif
		/* scx_kick_reset() */
		do
		:: i < NCPU ->
#ifndef MUT_NO_IRQ_WORK_SYNC
			!unsent_work[i];
#endif
			atomic {
#ifndef MUT_NO_RESET
				word[i] = KICK_CPU_IDLE;
				waiting[i] = 0;
#endif
				forget(i); i++
			}
		:: else -> i = 0; break
		od;
		clean = 1;
		bypass = 0
	:: !stop && !loaded ->
		/* nothing has survived, nothing has come since */
		do
		:: i < NCPU ->
			PROPERTY(clean_until_load, word[i] == KICK_CPU_IDLE && !waiting[i] &&
				 !unsent_work[i]);
			i++
		:: else -> i = 0; break
		od;
		clean = 0;
		bypass = 1;
		loaded = 1;
		do
		:: atomic { i < NCPU && !rqlock[RQ(i)] ->
			if
			:: cls[i] == OTHER -> cls[i] = EXT
			:: skip
			fi;
			i++ }
		:: i == NCPU -> i = 0; break
		od;
		bypass = 0;
		do
		:: atomic { i < NCPU && !rqlock[RQ(i)] -> resched_curr(i); i++ }
		:: i == NCPU -> i = 0; break
		od
	od
}
#endif

/* Ends the play, and looks at what is left when nothing moves any more. */
active proctype monitor()
{
	byte i;

	stop = 1;
	atomic {
		timeout ->
		for (i : 0 .. NCPU - 1) {
			/* nobody hangs in a cycle or in a wait, nobody has been left unseen */
			PROPERTY(comes_to_rest, at[i] == RUN || at[i] == REST || at[i] == DEAD);
			PROPERTY(comes_to_rest, at[i] == DEAD ||
				 (!nr[i] && !ipi[i] && !unsent_work[i]));
			PROPERTY(clean_after_exit, !clean || (word[i] == KICK_CPU_IDLE && !waiting[i]));
			if
			:: loaded && at[i] != DEAD ->
				PROPERTY(kick_is_served, !owed[i] && !owed_preempt[i]);
				PROPERTY(nothing_pending, !(word[i] & KICK_REQ_MASK));
				/* a CPU that is forced idle has tasks, it is not idle */
				PROPERTY(idle_kick_is_served, cls[i] != IDLE || forced[i] || !owed_idle[i]);
				PROPERTY(no_work_missed,
					 cls[i] != IDLE || forced[i] || !(kicked[i] && work[i]));
				PROPERTY(enq_preempt_is_served, !owed_dsq[i])
			:: else
			fi
		}
	}
}
