/* SPDX-License-Identifier: GPL-2.0-only */
/* What scx_kicktop and its BPF programs share */
#ifndef __SCX_KICKTOP_H
#define __SCX_KICKTOP_H

/* No kernel has more outcomes of a kick than this */
#define KT_MAX_OUTCOMES	24
/* Bucket b: delays from 2^b ns on; the last one takes all that are longer */
#define KT_BUCKETS	32

/* The kernel's counters of one CPU, struct scx_kick_stats */
struct kt_stats {
	__u64 outcomes[KT_MAX_OUTCOMES];
	__u64 irqs;
	__u64 waits;
	__u64 wait_ns;
	__u64 wait_max_ns;
	__u64 waits_since_ns;	/* CLOCK_MONOTONIC, 0: does not wait */
	__u64 waited_for;	/* a kick with SCX_KICK_WAIT is pending at this CPU */
};

#endif	/* __SCX_KICKTOP_H */
