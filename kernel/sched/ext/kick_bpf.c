// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: by BPF programs, which call what is in kick_kfuncs.c.
 */

/*
 * Translate flags that kick_flags_at_once() takes into KICK_REQ_*. Of other
 * flags it is for the trace of a kick that is dropped.
 */
static __always_inline int kick_req(u64 flags)
{
	return flags == SCX_KICK_IDLE ? KICK_REQ_IDLE :
					KICK_REQ_RESCHED | (int)flags;
}

#define KICK_FLAGS_INVALID	\
	"invalid kick flags 0x%llx (IDLE 0x1 alone, or any of PREEMPT 0x2, WAIT 0x4, PREEMPT_LAZY 0x8)"
#define KICK_CURR_FLAGS_INVALID	\
	"invalid flags 0x%llx to kick what a CPU runs with (IDLE 0x1 alone, or any of WAIT 0x4, PREEMPT_LAZY 0x8)"
#define KICK_TASK_FLAGS_INVALID	\
	"invalid flags 0x%llx to kick a task with (0, or any of WAIT 0x4, PREEMPT_LAZY 0x8)"

/* Find out if @flags are valid, and leave nothing to a tick. */
static __always_inline bool kick_flags_at_once(u64 flags)
{
	return likely(flags == SCX_KICK_IDLE ||
		      !(flags & ~(SCX_KICK_PREEMPT | SCX_KICK_WAIT)));
}

/*
 * Translate flags that kick_flags_at_once() does not take into KICK_REQ_*.
 * Returns 0 if they are invalid: IDLE stands alone, the others combine.
 */
static int kick_lazy_req(u64 flags)
{
	if (flags == SCX_KICK_PREEMPT_LAZY)
		return KICK_REQ_LAZY;
	if (flags & ~(SCX_KICK_PREEMPT | SCX_KICK_WAIT | SCX_KICK_PREEMPT_LAZY))
		return 0;
	/* What is not lazy goes before. */
	return KICK_REQ_RESCHED | KICK_REQ_PREEMPT |
	       (int)(flags & SCX_KICK_WAIT);
}

/* Find out if a BPF scheduler is loaded, and count the kick if not. */
static __always_inline bool kick_enabled(s32 cpu, int req)
{
	if (scx_enabled())
		return true;
	kick_account(cpu, req, SCX_KICKED_DISABLED);
	return false;
}

/* Find out if a kick made here has to be held back, see kick_hold(). */
static __always_inline bool kick_must_hold(void)
{
	return unlikely(kick_in_op()) || unlikely(in_nmi());
}

/*
 * Kick @cpu with @flags that kick_flags_at_once() does not take, or end the BPF
 * scheduler, which is loaded. Caller as for kick_cpu().
 */
static noinline void kick_flagged_lazy(s32 cpu, u64 flags,
				       unsigned long irq_flags)
{
	enum scx_kick_outcome outcome = SCX_KICKED_NR;
	int req = kick_lazy_req(flags);

	if (!req) {
		kick_error(KICK_FLAGS_INVALID, flags);
		return;
	}
	if (!kick_reachable(cpu, req))
		return;
	if (kick_must_hold()) {
		kick_hold(cpu, req);
		return;
	}

	if (kick_drop_bypassed(cpu, req))
		return;
	/* The common case, without another call. */
	if (req == KICK_REQ_LAZY && likely(!kick_traced()))
		outcome = kick_lazily(cpu, true, irq_flags);
	if (outcome == SCX_KICKED_NR)
		kick_one_slow(cpu, req, true, irq_flags);
	else
		this_cpu_inc(scx_kick_stats.outcomes[outcome]);
}

/* Kick @cpu with @flags. Caller as for kick_cpu(). */
static __always_inline void kick_flagged(s32 cpu, u64 flags,
					 unsigned long irq_flags)
{
	int req = kick_req(flags);

	if (!kick_enabled(cpu, req))
		return;
	if (!kick_flags_at_once(flags)) {
		kick_flagged_lazy(cpu, flags, irq_flags);
		return;
	}
	if (!kick_reachable(cpu, req))
		return;

	if (kick_must_hold())
		kick_hold(cpu, req);
	else
		kick_now(cpu, req, true, irq_flags);
}

/*
 * Kick @cpu as scx_bpf_kick_cpu() does. Caller has interrupts off; @irq_flags
 * is their state before. All tests are made with interrupts off, because
 * scx_kick_reset() comes after a grace period.
 *
 * The call stands here twice, so that the compiler makes the most of a constant
 * @flags.
 */
