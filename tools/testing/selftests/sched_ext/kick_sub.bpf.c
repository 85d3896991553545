// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scheduler that may be the root or a sub-scheduler, and kicks in its name. All its tasks are in
 * one queue, and for one CPU or, in a storm, for all of them.
 */
#include <scx/common.bpf.h>
#include "kick_sub.h"
#include "kick_sub_caps.bpf.h"

#define QUEUE		1

char _license[] SEC("license") = "GPL";

/* enum sub_by_cpu: ops.tick() has this call */
const volatile u32 by_cpu;

/* Orders */
s32 target = -1;	/* cid of the CPU that the tasks are for */
s32 home = -1;		/* where the urgent task wakes up */
u64 child;		/* cgroup of the scheduler below, 0: none */
s32 endless;		/* the task that gets endless slices */
s32 urgent;		/* the task that is worth a kick with PREEMPT ... */
bool quiet;		/* ... but not by ops.enqueue() */
bool linger;		/* have ops.dispatch() wait after it has found nothing */
bool storm;		/* each operation kicks any CPU in any way */

/* What happened */
bool lingers;
u64 dispatches;		/* of the target */
u64 cycles[SUB_CIDS];	/* ops.dispatch() of each */
u64 expired;		/* the slice of the endless task has ended */
u64 inside;		/* the urgent task was queued during ops.dispatch() */
u64 ran;		/* the urgent task */
u64 began;		/* the endless task */
u64 stormed;		/* kicks of a storm */
bool given;		/* ... has got an endless slice */

UEI_DEFINE(uei);

static void kick_any(void)
{
	u32 random = bpf_get_prandom_u32();
	u64 flags;

	if (!storm)
		return;
	switch (random & 7) {
	case 0:
		flags = SCX_KICK_WAIT;
		break;
	case 1:
		flags = SCX_KICK_PREEMPT | SCX_KICK_WAIT;
		break;
	case 2:
	case 3:
		flags = SCX_KICK_PREEMPT;
		break;
	case 4:
	case 5:
		flags = SCX_KICK_IDLE;
		break;
	default:
		flags = 0;
	}
	scx_bpf_kick_cid((random >> 8) % scx_bpf_nr_cids(), flags);
	__sync_fetch_and_add(&stormed, 1);
}

SEC("syscall")
int sub_kick(struct sub_args *args)
{
	scx_bpf_kick_cid(args->cid, args->flags);
	return 0;
}

SEC("syscall")
int sub_kick_cmask(struct sub_args *args)
{
	u32 cid;

	cmask_init(&cids.mask, 0, 64);
	bpf_for(cid, 0, 64) {
		if (args->cids & 1ULL << cid)
			cmask_set(cid, &cids.mask);
	}
	cids.mask.nr_cids = args->nr_cids;
	args->ret = __COMPAT_scx_bpf_kick_cmask(&cids.mask, args->flags);
	return 0;
}

SEC("syscall")
int sub_kick_any(struct sub_args *args)
{
	u32 i;

	bpf_for(i, 0, args->nr)
		kick_any();
	return 0;
}

SEC("syscall")
int sub_events(struct sub_args *args)
{
	struct scx_event_stats events;

	scx_bpf_events(&events, sizeof(events));
	args->denied = events.SCX_EV_SUB_KICK_DENIED;
	args->spared = events.SCX_EV_SUB_PREEMPT_DENIED;
	return 0;
}

SEC("syscall")
int sub_find(struct sub_args *args)
{
	s32 cid;

	args->cid = -1;
	bpf_for(cid, 0, scx_bpf_nr_cids()) {
		if (scx_bpf_cid_to_cpu(cid) == args->cpu)
			args->cid = cid;
	}
	return 0;
}

s32 BPF_STRUCT_OPS(kick_sub_select_cid, struct task_struct *p, s32 prev_cid, u64 wake_flags)
{
	return p->pid == urgent ? home : prev_cid;
}

