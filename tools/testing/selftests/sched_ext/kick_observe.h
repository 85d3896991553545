/* SPDX-License-Identifier: GPL-2.0-only */
/* What kick_observe.c and its BPF programs share */
#ifndef __KICK_OBSERVE_H__
#define __KICK_OBSERVE_H__

#define OBSERVE_NR_CPUS		256
#define OBSERVE_NR_OUTCOMES	16

/* The last event of a kick at one CPU, and the first one of its kicks being served */
struct observe_target {
	__u32 from, flags, outcome;
	__u64 kicks;
	__u32 served_on, served_flags;
	__u64 served, delay_ns;
};

struct observe_kick_args {
	__u64 flags;
	__s32 pid;
	__s32 ret;		/* out */
};

#endif	/* __KICK_OBSERVE_H__ */
