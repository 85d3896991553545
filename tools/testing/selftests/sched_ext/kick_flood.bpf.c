// SPDX-License-Identifier: GPL-2.0-only
/*
 * A scheduler that does its worst: on each CPU a timer kicks every CPU, over and over, while all
 * tasks of the fair class depend on it.
 */
#include <scx/common.bpf.h>
#include "kick_flood.h"

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);

#define FLOOD_NR_CPUS	256

const volatile u32 nr_cpus = 1;

/*
 * The flood: rounds that a timer makes at a time, 0: none; when it is over, whoever gets to say so;
 * and what the kicks are made with
 */
u32 rounds;
u64 until;
u64 flags;

u64 kicks[FLOOD_NR_CPUS];

struct flood_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOOD_NR_CPUS);
	__type(key, u32);
	__type(value, struct flood_timer);
} timers SEC(".maps");

void BPF_STRUCT_OPS(kick_flood_enqueue, struct task_struct *p, u64 enq_flags)
{
	scx_bpf_dispatch(p, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, enq_flags);
}

void BPF_STRUCT_OPS(kick_flood_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SCX_OPS_DEFINE(kick_flood_ops,
	       .enqueue		= (void *)kick_flood_enqueue,
	       .exit		= (void *)kick_flood_exit,
	       .name		= "kick_flood");

static bool is_over(void)
{
	return !rounds || bpf_ktime_get_ns() > until;
}

static void kick_all(u32 self)
{
	u64 *made = MEMBER_VPTR(kicks, [self]);
	u32 i, cpu;

	if (!made || is_over())
		return;
	bpf_for(i, 0, rounds) {
		bpf_for(cpu, 0, nr_cpus)
			scx_bpf_kick_cpu(cpu, flags);
		*made += nr_cpus;
	}
}

static int timer_fn(void *map, u32 *key, struct flood_timer *ft)
{
	kick_all(*key);
	if (!is_over())
		bpf_timer_start(&ft->timer, 1000, BPF_F_TIMER_CPU_PIN);
	return 0;
}

/* Run on CPU @cpu */
SEC("?syscall")
int flood_start(struct flood_start_args *args)
{
	u32 key = args->cpu;
	struct flood_timer *ft = bpf_map_lookup_elem(&timers, &key);

	if (!ft)
		return -EINVAL;
	/* An earlier start has done this */
	bpf_timer_init(&ft->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&ft->timer, timer_fn);
	return bpf_timer_start(&ft->timer, 0, BPF_F_TIMER_CPU_PIN);
}

/* Instead of the timer, where the kernel has none */
SEC("?perf_event")
int flood_clock(struct bpf_perf_event_data *ctx)
{
	kick_all(bpf_get_smp_processor_id());
	return 0;
}
