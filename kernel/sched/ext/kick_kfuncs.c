// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: what BPF programs call.
 */

__bpf_kfunc_start_defs();

/**
 * scx_bpf_kick_cpu - make a CPU schedule
 * @cpu: CPU to kick
 * @flags: %SCX_KICK_* flags, or 0 to only start a scheduling cycle on @cpu
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
 * Context: Any in which a BPF program runs: any scx operation with any rq lock
 * held, timers, syscall and tracing programs, hard IRQ, NMI.
 */
__bpf_kfunc void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
	unsigned long irq_flags;

	local_irq_save(irq_flags);
	kick_cpu(cpu, flags, irq_flags);
	local_irq_restore(irq_flags);
}

/**
 * scx_bpf_kick_cpumask - make several CPUs schedule
 * @cpus: CPUs to kick, those of them that are online
 * @flags: as for scx_bpf_kick_cpu()
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
 * Return: how many CPUs of @cpus are online, 0 if the kicks were dropped
 * because the BPF scheduler is bypassed or none is loaded, or -%EINVAL for
 * invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	ret = kick_cpumask(cpus, flags, irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_task - preempt a task, if it is still running
 * @p: the task
 * @flags: 0, or any of %SCX_KICK_WAIT and %SCX_KICK_PREEMPT_LAZY
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
 *		  scheduler is loaded.
 * * -%EINVAL	- Invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_task(struct task_struct *p, u64 flags)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	ret = kick_task(p, flags, irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_curr - preempt what a CPU runs, or wake it, and tell which
 * @cpu: CPU to kick
 * @pid: only if this is the pid of the task that @cpu runs, 0: whatever it runs
 * @flags: %SCX_KICK_IDLE, or 0, or any of %SCX_KICK_WAIT and
 *	%SCX_KICK_PREEMPT_LAZY
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
 * * -%EPERM	- A task of a higher class keeps @cpu.
 * * -%ENODEV	- @cpu is offline, or does not exist.
 * * -%EINVAL	- Invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_curr(s32 cpu, s32 pid, u64 flags)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	ret = kick_curr_cpu(cpu, pid, flags, irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

/**
 * scx_bpf_kick_idle - wake idle CPUs, not more than there is work for
 * @cpus: CPUs to choose from
 * @nr: how many to wake at most
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
__bpf_kfunc s32 scx_bpf_kick_idle(const struct cpumask *cpus, u32 nr)
{
	unsigned long irq_flags;
	s32 ret;

	local_irq_save(irq_flags);
	ret = kick_idle_cpus(cpus, nr, irq_flags);
	local_irq_restore(irq_flags);
	return ret;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(scx_kick_kfunc_ids)
BTF_ID_FLAGS(func, scx_bpf_kick_cpu)
BTF_ID_FLAGS(func, scx_bpf_kick_cpumask, KF_RCU)
BTF_ID_FLAGS(func, scx_bpf_kick_task, KF_RCU)
BTF_ID_FLAGS(func, scx_bpf_kick_curr)
BTF_ID_FLAGS(func, scx_bpf_kick_idle, KF_RCU)
BTF_KFUNCS_END(scx_kick_kfunc_ids)

static const struct btf_kfunc_id_set scx_kick_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &scx_kick_kfunc_ids,
};

/* Let programs of all types that sched_ext knows call the kfuncs. */
static int __init scx_kick_kfunc_init(void)
{
	static const enum bpf_prog_type types[] __initconst = {
		BPF_PROG_TYPE_STRUCT_OPS,
		BPF_PROG_TYPE_TRACING,
		BPF_PROG_TYPE_SYSCALL,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		int ret = register_btf_kfunc_id_set(types[i],
						    &scx_kick_kfunc_set);

		if (ret) {
			pr_err("sched_ext: can't register kick kfuncs for program type %d (%d)\n",
			       types[i], ret);
			return ret;
		}
	}
	return 0;
}
device_initcall(scx_kick_kfunc_init);
