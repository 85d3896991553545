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

/*
 * Kick the CPUs of @cids for @sch, NULL: none. Caller as for kick_cpu(). The
 * program may change @cids meanwhile, so its head is read once.
 */
static s32 kick_cmask_of_sched(struct scx_sched *sch,
			       const struct scx_cmask *cids, u64 flags,
			       unsigned long irq_flags)
{
	s32 shard, cid, asked;
	struct scx_cmask_ref ref;

	/*
	 * Not yet: pairs with scx_cid_publish_tables(), which writes that table
	 * last. Without the acquire others could still be missing here.
	 */
	if (!sch || !smp_load_acquire(&scx_cid_topo))
		return 0;
	/* Are @flags valid? */
	asked = kick_cpumask_of_sched(sch, cpu_none_mask, flags, irq_flags);
	if (asked < 0)
		return asked;
	if (scx_cmask_ref_init(sch, cids, &ref)) {
		scx_error(sch, "scx_bpf_kick_cmask(): the cmask holds other cids than 0 to %u",
			  num_possible_cpus() - 1);
		return -EINVAL;
	}
	for (shard = ref.shard_first; shard < ref.shard_end; shard++) {
		SCX_CMASK_DEFINE_SHARD(part, 0, SCX_CID_SHARD_MAX_CPUS);

		scx_cmask_ref_shard(&ref, shard, part);
		scx_cmask_for_each_cid(cid, part) {
			s32 cpu = __scx_cid_to_cpu(cid);

			if (!cpu_online(cpu))
				continue;
			kick_cpu_of_sched(sch, cpu, flags, irq_flags);
			asked++;
		}
	}
	return asked;
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

/* Kick what @cpu runs for @sch, else as kick_cpu_of_sched(). */
static noinline s32 kick_curr_of_sched(struct scx_sched *sch, s32 cpu, s32 pid,
				       u64 flags, unsigned long irq_flags)
{
	if (!sch || !scx_enabled()) {
		kick_account(cpu, kick_curr_req(flags), SCX_KICKED_DISABLED);
		return -ESRCH;
	}
	if (!sch->level)
		return kick_curr_cpu(cpu, pid, flags, irq_flags);
	return kick_sub_curr(sch, cpu, pid, flags, irq_flags);
}

/* Wake idle CPUs of @cpus for @sch, else as kick_cpu_of_sched(). */
static noinline s32 kick_idle_of_sched(struct scx_sched *sch,
				       const struct cpumask *cpus, u32 nr,
				       unsigned long irq_flags)
{
	if (!sch || !scx_enabled())
		return 0;
	if (!sch->level)
		return kick_idle_cpus(cpus, nr, irq_flags);
	return kick_sub_idle(sch, cpus, nr, irq_flags);
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
 * %SCX_KICK_PREEMPT_LAZY takes the slice of the task that @cpu runs when the
 * kick is made, and interrupts nobody. The CPU schedules when it comes to that,
 * by its next tick at the latest. On a CPU without a tick, and if @cpu is idle
 * or inside a cycle, it is %SCX_KICK_PREEMPT.
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
 * when @cpu serves the kick. So %SCX_KICK_PREEMPT_LAZY leaves that to no tick:
 * it is %SCX_KICK_PREEMPT here.
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
 * scx_bpf_kick_cmask - make the CPUs of several cids schedule
 * @cids__arena: cids to kick, those of them whose CPU is online
 * @flags: as for scx_bpf_kick_cpu()
 * @aux: the calling program, which the verifier adds
 *
 * Does what scx_bpf_kick_cpu() does for the CPU of each cid, one after the
 * other. Unknown @flags, %SCX_KICK_IDLE with another flag and a cmask with cids
 * that do not exist end the scheduler that the program belongs to.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return: as scx_bpf_kick_cpumask()
 */
__bpf_kfunc s32 scx_bpf_kick_cmask(const struct scx_cmask *cids__arena,
				   u64 flags, const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	/* kick_by_root() does not tell one that is dead, whose tables go. */
	ret = kick_cmask_of_sched(kick_find_sched(aux), cids__arena, flags,
				  irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_task - preempt a task, if it is still running
 * @p: the task
 * @flags: 0, or any of %SCX_KICK_WAIT and %SCX_KICK_PREEMPT_LAZY
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
 * %SCX_KICK_PREEMPT_LAZY interrupts nobody: the CPU of @p schedules by its next
 * tick. %SCX_KICK_WAIT goes before. The claim is the same: until then others
 * get -%EBUSY.
 *
 * Unknown @flags end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return:
 * * 0		- This call has claimed the preemption of @p.
 * * -%EBUSY	- Another preemption of @p is on its way. Or the slice of @p is
 *		  used up and its CPU is about to schedule. Or that CPU is
 *		  inside a cycle. Or the BPF scheduler is bypassed. From NMI
 *		  also: this CPU has not sent an earlier claim yet. In each case
 *		  the CPU does not idle before it has looked at what the caller
 *		  wrote, and at what the operation decides that called this.
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

/**
 * scx_bpf_kick_curr - preempt what a CPU runs, or wake it, and tell which
 * @cpu: CPU to kick
 * @pid: only if this is the pid of the task that @cpu runs, 0: whatever it runs
 * @flags: %SCX_KICK_IDLE, or 0, or any of %SCX_KICK_WAIT and
 *	%SCX_KICK_PREEMPT_LAZY
 * @aux: the calling program, which the verifier adds
 *
 * Does what scx_bpf_kick_task() does for the sched_ext task that @cpu runs: the
 * preemption is claimed, and one caller gets it. If @cpu is idle, wakes it as
 * scx_bpf_kick_cpu() does with %SCX_KICK_IDLE, whatever @pid is. With
 * %SCX_KICK_IDLE it does only that.
 *
 * A CPU that this call neither preempts nor wakes it leaves alone, and says
 * why, so that the caller can choose another one. In an operation the answer is
 * about what @cpu does now, while a wake-up is held back as other kicks are. So
 * a CPU that is not preempted gets %SCX_KICK_IDLE in any case there: it does
 * not idle before it has looked at what the operation decides.
 *
 * The BPF scheduler is ended if @cpu does not exist and if @flags are others.
 * One that addresses CPUs by cid calls scx_bpf_kick_task() for
 * scx_bpf_cid_curr().
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return:
 * * 0		- This call has claimed the preemption of the task.
 * * 1		- @cpu was idle, and this call wakes it.
 * * -%EBUSY	- Another preemption or wake-up of @cpu is on its way, or @cpu
 *		  is inside a cycle, or the BPF scheduler is bypassed.
 * * -%ESRCH	- @cpu runs another task than @pid, with %SCX_KICK_IDLE: any
 *		  task. Or no BPF scheduler is loaded.
 * * -%EPERM	- A task of a higher class keeps @cpu. Or the program's
 *		  scheduler may not kick @cpu, or not preempt the task.
 * * -%ENODEV	- @cpu is offline, or does not exist.
 * * -%EINVAL	- Invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_curr(s32 cpu, s32 pid, u64 flags,
				  const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	if (kick_by_root(aux))
		ret = kick_curr_cpu(cpu, pid, flags, irq_flags);
	else
		ret = kick_curr_of_sched(kick_find_sched(aux), cpu, pid, flags,
					 irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_idle - wake idle CPUs, not more than there is work for
 * @cpus: CPUs to choose from
 * @nr: how many to wake at most
 * @aux: the calling program, which the verifier adds
 *
 * Wakes the first @nr idle CPUs of @cpus for which no kick is pending. A CPU
 * that is inside a cycle, and may have looked for tasks already, is asked to
 * look again, but is not counted. So after fewer than @nr there is no idle CPU
 * in @cpus that does not look at what was queued before.
 *
 * In an scx operation the wake-ups are held back as other kicks are, and CPUs
 * are chosen by what they do now. If there are fewer than @nr, a CPU that idles
 * by the time that the kicks are made is woken as well.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return: how many CPUs this call wakes. Callers at the same time wake
 * different ones, except from operations of several CPUs.
 */
__bpf_kfunc s32 scx_bpf_kick_idle(const struct cpumask *cpus, u32 nr,
				  const struct bpf_prog_aux *aux)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	if (kick_by_root(aux))
		ret = kick_idle_cpus(cpus, nr, irq_flags);
	else
		ret = kick_idle_of_sched(kick_find_sched(aux), cpus, nr,
					 irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

__bpf_kfunc_end_defs();
