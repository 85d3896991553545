// SPDX-License-Identifier: GPL-2.0-only
/*
 * The scheduler of the kick tests. It runs the tasks that ask for it (policy SCHED_EXT) and leaves
 * the others to the fair class, so that a machine with a broken kick still has a shell. Each CPU
 * has a queue of its own, slices are endless: nothing but a kick makes a CPU call ops.dispatch
 * while a task runs. Kicks are sent from where user space orders them (struct lab_cpu).
 */
#include <scx/common.bpf.h>
#include "kick_lab.h"

char _license[] SEC("license") = "GPL";

/*
 * thread_info::flags of a task that has to schedule. On x86 bit 3 of Linux 6.12, 4 of 7.3. The
 * other one, TIF_SINGLESTEP or TIF_MEMDIE, no task of the lab has.
 */
#ifdef __TARGET_ARCH_x86
#define NEED_RESCHED	0x18
#else
#define NEED_RESCHED	0x2
#endif

UEI_DEFINE(uei);

struct lab_cpu lab_cpus[LAB_NR_CPUS];

/* That a program for NMIs has seen */
u64 nmis;

/* The task under way by lab_route.via, 0: none */
s32 via_pid;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, s32);
	__type(value, struct lab_route);
} routes SEC(".maps");

struct lab_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LAB_NR_CPUS);
	__type(key, u32);
	__type(value, struct lab_timer);
} timers SEC(".maps");

struct lab_mask {
	struct bpf_cpumask __kptr *cpus;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LAB_NR_CPUS);
	__type(key, u32);
	__type(value, struct lab_mask);
} masks SEC(".maps");

static struct lab_cpu *lab_cpu(s32 cpu)
{
	return MEMBER_VPTR(lab_cpus, [cpu]);
}

static s32 kick_cpu(s32 cpu, u64 flags)
{
	struct lab_cpu *target = lab_cpu(cpu);

	if (target)
		__sync_fetch_and_add(&target->asked, 1);
	scx_bpf_kick_cpu(cpu, flags);
	return 0;
}

/*
 * CPUs below 64. The cpumask is kept for the next kick: to free one may raise an irq_work, which
 * tests that count interrupts would see.
 */
static s32 kick_mask(u64 mask, u64 flags)
{
	u32 key = bpf_get_smp_processor_id();
	struct lab_mask *kept = bpf_map_lookup_elem(&masks, &key);
	struct bpf_cpumask *cpus;
	s32 cpu, ret;

	if (!kept || !bpf_ksym_exists(scx_bpf_kick_cpumask))
		return -EOPNOTSUPP;
	cpus = bpf_kptr_xchg(&kept->cpus, NULL);
	if (!cpus)
		cpus = bpf_cpumask_create();
	if (!cpus)
		return -ENOMEM;
	bpf_cpumask_clear(cpus);
	bpf_for(cpu, 0, 64) {
		struct lab_cpu *target = lab_cpu(cpu);

		if (!(mask >> cpu & 1) || !target)
			continue;
		__sync_fetch_and_add(&target->asked, 1);
		bpf_cpumask_set_cpu(cpu, cpus);
	}
	if ((flags & LAB_CALL) != LAB_IDLE)
		ret = scx_bpf_kick_cpumask(cast_mask(cpus), flags);
	else if (bpf_ksym_exists(scx_bpf_kick_idle))
		ret = scx_bpf_kick_idle(cast_mask(cpus), flags);
	else
		ret = -EOPNOTSUPP;
	cpus = bpf_kptr_xchg(&kept->cpus, cpus);
	if (cpus)
		bpf_cpumask_release(cpus);
	return ret;
}

static s32 kick_task(s32 tid, u64 flags)
{
	struct task_struct *p;
	s32 ret;

	if (!bpf_ksym_exists(scx_bpf_kick_task))
		return -EOPNOTSUPP;
	p = bpf_task_from_pid(tid);
	if (!p)
		return -ESRCH;
	ret = scx_bpf_kick_task(p, flags);
	bpf_task_release(p);
	return ret;
}

static s32 kick_curr(s32 cpu, s32 pid, u64 flags)
{
	struct lab_cpu *target = lab_cpu(cpu);

	if (!bpf_ksym_exists(scx_bpf_kick_curr))
		return -EOPNOTSUPP;
	if (target)
		__sync_fetch_and_add(&target->asked, 1);
	return scx_bpf_kick_curr(cpu, pid, flags);
}

