/* SPDX-License-Identifier: GPL-2.0-only */
/* What scx_central.bpf.c and scx_central.c share. */
#ifndef __SCX_CENTRAL_H
#define __SCX_CENTRAL_H

/* How often the central CPU looks at the others */
#define TIMER_NS	(1000 * 1000)

#endif	/* __SCX_CENTRAL_H */
