// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: by sub-schedulers.
 *
 * A sub-scheduler needs %SCX_CAP_BASE to kick a CPU. It may preempt there its
 * own tasks and those of schedulers below it, and others only with
 * %SCX_CAP_PREEMPT. Which task runs, and which caps the scheduler has by then,
 * is known when the kick is served. So a kick with %SCX_KICK_PREEMPT first puts
 * the struct scx_kick_sub of its scheduler on a list of the target, and then
 * places a plain request. The start of each cycle takes that list, and so does
 * each pick that a sibling made under core scheduling. They judge with the rq
 * lock held.
 *
 * Ordering, rule (7): a kicker that finds the entry on the list already is
 * served by the cycle that takes it, and that cycle sees the queue. asked is 1
 * at first:
 *
 *	kicker				target
 *
 *	WRITE_ONCE(queue, task);	xchg(word, PICKING);
 *	r0 = xchg(asked, 1);		xchg(asked, 0);
 *					r1 = READ_ONCE(queue);
 *
 *	BUG_ON(r0 == 1 && r1 != task);
 *
 * If the target takes the list before the kicker puts the entry there, the
 * request is placed after (B), and leads to another cycle. A sibling's pick
 * looks at no queue, but it leaves the request of whoever finds the entry in
 * the word.
 *
 * A kick of a CPU that a higher class keeps leaves its entry on the list. The
 * cycle that starts when that task leaves takes the entry, and preempts nobody.
 *
 * A kick with %SCX_KICK_PREEMPT that has to be held back (see kick_held.c) goes
 * to scx_kick_sub::preempt of the calling CPU, and an irq_work makes it.
 */
#ifdef CONFIG_EXT_SUB_SCHED

/**
 * struct scx_kick_sub - what a sub-scheduler keeps for the kicks of a CPU
 * @sch: the scheduler
 * @asked: this CPU is asked to preempt
 * @asked_node: on kick_subs::asked of this CPU while @asked
 * @held: the cpumasks may have bits set
 * @held_node: on kick_subs::held of this CPU while @held
 * @preempt: CPUs that this one is to preempt, and behind them as many that it
 *	is to wait for
 *
 * @asked and @held go first: whoever finds them set relies on those who clear
 * them.
 */
struct scx_kick_sub {
	struct scx_sched	*sch;
	int			asked;
	int			held;
	struct llist_node	asked_node;
	struct llist_node	held_node;
	unsigned long		preempt[];
};

/**
 * struct scx_kick_subs - kicks by sub-schedulers
 * @asked: scx_kick_sub of this CPU, by those who ask it to preempt
 * @held: scx_kick_sub of this CPU, with kicks that it holds back
 * @work: makes those of @held
 */
struct scx_kick_subs {
	struct llist_head	asked;
	struct llist_head	held;
	struct irq_work		work;
};

static void kick_subs_work_fn(struct irq_work *work);

static DEFINE_PER_CPU(struct scx_kick_subs, scx_kick_subs) = {
	.work	= IRQ_WORK_INIT_HARD(kick_subs_work_fn),
};

/*
 * Return the bits of the CPUs to wait for, behind those of
 * scx_kick_sub::preempt.
 */
static unsigned long *kick_sub_wait(struct scx_kick_sub *sub)
{
	return sub->preempt + BITS_TO_LONGS(nr_cpu_ids);
}

/* Find out if @sch may preempt @p, which runs on @cpu. */
static bool kick_sub_may_preempt(struct scx_sched *sch, struct task_struct *p,
				 s32 cpu)
{
	struct scx_sched *task_sch = scx_task_sched_rcu(p);

	if (scx_missing_caps(sch, cpu, SCX_CAP_BASE)) {
		__scx_add_event(sch, SCX_EV_SUB_KICK_DENIED, 1);
		return false;
	}
	if ((task_sch && scx_is_descendant(task_sch, sch)) ||
	    !scx_missing_caps(sch, cpu, SCX_CAP_PREEMPT))
		return true;
	__scx_add_event(sch, SCX_EV_SUB_PREEMPT_DENIED, 1);
	return false;
}

/*
 * Take the slice from the task that @rq runs, if @sch may. Caller holds its
 * lock.
 */
static void kick_judge_preempt(struct scx_sched *sch, struct rq *rq)
{
	struct task_struct *curr = kick_rq_curr(rq);

	if (kick_has_slice(curr) &&
	    kick_sub_may_preempt(sch, curr, cpu_of(rq)) &&
	    unlikely(!scx_set_task_slice(curr, 0)))
		__scx_add_event(sch, SCX_EV_SLICE_DENIED, 1);
}

