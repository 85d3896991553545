/* SPDX-License-Identifier: GPL-2.0-only */
/* What scx_urgent.bpf.c and scx_urgent.c share. */
#ifndef __SCX_URGENT_H
#define __SCX_URGENT_H

/* Buckets of latencies in ns: each power of two in equal steps, 2^LATENCY_SHIFT of them. */
#define LATENCY_SHIFT	4
#define LATENCY_STEPS	16
/* Up to 2^40 ns, 18 minutes */
#define LATENCY_BUCKETS	((40 - LATENCY_SHIFT + 1) * LATENCY_STEPS)

#endif	/* __SCX_URGENT_H */
