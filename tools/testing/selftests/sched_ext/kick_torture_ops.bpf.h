/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: the scheduler: a queue for each CPU, which also looks into those of the others when
 * it has nothing to run. Slices differ, some are long enough for nothing but kicks to happen for a
 * while.
 */
#ifndef __KICK_TORTURE_OPS_BPF_H__
#define __KICK_TORTURE_OPS_BPF_H__

static u64 draw(u32 context)
{
	struct torture_cpu *me = this_cpu();
	u64 *state = me ? MEMBER_VPTR(*me, .random[context]) : NULL;

	return state ? next_random(state) : 0;
}

static u64 slice(u64 random)
{
	if (orders.endless && !(random >> 3 & 7))
		return SCX_SLICE_INF;
	return (random & 1 ? 100 : random & 2 ? 10 : 1) * 1000 * 1000;
}

static void select_owed(void)
{
	struct torture_cpu *me = this_cpu();

	if (me)
		me->enqueue.selected = true;
}

/* ops.runnable() goes on with what ops.select_cpu() has begun, or the change of a task */
static bool owed_goes_on(u64 enq_flags)
{
	struct torture_cpu *me = this_cpu();
	bool selected;

	if (!me)
		return false;
	selected = me->enqueue.selected;
	me->enqueue.selected = false;
	return selected || (enq_flags & ENQ_RESTORE);
}

s32 BPF_STRUCT_OPS(kick_torture_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	u64 random = draw(TORTURE_SELECT_CPU);
	bool idle = false;
	s32 cpu;

	owe_for(p, true);
	torture(TORTURE_SELECT_CPU);
	select_owed();
	/* Where CPUs go by cids, the kernel does not choose */
	if (random & 1 || role != TORTURE_BY_CPU)
		return prev_cpu;
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);
	if (idle && random & 2)
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice(random >> 2), 0);
	return cpu;
}

/* Returns false if there is no room */
static bool queue_task(struct task_struct *p)
{
	s32 pid = p->pid;

	return !bpf_map_push_elem(&queue, &pid, 0);
}

void BPF_STRUCT_OPS(kick_torture_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 random = draw(TORTURE_ENQUEUE);
	s32 cpu = cpu_of_task(p);
	struct torture_cpu *me = this_cpu();

	owe_for(p, enq_flags & SCX_ENQ_REENQ);
	torture(TORTURE_ENQUEUE);
	if (me)
		tempt(&me->enqueue, random >> 12);
	/* A task that is preempted in one of the other kicks ends it soon, a few times in a row */
	if (me && READ_ONCE(me->kicking) && p == bpf_get_current_task_btf() &&
	    ++me->first % 4)
		enq_flags |= SCX_ENQ_HEAD;
	if (!(random & 0x30)) {
		u64 preempt = random & 0x40 ? SCX_ENQ_PREEMPT : 0;

		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice(random), enq_flags | preempt);
		if (me)
			pay(&me->enqueue);
		return;
	}
	if ((random & 0x380) || !queue_task(p))
		scx_bpf_dispatch(p, cpu, slice(random), enq_flags);
	/* What the task relies on is not left out */
	kick_in_op(TORTURE_ENQUEUE, cpu, TORTURE_KIND_IDLE);
	if (me)
		pay(&me->enqueue);
}

void BPF_STRUCT_OPS(kick_torture_dequeue, struct task_struct *p, u64 deq_flags)
{
	owe_for(p, false);
	torture_rare(TORTURE_DEQUEUE);
}

/* Stand still where this CPU has found nothing to run, until a kick comes that it must not miss */
static void linger(void)
{
	struct torture_cpu *me = this_cpu();
	u64 end = bpf_ktime_get_ns() + TORTURE_LINGER_NS;

	bpf_repeat(BPF_MAX_LOOPS) {
		if (!me || !all_seen(&me->seq[TORTURE_SEQ_IDLE]) || bpf_ktime_get_ns() >= end)
			return;
	}
}

/*
 * Tasks of BPF's queue come last, so that some are changed while they are in it. One that has left
 * it for that is not dispatched: the kernel knows.
 */
static bool dispatch_queued(void)
{
	struct task_struct *p;
	s32 pid, cpu;

	if (bpf_map_pop_elem(&queue, &pid))
		return false;
	p = bpf_task_from_pid(pid);
	if (!p)
		return false;
	cpu = cpu_of_task(p);
	scx_bpf_dispatch(p, cpu, slice(draw(TORTURE_DISPATCH)), 0);
	bpf_task_release(p);
	return scx_bpf_consume(cpu);
}

static void dispatch(s32 cpu)
{
	bool sub_first = role == TORTURE_ROOT && draw(TORTURE_DISPATCH) & 1;
	s32 i;

	torture(TORTURE_DISPATCH);
	if (!(draw(TORTURE_DISPATCH) & 7))
		dispatch_queued();
	if (sub_first && dispatch_sub())
		return;
	bpf_for(i, 0, nr_cpus) {
		if (scx_bpf_consume((cpu + i) % nr_cpus))
			return;
	}
	if (dispatch_queued() || (!sub_first && dispatch_sub()))
		return;
	if (!(draw(TORTURE_DISPATCH) & 3))
		linger();
}

