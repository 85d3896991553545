// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: what BPF programs call.
 */

/* Translate flags. %SCX_KICK_IDLE stands alone, the others combine. Returns 0 if they don't. */
static __always_inline int kick_req(u64 flags)
{
	if (flags == SCX_KICK_IDLE)
		return KICK_REQ_IDLE;
	if (likely(!(flags & ~(SCX_KICK_PREEMPT | SCX_KICK_WAIT))))
		return KICK_REQ_RESCHED | (int)flags;
	return 0;
}

static __always_inline bool kick_req_valid(struct scx_sched *sch, int req, u64 flags)
{
	if (likely(req))
		return true;

	kick_error(sch,
		   "invalid kick flags 0x%llx (IDLE 0x1 alone, or any of PREEMPT 0x2, WAIT 0x4)",
		   flags);
	return false;
}

static __always_inline bool kick_enabled(struct scx_sched *sch, s32 cpu, int req)
{
	if (kick_loaded(sch))
		return true;
	kick_account(cpu, req, SCX_KICKED_DISABLED);
	return false;
}

/* True if a kick that is made here has to wait, see kick_hold(). */
static __always_inline bool kick_must_hold(void)
{
	return unlikely(__this_cpu_read(scx_kick_pcpu.op) != KICK_OP_NONE) || unlikely(in_nmi());
}

/*
 * Kick @cpu for a program of @sch. Caller has interrupts off, @irq_flags is how they were
 * before.
 */
static __always_inline void kick_flagged(struct scx_sched *sch, s32 cpu, u64 flags, int req,
					 const unsigned long *irq_flags)
{
	if (!kick_enabled(sch, cpu, req))
		return;
	if (!kick_req_valid(sch, req, flags) || !kick_reachable(sch, cpu, req))
		return;

	if (unlikely(kick_needs_caps(sch)))
		kick_with_caps(sch, cpu, req, irq_flags);
	else if (kick_must_hold())
		kick_hold(cpu, req);
	else
		kick_now(sch, cpu, req, irq_flags);
}

static s32 kick_drop_mask(const struct cpumask *cpus, int req, enum scx_kick_outcome why)
{
	s32 cpu;

	for_each_cpu_and(cpu, cpus, cpu_online_mask)
		kick_account(cpu, req, why);
	return 0;
}

/*
 * Kick the CPUs that have a bit in @todo, where bit 0 is CPU @first. Caller has executed (A)
 * and has interrupts off. Returns those that need an interrupt and have not got it yet.
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

/* Like kick_cpus(), but this CPU may be among them, and the kicks traced or waited for. */
static unsigned long kick_cpus_of_long(s32 first, unsigned long todo, int req)
{
	s32 this_bit = smp_processor_id() - first;

	if (this_bit >= 0 && this_bit < BITS_PER_LONG && (todo & BIT(this_bit))) {
		todo &= ~BIT(this_bit);
		kick_one(first + this_bit, req, NULL);
	}
	if (likely(!kick_traced() && !(req & KICK_REQ_WAIT)))
		return kick_cpus(first, todo, req);

	for (; todo; todo &= todo - 1)
		kick_one_slow(first + __ffs(todo), req, false);
	return 0;
}

/*
 * Interrupt the CPUs of @send: one by the reschedule IPI, several by the IPI that the
 * architecture has for several. A hypervisor may take this CPU away for that, so the caller
 * holds no lock.
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
	/* Arrives in generic_smp_call_function_single_interrupt(), which calls scx_kick_ipi(). */
	arch_send_call_function_ipi_mask(send);
#endif
}

/*
 * Kick all of @cpus that are online. Caller has executed (A), and has interrupts off, but had
 * them on before: so it holds no lock, and nobody else here uses scx_kick::send.
 */
static s32 kick_mask(struct scx_kick *this_kick, const struct cpumask *cpus, int req)
{
	unsigned long *send = cpumask_bits(this_kick->send);
	s32 asked = 0;
	int i;

	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		unsigned long todo = READ_ONCE(cpumask_bits(cpus)[i]) &
				     READ_ONCE(cpumask_bits(cpu_online_mask)[i]);

		send[i] = 0;
		if (todo) {
			asked += hweight_long(todo);
			send[i] = kick_cpus_of_long(i * BITS_PER_LONG, todo, req);
		}
	}
	kick_send_mask(this_kick->send);
	return asked;
}

/*
 * Kick @cpus one after the other. Caller had interrupts off: it is an operation, or in NMI, or
 * a tracing program that may be in the middle of another kick of a cpumask, or of the interrupt
 * controller's code for several CPUs, each of which has one mask to work with.
 */
