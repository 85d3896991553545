// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: those that are not made at once.
 *
 * Of an operation that is followed by a flush, the first kick is kept as it is, and
 * only kicks of other CPUs go to the cpumasks: most operations kick one CPU. All others
 * go to the cpumasks, and the irq_work drains them. A flush that comes earlier takes
 * them along: by then what they waited for has been done, too.
 */

/* Of two kicks of one CPU the strongest counts: preempt, then a plain one, then idle. */
static __always_inline int kick_stronger(int held, int req)
{
	return req & KICK_REQ_IDLE ? held : (held | req) & ~KICK_REQ_IDLE;
}

/*
 * Mark @cpu in the cpumask for @req. Returns false if it was marked. That one is to be waited
 * for is kept for all of them together: so this CPU waits for some of its targets needlessly,
 * for a cycle that is due.
 *
 * Atomic, for NMI. NMI sets @masks after its bits and the irq_work comes after that, so
 * a drain that it comes into the middle of may leave the bits, but not to nobody.
 */
static bool kick_hold_in_masks(struct scx_kick *this_kick, s32 cpu, int req)
{
	struct kick_held *held = &this_kick->held;
	struct cpumask *cpus = req & KICK_REQ_IDLE ? held->idle :
			       req & KICK_REQ_PREEMPT ? held->preempt : held->resched;
	bool marked = cpumask_test_and_set_cpu(cpu, cpus);

	if (req & KICK_REQ_WAIT)
		WRITE_ONCE(held->wait, true);
	WRITE_ONCE(held->masks, true);
	return !marked;
}

/*
 * Leave what is held back until the irq_work comes. Returns false if that has no use: a CPU that
 * has gone offline runs none, and while the machine suspends interrupts may not work. A bypass
 * makes up for the kicks that it drops.
 */
static bool kick_hold_for_work(void)
{
	if (unlikely(!cpu_online(smp_processor_id())))
		return false;
	smp_mb();	/* as (A) in kick_now() */
	if (unlikely(kick_bypassed()))
		return false;
	kick_queue_work();
	return true;
}

/* Note what the held kicks of operation @op, and of those before it, wait for. */
static void kick_hold_until(struct scx_kick *this_kick, enum kick_op op)
{
	/* What comes last of several operations, nested or one after the other. */
	if (this_kick->held.until < op)
		this_kick->held.until = op;
	if (op == KICK_OP_SLEEP)
		WRITE_ONCE(this_kick->wait.flush, true);
}

/* Hold a kick back in the cpumasks, for the irq_work if @work. Not traced, see kick_hold(). */
static noinline notrace void kick_hold_slow(struct scx_kick *this_kick, s32 cpu, int req,
					    bool work)
{
	if (work && !kick_hold_for_work())
		kick_now(cpu, req, false, 0);
	else if (!kick_hold_in_masks(this_kick, cpu, req))
		kick_account(cpu, req, SCX_KICKED_COALESCED);
}

/*
 * Hold a kick back. Caller is in NMI, or in an operation and has interrupts off. Not
 * traced: a program that is attached to this may kick.
 */
static noinline notrace void kick_hold(s32 cpu, int req)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	struct kick_held *held = &this_kick->held;
	enum kick_op op = in_nmi() ? KICK_OP_LOCKED : kick_op();

	if (unlikely(op == KICK_OP_LOCKED)) {
		kick_hold_slow(this_kick, cpu, req, true);
	} else if (!held->req) {
		held->cpu = cpu;
		held->req = req;
		kick_hold_until(this_kick, op);
	} else if (held->cpu != cpu) {
		kick_hold_until(this_kick, op);
		kick_hold_slow(this_kick, cpu, req, false);
	} else {
		held->req = kick_stronger(held->req, req);
		/* Last: a program that is attached to it may kick, too. */
		if (unlikely(kick_traced()))
			kick_account(cpu, req, SCX_KICKED_COALESCED);
		else
			this_cpu_inc(scx_kick_stats.outcomes[SCX_KICKED_COALESCED]);
	}
}

/*
 * Claim @p for the time after the operation. Returns 1 if the claim cannot be held back: this
 * CPU has one already, or no irq_work runs on it as soon as interrupts open. @p may be gone by
 * the time of a tick.
 */
static noinline notrace s32 kick_hold_claim(struct task_struct *p, s32 cpu, int wait)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	struct kick_claim *claim = &this_kick->claim;
	enum kick_op op = in_nmi() ? KICK_OP_LOCKED : kick_op();
	unsigned long switches;
	int word;
	s32 ret;

	if (op == KICK_OP_LOCKED && (unlikely(!cpu_online(smp_processor_id())) ||
				     !arch_irq_work_has_interrupt()))
		return 1;
	/* Taken first: NMI may come in between. */
	if (cmpxchg_local(&claim->task, NULL, p))
		return 1;
	ret = kick_claim_task(p, cpu, KICK_CLAIM, &word, &switches, false);
	if (ret) {
		WRITE_ONCE(claim->task, NULL);
		return ret;
	}
	claim->switches = switches;
	claim->cpu = cpu;
	claim->wait = wait;
	if (op == KICK_OP_LOCKED)
		kick_queue_work();
	else
		kick_hold_until(this_kick, op);
	return 0;
}

static __always_inline unsigned long kick_take_bits(struct cpumask *cpus, int i)
{
	unsigned long *bits = &cpumask_bits(cpus)[i];

	return READ_ONCE(*bits) ? xchg(bits, 0) : 0;
}

