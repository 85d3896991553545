/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kick_bad_input's BPF programs (kick_bad_input.bpf.c) and its user space share. The types are
 * those of scx/common.bpf.h and scx/common.h.
 */
#ifndef __KICK_BAD_INPUT_H__
#define __KICK_BAD_INPUT_H__

#define BAD_MASK_WORDS	4

enum bad_kfunc {
	BAD_KICK_CPU,
	BAD_KICK_CPUMASK,
	BAD_KICK_MEMORY,	/* scx_bpf_kick_cpumask() of any bits */
	BAD_KICK_OWN_CPUS,	/* ... of the CPUs of the calling task */
	BAD_KICK_TASK,
	BAD_KICK_CURR,
	BAD_NR_WITH_FLAGS,
	BAD_KICK_IDLE = BAD_NR_WITH_FLAGS,
	BAD_KICK_IDLE_MEMORY,	/* scx_bpf_kick_idle() of any bits */
	BAD_NR_KFUNCS,
};

/* Where a call is made */
enum bad_context {
	BAD_SYSCALL,
	BAD_ENQUEUE,
	BAD_DISPATCH,
	BAD_RUNNING,
	BAD_TICK,
	BAD_SWITCH,
	BAD_HARDIRQ,
	BAD_EVENT,
	BAD_NMI,
	BAD_NR_CONTEXTS,
};

/* A call to be made once, from the context that comes by next */
struct bad_call {
	u32 pending;
	u32 context;
	u32 kfunc;
	s32 cpu;
	u64 flags;		/* of scx_bpf_kick_idle(): how many */
	u64 cpus[BAD_MASK_WORDS];	/* of the mask */
	s32 ret;		/* of the kfunc, if it has one */
};

/* Keep the task @pid, even when it is dead */
struct bad_keep_args {
	s32 pid;
};

#endif	/* __KICK_BAD_INPUT_H__ */
