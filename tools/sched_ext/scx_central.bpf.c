// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_central - one CPU makes the scheduling decisions of the whole machine
 *
 * The other CPUs are left to run tasks. A task has an infinite slice, so a CPU with nohz_full=
 * needs no tick while one runs, and wake-ups are steered to the central CPU.
 *
 *   waiting     Every runnable task waits in one BPF queue. Kernel threads bound to a CPU do not:
 *               they go straight to it and preempt.
 *   asking      A CPU that runs dry sets its bit in @asking and kicks the central CPU.
 *   deciding    The central CPU's ops.dispatch() hands one task to each CPU that asked, through
 *               that CPU's local DSQ, and then picks what it runs itself.
 *   preempting  A timer on the central CPU kicks the CPUs whose task has had its slice while
 *               others wait. A kernel with PREEMPT_RT has no BPF timers: there it is a perf event
 *               that the loader opens.
 *
 * What the queue cannot take, and what none of the asking CPUs may run, waits in the fallback DSQ.
 * Each CPU takes from it in its own ops.dispatch(), every other time, so that neither the fallback
 * DSQ nor the queue can starve the other.
 *
 * Nobody sleeps on work
 *
 * A task would wait for nobody if its enqueuer saw no CPU ask while the CPU that runs dry saw no
 * task. So each side first makes its own part visible and then looks at the other's:
 *
 *	central_enqueue()			central_dispatch()
 *
 *	push the task				set the bit in asking
 *	nr_waiting++ (full barrier)		(full barrier)
 *	read asking; kick if any		kick, or read the queue
 *
 * What is left is made good by the timer, within two periods: a hand-over that comes to nothing
 * because its task was dequeued after the decision; a kick that overtakes what it announces (a
 * task gets to the fallback DSQ only after ops.enqueue() has returned); a kick that meets a cycle
 * of the central CPU which has a kernel thread to run and does not come to ops.dispatch().
 *
 * While a task of a higher class keeps the central CPU, which only the timer still interrupts, the
 * other CPUs take from the queue themselves.
 *
 * There is no ops.running() on purpose. It would be called with the outgoing task still current,
 * and the current task cannot migrate while a BPF program runs. The central CPU may be handing
 * that very task to another CPU, and sched_ext ends schedulers that move what cannot migrate.
 */
#include <scx/common.bpf.h>
#include "scx_central.h"

char _license[] SEC("license") = "GPL";

#define FALLBACK_DSQ	0
#define MAX_RT_PRIO	100
#define SCHED_EXT	7

/* The loader sets these, and the sizes of the maps. */
const volatile u32 central_cpu;
const volatile u32 nr_cpu_ids = 1;
const volatile u32 queue_size = 1;
const volatile u64 slice_ns;
const volatile bool switch_partial;
const volatile bool bpf_timers = true;

/* Entries of the queue, void ones included. Can fall below 0 for a moment. */
s64 nr_waiting;

/* The central CPU's own task has had its slice, and others wait. */
bool central_over;
/* A task of a higher class keeps the central CPU: the others help themselves. */
bool central_away;
bool timer_started;
/* The timer's: nr_rounds when it last looked */
u64 rounds_seen;

/* Tasks: enqueued, of these bound kernel threads, of these too many for the queue */
u64 nr_enqueued, nr_bound, nr_overflows;
/* Central CPU: calls of ops.dispatch(), tasks handed out, not for the CPU that asked, exited */
u64 nr_rounds, nr_decisions, nr_mismatches, nr_gone;
/* Tasks that other CPUs took while the central CPU was away, tasks they gave back */
u64 nr_stand_ins, nr_released;
/* Timer: expiries, tasks that overstayed, asks it had to repeat */
u64 nr_ticks, nr_overstays, nr_late;
/* Dispatch buffer found full, CPUs that asked */
u64 nr_full, nr_asks;
/* Kicks by kind */
u64 nr_kicks_idle, nr_kicks_preempt;

UEI_DEFINE(uei);

/* CPUs that ran dry; scratch for the timer: CPUs that a task in the fallback DSQ may use */
private(MASKS) struct bpf_cpumask __kptr *asking;
private(MASKS) struct bpf_cpumask __kptr *wanted;

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, s32);
} waiting_q SEC(".maps");

struct cpu_ctx {
	/* The timer's: context switches when it last saw a new one, and when that was */
	u64 nr_switches;
	u64 since;
	/* The CPU's own: whether it is the fallback DSQ's turn */
	bool fallback_turn;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_ctx);
} cpu_ctxs SEC(".maps");

struct timer_slot {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct timer_slot);
} central_timers SEC(".maps");