static __always_inline void kick_cpu(s32 cpu, u64 flags,
				     unsigned long irq_flags)
{
	if (flags == SCX_KICK_IDLE)
		kick_flagged(cpu, SCX_KICK_IDLE, irq_flags);
	else
		kick_flagged(cpu, flags, irq_flags);
}

/* Count the kicks of @cpus, none of which is made. */
static s32 kick_drop_mask(const struct cpumask *cpus, int req,
			  enum scx_kick_outcome why)
{
	s32 cpu;

	for_each_cpu_and(cpu, cpus, cpu_online_mask)
		kick_account(cpu, req, why);
	return 0;
}

/*
 * Kick the CPUs that have a bit in @todo, where bit 0 is CPU @first and this
 * CPU has none. Caller has executed (A) and has interrupts off. Returns the
 * bits of those that still need an interrupt.
 */
static unsigned long kick_cpus(s32 first, unsigned long todo, int req)
{
	unsigned long sent = 0, coalesced = 0, needless = 0, send = 0;

	for (; todo; todo &= todo - 1) {
		s32 cpu = first + __ffs(todo);
		enum scx_kick_outcome outcome;
		int word;

		outcome = kick_place(cpu, req, &word, false);
		if (outcome == SCX_KICKED_COALESCED) {
			coalesced++;
		} else if (outcome == SCX_KICKED_SENT) {
			sent++;
			if (kick_needs_irq(cpu, word))
				send |= todo & -todo;
		} else {
			needless++;
		}
	}

	this_cpu_add(scx_kick_stats.outcomes[SCX_KICKED_SENT], sent);
	this_cpu_add(scx_kick_stats.outcomes[SCX_KICKED_COALESCED], coalesced);
	this_cpu_add(scx_kick_stats.outcomes[req & KICK_REQ_IDLE ? SCX_KICKED_BUSY :
					     SCX_KICKED_HIGHER], needless);
	return send;
}

/*
 * Do what kick_cpus() does, where this CPU may be in @todo, and the kicks may
 * be traced or waited for.
 */
static unsigned long kick_cpus_of_long(s32 first, unsigned long todo, int req)
{
	s32 this_bit = smp_processor_id() - first;

	if (this_bit >= 0 && this_bit < BITS_PER_LONG &&
	    (todo & BIT(this_bit))) {
		todo &= ~BIT(this_bit);
		kick_one(first + this_bit, req, false, 0);
	}
	if (likely(!kick_traced() && !(req & KICK_REQ_WAIT)))
		return kick_cpus(first, todo, req);

	for (; todo; todo &= todo - 1)
		kick_one_slow(first + __ffs(todo), req, false, 0);
	return 0;
}

/*
 * Interrupt the CPUs of @send: one by the reschedule IPI, several by the call
 * function IPI of the architecture, which takes a mask. Caller holds no lock: a
 * hypervisor may take this CPU away meanwhile.
 */
static void kick_send_mask(struct cpumask *send)
{
#ifdef CONFIG_SMP
	unsigned int cpu = cpumask_first(send);

	if (cpu >= nr_cpu_ids)
		return;
	if (cpumask_next(cpu, send) >= nr_cpu_ids) {
		this_cpu_inc(scx_kick_stats.irqs);
		smp_send_reschedule(cpu);
		return;
	}
	this_cpu_add(scx_kick_stats.irqs, cpumask_weight(send));
	trace_ipi_send_cpumask(send, _RET_IP_, NULL);
	/* generic_smp_call_function_single_interrupt() calls scx_kick_ipi() */
	arch_send_call_function_ipi_mask(send);
#endif
}

/*
 * Kick all of @cpus that are online. Caller has executed (A) and has interrupts
 * off, but had them on before: so it holds no lock, and nobody else on this CPU
 * is using scx_kick::send.
 */
static s32 kick_mask(struct scx_kick *this_kick, const struct cpumask *cpus,
		     int req)
{
	unsigned long *send = cpumask_bits(this_kick->send);
	s32 asked = 0;
	int i;

	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		unsigned long todo =
			READ_ONCE(cpumask_bits(cpus)[i]) &
			READ_ONCE(cpumask_bits(cpu_online_mask)[i]);

		send[i] = 0;
		if (todo) {
			asked += hweight_long(todo);
			send[i] = kick_cpus_of_long(i * BITS_PER_LONG, todo,
						    req);
		}
	}
	kick_send_mask(this_kick->send);
	return asked;
}

