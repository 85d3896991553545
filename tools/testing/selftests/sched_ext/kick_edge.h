/* SPDX-License-Identifier: GPL-2.0-only */
/* What kick_edge.c and its scheduler share */
#ifndef __KICK_EDGE_H__
#define __KICK_EDGE_H__

#include "kick_lab.h"

/* How long CPU 1 stays in ops.update_idle() at most, with its rq locked: others may want that */
#define EDGE_LINGER_NS	(20 * 1000 * 1000LLU)

struct edge {
	/* Orders */
	__s32 waiter;		/* this task goes to the shared queue, which CPU 1 looks at */
	__s32 runner;		/* this one runs on CPU 1 */
	__u64 slice;		/* its slice in ns, 0: endless */
	__u64 shorten;		/* cut it to so much when the waiter is queued, and kick CPU 1 */
	__u32 look;		/* kick CPU 1 then if it is in the idle mask */
	__u32 linger;		/* CPU 1 stays in ops.update_idle() until the waiter is queued */

	/* What happened */
	__u64 in_mask;		/* a CPU went idle and was in the idle mask */
	__u64 not_in_mask;
	__u64 lingers;		/* CPU 1 stayed in ops.update_idle() */
	__u64 met;		/* the waiter was queued while it stayed there */
	__u64 expired;		/* CPU 1's task used up its slice */
	__u64 own_ticks;	/* of CPU 1 while it ran a task */
	__u64 remote_ticks;	/* made for it, because its own one was off */
};

struct edge_kick_args {
	__u64 flags;
	__s32 cpu;
};

#endif	/* __KICK_EDGE_H__ */
