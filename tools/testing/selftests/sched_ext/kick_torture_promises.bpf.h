/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: what each kick promises, with an entry in the books of its target: a cycle, also
 * for what is held back, the way back to the kernel of a CPU that kicks itself, a wait.
 *
 * The functions that are not static are verified once and not for each path that leads to them.
 */
#ifndef __KICK_TORTURE_PROMISES_BPF_H__
#define __KICK_TORTURE_PROMISES_BPF_H__

static bool enabled_now(void)
{
	return read_u32(pick_only ? &__scx_enabled : &__scx_ops_enabled);
}

/* The scheduler that this program belongs to is there, or none at all and it goes by CPU */
static __always_inline bool is_on(void)
{
	return role == TORTURE_SUB ? !!sub_sched() : root_by_cid() == (role == TORTURE_ROOT);
}

static bool loaded_now(void)
{
	return enabled_now() && is_on();
}

static bool bypassed_now(void)
{
	struct scx_sched___torture *root = root_sched();

	return pick_only ? BPF_CORE_READ(root, bypass_depth) : read_u32(&scx_ops_bypass_depth);
}

/* What is going to become of a kick of @cpu that the sub-scheduler makes now */
__noinline int fate_by_sub(s32 cpu)
{
	struct scx_sched___torture *sub = enabled_now() ? sub_sched() : NULL;

	if (!sub)
		return TORTURE_NOT_LOADED;
	if (!online(cpu) && cpu != bpf_get_smp_processor_id())
		return TORTURE_OFFLINE;
	if (!(caps_of(sub, cpu) & SUB_CAP_BASE))
		return TORTURE_DENIED;
	return BPF_CORE_READ(sub, bypass_depth) ? TORTURE_BYPASSED : TORTURE_LIVE;
}

static bool is_denied(s32 cpu)
{
	return role == TORTURE_SUB && fate_by_sub(cpu) == TORTURE_DENIED;
}

/* What is going to become of a kick of @cpu made now */
__noinline int fate_of(s32 cpu)
{
	if (role == TORTURE_SUB)
		return fate_by_sub(cpu);
	if (!loaded_now())
		return TORTURE_NOT_LOADED;
	if (bypassed_now())
		return TORTURE_BYPASSED;
	if (!online(cpu) && cpu != bpf_get_smp_processor_id())
		return TORTURE_OFFLINE;
	return TORTURE_LIVE;
}

static bool preempts(u32 kind)
{
	return kind == TORTURE_PREEMPT || kind == TORTURE_PREEMPT_WAIT || kind == TORTURE_MASK;
}

static bool waits(u32 kind)
{
	return kind == TORTURE_WAIT || kind == TORTURE_PREEMPT_WAIT;
}

static bool is_lazy(u32 kind)
{
	return kind == TORTURE_LAZY || kind == TORTURE_LAZY_TASK;
}

static bool is_claim(u32 kind)
{
	return kind == TORTURE_KIND_TASK || kind == TORTURE_LAZY_TASK || kind == TORTURE_CURR;
}

static u32 seq_of(u32 kind)
{
	return idles(kind) ? TORTURE_SEQ_IDLE : TORTURE_SEQ_CYCLE;
}

static u32 preempt_seq(bool by_sub)
{
	return by_sub ? TORTURE_SEQ_SUB : TORTURE_SEQ_PREEMPT;
}

static u32 kind_by(u32 kind, bool by_sub)
{
	return kind | (by_sub ? TORTURE_BY_SUB : 0);
}

static u64 flags_of(u32 kind)
{
	if (idles(kind))
		return SCX_KICK_IDLE;
	if (is_lazy(kind))
		return __compat_scx_kick_preempt_lazy();
	return (preempts(kind) ? SCX_KICK_PREEMPT : 0) | (waits(kind) ? SCX_KICK_WAIT : 0);
}

/* How many have been asked for, by the time of @asked, and neither been seen nor excused */
static s64 missing(struct torture_seq *seq, u64 asked)
{
	u64 excused = READ_ONCE(seq->excused) - READ_ONCE(seq->excused_seen);

	return asked - READ_ONCE(seq->seen) - excused;
}

