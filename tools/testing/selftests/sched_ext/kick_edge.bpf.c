// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scheduler for CPU 1 on its way to idle, and without a tick. Each CPU has a queue, and there is
 * a shared one for a task that nobody but CPU 1 takes.
 */
#include <scx/common.bpf.h>
#include "kick_edge.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);

#define SHARED_DSQ	LAB_NR_CPUS

struct edge edge;

/* For lab_work() */
struct lab_cpu edge_cpus[LAB_NR_CPUS];

static bool is_idle(s32 cpu)
{
	const struct cpumask *idle = scx_bpf_get_idle_cpumask();
	bool is_in = bpf_cpumask_test_cpu(cpu, idle);

	scx_bpf_put_cpumask(idle);
	return is_in;
}

/* The waiter's rq is not that of CPU 1, if it may run elsewhere */
s32 BPF_STRUCT_OPS(kick_edge_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return p->pid == edge.waiter && bpf_cpumask_test_cpu(0, p->cpus_ptr) ? 0 : prev_cpu;
}

static void shorten_slice(void)
{
	struct task_struct *p = bpf_task_from_pid(edge.runner);

	if (!p)
		return;
	p->scx.slice = edge.shorten;
	bpf_task_release(p);
	scx_bpf_kick_cpu(1, 0);
}

static void enqueue_waiter(struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dispatch(p, SHARED_DSQ, SCX_SLICE_INF, enq_flags);
	if (edge.shorten)
		shorten_slice();
	if (edge.look && is_idle(1))
		scx_bpf_kick_cpu(1, SCX_KICK_IDLE);
	if (READ_ONCE(edge.linger) == 2)
		edge.met++;
	WRITE_ONCE(edge.linger, 0);
}

void BPF_STRUCT_OPS(kick_edge_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 cpu = scx_bpf_task_cpu(p);
	struct lab_cpu *lc = MEMBER_VPTR(edge_cpus, [cpu]);
	bool endless = p->pid != edge.runner || !edge.slice;

	if (p->pid == edge.waiter)
		enqueue_waiter(p, enq_flags);
	else
		scx_bpf_dispatch(p, cpu, endless ? SCX_SLICE_INF : edge.slice, enq_flags);
	if (lc)
		__sync_fetch_and_add(&lc->enqueues, 1);
}

void BPF_STRUCT_OPS(kick_edge_dispatch, s32 cpu, struct task_struct *prev)
{
	if (cpu == 1 && prev && !prev->scx.slice && (prev->scx.flags & SCX_TASK_QUEUED))
		edge.expired++;
	if (!scx_bpf_consume(cpu) && cpu == 1)
		scx_bpf_consume(SHARED_DSQ);
}

static void stay(void)
{
	u64 end = bpf_ktime_get_ns() + EDGE_LINGER_NS;

	WRITE_ONCE(edge.linger, 2);
	WRITE_ONCE(edge.lingers, edge.lingers + 1);
	bpf_repeat(BPF_MAX_LOOPS) {
		if (!READ_ONCE(edge.linger) || bpf_ktime_get_ns() >= end)
			break;
	}
	WRITE_ONCE(edge.linger, 0);
}

void BPF_STRUCT_OPS(kick_edge_update_idle, s32 cpu, bool idle)
{
	if (!idle)
		return;
	if (is_idle(cpu))
		__sync_fetch_and_add(&edge.in_mask, 1);
	else
		__sync_fetch_and_add(&edge.not_in_mask, 1);
	if (cpu == 1 && edge.linger && !scx_bpf_dsq_nr_queued(SHARED_DSQ))
		stay();
}

void BPF_STRUCT_OPS(kick_edge_tick, struct task_struct *p)
{
	if (scx_bpf_task_cpu(p) != 1)
		return;
	if (bpf_get_smp_processor_id() == 1)
		edge.own_ticks++;
	else
		edge.remote_ticks++;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_edge_init)
{
	s32 dsq, err;

	bpf_for(dsq, 0, SHARED_DSQ + 1) {
		err = scx_bpf_create_dsq(dsq, -1);
		if (err)
			return err;
	}
	return 0;
}

void BPF_STRUCT_OPS(kick_edge_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SEC(".struct_ops.link")
struct sched_ext_ops kick_edge_ops = {
	.select_cpu		= (void *)kick_edge_select_cpu,
	.enqueue		= (void *)kick_edge_enqueue,
	.dispatch		= (void *)kick_edge_dispatch,
	.update_idle		= (void *)kick_edge_update_idle,
	.tick			= (void *)kick_edge_tick,
	.init			= (void *)kick_edge_init,
	.exit			= (void *)kick_edge_exit,
	.flags			= SCX_OPS_SWITCH_PARTIAL | SCX_OPS_KEEP_BUILTIN_IDLE,
	.name			= "kick_edge",
};

SEC("syscall")
int edge_kick(struct edge_kick_args *args)
{
	scx_bpf_kick_cpu(args->cpu, args->flags);
	return 0;
}
