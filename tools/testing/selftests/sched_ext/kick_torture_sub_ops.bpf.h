/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: the scheduler once more, as one that knows CPUs by their cids: only such a one may
 * have a sub-scheduler, or be one. And the programs that watch how the kernel judges that.
 */
#ifndef __KICK_TORTURE_SUB_OPS_BPF_H__
#define __KICK_TORTURE_SUB_OPS_BPF_H__

#ifdef SCX_OPS_CID_DEFINE

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_sub_attach, struct scx_sub_attach_args *args)
{
	torture_rare(TORTURE_SUB_ATTACH);
	return 0;
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_sub_detach, struct scx_sub_detach_args *args)
{
	torture_rare(TORTURE_SUB_ATTACH);
}

void BPF_STRUCT_OPS(kick_torture_sub_caps_updated, const struct scx_cmask *cids, u64 caps)
{
	torture_rare(TORTURE_SUB_CAPS);
}

/* A cycle of this CPU, or of a sibling for it, has just changed them */
void BPF_STRUCT_OPS(kick_torture_sub_ecaps_updated, s32 cid, u64 before, u64 after)
{
	struct torture_cpu *tc = cpu_of(scx_bpf_cid_to_cpu(cid));

	if (tc)
		__sync_fetch_and_add(&tc->cap_changes, 1);
	torture_rare(TORTURE_SUB_CAPS);
}

SCX_OPS_CID_DEFINE(kick_torture_cid,
		   .select_cid		= (void *)kick_torture_select_cpu,
		   .enqueue		= (void *)kick_torture_enqueue,
		   .dequeue		= (void *)kick_torture_dequeue,
		   .dispatch		= (void *)kick_torture_dispatch,
		   .tick		= (void *)kick_torture_tick,
		   .runnable		= (void *)kick_torture_runnable,
		   .running		= (void *)kick_torture_running,
		   .stopping		= (void *)kick_torture_stopping,
		   .quiescent		= (void *)kick_torture_quiescent,
		   .set_weight		= (void *)kick_torture_set_weight,
		   .set_cmask		= (void *)kick_torture_set_cpumask,
		   .update_idle		= (void *)kick_torture_update_idle,
		   .cid_online		= (void *)kick_torture_cpu_online,
		   .cid_offline		= (void *)kick_torture_cpu_offline,
		   .enable		= (void *)kick_torture_enable,
		   .cpuctl_move		= (void *)kick_torture_cgroup_move,
		   .sub_attach		= (void *)kick_torture_sub_attach,
		   .sub_detach		= (void *)kick_torture_sub_detach,
		   .sub_caps_updated	= (void *)kick_torture_sub_caps_updated,
		   .sub_ecaps_updated	= (void *)kick_torture_sub_ecaps_updated,
		   .init		= (void *)kick_torture_init,
		   .exit		= (void *)kick_torture_exit,
		   .flags		= SCX_OPS_SWITCH_PARTIAL,
		   .name		= "kick_torture_cid");

/* @sub has asked @cpu to preempt, and no cycle has judged that yet */
static bool asks_to_preempt(struct scx_sched___torture *sub, s32 cpu)
{
	struct scx_kick_sub___torture *kick = on_cpu(BPF_CORE_READ(sub, kick_subs), cpu);

	return BPF_CORE_READ(kick, asked);
}

/*
 * A cycle, with the lock of @rq, judges whether to preempt for the sub-scheduler: neither the caps
 * of that CPU change meanwhile, nor whose task it runs.
 */
SEC("?fentry/__scx_kick_serve_subs")
int BPF_PROG(sub_judge, struct rq *rq)
{
	struct scx_sched___torture *sub = sub_sched();
	struct torture_cpu *me = this_cpu();

	if (!me)
		return 0;
	me->slice_before = has_slice(rq->curr);
	me->asked_before = sub && asks_to_preempt(sub, rq->cpu);
	return 0;
}

SEC("?fexit/__scx_kick_serve_subs")
int BPF_PROG(sub_judged, struct rq *rq)
{
	struct scx_sched___torture *sub = sub_sched();
	struct torture_cpu *me = this_cpu();
	bool taken = !rq->curr->scx.slice;

	if (!me || !sub || !me->slice_before)
		return 0;
	if (taken && !may_preempt(sub, rq->curr, rq->cpu))
		me->trespasses++;
	else if (taken)
		me->judged_slices++;
	/* Another kick may just be asking, and is judged by the next cycle */
	else if (me->asked_before && !asks_to_preempt(sub, rq->cpu) &&
		 sub_preempts(rq->curr, rq->cpu))
		me->not_taken++;
	return 0;
}

#endif	/* SCX_OPS_CID_DEFINE */

#endif	/* __KICK_TORTURE_SUB_OPS_BPF_H__ */