/*
 * Kick @cpus one after the other. Caller has executed (A). It is an operation,
 * or in NMI, or a tracing program, which had interrupts off before. Such a
 * program may come in the middle of kick_mask(), or of the interrupt
 * controller's code for several CPUs, and each of these has only one mask to
 * work with. Or @req is KICK_REQ_LAZY, for which few CPUs get an interrupt.
 */
static s32 kick_one_by_one(const struct cpumask *cpus, int req,
			   unsigned long irq_flags)
{
	s32 cpu, asked = 0;

	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		asked++;
		if (kick_must_hold())
			kick_hold(cpu, req);
		else
			kick_one(cpu, req, true, irq_flags);
	}
	return asked;
}

/* Kick @cpus as scx_bpf_kick_cpumask() does. Caller as for kick_cpu(). */
static s32 kick_cpumask(const struct cpumask *cpus, u64 flags,
			unsigned long irq_flags)
{
	int req = kick_req(flags);

	if (!scx_enabled())
		return kick_drop_mask(cpus, req, SCX_KICKED_DISABLED);
	if (!kick_flags_at_once(flags)) {
		req = kick_lazy_req(flags);
		if (!req) {
			kick_error(KICK_FLAGS_INVALID, flags);
			return -EINVAL;
		}
	}

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed()))
		return kick_drop_mask(cpus, req, SCX_KICKED_BYPASS);
	if (irqs_disabled_flags(irq_flags) || req == KICK_REQ_LAZY)
		return kick_one_by_one(cpus, req, irq_flags);
	return kick_mask(this_cpu_ptr(&scx_kick_pcpu), cpus, req);
}

/*
 * Have @cpu look at the queues once more before it idles. A kick that could do
 * so was refused there: the cycle that @cpu is inside of may have looked, and
 * any cycle may look before what an operation decides is carried out. Returns
 * -EBUSY. Caller has executed (A) and has interrupts off.
 */
static noinline s32 kick_before_idle(s32 cpu, unsigned long irq_flags)
{
	int word;

	if (kick_must_hold()) {
		if (!kick_is_held(cpu))
			kick_hold(cpu, KICK_REQ_IDLE);
	} else if (kick_place(cpu, KICK_REQ_IDLE, &word, true) ==
		   SCX_KICKED_SENT) {
		kick_send(cpu, word, true, irq_flags);
	}
	return -EBUSY;
}

/*
 * Hold back a claim. Returns what kick_hold_claim() does. Caller as for
 * kick_before_idle(), and kick_must_hold() is true.
 */
static noinline s32 kick_task_in_op(struct task_struct *p, s32 cpu, int req,
				    unsigned long irq_flags)
{
	s32 ret = kick_hold_claim(p, cpu, req);

	if (ret == -EBUSY || ret > 0)
		kick_before_idle(cpu, irq_flags);
	/* NMI must not send, and there is one kick_claim only. */
	return ret > 0 && in_nmi() ? -EBUSY : ret;
}

/*
 * Claim the preemption of @p on @cpu, and send it unless it has to be held
 * back. @req is KICK_REQ_LAZY if @lazy, else KICK_REQ_TASK, perhaps with
 * KICK_REQ_WAIT. Caller has executed (A) and has interrupts off.
 */
static __always_inline s32 kick_task_on(struct task_struct *p, s32 cpu,
					int req, bool lazy,
					unsigned long irq_flags, bool traced)
{
	unsigned long switches;
	int word;
	s32 ret;

	if (kick_must_hold()) {
		ret = kick_task_in_op(p, cpu, req, irq_flags);
		if (ret <= 0)
			return ret;
	}

	ret = kick_claim_task(p, cpu, req, &word, &switches, traced);
	if (ret == -EBUSY && unlikely(word & KICK_CPU_PICKING))
		return kick_before_idle(cpu, irq_flags);
	if (ret)
		return ret;
	if (!lazy && unlikely(req & KICK_REQ_WAIT))
		kick_ask_wait(cpu, true, irq_flags);
	if (word & KICK_REQ_MASK)
		return 0;
	if (lazy)
		kick_leave_to_tick(cpu, true, irq_flags);
	else
		kick_send(cpu, word, true, irq_flags);
	return 0;
}

/* Translate what a claim returns. */
static __always_inline enum scx_kick_outcome kick_task_outcome(s32 ret)
{
	return !ret	     ? SCX_KICKED_CLAIMED :
	       ret == -EBUSY ? SCX_KICKED_REFUSED : SCX_KICKED_GONE;
}