/**
 * __scx_kick_serve_subs - scx_kick_serve_subs() with sub-schedulers loaded
 * @rq: this CPU's rq
 */
void __scx_kick_serve_subs(struct rq *rq)
{
	struct llist_head *asked = &per_cpu(scx_kick_subs, cpu_of(rq)).asked;
	struct scx_kick_sub *sub, *next;

	if (likely(llist_empty(asked)))
		return;
	llist_for_each_entry_safe(sub, next, llist_del_all(asked), asked_node) {
		/* A full barrier: who found it set has queued, rule (7). */
		xchg(&sub->asked, 0);
		if (!READ_ONCE(sub->sch->bypass_depth) &&
		    !READ_ONCE(sub->sch->dead))
			kick_judge_preempt(sub->sch, rq);
	}
}

/* Preempt on @cpu for @sch. Caller has executed (A) and has interrupts off. */
static void kick_sub_preempt(struct scx_sched *sch, s32 cpu, int req,
			     bool program, unsigned long irq_flags)
{
	struct scx_kick_sub *sub = per_cpu_ptr(sch->kick_subs, cpu);

	if (!xchg(&sub->asked, 1))
		llist_add(&sub->asked_node, &per_cpu(scx_kick_subs, cpu).asked);
	kick_now(cpu, req & ~KICK_REQ_PREEMPT, program, irq_flags);
}

/*
 * Hold a kick back that preempts. Caller has executed (A), and is in NMI, or in
 * an operation and has interrupts off.
 */
static void kick_sub_hold(struct scx_sched *sch, s32 cpu, int req)
{
	struct scx_kick_sub *sub = this_cpu_ptr(sch->kick_subs);
	struct scx_kick_subs *subs = this_cpu_ptr(&scx_kick_subs);
	bool marked;

	/* An irq_work may not come, see kick_hold_for_work(). */
	if (unlikely(!cpu_online(smp_processor_id())) ||
	    unlikely(kick_bypassed())) {
		kick_sub_preempt(sch, cpu, req, false, 0);
		return;
	}
	if (req & KICK_REQ_WAIT)
		set_bit(cpu, kick_sub_wait(sub));
	marked = test_and_set_bit(cpu, sub->preempt);
	if (!xchg(&sub->held, 1))
		llist_add(&sub->held_node, &subs->held);
	if (irq_work_queue(&subs->work))
		this_cpu_inc(scx_kick_stats.irqs);
	/* Last: a program that is attached to the tracepoint may kick. */
	if (marked)
		kick_account(cpu, req, SCX_KICKED_COALESCED);
}

/* Make the kicks that @sub holds back. Caller has interrupts off. */
static void kick_sub_flush(struct scx_kick_sub *sub)
{
	unsigned int cpu;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	for_each_set_bit(cpu, sub->preempt, nr_cpu_ids) {
		int req = KICK_REQ_RESCHED | KICK_REQ_PREEMPT;

		/* Of an NMI in between: it has set the other one before. */
		clear_bit(cpu, sub->preempt);
		if (test_and_clear_bit(cpu, kick_sub_wait(sub)))
			req |= KICK_REQ_WAIT;
		if (unlikely(READ_ONCE(sub->sch->bypass_depth)))
			kick_account(cpu, req, SCX_KICKED_BYPASS);
		else if (kick_reachable(cpu, req))
			kick_sub_preempt(sub->sch, cpu, req, false, 0);
	}
}

/* Make the kicks that sub-schedulers hold back on this CPU. */
static void kick_subs_work_fn(struct irq_work *work)
{
	struct llist_head *held = &this_cpu_ptr(&scx_kick_subs)->held;
	struct scx_kick_sub *sub, *next;

	llist_for_each_entry_safe(sub, next, llist_del_all(held), held_node) {
		/* Before the bits: NMI may come with another kick. */
		xchg(&sub->held, 0);
		kick_sub_flush(sub);
	}
}

/*
 * Do for @sch what kick_drop_bypassed() does for the root. Caller has
 * interrupts off.
 */
static bool kick_sub_drop_bypassed(struct scx_sched *sch, s32 cpu, int req)
{
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (likely(!READ_ONCE(sch->bypass_depth)))
		return false;
	kick_account(cpu, req, SCX_KICKED_BYPASS);
	return true;
}

