/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kick_flood's BPF programs (kick_flood.bpf.c) and its user space share. The types are those
 * of scx/common.bpf.h and scx/common.h.
 */
#ifndef __KICK_FLOOD_H__
#define __KICK_FLOOD_H__

/* The CPU that the syscall program starts the flood of: its own */
struct flood_start_args {
	u32 cpu;
};

#endif	/* __KICK_FLOOD_H__ */
