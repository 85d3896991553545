// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick_torture, the kernel's half: a scheduler that kicks at random, programs that do so from every
 * other context, and those that keep the books.
 *
 * How a lost kick is found
 * ------------------------
 *
 * A kick raises the sequence of its target first (struct torture_seq), and each scheduling cycle
 * of the target sees it. Time says nothing of a kick that has not been seen yet: the CPUs of a
 * virtual machine may stand still for long. What counts is the order of events. A CPU that
 * executes user code, or waits for an interrupt in the idle loop, has acted on each interrupt that
 * it got; so a kick is lost if its target is found there and has not seen it, although
 *
 *  - the kicking CPU has been in an interrupt since, outside of any kick: so that kick is done, and
 *    so is the irq_work that a kick from NMI needs;
 *  - the target has been in an interrupt after that.
 *
 * torture_sample() runs on each CPU, by a perf event, and makes grace periods of these conditions:
 * one is over when every CPU has had such a sample in it.
 *
 * Another kick makes up for a lost one. While ->alone says so, a CPU is not kicked before it has
 * seen the last kick.
 *
 * A cycle that begins before the task is there that a kick is for serves nothing. What kicks of
 * operations are for is there when what the operation belongs to is complete, so their sequences
 * are raised once more just before, see owe().
 */
#include <scx/common.bpf.h>
#include "kick_torture.h"

char _license[] SEC("license") = "GPL";

#define CPUMASK_WORD	(8 * sizeof(u64))

/* scx_kick::word: a task of a higher class runs, and where the number of the cycle is */
#define WORD_ABOVE	0x400
#define CYCLE_SHIFT	17

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

u64 grace = 1;
/* Raised by whatever lets kicks be dropped: a bypass, CPUs that come and go */
u64 epoch;
/* scx_ops_bypass() has begun and not ended, so often */
s64 bypasses;

const volatile u32 nr_cpus = 1;

/*
 * Newer kernels ask the classes to pick only, that of the stopper first. A bypass is that of one
 * scheduler there, and the function is told of which.
 */
const volatile bool pick_only;

struct scx_sched___pick_only {
	s32 bypass_depth;
} __attribute__((preserve_access_index));

/* Of these a kernel has one of each two, see pick_only. */
extern const void __scx_ops_enabled __ksym __weak;
extern const void __scx_enabled __ksym __weak;
extern const void scx_ops_bypass_depth __ksym __weak;
extern const void scx_root __ksym __weak;
extern const void __cpu_online_mask __ksym;
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