void BPF_STRUCT_OPS(kick_torture_dispatch, s32 cpu, struct task_struct *prev)
{
	struct torture_cpu *me = this_cpu();

	if (!me)
		return;
	/* That of a sub-scheduler is part of the root's */
	if (role == TORTURE_SUB) {
		dispatch(cpu);
		return;
	}
	me->dispatch.nr = 0;
	me->dispatch.on = true;
	dispatch(cpu);
	tempt(&me->dispatch, draw(TORTURE_DISPATCH));
	pay(&me->dispatch);
}

/*
 * A kick that is left to the tick must not see many of them in one cycle. It may have come between
 * the kernel's look at it and this one.
 */
static void torture_lazy(struct torture_cpu *tc)
{
	if (!(word_of(bpf_get_smp_processor_id()) & WORD_LAZY) || tc->cycles != tc->lazy_cycles) {
		tc->lazy_cycles = tc->cycles;
		tc->lazy_ticks = 0;
	} else if (++tc->lazy_ticks == TORTURE_LAZY_TICKS) {
		tc->lazy_late++;
	}
}

void BPF_STRUCT_OPS(kick_torture_tick, struct task_struct *p)
{
	struct torture_cpu *tc = this_cpu();

	if (tc)
		torture_lazy(tc);
	torture(TORTURE_TICK);
}

void BPF_STRUCT_OPS(kick_torture_runnable, struct task_struct *p, u64 enq_flags)
{
	owe_for(p, !owed_goes_on(enq_flags));
	torture(TORTURE_RUNNABLE);
}

void BPF_STRUCT_OPS(kick_torture_running, struct task_struct *p)
{
	torture(TORTURE_RUNNING);
}

void BPF_STRUCT_OPS(kick_torture_stopping, struct task_struct *p, bool runnable)
{
	owe_for(p, runnable);
	torture(TORTURE_STOPPING);
}

void BPF_STRUCT_OPS(kick_torture_quiescent, struct task_struct *p, u64 deq_flags)
{
	owe_for(p, false);
	torture(TORTURE_QUIESCENT);
}

bool BPF_STRUCT_OPS(kick_torture_yield, struct task_struct *from, struct task_struct *to)
{
	torture(TORTURE_YIELD);
	return false;
}

/* Core scheduling asks: the one that has run less goes first */
bool BPF_STRUCT_OPS(kick_torture_core_sched_before, struct task_struct *a, struct task_struct *b)
{
	torture_rare(TORTURE_CORE_SCHED_BEFORE);
	return a->se.sum_exec_runtime < b->se.sum_exec_runtime;
}

void BPF_STRUCT_OPS(kick_torture_set_weight, struct task_struct *p, u32 weight)
{
	owe_for(p, false);
	torture_rare(TORTURE_SET_WEIGHT);
}

void BPF_STRUCT_OPS(kick_torture_set_cpumask, struct task_struct *p, const struct cpumask *mask)
{
	owe_for(p, false);
	torture_rare(TORTURE_SET_CPUMASK);
}

void BPF_STRUCT_OPS(kick_torture_update_idle, s32 cpu, bool idle)
{
	torture(TORTURE_UPDATE_IDLE);
}

void BPF_STRUCT_OPS(kick_torture_cpu_acquire, s32 cpu, struct scx_cpu_acquire_args *args)
{
	torture_rare(TORTURE_CPU_ACQUIRE);
}

void BPF_STRUCT_OPS(kick_torture_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	torture_rare(TORTURE_CPU_RELEASE);
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cpu_online, s32 cpu)
{
	__sync_fetch_and_add(&epoch, 1);
	torture_rare(TORTURE_CPU_ONLINE);
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cpu_offline, s32 cpu)
{
	__sync_fetch_and_add(&epoch, 1);
	torture_rare(TORTURE_CPU_OFFLINE);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	torture_rare(TORTURE_INIT_TASK);
	return 0;
}

void BPF_STRUCT_OPS(kick_torture_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	torture_rare(TORTURE_EXIT_TASK);
}

/*
 * A task that becomes one of sched_ext while it runs does not start by that. Kicks of its CPU were
 * left out until now, with what SCX_KICK_PREEMPT would have taken from the next one
 */
void BPF_STRUCT_OPS(kick_torture_enable, struct task_struct *p)
{
	struct torture_cpu *tc = cpu_of(cpu_of_task(p));

	if (tc && tc->started == (u64)p)
		tc->started = 0;
	if (tc && p->on_cpu) {
		WRITE_ONCE(tc->entered, true);
		__sync_fetch_and_add(&tc->entries, 1);
	}
	owe_for(p, true);
	torture_rare(TORTURE_ENABLE);
}

