/* SPDX-License-Identifier: GPL-2.0-only */
/* What loaders ask of the running kernel. Programs: kick_compat.bpf.h */
#ifndef __SCX_KICK_COMPAT_H
#define __SCX_KICK_COMPAT_H

#include <scx/common.h>

/* With PREEMPT_RT, and only then, a spinlock is an rt_mutex, which is its lock. */
static inline bool __COMPAT_is_preempt_rt(void)
{
	return __COMPAT_struct_has_field("spinlock", "lock");
}

/* The verifier refuses programs with BPF timers there. */
static inline bool __COMPAT_has_bpf_timers(void)
{
	return !__COMPAT_is_preempt_rt();
}

#endif	/* __SCX_KICK_COMPAT_H */
