/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kicks for one binary on many kernels. What the running kernel knows is read from its BTF when
 * the program is loaded (CO-RE), so nothing of this depends on the kernel that vmlinux.h is from.
 *
 * This file needs no other one of its directory: copy it beside your own scx/common.bpf.h, and
 * include it after that.
 */
#ifndef __SCX_KICK_COMPAT_BPF_H
#define __SCX_KICK_COMPAT_BPF_H

#include <bpf/bpf_core_read.h>

/* libbpf ignores what follows ___ when it looks for the names in the running kernel. */
enum scx_kick_flags___compat {
	SCX_KICK_IDLE___compat = 1,
	SCX_KICK_PREEMPT___compat = 2,
	SCX_KICK_PREEMPT_LAZY___compat = 8,
};

enum scx_enq_flags___compat {
	SCX_ENQ_PREEMPT___compat = 1LLU << 32,
	SCX_ENQ_PREEMPT_LAZY___compat = 1LLU << 35,
};

/*
 * A flag's value in the running kernel, or @__other where it has no such flag. The value must only
 * be computed on the branch that found it: elsewhere libbpf turns that instruction into one that
 * the verifier refuses unless it is never reached. The asm keeps clang from moving it out of there.
 */
#define __COMPAT_KICK_FLAG(__type, __name, __other)					\
({											\
	__u64 __flag = (__other);							\
											\
	if (bpf_core_enum_value_exists(enum __type##___compat, __name##___compat)) {	\
		asm volatile ("" : "+r"(__flag));					\
		__flag = bpf_core_enum_value(enum __type##___compat, __name##___compat); \
		asm volatile ("" : "+r"(__flag));					\
	}										\
	__flag;										\
})

static __always_inline __u64 __compat_scx_kick_idle(void)
{
	return __COMPAT_KICK_FLAG(scx_kick_flags, SCX_KICK_IDLE, 0);
}

/* By its own name it may be a variable (scx/enums.autogen.bpf.h), and 0 unless a loader sets it */
static __always_inline __u64 __compat_scx_kick_preempt(void)
{
	return bpf_core_enum_value(enum scx_kick_flags___compat, SCX_KICK_PREEMPT___compat);
}

static __always_inline __u64 __compat_scx_kick_preempt_lazy(void)
{
	return __COMPAT_KICK_FLAG(scx_kick_flags, SCX_KICK_PREEMPT_LAZY, 0);
}

/*
 * Kick @cpu if it is idle. Where the kernel cannot tell, kick it in any case: more interrupts, but
 * no wake-up is missed.
 */
#define __COMPAT_scx_bpf_kick_cpu_IDLE(cpu)	scx_bpf_kick_cpu((cpu), __compat_scx_kick_idle())

/*
 * End the time of what @cpu runs, by its next tick. A kernel that cannot wait for that does it now.
 */
#define __COMPAT_scx_bpf_kick_cpu_PREEMPT_LAZY(cpu)	\
	scx_bpf_kick_cpu((cpu), __compat_scx_kick_preempt_lazy() ?: __compat_scx_kick_preempt())

/*
 * A flag for a task inserted into a local DSQ: it preempts by the next tick. On a kernel that can't
 * wait for that it preempts now.
 */
#define __COMPAT_SCX_ENQ_PREEMPT_LAZY	\
	__COMPAT_KICK_FLAG(scx_enq_flags, SCX_ENQ_PREEMPT_LAZY,			\
			   bpf_core_enum_value(enum scx_enq_flags___compat,	\
					       SCX_ENQ_PREEMPT___compat))

s32 scx_bpf_kick_task(struct task_struct *p, u64 flags) __ksym __weak;
s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags) __ksym __weak;
s32 scx_bpf_kick_curr(s32 cpu, s32 pid, u64 flags) __ksym __weak;
s32 scx_bpf_kick_idle(const struct cpumask *cpus, u32 nr) __ksym __weak;

/*
 * Preempt @p. A kernel that cannot claim preempts what @p's CPU runs, and always says 0: the wrong
 * task may be hit, and several that preempt the same task do not learn of each other. It leaves out
 * SCX_KICK_WAIT, which can hang a machine with Linux 6.12 as released.
 */
static __always_inline s32 __COMPAT_scx_bpf_kick_task(struct task_struct *p, u64 flags)
{
	if (bpf_ksym_exists(scx_bpf_kick_task))
		return scx_bpf_kick_task(p, flags);

	scx_bpf_kick_cpu(scx_bpf_task_cpu(p), __compat_scx_kick_preempt());
	return 0;
}

/*
 * Claim the preemption of @p, by the next tick of its CPU. A kernel that cannot wait for that
 * preempts now. One that cannot claim kicks the CPU of @p, lazily if it can, and always says 0.
 */
static __always_inline s32 __COMPAT_scx_bpf_kick_task_lazy(struct task_struct *p)
{
	if (bpf_ksym_exists(scx_bpf_kick_task))
		return scx_bpf_kick_task(p, __compat_scx_kick_preempt_lazy());

	__COMPAT_scx_bpf_kick_cpu_PREEMPT_LAZY(scx_bpf_task_cpu(p));
	return 0;
}

/*
 * Preempt what @cpu runs if its pid is @pid, or whatever it runs if that is 0; wake it if it is
 * idle, and do only that with SCX_KICK_IDLE alone. A kernel that cannot tell kicks with
 * SCX_KICK_IDLE and says 1, or preempts whatever @cpu runs and says 0. It leaves out SCX_KICK_WAIT,
 * as above.
 */
static __always_inline s32 __COMPAT_scx_bpf_kick_curr(s32 cpu, s32 pid, u64 flags)
{
	if (bpf_ksym_exists(scx_bpf_kick_curr))
		return scx_bpf_kick_curr(cpu, pid, flags);

	if (flags == SCX_KICK_IDLE___compat) {
		__COMPAT_scx_bpf_kick_cpu_IDLE(cpu);
		return 1;
	}
	scx_bpf_kick_cpu(cpu, __compat_scx_kick_preempt());
	return 0;
}

/*
 * Wake up to @nr idle CPUs of @cpus. A kernel that cannot choose takes them out of its idle mask,
 * one after the other.
 */
static __always_inline s32 __COMPAT_scx_bpf_kick_idle(const struct cpumask *cpus, u32 nr)
{
	s32 cpu, woken = 0;
	u32 i;

	if (bpf_ksym_exists(scx_bpf_kick_idle))
		return scx_bpf_kick_idle(cpus, nr);

	bpf_for(i, 0, nr) {
		cpu = scx_bpf_pick_idle_cpu(cpus, 0);
		if (cpu < 0)
			break;
		__COMPAT_scx_bpf_kick_cpu_IDLE(cpu);
		woken++;
	}
	return woken;
}

/* Kick the CPUs of a cpumask, one after the other where the kernel cannot do it at once. */
static __always_inline s32 __COMPAT_scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags)
{
	const struct cpumask *online;
	s32 cpu, asked = 0;

	if (bpf_ksym_exists(scx_bpf_kick_cpumask))
		return scx_bpf_kick_cpumask(cpus, flags);

	online = scx_bpf_get_online_cpumask();
	bpf_for(cpu, 0, scx_bpf_nr_cpu_ids()) {
		if (!bpf_cpumask_test_cpu(cpu, cpus) || !bpf_cpumask_test_cpu(cpu, online))
			continue;
		scx_bpf_kick_cpu(cpu, flags);
		asked++;
	}
	scx_bpf_put_cpumask(online);
	return asked;
}

/*
 * Kick the CPUs of a cmask, for schedulers that address CPUs by cid. A kernel that cannot do it at
 * once does it one after the other, and counts those that are offline, too.
 */
#ifdef __arena
struct scx_cmask;
s32 scx_bpf_kick_cmask(const struct scx_cmask __arena *cids__arena, u64 flags) __ksym __weak;

#define __COMPAT_scx_bpf_kick_cmask(cids, flags)				\
({										\
	const struct scx_cmask __arena *__cids = (cids);			\
	__u64 __flags = (flags);						\
	s32 __asked = 0;							\
	u32 __cid;								\
										\
	if (bpf_ksym_exists(scx_bpf_kick_cmask)) {				\
		__asked = scx_bpf_kick_cmask(__cids, __flags);			\
	} else {								\
		cmask_for_each(__cid, __cids) {					\
			scx_bpf_kick_cid(__cid, __flags);			\
			__asked++;						\
		}								\
	}									\
	__asked;								\
})
#endif

#endif	/* __SCX_KICK_COMPAT_BPF_H */
