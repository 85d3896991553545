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
/* By scx_bpf_kick_task() or scx_bpf_kick_cpumask() */
u32 nr_direct;

/* Whom to kick, and what was said */
s32 victim;
s32 cpu_a, cpu_b;
u64 flags;
s32 ret;

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
int kick_compat_cpumask(void *ctx)
{
	struct bpf_cpumask *cpus = bpf_cpumask_create();

	if (!cpus)
		return -ENOMEM;
	bpf_cpumask_set_cpu(cpu_a, cpus);
	bpf_cpumask_set_cpu(cpu_b, cpus);
	kicking = true;
	ret = __COMPAT_scx_bpf_kick_cpumask(cast_mask(cpus), flags);
	kicking = false;
	bpf_cpumask_release(cpus);
	return 0;
}

static int look_direct(void)
{
	if ((s32)bpf_get_current_pid_tgid() == tid)
		nr_direct++;
	return 0;
}

/* Only for kernels that have these */
SEC("?fentry/scx_bpf_kick_task")
int BPF_PROG(kick_compat_look_task)
{
	return look_direct();
}

SEC("?fentry/scx_bpf_kick_cpumask")
int BPF_PROG(kick_compat_look_cpumask)
{
	return look_direct();
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
