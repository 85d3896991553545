// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench - measure kicks
 *
 * Only tasks of the policy SCHED_EXT are scheduled here: the threads of the loader, each pinned
 * to a CPU. They wait in their CPU's local DSQ and keep the CPU until they are kicked off it.
 * Everything else stays with the fair class, which comes first: what the machine does besides
 * is over at once.
 *
 * Kicks are made in bursts: the clock is read, then come the kicks to one CPU or one to each
 * CPU, then the clock is read again. A burst is made where the loader wants it: by a syscall
 * program, in an operation of this scheduler or in a BPF timer.
 *
 * Each CPU has a sequence number, which kickers raise before they kick. The CPU's next cycle
 * notes it as seen, and the time. What is asked but never seen is a lost kick.
 */
#include <scx/common.bpf.h>
#include "scx_kickbench.h"

void bpf_preempt_disable(void) __weak __ksym;
void bpf_preempt_enable(void) __weak __ksym;

char _license[] SEC("license") = "GPL";

UEI_DEFINE(uei);

#define SCHED_EXT	7
#define URGENT_DSQ	1
/* SCX_SLICE_INF, which is no constant in newer headers */
#define SLICE_INF	(~0ULL)

/* Slice of the kicker and of the others. A task that has none left shows each cycle. */
u64 kicker_slice = SLICE_INF;
u64 slice = SLICE_INF;

struct kb_burst burst;
struct kb_herd herd;
struct kb_urgent urgent;
struct kb_cpu cpus[KB_MAX_CPUS];

struct timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

static struct kb_cpu *kb_cpu(s32 cpu)
{
	return &cpus[cpu & (KB_MAX_CPUS - 1)];
}

static u64 slice_of(struct task_struct *p)
{
	return p->pid == burst.pid ? kicker_slice : slice;
}

static __always_inline void kick_one(s32 target, u64 flags, u32 kicks, u64 *start, u64 *end)
{
	u32 i;

	__sync_fetch_and_add(&kb_cpu(target)->seq, kicks);
	*start = bpf_ktime_get_ns();
#pragma nounroll
	for (i = 0; i < KB_MAX_KICKS && i < kicks; i++)
		scx_bpf_kick_cpu(target, flags);
	*end = bpf_ktime_get_ns();
}

/* Without @kicks it is the loop alone. */
static __always_inline void kick_all(s32 self, u64 flags, u32 kicks, u32 nr_cpus, u64 *start,
				     u64 *end)
{
	s32 cpu;

	bpf_for(cpu, 0, nr_cpus)
		if (cpu != self && kicks)
			__sync_fetch_and_add(&kb_cpu(cpu)->seq, 1);
	*start = bpf_ktime_get_ns();
	bpf_for(cpu, 0, nr_cpus)
		if (cpu != self && kicks)
			scx_bpf_kick_cpu(cpu, flags);
	*end = bpf_ktime_get_ns();
}

SEC("syscall")
int kick(struct kb_args *args)
{
	u64 start, end;

	if (args->nopreempt && bpf_ksym_exists(bpf_preempt_disable)) {
		bpf_preempt_disable();
		kick_one(args->target, args->flags, args->kicks, &start, &end);
		bpf_preempt_enable();
	} else {
		kick_one(args->target, args->flags, args->kicks, &start, &end);
	}
	args->start = start;
	args->end = end;
	return 0;
}

SEC("syscall")
int kick_round(struct kb_args *args)
{
	u64 start, end;

	kick_all(args->self, args->flags, args->kicks, args->nr_cpus, &start, &end);
	args->start = start;
	args->end = end;
	return 0;
}

/* The CPUs of kick_round() in one call */
SEC("syscall")
int kick_mask(struct kb_args *args)
{
	struct bpf_cpumask *mask;
	u64 start, end;
	s32 cpu;

	mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	bpf_for(cpu, 0, args->nr_cpus) {
		if (cpu == args->self)
			continue;
		bpf_cpumask_set_cpu(cpu, mask);
		if (args->kicks)
			__sync_fetch_and_add(&kb_cpu(cpu)->seq, 1);
	}
	start = bpf_ktime_get_ns();
	if (args->kicks && bpf_ksym_exists(scx_bpf_kick_cpumask))
		scx_bpf_kick_cpumask(cast_mask(mask), args->flags);
	end = bpf_ktime_get_ns();
	bpf_cpumask_release(mask);
	args->start = start;
	args->end = end;
	return 0;
}

/* Kicks of the task that runs on the target */
SEC("syscall")
int kick_task(struct kb_args *args)
{
	struct task_struct *p;
	u64 start, end;
	s32 ret = 0;
	u32 i;

	p = bpf_task_from_pid(args->pid);
	if (!p)
		return -ESRCH;
	__sync_fetch_and_add(&kb_cpu(args->target)->seq, args->kicks);
	start = bpf_ktime_get_ns();
#pragma nounroll
	for (i = 0; i < KB_MAX_KICKS && i < args->kicks; i++)
		if (bpf_ksym_exists(scx_bpf_kick_task))
			ret = scx_bpf_kick_task(p, args->flags);
	end = bpf_ktime_get_ns();
	bpf_task_release(p);
	args->ret = ret;
	args->start = start;
	args->end = end;
	return 0;
}

/* Many bursts at once: what the system call itself costs does not count. The last one is timed. */
SEC("syscall")
int kick_storm(struct kb_args *args)
{
	u64 start = 0, end = 0;
	int i;

	bpf_for(i, 0, args->rounds) {
		__sync_val_compare_and_swap(&herd.asked_at, 0, bpf_ktime_get_ns());
		kick_one(args->target, args->flags, args->kicks, &start, &end);
	}
	args->start = start;
	args->end = end;
	return 0;
}

