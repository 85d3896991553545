// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: the scheduling cycle of a CPU, which serves them.
 */

/* Trace that a cycle of @cpu serves the requests of @word. */
static void kick_trace_served(s32 cpu, int word)
{
	u64 *asked_ns = kick_asked_ns(cpu, word);
	u64 asked = READ_ONCE(*asked_ns);

	WRITE_ONCE(*asked_ns, 0);
	trace_sched_ext_kick_served(cpu, word & KICK_REQ_ALL,
				    asked ? kick_ns_since(asked) : 0);
}

/*
 * Put KICK_CLAIM back into the word of this CPU, for the case that this cycle
 * does not switch tasks. If KICK_REQ_TASK is there, the claimer has replaced it
 * already.
 */
static void kick_put_back_claim(struct scx_kick *kick)
{
	int word = atomic_read(&kick->word);

	do {
		if (word & KICK_REQ_TASK)
			return;
	} while (!atomic_try_cmpxchg(&kick->word, &word, word | KICK_CLAIM));
}

/* Return what the CPU of @rq runs. Caller holds @rq's lock, so it stays so. */
static __always_inline struct task_struct *kick_rq_curr(struct rq *rq)
{
	lockdep_assert_rq_held(rq);
	return rcu_dereference_protected(rq->curr,
					 lockdep_is_held(__rq_lockp(rq)));
}

/*
 * Find out if @curr, which a CPU runs, has a slice to take: it is a sched_ext
 * task that does not go to sleep just now, which keeps what is left for later.
 * Or it was one until a boost, perhaps when it was kicked, and is one again
 * after it. Caller holds the lock of that CPU's rq.
 */
static bool kick_has_slice(struct task_struct *curr)
{
	if (curr->sched_class == &ext_sched_class)
		return curr->scx.flags & SCX_TASK_QUEUED;
	return curr->prio < curr->normal_prio;
}

/**
 * scx_kick_serve - a cycle has taken requests, or a claim
 * @rq: this CPU's rq
 * @word: the word that they were in
 *
 * Ends the slice of the current task if a preemption was asked for. A task of
 * another class has no slice: there the cycle itself does all that was asked.
 *
 * Context: scx_kick_cycle_start(). Caller holds @rq's lock.
 */
void scx_kick_serve(struct rq *rq, int word)
{
	struct task_struct *curr = kick_rq_curr(rq);

	if (word & KICK_CLAIM)
		kick_put_back_claim(this_cpu_ptr(&scx_kick_pcpu));
	if (!(word & KICK_REQ_ALL))
		return;

	if ((word & KICK_REQ_PREEMPTS) && kick_has_slice(curr))
		kick_end_slice(curr);

	this_cpu_inc(scx_kick_stats.served);
	if (trace_sched_ext_kick_served_enabled())
		kick_trace_served(cpu_of(rq), word);
}

/**
 * __scx_kick_dispatched - scx_kick_dispatched() with a preemption pending here
 * @rq: the rq that was dispatched for
 * @prev: the task that runs there
 *
 * Does nothing if @rq is that of a sibling: a request in the word of this CPU
 * is of its own cycle. For the task of the sibling see
 * scx_kick_core_dispatched().
 */
void __scx_kick_dispatched(struct rq *rq, struct task_struct *prev)
{
	if (cpu_of(rq) == smp_processor_id() &&
	    prev->sched_class == &ext_sched_class && kick_has_slice(prev))
		kick_end_slice(prev);
}

/**
 * scx_kick_core_dispatch - core scheduling is about to dispatch for a CPU
 * @rq: the rq that it is for
 *
 * Forgets whom an insertion has preempted there before.
 *
 * Context: the dispatch path under core scheduling. Caller holds @rq's lock.
 */
void scx_kick_core_dispatch(struct rq *rq)
{
	lockdep_assert_rq_held(rq);
	per_cpu(scx_kick_pcpu, cpu_of(rq)).preempted = 0;
}