void BPF_STRUCT_OPS(kick_torture_disable, struct task_struct *p)
{
	torture_rare(TORTURE_DISABLE);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cgroup_init, struct cgroup *cgrp,
			     struct scx_cgroup_init_args *args)
{
	torture_rare(TORTURE_CGROUP);
	return 0;
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cgroup_exit, struct cgroup *cgrp)
{
	torture_rare(TORTURE_CGROUP);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cgroup_prep_move, struct task_struct *p,
			     struct cgroup *from, struct cgroup *to)
{
	torture_rare(TORTURE_CGROUP);
	return 0;
}

void BPF_STRUCT_OPS(kick_torture_cgroup_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	owe_for(p, false);
	torture_rare(TORTURE_CGROUP_MOVE);
}

void BPF_STRUCT_OPS(kick_torture_cgroup_cancel_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	torture_rare(TORTURE_CGROUP);
}

void BPF_STRUCT_OPS(kick_torture_cgroup_set_weight, struct cgroup *cgrp, u32 weight)
{
	torture_rare(TORTURE_CGROUP);
}

void BPF_STRUCT_OPS(kick_torture_dump, struct scx_dump_ctx *dctx)
{
	torture_rare(TORTURE_DUMP);
}

void BPF_STRUCT_OPS(kick_torture_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	torture_rare(TORTURE_DUMP);
}

void BPF_STRUCT_OPS(kick_torture_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	torture_rare(TORTURE_DUMP);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_init)
{
	s32 cpu, err;

	/* Not in user space: the exit of an attempt to load that failed may come late */
	uei.kind = 0;
	uei.exit_code = 0;
	learn_cids();
	torture_rare(TORTURE_INIT);
	bpf_for(cpu, 0, nr_cpus) {
		err = scx_bpf_create_dsq(cpu, -1);
		if (err)
			return err;
	}
	return 0;
}

void BPF_STRUCT_OPS(kick_torture_exit, struct scx_exit_info *ei)
{
	torture_rare(TORTURE_INIT);
	UEI_RECORD(uei, ei);
}

#define TORTURE_OPS(__name, __flags)					\
SEC(".struct_ops.link")							\
struct sched_ext_ops __name = {						\
	.select_cpu		= (void *)kick_torture_select_cpu,	\
	.enqueue		= (void *)kick_torture_enqueue,		\
	.dequeue		= (void *)kick_torture_dequeue,		\
	.dispatch		= (void *)kick_torture_dispatch,	\
	.tick			= (void *)kick_torture_tick,		\
	.runnable		= (void *)kick_torture_runnable,	\
	.running		= (void *)kick_torture_running,		\
	.stopping		= (void *)kick_torture_stopping,	\
	.quiescent		= (void *)kick_torture_quiescent,	\
	.yield			= (void *)kick_torture_yield,		\
	.core_sched_before	= (void *)kick_torture_core_sched_before, \
	.set_weight		= (void *)kick_torture_set_weight,	\
	.set_cpumask		= (void *)kick_torture_set_cpumask,	\
	.update_idle		= (void *)kick_torture_update_idle,	\
	.cpu_acquire		= (void *)kick_torture_cpu_acquire,	\
	.cpu_release		= (void *)kick_torture_cpu_release,	\
	.cpu_online		= (void *)kick_torture_cpu_online,	\
	.cpu_offline		= (void *)kick_torture_cpu_offline,	\
	.init_task		= (void *)kick_torture_init_task,	\
	.exit_task		= (void *)kick_torture_exit_task,	\
	.enable			= (void *)kick_torture_enable,		\
	.disable		= (void *)kick_torture_disable,		\
	.cgroup_init		= (void *)kick_torture_cgroup_init,	\
	.cgroup_exit		= (void *)kick_torture_cgroup_exit,	\
	.cgroup_prep_move	= (void *)kick_torture_cgroup_prep_move,\
	.cgroup_move		= (void *)kick_torture_cgroup_move,	\
	.cgroup_cancel_move	= (void *)kick_torture_cgroup_cancel_move, \
	.cgroup_set_weight	= (void *)kick_torture_cgroup_set_weight,\
	.dump			= (void *)kick_torture_dump,		\
	.dump_cpu		= (void *)kick_torture_dump_cpu,	\
	.dump_task		= (void *)kick_torture_dump_task,	\
	.init			= (void *)kick_torture_init,		\
	.exit			= (void *)kick_torture_exit,		\
	.flags			= SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_HAS_CGROUP_WEIGHT | \
				  (__flags),				\
	.name			= #__name,				\
}

/* The workers only, or each task of the fair class */
TORTURE_OPS(kick_torture_some, SCX_OPS_SWITCH_PARTIAL);
TORTURE_OPS(kick_torture_all, 0);

#endif	/* __KICK_TORTURE_OPS_BPF_H__ */
