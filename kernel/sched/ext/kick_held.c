// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: those that are held back.
 *
 * Most operations kick one CPU. So the first kick of an operation is kept in
 * kick_held::cpu and kick_held::req, and only kicks of other CPUs go to the
 * cpumasks. The flush after the operation makes them all. Operations without a
 * flush, and NMI, put all kicks into the cpumasks, and the irq_work drains
 * these. A flush that comes before the irq_work drains them as well: by then
 * what they waited for has been done, too.
 */

/*
 * Add kick @req to @held, of the same CPU: preempt beats plain, plain beats
 * idle. KICK_REQ_LAZY becomes a preemption at once with all but idle, see
 * kick_one_slow().
 */
static __always_inline int kick_stronger(int held, int req)
{
	return req & KICK_REQ_IDLE ? held : (held | req) & ~KICK_REQ_IDLE;
}

/*
 * Set the bits of @cpu in the cpumasks for @req: PREEMPT is in
 * kick_held::preempt and in kick_held::resched, LAZY only in the former. So
 * LAZY and a plain kick are PREEMPT, as in kick_stronger(). Returns false if
 * the kick adds to another one that is held back. For a lazy and a plain one an
 * NMI may hide that.
 *
 * KICK_REQ_WAIT is kept once for all CPUs of the cpumasks. So this CPU may wait
 * needlessly for some of its targets, for one cycle that is due in any case.
 *
 * An NMI may come in the middle of this and of kick_drain(), so the bits are
 * set atomically, and kick_held::masks after them. If a drain misses bits of an
 * NMI, the irq_work that this NMI has queued finds them.
 */
static bool kick_hold_in_masks(struct scx_kick *this_kick, s32 cpu, int req)
{
	struct kick_held *held = &this_kick->held;
	bool marked;

	if (req & KICK_REQ_IDLE)
		marked = cpumask_test_and_set_cpu(cpu, held->idle);
	else if (!(req & (KICK_REQ_PREEMPT | KICK_REQ_LAZY)))
		marked = cpumask_test_cpu(cpu, held->preempt) |
			 cpumask_test_and_set_cpu(cpu, held->resched);
	else
		marked = cpumask_test_and_set_cpu(cpu, held->preempt) |
			 (req & KICK_REQ_LAZY ?
			  cpumask_test_cpu(cpu, held->resched) :
			  cpumask_test_and_set_cpu(cpu, held->resched));

	if (req & KICK_REQ_WAIT)
		WRITE_ONCE(held->wait, true);
	WRITE_ONCE(held->masks, true);
	return !marked;
}

/*
 * Queue the irq_work for what is held back. Returns false if the irq_work may
 * not come: a CPU that has gone offline runs none, and while the machine
 * suspends, which goes with a bypass, interrupts may not work. Caller then
 * makes the kick at once, and a bypass makes up for those that it drops.
 */
static bool kick_hold_for_work(void)
{
	if (unlikely(!cpu_online(smp_processor_id())))
		return false;
	smp_mb();	/* as (A) in kick_drop_bypassed() */
	if (unlikely(kick_bypassed()))
		return false;
	kick_queue_work();
	return true;
}

/* Note that what is held back has to wait for @op, too. */
static void kick_hold_until(struct scx_kick *this_kick, enum kick_op op)
{
	/* Of operations that are nested, or follow each other, the last one. */
	if (this_kick->held.until < op)
		this_kick->held.until = op;
	if (op == KICK_OP_SLEEP)
		WRITE_ONCE(this_kick->wait.flush, true);
}

/*
 * Hold a kick back in the cpumasks, for the irq_work if @work. Caller as for
 * kick_hold(), and notrace for the same reason.
 */
static noinline notrace void kick_hold_slow(struct scx_kick *this_kick, s32 cpu,
					    int req, bool work)
{
	if (work && !kick_hold_for_work())
		kick_now(cpu, req, false, 0);
	else if (!kick_hold_in_masks(this_kick, cpu, req))
		kick_account(cpu, req, SCX_KICKED_COALESCED);
}

/*
 * Hold a kick back. Caller is in NMI, or in an operation and has interrupts
 * off. notrace: a program that is attached to this function could kick and come
 * here again.
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
		/* Last: a program attached to the tracepoint may kick. */
		if (unlikely(kick_traced()))
			kick_account(cpu, req, SCX_KICKED_COALESCED);
		else
			this_cpu_inc(scx_kick_stats.outcomes[SCX_KICKED_COALESCED]);
	}
}

/* Find out if a kick of @cpu is held back. Caller as for kick_hold(). */
static bool kick_is_held(s32 cpu)
{
	struct kick_held *held = &this_cpu_ptr(&scx_kick_pcpu)->held;

	if (held->req && held->cpu == cpu)
		return true;
	return READ_ONCE(held->masks) &&
	       (cpumask_test_cpu(cpu, held->idle) ||
		cpumask_test_cpu(cpu, held->resched) ||
		cpumask_test_cpu(cpu, held->preempt));
}

/*
 * Claim the preemption of @p, which is sent after the operation, as @req.
 * Caller as for kick_hold(), and has executed (A).
 *
 * Returns 1 if the claim cannot be held back. That is so if this CPU holds one
 * back already, or if its irq_work would wait for the next tick: by then @p may
 * be gone. Otherwise returns what kick_claim_task() does.
 */