void BPF_STRUCT_OPS(kick_sub_enqueue, struct task_struct *p, u64 enq_flags)
{
	bool goes_on = p->pid == endless;

	scx_bpf_dsq_insert(p, QUEUE, goes_on ? SCX_SLICE_INF : SCX_SLICE_DFL, enq_flags);
	if (goes_on)
		given = true;
	kick_any();
	if (target < 0)
		return;
	if (p->pid != urgent) {
		scx_bpf_kick_cid(target, SCX_KICK_IDLE);
		return;
	}
	if (lingers)
		__sync_fetch_and_add(&inside, 1);
	if (!quiet)
		scx_bpf_kick_cid(target, SCX_KICK_PREEMPT);
}

static void wait_to_be_let_go(void)
{
	u64 end = bpf_ktime_get_ns() + SUB_LINGER_NS;
	u32 i;

	lingers = true;
	bpf_for(i, 0, 1 << 22) {
		if (!*(volatile bool *)&linger || bpf_ktime_get_ns() > end)
			break;
	}
	linger = false;
	lingers = false;
}

void BPF_STRUCT_OPS(kick_sub_dispatch, s32 cid, struct task_struct *prev)
{
	bool goes_on = prev && prev->pid == endless;

	kick_any();
	if (cid >= 0 && cid < SUB_CIDS)
		__sync_fetch_and_add(&cycles[cid], 1);
	if (cid != target && !storm)
		return;
	dispatches++;
	if (goes_on)
		expired++;
	if (storm && child && bpf_get_prandom_u32() & 1 && scx_bpf_sub_dispatch(child))
		return;
	if (scx_bpf_dsq_move_to_local(QUEUE, 0))
		return;
	if (child && scx_bpf_sub_dispatch(child))
		return;
	if (linger && goes_on)
		wait_to_be_let_go();
	if (goes_on) {
		scx_bpf_task_set_slice(prev, SCX_SLICE_INF);
		given = true;
	}
}

void BPF_STRUCT_OPS(kick_sub_runnable, struct task_struct *p, u64 enq_flags)
{
	kick_any();
}

void BPF_STRUCT_OPS(kick_sub_stopping, struct task_struct *p, bool runnable)
{
	kick_any();
}

void BPF_STRUCT_OPS(kick_sub_running, struct task_struct *p)
{
	kick_any();
	if (p->pid == urgent)
		__sync_fetch_and_add(&ran, 1);
	if (p->pid == endless)
		__sync_fetch_and_add(&began, 1);
}

void BPF_STRUCT_OPS(kick_sub_tick, struct task_struct *p)
{
	switch (by_cpu) {
	case SUB_KICK_CPU:
		scx_bpf_kick_cpu(0, 0);
		break;
	case SUB_KICK_CPUMASK:
		__COMPAT_scx_bpf_kick_cpumask(p->cpus_ptr, 0);
		break;
	case SUB_KICK_CURR:
		__COMPAT_scx_bpf_kick_curr(0, 0, 0);
		break;
	case SUB_KICK_IDLE:
		__COMPAT_scx_bpf_kick_idle(p->cpus_ptr, 1);
		break;
	}
}

s32 BPF_STRUCT_OPS(kick_sub_sub_attach, struct scx_sub_attach_args *args)
{
	return 0;
}

void BPF_STRUCT_OPS(kick_sub_enable, struct task_struct *p, struct scx_enable_args *args)
{
	asm volatile ("" :: "r"(&arena));
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_sub_init)
{
	return scx_bpf_create_dsq(QUEUE, -1);
}

void BPF_STRUCT_OPS(kick_sub_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SCX_OPS_CID_DEFINE(kick_sub_ops,
		   .select_cid	= (void *)kick_sub_select_cid,
		   .enqueue	= (void *)kick_sub_enqueue,
		   .dispatch	= (void *)kick_sub_dispatch,
		   .runnable	= (void *)kick_sub_runnable,
		   .running	= (void *)kick_sub_running,
		   .stopping	= (void *)kick_sub_stopping,
		   .tick	= (void *)kick_sub_tick,
		   .sub_attach	= (void *)kick_sub_sub_attach,
		   .enable	= (void *)kick_sub_enable,
		   .init	= (void *)kick_sub_init,
		   .exit	= (void *)kick_sub_exit,
		   .flags	= SCX_OPS_SWITCH_PARTIAL,
		   .name	= "kick_sub");