static u32 read_u32(const void *at)
{
	u32 value = 0;

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

/*
 * Kicks
 */

/*
 * The functions that are not static are verified once and not for each path that leads to them.
 */

static bool loaded_now(void)
{
	if (!pick_only)
		return read_u32(&__scx_ops_enabled);
	return read_u32(&__scx_enabled);
}

static bool bypassed_now(void)
{
	struct scx_sched___pick_only *root = NULL;

	if (!pick_only)
		return read_u32(&scx_ops_bypass_depth);
	bpf_probe_read_kernel(&root, sizeof(root), &scx_root);
	return BPF_CORE_READ(root, bypass_depth);
}

/* What is going to become of a kick of @cpu made now */
__noinline int fate_of(s32 cpu)
{
	if (!loaded_now())
		return TORTURE_NOT_LOADED;
	if (bypassed_now())
		return TORTURE_BYPASSED;
	if (!online(cpu) && cpu != bpf_get_smp_processor_id())
		return TORTURE_OFFLINE;
	return TORTURE_LIVE;
}

static bool idles(u32 kind)
{
	return kind == TORTURE_KIND_IDLE || kind == TORTURE_MASK_IDLE;
}

static bool preempts(u32 kind)
{
	return kind == TORTURE_PREEMPT || kind == TORTURE_PREEMPT_WAIT || kind == TORTURE_MASK;
}

static bool waits(u32 kind)
{
	return kind == TORTURE_WAIT || kind == TORTURE_PREEMPT_WAIT;
}

static u64 flags_of(u32 kind)
{
	if (idles(kind))
		return SCX_KICK_IDLE;
	return (preempts(kind) ? SCX_KICK_PREEMPT : 0) | (waits(kind) ? SCX_KICK_WAIT : 0);
}

static bool all_seen(struct torture_seq *seq)
{
	return READ_ONCE(seq->asked) == READ_ONCE(seq->seen);
}

/*
 * May @cpu be kicked? Not if it is to be one kick at a time and it has not seen the last one. And a
 * storm must not feed itself: with each cycle comes another chance for kicks.
 */
__noinline int ready(s32 cpu)
{
	struct torture_cpu *target = cpu_of(cpu);

	if (!target || READ_ONCE(target->cycles) - READ_ONCE(target->rested) > TORTURE_RESTLESS)
		return false;
	return !READ_ONCE(target->alone) || (all_seen(&target->seq[TORTURE_SEQ_CYCLE]) &&
					     all_seen(&target->seq[TORTURE_SEQ_IDLE]));
}

/* What a kick belongs to, and is held back for. NULL: to nothing, or to what is not looked at */
static struct torture_owed *owed_in(struct torture_cpu *me, u32 context)
{
	switch (context) {
	case TORTURE_SELECT_CPU:
	case TORTURE_ENQUEUE:
	case TORTURE_DEQUEUE:
	case TORTURE_RUNNABLE:
	case TORTURE_STOPPING:
	case TORTURE_QUIESCENT:
	case TORTURE_SET_CPUMASK:
	case TORTURE_SET_WEIGHT:
	case TORTURE_ENABLE:
	case TORTURE_CGROUP_MOVE:
		return &me->enqueue;
	case TORTURE_DISPATCH:
		return &me->dispatch;
	}
	return NULL;
}

/*
 * The enqueueing of a task goes from the first operation that is called for it to the end of
 * ops.enqueue(), where the kernel puts it on its DSQ: kicks that were made on the way are held back
 * until then, and so are those of ops.dispatch() until its tasks are dispatched. All of it is done
 * with interrupts off. So the sequences of these kicks are raised again at that end. A kick that was
 * made at once is served before, and nothing comes for the new ones: then they are lost.
 *
 * If ops.enqueue() is not called, for a task that goes on running or that ops.select_cpu() has put
 * on a local DSQ, nothing is raised again. Nor where the kernel makes kicks at once, on a CPU that is
 * on its way down; nor for a claim, which the task may spare by leaving its CPU.
 */
static void owe(struct torture_cpu *me, s32 cpu, u32 context, u32 kind)
{
	struct torture_owed *owed = owed_in(me, context);
	u32 *kick;

	if (!owed || !owed->on || kind == TORTURE_KIND_TASK || !online(bpf_get_smp_processor_id()))
		return;
	kick = MEMBER_VPTR(*owed, .kicks[owed->nr]);
	if (!kick)
		return;
	*kick = cpu << 16 | kind << 8 | context;
	owed->nr++;
}

/* An operation is called for @p. It may be the @first one of its enqueueing */
static void owe_for(struct task_struct *p, bool first)
{
	struct torture_cpu *me = this_cpu();

	if (!me || (!first && me->enqueue.on && me->enqueue.task == (u64)p))
		return;
	me->enqueue.task = (u64)p;
	me->enqueue.nr = 0;
	me->enqueue.selected = false;
	me->enqueue.on = true;
}

static u64 raise(s32 cpu, u32 context, u32 kind);

static void raise_again(struct torture_seq *seq)
{
	__sync_fetch_and_add(&seq->again, 1);
}

__noinline int raise_owed(u32 owed)
{
	u32 context = owed & 0xff, kind = owed >> 8 & 0xff;
	struct torture_cpu *me = this_cpu();
	s32 cpu = owed >> 16;
	struct torture_cpu *target = cpu_of(cpu);

	/* What is dropped now is not asked for */
	if (!me || !target || fate_of(cpu) != TORTURE_LIVE)
		return 0;
	me->owed++;
	if (idles(kind))
		raise_again(&target->seq[TORTURE_SEQ_IDLE]);
	else
		raise_again(&target->seq[TORTURE_SEQ_CYCLE]);
	if (preempts(kind))
		raise_again(&target->seq[TORTURE_SEQ_PREEMPT]);
	raise(cpu, context, kind);
	return 0;
}

/* Everything but what the kernel does now is complete. See owe() */
static void pay(struct torture_owed *owed)
{
	u32 i, *kick;

	bpf_for(i, 0, owed->nr) {
		kick = MEMBER_VPTR(*owed, .kicks[i]);
		if (kick)
			raise_owed(*kick);
	}
	owed->nr = 0;
	owed->on = false;
}

/*
 * Give the CPUs that are kicked for a task the time to come too early, before it is there: while the
 * first one has not seen its kick.
 */
static void tempt(struct torture_owed *owed, u64 random)
{
	struct torture_cpu *target = owed->nr ? cpu_of(owed->kicks[0] >> 16) : NULL;
	u64 end = bpf_ktime_get_ns() + TORTURE_LINGER_NS / 2;

	if (!target || random & 3)
		return;
	bpf_repeat(BPF_MAX_LOOPS) {
		if ((all_seen(&target->seq[TORTURE_SEQ_IDLE]) &&
		     all_seen(&target->seq[TORTURE_SEQ_CYCLE])) || bpf_ktime_get_ns() >= end)
			return;
	}
}

/* A kick of @cpu raises its sequences. Returns its number, 0: one that leaves a busy CPU alone */
static u64 raise(s32 cpu, u32 context, u32 kind)
{
	struct torture_cpu *target = cpu_of(cpu);
	struct torture_seq *cycle;
	u64 asked;

	if (!target)
		return 0;
	if (idles(kind)) {
		__sync_fetch_and_add(&target->seq[TORTURE_SEQ_IDLE].asked, 1);
		return 0;
	}
	if (preempts(kind))
		__sync_fetch_and_add(&target->seq[TORTURE_SEQ_PREEMPT].asked, 1);
	cycle = &target->seq[TORTURE_SEQ_CYCLE];
	asked = __sync_fetch_and_add(&cycle->asked, 1) + 1;
	target->recent[asked % TORTURE_NR_RECENT] =
		bpf_get_smp_processor_id() << 16 | kind << 8 | context;
	if (asked == READ_ONCE(cycle->seen) + 1) {
		WRITE_ONCE(target->first_ns, bpf_ktime_get_ns());
		WRITE_ONCE(target->first_seq, asked);
	}
	return asked;
}

/* A kick of @cpu is about to be made */
static u64 ask(s32 cpu, u32 context, u32 kind)
{
	struct torture_cpu *me = this_cpu();

	if (me)
		owe(me, cpu, context, kind);
	return raise(cpu, context, kind);
}

/* How many kicks of its own CPU, by this one, the kernel has made that found nothing pending */
static u64 self_kicks(void)
{
	struct scx_kick_stats___torture *stats;

	if (!&scx_kick_stats)
		return 0;
	stats = bpf_this_cpu_ptr(&scx_kick_stats);
	return stats->outcomes[SCX_KICKED_SELF];
}

/*
 * The number @asked has been given to a kick of this CPU by itself, before it executes user code, and
 * perhaps after it has looked for the last time whether to schedule. It must do so before that code,
 * for it has kicked itself and needs nobody else's interrupt: what the next sample in user mode
 * finds. As long as the caller is no interrupt, that can't be a sample of the same interrupt.
 */
static void expect_self(struct torture_cpu *me, u32 context, u64 asked)
{
	me->self_context = context;
	WRITE_ONCE(me->self_asked, asked);
}

static bool before_user(u32 context)
{
	return context == TORTURE_SYS_ENTER || context == TORTURE_USER_ENTER ||
	       context == TORTURE_FPU_RETURN;
}

/* A kick has been made here */
__noinline int book(u32 context, u32 kind, u32 fate)
{
	struct torture_cpu *me = this_cpu();
	u64 *kicks, *kinds;

	if (!me)
		return 0;
	kicks = MEMBER_VPTR(*me, .kicks[context][fate]);
	kinds = MEMBER_VPTR(*me, .kinds[kind][fate]);
	if (kicks)
		__sync_fetch_and_add(kicks, 1);
	if (kinds)
		__sync_fetch_and_add(kinds, 1);
	return 0;
}

/*
 * @cpu is about to be kicked with SCX_KICK_WAIT. Only what is as it was before tells something
 * later: the cycle that @cpu is in, what runs there, and that kicks are made at all.
 */
static void note_wait(struct torture_expected *wait, u32 context, s32 cpu)
{
	struct torture_cpu *target = cpu_of(cpu);

	wait->number = cycle_number(cpu);
	wait->entries = entries_of(cpu);
	/* The kernel may still take its task for one of a higher class, as it was a moment ago */
	wait->entered = !target || READ_ONCE(target->entered);
	wait->epoch = READ_ONCE(epoch);
	wait->context = context;
	wait->cpu = cpu;
}

/*
 * The CPU of @wait is in the cycle that it was in when that was noted, and no task of a higher class
 * has kept it in that cycle, also none that is a sched_ext task now: then there is something to wait
 * for. Others begin another cycle before they start a task.
 */
static bool not_yet(const struct torture_expected *wait)
{
	return wait->number == cycle_number(wait->cpu) && !(word_of(wait->cpu) & WORD_ABOVE) &&
	       wait->entries == entries_of(wait->cpu) && !wait->entered;
}

/*
 * The kick is made, or held back, and the wait for it comes with the next switch to a sched_ext
 * task. Outside of a cycle, where such a task runs, this CPU has to begin one, too, if the kick was
 * made at once and found something to wait for.
 */
static void expect_wait(struct torture_cpu *me, const struct torture_expected *noted)
{
	bool outside = noted->context == TORTURE_TICK && is_ext(bpf_get_current_task_btf()) &&
		       not_yet(noted);

	WRITE_ONCE(me->wait_on, false);
	barrier();
	me->wait = *noted;
	me->wait.switches = READ_ONCE(me->switches);
	me->wait.own_cycles = outside ? READ_ONCE(me->cycles) : 0;
	me->wait.own_entries = READ_ONCE(me->entries);
	barrier();
	WRITE_ONCE(me->wait_on, true);
}

__noinline int kick_cpu(u32 context, s32 cpu, u32 kind)
{
	bool bypassed = READ_ONCE(bypasses);
	struct torture_cpu *me = this_cpu();
	struct torture_expected wait = {};
	u64 asked = 0, self;
	u32 fate;

	if (!me)
		return 0;
	note_wait(&wait, context, cpu);
	fate = fate_of(cpu);
	/* Grace periods wait for the end of a kick: not until a preempted task runs again */
	bpf_preempt_disable();
	__sync_fetch_and_add(&me->kicking, 1);
	self = self_kicks();
	if (fate == TORTURE_LIVE)
		asked = ask(cpu, context, kind);
	scx_bpf_kick_cpu(cpu, flags_of(kind));
	if (asked && before_user(context) && cpu == bpf_get_smp_processor_id() &&
	    self_kicks() != self)
		expect_self(me, context, asked);
	__sync_fetch_and_add(&me->kicking, -1);
	bpf_preempt_enable();
	book(context, kind, fate);

	/* No interrupt comes between in these operations: what is noted belongs together */
	if (waits(kind) && fate == TORTURE_LIVE && !bypassed && context <= TORTURE_UPDATE_IDLE &&
	    cpu != bpf_get_smp_processor_id())
		expect_wait(me, &wait);
	return 0;
}

static bool in_mask(u32 key, u32 cpu)
{
	u64 *bits = MEMBER_VPTR(mask_bits, [key][cpu / CPUMASK_WORD]);

	return bits && *bits & 1ULL << cpu % CPUMASK_WORD;
}

static u32 nr_online(u32 key)
{
	u32 cpu, nr = 0;

	bpf_for(cpu, 0, nr_cpus)
		nr += in_mask(key, cpu) && online(cpu);
	return nr;
}

static bool all_ready(u32 key)
{
	u32 cpu;

	bpf_for(cpu, 0, nr_cpus) {
		if (in_mask(key, cpu) && !ready(cpu))
			return false;
	}
	return true;
}

/* Unlike another kick, that of a mask leaves out the own CPU, too, while it is offline */
__noinline int ask_of_mask(struct torture_cpu *me __arg_nonnull, s32 cpu, u32 context, u32 kind)
{
	u32 fate = fate_of(cpu);

	if (!online(cpu)) {
		fate = TORTURE_OFFLINE;
		__sync_fetch_and_add(&me->offline_in_mask, 1);
	}
	if (fate == TORTURE_LIVE)
		ask(cpu, context, kind);
	return book(context, kind, fate);
}

__noinline int kick_mask(u32 context, u32 key, u32 kind)
{
	struct torture_mask *value = bpf_map_lookup_elem(&masks, &key);
	struct torture_cpu *me = this_cpu();
	struct bpf_cpumask *mask;
	u32 cpu, nr;

	if (!me || !value || !bpf_ksym_exists(scx_bpf_kick_cpumask) || !all_ready(key))
		return 0;
	nr = nr_online(key);
	__sync_fetch_and_add(&me->kicking, 1);
	bpf_for(cpu, 0, nr_cpus) {
		if (in_mask(key, cpu))
			ask_of_mask(me, cpu, context, kind);
	}
	/* Some operations may sleep */
	bpf_rcu_read_lock();
	mask = value->mask;
	if (mask)
		scx_bpf_kick_cpumask(cast_mask(mask), flags_of(kind));
	bpf_rcu_read_unlock();
	__sync_fetch_and_add(&me->kicking, -1);
	if (nr != nr_online(key))
		__sync_fetch_and_add(&me->unsure, nr_cpus);
	return 0;
}

/*
 * The CPU that @p runs on is going to schedule if this kick has claimed its preemption. If not, it
 * is kicked in the usual way.
 */
static void kick_task(struct torture_cpu *me, u32 context, struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p), err;
	u32 fate = fate_of(cpu);

	if (!bpf_ksym_exists(scx_bpf_kick_task) || !ready(cpu))
		return;
	__sync_fetch_and_add(&me->kicking, 1);
	if (fate == TORTURE_LIVE)
		ask(cpu, context, TORTURE_KIND_TASK);
	err = scx_bpf_kick_task(p, 0);
	book(context, TORTURE_KIND_TASK, fate);
	if (!err)
		__sync_fetch_and_add(&me->claims, 1);
	else if (err == -EBUSY)
		__sync_fetch_and_add(&me->busy, 1);
	else
		__sync_fetch_and_add(&me->gone, 1);
	if (err || scx_bpf_task_cpu(p) != cpu) {
		__sync_fetch_and_add(&me->own, 1);
		scx_bpf_kick_cpu(cpu, 0);
	}
	__sync_fetch_and_add(&me->kicking, -1);
}

