// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: the preemption of one task, claimed by one caller.
 */

/*
 * Tell the stints of @p apart: the number changes when @p leaves its CPU, between
 * the start and the end of a cycle.
 */
static __always_inline unsigned long task_switches(struct task_struct *p)
{
	/* Only that CPU writes it, and may be about to. */
	return data_race(p->nvcsw) + data_race(p->nivcsw);
}

/*
 * Put @req into the word of @cpu if @p is what it runs and nothing else preempts it.
 * *@word is what the word was, *@switches belongs to the stint. Caller has executed
 * (A) and has interrupts off.
 */
static __always_inline s32 kick_claim_task(struct task_struct *p, s32 cpu, int req,
					   int *word, unsigned long *switches, bool traced)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

	if (READ_ONCE(p->sched_class) != &ext_sched_class)
		return -ESRCH;

	do {
		*word = atomic_read_acquire(&kick->word);	/* (E) */
		if (rcu_access_pointer(cpu_rq(cpu)->curr) != p)
			return -ESRCH;
		if (*word & (KICK_CPU_PICKING | KICK_REQ_PREEMPT | KICK_REQ_TASK | KICK_CLAIM))
			return -EBUSY;
		/* SCX_ENQ_PREEMPT, or a slice at its end. It may change, this is no promise. */
		if (!data_race(p->scx.slice) &&
		    ((*word & KICK_REQ_MASK) || test_tsk_need_resched(p)))
			return -EBUSY;
		*switches = task_switches(p);
		if (traced && req != KICK_CLAIM)
			kick_asked(cpu, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, *word | req));	/* (F) */

	return 0;
}

/*
 * Replace the KICK_CLAIM of @claim by @req. Returns false if its task has left the
 * CPU, and the claim with it. *@word is what the target's word was.
 *
 * A cycle that does not switch tasks takes KICK_CLAIM and puts it back. In between, as
 * long as the word says PICKING, nobody else can claim, so there the bit need not be
 * seen. Everywhere else it is this CPU's as long as the task has not switched: the
 * acquire makes sure that whoever sees the KICK_CLAIM of a later stint sees that, too.
 */
static bool kick_replace_claim(struct kick_claim *claim, int req, int *word)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, claim->cpu);
	int new;

	do {
		*word = atomic_read_acquire(&kick->word);
		if (!(*word & (KICK_CLAIM | KICK_CPU_PICKING)) ||
		    task_switches(claim->task) != claim->switches)
			return false;
		new = (*word & ~KICK_CLAIM) | req;
		/*
		 * If this cycle leaves the task, it may have looked too early, see below. The
		 * KICK_CLAIM may be out of the word, KICK_REQ_TASK keeps it from being put back.
		 */
		if (*word & KICK_CPU_PICKING)
			new |= KICK_REQ_TASK | KICK_REQ_IDLE;
		kick_asked(claim->cpu, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, new));

	return true;
}

/*
 * Make the claim that was held back. Caller has executed (A) and has interrupts off.
 *
 * If the task has left the CPU of itself, the cycle in which it did may have looked
 * before the task was there that is to run instead. So an idle CPU has to look again;
 * whatever else it runs now is left alone.
 */
static noinline void kick_flush_claim(struct kick_claim *claim)
{
	int word;

	if (!kick_replace_claim(claim, KICK_REQ_TASK | claim->wait, &word)) {
		if (kick_place(claim->cpu, KICK_REQ_IDLE, &word, true) == SCX_KICKED_SENT)
			kick_send(claim->cpu, word, false, 0);
	} else {
		if (claim->wait)
			kick_ask_wait(claim->cpu, false, 0);
		if (!(word & (KICK_REQ_MASK | KICK_CPU_PICKING)))
			kick_send(claim->cpu, word, false, 0);
	}
	WRITE_ONCE(claim->task, NULL);
}

static void kick_drop_claim(struct kick_claim *claim)
{
	int word;

	if (!claim->task)
		return;
	kick_replace_claim(claim, 0, &word);
	WRITE_ONCE(claim->task, NULL);
}
