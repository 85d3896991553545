/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: the books of the CPUs as targets: what their cycles see of kicks, and what samples
 * find lost. How that is found is told in kick_torture.bpf.c.
 */
#ifndef __KICK_TORTURE_CYCLES_BPF_H__
#define __KICK_TORTURE_CYCLES_BPF_H__

static void see(struct torture_seq *seq)
{
	/* In this order: what is excused later may belong to a number that is not seen here */
	u64 excused = READ_ONCE(seq->excused);
	u64 asked = READ_ONCE(seq->asked), news = asked - seq->seen;

	if (!news)
		return;
	seq->served++;
	seq->coalesced += news - 1;
	WRITE_ONCE(seq->excused_seen, excused);
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
	bool kept = has_slice(prev);
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
	if (!kept || !sub_preempts(prev, bpf_get_smp_processor_id()))
		see(&tc->seq[TORTURE_SEQ_SUB]);
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
 * A task leaves its queue. If it does not sleep it is enqueued again in a moment, whatever is
 * called for it meanwhile, see owe()
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

/* Newer kernels say whom they bypass. A sub-scheduler that goes stays so for good */
static bool bypasses_root(u64 *ctx)
{
	struct scx_sched___torture *sched = (void *)ctx[0];

	return !pick_only || !BPF_CORE_READ(sched, level);
}

SEC("fentry/scx_ops_bypass")
int torture_bypass_begin(u64 *ctx)
{
	if (pick_only ? ctx[1] & 1 : ctx[0] & 1) {
		if (bypasses_root(ctx))
			__sync_fetch_and_add(&bypasses, 1);
		__sync_fetch_and_add(&epoch, 1);
	}
	return 0;
}

SEC("fexit/scx_ops_bypass")
int torture_bypass_end(u64 *ctx)
{
	if (!(pick_only ? ctx[1] & 1 : ctx[0] & 1) && bypasses_root(ctx))
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

	if (tc && role == TORTURE_BY_CPU)
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
	s64 lost = missing(seq, seq->witnessed);

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
	find_lost(&tc->seq[TORTURE_SEQ_SUB]);
	if (idle)
		find_lost(&tc->seq[TORTURE_SEQ_IDLE]);
}

/*
 * The sched_ext task @p executes user code here. If it has started since this CPU kicked another
 * one with SCX_KICK_WAIT, that one must have begun another cycle than the one that it was in. If
 * it was executing when that kick was made, this CPU must have begun a cycle at least: the sample
 * may be in the same interrupt as the kick, but not many of them.
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
	/*
	 * Kicks of a CPU that a higher class keeps may be left out until another task runs there,
	 * lazy ones are left to the tick, see torture_lazy()
	 */
	if (READ_ONCE(bypasses) || !enabled_now() || is_higher(p) ||
	    word_of(bpf_get_smp_processor_id()) & WORD_LAZY) {
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

#endif	/* __KICK_TORTURE_CYCLES_BPF_H__ */
