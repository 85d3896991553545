// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_urgent - urgent tasks preempt the least important task that runs
 *
 * A task is urgent by its nice value or by the weight of its cgroup, see -h of the loader.
 *
 *   waiting     Urgent tasks wait in a FIFO DSQ of their own, which every CPU looks at first. The
 *               rest share a DSQ ordered by vtime. Kernel threads bound to a CPU go straight there.
 *   looking     Each CPU notes what it runs in its struct cpu_ctx. An urgent task that wakes up
 *               and finds no idle CPU reads all of these, without a lock, and takes the task of the
 *               lowest weight; among equals the one that has had most.
 *   claiming    scx_bpf_kick_task() preempts that task, or says that somebody else does (-EBUSY)
 *               or that it has left its CPU since (-ESRCH). Then the next least important one is
 *               tried, a few times. A claim made in ops.enqueue() is held back by the kernel until
 *               the urgent task is on its DSQ, so the CPU that was claimed finds it there.
 *   void claims The claimed task may leave its CPU by itself. Its CPU then takes the urgent task,
 *               unless it looked before that was on its DSQ. Then nobody is on the way to it any
 *               more, and the CPU's ops.dispatch() claims again for it.
 *   ticks       preempt whatever runs for an urgent task that waits for too long: it found nobody
 *               to preempt, or the CPU claimed for it is slow to come.
 *
 * A CPU that has run MAX_ROW urgent tasks in a row runs one of the rest, which is not preempted in
 * its turn. So urgent tasks cannot stall the others.
 *
 * Without claims (--no-claim, or a kernel that has none) the policy is the same, and the CPU of the
 * chosen task is kicked: whatever it runs when the kick arrives is preempted.
 */
#include <scx/common.bpf.h>
#include "scx_urgent.h"

char _license[] SEC("license") = "GPL";

#define URGENT_DSQ	0
#define SHARED_DSQ	1
#define MAX_ROW		8
#define LATE_NS		(1000 * 1000)
#define DEFAULT_PRIO	120

/* The loader sets these, and the size of the map. */
const volatile u32 nr_cpu_ids = 1;
const volatile u32 max_tries = 1;
const volatile u64 slice_ns;
const volatile s32 urgent_nice;
const volatile u32 urgent_weight;
const volatile bool claims;

/* The vtime of the task of the rest that started last */
u64 vtime_now;

/* Urgent tasks: woken up, of these to an idle CPU, started */
u64 nr_wakeups, nr_idle, nr_started;
/* Kicks or claims made. Claims refused because of another preemption, and because the task left */
u64 nr_kicks, nr_busy, nr_gone;
/* The chosen task left by itself; it goes on because another CPU has taken the urgent one */
u64 nr_void, nr_spared;
/* Claims made again because one was void; urgent tasks for which nobody could be preempted */
u64 nr_again, nr_nobody;
/* Tasks preempted: the chosen one, another one, by a tick */
u64 nr_preempted, nr_wrong, nr_late;

/* Urgent tasks by the time from their wake-up until they ran */
u64 latency[LATENCY_BUCKETS];

UEI_DEFINE(uei);

struct cpu_ctx {
	/* For others: the weight of the task that runs and, below, its pid; its vtime */
	u64 runs;
	u64 vtime;

	/* This CPU's own: CPU time of the task that runs, when it started and at its slice's end */
	u64 started;
	u64 until;
	/* The urgent task for which a claim here was void */
	s32 owed;
	/* Urgent tasks in a row; one of the rest has its turn now */
	u32 row;
	bool turn;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_ctx);
} cpu_ctxs SEC(".maps");

struct task_ctx {
	/* When it woke up, 0 once it has run since; urgent tasks only */
	u64 woken_at;
	/* A CPU that idled is getting it */
	bool to_idle;
	/* The urgent task for which it is being preempted */
	s32 chosen_for;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} task_ctxs SEC(".maps");

/* The running task chosen to be preempted */
struct victim {
	s32 cpu;
	s32 pid;
	u32 weight;
	u64 vtime;
};

struct task_group___6_12 {
	u32 scx_weight;
} __attribute__((preserve_access_index));

struct scx_task_group___new {
	u32 weight;
} __attribute__((preserve_access_index));

struct task_group___new {
	struct scx_task_group___new scx;
} __attribute__((preserve_access_index));

