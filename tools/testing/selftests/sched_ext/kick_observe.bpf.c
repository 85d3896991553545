// SPDX-License-Identifier: GPL-2.0-only
/* Counts the events of both tracepoints of kicks, and kicks tasks */
#include <scx/common.bpf.h>
#include "kick_observe.h"

char _license[] SEC("license") = "GPL";

/* What each CPU has asked, by outcome */
u64 seen[OBSERVE_NR_CPUS][OBSERVE_NR_OUTCOMES];
struct observe_target targets[OBSERVE_NR_CPUS];

SEC("tp_btf/sched_ext_kick")
int BPF_PROG(observe_kick, int cpu, u32 flags, u32 outcome)
{
	u32 this_cpu = bpf_get_smp_processor_id();
	struct observe_target *target = MEMBER_VPTR(targets, [cpu]);
	u64 *n = MEMBER_VPTR(seen, [this_cpu][outcome]);

	if (n)
		*n += 1;
	if (!target)
		return 0;
	target->from = this_cpu;
	target->flags = flags;
	target->outcome = outcome;
	__sync_fetch_and_add(&target->kicks, 1);
	return 0;
}

SEC("tp_btf/sched_ext_kick_served")
int BPF_PROG(observe_served, int cpu, u32 flags, u64 delay_ns)
{
	struct observe_target *target = MEMBER_VPTR(targets, [cpu]);

	/* The first one since user space has set this to 0 */
	if (!target || target->served)
		return 0;
	target->served_on = bpf_get_smp_processor_id();
	target->served_flags = flags;
	target->delay_ns = delay_ns;
	__sync_fetch_and_add(&target->served, 1);
	return 0;
}

/* Kicks that are made in an event of a kick, on each CPU, one in the other */
static u32 depths[OBSERVE_NR_CPUS];
u32 deepest;
u64 nested_kicks;

static void kick_in_event(s32 cpu)
{
	u32 *depth = MEMBER_VPTR(depths, [bpf_get_smp_processor_id()]);

	if (!depth)
		return;
	*depth += 1;
	if (*depth > deepest)
		deepest = *depth;
	__sync_fetch_and_add(&nested_kicks, 1);
	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	*depth -= 1;
}

/* Several: BPF itself does not run a program within the same one */
#define KICK_IN_EVENT(__nr)						\
SEC("?tp_btf/sched_ext_kick")						\
int BPF_PROG(observe_nested_##__nr, int cpu)				\
{									\
	kick_in_event(cpu);						\
	return 0;							\
}

KICK_IN_EVENT(0)
KICK_IN_EVENT(1)
KICK_IN_EVENT(2)
KICK_IN_EVENT(3)

SEC("syscall")
int observe_kick_task(struct observe_kick_args *args)
{
	struct task_struct *p = bpf_task_from_pid(args->pid);

	if (!p)
		return -ESRCH;
	args->ret = scx_bpf_kick_task(p, args->flags);
	bpf_task_release(p);
	return 0;
}