/* Do what kick_task_on() does, count and trace it. */
static noinline s32 kick_task_traced(struct task_struct *p, s32 cpu, int req,
				     unsigned long irq_flags)
{
	s32 ret = kick_task_on(p, cpu, req, req == KICK_REQ_LAZY, irq_flags,
			       true);

	kick_account(cpu, req, kick_task_outcome(ret));
	return ret;
}

/*
 * Do what kick_task_on() does, and count it. @lazy is a constant for the
 * compiler.
 */
static __always_inline s32 kick_task_counted(struct task_struct *p, s32 cpu,
					     int req, bool lazy,
					     unsigned long irq_flags)
{
	s32 ret;

	if (unlikely(kick_traced()))
		return kick_task_traced(p, cpu, req, irq_flags);
	ret = kick_task_on(p, cpu, req, lazy, irq_flags, false);
	this_cpu_inc(scx_kick_stats.outcomes[kick_task_outcome(ret)]);
	return ret;
}

/*
 * Preempt @p with @flags that are neither 0 nor %SCX_KICK_WAIT. Caller as for
 * kick_task(). Returns 1 if that is to be done without
 * %SCX_KICK_PREEMPT_LAZY.
 */
static noinline s32 kick_task_lazy(struct task_struct *p, s32 cpu, u64 flags,
				   unsigned long irq_flags)
{
	if (flags == (SCX_KICK_PREEMPT_LAZY | SCX_KICK_WAIT))
		return 1;
	if (flags != SCX_KICK_PREEMPT_LAZY) {
		kick_error(KICK_TASK_FLAGS_INVALID, flags);
		return -EINVAL;
	}
	if (kick_drop_bypassed(cpu, KICK_REQ_LAZY))
		return -EBUSY;
	return kick_task_counted(p, cpu, KICK_REQ_LAZY, true, irq_flags);
}

/* Preempt @p as scx_bpf_kick_task() does. Caller as for kick_cpu(). */
static __always_inline s32 kick_task(struct task_struct *p, u64 flags,
				     unsigned long irq_flags)
{
	s32 cpu = task_cpu(p), ret;
	int req;

	if (!kick_enabled(cpu, KICK_REQ_TASK))
		return -ESRCH;
	if (unlikely(flags & ~SCX_KICK_WAIT)) {
		ret = kick_task_lazy(p, cpu, flags, irq_flags);
		if (ret <= 0)
			return ret;
		flags = SCX_KICK_WAIT;
	}
	req = KICK_REQ_TASK | (int)flags;
	if (kick_drop_bypassed(cpu, req))
		return -EBUSY;
	return kick_task_counted(p, cpu, req, false, irq_flags);
}

/*
 * Hold back a kick that wakes @cpu. Returns what kick_if_idle() does, by what
 * the word says now, and leaves the CPU alone if that is not 1.
 */
static s32 kick_hold_if_idle(s32 cpu)
{
	int word = atomic_read(&per_cpu(scx_kick_pcpu, cpu).word);

	if (word & (KICK_REQ_MASK | KICK_CPU_PICKING) || kick_is_held(cpu))
		return -EBUSY;
	if (word & KICK_CPU_BUSY)
		return -ESRCH;
	kick_hold(cpu, KICK_REQ_IDLE);
	return 1;
}

/*
 * Wake @cpu if it is idle. Returns 1 if this kick does so, -EBUSY if another
 * one does or @cpu is inside a cycle, -ESRCH if it runs a task. Caller has
 * executed (A) and has interrupts off.
 */
static s32 kick_if_idle(s32 cpu, unsigned long irq_flags)
{
	enum scx_kick_outcome outcome;
	int word;

	if (kick_must_hold())
		return kick_hold_if_idle(cpu);
	outcome = kick_place(cpu, KICK_REQ_IDLE, &word, true);
	if (outcome == SCX_KICKED_SENT)
		kick_account(cpu, KICK_REQ_IDLE,
			     kick_send(cpu, word, true, irq_flags));
	else
		kick_account(cpu, KICK_REQ_IDLE, outcome);
	return outcome == SCX_KICKED_SENT ? 1 :
	       outcome == SCX_KICKED_BUSY ? -ESRCH : -EBUSY;
}

/*
 * Claim the preemption of what @cpu runs, if its pid is @pid or @pid is
 * 0. @req is KICK_REQ_LAZY or KICK_REQ_TASK, perhaps with KICK_REQ_WAIT. Caller
 * has executed (A) and has interrupts off, so the task does not go away.
 */