__noinline int kick_worker(u32 context, u64 random)
{
	s32 *pid = MEMBER_VPTR(orders.workers, [random % TORTURE_NR_WORKERS]);
	struct torture_cpu *me = this_cpu();
	struct task_struct *p;

	if (!me)
		return 0;
	/* The current task is one that can be kicked in NMI, too */
	if (context == TORTURE_NMI || random & 1ULL << 32) {
		kick_task(me, context, bpf_get_current_task_btf());
		return 0;
	}
	p = pid && *pid ? bpf_task_from_pid(*pid) : NULL;
	if (!p)
		return 0;
	kick_task(me, context, p);
	bpf_task_release(p);
	return 0;
}

__noinline int kick_at_random(u32 context)
{
	struct torture_cpu *me = this_cpu();
	u64 *state, random;
	u32 kind;

	if (!me)
		return 0;
	state = MEMBER_VPTR(*me, .random[context]);
	if (!state)
		return 0;
	random = next_random(state);
	kind = orders.choices[random % TORTURE_NR_CHOICES];
	random >>= 8;
	if (kind == TORTURE_MASK || kind == TORTURE_MASK_IDLE)
		return kick_mask(context, random % TORTURE_NR_MASKS, kind);
	if (kind == TORTURE_KIND_TASK)
		return kick_worker(context, random);
	if (ready(random % nr_cpus))
		return kick_cpu(context, random % nr_cpus, kind);
	return __sync_fetch_and_add(&me->left_out, 1);
}