/* Kick @cpu for @sch, or hold the kick back. Caller has interrupts off. */
static void kick_sub_one(struct scx_sched *sch, s32 cpu, int req,
			 unsigned long irq_flags)
{
	/* When it gains the cap, a cycle of the CPU tells it. */
	if (unlikely(scx_missing_caps(sch, cpu, SCX_CAP_BASE))) {
		__scx_add_event(sch, SCX_EV_SUB_KICK_DENIED, 1);
		return;
	}
	if (kick_sub_drop_bypassed(sch, cpu, req))
		return;

	if (req & KICK_REQ_PREEMPT && kick_must_hold())
		kick_sub_hold(sch, cpu, req);
	else if (req & KICK_REQ_PREEMPT)
		kick_sub_preempt(sch, cpu, req, true, irq_flags);
	else if (kick_must_hold())
		kick_hold(cpu, req);
	else
		kick_now(cpu, req, true, irq_flags);
}

/*
 * Translate the flags of a kick into KICK_REQ_*. Returns 0 and ends @sch if
 * they are invalid. Only a cycle judges whom @sch may preempt, so no kick is
 * left to a tick: %SCX_KICK_PREEMPT_LAZY is %SCX_KICK_PREEMPT here.
 */
static int kick_sub_req(struct scx_sched *sch, u64 flags)
{
	int req = kick_flags_at_once(flags) ? kick_req(flags) :
					      kick_lazy_req(flags);

	if (!req)
		scx_error(sch, KICK_FLAGS_INVALID, flags);
	return req == KICK_REQ_LAZY ? KICK_REQ_RESCHED | KICK_REQ_PREEMPT : req;
}

/* Do for @sch what kick_cpu() does for the root. */
static void kick_sub_cpu(struct scx_sched *sch, s32 cpu, u64 flags,
			 unsigned long irq_flags)
{
	int req = kick_sub_req(sch, flags);

	if (req && scx_cpu_valid(sch, cpu, "in a kick") && kick_reachable(cpu, req))
		kick_sub_one(sch, cpu, req, irq_flags);
}

/* Do for @sch what kick_cpumask() does for the root. */
static s32 kick_sub_cpumask(struct scx_sched *sch, const struct cpumask *cpus,
			    u64 flags, unsigned long irq_flags)
{
	int req = kick_sub_req(sch, flags);
	s32 cpu, asked = 0;

	if (!req)
		return -EINVAL;
	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		kick_sub_one(sch, cpu, req, irq_flags);
		asked++;
	}
	return asked;
}

/*
 * Do for @sch what kick_task() does for the root. A claim is of one stint, so
 * judge at once who may preempt @p.
 */
static s32 kick_sub_task(struct scx_sched *sch, struct task_struct *p,
			 u64 flags, unsigned long irq_flags)
{
	s32 cpu = task_cpu(p);

	if (unlikely(flags & ~(SCX_KICK_WAIT | SCX_KICK_PREEMPT_LAZY))) {
		scx_error(sch, KICK_TASK_FLAGS_INVALID, flags);
		return -EINVAL;
	}
	if (!kick_sub_may_preempt(sch, p, cpu))
		return -ESRCH;
	if (kick_sub_drop_bypassed(sch, cpu, KICK_REQ_TASK |
				   (int)(flags & SCX_KICK_WAIT)))
		return -EBUSY;
	return kick_task(p, flags, irq_flags);
}

/*
 * Do for @sch what kick_curr_cpu() does for the root. Who may preempt the task
 * that runs is judged at once, as in kick_sub_task(): the claim is of that
 * task. No pid is -1: nobody else is preempted, who may come just now.
 */
static s32 kick_sub_curr(struct scx_sched *sch, s32 cpu, s32 pid, u64 flags,
			 unsigned long irq_flags)
{
	s32 judged = -1, ret;
	bool denied = false;
	struct task_struct *p;

	if (!kick_curr_req(flags)) {
		scx_error(sch, KICK_CURR_FLAGS_INVALID, flags);
		return -EINVAL;
	}
	if (!scx_cpu_valid(sch, cpu, "in a kick"))
		return -ENODEV;
	if (scx_missing_caps(sch, cpu, SCX_CAP_BASE)) {
		__scx_add_event(sch, SCX_EV_SUB_KICK_DENIED, 1);
		return -EPERM;
	}
	if (kick_sub_drop_bypassed(sch, cpu, kick_curr_req(flags)))
		return -EBUSY;
	p = rcu_dereference_raw(cpu_rq(cpu)->curr);
	if (flags != SCX_KICK_IDLE && (!pid || pid == p->pid) &&
	    READ_ONCE(p->sched_class) == &ext_sched_class) {
		denied = !kick_sub_may_preempt(sch, p, cpu);
		if (!denied)
			judged = p->pid;
	}
	ret = kick_curr_cpu(cpu, judged, flags, irq_flags);
	if (ret != -ESRCH || flags == SCX_KICK_IDLE)
		return ret;
	/* Else another task than the judged one has just come. */
	return denied ? -EPERM : pid ? -ESRCH : -EBUSY;
}