/*
 * An interrupt of the own CPU that does next to nothing: the irq_work of a ring buffer wakes
 * whoever waits for it, which is nobody.
 */
SEC("syscall")
int self_irq(struct kb_args *args)
{
	u64 start, end, zero = 0;

	start = bpf_ktime_get_ns();
	bpf_ringbuf_output(&ring, &zero, sizeof(zero), args->flags);
	end = bpf_ktime_get_ns();
	args->start = start;
	args->end = end;
	return 0;
}

/* The burst that the loader has armed. Its places are on the kicker's CPU: nobody else comes. */
static void do_burst(void)
{
	u64 start, end;

	burst.from = KB_NOWHERE;
	kick_one(burst.target, burst.flags, burst.kicks, &start, &end);
	burst.start = start;
	burst.end = end;
	__sync_fetch_and_add(&burst.done, 1);
}

static int timer_fn(void *map, u32 *key, struct timer *timer)
{
	if (burst.from == KB_TIMER)
		do_burst();
	return 0;
}

/* Run by the kicker: the timer fires on its CPU, 20 us from now. */
SEC("?syscall")
int start_timer(void *ctx)
{
	struct timer *timer;
	u32 key = 0;

	timer = bpf_map_lookup_elem(&timers, &key);
	if (!timer)
		return -ENOENT;
	bpf_timer_init(&timer->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&timer->timer, timer_fn);
	return bpf_timer_start(&timer->timer, 20000, BPF_F_TIMER_CPU_PIN);
}

/* A cycle of @cpu is under way. */
static struct kb_cpu *saw_cycle(s32 cpu, u64 now)
{
	struct kb_cpu *kc = kb_cpu(cpu);
	u64 seq = kc->seq;

	if (kc->seen != seq) {
		kc->cycle_at = now;
		kc->served++;
		kc->seen = seq;
	}
	return kc;
}

/* A task gets on the target after one that a herd kicked went off it. */
static void note_herd(u64 now)
{
	u64 i = herd.nr++ & (KB_MAX_SAMPLES - 1);

	herd.off[i] = herd.off_at - herd.taken_at;
	herd.run[i] = now - herd.taken_at;
	herd.taken_at = 0;
}

void BPF_STRUCT_OPS(kickbench_enqueue, struct task_struct *p, u64 enq_flags)
{
	if (p->pid == urgent.pid) {
		u32 cpu = urgent.next_cpu + 1;

		if (cpu >= urgent.nr_cpus)
			cpu = 0;
		urgent.next_cpu = cpu;
		urgent.woken_at = bpf_ktime_get_ns();
		urgent.kicks++;
		scx_bpf_dispatch(p, URGENT_DSQ, SCX_SLICE_INF, enq_flags);
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
		return;
	}

	scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice_of(p), enq_flags);
	if (burst.from == KB_ENQUEUE && p->pid == burst.pid)
		do_burst();
}

void BPF_STRUCT_OPS(kickbench_dispatch, s32 cpu, struct task_struct *prev)
{
	saw_cycle(cpu, bpf_ktime_get_ns());

	if (burst.from == KB_DISPATCH && cpu == burst.cpu)
		do_burst();
	if (urgent.pid && scx_bpf_consume(URGENT_DSQ))
		return;
	if (prev)
		prev->scx.slice = slice_of(prev);
}

void BPF_STRUCT_OPS(kickbench_tick, struct task_struct *p)
{
	if (burst.from == KB_TICK && p->pid == burst.pid)
		do_burst();
}

/*
 * The kick for an urgent task may find a task of another class, and after that one @p goes on
 * without a look at the DSQ.
 */
void BPF_STRUCT_OPS(kickbench_running, struct task_struct *p)
{
	s32 cpu = bpf_get_smp_processor_id();
	u64 now = bpf_ktime_get_ns();
	struct kb_cpu *kc = saw_cycle(cpu, now);

	if (kc->run_seq != kc->seen) {
		kc->run_at = now;
		kc->run_seq = kc->seen;
	}
	if (herd.taken_at && cpu == herd.cpu)
		note_herd(now);
	kc->pid = p->pid;
	if (p->pid == urgent.pid)
		urgent.run_at = now;
	else if (urgent.pid && scx_bpf_dsq_nr_queued(URGENT_DSQ))
		scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

void BPF_STRUCT_OPS(kickbench_stopping, struct task_struct *p, bool runnable)
{
	s32 cpu = bpf_get_smp_processor_id();
	u64 now = bpf_ktime_get_ns();
	struct kb_cpu *kc = saw_cycle(cpu, now);

	if (kc->off_seq != kc->seen) {
		kc->off_at = now;
		kc->off_seq = kc->seen;
	}
	/* Not one that has been kicked while it went off */
	if (herd.asked_at && herd.asked_at <= now && cpu == herd.cpu) {
		herd.taken_at = __sync_lock_test_and_set(&herd.asked_at, 0);
		herd.off_at = now;
	}
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kickbench_init)
{
	return scx_bpf_create_dsq(URGENT_DSQ, -1);
}

void BPF_STRUCT_OPS(kickbench_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SCX_OPS_DEFINE(kickbench_ops,
	       .enqueue		= (void *)kickbench_enqueue,
	       .dispatch	= (void *)kickbench_dispatch,
	       .tick		= (void *)kickbench_tick,
	       .running		= (void *)kickbench_running,
	       .stopping	= (void *)kickbench_stopping,
	       .init		= (void *)kickbench_init,
	       .exit		= (void *)kickbench_exit,
	       .flags		= SCX_OPS_SWITCH_PARTIAL,
	       .name		= "kickbench");
