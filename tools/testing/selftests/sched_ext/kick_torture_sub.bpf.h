/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: what its BPF programs read of a sub-scheduler. There is one at a time.
 */
#ifndef __KICK_TORTURE_SUB_BPF_H__
#define __KICK_TORTURE_SUB_BPF_H__

#include "kick_sub_caps.h"

struct scx_event_stats___torture {
	s64 SCX_EV_SUB_PREEMPT_DENIED;
	s64 SCX_EV_SUB_KICK_DENIED;
} __attribute__((preserve_access_index));

struct scx_sched_pcpu___torture {
	u64 ecaps;
	struct scx_event_stats___torture event_stats;
} __attribute__((preserve_access_index));

struct scx_kick_sub___torture {
	int asked;
} __attribute__((preserve_access_index));

struct sched_ext_ops___torture {
	void *sub_attach;
} __attribute__((preserve_access_index));

struct scx_sched___torture {
	struct sched_ext_ops___torture ops;
	struct scx_sched_pcpu___torture *pcpu;
	struct scx_kick_sub___torture *kick_subs;
	s32 bypass_depth;
	s32 level;
	u64 id;
	struct list_head children;
	struct list_head sibling;
} __attribute__((preserve_access_index));

struct sched_ext_entity___torture {
	struct scx_sched___torture *sched;
} __attribute__((preserve_access_index));

struct task_struct___torture {
	struct sched_ext_entity___torture scx;
} __attribute__((preserve_access_index));

enum scx_ent_flags___compat {
	SCX_TASK_PROTECTED___compat = 1,
};

static struct scx_sched___torture *root_sched(void)
{
	return pick_only ? (void *)read_u64(&scx_root) : NULL;
}

/* The root is the one that knows CPUs by their cids */
static bool root_by_cid(void)
{
	struct scx_sched___torture *root = root_sched();

	return root && bpf_core_field_exists(root->ops.sub_attach) &&
	       BPF_CORE_READ(root, ops.sub_attach);
}

static struct scx_sched___torture *sub_sched(void)
{
	struct scx_sched___torture *root = root_sched();
	u64 first;

	if (!root || !bpf_core_field_exists(root->children))
		return NULL;
	first = (u64)BPF_CORE_READ(root, children.next);
	if (!first || first == (u64)root + bpf_core_field_offset(root->children))
		return NULL;
	return (void *)first - bpf_core_field_offset(root->sibling);
}

/* Which one, 0: there is none */
__noinline u64 sub_id(void)
{
	struct scx_sched___torture *sub = sub_sched();

	return sub ? BPF_CORE_READ(sub, id) : 0;
}

static void *on_cpu(void *percpu, s32 cpu)
{
	return percpu + read_u64(&__per_cpu_offset + cpu * sizeof(u64));
}

static struct scx_sched_pcpu___torture *pcpu_of(struct scx_sched___torture *sub, s32 cpu)
{
	return on_cpu(BPF_CORE_READ(sub, pcpu), cpu);
}

/* What @sub may do on @cpu, in effect */
static u64 caps_of(struct scx_sched___torture *sub, s32 cpu)
{
	return BPF_CORE_READ(pcpu_of(sub, cpu), ecaps);
}

/* How often the kernel has refused something to @sub on this CPU */
static u64 refused_to(struct scx_sched___torture *sub)
{
	struct scx_sched_pcpu___torture *pcpu = pcpu_of(sub, bpf_get_smp_processor_id());

	return BPF_CORE_READ(pcpu, event_stats.SCX_EV_SUB_KICK_DENIED) +
	       BPF_CORE_READ(pcpu, event_stats.SCX_EV_SUB_PREEMPT_DENIED);
}

static struct scx_sched___torture *sched_of(struct task_struct *p)
{
	struct task_struct___torture *task = (void *)p;

	return BPF_CORE_READ(task, scx.sched);
}

/* Nobody takes its slice: it is being rescued, for its scheduler may not use the CPU */
static bool is_protected(struct task_struct *p)
{
	return p->scx.flags & __COMPAT_KICK_FLAG(scx_ent_flags, SCX_TASK_PROTECTED, 0);
}

/* It could lose its slice. One that goes to sleep keeps what is left */
static bool has_slice(struct task_struct *p)
{
	return p->scx.slice && is_ext(p) && p->scx.flags & SCX_TASK_QUEUED && !is_protected(p);
}

/* May @sub preempt @p on @cpu? */
static bool may_preempt(struct scx_sched___torture *sub, struct task_struct *p, s32 cpu)
{
	u64 caps = caps_of(sub, cpu);

	return caps & SUB_CAP_BASE && (sched_of(p) == sub || caps & SUB_CAP_PREEMPT);
}

/* Does the sub-scheduler, if it kicks? Not while it is bypassed */
static bool sub_preempts(struct task_struct *p, s32 cpu)
{
	struct scx_sched___torture *sub = sub_sched();

	return sub && !BPF_CORE_READ(sub, bypass_depth) && may_preempt(sub, p, cpu);
}

#endif	/* __KICK_TORTURE_SUB_BPF_H__ */
