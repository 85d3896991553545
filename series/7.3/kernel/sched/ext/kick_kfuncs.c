// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: what BPF programs call.
 *
 * A program belongs to a scheduler by the struct_ops map that it is associated with.
 * Most belong to the root. Its map is remembered, so that they are known by that.
 */
#ifdef CONFIG_EXT_SUB_SCHED

/* The map of the root's operations, NULL: not known yet. Not dereferenced. */
static struct bpf_map *kick_root_map;

static noinline struct scx_sched *kick_find_sched(const struct bpf_prog_aux *aux)
{
	struct scx_sched *sch = scx_prog_sched(aux);

	/* Interrupts are off, scx_kick_forget_root() comes after a grace period. */
	if (sch && !sch->level && scx_enabled() &&
	    sch == rcu_access_pointer(scx_root) && bpf_prog_get_assoc_struct_ops(aux))
		WRITE_ONCE(kick_root_map, rcu_access_pointer(aux->st_ops_assoc));
	return sch;
}

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

/* kick_cpu() by a program that is not known to be the root's */
static noinline void kick_cpu_of_sched(struct scx_sched *sch, s32 cpu, u64 flags,
				       unsigned long irq_flags)
{
	if (!sch)
		kick_account(cpu, kick_req(flags), SCX_KICKED_DISABLED);
	else if (!sch->level)
		kick_cpu(cpu, flags, irq_flags);
	else if (kick_enabled(cpu, kick_req(flags)))
		kick_sub_cpu(sch, cpu, flags, irq_flags);
}

/* kick_cpumask() by a program that is not known to be the root's */
static noinline s32 kick_cpumask_of_sched(struct scx_sched *sch, const struct cpumask *cpus,
					  u64 flags, unsigned long irq_flags)
{
	if (!sch || !scx_enabled())
		return kick_drop_mask(cpus, kick_req(flags), SCX_KICKED_DISABLED);
	if (!sch->level)
		return kick_cpumask(cpus, flags, irq_flags);
	return kick_sub_cpumask(sch, cpus, flags, irq_flags);
}

/* kick_task() by a program that is not known to be the root's */
static noinline s32 kick_task_of_sched(struct scx_sched *sch, struct task_struct *p, u64 flags,
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
 * Returns at once. @cpu starts a scheduling cycle as soon as it can, see &enum scx_kick_flags
 * for what @flags add. Several kicks before that cycle are served by it together. A kick that
 * an scx operation makes takes effect after what the operation belongs to is complete.
 *
 * A CPU that a task of a higher class keeps is left alone: it starts a cycle when that task
 * leaves, or becomes a sched_ext task. A kick of an offline CPU is dropped, except by that CPU
 * itself. So are kicks while the BPF scheduler is bypassed and while none is loaded. A @cpu that
 * does not exist, unknown @flags and %SCX_KICK_IDLE with another flag end the BPF scheduler.
 *
 * Errors end the scheduler that the program belongs to. A sub-scheduler needs
 * %SCX_CAP_BASE on @cpu, else the kick is dropped. With %SCX_KICK_PREEMPT it takes
 * the slice from a task that is neither its own nor of one below it only if it has
 * %SCX_CAP_PREEMPT there by the time that @cpu serves the kick.
 *
 * Context: Any in which a BPF program runs: any scx operation with any rq lock held, timers,
 * syscall and tracing programs, hard IRQ, NMI.
 */
__bpf_kfunc void scx_bpf_kick_cpu(s32 cpu, u64 flags, const struct bpf_prog_aux *aux)
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
 * Does what scx_bpf_kick_cpu() does for the CPU that @cid stands for. A @cid that does not exist
 * ends the scheduler that the program belongs to.
 *
 * Context: As scx_bpf_kick_cpu().
 */
__bpf_kfunc void scx_bpf_kick_cid(s32 cid, u64 flags, const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	struct scx_sched *sch;
	s32 cpu;

	local_irq_save(irq_flags);
	sch = kick_by_root(aux) ? rcu_dereference_all(scx_root) : kick_find_sched(aux);
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
__bpf_kfunc s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags,
				     const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	if (kick_by_root(aux))
		ret = kick_cpumask(cpus, flags, irq_flags);
	else
		ret = kick_cpumask_of_sched(kick_find_sched(aux), cpus, flags, irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_task - preempt a task, if it is still running
 * @p: the task
 * @flags: 0 or %SCX_KICK_WAIT
 * @aux: the calling program, which the verifier adds
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
 * * -%ESRCH	- @p does not run, or not as a sched_ext task, or no BPF scheduler is loaded,
 *		  or the program's may not preempt @p there.
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
		ret = kick_task_of_sched(kick_find_sched(aux), p, flags, irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

__bpf_kfunc_end_defs();
