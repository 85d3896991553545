/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kick protocol of kernel/sched/ext/kick*.c, for an exhaustive search by spin.
 *
 * CPUs 0 .. NCPU-1 schedule, each in a process of its own, with a process for its interrupts
 * that stops it while they run. CPUs NCPU .. NCPU+NKICK-1 only kick: what matters
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
 * The configurations and the mutants (MUT_*) are in the script `check.sh'.
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
#ifndef ROUNDS
#define ROUNDS	1		/* KICK_WAIT_ROUNDS */
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
#define C_NMI		8	/* of CPU 0, to itself, K_RESCHED only: see kick_look.pml */
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
hidden byte waits_one_cycle;		/* of each CPU, whatever other waiters do */
hidden byte waits_for_own_targets;
hidden byte waits_soon;			/* a task that asks for a wait does not run on without it */
hidden byte wait_rounds_end;		/* and is not held up again and again by what it asks for */
hidden byte wait_shows;			/* what the target's last task did */
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
#define KICK_REQ_MASK		15	/* claims are in kick_task.pml */
#define KICK_CPU_IDLE		0
#define KICK_CPU_ABOVE		32	/* with BUSY; what it takes is in kick_above.pml */
#define KICK_CPU_PICKING	64
#define KICK_CPU_BUSY		128

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

#ifdef KICKS_EACH
#define MAY_KICK(c)	(kicks[c] < KICKS_EACH)	/* of the tasks of a CPU */
#define COUNT(c)	kicks[c]++
#else
#define MAY_KICK(c)	1
#define COUNT(c)	skip
#endif

#define VICTIM	(NCPU - 1)	/* the CPU that goes down and comes up */
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
bit wait_asked[NCPU];
bit wait_on[NCPU];
byte wait_cpu[NCPU];		/* + 1 */
byte wait_cpus[NCPU];		/* a bit for each CPU */
byte rounds[NCPU];
bit wait_word[NCPU];		/* its number is that of the word of wait_cpu: 16 bits never wrap here */
byte held_req[NCPU];		/* the cpumasks: what CPU 0 is kicked with */
bit queued[NCPU];		/* the irq_work */

/* The kernel around it. */
bit nr[NCPU];			/* need_resched of current */
bit ipi[NCPU];			/* reschedule IPI pending at the interrupt controller */
bit irqs_off[NCPU];
bit preempt_off[NALL];
bit hard[NCPU];			/* in an interrupt handler */
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

#ifdef DATA
/* What the victim's task has written, and what of it the next task here reads. */
bit data;
bit data_sb;
bit wrote;			/* it has: ghost */
bit must_show;			/* before the cycle that ended a wait: ghost */
bit early_data;			/* read ahead of the word */
bit read_early;
#endif

/* Ghosts: what has been promised. */
bit stop;			/* the environment rests */
bit owed[NCPU];			/* a cycle that starts after a kick */
bit owed_idle[NCPU];		/* the same, before it idles on */
bit owed_preempt[NCPU];
bit owed_dsq[NCPU];		/* SCX_ENQ_PREEMPT: the inserted task runs */
bit kicked[NCPU];		/* somebody filled the queue and then kicked */
byte bell[NCPU];		/* interrupts sent for what is pending now */
byte due[NCPU];			/* CPUs to cycle before the sched_ext task that is picked starts */
byte late[NCPU];		/* before the next one */
bit held[NCPU];			/* the task was picked in an earlier cycle, but has not started yet */
byte visited[NCPU];		/* CPUs that this wait has come to, */
byte passed[NCPU];		/* those of them that have entered a cycle since */
byte kicks[NCPU];
bit early_word[NCPU];		/* wait_word as of before the kick */
byte asked[NALL];		/* by the kicks that the operation holds back */
byte after[NCPU];		/* cycles since the environment rests */

/* Another CPU wants a cycle of @c, without a kick: the flag and, if needed, the interrupt. */
#define resched_curr(c)	nr[c] = 1; ipi[c] = ipi[c] || !polling[c]

inline forget(c)
{
	owed[c] = 0; owed_idle[c] = 0; owed_preempt[c] = 0; owed_dsq[c] = 0;
	kicked[c] = 0; bell[c] = 0; due[c] = 0; late[c] = 0; held[c] = 0; visited[c] = 0; passed[c] = 0
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
#ifdef MASK
	work_sb[c] = NCPU + 1
#else
	work_sb[c] = t + 1
#endif
#else
	skip
#endif
}

#ifdef WORK
#define KICKED(t)	kicked[t] = 1
#else
#define KICKED(t)	skip
#endif

#ifdef HELD
#define ASKED(c, req)	asked[c]
#else
#define ASKED(c, req)	req
#endif

#ifdef MUT_ABOVE_BY_CLASS
#define ABOVE(t, w)	(cls[t] == OTHER)
#else
#define ABOVE(t, w)	((w) & KICK_CPU_ABOVE)
#endif
#define MARKED(t, w)	(nr[t] && ((w) & KICK_CPU_BUSY || cls[t] == IDLE))

/* A request was placed or found pending: it counts from here on. */
inline accepted(c, t, req)
{
	if
	:: req & KICK_REQ_IDLE -> owed_idle[t] = 1
	:: else
	fi;
	if
	:: req & KICK_REQ_RESCHED -> owed[t] = 1
	:: else
	fi;
	if
	:: req & KICK_REQ_PREEMPT -> owed_preempt[t] = 1
	:: else
	fi;
	KICKED(t);
	if
	:: (req & KICK_REQ_WAIT) && c < NCPU && c != t && cls[t] == EXT ->
		late[c] = late[c] | BIT(t)
	:: else
	fi
}

/* @w: the target's word before the request */
inline kick_send(c, t, w)
{
	if
	:: c == t ->
#ifndef MUT_SELF_FORGOTTEN
		nr[t] = 1;
#endif
#ifndef MUT_IDLE_SELF_SLEEPS
		if
		:: c < NCPU && cls[c] == IDLE && !hard[c] && at[c] == REST -> queued[c] = 1
		:: else
		fi
#else
		skip
#endif
	:: c != t ->
		PROPERTY(no_interrupt_offline, online[t]);
		if
		/* marked already: kick_look.pml shows that this is enough */
		:: MARKED(t, w)
		:: !MARKED(t, w) && !(w & KICK_CPU_BUSY) && polling[t] -> nr[t] = 1
		:: else -> ipi[t] = 1
		fi
	fi
}

#ifdef MUT_NO_COALESCE
#define RINGING	KICK_CPU_PICKING
#else
#define RINGING	(KICK_REQ_MASK | KICK_CPU_PICKING)
#endif

/* This CPU starts a cycle, which ends with the wait, if it is not inside one. */
inline kick_ask_wait(c, t)
{
	wait_cpus[c] = wait_cpus[c] | BIT(t);
	wait_asked[c] = 1;
#ifndef MUT_ASK_RUNS_ON
	nr[c] = nr[c] || (!(word[c] & KICK_CPU_PICKING) && cls[c] == EXT)
#endif
}

/* The request goes into the word. What was there tells whether anybody has to be interrupted. */
inline kick_place(c, t, req, w)
{
	w = word[t];
	if
#ifdef MUT_PICKING_IS_BUSY
	:: (req & KICK_REQ_IDLE) && (w & (KICK_CPU_BUSY | KICK_CPU_PICKING)) ->
#else
	:: (req & KICK_REQ_IDLE) && (w & KICK_CPU_BUSY) ->
#endif
		owed_idle[t] = 1;
#ifdef HELD
		accepted(c, t, ASKED(c, req));
#endif
		KICKED(t)
	/* nothing to do before its task leaves, and nobody to wait for */
	:: (req & KICK_REQ_RESCHED) && ABOVE(t, w) -> owed[t] = 1; KICKED(t)
	:: else ->
		accepted(c, t, ASKED(c, req));
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
		:: (req & ~w) && (req & KICK_REQ_WAIT) && c < NCPU && c != t -> kick_ask_wait(c, t)
#else
		:: (req & KICK_REQ_WAIT) && c < NCPU && c != t -> kick_ask_wait(c, t)
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
#if defined(MUT_SPLIT_PLACE) || defined(MUT_SENT_FIRST)
			placed = 1;
#else
			word[t] = w | req;
#endif
			if
			:: !(w & RINGING) ->
				sent = 1;
				/* one interrupt for all that is asked before the next cycle */
				if
				:: c != t ->
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
inline kick_now(c, t, req, w, ctx)
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
		:: !dropped ->
#ifndef MUT_NO_MB
			smp_mb(c);	/* (A) */
#endif
			kick_place(c, t, req, w)
		:: else
		fi;
		if
		:: !sent && !placed -> w = 0; t = 0; req = 0; dropped = 0; ctx = 0; break
		:: else
		fi }
#ifdef MUT_SPLIT_PLACE
	/* the decision was made on a value that may be gone by now */
	:: atomic { placed -> word[t] = word[t] | req; placed = 0;
		if
		:: !sent -> w = 0; t = 0; req = 0; ctx = 0; break
		:: else
		fi }
#endif
#ifdef MUT_SENT_FIRST
	:: atomic { sent -> kick_send(c, t, w); sent = 0 }
	:: atomic { placed && !sent -> word[t] = word[t] | req; placed = 0;
		w = 0; t = 0; req = 0; ctx = 0; break }
#else
	:: atomic { sent && !placed ->
		kick_send(c, t, w);
		sent = 0; w = 0; t = 0; req = 0; ctx = 0; break }
#endif
	od
}

#ifdef MASK
/*
 * Kicks of several CPUs, of a mask or held back: one barrier, all words, and then the interrupt for
 * several CPUs. reqs[] is what each of them is kicked with.
 */
inline kick_mask(c, t, req, w, send, ctx)
{
#ifdef MUT_MASK_SENDS_FIRST
	atomic { ipi[0] = 1; ipi[1] = 1 };
#endif
#ifndef MUT_MASK_NO_MB
	smp_mb(c);	/* (A) */
#endif
	do
	:: atomic { (reqs[0] || reqs[1]) ->
		if
		:: reqs[0] -> t = 0
		:: reqs[1] -> t = 1
		fi;
		req = reqs[t];
		reqs[t] = 0;
		kick_place(c, t, req, w);
		if
		:: sent && MARKED(t, w)
		:: sent && !MARKED(t, w) && !(w & KICK_CPU_BUSY) && polling[t] -> nr[t] = 1
		:: sent && !MARKED(t, w) && !(!(w & KICK_CPU_BUSY) && polling[t]) ->
#ifdef MUT_MASK_SENDS_LAST
			send = 0;
#endif
			send = send | BIT(t)
		:: else
		fi;
		sent = 0; t = 0; w = 0; req = 0 }
	:: atomic { !reqs[0] && !reqs[1] ->
#ifndef MUT_MASK_SENDS_FIRST
		for (t : 0 .. NCPU - 1) {
			ipi[t] = ipi[t] || (send & BIT(t))
		}
#endif
		t = 0; send = 0; ctx = 0;
		break }
	od
}
#endif

#ifdef HELD
/* One kick of an operation, held back: @level is 1: idle, 2: resched, 3: preempt. */
inline kick_later(c, req, level, wait)
{
	if
#ifdef MUT_HELD_LAST_WINS
	:: req & KICK_REQ_IDLE -> level = 1
	:: req & KICK_REQ_PREEMPT -> level = 3
	:: (req & KICK_REQ_RESCHED) && !(req & KICK_REQ_PREEMPT) -> level = 2
#else
	:: (req & KICK_REQ_IDLE) && level < 1 -> level = 1
	:: (req & KICK_REQ_PREEMPT) -> level = 3
	:: (req & KICK_REQ_RESCHED) && !(req & KICK_REQ_PREEMPT) && level < 2 -> level = 2
	:: else
#endif
	fi;
#ifdef MUT_HELD_WAIT_FORGOTTEN
	wait = (req & KICK_REQ_WAIT) != 0;
#else
	wait = wait || (req & KICK_REQ_WAIT);
#endif
	asked[c] = asked[c] | req;
	req = 0
}

/* What they come to: the strongest, and WAIT if any of them has it. */
inline kick_flush_masks(req, level, wait)
{
	if
	:: level == 1 -> req = KICK_REQ_IDLE
	:: level == 2 -> req = KICK_REQ_RESCHED | (wait -> KICK_REQ_WAIT : 0)
	:: level == 3 -> req = KICK_REQ_RESCHED | KICK_REQ_PREEMPT | (wait -> KICK_REQ_WAIT : 0)
	fi;
	level = 0; wait = 0
}
#endif

/* Some kick that the configuration has. */
inline choose_kind(req)
{
	if
	:: (KINDS) & K_RESCHED -> req = KICK_REQ_RESCHED
	:: (KINDS) & K_IDLE -> req = KICK_REQ_IDLE
	:: (KINDS) & K_PREEMPT -> req = KICK_REQ_RESCHED | KICK_REQ_PREEMPT
	:: (KINDS) & K_WAIT -> req = KICK_REQ_RESCHED | KICK_REQ_WAIT
	fi
}

inline choose(c, t, req)
{
	choose_kind(req);
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
#define ENTERED(i, c)	due[i] = due[i] & ~BIT(c); late[i] = late[i] & ~BIT(c); \
			passed[i] = passed[i] | (visited[i] & BIT(c)); early_word[i] = 0
inline entered(c)
{
#ifdef DATA
	must_show = must_show || (wrote && (due[0] & BIT(c)));
#endif
	ENTERED(0, c); ENTERED(1, c);
#if NCPU > 2
	ENTERED(2, c)
#endif
}

/* The number in the word of @c is another one from now on. */
#define NEXT(i, c)	wait_word[i] = wait_word[i] && wait_cpu[i] != c + 1
inline next_number(c)
{
	NEXT(0, c); NEXT(1, c);
#if NCPU > 2
	NEXT(2, c)
#endif
}
#else
#define entered(c)	skip
#define next_number(c)	skip
#endif

/* The requests that the cycle takes; everything in here happens with the word exchanged. */
inline scx_kick_serve(c, w)
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
	entered(c)
}

#if defined(DATA) && !defined(MUT_START_NOT_RELEASE)
#define WRITTEN(c)	(c != VICTIM || !data_sb)	/* (B) */
#else
#define WRITTEN(c)	1
#endif

/* Before it, __schedule() has only shut out interrupts: all from its begin is one step. */
inline scx_kick_cycle_start(c, w)
{
#ifndef MUT_SPLIT_XCHG
	w = word[c];
#endif
#ifndef MUT_CYCLES_AT_END
	next_number(c);
#endif
	word[c] = KICK_CPU_PICKING;	/* (B) */
#ifdef MUT_PREEMPT_IGNORED
	w = w & ~KICK_REQ_PREEMPT;
#endif
	scx_kick_serve(c, w);
	w = 0
}

#ifdef CORE
/* Requests stay, and BUSY for those who rely on it. The number is the claims', not the waits'. */
inline scx_kick_sibling_pick(c)
{
#ifdef MUT_SIBLING_COUNTS
	next_number(c);
#endif
#ifdef MUT_SIBLING_FORGETS
	word[c] = (word[c] & KICK_REQ_MASK) | KICK_CPU_PICKING
#else
	word[c] = word[c] | KICK_CPU_PICKING
#endif
}
#endif

#define STATE(c)	(cls[c] == IDLE -> KICK_CPU_IDLE : \
			 (cls[c] == EXT -> KICK_CPU_BUSY : (KICK_CPU_BUSY | KICK_CPU_ABOVE)))
#ifdef MUT_END_DROPS_IDLE
#define DROPPED(c)	(cls[c] == OTHER -> KICK_REQ_MASK : KICK_REQ_IDLE)
#else
/* it will start a cycle before it idles, or runs a sched_ext task */
#define DROPPED(c)	(cls[c] == OTHER -> KICK_REQ_MASK : (cls[c] == EXT -> KICK_REQ_IDLE : 0))
#endif

/* A sibling has picked, and the CPU left a state in which it was left alone. */
#ifdef MUT_END_TRUSTS_SIBLING
#define LEFT_BUSY(c, w)		0
#else
#define LEFT_BUSY(c, w)		(cls[c] == IDLE && ((w) & KICK_CPU_BUSY))
#endif
#define LEFT_ABOVE(c, w)	(((w) & KICK_CPU_ABOVE) && cls[c] != OTHER)
#ifdef MUT_END_FIGHTS_SIBLING
#define OWES_CYCLE(c, w)	(LEFT_BUSY(c, w) || LEFT_ABOVE(c, w))
#elif defined(MUT_ABOVE_FIGHTS_SIBLING)
#define OWES_CYCLE(c, w)	((LEFT_BUSY(c, w) && !forced[c]) || LEFT_ABOVE(c, w))
#else
#define OWES_CYCLE(c, w)	((LEFT_BUSY(c, w) || LEFT_ABOVE(c, w)) && !forced[c])
#endif

inline scx_kick_cycle_end(c, w)
{
	w = word[c];
#ifdef MUT_CYCLES_AT_END
	next_number(c);
#endif
#ifdef MUT_END_STORES
	word[c] = (w & KICK_REQ_MASK) | STATE(c);
#elif defined(MUT_END_FORGETS)
	word[c] = STATE(c);
#else
	word[c] = (w & KICK_REQ_MASK & ~DROPPED(c)) | STATE(c);
	if
	:: (word[c] & KICK_REQ_MASK) || OWES_CYCLE(c, w) -> nr[c] = 1
	:: else
	fi;
#endif
	if
	:: cls[c] == OTHER -> owed_preempt[c] = 0; entered(c)
	:: else
	fi;
	if
	:: !(word[c] & KICK_REQ_MASK) -> bell[c] = 0
	:: else
	fi;
	w = 0
}

#ifdef MUT_WAIT_IGNORES_CYCLES
#define WAIT_DONE(c, t)	(!online[t] || !(word[t] & KICK_REQ_WAIT))
#else
#define WAIT_DONE(c, t)	(!online[t] || !(word[t] & KICK_REQ_WAIT) || !wait_word[c])
#endif
#ifdef MUT_ROUNDS_UNBOUNDED
#define NEXT_ROUND(c)	wait_asked[c]
#else
#define NEXT_ROUND(c)	(wait_asked[c] && rounds[c] < ROUNDS)
#endif
#ifdef MUT_WAIT_FOR_ANY
#define TO_BE_WAITED_FOR(c, t)	(t != c && (word[t] & KICK_REQ_WAIT))
#else
#define TO_BE_WAITED_FOR(c, t)	(wait_cpus[c] & BIT(t))
#endif

/* cpumask_next() */
inline next_cpu(c, t)
{
	do
	:: t < NCPU && !TO_BE_WAITED_FOR(c, t) -> t++
	:: else -> break
	od
}

/* Goes through wait_cpus, from where the last time ended, or anew: @t, of which @begun. */
inline kick_wait_begin(c, t)
{
	atomic {
		at[c] = WAIT;
#ifndef MUT_ROUNDS_NOT_RESET
		if
		:: switched || !wait_on[c] -> rounds[c] = 0
		:: else
		fi;
#endif
		if
		:: switched || !held[c] -> visited[c] = 0; passed[c] = 0
		:: else
		fi;
		if
		:: bypass -> wait_cpus[c] = 0; wait_asked[c] = 0; wait_cpu[c] = 0; wait_word[c] = 0
		:: else
		fi;
#ifdef MUT_WAIT_STARTS_ANEW
		wait_word[c] = wait_cpu[c] != 0;
#endif
		t = (wait_cpu[c] -> wait_cpu[c] - 1 : NCPU) };
	do
	:: atomic { wait_cpu[c] && WAIT_DONE(c, t) ->
#ifdef MUT_BIT_CLEARED_LATE
		wait_cpus[c] = wait_cpus[c] & ~BIT(t);
#endif
		wait_cpu[c] = 0; wait_word[c] = 0; t++;
		if
		:: begun -> next_cpu(c, t)
		:: else
		fi }
	/* a wait takes one cycle of each CPU, however many waiters and however it gives way */
	:: atomic { wait_cpu[c] && !WAIT_DONE(c, t) && (passed[c] & BIT(t)) -> PROPERTY(waits_one_cycle, 0) }
#ifndef MUT_WAIT_NEVER_YIELDS
	:: atomic { wait_cpu[c] && nr[c] ->
#ifdef MUT_WAIT_FORGETS_CPU
		wait_cpu[c] = 0; wait_word[c] = 0;
#endif
		wait_on[c] = 1; held[c] = 1; begun = 0; t = 0; break }
#endif
	:: atomic { !wait_cpu[c] && !begun -> begun = 1;
		if
		:: NEXT_ROUND(c) ->
			rounds[c]++;
			PROPERTY(wait_rounds_end, rounds[c] <= ROUNDS);
#ifndef MUT_ASKED_CLEARED_LATE
			wait_asked[c] = 0;
#endif
			t = 0
		:: else
		fi;
		next_cpu(c, t) }
	:: atomic { !wait_cpu[c] && begun && t < NCPU ->
		PROPERTY(waits_for_own_targets, wait_cpus[c] & BIT(t));
#ifndef MUT_BIT_CLEARED_LATE
		wait_cpus[c] = wait_cpus[c] & ~BIT(t);
#endif
		wait_cpu[c] = t + 1;
#ifdef MUT_STALE_SAMPLE
		wait_word[c] = early_word[c];
#else
		wait_word[c] = 1;				/* (C) */
#endif
		visited[c] = visited[c] | BIT(t);
		passed[c] = passed[c] & ~BIT(t);
#ifdef MUT_WAIT_NOT_ACQUIRE
		early_data = data; read_early = 1
#endif
		}
	:: atomic { !wait_cpu[c] && begun && t >= NCPU ->
#ifdef MUT_ASKED_CLEARED_LATE
		wait_asked[c] = 0;
#endif
		/* a CPU that has to schedule again before it executes anything still holds the task up */
		wait_on[c] = nr[c]; held[c] = nr[c];
#ifndef MUT_ROUNDS_NOT_RESET
		/* earlier than in the code, which makes no difference and fewer states */
		rounds[c] = (nr[c] -> rounds[c] : 0);
#endif
		visited[c] = 0; passed[c] = 0; begun = 0; t = 0; break }
	od
}

#ifdef WAITS
#define SWITCHED(yes)	switched = (yes)
/* What has been asked for before the cycle's end holds up the task, in the same wait ROUNDS times. */
#define HOLDS_UP(c)	(cls[c] == EXT && (switched || !held[c] || rounds[c] < ROUNDS))
#define TO_WAIT(c)	due[c] = due[c] | (HOLDS_UP(c) -> late[c] : 0); \
			late[c] = (HOLDS_UP(c) -> 0 : late[c])
inline kick_wait_if(c, t)
{
	if
	:: atomic { (wait_asked[c] || wait_on[c]) && cls[c] == EXT -> skip }; kick_wait_begin(c, t)
	:: else
	fi
}
#else
#define SWITCHED(yes)	skip
#define TO_WAIT(c)	skip
#endif

/* ---- the processes ---- */

/* Task, idle task and scheduler of one CPU. */
active [NCPU] proctype cpu() provided (!hard[_pid])
{
	byte c = _pid;
	byte t, req, w, s;
	bit sent, placed, dropped, blocked, got, rt, keep, switched, begun;
#ifdef HELD
	byte level;
	bit wait;
#endif

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
				kick_now(c, t, req, w, in_op[c])
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
	:: atomic { cls[c] != IDLE && !nr[c] && !stopper[c] && ((CTX) & C_TASK) && !stop && KICKS(c) &&
	   MAY_KICK(c) ->
		COUNT(c);
#ifdef MUT_STALE_SAMPLE
		early_word[c] = 1;
#endif
		choose(c, t, req); queue_task(c, t); preempt_off[c] = 1; irqs_off[c] = 1 };
		kick_now(c, t, req, w, preempt_off[c]);
		atomic {
			PROPERTY(waits_soon, nr[c] || !late[c] || cls[c] != EXT);
			irqs_off[c] = 0 }

#ifndef NOBLOCK
	:: atomic { cls[c] != IDLE && !nr[c] && !stopper[c] -> blocked = 1; goto schedule }
#endif
#ifdef DATA
	:: atomic { c == VICTIM && cls[c] == EXT && !nr[c] && !wrote && !stop -> data_sb = 1; wrote = 1 }
#endif

	:: atomic {
		nr[c];
schedule:
		!rqlock[RQ(c)] && WRITTEN(c);
		rqlock[RQ(c)] = 1;
		at[c] = CYCLE;
		preempt_off[c] = 1;
		irqs_off[c] = 1;
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
			scx_kick_sibling_pick(c);
			cls[c] = corepick[c] - 1;
			corepick[c] = 0;
			slice[c] = SLICED;
			blocked = 0;
			SWITCHED(1);
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
		:: !stopper[c] && cls[c] == EXT && slice[c] && !blocked -> keep = 1;
			PROPERTY(enq_preempt_is_served, !owed_dsq[c])
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
			kick_now(c, t, req, w, in_op[c]);
			atomic { queue_task(c, s); s = 0 }
#else
#ifdef HELD
		:: atomic { in_op[c] && !stop && KICKS(c) ->
			choose(c, t, req); kick_later(c, req, level, wait);
			choose(c, t, req); kick_later(c, req, level, wait);
			kick_flush_masks(req, level, wait) };
			kick_now(c, t, req, w, in_op[c]);
			asked[c] = 0
#else
		:: atomic { in_op[c] && !stop && loaded -> choose(c, t, req); queue_task(c, t) };
			kick_now(c, t, req, w, in_op[c])
#endif
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
		:: rt -> SWITCHED(cls[c] != OTHER); cls[c] = OTHER
		:: keep
		:: !rt && !keep && (got || dsq[c]) ->
			owed_dsq[c] = 0;
			dsq[c] = dsq[c] && cls[c] == EXT && !blocked;
			cls[c] = EXT; SWITCHED(1)
		:: !rt && !keep && !got && !dsq[c] && cls[c] != IDLE && !blocked
		:: !rt && !keep && !got && !dsq[c] && (cls[c] == IDLE || blocked) ->
			SWITCHED(cls[c] != IDLE); cls[c] = IDLE
		:: !rt && !keep && !got && !dsq[c] && !stop && online[c] -> cls[c] = EXT; SWITCHED(1)
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
		kick_wait_if(c, t);
#endif
#ifdef EXITS
		if
		:: loaded -> atomic { scx_kick_cycle_end(c, w); TO_WAIT(c) }
		:: else
		fi;
#else
		atomic { scx_kick_cycle_end(c, w); TO_WAIT(c)
#ifdef WAITS
		};
#endif
#endif
#ifdef WAITS
#ifndef MUT_WAIT_BEFORE_END
		kick_wait_if(c, t);
#endif
#endif
#if defined(EXITS) || defined(WAITS)
		atomic {
#endif
		/* __schedule() is called again as long as need_resched is set. */
		preempt_off[c] = 0;
		at[c] = RUN;
		SWITCHED(0);
		PROPERTY(waits_long_enough, nr[c] || cls[c] != EXT || bypass || !due[c]);
#ifdef DATA
		if
		:: c == 0 && !nr[0] && cls[0] == EXT && must_show ->
			PROPERTY(wait_shows, (read_early -> early_data : data));
			must_show = 0; wrote = 0; data = 0
		:: else
		fi;
		early_data = 0; read_early = 0
#endif
		}
	od
}

/* Interrupts of one CPU, and what else sets its need_resched. */
active [NCPU] proctype interrupts()
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
		kick_now(c, t, req, w, hard[c])
#endif

#if (CTX) & (C_NMI + C_IDLE)
	/* kick_work_fn() */
	:: atomic { queued[c] && !irqs_off[c] -> queued[c] = 0; hard[c] = 1; asleep[c] = 0 };
#if (CTX) & C_NMI
		if
		:: atomic { loaded && held_req[c] -> req = held_req[c]; held_req[c] = 0 };
			kick_now(c, t, req, w, dropped)
		:: atomic { !(loaded && held_req[c]) }
		fi;
#endif
		atomic {
			if
			:: loaded && (word[c] & KICK_REQ_MASK) -> nr[c] = 1
			:: else
			fi;
			hard[c] = 0
		}
#endif
#if (CTX) & C_NMI
	/* NMI leaves the rest to that */
	:: atomic { !stop && at[c] != DEAD && loaded && !bypass ->
		held_req[c] = KICK_REQ_RESCHED; queued[c] = 1 }
#endif
	od
}
#define NBEFORE		(2 * NCPU)

#ifdef MASK
#define MAY_KICK_ONE(c)	(c != NCPU)
#define choose_one(c, t, req)	t = 0; req = KICK_REQ_RESCHED
#else
#define MAY_KICK_ONE(c)	1
#define choose_one(c, t, req)	choose(c, t, req)
#endif

#if NKICK
/* A CPU of which only the kicks matter. */
active [NKICK] proctype kicker()
{
	byte c = _pid - NBEFORE + NCPU;
	byte t, req, w, send;
#ifdef MASK
	byte reqs[2];
#endif
	bit sent, placed, dropped;

	do
#ifdef MASK
	:: atomic { !stop && c == NCPU ->
		choose_kind(req); reqs[0] = req; choose_kind(req); reqs[1] = req; req = 0;
		queue_task(c, t); preempt_off[c] = 1 };
		kick_mask(c, t, req, w, send, preempt_off[c])
#endif
#if (KINDS) & ~K_ENQ
	:: atomic { !stop && !stopping && MAY_KICK_ONE(c) ->
		choose_one(c, t, req); queue_task(c, t);
#ifndef MUT_CHECK_BEFORE_GUARD
		preempt_off[c] = 1
#endif
		};
		kick_now(c, t, req, w, preempt_off[c])
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
#ifndef MUT_ENQ_KEEPS_SLICE
				slice[0] = 0;
#endif
				if
#ifdef MUT_ENQ_STALE
				:: w & KICK_CPU_PICKING ->
#else
				:: word[0] & KICK_CPU_PICKING ->
#endif
					word[0] = word[0] | KICK_REQ_RESCHED
				:: else ->
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
#ifdef MASK
#define DRAIN(k)	atomic { work_sb[k] -> work[0] = 1; work[1] = 1; work_sb[k] = 0 }
#else
#define DRAIN(k)	atomic { work_sb[k] -> work[work_sb[k] - 1] = 1; work_sb[k] = 0 }
#endif
active proctype store_buffers()
{
	do
#ifdef DATA
	:: atomic { data_sb -> data = 1; data_sb = 0 }
#endif
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
		:: i < NCPU -> (!hard[i]); i++
		:: else -> i = 0; break
		od;
#endif
		/* scx_kick_reset() */
		do
		:: i < NCPU ->
#ifndef MUT_NO_IRQ_WORK_SYNC
			!queued[i] && !hard[i];
#endif
			atomic {
#ifndef MUT_NO_RESET
				word[i] = KICK_CPU_IDLE;
				wait_asked[i] = 0; wait_on[i] = 0; wait_cpus[i] = 0; wait_cpu[i] = 0;
				held_req[i] = 0;
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
			PROPERTY(clean_until_load, word[i] == KICK_CPU_IDLE && !wait_asked[i] && !wait_on[i] &&
				 !wait_cpus[i] && !queued[i] && !held_req[i]);
			i++
		:: else -> i = 0; break
		od;
		clean = 0;
		bypass = 1;
		loaded = 1;
		do
		:: atomic { i < NCPU && !rqlock[RQ(i)] ->
			if
			:: cls[i] == OTHER -> cls[i] = EXT;
				/* scx_kick_entered() */
				word[i] = (word[i] & KICK_CPU_PICKING -> word[i] | KICK_REQ_RESCHED :
					   word[i] & ~KICK_CPU_ABOVE);
				resched_curr(i)
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
				 (!nr[i] && !ipi[i] && !queued[i]));
			PROPERTY(clean_after_exit, !clean ||
				 (word[i] == KICK_CPU_IDLE && !wait_asked[i] && !wait_on[i]));
			if
			:: loaded && at[i] != DEAD ->
				/* a task of a higher class keeps the CPU, which goes through a cycle after it */
				PROPERTY(kick_is_served, cls[i] == OTHER || forced[i] ||
					 (!owed[i] && !owed_preempt[i]));
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