static s32 kick_claim_curr(s32 cpu, s32 pid, int req, unsigned long irq_flags)
{
	struct task_struct *p = rcu_dereference_raw(cpu_rq(cpu)->curr);
	s32 ret = -ESRCH;

	/* No cycle tells that a task has been boosted while it runs. */
	if (sched_class_above(READ_ONCE(p->sched_class), &ext_sched_class)) {
		kick_account(cpu, req, SCX_KICKED_HIGHER);
		return -EPERM;
	}
	if (!pid || p->pid == pid)
		ret = kick_task_on(p, cpu, req, req == KICK_REQ_LAZY, irq_flags,
				   true);
	/* It is just leaving. */
	if (!pid && ret == -ESRCH)
		ret = kick_before_idle(cpu, irq_flags);
	kick_account(cpu, req, kick_task_outcome(ret));
	return ret;
}

/* Translate the flags of scx_bpf_kick_curr(). Returns 0 if they are invalid. */
static int kick_curr_req(u64 flags)
{
	if (flags == SCX_KICK_IDLE)
		return KICK_REQ_IDLE;
	if (flags & ~(SCX_KICK_WAIT | SCX_KICK_PREEMPT_LAZY))
		return 0;
	return flags == SCX_KICK_PREEMPT_LAZY ? KICK_REQ_LAZY :
		KICK_REQ_TASK | (int)(flags & SCX_KICK_WAIT);
}

/*
 * Preempt what @cpu runs, or wake it, by what its word says now. Caller has
 * executed (A) and has interrupts off.
 */
static s32 kick_curr_on(s32 cpu, s32 pid, int req, unsigned long irq_flags)
{
	int word = atomic_read(&per_cpu(scx_kick_pcpu, cpu).word);
	s32 ret;

	if (word & KICK_CPU_ABOVE) {
		kick_account(cpu, req, SCX_KICKED_HIGHER);
		return -EPERM;
	}
	if (req != KICK_REQ_IDLE && (word & (KICK_CPU_BUSY | KICK_CPU_PICKING)))
		return kick_claim_curr(cpu, pid, req, irq_flags);
	ret = kick_if_idle(cpu, irq_flags);
	/* It has just found a task. */
	return ret == -ESRCH && req != KICK_REQ_IDLE ? -EBUSY : ret;
}

/* Do what scx_bpf_kick_curr() does. Caller as for kick_cpu(). */
static noinline s32 kick_curr_cpu(s32 cpu, s32 pid, u64 flags,
				  unsigned long irq_flags)
{
	int req = kick_curr_req(flags);
	s32 ret;

	if (!kick_enabled(cpu, req))
		return -ESRCH;
	if (unlikely(!req)) {
		kick_error(KICK_CURR_FLAGS_INVALID, flags);
		return -EINVAL;
	}
	if (!kick_reachable(cpu, req))
		return -ENODEV;

	if (kick_drop_bypassed(cpu, req))
		return -EBUSY;
	ret = kick_curr_on(cpu, pid, req, irq_flags);
	/* In an operation it may idle by the time that this is over. */
	if (ret < 0 && kick_must_hold())
		kick_before_idle(cpu, irq_flags);
	return ret;
}

/*
 * Wake up to @nr idle CPUs of @cpus, as scx_bpf_kick_idle() does. Caller as for
 * kick_cpu().
 */
static noinline s32 kick_idle_cpus(const struct cpumask *cpus, u32 nr,
				   unsigned long irq_flags)
{
	s32 cpu, woken = 0;

	if (!scx_enabled() || !nr)
		return 0;
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed()))
		return 0;
	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		if (kick_if_idle(cpu, irq_flags) == 1 && ++woken >= nr)
			return woken;
	}
	/* Others may have looked, and idle, by the time of the flush. */
	if (!kick_must_hold())
		return woken;
	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		if (!kick_is_held(cpu))
			kick_hold(cpu, KICK_REQ_IDLE);
	}
	return woken;
}

/* Allocate the cpumasks of @kick. Returns false if there is no memory. */
static bool __init kick_alloc(struct scx_kick *kick, int node)
{
	kick->wait.cpu = nr_cpu_ids;
	return zalloc_cpumask_var_node(&kick->wait.cpus, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->held.idle, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->held.resched, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->held.preempt, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->send, GFP_KERNEL, node);
}

/*
 * Set up the kick state. An initcall that comes before BPF programs can be
 * loaded.
 */
static int __init scx_kick_init(void)
{
	s32 cpu;

	for_each_possible_cpu(cpu) {
		if (!kick_alloc(per_cpu_ptr(&scx_kick_pcpu, cpu),
				cpu_to_node(cpu)))
			panic("sched_ext: no memory for the kick state of CPU %d\n", cpu);
	}
	return 0;
}
subsys_initcall(scx_kick_init);
