// SPDX-License-Identifier: GPL-2.0-only
/* A scheduler that may be the root or a sub-scheduler, and kicks in its name */
#include <scx/common.bpf.h>
#include "kick_sub.h"

char _license[] SEC("license") = "GPL";

/* Each cid scheduler has to have one */
struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << 16);
} arena SEC(".maps");

UEI_DEFINE(uei);

SEC("syscall")
int sub_kick(struct sub_kick_args *args)
{
	scx_bpf_kick_cid(args->cid, args->flags);
	return 0;
}

SEC("syscall")
int sub_denied(struct sub_kick_args *args)
{
	struct scx_event_stats events;

	scx_bpf_events(&events, sizeof(events));
	args->denied = events.SCX_EV_SUB_KICK_DENIED;
	return 0;
}

s32 BPF_STRUCT_OPS(kick_sub_sub_attach, struct scx_sub_attach_args *args)
{
	return 0;
}

void BPF_STRUCT_OPS(kick_sub_enable, struct task_struct *p, struct scx_enable_args *args)
{
	asm volatile ("" :: "r"(&arena));
}

void BPF_STRUCT_OPS(kick_sub_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SCX_OPS_CID_DEFINE(kick_sub_ops,
		   .sub_attach	= (void *)kick_sub_sub_attach,
		   .enable	= (void *)kick_sub_enable,
		   .exit	= (void *)kick_sub_exit,
		   .flags	= SCX_OPS_SWITCH_PARTIAL,
		   .name	= "kick_sub");
