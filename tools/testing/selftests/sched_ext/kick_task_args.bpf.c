// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task pointers that scx_bpf_kick_task() takes (may_*) and others, with which a program must not
 * load (not_*).
 */
#include <scx/common.bpf.h>

char _license[] SEC("license") = "GPL";

struct kept {
	struct task_struct __kptr * task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kept);
} kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
} numbers SEC(".maps");

/* An argument of the kernel */
SEC("?tp_btf/sched_wakeup")
int BPF_PROG(may_trusted, struct task_struct *p)
{
	scx_bpf_kick_task(p, 0);
	return 0;
}

/* A reference of the program's own */
SEC("?syscall")
int may_acquired(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	scx_bpf_kick_task(p, 0);
	bpf_task_release(p);
	return 0;
}

/* What RCU protects, under RCU */
SEC("?syscall")
int may_rcu(void *ctx)
{
	struct task_struct *p;
	struct kept *slot;
	u32 key = 0;

	slot = bpf_map_lookup_elem(&kept, &key);
	if (!slot)
		return 0;
	bpf_rcu_read_lock();
	p = slot->task;
	if (p)
		scx_bpf_kick_task(p, 0);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("?syscall")
int not_after_rcu(void *ctx)
{
	struct task_struct *p;
	struct kept *slot;
	u32 key = 0;

	slot = bpf_map_lookup_elem(&kept, &key);
	if (!slot)
		return 0;
	bpf_rcu_read_lock();
	p = slot->task;
	bpf_rcu_read_unlock();
	if (p)
		scx_bpf_kick_task(p, 0);
	return 0;
}

SEC("?syscall")
int not_null(void *ctx)
{
	scx_bpf_kick_task(NULL, 0);
	return 0;
}

/* Nobody has looked whether there is one */
SEC("?syscall")
int not_unchecked(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	scx_bpf_kick_task(p, 0);
	if (p)
		bpf_task_release(p);
	return 0;
}

/* Found by following pointers, so it may be anything */
SEC("?tp_btf/sched_wakeup")
int BPF_PROG(not_walked, struct task_struct *p)
{
	scx_bpf_kick_task(p->last_wakee, 0);
	return 0;
}

SEC("?syscall")
int not_a_number(void *ctx)
{
	u32 key = 0;
	u64 *number = bpf_map_lookup_elem(&numbers, &key);

	if (number)
		scx_bpf_kick_task((struct task_struct *)*number, 0);
	return 0;
}

/* A cpumask is none */
SEC("?syscall")
int not_another_type(void *ctx)
{
	struct bpf_cpumask *cpus = bpf_cpumask_create();

	if (!cpus)
		return 0;
	scx_bpf_kick_task((struct task_struct *)cpus, 0);
	bpf_cpumask_release(cpus);
	return 0;
}
