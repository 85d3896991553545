// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compat kick of scx/common.bpf.h, and a look at the flags that it arrives with.
 */
#include <scx/common.bpf.h>

char _license[] SEC("license") = "GPL";

/* Whose kicks are looked at */
s32 tid;
u64 flags_seen;
u32 nr_seen;

SEC("syscall")
int kick_compat_kick(void *ctx)
{
	__COMPAT_scx_bpf_kick_cpu_IDLE(bpf_get_smp_processor_id());
	return 0;
}

SEC("fentry/scx_bpf_kick_cpu")
int BPF_PROG(kick_compat_look, s32 cpu, u64 flags)
{
	if ((s32)bpf_get_current_pid_tgid() != tid)
		return 0;
	flags_seen = flags;
	nr_seen++;
	return 0;
}