/* Make the kicks of @todo, where bit 0 is CPU @first, or drop them as @outcome says. */
static void kick_held_cpus(s32 first, unsigned long todo, int req, enum scx_kick_outcome outcome)
{
	for (; todo; todo &= todo - 1) {
		s32 cpu = first + __ffs(todo);

		if (outcome != SCX_KICKED_NR)
			kick_account(cpu, req, outcome);
		else if (likely(cpu_online(cpu)) || cpu == smp_processor_id())
			kick_one(cpu, req, false, 0);
		else
			kick_account(cpu, req, SCX_KICKED_OFFLINE);
	}
}

/*
 * Make the kicks in the cpumasks, or drop them as @outcome says, %SCX_KICKED_NR: make them.
 * Touches only what is set.
 */
static void kick_drain(struct scx_kick *this_kick, enum scx_kick_outcome outcome)
{
	struct kick_held *held = &this_kick->held;
	int i, wait;

	/* First, see kick_hold_in_masks(). The compiler keeps it so. */
	WRITE_ONCE(held->masks, false);
	wait = READ_ONCE(held->wait) ? KICK_REQ_WAIT : 0;
	WRITE_ONCE(held->wait, false);
	barrier();
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		unsigned long preempt = kick_take_bits(held->preempt, i);
		unsigned long resched = kick_take_bits(held->resched, i);
		unsigned long idle = kick_take_bits(held->idle, i);
		s32 first = i * BITS_PER_LONG;

		kick_held_cpus(first, preempt, KICK_REQ_RESCHED | KICK_REQ_PREEMPT | wait, outcome);
		/* Those that were kicked harder find that, and are counted as coalesced. */
		kick_held_cpus(first, resched, KICK_REQ_RESCHED | wait, outcome);
		kick_held_cpus(first, idle, KICK_REQ_IDLE, outcome);
	}
}

/* Drop what is held back: the BPF scheduler has been bypassed, or is gone. */
static noinline void kick_drop_held(struct scx_kick *this_kick)
{
	int req = this_kick->held.req;

	this_kick->held.req = 0;
	if (req)
		kick_account(this_kick->held.cpu, req, SCX_KICKED_BYPASS);
	kick_drain(this_kick, SCX_KICKED_BYPASS);
	kick_drop_claim(&this_kick->claim);
}

/**
 * __scx_kick_flush - scx_kick_flush() with kicks held back
 */
void __scx_kick_flush(void)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	int req = this_kick->held.req;

	this_kick->held.until = KICK_OP_NONE;
	WRITE_ONCE(this_kick->wait.flush, false);
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed())) {
		kick_drop_held(this_kick);
		return;
	}
	if (unlikely(this_kick->claim.task))
		kick_flush_claim(&this_kick->claim);
	if (likely(req)) {
		this_kick->held.req = 0;
		kick_one(this_kick->held.cpu, req, false, 0);
	}
	if (unlikely(READ_ONCE(this_kick->held.masks)))
		kick_drain(this_kick, SCX_KICKED_NR);
}

/*
 * If the CPU whose local DSQ @p will be moved to has a kick with PREEMPT held back, have
 * the move preempt, and leave a kick without: it could come to take the slice from @p.
 */
static void kick_preempt_by_move(struct scx_kick *this_kick, struct task_struct *p)
{
	s32 cpu = p->scx.ddsp_dsq_id & SCX_DSQ_LOCAL_CPU_MASK;
	struct kick_held *held = &this_kick->held;

	if (held->req && held->cpu == cpu) {
		if (!(held->req & KICK_REQ_PREEMPT))
			return;
		held->req &= ~KICK_REQ_PREEMPT;
	} else if (cpumask_test_and_clear_cpu(cpu, held->preempt)) {
		cpumask_set_cpu(cpu, held->resched);
	} else {
		return;
	}
	p->scx.ddsp_enq_flags |= KICK_ENQ_PREEMPT;
}

/**
 * __scx_kick_enqueued - scx_kick_enqueued() with kicks held back
 * @p: the task
 * @enq_flags: with these flags
 *
 * The kicks of a task that has just become runnable wait for task_woken_scx(): interrupts stay
 * off, and nothing else enqueues in between. By then @p has got to the local DSQ of another CPU,
 * and wakeup_preempt() has marked the CPU that it wakes, which needs one interrupt only.
 *
 * Any other task that goes to the local DSQ of another CPU has not got there yet, which a verdict
 * that has not been cleared shows: an irq_work moves it, of this rq, perhaps on another CPU. Its
 * kicks are made now. Of all that they do, only a slice would be taken for nothing: so that is
 * left to the move.
 *
 * ops.cpu_release() may have more tasks to enqueue.
 */
void __scx_kick_enqueued(struct task_struct *p, u64 enq_flags)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);

	if (IS_ENABLED(CONFIG_SMP) && (enq_flags & (ENQUEUE_WAKEUP | ENQUEUE_INITIAL))) {
		this_kick->held.until = KICK_OP_WOKEN;
		return;
	}
	if (p->scx.ddsp_dsq_id != SCX_DSQ_INVALID)
		kick_preempt_by_move(this_kick, p);
	if (unlikely(this_kick->op != KICK_OP_NONE) && cpu_online(smp_processor_id()))
		kick_queue_work();
	else
		__scx_kick_flush();
}

/*
 * Make what NMI and operations without a flush held back. This CPU may have kicked itself,
 * too, and be on its way down, and online no more.
 */
static void kick_work_fn(struct irq_work *work)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);

	if (!scx_enabled())
		return;
	__scx_kick_flush();
	if (atomic_read(&this_kick->word) & KICK_REQ_MASK)
		kick_resched_self();
}