static s32 kick(u64 mask, s32 victim, s32 cpu, u64 flags)
{
	struct lab_cpu *lc = lab_cpu(bpf_get_smp_processor_id());

	if (lc)
		__sync_fetch_and_add(&lc->sent, 1);
	if ((flags & LAB_CALL) == LAB_CURR)
		return kick_curr(cpu, victim, flags & ~LAB_CURR);
	if (mask)
		return kick_mask(mask, flags);
	return victim ? kick_task(victim, flags) : kick_cpu(cpu, flags);
}

static void wait_for(u64 ns, u32 *as_long_as)
{
	u64 end = bpf_ktime_get_ns() + ns;

	/* A loop alone ends too soon */
	bpf_repeat(64) {
		bpf_repeat(BPF_MAX_LOOPS) {
			if (!READ_ONCE(*as_long_as) || bpf_ktime_get_ns() >= end)
				return;
		}
	}
}

/* Has this CPU's next kick a task to hit that no other one is about to hit? */
static bool has_target(struct lab_cpu *lc)
{
	return !lc->in_turn || (lc->seen == READ_ONCE(lc->asked) &&
				bpf_get_current_task_btf()->policy == SCHED_EXT);
}

/* In the op that has kicked. Where nobody else kicks the target, it has seen this very kick */
static void linger_in_op(struct lab_cpu *lc)
{
	struct lab_cpu *target = lab_cpu(lc->target);

	wait_for(lc->linger_ns, &lc->linger_ns);
	if (target && READ_ONCE(target->seen) == READ_ONCE(target->asked))
		lc->early++;
}

/* Carry out this CPU's order if it belongs to @hook */
static struct lab_cpu *fire(u32 hook)
{
	struct lab_cpu *lc = lab_cpu(bpf_get_smp_processor_id());

	if (!lc || lc->hook != hook || !lc->left || !has_target(lc))
		return NULL;
	lc->ret = kick(lc->mask, lc->victim, lc->target, lc->flags);
	if (lc->twice)
		lc->then_ret = kick(lc->mask, lc->victim, lc->target, lc->then);
	lc->left--;
	if (lc->linger_ns)
		linger_in_op(lc);
	return lc;
}

/* ... in an operation about @p */
static void fire_about(struct task_struct *p, u32 hook)
{
	struct lab_cpu *lc = lab_cpu(bpf_get_smp_processor_id());

	if (lc && (!lc->about || lc->about == p->pid))
		fire(hook);
}

static void hold_still(struct lab_cpu *lc)
{
	WRITE_ONCE(lc->held, 1);
	wait_for(lc->hold_ns ?: LAB_HOLD_NS, &lc->hold);
	if (lc->hold)
		lc->overheld++;
	lc->hold = 0;
	WRITE_ONCE(lc->held, 0);
}

s32 BPF_STRUCT_OPS(kick_lab_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	fire(LAB_SELECT_CPU);
	return prev_cpu;
}

/* The kernel holds the lock of @cpu: what it runs stays until the task is on its local DSQ */
static bool can_have_cpu(struct lab_route *route, struct lab_cpu *lc, s32 cpu)
{
	if (!route->claims || !lc)
		return true;
	if (kick_curr(cpu, lc->curr, 0) < 0) {
		lc->refused++;
		return false;
	}
	lc->claimed++;
	return true;
}

void BPF_STRUCT_OPS(kick_lab_enqueue, struct task_struct *p, u64 enq_flags)
{
	s32 pid = p->pid, cpu = scx_bpf_task_cpu(p);
	struct lab_route *route = bpf_map_lookup_elem(&routes, &pid);
	struct lab_cpu *lc = lab_cpu(cpu);

	/* What the kernel hands back it would hand back again from there */
	if (!route || enq_flags & SCX_ENQ_REENQ || !can_have_cpu(route, lc, cpu))
		scx_bpf_dispatch(p, cpu, SCX_SLICE_INF, enq_flags);
	else if (route->via >= 0)
		via_pid = pid;
	else
		scx_bpf_dispatch(p, route->dsq, SCX_SLICE_INF, enq_flags | route->enq_flags);

	if (lc)
		__sync_fetch_and_add(&lc->enqueues, 1);
	fire(LAB_ENQUEUE);
}

static void dispatch_via(s32 cpu)
{
	s32 pid = READ_ONCE(via_pid);
	struct lab_route *route;
	struct task_struct *p;

	if (!pid)
		return;
	route = bpf_map_lookup_elem(&routes, &pid);
	if (!route || route->via != cpu)
		return;
	p = bpf_task_from_pid(pid);
	if (!p)
		return;
	via_pid = 0;
	scx_bpf_dispatch(p, route->dsq, SCX_SLICE_INF, route->enq_flags);
	bpf_task_release(p);
}

