// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: what BPF programs call.
 *
 * A program belongs to the scheduler whose struct_ops map it is associated
 * with. Most belong to the root. The root's map is remembered, so that
 * comparing pointers is enough for these.
 */
#ifdef CONFIG_EXT_SUB_SCHED

/* The root's struct_ops map, NULL: not known yet. Compared only. */
static struct bpf_map *kick_root_map;

/*
 * Return the scheduler that the program @aux belongs to, NULL: none. Remember
 * the map if that is the root. Caller has interrupts off.
 */
static noinline struct scx_sched *
kick_find_sched(const struct bpf_prog_aux *aux)
{
	struct scx_sched *sch = scx_prog_sched(aux);

	/* scx_kick_forget_root() comes after a grace period. */
	if (sch && !sch->level && scx_enabled() &&
	    sch == rcu_access_pointer(scx_root) &&
	    bpf_prog_get_assoc_struct_ops(aux))
		WRITE_ONCE(kick_root_map,
			   rcu_access_pointer(aux->st_ops_assoc));
	return sch;
}

/*
 * Find out if the program @aux is known to be the root's. Caller has interrupts
 * off.
 */
static __always_inline bool kick_by_root(const struct bpf_prog_aux *aux)
{
	struct bpf_map *map = rcu_access_pointer(aux->st_ops_assoc);

	return likely(map) && likely(map == READ_ONCE(kick_root_map));
}

/**
 * scx_kick_forget_root - the root scheduler has gone
 *
 * Context: with scx_kick_reset()
 */
void scx_kick_forget_root(void)
{
	WRITE_ONCE(kick_root_map, NULL);
}

#else	/* CONFIG_EXT_SUB_SCHED */

static struct scx_sched *kick_find_sched(const struct bpf_prog_aux *aux)
{
	return scx_prog_sched(aux);
}

static __always_inline bool kick_by_root(const struct bpf_prog_aux *aux)
{
	return true;
}

void scx_kick_forget_root(void) {}

#endif	/* CONFIG_EXT_SUB_SCHED */

/*
 * Kick @cpu for @sch, NULL: none. For programs that are not known to be the
 * root's. Caller as for kick_cpu().
 */
static noinline void kick_cpu_of_sched(struct scx_sched *sch, s32 cpu,
				       u64 flags, unsigned long irq_flags)
{
	if (!sch)
		kick_account(cpu, kick_req(flags), SCX_KICKED_DISABLED);
	else if (!sch->level)
		kick_cpu(cpu, flags, irq_flags);
	else if (kick_enabled(cpu, kick_req(flags)))
		kick_sub_cpu(sch, cpu, flags, irq_flags);
}

/* Kick @cpus for @sch, else as kick_cpu_of_sched(). */
static noinline s32 kick_cpumask_of_sched(struct scx_sched *sch,
					  const struct cpumask *cpus, u64 flags,
					  unsigned long irq_flags)
{
	if (!sch || !scx_enabled())
		return kick_drop_mask(cpus, kick_req(flags),
				      SCX_KICKED_DISABLED);
	if (!sch->level)
		return kick_cpumask(cpus, flags, irq_flags);
	return kick_sub_cpumask(sch, cpus, flags, irq_flags);
}

/* Preempt @p for @sch, else as kick_cpu_of_sched(). */
static noinline s32 kick_task_of_sched(struct scx_sched *sch,
				       struct task_struct *p, u64 flags,
				       unsigned long irq_flags)
{
	if (!sch || !scx_enabled()) {
		kick_account(task_cpu(p), KICK_REQ_TASK, SCX_KICKED_DISABLED);
		return -ESRCH;
	}
	if (!sch->level)
		return kick_task(p, flags, irq_flags);
	return kick_sub_task(sch, p, flags, irq_flags);
}

__bpf_kfunc_start_defs();

/**
 * scx_bpf_kick_cpu - make a CPU schedule
 * @cpu: CPU to kick
 * @flags: %SCX_KICK_* flags, or 0 to only start a scheduling cycle on @cpu
 * @aux: the calling program, which the verifier adds
 *
 * Returns at once. @cpu starts a scheduling cycle as soon as it can. What
 * @flags add to that is told at &enum scx_kick_flags. One cycle serves all
 * kicks before it. A kick that an scx operation makes takes effect when what
 * the operation decided has been carried out.
 *
 * If a task of a higher class keeps @cpu, the kick does nothing: @cpu starts a
 * cycle when that task leaves, or becomes a sched_ext task. The kick is dropped
 * if @cpu is offline and not the calling CPU, while the BPF scheduler is
 * bypassed, and while none is loaded. The BPF scheduler is ended if @cpu does
 * not exist, if @flags has unknown flags, and if it has %SCX_KICK_IDLE with
 * another flag.
 *
 * Errors end the scheduler that the program belongs to. A sub-scheduler needs
 * %SCX_CAP_BASE on @cpu, else the kick is dropped. With %SCX_KICK_PREEMPT it
 * takes the slice from its own tasks and from those of schedulers below it.
 * From other tasks it takes the slice only if it has %SCX_CAP_PREEMPT on @cpu
 * when @cpu serves the kick.
 *
 * Context: Any in which a BPF program runs: any scx operation with any rq lock
 * held, timers, syscall and tracing programs, hard IRQ, NMI.
 */
