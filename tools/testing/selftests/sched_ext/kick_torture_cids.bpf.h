/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: kicks by cid, where schedulers may know CPUs by these.
 */
#ifndef __KICK_TORTURE_CIDS_BPF_H__
#define __KICK_TORTURE_CIDS_BPF_H__

/* Headers that know of cids */
#ifdef SCX_OPS_CID_DEFINE

#include "kick_sub_caps.bpf.h"

/* Of each CPU. The same as long as a root is loaded */
s32 cid_of[TORTURE_NR_CPUS];

/* As mask_bits[], for each scheduler: one may only use its own arena */
struct sub_cids __arena_global cmasks[TORTURE_NR_MASKS];

/* A scheduler is being loaded */
static void learn_cids(void)
{
	u32 key, cpu;
	s32 *cid;

	if (role == TORTURE_BY_CPU)
		return;
	bpf_for(cpu, 0, nr_cpus) {
		cid = MEMBER_VPTR(cid_of, [cpu]);
		if (cid)
			*cid = scx_bpf_cpu_to_cid(cpu);
	}
	bpf_for(key, 0, TORTURE_NR_MASKS) {
		cmask_init(&cmasks[key].mask, 0, nr_cpus);
		bpf_for(cpu, 0, nr_cpus) {
			cid = MEMBER_VPTR(cid_of, [cpu]);
			if (cid && in_mask(key, cpu))
				cmask_set(*cid, &cmasks[key].mask);
		}
	}
}

static void call_kick_cid(s32 cpu, u64 flags)
{
	s32 *cid = MEMBER_VPTR(cid_of, [cpu]);

	if (cid)
		scx_bpf_kick_cid(*cid, flags);
}

static void call_kick_cmask(u32 key, u64 flags)
{
	scx_bpf_kick_cmask(&cmasks[key % TORTURE_NR_MASKS].mask, flags);
}

static bool dispatch_sub(void)
{
	return role == TORTURE_ROOT && orders.cgroup && scx_bpf_sub_dispatch(orders.cgroup);
}

#else

static void learn_cids(void) {}
static void call_kick_cid(s32 cpu, u64 flags) {}
static void call_kick_cmask(u32 key, u64 flags) {}
static bool dispatch_sub(void) { return false; }

#endif

#endif	/* __KICK_TORTURE_CIDS_BPF_H__ */