/* As if it had been used up. No cycle is asked for */
static void strip(struct lab_cpu *lc)
{
	struct task_struct *p;

	if (!lc->strip)
		return;
	p = bpf_task_from_pid(lc->strip);
	lc->strip = 0;
	if (!p)
		return;
	p->scx.slice = 0;
	bpf_task_release(p);
}

void BPF_STRUCT_OPS(kick_lab_dispatch, s32 cpu, struct task_struct *prev)
{
	struct lab_cpu *lc = lab_cpu(cpu);

	if (!lc)
		return;
	if (lc->hook == LAB_RETURN && lc->seen != lc->asked && lc->self_ticks != lc->ticks)
		lc->late++;
	WRITE_ONCE(lc->seen, READ_ONCE(lc->asked));
	lc->dispatches++;
	if (prev && !prev->scx.slice && (prev->scx.flags & SCX_TASK_QUEUED)) {
		lc->expired++;
		if (prev->pid == lc->innocent)
			lc->hit++;
	}
	strip(lc);
	dispatch_via(cpu);
	fire(LAB_DISPATCH);
	if (!scx_bpf_consume(cpu) && prev && lc->renew)
		prev->scx.slice = SCX_SLICE_INF;
	if (lc->hold == LAB_DISPATCH)
		hold_still(lc);
}

void BPF_STRUCT_OPS(kick_lab_running, struct task_struct *p)
{
	struct lab_cpu *lc = lab_cpu(scx_bpf_task_cpu(p));

	if (lc) {
		lc->curr = p->pid;
		lc->on = true;
		lc->below = false;
		lc->runs++;
	}
	fire(LAB_RUNNING);
}

void BPF_STRUCT_OPS(kick_lab_stopping, struct task_struct *p, bool runnable)
{
	struct lab_cpu *lc = lab_cpu(scx_bpf_task_cpu(p));

	if (lc) {
		lc->on = false;
		lc->stops += runnable;
		/* ops.cpu_release() is not called each time: fair tasks may end the balancing */
		lc->below = runnable && p->scx.slice;
		if (runnable && !p->scx.slice) {
			lc->expired_ticks = lc->ticks;
			lc->ended++;
		}
		lc->displaced += lc->below;
	}
	fire(LAB_STOPPING);
	if (!runnable)
		fire_about(p, LAB_STOPPED);
	else if (!p->scx.slice)
		fire_about(p, LAB_PUT);
}

void BPF_STRUCT_OPS(kick_lab_runnable, struct task_struct *p, u64 enq_flags)
{
	fire_about(p, LAB_RUNNABLE);
}

void BPF_STRUCT_OPS(kick_lab_quiescent, struct task_struct *p, u64 deq_flags)
{
	if (!(deq_flags & SCX_DEQ_SLEEP))
		fire_about(p, LAB_QUIESCENT);
}

void BPF_STRUCT_OPS(kick_lab_dequeue, struct task_struct *p, u64 deq_flags)
{
	fire_about(p, LAB_DEQUEUE);
}

void BPF_STRUCT_OPS(kick_lab_set_cpumask, struct task_struct *p, const struct cpumask *cpus)
{
	fire_about(p, LAB_SET_CPUMASK);
}

void BPF_STRUCT_OPS(kick_lab_set_weight, struct task_struct *p, u32 weight)
{
	fire_about(p, LAB_SET_WEIGHT);
}

void BPF_STRUCT_OPS(kick_lab_enable, struct task_struct *p)
{
	fire_about(p, LAB_ENABLE);
}

void BPF_STRUCT_OPS(kick_lab_cgroup_move, struct task_struct *p, struct cgroup *from,
		    struct cgroup *to)
{
	fire_about(p, LAB_CGROUP_MOVE);
}

void BPF_STRUCT_OPS(kick_lab_tick, struct task_struct *p)
{
	struct lab_cpu *lc = lab_cpu(scx_bpf_task_cpu(p));

	if (!lc)
		return;
	lc->ticks++;
	/* The kernel may have given it a slice. Not if it has just lost its own */
	if (lc->endless && p->scx.slice)
		p->scx.slice = SCX_SLICE_INF;
	fire(LAB_TICK);
	/*
	 * Not if a thread has woken up in this tick, as they often do with PREEMPT_RT: a CPU that
	 * has to schedule anyway needs no interrupt
	 */
	if (lc->hold == LAB_TICK && !(p->thread_info.flags & NEED_RESCHED))
		hold_still(lc);
}