static __always_inline void inc(u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

static __always_inline bool vtime_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

/* cpu.weight of the cgroup, in Linux 6.12 and in newer ones */
static __always_inline u32 group_weight(const struct task_struct *p)
{
	struct task_group___6_12 *old = (void *)p->sched_task_group;
	struct task_group___new *new = (void *)old;

	if (bpf_core_field_exists(old->scx_weight))
		return old->scx_weight;
	return new->scx.weight;
}

static __always_inline bool is_urgent(const struct task_struct *p)
{
	if (p->static_prio - DEFAULT_PRIO <= urgent_nice)
		return true;
	return urgent_weight && group_weight(p) >= urgent_weight;
}

/* A kernel thread that belongs to its CPU */
static __always_inline bool is_bound(const struct task_struct *p)
{
	return (p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1;
}

static __always_inline struct cpu_ctx *cpu_ctx(s32 cpu)
{
	return bpf_map_lookup_elem(&cpu_ctxs, &cpu);
}

static __always_inline struct task_ctx *task_ctx(struct task_struct *p)
{
	return bpf_task_storage_get(&task_ctxs, p, NULL, 0);
}

static __always_inline bool is_queued(const struct task_struct *p)
{
	return p->scx.flags & SCX_TASK_QUEUED;
}

/* Whether its slice was taken away: it has none and did not use it up. */
static __always_inline bool is_kicked(const struct task_struct *p, const struct cpu_ctx *cctx)
{
	return !p->scx.slice && p->se.sum_exec_runtime < cctx->until;
}

static __always_inline void grant(struct task_struct *p, struct cpu_ctx *cctx)
{
	p->scx.slice = slice_ns;
	cctx->until = p->se.sum_exec_runtime + slice_ns;
}

/* From the least important task to the most; equals have an order, too. */
static __always_inline bool before(const struct victim *a, const struct victim *b)
{
	if (a->weight != b->weight)
		return a->weight < b->weight;
	if (a->vtime != b->vtime)
		return vtime_before(b->vtime, a->vtime);
	return a->cpu < b->cpu;
}

/*
 * Make @v the least important of the tasks that run on @cpus and come after @v. What CPUs run
 * changes meanwhile: the choice can be out of date, the claim finds that out.
 */
static __always_inline bool choose(const struct cpumask *cpus, struct victim *v)
{
	struct victim this, best = { .cpu = -1 };
	struct cpu_ctx *cctx;
	u64 runs;
	s32 cpu;

	bpf_for(cpu, 0, nr_cpu_ids) {
		cctx = cpu_ctx(cpu);
		if (!cctx)
			break;
		this.cpu = cpu;
		runs = READ_ONCE(cctx->runs);
		this.weight = runs >> 32;
		this.pid = runs;
		this.vtime = READ_ONCE(cctx->vtime);
		if (!this.weight || !bpf_cpumask_test_cpu(cpu, cpus))
			continue;
		if ((v->cpu < 0 || before(v, &this)) && (best.cpu < 0 || before(&this, &best)))
			best = this;
	}

	*v = best;
	return best.cpu >= 0;
}

/*
 * Preempt @v for the urgent task @pid. What is noted after the kick is there before the kick takes
 * effect: the kernel holds it back until this operation has ended.
 */
static __always_inline s32 preempt(const struct victim *v, s32 pid)
{
	struct task_struct *p = bpf_task_from_pid(v->pid);
	struct task_ctx *tctx;
	s32 err = 0;

	if (!p)
		return -ESRCH;
	if (claims)
		err = __COMPAT_scx_bpf_kick_task(p, 0);
	else
		scx_bpf_kick_cpu(v->cpu, SCX_KICK_PREEMPT);

	tctx = task_ctx(p);
	if (!err && tctx)
		tctx->chosen_for = pid;
	bpf_task_release(p);
	return err;
}

/* Find a CPU for the urgent task @p that waits, or is going to when this operation has ended. */
static __always_inline void preempt_for(struct task_struct *p)
{
	struct victim v = { .cpu = -1 };
	s32 err;

	bpf_repeat(max_tries) {
		if (!choose(p->cpus_ptr, &v))
			break;
		err = preempt(&v, p->pid);
		if (!err) {
			inc(&nr_kicks);
			return;
		}
		inc(err == -EBUSY ? &nr_busy : &nr_gone);
	}

	/* Some CPU may be about to idle, having looked already. */
	inc(&nr_nobody);
	__COMPAT_scx_bpf_kick_cpumask(p->cpus_ptr, __compat_scx_kick_idle());
}

/* The claim made for the urgent task @pid was void, and its CPU runs something else. */
static __always_inline void preempt_again(s32 pid)
{
	struct task_struct *p = bpf_task_from_pid(pid);
	struct task_ctx *tctx;

	if (!p)
		return;
	tctx = task_ctx(p);
	if (tctx && tctx->woken_at) {
		inc(&nr_again);
		preempt_for(p);
	}
	bpf_task_release(p);
}

static __always_inline void account_latency(u64 ns)
{
	u32 shift = 0, i;

	/* LATENCY_STEPS buckets for each power of two */
	if (ns >= LATENCY_STEPS)
		shift = log2_u64(ns) - 1 - LATENCY_SHIFT;
	i = shift * LATENCY_STEPS + (ns >> shift);
	if (i < LATENCY_BUCKETS)
		inc(&latency[i]);
}

s32 BPF_STRUCT_OPS(urgent_select_cpu, struct task_struct *p, s32 prev_cpu, u64 wake_flags)
{
	struct task_ctx *tctx = task_ctx(p);
	bool is_idle = false;
	s32 cpu = scx_bpf_select_cpu_dfl(p, prev_cpu, wake_flags, &is_idle);

	if (!is_idle)
		return cpu;
	/* An urgent task may be taken by any CPU, should this one be busy again. */
	if (tctx && is_urgent(p))
		tctx->to_idle = true;
	else
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice_ns, 0);
	return cpu;
}

static __always_inline void enqueue_urgent(struct task_struct *p, u64 enq_flags)
{
	struct task_ctx *tctx = task_ctx(p);

	scx_bpf_dispatch(p, URGENT_DSQ, slice_ns, enq_flags);

	/* Not one that was preempted or has had its slice: it waits for its turn. */
	if (!tctx || !(enq_flags & (SCX_ENQ_WAKEUP | SCX_ENQ_REENQ)))
		return;
	if (enq_flags & SCX_ENQ_WAKEUP) {
		inc(&nr_wakeups);
		tctx->woken_at = bpf_ktime_get_ns();
	}
	if (tctx->to_idle)
		inc(&nr_idle);
	else
		preempt_for(p);
	tctx->to_idle = false;
}

void BPF_STRUCT_OPS(urgent_enqueue, struct task_struct *p, u64 enq_flags)
{
	u64 vtime = p->scx.dsq_vtime;
	s32 cpu;

	if (is_bound(p)) {
		scx_bpf_dispatch(p, SCX_DSQ_LOCAL, slice_ns, enq_flags);
		return;
	}
	if (is_urgent(p)) {
		enqueue_urgent(p, enq_flags);
		return;
	}

	/* Who slept has no claim to more than a slice of the time that went by. */
	if (vtime_before(vtime, vtime_now - slice_ns))
		vtime = vtime_now - slice_ns;
	scx_bpf_dispatch_vtime(p, SHARED_DSQ, slice_ns, vtime, enq_flags);

	/* If none idles, this one may be about to, having looked already. */
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	__COMPAT_scx_bpf_kick_cpu_IDLE(cpu >= 0 ? cpu : scx_bpf_task_cpu(p));
}

/* Let the chosen task go on where it was interrupted. */
static __always_inline void spare(struct task_struct *p, struct cpu_ctx *cctx)
{
	struct task_ctx *tctx = task_ctx(p);

	p->scx.slice = cctx->until - p->se.sum_exec_runtime;
	inc(&nr_spared);
	if (tctx)
		tctx->chosen_for = 0;
}

/* Take one of the rest, if there is one. Its turn comes after MAX_ROW urgent tasks at most. */
static __always_inline bool take_shared(struct cpu_ctx *cctx)
{
	bool turn = cctx->row >= MAX_ROW;
	s32 owed = cctx->owed;

	cctx->row = 0;
	if (!scx_bpf_consume(SHARED_DSQ))
		return false;
	cctx->turn = turn;
	cctx->owed = 0;
	if (owed)
		preempt_again(owed);
	return true;
}

void BPF_STRUCT_OPS(urgent_dispatch, s32 cpu, struct task_struct *prev)
{
	struct cpu_ctx *cctx = cpu_ctx(cpu);

	if (!cctx)
		return;
	if (cctx->row < MAX_ROW && scx_bpf_consume(URGENT_DSQ)) {
		cctx->row++;
		return;
	}

	/* Another CPU was faster: no need to preempt. */
	if (prev && is_queued(prev) && is_kicked(prev, cctx)) {
		spare(prev, cctx);
		return;
	}

	if (take_shared(cctx) || scx_bpf_consume(URGENT_DSQ))
		return;
	if (prev && is_queued(prev))
		grant(prev, cctx);
}

void BPF_STRUCT_OPS(urgent_running, struct task_struct *p)
{
	struct cpu_ctx *cctx = cpu_ctx(scx_bpf_task_cpu(p));
	struct task_ctx *tctx = task_ctx(p);
	bool urgent = is_urgent(p);

	if (!cctx || !tctx)
		return;

	cctx->started = p->se.sum_exec_runtime;
	cctx->until = cctx->started + p->scx.slice;
	WRITE_ONCE(cctx->vtime, p->scx.dsq_vtime);
	/* Weight 0: not to be preempted */
	WRITE_ONCE(cctx->runs, (u64)(urgent || cctx->turn ? 0 : p->scx.weight) << 32 | p->pid);
	cctx->turn = false;

	if (tctx->woken_at) {
		inc(&nr_started);
		account_latency(bpf_ktime_get_ns() - tctx->woken_at);
		tctx->woken_at = 0;
	}
	if (!urgent && vtime_before(vtime_now, p->scx.dsq_vtime))
		vtime_now = p->scx.dsq_vtime;
}

/* Whom kicks have hit */
static __always_inline void account_kick(const struct task_struct *p, bool runnable,
					 struct cpu_ctx *cctx, struct task_ctx *tctx)
{
	if (runnable && is_kicked(p, cctx)) {
		inc(tctx->chosen_for ? &nr_preempted : &nr_wrong);
	} else if (tctx->chosen_for) {
		inc(&nr_void);
		if (claims)
			cctx->owed = tctx->chosen_for;
	}
	tctx->chosen_for = 0;
}

void BPF_STRUCT_OPS(urgent_stopping, struct task_struct *p, bool runnable)
{
	struct cpu_ctx *cctx = cpu_ctx(scx_bpf_task_cpu(p));
	struct task_ctx *tctx = task_ctx(p);

	if (!cctx || !tctx)
		return;

	WRITE_ONCE(cctx->runs, 0);
	account_kick(p, runnable, cctx, tctx);
	if (!is_urgent(p))
		p->scx.dsq_vtime += (p->se.sum_exec_runtime - cctx->started) * 100 /
				    p->scx.weight;
}

/* Whether an urgent task that woke up LATE_NS ago waits and may run on @cpu */
static __always_inline bool is_one_late(s32 cpu)
{
	u64 now = bpf_ktime_get_ns();
	struct task_struct *p;
	struct task_ctx *tctx;
	bool late = false;

	bpf_for_each(scx_dsq, p, URGENT_DSQ, 0) {
		tctx = task_ctx(p);
		if (!tctx || !tctx->woken_at || !bpf_cpumask_test_cpu(cpu, p->cpus_ptr))
			continue;
		late = (s64)(now - tctx->woken_at) > LATE_NS;
		break;
	}
	return late;
}

void BPF_STRUCT_OPS(urgent_tick, struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p);
	struct cpu_ctx *cctx = cpu_ctx(cpu);
	struct task_ctx *tctx = task_ctx(p);

	if (!cctx || !tctx || !(cctx->runs >> 32) || is_kicked(p, cctx))
		return;
	if (scx_bpf_dsq_nr_queued(URGENT_DSQ) <= 0 || !is_one_late(cpu))
		return;

	inc(&nr_late);
	tctx->chosen_for = p->pid;
	p->scx.slice = 0;
}