static void torture_one_in(u32 context, u32 one_in)
{
	struct torture_cpu *me = this_cpu();
	u64 *state;

	if (!me || orders.stop || !(orders.contexts & 1ULL << context))
		return;
	state = MEMBER_VPTR(*me, .random[context]);
	if (state && !(next_random(state) % one_in))
		kick_at_random(context);
}

/* One time in so many, an operation or an event makes a kick */
static void torture(u32 context)
{
	torture_one_in(context, orders.one_in);
}

/* More often where operations are rare */
static void torture_rare(u32 context)
{
	torture_one_in(context, orders.one_in / 8 + 1);
}

/*
 * The scheduler: a queue for each CPU, which also looks into those of the others when it has
 * nothing to run. Slices differ, some are long enough for nothing but kicks to happen for a while.
 */

static u64 draw(u32 context)
{
	struct torture_cpu *me = this_cpu();
	u64 *state = me ? MEMBER_VPTR(*me, .random[context]) : NULL;

	return state ? next_random(state) : 0;
}

static u64 slice(u64 random)
{
	if (orders.endless && !(random >> 3 & 7))
		return SCX_SLICE_INF;
	return (random & 1 ? 100 : random & 2 ? 10 : 1) * 1000 * 1000;
}

static void select_owed(void)
{
	struct torture_cpu *me = this_cpu();

	if (me)
		me->enqueue.selected = true;
}

/* ops.runnable() goes on with what ops.select_cpu() has begun, or the change of a task */
static bool owed_goes_on(u64 enq_flags)
{
	struct torture_cpu *me = this_cpu();
	bool selected;

	if (!me)
		return false;
	selected = me->enqueue.selected;
	me->enqueue.selected = false;
	return selected || (enq_flags & ENQ_RESTORE);
}

s32 BPF_STRUCT_OPS(kick_torture_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	u64 random = draw(TORTURE_SELECT_CPU);
	bool idle = false;
	s32 cpu;

	owe_for(p, true);
	torture(TORTURE_SELECT_CPU);
	select_owed();
	if (random & 1)
		return prev_cpu;
	cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &idle);
	if (idle && random & 2)
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice(random >> 2), 0);
	return cpu;
}

/* Returns false if there is no room */
static bool queue_task(struct task_struct *p)
{
	s32 pid = p->pid;

	return !bpf_map_push_elem(&queue, &pid, 0);
}

void BPF_STRUCT_OPS(kick_torture_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 random = draw(TORTURE_ENQUEUE);
	s32 cpu = scx_bpf_task_cpu(p);
	struct torture_cpu *me = this_cpu();

	owe_for(p, enq_flags & SCX_ENQ_REENQ);
	torture(TORTURE_ENQUEUE);
	if (me)
		tempt(&me->enqueue, random >> 12);
	/* A task that is preempted in one of the other kicks ends it soon, a few times in a row */
	if (me && READ_ONCE(me->kicking) && p == bpf_get_current_task_btf() &&
	    ++me->first % 4)
		enq_flags |= SCX_ENQ_HEAD;
	if (!(random & 0x30)) {
		u64 preempt = random & 0x40 ? SCX_ENQ_PREEMPT : 0;

		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice(random), enq_flags | preempt);
		if (me)
			pay(&me->enqueue);
		return;
	}
	if ((random & 0x380) || !queue_task(p))
		scx_bpf_dispatch(p, cpu, slice(random), enq_flags);
	/* What the task relies on is not left out */
	kick_cpu(TORTURE_ENQUEUE, cpu, TORTURE_KIND_IDLE);
	if (me)
		pay(&me->enqueue);
}

void BPF_STRUCT_OPS(kick_torture_dequeue, struct task_struct *p, u64 deq_flags)
{
	owe_for(p, false);
	torture_rare(TORTURE_DEQUEUE);
}