static bool all_seen(struct torture_seq *seq)
{
	return missing(seq, READ_ONCE(seq->asked)) <= 0;
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
 * ops.enqueue(), where the kernel puts it on its DSQ: kicks that were made on the way are held
 * back until then, and so are those of ops.dispatch() until its tasks are dispatched. All of it
 * is done with interrupts off. So the sequences of these kicks are raised again at that end. A
 * kick that was made at once is served before, and nothing comes for the new ones: then they are
 * lost.
 *
 * If ops.enqueue() is not called, for a task that goes on running or that ops.select_cpu() has
 * put on a local DSQ, nothing is raised again. Nor where the kernel makes kicks at once, on a CPU
 * that is on its way down; nor for a claim, which the task may spare by leaving its CPU.
 */
static void owe(struct torture_cpu *me, s32 cpu, u32 context, u32 kind)
{
	struct torture_owed *owed = owed_in(me, context);
	u32 *kick;

	if (!owed || !owed->on || is_claim(kind) || !online(bpf_get_smp_processor_id()))
		return;
	kick = MEMBER_VPTR(*owed, .kicks[owed->nr]);
	if (!kick)
		return;
	*kick = cpu << 16 | kind_by(kind, role == TORTURE_SUB) << 8 | context;
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

/*
 * A kick that was asked for may not have been made, for the sub-scheduler has lost its caps, or is
 * bypassed, or has gone, while it was. Nothing comes for the number that it was given, but it is
 * not lost. Who sees later numbers has seen that one, too: what is excused before is forgotten
 * then.
 */
static void excuse(struct torture_cpu *target, u32 kind)
{
	__sync_fetch_and_add(&target->seq[seq_of(kind)].excused, 1);
	if (preempts(kind))
		__sync_fetch_and_add(&target->seq[TORTURE_SEQ_SUB].excused, 1);
}

static u64 raise(s32 cpu, u32 context, u32 kind, bool by_sub);

static void raise_again(struct torture_seq *seq)
{
	__sync_fetch_and_add(&seq->again, 1);
}

__noinline int raise_owed(u32 owed)
{
	u32 context = owed & 0xff, kind = owed >> 8 & ~TORTURE_BY_SUB & 0xff;
	bool by_sub = owed >> 8 & TORTURE_BY_SUB;
	struct torture_cpu *me = this_cpu();
	s32 cpu = owed >> 16;
	struct torture_cpu *target = cpu_of(cpu);

	/* What is dropped now is not asked for */
	if (!me || !target || (by_sub ? fate_by_sub(cpu) : fate_of(cpu)) != TORTURE_LIVE)
		return 0;
	me->owed++;
	raise_again(&target->seq[seq_of(kind)]);
	if (preempts(kind))
		raise_again(&target->seq[preempt_seq(by_sub)]);
	raise(cpu, context, kind, by_sub);
	if (by_sub && fate_by_sub(cpu) != TORTURE_LIVE)
		excuse(target, kind);
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
 * Give the CPUs that are kicked for a task the time to come too early, before it is there: while
 * the first one has not seen its kick.
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
static u64 raise(s32 cpu, u32 context, u32 kind, bool by_sub)
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
		__sync_fetch_and_add(&target->seq[preempt_seq(by_sub)].asked, 1);
	cycle = &target->seq[TORTURE_SEQ_CYCLE];
	asked = __sync_fetch_and_add(&cycle->asked, 1) + 1;
	target->recent[asked % TORTURE_NR_RECENT] =
		bpf_get_smp_processor_id() << 16 | kind_by(kind, by_sub) << 8 | context;
	if (asked == READ_ONCE(cycle->seen) + 1) {
		WRITE_ONCE(target->first_ns, bpf_ktime_get_ns());
		WRITE_ONCE(target->first_seq, asked);
	}
	return asked;
}

/*
 * A kick of @cpu is about to be made. One by a sub-scheduler is owed only when it is known that the
 * caps were there, see settle_sub()
 */
static u64 ask(s32 cpu, u32 context, u32 kind)
{
	struct torture_cpu *me = this_cpu();

	if (me && role != TORTURE_SUB)
		owe(me, cpu, context, kind);
	return raise(cpu, context, kind, role == TORTURE_SUB);
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

/* How many kicks the kernel has counted that this CPU has made */
static u64 counted(void)
{
	struct scx_kick_stats___torture *stats;
	u64 sum = 0;
	u32 i;

	if (!&scx_kick_stats)
		return 0;
	stats = bpf_this_cpu_ptr(&scx_kick_stats);
	for (i = 0; i < SCX_KICKED_NR; i++)
		sum += stats->outcomes[i];
	return sum;
}

/*
 * The kernel is to count so many kicks as @due of a call. It leaves alone what a call refuses that
 * has to be held back, or that has woken CPUs enough. And it counts what is held back only when it
 * is made. @before: what it had counted before the call
 */
static void settle(struct torture_cpu *me, u64 due, u64 before)
{
	u64 now = counted() - before;

	__sync_fetch_and_add(&me->unsure, now < due ? due - now : now - due);
}

/*
 * The number @asked has been given to a kick of this CPU by itself, before it executes user code,
 * and perhaps after it has looked for the last time whether to schedule. It must do so before
 * that code, for it has kicked itself and needs nobody else's interrupt: what the next sample in
 * user mode finds. As long as the caller is no interrupt, that can't be a sample of the same
 * interrupt.
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
 * The CPU of @wait is in the cycle that it was in when that was noted, and no task of a higher
 * class has kept it in that cycle, also none that is a sched_ext task now: then there is
 * something to wait for. Others begin another cycle before they start a task.
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

#endif	/* __KICK_TORTURE_PROMISES_BPF_H__ */