/* Gives up the rest of its slice by itself: nobody took it. */
bool BPF_STRUCT_OPS(urgent_yield, struct task_struct *p, struct task_struct *to)
{
	struct cpu_ctx *cctx = cpu_ctx(scx_bpf_task_cpu(p));

	if (to || !cctx)
		return false;
	p->scx.slice = 0;
	cctx->until = 0;
	return true;
}

/* A task of a higher class takes @cpu: what waits there may do better elsewhere. */
void BPF_STRUCT_OPS(urgent_cpu_release, s32 cpu, struct scx_cpu_release_args *args)
{
	scx_bpf_reenqueue_local();
}

void BPF_STRUCT_OPS(urgent_enable, struct task_struct *p)
{
	p->scx.dsq_vtime = vtime_now;
}

/* It may sleep for memory: one that may not gets what lies ready, which does not last */
s32 BPF_STRUCT_OPS_SLEEPABLE(urgent_init_task, struct task_struct *p,
			     struct scx_init_task_args *args)
{
	return bpf_task_storage_get(&task_ctxs, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE) ? 0 :
	       -ENOMEM;
}

s32 BPF_STRUCT_OPS_SLEEPABLE(urgent_init)
{
	s32 err = scx_bpf_create_dsq(URGENT_DSQ, -1);

	return err ?: scx_bpf_create_dsq(SHARED_DSQ, -1);
}

void BPF_STRUCT_OPS(urgent_exit, struct scx_exit_info *ei)
{
	UEI_RECORD(uei, ei);
}

SCX_OPS_DEFINE(urgent_ops,
	       .select_cpu	= (void *)urgent_select_cpu,
	       .enqueue		= (void *)urgent_enqueue,
	       .dispatch	= (void *)urgent_dispatch,
	       .running		= (void *)urgent_running,
	       .stopping	= (void *)urgent_stopping,
	       .tick		= (void *)urgent_tick,
	       .yield		= (void *)urgent_yield,
	       .cpu_release	= (void *)urgent_cpu_release,
	       .enable		= (void *)urgent_enable,
	       .init_task	= (void *)urgent_init_task,
	       .init		= (void *)urgent_init,
	       .exit		= (void *)urgent_exit,
	       .name		= "urgent");
