// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compat kicks of scx/common.bpf.h, and a look at what they arrive as.
 */
#include <scx/common.bpf.h>

char _license[] SEC("license") = "GPL";

/* Who kicks, and is it in the middle of that? The kicks that it then made by scx_bpf_kick_cpu() */
s32 tid;
bool kicking;
u64 flags_seen;
u32 nr_seen;
/* By the kfunc that the macro is named after */
u64 flags_direct;
u32 nr_direct;

/* Whom to kick, and what was said */
s32 victim;
s32 cpu_a, cpu_b;
u64 flags;
s32 ret;

u64 enq_flags;

SEC("syscall")
int kick_compat_kick(void *ctx)
{
	kicking = true;
	__COMPAT_scx_bpf_kick_cpu_IDLE(bpf_get_smp_processor_id());
	kicking = false;
	return 0;
}

SEC("syscall")
int kick_compat_task(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(victim);

	if (!p)
		return -ESRCH;
	kicking = true;
	ret = __COMPAT_scx_bpf_kick_task(p, flags);
	kicking = false;
	bpf_task_release(p);
	return 0;
}

SEC("syscall")
int kick_compat_task_lazy(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(victim);

	if (!p)
		return -ESRCH;
	kicking = true;
	ret = __COMPAT_scx_bpf_kick_task_lazy(p);
	kicking = false;
	bpf_task_release(p);
	return 0;
}

SEC("syscall")
int kick_compat_curr(void *ctx)
{
	kicking = true;
	ret = __COMPAT_scx_bpf_kick_curr(cpu_a, victim, flags);
	kicking = false;
	return 0;
}

SEC("syscall")
int kick_compat_cpu_lazy(void *ctx)
{
	kicking = true;
	__COMPAT_scx_bpf_kick_cpu_PREEMPT_LAZY(cpu_a);
	kicking = false;
	ret = 0;
	return 0;
}

/* Of CPUs @cpu_a and @cpu_b: one idle one, or both whatever they do */
static int kick_both(bool one_idle)
{
	struct bpf_cpumask *cpus = bpf_cpumask_create();

	if (!cpus)
		return -ENOMEM;
	bpf_cpumask_set_cpu(cpu_a, cpus);
	bpf_cpumask_set_cpu(cpu_b, cpus);
	kicking = true;
	if (one_idle)
		ret = __COMPAT_scx_bpf_kick_idle(cast_mask(cpus), 1);
	else
		ret = __COMPAT_scx_bpf_kick_cpumask(cast_mask(cpus), flags);
	kicking = false;
	bpf_cpumask_release(cpus);
	return 0;
}

SEC("syscall")
int kick_compat_idle(void *ctx)
{
	return kick_both(true);
}

SEC("syscall")
int kick_compat_cpumask(void *ctx)
{
	return kick_both(false);
}

SEC("syscall")
int kick_compat_enq(void *ctx)
{
	enq_flags = __COMPAT_SCX_ENQ_PREEMPT_LAZY;
	return 0;
}

static int look_direct(u64 flags)
{
	if ((s32)bpf_get_current_pid_tgid() == tid) {
		flags_direct = flags;
		nr_direct++;
	}
	return 0;
}

/* Only for kernels that have these */
SEC("?fentry/scx_bpf_kick_task")
int BPF_PROG(kick_compat_look_task, struct task_struct *p, u64 flags)
{
	return look_direct(flags);
}

SEC("?fentry/scx_bpf_kick_cpumask")
int BPF_PROG(kick_compat_look_cpumask, const struct cpumask *cpus, u64 flags)
{
	return look_direct(flags);
}

SEC("?fentry/scx_bpf_kick_curr")
int BPF_PROG(kick_compat_look_curr, s32 cpu, s32 pid, u64 flags)
{
	return look_direct(flags);
}

SEC("?fentry/scx_bpf_kick_idle")
int BPF_PROG(kick_compat_look_idle)
{
	return look_direct(0);
}

SEC("fentry/scx_bpf_kick_cpu")
int BPF_PROG(kick_compat_look, s32 cpu, u64 flags)
{
	if (!kicking || (s32)bpf_get_current_pid_tgid() != tid)
		return 0;
	flags_seen = flags;
	nr_seen++;
	return 0;
}
