/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KICK_SUB_H__
#define __KICK_SUB_H__

/* At most so long does ops.dispatch() wait to be let go */
#define SUB_LINGER_NS	(200 * 1000 * 1000ULL)

/* Those whose cycles are counted */
#define SUB_CIDS	64

/* What a scheduler that knows CPUs by their cids may not call */
enum sub_by_cpu {
	SUB_BY_CID,
	SUB_KICK_CPU,
	SUB_KICK_CPUMASK,
	SUB_KICK_CURR,
	SUB_KICK_IDLE,
	SUB_NR_BY_CPU,
};

/* Of the syscall programs */
struct sub_args {
	/* sub_kick: kick whom and how. sub_kick_cmask: those whose bits are set, of so many */
	int cid;
	unsigned long long flags;
	unsigned long long cids;
	unsigned int nr_cids;
	/* sub_kick_any: so many CPUs */
	unsigned int nr;
	/* sub_find: the cid of this CPU, or -1 */
	int cpu;
	/* sub_kick_cmask: what the call said */
	int ret;
	/* sub_events: how many kicks of the scheduler were refused for want of caps ... */
	long long denied;
	/* ... and made without their preemption */
	long long spared;
};

#endif	/* __KICK_SUB_H__ */