void BPF_STRUCT_OPS(kick_lab_cpu_acquire, s32 cpu, struct scx_cpu_acquire_args *args)
{
	struct lab_cpu *lc = lab_cpu(cpu);

	if (lc)
		lc->released++;
}

void BPF_STRUCT_OPS(kick_lab_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	struct lab_cpu *lc = lab_cpu(cpu);

	if (lc)
		lc->released++;
	fire_about(args->task, LAB_CPU_RELEASE);
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_lab_cpu_online, s32 cpu)
{
}

void BPF_STRUCT_OPS_SLEEPABLE(kick_lab_cpu_offline, s32 cpu)
{
	struct lab_cpu *lc = lab_cpu(cpu);

	if (lc)
		lc->offlines++;
	fire(LAB_CPU_OFFLINE);
}

/* On the way out of the scheduler: all CPUs are bypassed */
void BPF_STRUCT_OPS(kick_lab_exit_task, struct task_struct *p, struct scx_exit_task_args *args)
{
	fire(LAB_EXIT_TASK);
}

s32 BPF_STRUCT_OPS_SLEEPABLE(kick_lab_init)
{
	s32 cpu, err;

	bpf_for(cpu, 0, scx_bpf_nr_cpu_ids()) {
		err = scx_bpf_create_dsq(cpu, -1);
		if (err)
			return err;
	}
	return 0;
}

void BPF_STRUCT_OPS(kick_lab_dump_cpu, struct scx_dump_ctx *dctx, s32 cpu, bool idle)
{
	struct lab_cpu *lc = lab_cpu(cpu);

	if (lc)
		lc->dumps++;
}

void BPF_STRUCT_OPS(kick_lab_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SEC(".struct_ops.link")
struct sched_ext_ops kick_lab_ops = {
	.select_cpu		= (void *)kick_lab_select_cpu,
	.enqueue		= (void *)kick_lab_enqueue,
	.dispatch		= (void *)kick_lab_dispatch,
	.running		= (void *)kick_lab_running,
	.stopping		= (void *)kick_lab_stopping,
	.runnable		= (void *)kick_lab_runnable,
	.quiescent		= (void *)kick_lab_quiescent,
	.dequeue		= (void *)kick_lab_dequeue,
	.set_cpumask		= (void *)kick_lab_set_cpumask,
	.set_weight		= (void *)kick_lab_set_weight,
	.enable			= (void *)kick_lab_enable,
	.cgroup_move		= (void *)kick_lab_cgroup_move,
	.tick			= (void *)kick_lab_tick,
	.cpu_acquire		= (void *)kick_lab_cpu_acquire,
	.cpu_release		= (void *)kick_lab_cpu_release,
	.cpu_online		= (void *)kick_lab_cpu_online,
	.cpu_offline		= (void *)kick_lab_cpu_offline,
	.exit_task		= (void *)kick_lab_exit_task,
	.init			= (void *)kick_lab_init,
	.dump_cpu		= (void *)kick_lab_dump_cpu,
	.exit			= (void *)kick_lab_exit,
	.flags			= SCX_OPS_SWITCH_PARTIAL,
	.name			= "kick_lab",
};

/* Kick from the caller's context, @nr times in a row */
SEC("syscall")
int lab_kick(struct lab_kick_args *args)
{
	struct lab_cpu *lc = lab_cpu(args->cpu);
	int i;

	bpf_for(i, 0, args->nr) {
		args->ret = kick(args->mask, args->victim, args->cpu, args->flags);
		args->claims += !args->ret;
		args->refusals += args->ret == -EBUSY;
	}
	if (lc)
		args->held = READ_ONCE(lc->held);
	return 0;
}

static void expire(struct lab_cpu *lc)
{
	__sync_fetch_and_add(&lc->timers, 1);
	fire(LAB_TIMER);
	if (lc->hold == LAB_TIMER)
		hold_still(lc);
}

static int timer_fn(void *map, u32 *key, struct lab_timer *lt)
{
	struct lab_cpu *lc = lab_cpu(*key);

	if (!lc)
		return 0;
	expire(lc);
	if (READ_ONCE(lc->timer_ns))
		bpf_timer_start(&lt->timer, lc->timer_ns, BPF_F_TIMER_CPU_PIN);
	return 0;
}

/* Run on CPU @cpu, which the timer stays on. It ends itself when ->timer_ns is 0 */
SEC("?syscall")
int lab_start_timer(struct lab_timer_args *args)
{
	u32 key = args->cpu;
	struct lab_timer *lt = bpf_map_lookup_elem(&timers, &key);
	struct lab_cpu *lc = lab_cpu(args->cpu);

	if (!lt || !lc)
		return -EINVAL;
	/* An earlier start has done this */
	bpf_timer_init(&lt->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&lt->timer, timer_fn);
	return bpf_timer_start(&lt->timer, lc->timer_ns, BPF_F_TIMER_CPU_PIN);
}

/* Instead of the timer, where the kernel has none: it runs in hard interrupts */
SEC("?perf_event")
int lab_clock(struct bpf_perf_event_data *ctx)
{
	struct lab_cpu *lc = lab_cpu(bpf_get_smp_processor_id());

	if (lc && READ_ONCE(lc->timer_ns))
		expire(lc);
	return 0;
}

/* The rest loads only for tests that ask for it */

static bool is_online(s32 cpu)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();
	bool is_in = bpf_cpumask_test_cpu(cpu, online);

	scx_bpf_put_cpumask(online);
	return is_in;
}