static noinline notrace s32 kick_hold_claim(struct task_struct *p, s32 cpu,
					    int req)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	struct kick_claim *claim = &this_kick->claim;
	enum kick_op op = in_nmi() ? KICK_OP_LOCKED : kick_op();
	unsigned long switches;
	int word;
	s32 ret;

	if (op == KICK_OP_LOCKED &&
	    (unlikely(!cpu_online(smp_processor_id())) ||
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
	claim->req = req;
	if (op == KICK_OP_LOCKED)
		kick_queue_work();
	else
		kick_hold_until(this_kick, op);
	return 0;
}

/* Take all bits out of word @i of @cpus. */
static __always_inline unsigned long kick_take_bits(struct cpumask *cpus, int i)
{
	unsigned long *bits = &cpumask_bits(cpus)[i];

	return READ_ONCE(*bits) ? xchg(bits, 0) : 0;
}

/*
 * Make kick @req of each CPU in @todo, where bit 0 is CPU @first. Or drop them,
 * and count them as @outcome if that is not SCX_KICKED_NR. Caller has executed
 * (A) and has interrupts off.
 */
static void kick_held_cpus(s32 first, unsigned long todo, int req,
			   enum scx_kick_outcome outcome)
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
 * Make the kicks in the cpumasks, or drop them as @outcome says: see
 * kick_held_cpus(). Writes only where bits are set.
 */
static void kick_drain(struct scx_kick *this_kick,
		       enum scx_kick_outcome outcome)
{
	struct kick_held *held = &this_kick->held;
	int i, wait;

	/* Clear these before the bits, see kick_hold_in_masks(). */
	WRITE_ONCE(held->masks, false);
	wait = READ_ONCE(held->wait) ? KICK_REQ_WAIT : 0;
	WRITE_ONCE(held->wait, false);
	barrier();
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		/*
		 * In this order: of an NMI in between, the rest of a PREEMPT is
		 * a plain kick, which brings the cycle for what is LAZY here.
		 */
		unsigned long resched = kick_take_bits(held->resched, i);
		unsigned long preempt = kick_take_bits(held->preempt, i);
		unsigned long idle = kick_take_bits(held->idle, i);
		s32 first = i * BITS_PER_LONG;

		/* Some are of an NMI since then, which may want to wait. */
		if (READ_ONCE(held->masks))
			wait = KICK_REQ_WAIT;
		kick_held_cpus(first, preempt & resched,
			       KICK_REQ_RESCHED | KICK_REQ_PREEMPT | wait,
			       outcome);
		kick_held_cpus(first, preempt & ~resched, KICK_REQ_LAZY,
			       outcome);
		kick_held_cpus(first, resched & ~preempt,
			       KICK_REQ_RESCHED | wait, outcome);
		/* A CPU of a stronger mask counts as coalesced here. */
		kick_held_cpus(first, idle, KICK_REQ_IDLE, outcome);
	}
}

/* Drop what is held back: the BPF scheduler is bypassed, or gone. */
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
 * __scx_kick_flush - make the kicks that this CPU holds back
 *
 * Context: Caller has interrupts off.
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
 * Have the move of @p to a local DSQ preempt, if this CPU holds back a kick
 * with PREEMPT or LAZY for the CPU of that DSQ. The kick stays, as a plain one:
 * it could take the slice from @p itself. LAZY becomes a preemption at once, as
 * a tick could come before @p is there.
 */
static void kick_preempt_by_move(struct scx_kick *this_kick,
				 struct task_struct *p)
{
	struct kick_held *held = &this_kick->held;
	s32 cpu = kick_bound_for(p);

	if (held->req && held->cpu == cpu) {
		if (!(held->req & (KICK_REQ_PREEMPT | KICK_REQ_LAZY)))
			return;
		held->req &= ~(KICK_REQ_PREEMPT | KICK_REQ_LAZY);
		held->req |= KICK_REQ_RESCHED;
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
 * @enq_flags: the flags of the enqueue
 *
 * There are three cases:
 *
 * - A wakeup, or a new task: hold the kicks back until task_woken_scx(), which
 *   comes before interrupts open. By then @p is on its local DSQ, and
 *   wakeup_preempt() has marked the CPU, so one interrupt is enough.
 * - Another task, and p->scx.ddsp_dsq_id is still set: @p is bound for the
 *   local DSQ of another CPU, and an irq_work of this rq moves it later. Make
 *   the kicks now, but let the move do the preempting: the kick would end a
 *   slice before @p is there.
 * - Any other: make the kicks now.
 *
 * Inside of ops.cpu_release(), which may enqueue more tasks, the irq_work makes
 * them.
 */
void __scx_kick_enqueued(struct task_struct *p, u64 enq_flags)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);

	if (IS_ENABLED(CONFIG_SMP) &&
	    (enq_flags & (ENQUEUE_WAKEUP | ENQUEUE_INITIAL))) {
		this_kick->held.until = KICK_OP_WOKEN;
		return;
	}
	if (p->scx.ddsp_dsq_id != SCX_DSQ_INVALID)
		kick_preempt_by_move(this_kick, p);
	if (unlikely(this_kick->op != KICK_OP_NONE) &&
	    cpu_online(smp_processor_id()))
		kick_queue_work();
	else
		__scx_kick_flush();
}

/*
 * Make what NMI and operations without a flush held back, and see to a kick of
 * this CPU by itself. This CPU may be on its way down, and not online any more.
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
