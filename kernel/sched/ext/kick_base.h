/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sched_ext kicks: what it takes from the sched_ext of this kernel.
 *
 * Linux 6.12 has one BPF scheduler at a time, which may kick any CPU. It is what NULL stands for
 * as a @sch here.
 */
#ifndef _KERNEL_SCHED_EXT_KICK_BASE_H
#define _KERNEL_SCHED_EXT_KICK_BASE_H

struct scx_sched;

void scx_bpf_kick_cpu(s32 cpu, u64 flags);
s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags);
s32 scx_bpf_kick_task(struct task_struct *p, u64 flags);

/* In a kfunc: the BPF scheduler whose program calls it. */
#define KICK_PROG_SCHED		((struct scx_sched *)NULL)

/* What all these kfuncs need of the BPF verifier. */
#define KICK_KF			0

#define kick_error(sch, fmt, ...)			\
	do {						\
		(void)(sch);				\
		scx_ops_error(fmt, ##__VA_ARGS__);	\
	} while (0)

static __always_inline bool kick_cpu_valid(struct scx_sched *sch, s32 cpu)
{
	return ops_cpu_valid(cpu, "in a kick");
}

static __always_inline bool kick_loaded(struct scx_sched *sch)
{
	return scx_enabled();
}

static __always_inline bool kick_bypassed(struct scx_sched *sch)
{
	return READ_ONCE(scx_ops_bypass_depth);
}

static __always_inline bool kick_rq_dispatches(struct rq *rq)
{
	return rq->scx.flags & SCX_RQ_IN_BALANCE;
}

static __always_inline void kick_end_slice(struct task_struct *curr)
{
	curr->scx.slice = 0;
}

static __always_inline bool kick_needs_caps(struct scx_sched *sch)
{
	return false;
}

static inline void kick_with_caps(struct scx_sched *sch, s32 cpu, int req,
				  const unsigned long *irq_flags) {}

static inline bool kick_task_permitted(struct scx_sched *sch, struct task_struct *p, s32 cpu)
{
	return true;
}

#endif	/* _KERNEL_SCHED_EXT_KICK_BASE_H */