/**
 * scx_kick_core_dispatched - core scheduling has dispatched for a CPU
 * @rq: the rq that it was for
 * @prev: the task that ran there
 *
 * If a task was put on the local DSQ to preempt @prev meanwhile, ends the slice
 * of @prev, which ops.dispatch() may have filled again. What the word of the
 * CPU asks for may be of the task before @prev: a sibling dispatches at any
 * time.
 *
 * Context: the dispatch path under core scheduling. Caller holds @rq's lock.
 *
 * Return: true if @prev is not to be kept: its slice has been ended and the
 * local DSQ has a task.
 */
bool scx_kick_core_dispatched(struct rq *rq, struct task_struct *prev)
{
	/* The lock may have been dropped: @prev may run no more. */
	if (prev->pid != per_cpu(scx_kick_pcpu, cpu_of(rq)).preempted ||
	    prev != kick_rq_curr(rq) || prev->sched_class != &ext_sched_class)
		return false;
	kick_end_slice(prev);
	return !prev->scx.slice && rq->scx.local_dsq.nr;
}

/* Ask @req of @cpu if it is inside a cycle. Returns false if it is not. */
static noinline bool kick_picking(s32 cpu, int req)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);
	int word = atomic_read(&kick->word);

	do {
		if (!(word & KICK_CPU_PICKING))
			return false;
		kick_asked(cpu, word);
	} while (!atomic_try_cmpxchg(&kick->word, &word, word | req));

	return true;
}

/*
 * Have the CPU of @rq look at its local DSQ, and add @req to that if it is in a
 * cycle. Caller holds @rq's lock.
 */
static __always_inline void kick_local(struct rq *rq, int req)
{
	int word;

	/*
	 * Core scheduling dispatches for siblings, which may be in another
	 * cycle.
	 */
	if (!kick_rq_dispatches(rq) || sched_core_enabled(rq))
		req |= KICK_REQ_RESCHED;
	word = atomic_read(&per_cpu(scx_kick_pcpu, cpu_of(rq)).word);
	if (word & KICK_CPU_PICKING) {
		if (!req || kick_picking(cpu_of(rq), req))
			return;
	} else if (word & KICK_REQ_MASK) {
		/* A cycle is on its way. It needs this lock to start. */
		return;
	}
	resched_curr(rq);
}

/*
 * Leave it to the next cycle or tick of the CPU of @rq, whose current task has
 * lost its slice, to look at the local DSQ. Returns false if the CPU has to be
 * told at once. Caller holds @rq's lock.
 */
static noinline bool kick_local_lazily(struct rq *rq)
{
	return kick_lazily(cpu_of(rq), false, 0) != SCX_KICKED_NR;
}

/*
 * Take the slice from @curr, which @rq runs, for a task that was put on the
 * local DSQ with @enq_flags. Caller holds @rq's lock.
 */
static noinline void kick_local_preempt(struct rq *rq, struct task_struct *curr,
					u64 enq_flags)
{
	if (kick_has_slice(curr))
		kick_end_slice(curr);
	if (sched_core_enabled(rq))
		per_cpu(scx_kick_pcpu, cpu_of(rq)).preempted = curr->pid;
	if ((enq_flags & (SCX_ENQ_PREEMPT | KICK_ENQ_PREEMPT)) ||
	    !kick_local_lazily(rq))
		kick_local(rq, KICK_REQ_TASK);
}

/**
 * scx_kick_local_enq - a task was put on the local DSQ of a CPU
 * @dsq: the local DSQ
 * @p: the task
 * @enq_flags: %SCX_ENQ_PREEMPT takes the slice from the CPU's current sched_ext
 *	task, %SCX_ENQ_PREEMPT_LAZY does, too, but interrupts nobody
 *
 * Makes the CPU look at the task if it preempts, or if the CPU runs a class
 * below sched_ext.
 *
 * The rq lock keeps the CPU from starting a cycle and from taking its next
 * task. If a cycle is under way, there are two cases:
 *
 * - The CPU may have taken its next task already. A request leads to another
 *   cycle at the end of this one.
 * - The CPU is dispatching, and about to take @p. But it may also keep its
 *   current task, if ops.dispatch() fills the slice of that again.
 *   KICK_REQ_TASK ends this slice, see scx_kick_dispatched(), and leads to
 *   another cycle only if the current task is kept all the same.
 *
 * Under core scheduling a sibling may dispatch for the CPU, which is in no
 * cycle then, or past its pick, see scx_kick_core_dispatched().
 *
 * Context: Caller holds the lock of the rq that @dsq belongs to.
 */