static s32 kick_one_by_one(struct scx_sched *sch, const struct cpumask *cpus, int req,
			   const unsigned long *irq_flags)
{
	s32 cpu, asked = 0;

	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		asked++;
		if (unlikely(kick_needs_caps(sch)))
			kick_with_caps(sch, cpu, req, irq_flags);
		else if (kick_must_hold())
			kick_hold(cpu, req);
		else
			kick_one(cpu, req, irq_flags);
	}
	return asked;
}

static __always_inline s32 kick_task(struct task_struct *p, s32 cpu, int wait, bool masked,
				     bool traced)
{
	unsigned long switches;
	int word;
	s32 ret;

	if (kick_must_hold()) {
		ret = kick_hold_claim(p, cpu, wait);
		if (ret <= 0)
			return ret;
		/* NMI can't send it, and there is no second place to hold it back. */
		if (in_nmi())
			return -EBUSY;
	}

	ret = kick_claim_task(p, cpu, KICK_REQ_TASK | wait, &word, &switches, traced);
	if (ret)
		return ret;
	if (unlikely(wait))
		kick_ask_wait(cpu, masked);
	if (!(word & KICK_REQ_MASK))
		kick_send(cpu, word, masked);
	return 0;
}

static __always_inline enum scx_kick_outcome kick_task_outcome(s32 ret)
{
	return !ret ? SCX_KICKED_CLAIMED : ret == -EBUSY ? SCX_KICKED_REFUSED : SCX_KICKED_GONE;
}

static noinline s32 kick_task_traced(struct task_struct *p, s32 cpu, int wait, bool masked)
{
	s32 ret = kick_task(p, cpu, wait, masked, true);

	kick_account(cpu, KICK_REQ_TASK | wait, kick_task_outcome(ret));
	return ret;
}

__bpf_kfunc_start_defs();

/**
 * scx_bpf_kick_cpu - make a CPU schedule
 * @cpu: CPU to kick
 * @flags: %SCX_KICK_* flags, or 0 to only start a scheduling cycle on @cpu
 *
 * Returns at once. @cpu starts a scheduling cycle as soon as it can, see &enum scx_kick_flags
 * for what @flags add. Several kicks before that cycle are served by it together. A kick that
 * an scx operation makes takes effect after what the operation belongs to is complete.
 *
 * A CPU that a task of a higher class keeps is left alone: it starts a cycle when that task
 * leaves, or becomes a sched_ext task. A kick of an offline CPU is dropped, except by that CPU
 * itself. So are kicks while the BPF scheduler is bypassed and while none is loaded. A @cpu that
 * does not exist, unknown @flags and %SCX_KICK_IDLE with another flag end the BPF scheduler.
 *
 * Context: Any in which a BPF program runs: any scx operation with any rq lock held, timers,
 * syscall and tracing programs, hard IRQ, NMI.
 */
__bpf_kfunc void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
	int req = kick_req(flags);
	unsigned long irq_flags;

	/* Tested with interrupts off: scx_kick_reset() comes after a grace period. */
	local_irq_save(irq_flags);
	kick_flagged(KICK_PROG_SCHED, cpu, flags, req, &irq_flags);
	local_irq_restore(irq_flags);
}