__bpf_kfunc void scx_bpf_kick_cpu(s32 cpu, u64 flags,
				  const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;

	local_irq_save(irq_flags);
	if (kick_by_root(aux))
		kick_cpu(cpu, flags, irq_flags);
	else
		kick_cpu_of_sched(kick_find_sched(aux), cpu, flags, irq_flags);
	local_irq_restore(irq_flags);
}

/**
 * scx_bpf_kick_cid - make the CPU of a cid schedule
 * @cid: cid to kick
 * @flags: as for scx_bpf_kick_cpu()
 * @aux: the calling program, which the verifier adds
 *
 * Does what scx_bpf_kick_cpu() does for the CPU that @cid stands for. A @cid
 * that does not exist ends the scheduler that the program belongs to.
 *
 * Context: As scx_bpf_kick_cpu().
 */
__bpf_kfunc void scx_bpf_kick_cid(s32 cid, u64 flags,
				  const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	struct scx_sched *sch;
	s32 cpu;

	local_irq_save(irq_flags);
	sch = kick_by_root(aux) ? rcu_dereference_all(scx_root) :
				  kick_find_sched(aux);
	if (likely(sch)) {
		cpu = scx_cid_to_cpu(sch, cid);
		if (cpu >= 0)
			kick_cpu_of_sched(sch, cpu, flags, irq_flags);
	}
	local_irq_restore(irq_flags);
}

/**
 * scx_bpf_kick_cpumask - make several CPUs schedule
 * @cpus: CPUs to kick, those of them that are online
 * @flags: as for scx_bpf_kick_cpu()
 * @aux: the calling program, which the verifier adds
 *
 * Does what scx_bpf_kick_cpu() does for each CPU. The CPUs that need an
 * interrupt get it together, by as few operations as the machine has for that.
 * If interrupts are off in the caller, as in most operations, they get it one
 * after the other.
 *
 * Unknown @flags and %SCX_KICK_IDLE with another flag end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return: how many CPUs of @cpus are online, 0 if no scheduler is loaded or the
 * root's kicks were dropped because it is bypassed, or -%EINVAL for invalid
 * @flags. Of a sub-scheduler, kicks that its caps or a bypass drop are counted
 * as well.
 */
__bpf_kfunc s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags,
				     const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	if (kick_by_root(aux))
		ret = kick_cpumask(cpus, flags, irq_flags);
	else
		ret = kick_cpumask_of_sched(kick_find_sched(aux), cpus, flags,
					    irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_task - preempt a task, if it is still running
 * @p: the task
 * @flags: 0 or %SCX_KICK_WAIT
 * @aux: the calling program, which the verifier adds
 *
 * Kicks the CPU that runs @p as scx_bpf_kick_cpu() with %SCX_KICK_PREEMPT does,
 * with two differences. Only @p is preempted: if @p leaves that CPU before the
 * kick arrives, the task after it keeps its slice. And if several callers
 * preempt @p at the same time, exactly one gets 0, and the others can look for
 * another task at once.
 *
 * The first claim that an scx operation makes is held back like its kicks,
 * until what the operation decided has been carried out; further ones are sent
 * at once. If ops.enqueue() of a task that was runnable before puts the task on
 * the local DSQ of another CPU, a claim may preempt before the task is there:
 * use %SCX_ENQ_PREEMPT for that.
 *
 * %SCX_KICK_WAIT waits for @p to be off its CPU. It does not wait if @p has
 * left of itself before a claim that was held back could be sent.
 *
 * Unknown @flags end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return:
 * * 0		- This call has claimed the preemption of @p.
 * * -%EBUSY	- Another preemption of @p is on its way, and will see what the
 *		  caller wrote before. Or the slice of @p is used up and its CPU
 *		  is about to schedule. Or that CPU is inside a cycle. Or the
 *		  BPF scheduler is bypassed, which makes up for the preemptions
 *		  and claims that it drops. From NMI also: this CPU has not sent
 *		  an earlier claim yet.
 * * -%ESRCH	- @p does not run, or not as a sched_ext task, or no BPF
 *		  scheduler is loaded, or the program's scheduler may not
 *		  preempt @p there.
 * * -%EINVAL	- Invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_task(struct task_struct *p, u64 flags,
				  const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	if (kick_by_root(aux))
		ret = kick_task(p, flags, irq_flags);
	else
		ret = kick_task_of_sched(kick_find_sched(aux), p, flags,
					 irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

__bpf_kfunc_end_defs();