void scx_kick_local_enq(struct scx_dispatch_q *dsq, struct task_struct *p,
			u64 enq_flags)
{
	struct rq *rq = container_of(dsq, struct rq, scx.local_dsq);
	struct task_struct *curr = kick_rq_curr(rq);

	if (sched_class_above(&ext_sched_class, curr->sched_class))
		kick_local(rq, 0);
	else if ((enq_flags & (SCX_ENQ_PREEMPT | SCX_ENQ_PREEMPT_LAZY |
			       KICK_ENQ_PREEMPT)) &&
		 p != curr && curr->sched_class == &ext_sched_class)
		kick_local_preempt(rq, curr, enq_flags);
}

/**
 * scx_kick_entered - a task has become a sched_ext task
 * @rq: its rq
 * @p: the task
 *
 * If @p is running, no higher class keeps its CPU any more. Has that CPU start
 * a cycle, for the kicks that were left out before.
 *
 * Context: switched_to_scx(). Caller holds @rq's lock.
 */
void scx_kick_entered(struct rq *rq, struct task_struct *p)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu_of(rq));
	int picks = (KICK_CYCLE - 1) & -KICK_SIBLING;
	int word, new;

	if (!scx_enabled() || !task_current(rq, p))
		return;
	/*
	 * (G), pairs with (H) in __scx_kick_cycle_end(). Change the word even
	 * if it has the request: the end of the cycle must not succeed with the
	 * class that it has read.
	 */
	word = atomic_read(&kick->word);
	do {
		if (word & KICK_CPU_PICKING)
			new = (word & ~picks) |
			      ((word + KICK_SIBLING) & picks) |
			      KICK_REQ_RESCHED;
		else
			new = word & ~KICK_CPU_ABOVE;
	} while (!atomic_try_cmpxchg(&kick->word, &word, new));
	resched_curr(rq);
}

/**
 * __scx_kick_sibling_pick - scx_kick_sibling_pick() with a BPF scheduler loaded
 * @rq: this CPU's rq
 *
 * Ends the slice of the current task if a preemption was asked for: if the pick
 * is of a higher class, the end of this cycle drops the request. Any other pick
 * is not to be preempted for it.
 */
void __scx_kick_sibling_pick(struct rq *rq)
{
	const int stays = KICK_REQ_MASK | KICK_CLAIM | KICK_CPU_BUSY |
			  KICK_CPU_ABOVE;
	const int of_stint = KICK_REQ_TASK | KICK_REQ_LAZY;
	const int preempts = KICK_REQ_PREEMPTS;
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	struct task_struct *curr = kick_rq_curr(rq);
	unsigned int picks = kick->number + KICK_SIBLING;
	int word = atomic_read(&kick->word);
	int new;

	/*
	 * Each pick has a number, so a claimer never takes a later word for its
	 * own.
	 */
	kick->number = (kick->number & -KICK_CYCLE) |
		       (picks & (KICK_CYCLE - 1));
	do {
		new = kick->number | KICK_CPU_PICKING |
		      (word & stays & ~preempts);
		/*
		 * Who claims, or kicks lazily, has queued something: look, if
		 * the pick is idle.
		 */
		if (word & of_stint)
			new |= KICK_REQ_IDLE;
	} while (!atomic_try_cmpxchg(&kick->word, &word, new));

	if ((word & preempts) && kick_has_slice(curr))
		kick_end_slice(curr);
}

/* Return the state of this CPU after a cycle, by the class of current. */
static __always_inline int kick_state(void)
{
	const struct sched_class *class = READ_ONCE(current->sched_class);

	if (likely(class == &ext_sched_class))
		return KICK_CPU_BUSY;
	return class == &idle_sched_class ? KICK_CPU_IDLE :
					    KICK_CPU_BUSY | KICK_CPU_ABOVE;
}