SEC("?fentry/balance_scx")
int BPF_PROG(lab_watch_cycles)
{
	s32 cpu = bpf_get_smp_processor_id();
	struct lab_cpu *lc = lab_cpu(cpu);

	if (!lc)
		return 0;
	lc->balances++;
	if (lc->hook == LAB_DYING && !is_online(cpu))
		fire(LAB_DYING);
	return 0;
}

SEC("?tp_btf/ipi_send_cpu")
int BPF_PROG(lab_watch_sends, s32 cpu)
{
	struct lab_cpu *lc = lab_cpu(cpu);

	if (lc)
		__sync_fetch_and_add(&lc->interrupted, 1);
	return 0;
}

SEC("?fentry/bpf_fentry_test1")
int BPF_PROG(lab_fentry)
{
	fire(LAB_FENTRY);
	return 0;
}

/* In the middle of a scheduling cycle, rq lock held */
SEC("?tp_btf/sched_switch")
int BPF_PROG(lab_switch)
{
	fire(LAB_SWITCH);
	return 0;
}

static void linger(struct task_struct *p)
{
	struct lab_cpu *lc = lab_cpu(bpf_get_smp_processor_id());

	if (lc && p->policy == SCHED_EXT)
		wait_for(lc->linger_ns, &lc->linger_ns);
}

/* After ops.enqueue of a task that wakes up, and of one that is preempted */
SEC("?tp_btf/sched_wakeup")
int BPF_PROG(lab_linger_wakeup, struct task_struct *p)
{
	linger(p);
	return 0;
}

SEC("?tp_btf/sched_switch")
int BPF_PROG(lab_linger_switch, bool preempt, struct task_struct *prev)
{
	linger(prev);
	return 0;
}

SEC("?tp_btf/hrtimer_expire_entry")
int BPF_PROG(lab_hardirq, struct hrtimer *timer)
{
	if (timer->is_hard)
		fire(LAB_HARDIRQ);
	return 0;
}

/* Interrupts are off, and nobody looks at need_resched any more before user code goes on */
static void on_return(void)
{
	struct lab_cpu *lc = fire(LAB_RETURN);

	if (lc)
		lc->self_ticks = lc->ticks;
}

/* Of a task that has just been switched to, on x86 */
SEC("?fentry/switch_fpu_return")
int BPF_PROG(lab_fpu_return)
{
	on_return();
	return 0;
}

/* On a CPU of nohz_full= */
SEC("?tp_btf/user_enter")
int BPF_PROG(lab_user_enter)
{
	on_return();
	return 0;
}

static void in_nmi(void)
{
	struct lab_cpu *lc = fire(LAB_NMI);

	__sync_fetch_and_add(&nmis, 1);
	if (lc)
		lc->nmi++;
}

SEC("?tp_btf/nmi_handler")
int BPF_PROG(lab_nmi)
{
	in_nmi();
	return 0;
}

struct thread_info___arm64 {
	u64 preempt_count;
} __attribute__((preserve_access_index));

/* As in include/linux/preempt.h */
#define NMI_MASK	(0xf << 20)

/*
 * arm64 has no such tracepoint, and none for the IPI that asks for a backtrace, which is an NMI if
 * there are any.
 */
SEC("?fentry/ipi_handler")
int BPF_PROG(lab_nmi_arm64)
{
	struct thread_info___arm64 *info = (void *)bpf_get_current_task_btf();

	if (BPF_CORE_READ(info, preempt_count) & NMI_MASK)
		in_nmi();
	return 0;
}