static __always_inline void inc(u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

/* A full barrier: with its result in use, the operation is the kind that BPF orders. */
static __always_inline void add_waiting(s64 delta)
{
	s64 before = __sync_fetch_and_add(&nr_waiting, delta);

	asm volatile ("" : : "r"(before));
}

static __always_inline void kick_preempt(s32 cpu)
{
	inc(&nr_kicks_preempt);
	scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

static __always_inline void kick_idle(s32 cpu)
{
	inc(&nr_kicks_idle);
	__COMPAT_scx_bpf_kick_cpu_IDLE(cpu);
}

static __always_inline bool is_runnable(const struct task_struct *p)
{
	return p->scx.flags & SCX_TASK_QUEUED;
}

/* Whether a task that runs is this scheduler's. */
static __always_inline bool is_ours(const struct task_struct *curr)
{
	return curr->prio >= MAX_RT_PRIO && (!switch_partial || curr->policy == SCHED_EXT);
}

/* A kernel thread that belongs to its CPU */
static __always_inline bool is_bound(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

/*
 * Until the CPU that @p has just left has switched, its BPF programs run as @p, with migration
 * disabled: the kernel would end a scheduler that moves @p then.
 */
static __always_inline bool fits(const struct task_struct *p, s32 cpu)
{
	if ((p->on_cpu || is_migration_disabled(p)) && scx_bpf_task_cpu(p) != cpu)
		return false;
	return bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
}

s32 BPF_STRUCT_OPS(central_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	/* Only a hint: the kernel takes another CPU for a task that may not run there. */
	return central_cpu;
}

void BPF_STRUCT_OPS(central_enqueue, struct task_struct *p, u64 enq_flags)
{
	struct bpf_cpumask *mask = asking;
	s32 pid = p->pid;

	inc(&nr_enqueued);

	if (is_bound(p)) {
		inc(&nr_bound);
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, SCX_SLICE_INF, enq_flags | SCX_ENQ_PREEMPT);
		return;
	}

	if (bpf_map_push_elem(&waiting_q, &pid, 0)) {
		inc(&nr_overflows);
		scx_bpf_dispatch(p, FALLBACK_DSQ, SCX_SLICE_INF, enq_flags);
	} else {
		add_waiting(1);
	}

	/* ops.dispatch() is only called once the current task, if any, has no slice left. */
	if (mask && !bpf_cpumask_empty(cast_mask(mask)))
		kick_preempt(central_cpu);
}

/*
 * Dispatch @p to @cpu, or do nothing if it may not run there. The dispatch comes before the test:
 * it notes which enqueueing of @p it is for. A change of affinity enqueues @p anew and so voids
 * it, while with the test first the change could come between the two.
 */
static __always_inline bool give(struct task_struct *p, s32 cpu, struct bpf_cpumask *mask)
{
	scx_bpf_dispatch(p, SCX_DSQ_LOCAL_ON | cpu, SCX_SLICE_INF, 0);
	if (!fits(p, cpu)) {
		scx_bpf_dispatch_cancel();
		return false;
	}

	bpf_cpumask_clear_cpu(cpu, mask);
	inc(bpf_get_smp_processor_id() == central_cpu ? &nr_decisions : &nr_stand_ins);
	return true;
}

/*
 * Hand the next waiting task that @cpu may run to it. Tasks met on the way that it may not run go
 * to a CPU that asks and may, else to the fallback DSQ. Returns false if @cpu got nothing.
 */
static bool hand_out(s32 cpu)
{
	struct bpf_cpumask *mask = asking;
	struct task_struct *p;
	s32 pid, other;
	bool done;

	if (!mask)
		return false;

	bpf_repeat(queue_size) {
		/*
		 * Only this CPU can go on from here, in a cycle after this one: the CPUs that
		 * ask have asked, they are not going to do it again.
		 */
		if (!scx_bpf_dispatch_nr_slots()) {
			if (READ_ONCE(nr_waiting) > 0) {
				inc(&nr_full);
				kick_preempt(central_cpu);
			}
			return false;
		}

		if (bpf_map_pop_elem(&waiting_q, &pid))
			return false;
		add_waiting(-1);

		p = bpf_task_from_pid(pid);
		if (!p) {
			inc(&nr_gone);
			continue;
		}

		done = give(p, cpu, mask);
		if (!done) {
			inc(&nr_mismatches);
			other = bpf_cpumask_any_and_distribute(cast_mask(mask), p->cpus_ptr);
			if (other >= nr_cpu_ids || !give(p, other, mask))
				scx_bpf_dispatch(p, FALLBACK_DSQ, SCX_SLICE_INF, 0);
		}
		bpf_task_release(p);
		if (done)
			return true;
	}

	return false;
}

/* Have CPUs that ask and may run a task of the fallback DSQ come for it. */
static void wake_for_fallback(void)
{
	struct bpf_cpumask *mask = asking;
	struct task_struct *p;
	s32 cpu;

	if (!mask)
		return;

	bpf_for_each(scx_dsq, p, FALLBACK_DSQ, 0) {
		cpu = bpf_cpumask_any_and_distribute(cast_mask(mask), p->cpus_ptr);
		if (cpu >= nr_cpu_ids)
			continue;
		bpf_cpumask_clear_cpu(cpu, mask);
		kick_idle(cpu);
		if (bpf_cpumask_empty(cast_mask(mask)))
			break;
	}
}

/* Take from the fallback DSQ if that is due: with an empty queue always, else every other time. */
static __always_inline bool take_fallback(s32 cpu)
{
	struct cpu_ctx *cctx = bpf_map_lookup_elem(&cpu_ctxs, &cpu);

	if (!cctx)
		return false;

	cctx->fallback_turn = !cctx->fallback_turn;
	if (READ_ONCE(nr_waiting) > 0 && !cctx->fallback_turn)
		return false;
	return scx_bpf_consume(FALLBACK_DSQ);
}

/* @prev goes on, with as much time as it wants. */
static __always_inline void keep(struct task_struct *prev, struct bpf_cpumask *mask)
{
	bpf_cpumask_clear_cpu(central_cpu, mask);
	prev->scx.slice = SCX_SLICE_INF;
}

static __always_inline void check_cpu(s32 cpu, u64 now, struct bpf_cpumask *ask_mask,
				      struct bpf_cpumask *want_mask)
{
	struct cpu_ctx *cctx = bpf_map_lookup_elem(&cpu_ctxs, &cpu);
	const struct rq *rq = scx_bpf_cpu_rq(cpu);
	struct task_struct *curr;

	if (!cctx || !rq)
		return;

	if (cctx->nr_switches != rq->nr_switches) {
		cctx->nr_switches = rq->nr_switches;
		cctx->since = now;
		if (cpu == central_cpu)
			central_away = false;
		return;
	}

	curr = rq->curr;
	if (curr == rq->idle) {
		/* What it was handed did not arrive, or it has been idle since before us. */
		if (!bpf_cpumask_test_cpu(cpu, cast_mask(ask_mask)) ||
		    (central_away && READ_ONCE(nr_waiting) > 0))
			kick_idle(cpu);
		return;
	}
	if (cpu == central_cpu)
		central_away = !is_ours(curr);

	if (now - cctx->since < slice_ns || !is_ours(curr))
		return;
	if (READ_ONCE(nr_waiting) <= 0 && scx_bpf_dsq_nr_queued(SCX_DSQ_LOCAL_ON | cpu) <= 0 &&
	    !bpf_cpumask_test_cpu(cpu, cast_mask(want_mask)))
		return;

	cctx->since = now;
	inc(&nr_overstays);
	if (cpu == central_cpu)
		central_over = true;
	kick_preempt(cpu);
}

static void look_around(void)
{
	struct bpf_cpumask *ask_mask = asking, *want_mask = wanted;
	u64 now = bpf_ktime_get_ns();
	const struct cpumask *cpus;
	struct task_struct *p;
	s32 cpu;

	if (!ask_mask || !want_mask)
		return;

	inc(&nr_ticks);

	bpf_cpumask_clear(want_mask);
	if (scx_bpf_dsq_nr_queued(FALLBACK_DSQ) > 0) {
		bpf_for_each(scx_dsq, p, FALLBACK_DSQ, 0)
			bpf_cpumask_or(want_mask, cast_mask(want_mask), p->cpus_ptr);
	}

	cpus = scx_bpf_get_online_cpumask();
	bpf_for(cpu, 0, nr_cpu_ids) {
		if (bpf_cpumask_test_cpu(cpu, cpus))
			check_cpu(cpu, now, ask_mask, want_mask);
	}
	scx_bpf_put_cpumask(cpus);

	/* No decision for a whole period, though somebody asks and something waits? */
	if (nr_rounds != rounds_seen) {
		rounds_seen = nr_rounds;
	} else if ((READ_ONCE(nr_waiting) > 0 && !bpf_cpumask_empty(cast_mask(ask_mask))) ||
		   bpf_cpumask_intersects(cast_mask(want_mask), cast_mask(ask_mask))) {
		inc(&nr_late);
		kick_preempt(central_cpu);
	}
}

static int central_timerfn(void *map, int *key, struct timer_slot *t)
{
	s32 err;

	look_around();
	err = bpf_timer_start(&t->timer, TIMER_NS, BPF_F_TIMER_CPU_PIN);
	if (err)
		scx_bpf_error("timer did not start again: %d", err);
	return 0;
}

SEC("?perf_event")
int central_clock(struct bpf_perf_event_data *ctx)
{
	look_around();
	return 0;
}

/* Called on the central CPU: a pinned timer stays where it is started, and init runs anywhere. */
static __always_inline void start_timer(void)
{
	struct timer_slot *t;
	u32 key = 0;
	s32 err;

	timer_started = true;
	t = bpf_map_lookup_elem(&central_timers, &key);
	if (!t)
		return;
	err = bpf_timer_set_callback(&t->timer, central_timerfn);
	if (!err)
		err = bpf_timer_start(&t->timer, TIMER_NS, BPF_F_TIMER_CPU_PIN);
	if (err)
		scx_bpf_error("timer did not start on CPU %d: %d", central_cpu, err);
}

static __always_inline void decide(struct task_struct *prev)
{
	struct bpf_cpumask *mask = asking;
	s32 cpu;

	if (!mask)
		return;
	if (bpf_timers && !timer_started)
		start_timer();
	inc(&nr_rounds);

	/* First the others, in turn: any_distribute() goes on after the CPU it found last. */
	bpf_cpumask_clear_cpu(central_cpu, mask);
	bpf_repeat(nr_cpu_ids) {
		cpu = bpf_cpumask_any_distribute(cast_mask(mask));
		if (cpu >= nr_cpu_ids || !hand_out(cpu))
			break;
	}
	if (scx_bpf_dsq_nr_queued(FALLBACK_DSQ) > 0)
		wake_for_fallback();

	/* Kicks take @prev's slice only to get here. */
	if (prev && is_runnable(prev) && !central_over) {
		keep(prev, mask);
		return;
	}
	central_over = false;

	if (take_fallback(central_cpu))
		return;

	/* From here on whoever queues a task kicks this CPU. */
	bpf_cpumask_test_and_set_cpu(central_cpu, mask);
	if (hand_out(central_cpu))
		return;
	if (scx_bpf_consume(FALLBACK_DSQ))
		bpf_cpumask_clear_cpu(central_cpu, mask);
	else if (prev && is_runnable(prev))
		keep(prev, mask);
}

void BPF_STRUCT_OPS(central_dispatch, s32 cpu, struct task_struct *prev)
{
	struct bpf_cpumask *mask = asking;

	if (cpu == central_cpu) {
		decide(prev);
		return;
	}

	if (!mask || take_fallback(cpu))
		return;
	inc(&nr_asks);
	bpf_cpumask_test_and_set_cpu(cpu, mask);
	if (!central_away || !hand_out(cpu))
		kick_preempt(central_cpu);
}

/* A task of a higher class takes @cpu: what waits there may do better elsewhere. */
void BPF_STRUCT_OPS(central_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	__sync_fetch_and_add(&nr_released, scx_bpf_reenqueue_local());
}

static __always_inline s32 create_mask(struct bpf_cpumask **where, bool with_central)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return -ENOMEM;
	if (with_central)
		bpf_cpumask_set_cpu(central_cpu, mask);
	mask = bpf_kptr_xchg(where, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(central_init)
{
	struct timer_slot *t;
	u32 key = 0;
	s32 err;

	err = scx_bpf_create_dsq(FALLBACK_DSQ, -1);
	if (err)
		return err;

	/*
	 * The first task that is queued finds the central CPU asking and kicks it. That starts
	 * the timer, which wakes the CPUs that idle.
	 */
	err = create_mask(&asking, true);
	if (!err)
		err = create_mask(&wanted, false);
	if (err || !bpf_timers)
		return err;

	t = bpf_map_lookup_elem(&central_timers, &key);
	if (!t)
		return -ENOENT;
	return bpf_timer_init(&t->timer, &central_timers, CLOCK_MONOTONIC);
}

void BPF_STRUCT_OPS(central_dump, struct scx_dump_ctx *dctx)
{
	struct bpf_cpumask *mask = asking;

	scx_bpf_dump("central: waiting=%lld fallback=%d asking=%u ticks=%llu", nr_waiting,
		     scx_bpf_dsq_nr_queued(FALLBACK_DSQ),
		     mask ? bpf_cpumask_weight(cast_mask(mask)) : 0, nr_ticks);
}

void BPF_STRUCT_OPS(central_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

/* SCX_OPS_ENQ_LAST: a preempted task goes to the queue even if its CPU has nothing else to run. */
SCX_OPS_DEFINE(central_ops,
	       .flags		= SCX_OPS_ENQ_LAST,
	       .select_cpu	= (void *)central_select_cpu,
	       .enqueue		= (void *)central_enqueue,
	       .dispatch	= (void *)central_dispatch,
	       .cpu_release	= (void *)central_cpu_release,
	       .dump		= (void *)central_dump,
	       .init		= (void *)central_init,
	       .exit		= (void *)central_exit,
	       .name		= "central");
