// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: the preemption of one task, claimed by one caller.
 */

/*
 * Return how often @p was switched out, which tells its stints apart. The
 * number changes when @p leaves its CPU, between the start and the end of a
 * cycle.
 */
static __always_inline unsigned long task_switches(struct task_struct *p)
{
	/* Only the CPU that runs @p writes these, and may do so now. */
	return data_race(p->nvcsw) + data_race(p->nivcsw);
}

/*
 * Put @req into the word of @cpu if @cpu runs @p and no other preemption is
 * pending. Leave in *@word what the word was, in *@switches which stint of @p
 * that is. Caller has executed (A) and has interrupts off. See rule (4) of
 * kick.c.
 */
static __always_inline s32 kick_claim_task(struct task_struct *p, s32 cpu,
					   int req, int *word,
					   unsigned long *switches, bool traced)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

	if (READ_ONCE(p->sched_class) != &ext_sched_class)
		return -ESRCH;

	do {
		*word = atomic_read_acquire(&kick->word);	/* (E) */
		if (rcu_access_pointer(cpu_rq(cpu)->curr) != p)
			return -ESRCH;
		if (*word & (KICK_CPU_PICKING | KICK_REQ_PREEMPTS | KICK_CLAIM))
			return -EBUSY;
		/*
		 * SCX_ENQ_PREEMPT, or the slice is used up. The slice may
		 * change at any time: this is a service and no promise.
		 */
		if (!data_race(p->scx.slice) &&
		    ((*word & KICK_REQ_MASK) || test_tsk_need_resched(p)))
			return -EBUSY;
		*switches = task_switches(p);
		if (traced && req != KICK_CLAIM)
			kick_asked(cpu, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word,
				     *word | req));	/* (F), (J) */

	return 0;
}

/*
 * Replace the KICK_CLAIM of @claim by @req in the target's word. Leave in
 * *@word what the word was. Returns false if the task has left the CPU: then
 * the claim has ended. Caller has interrupts off.
 *
 * The claimer was in an RCU read-side section, but perhaps in NMI, and in an
 * extended quiescent state before and after it: the task may have gone for good
 * since. What rq->curr points to has not.
 *
 * A cycle that does not switch tasks takes KICK_CLAIM and puts it back. In
 * between the word says PICKING and nobody else can claim, so the bit need not
 * be seen. In any other state the bit is that of @claim as long as
 * task_switches() has not changed: the acquire makes sure that who reads the
 * KICK_CLAIM of a later stint reads the later number of switches as well.
 */
static bool kick_replace_claim(struct kick_claim *claim, int req, int *word)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, claim->cpu);
	int new;

	do {
		*word = atomic_read_acquire(&kick->word);
		if (!(*word & (KICK_CLAIM | KICK_CPU_PICKING)) ||
		    rcu_access_pointer(cpu_rq(claim->cpu)->curr) != claim->task ||
		    task_switches(claim->task) != claim->switches)
			return false;
		new = (*word & ~KICK_CLAIM) | req;
		/*
		 * If this cycle switches tasks, it may have looked too early,
		 * see kick_flush_claim(). KICK_CLAIM may be out of the word:
		 * KICK_REQ_TASK keeps it from being put back.
		 */
		if (*word & KICK_CPU_PICKING)
			new |= KICK_REQ_TASK | KICK_REQ_IDLE;
		kick_asked(claim->cpu, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, new));	/* (J) */

	return true;
}

/*
 * Make @claim, which was held back. Caller has executed (A) and has interrupts
 * off.
 *
 * If the claimed task has left the CPU of itself, that cycle may have looked at
 * the queues before the claimer's task was there. So have the CPU look again if
 * it is idle. What else it runs by now is left alone.
 */
static noinline void kick_flush_claim(struct kick_claim *claim)
{
	int word;

	if (!kick_replace_claim(claim, claim->req, &word)) {
		if (kick_place(claim->cpu, KICK_REQ_IDLE, &word, true) ==
		    SCX_KICKED_SENT)
			kick_send(claim->cpu, word, false, 0);
	} else {
		if (claim->req & KICK_REQ_WAIT)
			kick_ask_wait(claim->cpu, false, 0);
		if (word & (KICK_REQ_MASK | KICK_CPU_PICKING))
			;	/* A cycle is on its way. */
		else if (claim->req & KICK_REQ_LAZY)
			kick_leave_to_tick(claim->cpu, false, 0);
		else
			kick_send(claim->cpu, word, false, 0);
	}
	WRITE_ONCE(claim->task, NULL);
}

/* Take @claim out of the target's word. Caller has interrupts off. */
static void kick_drop_claim(struct kick_claim *claim)
{
	int word;

	if (!claim->task)
		return;
	kick_replace_claim(claim, 0, &word);
	WRITE_ONCE(claim->task, NULL);
}