/* Return the bits of @word that the end of a cycle in @state drops. */
static int kick_dropped(int word, int state, bool switched)
{
	int dropped = state & KICK_CPU_BUSY ? KICK_REQ_IDLE : 0;

	/*
	 * The CPU starts a cycle when the task leaves, or becomes a sched_ext
	 * task.
	 */
	if (state & KICK_CPU_ABOVE)
		return KICK_REQ_ALL | KICK_CLAIM;
	/*
	 * Without a switch the claim stands. Not PICKING: the BPF scheduler
	 * was loaded during this cycle.
	 */
	if (switched && (word & KICK_CPU_PICKING))
		dropped |= KICK_REQ_TASK | KICK_REQ_LAZY | KICK_CLAIM;
	return dropped;
}

/*
 * Find out if this CPU, now in @state, owes a cycle to somebody who has found
 * @word. It does if it left ABOVE, or BUSY for IDLE, without a cycle of its
 * own: a sibling made the pick. It does not if it is forced idle and has tasks,
 * or two siblings would force each other idle in turn.
 */
static bool kick_owes_cycle(int word, int state)
{
	if (state == KICK_CPU_IDLE)
		return (word & KICK_CPU_BUSY) && !this_rq()->nr_running;
	return (word & KICK_CPU_ABOVE) && !(state & KICK_CPU_ABOVE);
}

/* End a cycle where @word is not PICKING with the number of this cycle. */
static void kick_cycle_again(struct scx_kick *kick, int word, bool switched)
{
	int state, new;

	do {
		/* (G) may have changed the word: see its class, rule (5). */
		smp_rmb();
		state = kick_state();
		new = kick->number | state |
		      (word & (KICK_REQ_ALL | KICK_CLAIM) &
		       ~kick_dropped(word, state, switched));
	} while (!atomic_try_cmpxchg(&kick->word, &word, new));	/* (H) */

	if ((new & KICK_REQ_MASK) || kick_owes_cycle(word, state))
		kick_resched_self();
}

/*
 * End a cycle that has more to do; @word is what the word was. Out of line:
 * other cycles save no registers.
 */
static noinline void kick_cycle_end_slow(struct scx_kick *kick, int word,
					 bool switched)
{
	if (word != (kick->number | KICK_CPU_PICKING))
		kick_cycle_again(kick, word, switched);
	/* Held back by operations of the task that left, and by NMI. */
	if (READ_ONCE(kick->wait.flush) || READ_ONCE(kick->held.masks)) {
		guard(irqsave)();
		__scx_kick_flush();
	}
	if (READ_ONCE(kick->wait.due) &&
	    READ_ONCE(current->sched_class) == &ext_sched_class)
		kick_wait_begin(kick, switched);
}

/**
 * __scx_kick_cycle_end - scx_kick_cycle_end() with a BPF scheduler loaded
 * @switched: another task runs now
 */
void __scx_kick_cycle_end(bool switched)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	int word = kick->number | KICK_CPU_PICKING;

	/* (H), pairs with (G) in scx_kick_entered() */
	if (unlikely(!atomic_try_cmpxchg(&kick->word, &word,
					 kick->number | kick_state()) ||
		     READ_ONCE(kick->wait.due)))
		kick_cycle_end_slow(kick, word, switched);
}

/**
 * scx_kick_reset - leave nothing of the kicks of a BPF scheduler that has gone
 *
 * Context: process context, after scx_enabled() has become false and
 * synchronize_rcu() has waited for every kick and every cycle that may have
 * seen it true.
 */
void scx_kick_reset(void)
{
	s32 cpu;

	for_each_possible_cpu(cpu) {
		struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

		irq_work_sync(&kick->work);
		atomic_set(&kick->word, KICK_CPU_IDLE);
		kick->claim.task = NULL;
		WRITE_ONCE(kick->wait.due, 0);
		kick->wait.cpu = nr_cpu_ids;
		cpumask_clear(kick->wait.cpus);
		kick->held.until = KICK_OP_NONE;
		kick->held.req = 0;
		WRITE_ONCE(kick->held.masks, false);
		WRITE_ONCE(kick->held.wait, false);
		cpumask_clear(kick->held.idle);
		cpumask_clear(kick->held.resched);
		cpumask_clear(kick->held.preempt);
		WRITE_ONCE(per_cpu(scx_kick_watch, cpu).wait_before_ns, 0);
		WRITE_ONCE(per_cpu(scx_kick_watch, cpu).wait_told, false);
	}
}
