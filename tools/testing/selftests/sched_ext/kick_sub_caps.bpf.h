/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a scheduler needs that may have sub-schedulers: an arena, and programs that give them caps
 * and take them away.
 */
#ifndef __KICK_SUB_CAPS_BPF_H__
#define __KICK_SUB_CAPS_BPF_H__

#include "kick_sub_caps.h"

/* Each cid scheduler has to have one */
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 16);
#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
	__ulong(map_extra, 0x1ull << 32);
#else
	__ulong(map_extra, 0x1ull << 44);
#endif
} arena SEC(".maps");

struct sub_cids {
	union {
		struct scx_cmask mask;
		unsigned long long words[SUB_WORDS + 2];
	};
};

struct sub_cids __arena_global cids;

static void fill(u64 pattern)
{
	u32 nr = scx_bpf_nr_cids(), cid;

	if (nr > 64 * (SUB_WORDS - 1))
		nr = 64 * (SUB_WORDS - 1);
	cmask_init(&cids.mask, 0, nr);
	bpf_for(cid, 0, nr) {
		if (pattern & 1ULL << cid % 64)
			cmask_set(cid, &cids.mask);
	}
}

SEC("syscall")
int sub_grant(struct sub_caps *args)
{
	fill(args->cids);
	args->ret = scx_bpf_sub_grant(args->cgroup, args->caps, &cids.mask, NULL);
	return 0;
}

SEC("syscall")
int sub_revoke(struct sub_caps *args)
{
	fill(args->cids);
	scx_bpf_sub_revoke(args->cgroup, args->caps, &cids.mask);
	return 0;
}

#endif	/* __KICK_SUB_CAPS_BPF_H__ */
