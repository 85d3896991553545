/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: what its BPF programs share, and what they read of the kernel.
 */
#ifndef __KICK_TORTURE_STATE_BPF_H__
#define __KICK_TORTURE_STATE_BPF_H__

#define CPUMASK_WORD	(8 * sizeof(u64))

/* scx_kick::word: a task of a higher class runs, and where the number of the cycle is */
#define WORD_ABOVE	0x400
#define WORD_LAZY	0x20
#define CYCLE_SHIFT	18

/* ENQUEUE_RESTORE: the task was dequeued, to be changed */
#define ENQ_RESTORE	0x2
/* DEQUEUE_SLEEP: it was not */
#define DEQ_SLEEP	0x1

/* thread_info::flags of a task that has to schedule */
#ifdef __TARGET_ARCH_x86
#define NEED_RESCHED	0x8
#else
#define NEED_RESCHED	0x2
#endif

UEI_DEFINE(uei);

struct torture_cpu cpus[TORTURE_NR_CPUS];
struct torture_orders orders;
u64 mask_bits[TORTURE_NR_MASKS][TORTURE_NR_CPUS / CPUMASK_WORD];

u64 grace;
/* Raised by whatever lets kicks be dropped: a bypass, CPUs that come and go */
u64 epoch;
/* scx_ops_bypass() of the root has begun and not ended, so often */
s64 bypasses;

const volatile u32 nr_cpus = 1;

/* enum torture_role. Each of them has its own programs, and the books are one */
const volatile u32 role;

/*
 * Newer kernels ask the classes to pick only, that of the stopper first. A bypass is that of one
 * scheduler there, and the function is told of which.
 */
const volatile bool pick_only;

/* Of these a kernel has one of each two, see pick_only. */
extern const void __scx_ops_enabled __ksym __weak;
extern const void __scx_enabled __ksym __weak;
extern const void scx_ops_bypass_depth __ksym __weak;
extern const void scx_root __ksym __weak;
extern const void __cpu_online_mask __ksym;
extern const void __per_cpu_offset __ksym __weak;
extern const void ext_sched_class __ksym;
extern const void rt_sched_class __ksym;
extern const void dl_sched_class __ksym;
extern const void fair_sched_class __ksym;
extern const void idle_sched_class __ksym;
extern const void stop_sched_class __ksym;

void bpf_preempt_disable(void) __ksym;
void bpf_preempt_enable(void) __ksym;

/* Core scheduling may keep a CPU idle that has tasks */
extern struct rq runqueues __ksym;

struct rq___core {
	struct rq *core;
	unsigned int core_enabled;
	unsigned int core_forceidle_count;
} __attribute__((preserve_access_index));

struct scx_kick___torture {
	atomic_t word;
} __attribute__((preserve_access_index));

extern struct scx_kick___torture scx_kick_pcpu __ksym __weak;

struct scx_kick_stats___torture {
	unsigned long outcomes[SCX_KICKED_NR];
} __attribute__((preserve_access_index));

extern struct scx_kick_stats___torture scx_kick_stats __ksym __weak;

struct torture_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TORTURE_NR_CPUS);
	__type(key, u32);
	__type(value, struct torture_timer);
} timers SEC(".maps");

/* Tasks that BPF alone knows of, until ops.dispatch() finds them or ops.dequeue() tells of it */
struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, TORTURE_NR_QUEUED);
	__type(value, s32);
} queue SEC(".maps");

struct torture_mask {
	struct bpf_cpumask __kptr *mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TORTURE_NR_MASKS);
	__type(key, u32);
	__type(value, struct torture_mask);
} masks SEC(".maps");

static struct torture_cpu *cpu_of(s32 cpu)
{
	return MEMBER_VPTR(cpus, [cpu]);
}

static struct torture_cpu *this_cpu(void)
{
	return cpu_of(bpf_get_smp_processor_id());
}

static bool in_mask(u32 key, u32 cpu)
{
	u64 *bits = MEMBER_VPTR(mask_bits, [key][cpu / CPUMASK_WORD]);

	return bits && *bits & 1ULL << cpu % CPUMASK_WORD;
}

static u32 read_u32(const void *at)
{
	u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), at);
	return value;
}

static u64 read_u64(const void *at)
{
	u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), at);
	return value;
}

static bool online(s32 cpu)
{
	u64 word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), &__cpu_online_mask +
			      cpu / CPUMASK_WORD * sizeof(word));
	return word & 1ULL << cpu % CPUMASK_WORD;
}

static u32 word_of(s32 cpu)
{
	struct scx_kick___torture *kick;

	if (!&scx_kick_pcpu)
		return 0;
	kick = bpf_per_cpu_ptr(&scx_kick_pcpu, cpu);
	return kick ? (u32)kick->word.counter : 0;
}

static u32 cycle_number(s32 cpu)
{
	return word_of(cpu) >> CYCLE_SHIFT;
}

static bool is_ext(struct task_struct *p)
{
	return (u64)p->sched_class == (u64)&ext_sched_class;
}

/* Of a class above sched_ext. Neither is the idle task */
static bool is_higher(struct task_struct *p)
{
	u64 class = (u64)p->sched_class;

	return class != (u64)&ext_sched_class && class != (u64)&idle_sched_class;
}

/* Whatever its scheduler knows CPUs by */
static s32 cpu_of_task(struct task_struct *p)
{
	return p->thread_info.cpu;
}

static u64 entries_of(s32 cpu)
{
	struct torture_cpu *tc = cpu_of(cpu);

	return tc ? READ_ONCE(tc->entries) : 0;
}

static u64 next_random(u64 *state)
{
	u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

#endif	/* __KICK_TORTURE_STATE_BPF_H__ */
