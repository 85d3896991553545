// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of the kick kfuncs with whatever user space asks for, from several contexts, and programs
 * that the verifier has to refuse. The scheduler itself runs the tasks that ask for it in the
 * global queue.
 */
#include <scx/common.bpf.h>
#include "kick_bad_input.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);

struct bad_call call;

struct bad_task {
	struct task_struct __kptr *task;
};

struct bad_mask {
	struct bpf_cpumask __kptr *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bad_task);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct bad_mask);
} masks SEC(".maps");

static void call_of_mask(void)
{
	struct bad_mask *value;
	u32 key = 0;

	value = bpf_map_lookup_elem(&masks, &key);
	if (!value)
		return;
	bpf_rcu_read_lock();
	if (value->mask && call.kfunc == BAD_KICK_IDLE)
		call.ret = scx_bpf_kick_idle(cast_mask(value->mask), call.flags);
	else if (value->mask)
		call.ret = scx_bpf_kick_cpumask(cast_mask(value->mask), call.flags);
	bpf_rcu_read_unlock();
}

static void call_own_cpus(void)
{
	bpf_rcu_read_lock();
	call.ret = scx_bpf_kick_cpumask(bpf_get_current_task_btf()->cpus_ptr, call.flags);
	bpf_rcu_read_unlock();
}

static void call_task(void)
{
	struct bad_task *value;
	struct task_struct *p;
	u32 key = 0;

	value = bpf_map_lookup_elem(&tasks, &key);
	if (!value)
		return;
	bpf_rcu_read_lock();
	p = value->task;
	if (p)
		call.ret = scx_bpf_kick_task(p, call.flags);
	bpf_rcu_read_unlock();
}

static void call_from(u32 context)
{
	if (call.context != context || __sync_val_compare_and_swap(&call.pending, 1, 2) != 1)
		return;
	if (call.kfunc == BAD_KICK_CPU)
		scx_bpf_kick_cpu(call.cpu, call.flags);
	else if (call.kfunc == BAD_KICK_CPUMASK || call.kfunc == BAD_KICK_IDLE)
		call_of_mask();
	else if (call.kfunc == BAD_KICK_MEMORY)
		call.ret = scx_bpf_kick_cpumask((void *)&call.cpus, call.flags);
	else if (call.kfunc == BAD_KICK_IDLE_MEMORY)
		call.ret = scx_bpf_kick_idle((void *)&call.cpus, call.flags);
	else if (call.kfunc == BAD_KICK_OWN_CPUS)
		call_own_cpus();
	else if (call.kfunc == BAD_KICK_CURR)
		call.ret = scx_bpf_kick_curr(call.cpu, 0, call.flags);
	else
		call_task();
	__sync_lock_test_and_set(&call.pending, 0);
}

/* The default would not call ops.enqueue() where a CPU is idle */
s32 BPF_STRUCT_OPS(kick_bad_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	return prev_cpu;
}

