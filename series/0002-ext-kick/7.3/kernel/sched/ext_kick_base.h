/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what ext_kick.c takes from the sched_ext of this kernel.
 *
 * Linux 7.3 has a root scheduler and sub-schedulers below it, each for a part of the tasks. A kick
 * belongs to the one whose program makes it: its errors end that one, its bypass drops it, and a
 * sub-scheduler needs caps for the CPU that it kicks. NULL stands for the root as a @sch here.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_BASE_H
#define _KERNEL_SCHED_EXT_KICK_BASE_H

/* What BPF programs call has one more parameter: the program itself, which the verifier adds. */
#define scx_bpf_kick_cpu(cpu, flags)					\
	scx_bpf_kick_cpu(cpu, flags, const struct bpf_prog_aux *aux)
#define scx_bpf_kick_cid(cid, flags)					\
	scx_bpf_kick_cid(cid, flags, const struct bpf_prog_aux *aux)
#define scx_bpf_kick_cpumask(cpus, flags)				\
	scx_bpf_kick_cpumask(cpus, flags, const struct bpf_prog_aux *aux)
#define scx_bpf_kick_task(p, flags)					\
	scx_bpf_kick_task(p, flags, const struct bpf_prog_aux *aux)
#define KICK_KF			KF_IMPLICIT_ARGS

void scx_bpf_kick_cpu(s32 cpu, u64 flags);
void scx_bpf_kick_cid(s32 cid, u64 flags);
s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags);
s32 scx_bpf_kick_task(struct task_struct *p, u64 flags);

/* In a kfunc: the BPF scheduler whose program calls it, or NULL. */
#define KICK_PROG_SCHED		scx_prog_sched(aux)

#define kick_error(sch, fmt, ...)	scx_error(sch, fmt, ##__VA_ARGS__)
#define dump_line(s, fmt, ...)		scx_dump_line(s, fmt, ##__VA_ARGS__)

static __always_inline bool kick_cpu_valid(struct scx_sched *sch, s32 cpu)
{
	return scx_cpu_valid(sch, cpu, "in a kick");
}

static __always_inline bool kick_loaded(struct scx_sched *sch)
{
	return scx_enabled() && sch;
}

static __always_inline bool kick_bypassed(struct scx_sched *sch)
{
	if (!sch)
		sch = rcu_dereference_all(scx_root);
	return !sch || READ_ONCE(sch->bypass_depth);
}

/* The operation that this CPU is in, if what that decides is carried out after it. */
static DEFINE_PER_CPU(enum kick_later, scx_kick_op);

/* Interrupts are off in these operations. */
static __always_inline void scx_kick_set_op(enum kick_later op)
{
	__this_cpu_write(scx_kick_op, op);
}

static __always_inline enum kick_later kick_op(void)
{
	return __this_cpu_read(scx_kick_op);
}

static __always_inline bool kick_in_op(void)
{
	return kick_op() != KICK_LATER_NONE && !in_nmi();
}

static __always_inline bool kick_rq_dispatches(struct rq *rq)
{
	return rq->scx.flags & SCX_RQ_IN_DISPATCH;
}

/* The slice of a task that is being rescued stays. */
static __always_inline void kick_end_slice(struct task_struct *curr)
{
	if (unlikely(!scx_set_task_slice(curr, 0)))
		__scx_add_event(scx_task_sched(curr), SCX_EV_SLICE_DENIED, 1);
}

/* The root holds every cap. */
static __always_inline bool kick_needs_caps(struct scx_sched *sch)
{
	return scx_has_subs() && sch->level;
}

static void kick_with_caps(struct scx_sched *sch, s32 cpu, int req);
static bool kick_task_permitted(struct scx_sched *sch, struct task_struct *p, s32 cpu);

#endif	/* _KERNEL_SCHED_EXT_KICK_BASE_H */