/**
 * scx_bpf_kick_cpumask - make several CPUs schedule
 * @cpus: CPUs to kick, those of them that are online
 * @flags: as for scx_bpf_kick_cpu()
 *
 * Does what scx_bpf_kick_cpu() does for each CPU. Those that need an interrupt get it together,
 * by as few operations as the machine has for that. Not so where it is called with interrupts
 * off, as in most operations: there one after the other.
 *
 * Unknown @flags and %SCX_KICK_IDLE with another flag end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return: how many CPUs of @cpus are online, 0 if the kicks were dropped because the BPF
 * scheduler is bypassed or none is loaded, or -%EINVAL for invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags)
{
	int req = kick_req(flags);
	unsigned long irq_flags;
	struct scx_sched *sch;
	s32 ret;

	local_irq_save(irq_flags);
	sch = KICK_PROG_SCHED;
	if (!kick_loaded(sch)) {
		ret = kick_drop_mask(cpus, req, SCX_KICKED_DISABLED);
		goto out;
	}
	ret = -EINVAL;
	if (!kick_req_valid(sch, req, flags))
		goto out;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed(sch)))
		ret = kick_drop_mask(cpus, req, SCX_KICKED_BYPASS);
	else if (irqs_disabled_flags(irq_flags) || unlikely(kick_needs_caps(sch)))
		ret = kick_one_by_one(sch, cpus, req, &irq_flags);
	else
		ret = kick_mask(this_cpu_ptr(&scx_kick_pcpu), cpus, req);
out:
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_task - preempt a task, if it is still running
 * @p: the task
 * @flags: 0 or %SCX_KICK_WAIT
 *
 * Like scx_bpf_kick_cpu() with %SCX_KICK_PREEMPT on the CPU that runs @p, except that nothing
 * but @p is preempted: if @p leaves that CPU before the kick arrives, nobody else suffers for
 * it. And of all that preempt @p at a time, exactly one is told that it does. The others can look
 * for another task to preempt at once.
 *
 * A claim of an scx operation is held back like its kicks, until what the operation belongs to
 * is complete. That is so for the first one; others are sent at once. One made in ops.enqueue()
 * of a task that was runnable before, and that goes to the local DSQ of another CPU, may preempt
 * before the task is there: use %SCX_ENQ_PREEMPT for that.
 *
 * %SCX_KICK_WAIT waits for @p to be off its CPU. There is nothing to wait for where it left of
 * itself before a claim that was held back could be sent.
 *
 * Unknown @flags end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return:
 * * 0		- This call has claimed the preemption of @p.
 * * -%EBUSY	- Another preemption of @p is on its way, and will see what the caller wrote
 *		  before; or its slice has ended, and it is about to be scheduled; or the CPU is
 *		  inside a scheduling cycle already; or the BPF scheduler is bypassed. A bypass
 *		  makes up for the preemptions that it drops, as the claims held back then. From
 *		  NMI also: this CPU has not sent an earlier claim yet.
 * * -%ESRCH	- @p does not run, or not as a sched_ext task, or no BPF scheduler is loaded.
 * * -%EINVAL	- Invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_task(struct task_struct *p, u64 flags)
{
	int req = KICK_REQ_TASK | (int)flags;
	s32 cpu = task_cpu(p), ret = -ESRCH;
	unsigned long irq_flags;
	struct scx_sched *sch;
	bool masked;

	local_irq_save(irq_flags);
	masked = irqs_disabled_flags(irq_flags);
	sch = KICK_PROG_SCHED;
	if (!kick_enabled(sch, cpu, req))
		goto out;
	if (flags & ~SCX_KICK_WAIT) {
		kick_error(sch, "invalid flags 0x%llx to kick a task with (0 or WAIT 0x4)", flags);
		ret = -EINVAL;
		goto out;
	}
	if (unlikely(kick_needs_caps(sch)) && !kick_task_permitted(sch, p, cpu))
		goto out;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed(sch))) {
		/* The bypass reschedules every CPU. */
		kick_account(cpu, req, SCX_KICKED_BYPASS);
		ret = -EBUSY;
	} else if (unlikely(kick_traced())) {
		ret = kick_task_traced(p, cpu, (int)flags, masked);
	} else {
		ret = kick_task(p, cpu, (int)flags, masked, false);
		this_cpu_inc(scx_kick_stats.outcomes[kick_task_outcome(ret)]);
	}
out:
	local_irq_restore(irq_flags);
	return ret;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(scx_kick_kfunc_ids)
BTF_ID_FLAGS(func, scx_bpf_kick_cpu, KICK_KF)
BTF_ID_FLAGS(func, scx_bpf_kick_cpumask, KICK_KF | KF_RCU)
BTF_ID_FLAGS(func, scx_bpf_kick_task, KICK_KF | KF_RCU)
BTF_KFUNCS_END(scx_kick_kfunc_ids)

static const struct btf_kfunc_id_set scx_kick_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &scx_kick_kfunc_ids,
};

static bool __init kick_alloc(struct scx_kick *kick, int node)
{
	kick->wait.cpu = nr_cpu_ids;
	return zalloc_cpumask_var_node(&kick->wait.cpus, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->held.idle, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->held.resched, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->held.preempt, GFP_KERNEL, node) &&
	       zalloc_cpumask_var_node(&kick->send, GFP_KERNEL, node);
}

static int __init scx_kick_init(void)
{
	static const enum bpf_prog_type types[] __initconst = {
		BPF_PROG_TYPE_STRUCT_OPS, BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_SYSCALL,
	};
	s32 cpu, i;

	for_each_possible_cpu(cpu) {
		if (!kick_alloc(per_cpu_ptr(&scx_kick_pcpu, cpu), cpu_to_node(cpu)))
			panic("sched_ext: no memory for the kick state of CPU %d\n", cpu);
	}

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		int ret = register_btf_kfunc_id_set(types[i], &scx_kick_kfunc_set);

		if (ret) {
			pr_err("sched_ext: can't register kick kfuncs for program type %d (%d)\n",
			       types[i], ret);
			return ret;
		}
	}
	return 0;
}
device_initcall(scx_kick_init);