void BPF_STRUCT_OPS(kick_bad_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dispatch(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
	call_from(BAD_ENQUEUE);
}

void BPF_STRUCT_OPS(kick_bad_dispatch, s32 cpu, struct task_struct *prev)
{
	call_from(BAD_DISPATCH);
}

void BPF_STRUCT_OPS(kick_bad_running, struct task_struct *p)
{
	call_from(BAD_RUNNING);
}

void BPF_STRUCT_OPS(kick_bad_tick, struct task_struct *p)
{
	call_from(BAD_TICK);
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_bad_cpu_online, s32 cpu)
{
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_bad_cpu_offline, s32 cpu)
{
}

void BPF_STRUCT_OPS(kick_bad_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SEC(".struct_ops.link")
struct sched_ext_ops kick_bad_ops = {
	.select_cpu		= (void *)kick_bad_select_cpu,
	.enqueue		= (void *)kick_bad_enqueue,
	.dispatch		= (void *)kick_bad_dispatch,
	.running		= (void *)kick_bad_running,
	.tick			= (void *)kick_bad_tick,
	.cpu_online		= (void *)kick_bad_cpu_online,
	.cpu_offline		= (void *)kick_bad_cpu_offline,
	.exit			= (void *)kick_bad_exit,
	.flags			= SCX_OPS_SWITCH_PARTIAL,
	.exit_dump_len		= 4096,
	.name			= "kick_bad_input",
};

SEC("syscall")
int bad_call_now(void *ctx)
{
	call_from(BAD_SYSCALL);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(bad_switch)
{
	call_from(BAD_SWITCH);
	return 0;
}

SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(bad_hardirq)
{
	call_from(BAD_HARDIRQ);
	return 0;
}

SEC("perf_event")
int bad_event(struct bpf_perf_event_data *ctx)
{
	call_from(BAD_EVENT);
	return 0;
}

SEC("?tp_btf/nmi_handler")
int BPF_PROG(bad_nmi)
{
	call_from(BAD_NMI);
	return 0;
}

SEC("syscall")
int bad_keep(struct bad_keep_args *args)
{
	struct task_struct *p = NULL;
	struct bad_task *value;
	u32 key = 0;

	if (args->pid) {
		p = bpf_task_from_pid(args->pid);
		if (!p)
			return -ESRCH;
	}
	value = bpf_map_lookup_elem(&tasks, &key);
	if (value)
		p = bpf_kptr_xchg(&value->task, p);
	if (p)
		bpf_task_release(p);
	return 0;
}

/* The mask of the next call. CPUs that are not possible stay out */
SEC("syscall")
int bad_set_mask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	struct bad_mask *value;
	u32 key = 0, i;

	if (!mask)
		return -ENOMEM;
	bpf_for(i, 0, BAD_MASK_WORDS * 64) {
		u64 *word = MEMBER_VPTR(call, .cpus[i / 64]);

		if (word && *word & 1ULL << i % 64)
			bpf_cpumask_set_cpu(i, mask);
	}
	value = bpf_map_lookup_elem(&masks, &key);
	if (value)
		mask = bpf_kptr_xchg(&value->mask, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

/*
 * What the verifier refuses. User space has each one loaded alone; its table says what is to be
 * found in the verifier's log.
 */

SEC("?syscall")
int refused_task_null(void *ctx)
{
	return scx_bpf_kick_task(NULL, 0);
}

SEC("?syscall")
int refused_task_number(void *ctx)
{
	return scx_bpf_kick_task((void *)0xffff888000000000ULL, 0);
}

SEC("?syscall")
int refused_task_unchecked(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);
	int ret = scx_bpf_kick_task(p, 0);

	if (p)
		bpf_task_release(p);
	return ret;
}

SEC("?syscall")
int refused_task_released(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	bpf_task_release(p);
	return scx_bpf_kick_task(p, 0);
}

SEC("?syscall")
int refused_task_no_rcu(void *ctx)
{
	struct bad_task *value;
	struct task_struct *p;
	u32 key = 0;

	value = bpf_map_lookup_elem(&tasks, &key);
	p = value ? value->task : NULL;
	return p ? scx_bpf_kick_task(p, 0) : 0;
}

SEC("?syscall")
int refused_task_after_rcu(void *ctx)
{
	struct bad_task *value;
	struct task_struct *p;
	u32 key = 0;

	value = bpf_map_lookup_elem(&tasks, &key);
	if (!value)
		return 0;
	bpf_rcu_read_lock();
	p = value->task;
	bpf_rcu_read_unlock();
	return p ? scx_bpf_kick_task(p, 0) : 0;
}

SEC("?syscall")
int refused_task_map_value(void *ctx)
{
	return scx_bpf_kick_task((void *)&call, 0);
}

SEC("?syscall")
int refused_task_stack(void *ctx)
{
	struct bad_keep_args on_stack = {};

	return scx_bpf_kick_task((void *)&on_stack, 0);
}

SEC("?syscall")
int refused_task_ctx(void *ctx)
{
	return scx_bpf_kick_task(ctx, 0);
}

SEC("?syscall")
int refused_task_cpumask(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	int ret;

	if (!mask)
		return 0;
	ret = scx_bpf_kick_task((void *)mask, 0);
	bpf_cpumask_release(mask);
	return ret;
}

SEC("?syscall")
int refused_task_walked(void *ctx)
{
	return scx_bpf_kick_task(bpf_get_current_task_btf()->last_wakee, 0);
}

SEC("?syscall")
int refused_task_of_rq(void *ctx)
{
	const struct rq *rq = scx_bpf_cpu_rq(0);

	return rq ? scx_bpf_kick_task(rq->curr, 0) : 0;
}

SEC("?syscall")
int refused_task_offset(void *ctx)
{
	return scx_bpf_kick_task((void *)bpf_get_current_task_btf() + 8, 0);
}

SEC("?syscall")
int refused_task_flags_pointer(void *ctx)
{
	return scx_bpf_kick_task(bpf_get_current_task_btf(), (u64)ctx);
}

/* Both kfuncs that take a mask refuse the same ones */
static __always_inline int kick_mask(const void *cpus, bool idle)
{
	return idle ? scx_bpf_kick_idle(cpus, 1) : scx_bpf_kick_cpumask(cpus, 0);
}

#define REFUSED_MASK(__name)				\
SEC("?syscall")						\
int refused_mask_##__name(void *ctx)			\
{							\
	return mask_##__name(false);			\
}							\
							\
SEC("?syscall")						\
int refused_idle_##__name(void *ctx)			\
{							\
	return mask_##__name(true);			\
}

static __always_inline int mask_null(bool idle)
{
	return kick_mask(NULL, idle);
}

REFUSED_MASK(null)

static __always_inline int mask_number(bool idle)
{
	return kick_mask((void *)0xffff888000000000ULL, idle);
}

REFUSED_MASK(number)

static __always_inline int mask_unchecked(bool idle)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	int ret = kick_mask(mask, idle);

	if (mask)
		bpf_cpumask_release(mask);
	return ret;
}

REFUSED_MASK(unchecked)

static __always_inline int mask_released(bool idle)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 0;
	bpf_cpumask_release(mask);
	return kick_mask(mask, idle);
}

REFUSED_MASK(released)

static __always_inline int mask_no_rcu(bool idle)
{
	struct bad_mask *value;
	u32 key = 0;

	value = bpf_map_lookup_elem(&masks, &key);
	return value && value->mask ? kick_mask(value->mask, idle) : 0;
}

REFUSED_MASK(no_rcu)

static __always_inline int mask_end_of_map(bool idle)
{
	return kick_mask((void *)(&call + 1) - 8, idle);
}

REFUSED_MASK(end_of_map)

static __always_inline int mask_short(bool idle)
{
	u64 on_stack = 1;

	return kick_mask(&on_stack, idle);
}

REFUSED_MASK(short)

static __always_inline int mask_task(bool idle)
{
	return kick_mask(bpf_get_current_task_btf(), idle);
}

REFUSED_MASK(task)

static __always_inline int mask_walked(bool idle)
{
	return kick_mask(bpf_get_current_task_btf()->user_cpus_ptr, idle);
}

REFUSED_MASK(walked)

SEC("?syscall")
int refused_mask_flags_pointer(void *ctx)
{
	return scx_bpf_kick_cpumask((void *)&call.cpus, (u64)&call);
}

SEC("?syscall")
int refused_idle_nr_pointer(void *ctx)
{
	return scx_bpf_kick_idle((void *)&call.cpus, (u64)ctx);
}

SEC("?syscall")
int refused_cpu_pointer(void *ctx)
{
	scx_bpf_kick_cpu((long)ctx, 0);
	return 0;
}

SEC("?syscall")
int refused_cpu_flags_pointer(void *ctx)
{
	scx_bpf_kick_cpu(0, (u64)&call);
	return 0;
}

SEC("?syscall")
int refused_curr_pointer(void *ctx)
{
	return scx_bpf_kick_curr((long)ctx, 0, 0);
}

SEC("?syscall")
int refused_curr_pid_pointer(void *ctx)
{
	return scx_bpf_kick_curr(0, (long)ctx, 0);
}

SEC("?syscall")
int refused_curr_flags_pointer(void *ctx)
{
	return scx_bpf_kick_curr(0, 0, (u64)&call);
}

/* Loaded as programs of all the types that may not call them */

SEC("?socket")
int refused_cpu_in_type(void *ctx)
{
	scx_bpf_kick_cpu(0, 0);
	return 0;
}

SEC("?socket")
int refused_mask_in_type(void *ctx)
{
	scx_bpf_kick_cpumask(NULL, 0);
	return 0;
}

SEC("?socket")
int refused_task_in_type(void *ctx)
{
	scx_bpf_kick_task(NULL, 0);
	return 0;
}

SEC("?socket")
int refused_curr_in_type(void *ctx)
{
	return scx_bpf_kick_curr(0, 0, 0);
}

SEC("?socket")
int refused_idle_in_type(void *ctx)
{
	return scx_bpf_kick_idle(NULL, 0);
}