/* Stand still where this CPU has found nothing to run, until a kick comes that it must not miss */
static void linger(void)
{
	struct torture_cpu *me = this_cpu();
	u64 end = bpf_ktime_get_ns() + TORTURE_LINGER_NS;

	bpf_repeat(BPF_MAX_LOOPS) {
		if (!me || !all_seen(&me->seq[TORTURE_SEQ_IDLE]) || bpf_ktime_get_ns() >= end)
			return;
	}
}

/*
 * Tasks of BPF's queue come last, so that some are changed while they are in it. One that has left
 * it for that is not dispatched: the kernel knows.
 */
static bool dispatch_queued(void)
{
	struct task_struct *p;
	s32 pid, cpu;

	if (bpf_map_pop_elem(&queue, &pid))
		return false;
	p = bpf_task_from_pid(pid);
	if (!p)
		return false;
	cpu = scx_bpf_task_cpu(p);
	scx_bpf_dispatch(p, cpu, slice(draw(TORTURE_DISPATCH)), 0);
	bpf_task_release(p);
	return scx_bpf_consume(cpu);
}

static void dispatch(s32 cpu)
{
	s32 i;

	torture(TORTURE_DISPATCH);
	if (!(draw(TORTURE_DISPATCH) & 7))
		dispatch_queued();
	bpf_for(i, 0, nr_cpus) {
		if (scx_bpf_consume((cpu + i) % nr_cpus))
			return;
	}
	if (dispatch_queued())
		return;
	if (!(draw(TORTURE_DISPATCH) & 3))
		linger();
}

void BPF_STRUCT_OPS(kick_torture_dispatch, s32 cpu, struct task_struct *prev)
{
	struct torture_cpu *me = this_cpu();

	if (!me)
		return;
	me->dispatch.nr = 0;
	me->dispatch.on = true;
	dispatch(cpu);
	tempt(&me->dispatch, draw(TORTURE_DISPATCH));
	pay(&me->dispatch);
}

void BPF_STRUCT_OPS(kick_torture_tick, struct task_struct *p)
{
	torture(TORTURE_TICK);
}

void BPF_STRUCT_OPS(kick_torture_runnable, struct task_struct *p, u64 enq_flags)
{
	owe_for(p, !owed_goes_on(enq_flags));
	torture(TORTURE_RUNNABLE);
}

void BPF_STRUCT_OPS(kick_torture_running, struct task_struct *p)
{
	torture(TORTURE_RUNNING);
}

void BPF_STRUCT_OPS(kick_torture_stopping, struct task_struct *p, bool runnable)
{
	owe_for(p, runnable);
	torture(TORTURE_STOPPING);
}

void BPF_STRUCT_OPS(kick_torture_quiescent, struct task_struct *p, u64 deq_flags)
{
	owe_for(p, false);
	torture(TORTURE_QUIESCENT);
}

bool BPF_STRUCT_OPS(kick_torture_yield, struct task_struct *from, struct task_struct *to)
{
	torture(TORTURE_YIELD);
	return false;
}

/* Core scheduling asks: the one that has run less goes first */
bool BPF_STRUCT_OPS(kick_torture_core_sched_before, struct task_struct *a, struct task_struct *b)
{
	torture_rare(TORTURE_CORE_SCHED_BEFORE);
	return a->se.sum_exec_runtime < b->se.sum_exec_runtime;
}

void BPF_STRUCT_OPS(kick_torture_set_weight, struct task_struct *p, u32 weight)
{
	owe_for(p, false);
	torture_rare(TORTURE_SET_WEIGHT);
}

void BPF_STRUCT_OPS(kick_torture_set_cpumask, struct task_struct *p, const struct cpumask *mask)
{
	owe_for(p, false);
	torture_rare(TORTURE_SET_CPUMASK);
}

void BPF_STRUCT_OPS(kick_torture_update_idle, s32 cpu, bool idle)
{
	torture(TORTURE_UPDATE_IDLE);
}

void BPF_STRUCT_OPS(kick_torture_cpu_acquire, s32 cpu, struct scx_cpu_acquire_args *args)
{
	torture_rare(TORTURE_CPU_ACQUIRE);
}

void BPF_STRUCT_OPS(kick_torture_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	torture_rare(TORTURE_CPU_RELEASE);
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cpu_online, s32 cpu)
{
	__sync_fetch_and_add(&epoch, 1);
	torture_rare(TORTURE_CPU_ONLINE);
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cpu_offline, s32 cpu)
{
	__sync_fetch_and_add(&epoch, 1);
	torture_rare(TORTURE_CPU_OFFLINE);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	torture_rare(TORTURE_INIT_TASK);
	return 0;
}

void BPF_STRUCT_OPS(kick_torture_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	torture_rare(TORTURE_EXIT_TASK);
}

/*
 * A task that becomes one of sched_ext while it runs does not start by that. Kicks of its CPU were
 * left out until now, with what SCX_KICK_PREEMPT would have taken from the next one
 */
void BPF_STRUCT_OPS(kick_torture_enable, struct task_struct *p)
{
	struct torture_cpu *tc = cpu_of(scx_bpf_task_cpu(p));

	if (tc && tc->started == (u64)p)
		tc->started = 0;
	if (tc && p->on_cpu) {
		WRITE_ONCE(tc->entered, true);
		__sync_fetch_and_add(&tc->entries, 1);
	}
	owe_for(p, true);
	torture_rare(TORTURE_ENABLE);
}

void BPF_STRUCT_OPS(kick_torture_disable, struct task_struct *p)
{
	torture_rare(TORTURE_DISABLE);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cgroup_init, struct cgroup *cgrp,
			     struct scx_cgroup_init_args *args)
{
	torture_rare(TORTURE_CGROUP);
	return 0;
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cgroup_exit, struct cgroup *cgrp)
{
	torture_rare(TORTURE_CGROUP);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_cgroup_prep_move, struct task_struct *p,
			     struct cgroup *from, struct cgroup *to)
{
	torture_rare(TORTURE_CGROUP);
	return 0;
}

void BPF_STRUCT_OPS(kick_torture_cgroup_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	owe_for(p, false);
	torture_rare(TORTURE_CGROUP_MOVE);
}

