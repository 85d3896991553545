/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: calls that kick, and whether the kernel judges those of a sub-scheduler as its caps
 * say.
 */
#ifndef __KICK_TORTURE_CALLS_BPF_H__
#define __KICK_TORTURE_CALLS_BPF_H__

/*
 * A call by a scheduler that may be a sub-scheduler, or have one. The kernel judges each kick of a
 * sub-scheduler by the caps that it finds at the target. It does not count what it refuses among
 * the kicks, but among the events of that scheduler on this CPU. If nothing has changed meanwhile,
 * that must be as many as the caps say.
 */
struct torture_call {
	u64 id;			/* of the sub-scheduler, 0: there is none */
	u64 changes;		/* of its caps, at the targets */
	u64 refused;
	u64 counted;
	u32 expected;		/* how many are to be refused */
};

/* Without what calls that came in between have told already */
__noinline u64 refused_now(struct torture_cpu *me __arg_nonnull)
{
	struct scx_sched___torture *sub = sub_sched();
	u64 refused = 0, told;
	int i;

	bpf_for(i, 0, 8) {
		told = __sync_fetch_and_add(&me->refused, 0);
		refused = sub ? refused_to(sub) - told : 0;
		if (told == __sync_fetch_and_add(&me->refused, 0))
			break;
	}
	return refused;
}

static u64 changes_at(s32 cpu)
{
	struct torture_cpu *target = cpu_of(cpu);

	return target ? READ_ONCE(target->cap_changes) : 0;
}

/* Preemption is off from here to end_call() */
static void begin_call(struct torture_cpu *me, struct torture_call *call, u64 changes, u32 expected)
{
	if (role == TORTURE_BY_CPU)
		return;
	call->counted = counted();
	call->changes = changes;
	call->expected = expected;
	if (role == TORTURE_ROOT)
		return;
	call->id = sub_id();
	call->refused = refused_now(me);
}

/* The scheduler was there before and after */
static bool was_loaded(const struct torture_call *call)
{
	return role == TORTURE_SUB ? call->id && sub_id() == call->id : loaded_now();
}

/*
 * Returns how many were refused. While a scheduler by cid comes or goes, some of its kicks are not
 * counted at all: of @due ones
 */
static __always_inline u32 end_call(struct torture_cpu *me, const struct torture_call *call,
				    u32 due)
{
	u64 refused;

	if (role == TORTURE_BY_CPU)
		return 0;
	if (!was_loaded(call)) {
		settle(me, due, call->counted);
		return 0;
	}
	if (role != TORTURE_SUB)
		return 0;
	refused = refused_now(me) - call->refused;
	__sync_fetch_and_add(&me->refused, refused);
	return refused;
}

/* @changes and @expected as before the call, if it can be judged */
static __always_inline void judge_call(struct torture_cpu *me, const struct torture_call *call,
				       u32 refused, u64 changes, u32 expected, u32 context)
{
	if (role != TORTURE_SUB || !was_loaded(call) || changes != call->changes ||
	    expected != call->expected)
		return;
	__sync_fetch_and_add(&me->judged_kicks, 1);
	if (refused == expected)
		return;
	me->misjudged_context = context;
	__sync_fetch_and_add(&me->misjudged, 1);
}

/* Returns 0 if it may not have been made */
static __always_inline int kick_in_call(struct torture_cpu *me, u32 context, s32 cpu, u64 flags,
					bool by_cid)
{
	struct torture_call call = {};
	u32 refused;

	begin_call(me, &call, changes_at(cpu), is_denied(cpu));
	if (by_cid)
		call_kick_cid(cpu, flags);
	else
		scx_bpf_kick_cpu(cpu, flags);
	refused = end_call(me, &call, 1);
	__sync_fetch_and_add(&me->uncounted, refused);
	judge_call(me, &call, refused, changes_at(cpu), is_denied(cpu), context);
	return role != TORTURE_SUB || (!refused && fate_by_sub(cpu) == TORTURE_LIVE);
}

__noinline int kick_cpu_in_call(struct torture_cpu *me __arg_nonnull, u32 context, s32 cpu,
				u64 flags)
{
	return kick_in_call(me, context, cpu, flags, false);
}

__noinline int kick_cid_in_call(struct torture_cpu *me __arg_nonnull, u32 context, s32 cpu,
				u64 flags)
{
	return kick_in_call(me, context, cpu, flags, true);
}

static bool call_kick(struct torture_cpu *me, u32 context, s32 cpu, u64 flags, bool by_cid)
{
	if (role == TORTURE_BY_CPU) {
		scx_bpf_kick_cpu(cpu, flags);
		return true;
	}
	return by_cid ? kick_cid_in_call(me, context, cpu, flags) :
			kick_cpu_in_call(me, context, cpu, flags);
}

/* Instead of one that has not been made */
static bool make_up(struct torture_cpu *me, u32 context, s32 cpu, u64 flags, bool by_cid)
{
	__sync_fetch_and_add(&me->own, 1);
	return call_kick(me, context, cpu, flags, by_cid);
}

/* 1: the sub-scheduler may not preempt @p, which is on @cpu */
static u32 denied_task(struct task_struct *p, s32 cpu)
{
	struct scx_sched___torture *sub = role == TORTURE_SUB ? sub_sched() : NULL;

	return sub && !may_preempt(sub, p, cpu);
}

__noinline int claim_in_call(struct torture_cpu *me __arg_nonnull, u32 context, u64 flags,
			     struct task_struct *p __arg_trusted, s32 cpu)
{
	struct torture_call call = {};
	u32 refused;
	s32 err;

	if (!bpf_ksym_exists(scx_bpf_kick_task))
		return 0;
	begin_call(me, &call, changes_at(cpu), denied_task(p, cpu));
	err = scx_bpf_kick_task(p, flags);
	refused = end_call(me, &call, 1);
	__sync_fetch_and_add(&me->uncounted, refused);
	if (cpu_of_task(p) == cpu)
		judge_call(me, &call, refused, changes_at(cpu), denied_task(p, cpu), context);
	return err;
}

/* A kick of @cpu by the sub-scheduler was asked for: owed, if it is @sure that it was made */
__noinline int settle_sub(struct torture_cpu *me __arg_nonnull, s32 cpu, u32 context, u32 kind,
			  u32 sure)
{
	struct torture_cpu *target = cpu_of(cpu);

	if (!target)
		return 0;
	if (sure)
		owe(me, cpu, context, kind);
	else
		excuse(target, kind);
	return 0;
}

#endif	/* __KICK_TORTURE_CALLS_BPF_H__ */