/* Do for @sch what kick_idle_cpus() does for the root. */
static s32 kick_sub_idle(struct scx_sched *sch, const struct cpumask *cpus,
			 u32 nr, unsigned long irq_flags)
{
	s32 cpu, woken = 0;

	if (!nr)
		return 0;
	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		if (kick_sub_curr(sch, cpu, 0, SCX_KICK_IDLE, irq_flags) == 1 &&
		    ++woken >= nr)
			return woken;
	}
	/* Others may have looked, and idle, by the time of the flush. */
	if (!kick_must_hold())
		return woken;
	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		if (!kick_is_held(cpu))
			kick_sub_one(sch, cpu, KICK_REQ_IDLE, irq_flags);
	}
	return woken;
}

/**
 * scx_kick_sub_init - have a scheduler kick
 * @sch: the scheduler
 * @parent: the one above it, NULL: @sch is the root
 *
 * Return: 0 or -%ENOMEM
 */
int scx_kick_sub_init(struct scx_sched *sch, struct scx_sched *parent)
{
	s32 cpu;

	if (!parent)
		return 0;
	sch->kick_subs =
		__alloc_percpu(struct_size_t(struct scx_kick_sub, preempt,
					     2 * BITS_TO_LONGS(nr_cpu_ids)),
			       __alignof__(struct scx_kick_sub));
	if (!sch->kick_subs)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		per_cpu_ptr(sch->kick_subs, cpu)->sch = sch;
	return 0;
}

/* Take @sub from the list of @cpu. Nobody puts @sub there any more. */
static void kick_sub_unlist(struct scx_kick_sub *sub, s32 cpu)
{
	struct llist_head *asked = &per_cpu(scx_kick_subs, cpu).asked;
	struct scx_kick_sub *pos, *next;

	/* The lock keeps the CPU from taking the list. */
	guard(rq_lock_irqsave)(cpu_rq(cpu));
	if (!sub->asked)
		return;
	llist_for_each_entry_safe(pos, next, llist_del_all(asked), asked_node) {
		if (pos != sub)
			llist_add(&pos->asked_node, asked);
	}
}

/**
 * scx_kick_sub_exit - leave nothing of the kicks of a scheduler that goes
 * @sch: the scheduler
 *
 * Context: process context, a grace period after scx_prog_sched() found @sch
 * for the last time.
 */
void scx_kick_sub_exit(struct scx_sched *sch)
{
	s32 cpu;

	if (!sch->kick_subs)
		return;
	/* Before the lists: these put entries on lists of other CPUs. */
	for_each_possible_cpu(cpu)
		irq_work_sync(&per_cpu(scx_kick_subs, cpu).work);
	for_each_possible_cpu(cpu)
		kick_sub_unlist(per_cpu_ptr(sch->kick_subs, cpu), cpu);
	free_percpu(sch->kick_subs);
}

#else	/* CONFIG_EXT_SUB_SCHED */

static void kick_sub_cpu(struct scx_sched *sch, s32 cpu, u64 flags,
			 unsigned long irq_flags)
{
}

static s32 kick_sub_cpumask(struct scx_sched *sch, const struct cpumask *cpus,
			    u64 flags, unsigned long irq_flags)
{
	return 0;
}

static s32 kick_sub_task(struct scx_sched *sch, struct task_struct *p,
			 u64 flags, unsigned long irq_flags)
{
	return -ESRCH;
}

static s32 kick_sub_curr(struct scx_sched *sch, s32 cpu, s32 pid, u64 flags,
			 unsigned long irq_flags)
{
	return -ESRCH;
}

static s32 kick_sub_idle(struct scx_sched *sch, const struct cpumask *cpus,
			 u32 nr, unsigned long irq_flags)
{
	return 0;
}

#endif	/* CONFIG_EXT_SUB_SCHED */