void BPF_STRUCT_OPS(kick_torture_cgroup_cancel_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	torture_rare(TORTURE_CGROUP);
}

void BPF_STRUCT_OPS(kick_torture_cgroup_set_weight, struct cgroup *cgrp, u32 weight)
{
	torture_rare(TORTURE_CGROUP);
}

void BPF_STRUCT_OPS(kick_torture_dump, struct scx_dump_ctx *dctx)
{
	torture_rare(TORTURE_DUMP);
}

void BPF_STRUCT_OPS(kick_torture_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	torture_rare(TORTURE_DUMP);
}

void BPF_STRUCT_OPS(kick_torture_dump_task, struct scx_dump_ctx *dctx, struct task_struct *p)
{
	torture_rare(TORTURE_DUMP);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_torture_init)
{
	s32 cpu, err;

	/* Not in user space: the exit of an attempt to load that failed may come late */
	uei.kind = 0;
	uei.exit_code = 0;
	torture_rare(TORTURE_INIT);
	bpf_for(cpu, 0, nr_cpus) {
		err = scx_bpf_create_dsq(cpu, -1);
		if (err)
			return err;
	}
	return 0;
}

void BPF_STRUCT_OPS(kick_torture_exit, struct scx_exit_info *ei)
{
	torture_rare(TORTURE_INIT);
	UEI_RECORD(uei, ei);
}

#define TORTURE_OPS(__name, __flags)					\
SEC(".struct_ops.link")							\
struct sched_ext_ops __name = {						\
	.select_cpu		= (void *)kick_torture_select_cpu,	\
	.enqueue		= (void *)kick_torture_enqueue,		\
	.dequeue		= (void *)kick_torture_dequeue,		\
	.dispatch		= (void *)kick_torture_dispatch,	\
	.tick			= (void *)kick_torture_tick,		\
	.runnable		= (void *)kick_torture_runnable,	\
	.running		= (void *)kick_torture_running,		\
	.stopping		= (void *)kick_torture_stopping,	\
	.quiescent		= (void *)kick_torture_quiescent,	\
	.yield			= (void *)kick_torture_yield,		\
	.core_sched_before	= (void *)kick_torture_core_sched_before, \
	.set_weight		= (void *)kick_torture_set_weight,	\
	.set_cpumask		= (void *)kick_torture_set_cpumask,	\
	.update_idle		= (void *)kick_torture_update_idle,	\
	.cpu_acquire		= (void *)kick_torture_cpu_acquire,	\
	.cpu_release		= (void *)kick_torture_cpu_release,	\
	.cpu_online		= (void *)kick_torture_cpu_online,	\
	.cpu_offline		= (void *)kick_torture_cpu_offline,	\
	.init_task		= (void *)kick_torture_init_task,	\
	.exit_task		= (void *)kick_torture_exit_task,	\
	.enable			= (void *)kick_torture_enable,		\
	.disable		= (void *)kick_torture_disable,		\
	.cgroup_init		= (void *)kick_torture_cgroup_init,	\
	.cgroup_exit		= (void *)kick_torture_cgroup_exit,	\
	.cgroup_prep_move	= (void *)kick_torture_cgroup_prep_move,\
	.cgroup_move		= (void *)kick_torture_cgroup_move,	\
	.cgroup_cancel_move	= (void *)kick_torture_cgroup_cancel_move, \
	.cgroup_set_weight	= (void *)kick_torture_cgroup_set_weight,\
	.dump			= (void *)kick_torture_dump,		\
	.dump_cpu		= (void *)kick_torture_dump_cpu,	\
	.dump_task		= (void *)kick_torture_dump_task,	\
	.init			= (void *)kick_torture_init,		\
	.exit			= (void *)kick_torture_exit,		\
	.flags			= SCX_OPS_KEEP_BUILTIN_IDLE | SCX_OPS_HAS_CGROUP_WEIGHT | \
				  (__flags),				\
	.name			= #__name,				\
}

/* The workers only, or each task of the fair class */
TORTURE_OPS(kick_torture_some, SCX_OPS_SWITCH_PARTIAL);
TORTURE_OPS(kick_torture_all, 0);

/*
 * Kicks from elsewhere
 */

SEC("syscall")
int torture_kick(struct torture_kick_args *args)
{
	int i;

	if (orders.stop || !(orders.contexts & 1ULL << TORTURE_SYSCALL))
		return 0;
	bpf_for(i, 0, args->nr)
		kick_at_random(TORTURE_SYSCALL);
	return 0;
}

static int timer_fn(void *map, u32 *key, struct torture_timer *tt)
{
	if (orders.stop)
		return 0;
	if (orders.contexts & 1ULL << TORTURE_TIMER)
		kick_at_random(TORTURE_TIMER);
	bpf_timer_start(&tt->timer, orders.timer_ns / 2 + draw(TORTURE_TIMER) % orders.timer_ns,
			BPF_F_TIMER_CPU_PIN);
	return 0;
}

/* Run on CPU @cpu, where the timer stays until that goes offline */
SEC("?syscall")
int torture_start_timer(struct torture_timer_args *args)
{
	u32 key = args->cpu;
	struct torture_timer *tt = bpf_map_lookup_elem(&timers, &key);

	if (!tt)
		return -EINVAL;
	/* An earlier start has done this */
	bpf_timer_init(&tt->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&tt->timer, timer_fn);
	return bpf_timer_start(&tt->timer, orders.timer_ns, BPF_F_TIMER_CPU_PIN);
}

/* Sets of CPUs for scx_bpf_kick_cpumask(), as in mask_bits[] */
SEC("syscall")
int torture_make_masks(void *ctx)
{
	u32 key, cpu;

	bpf_for(key, 0, TORTURE_NR_MASKS) {
		struct torture_mask *value = bpf_map_lookup_elem(&masks, &key);
		struct bpf_cpumask *mask = bpf_cpumask_create();

		if (!mask)
			return -ENOMEM;
		bpf_for(cpu, 0, nr_cpus) {
			if (in_mask(key, cpu))
				bpf_cpumask_set_cpu(cpu, mask);
		}
		mask = value ? bpf_kptr_xchg(&value->mask, mask) : mask;
		if (mask)
			bpf_cpumask_release(mask);
	}
	return 0;
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(torture_sys_enter)
{
	torture(TORTURE_SYS_ENTER);
	return 0;
}

/* These three after the last look at whether to schedule, interrupts off */
SEC("?tp_btf/user_enter")
int BPF_PROG(torture_user_enter)
{
	torture(TORTURE_USER_ENTER);
	return 0;
}

SEC("?fentry/switch_fpu_return")
int BPF_PROG(torture_fpu_return)
{
	torture(TORTURE_FPU_RETURN);
	return 0;
}

SEC("?tp_btf/kvm_entry")
int BPF_PROG(torture_kvm_entry)
{
	torture(TORTURE_KVM_ENTRY);
	return 0;
}

/* In the middle of a scheduling cycle, rq lock held */
SEC("tp_btf/sched_switch")
int BPF_PROG(torture_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct torture_cpu *me = this_cpu();
	bool ext = is_ext(next);

	if (me) {
		me->switches += ext;
		me->started = ext ? (u64)next : 0;
	}
	torture(TORTURE_SWITCH);
	return 0;
}

SEC("?tp_btf/sched_wakeup")
int BPF_PROG(torture_wakeup)
{
	torture(TORTURE_WAKEUP);
	return 0;
}

SEC("?tp_btf/softirq_entry")
int BPF_PROG(torture_softirq)
{
	torture(TORTURE_SOFTIRQ);
	return 0;
}

SEC("?tp_btf/hrtimer_expire_entry")
int BPF_PROG(torture_hardirq)
{
	torture(TORTURE_HARDIRQ);
	return 0;
}

/* NMIs are rare: every one kicks */
SEC("?tp_btf/nmi_handler")
int BPF_PROG(torture_nmi)
{
	if (!orders.stop && orders.contexts & 1ULL << TORTURE_NMI)
		kick_at_random(TORTURE_NMI);
	return 0;
}

/*
 * The books
 */

static void see(struct torture_seq *seq)
{
	u64 asked = READ_ONCE(seq->asked), news = asked - seq->seen;

	if (!news)
		return;
	seq->served++;
	seq->coalesced += news - 1;
	WRITE_ONCE(seq->seen, asked);
}

static void time_kick(struct torture_cpu *tc)
{
	struct torture_seq *cycle = &tc->seq[TORTURE_SEQ_CYCLE];
	s64 ns;
	u32 power;

	if (READ_ONCE(tc->first_seq) != cycle->seen + 1)
		return;
	ns = bpf_ktime_get_ns() - READ_ONCE(tc->first_ns);
	/* The clock of the kicker may be ahead of the one here */
	if (ns < 0)
		ns = 0;
	if (ns > tc->longest_ns)
		tc->longest_ns = ns;
	for (power = 0; power < 63 && ns >> power > 1; power++)
		;
	tc->late[power & 63]++;
}

/* A scheduling cycle of this CPU has just begun */
static void cycle(struct task_struct *prev)
{
	bool kept = prev->scx.slice && is_ext(prev);
	struct torture_cpu *tc = this_cpu();

	if (!tc)
		return;
	tc->cycles++;
	/* It was of a higher class when some of the kicks were made, which had no slice to take */
	if (tc->entered) {
		WRITE_ONCE(tc->entered, false);
		kept = false;
	}
	time_kick(tc);
	see(&tc->seq[TORTURE_SEQ_CYCLE]);
	see(&tc->seq[TORTURE_SEQ_IDLE]);
	if (!kept)
		see(&tc->seq[TORTURE_SEQ_PREEMPT]);
}

/* A cycle asks the classes in turn, from that of the task before: the first one counts */
#define TORTURE_CYCLE(__name, __first)						\
SEC("fentry/balance_" #__name)							\
int BPF_PROG(torture_cycle_##__name, struct rq *rq, struct task_struct *prev)	\
{										\
	u64 class = (u64)prev->sched_class;					\
										\
	if (__first)								\
		cycle(prev);							\
	return 0;								\
}

TORTURE_CYCLE(stop, class == (u64)&stop_sched_class)
TORTURE_CYCLE(dl, class == (u64)&dl_sched_class)
TORTURE_CYCLE(rt, class == (u64)&rt_sched_class)
TORTURE_CYCLE(fair, class == (u64)&fair_sched_class)

SEC("fentry/balance_scx")
int torture_cycle_scx(u64 *ctx)
{
	struct rq *rq = (struct rq *)ctx[0];
	struct task_struct *prev;
	u64 class;

	if (pick_only) {
		if (rq->cpu == bpf_get_smp_processor_id())
			cycle(rq->curr);
		return 0;
	}
	prev = (struct task_struct *)ctx[1];
	class = (u64)prev->sched_class;
	if (class == (u64)&ext_sched_class || class == (u64)&idle_sched_class)
		cycle(prev);
	return 0;
}

/*
 * A task leaves its queue. If it does not sleep it is enqueued again in a moment, whatever is called
 * for it meanwhile, see owe()
 */
SEC("fentry/dequeue_task_scx")
int BPF_PROG(torture_dequeued, struct rq *rq, struct task_struct *p, int deq_flags)
{
	struct torture_cpu *me = this_cpu();

	owe_for(p, true);
	if (me && (deq_flags & DEQ_SLEEP))
		me->enqueue.on = false;
	return 0;
}

SEC("fentry/scx_ops_bypass")
int torture_bypass_begin(u64 *ctx)
{
	if (pick_only ? ctx[1] & 1 : ctx[0] & 1) {
		__sync_fetch_and_add(&bypasses, 1);
		__sync_fetch_and_add(&epoch, 1);
	}
	return 0;
}

SEC("fexit/scx_ops_bypass")
int torture_bypass_end(u64 *ctx)
{
	if (!(pick_only ? ctx[1] & 1 : ctx[0] & 1))
		__sync_fetch_and_add(&bypasses, -1);
	return 0;
}

/* The kernel's own kicks, of which it keeps account like of others */
SEC("?fentry/scx_kick_cpu")
int BPF_PROG(torture_own)
{
	struct torture_cpu *me = this_cpu();

	if (me)
		__sync_fetch_and_add(&me->own, 1);
	return 0;
}

/* From here to the exit the idle loop waits for nothing but an interrupt */
SEC("tp_btf/cpu_idle")
int BPF_PROG(torture_idle, u32 state)
{
	struct torture_cpu *tc = this_cpu();

	if (tc)
		tc->asleep = state != (u32)-1;
	torture(TORTURE_IDLE);
	return 0;
}

/* Grace period @now is over when every CPU has had a sample in it, outside of any kick */
static void end_grace(u64 now)
{
	s32 cpu;

	bpf_for(cpu, 0, nr_cpus) {
		struct torture_cpu *tc = cpu_of(cpu);

		if (!tc || (READ_ONCE(tc->watched) && READ_ONCE(tc->passed) != now))
			return;
	}
	__sync_val_compare_and_swap(&grace, now, now + 1);
}

static void testify(struct torture_cpu *tc, u64 now)
{
	u32 i;

	for (i = 0; i < TORTURE_NR_SEQS; i++)
		tc->seq[i].witnessed = READ_ONCE(tc->seq[i].asked);
	tc->witness_grace = now;
}

static void find_lost(struct torture_seq *seq)
{
	s64 lost = seq->witnessed - seq->seen;

	if (lost <= 0)
		return;
	seq->lost += lost;
	WRITE_ONCE(seq->seen, seq->witnessed);
}

static void judge(struct torture_cpu *tc, bool idle)
{
	tc->judged++;
	find_lost(&tc->seq[TORTURE_SEQ_CYCLE]);
	find_lost(&tc->seq[TORTURE_SEQ_PREEMPT]);
	if (idle)
		find_lost(&tc->seq[TORTURE_SEQ_IDLE]);
}

/*
 * The sched_ext task @p executes user code here. If it has started since this CPU kicked another
 * one with SCX_KICK_WAIT, that one must have begun another cycle than the one that it was in. If it
 * was executing when that kick was made, this CPU must have begun a cycle at least: the sample may be
 * in the same interrupt as the kick, but not many of them.
 *
 * A task of another class that changes to sched_ext while it runs does not start by that. It may
 * have preempted the one that has started and that still waits.
 */
static void torture_waited(struct torture_cpu *tc, struct task_struct *p)
{
	struct torture_expected *wait = &tc->wait;
	bool broken = false;

	if (!READ_ONCE(tc->wait_on))
		return;
	if (wait->own_cycles == tc->cycles && wait->own_entries == tc->entries) {
		broken = ++wait->went_on >= TORTURE_WENT_ON;
		if (!broken)
			return;
	} else if (tc->switches > wait->switches && tc->started == (u64)p) {
		broken = not_yet(wait);
	} else {
		return;
	}
	WRITE_ONCE(tc->wait_on, false);
	if (wait->epoch != READ_ONCE(epoch) || !online(wait->cpu) || !&scx_kick_pcpu)
		return;
	if (!broken) {
		tc->waits++;
		return;
	}
	tc->broken = *wait;
	tc->waits_broken++;
}

/* User code is executed here, see expect_self() */
static void torture_self(struct torture_cpu *tc)
{
	u64 asked = READ_ONCE(tc->self_asked);

	if (!asked)
		return;
	WRITE_ONCE(tc->self_asked, 0);
	if (asked > tc->seq[TORTURE_SEQ_CYCLE].seen) {
		tc->self_broken_context = tc->self_context;
		tc->self_broken++;
	} else {
		tc->self_kept++;
	}
}

static bool forced_idle(void)
{
	struct rq___core *rq = (void *)bpf_this_cpu_ptr(&runqueues), *core;

	if (!bpf_core_field_exists(rq->core_forceidle_count) || !BPF_CORE_READ(rq, core_enabled))
		return false;
	core = (void *)BPF_CORE_READ(rq, core);
	return core && BPF_CORE_READ(core, core_forceidle_count);
}

/* The sched_ext task @p executes user code here, and its slice is to end */
static void torture_slice(struct torture_cpu *tc, struct task_struct *p)
{
	u64 slice = p->scx.slice;

	if (!slice || slice == SCX_SLICE_INF || slice != tc->still_slice ||
	    tc->cycles != tc->still_cycles) {
		tc->still_slice = slice;
		tc->still_cycles = tc->cycles;
		tc->still = 0;
	} else if (++tc->still == TORTURE_STILL) {
		tc->tick_lost++;
	}
}

SEC("perf_event")
int torture_sample(struct bpf_perf_event_data *ctx)
{
	struct task_struct *p = bpf_get_current_task_btf();
	bool user = (s64)PT_REGS_IP(&ctx->regs) >= 0;
	struct torture_cpu *tc = this_cpu();
	u64 now = READ_ONCE(grace);

	if (!tc)
		return 0;
	tc->samples++;
	if (user || tc->asleep)
		tc->rested = tc->cycles;
	/* Kicks of a CPU that a higher class keeps may be left out until another task runs there */
	if (READ_ONCE(bypasses) || !loaded_now() || is_higher(p)) {
		tc->witness_grace = 0;
	} else if (!tc->witness_grace) {
		testify(tc, now);
	} else {
		bool idle = tc->asleep && !(p->thread_info.flags & NEED_RESCHED) &&
			    !forced_idle();

		if ((user || idle) && now > tc->witness_grace + 2) {
			judge(tc, idle);
			testify(tc, now);
		}
		if (user)
			torture_self(tc);
		if (user && is_ext(p)) {
			torture_waited(tc, p);
			torture_slice(tc, p);
		}
	}
	if (!READ_ONCE(tc->kicking))
		WRITE_ONCE(tc->passed, now);
	end_grace(now);
	torture(TORTURE_EVENT);
	return 0;
}

/* Where the machine has counters, these are NMIs */
SEC("perf_event")
int torture_count(struct bpf_perf_event_data *ctx)
{
	torture(TORTURE_EVENT);
	return 0;
}
