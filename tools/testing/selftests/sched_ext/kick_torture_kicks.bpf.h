/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: kicks of every kind.
 */
#ifndef __KICK_TORTURE_KICKS_BPF_H__
#define __KICK_TORTURE_KICKS_BPF_H__

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

/*
 * Unlike another kick, that of a mask leaves out the own CPU, too, while it is offline. Returns 1
 * if the kick is live
 */
__noinline int ask_of_mask(struct torture_cpu *me __arg_nonnull, s32 cpu, u32 context, u32 kind)
{
	u32 fate = fate_of(cpu);

	if (!online(cpu))
		fate = TORTURE_OFFLINE;
	if (fate == TORTURE_OFFLINE || (fate != TORTURE_LIVE && kind == TORTURE_IDLE_NR))
		__sync_fetch_and_add(&me->uncounted, 1);
	if (fate == TORTURE_LIVE)
		ask(cpu, context, kind);
	book(context, kind, fate);
	return fate == TORTURE_LIVE;
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

/* Kick each CPU of a mask after all */
static void make_up_for_mask(struct torture_cpu *me, u32 key)
{
	u32 cpu;

	bpf_for(cpu, 0, nr_cpus) {
		if (!in_mask(key, cpu))
			continue;
		__sync_fetch_and_add(&me->own, 1);
		scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
	}
}

/*
 * Wake idle CPUs of a mask. If there were fewer than it was to wake, none of the mask idles on
 * without having looked. If not, it is not known which ones it has left alone.
 */
__noinline int kick_idle(u32 context, u32 key, u64 random)
{
	u32 nr = random & 1 ? nr_cpus + 1 : 1 + (random >> 1) % nr_cpus;
	struct torture_mask *value = bpf_map_lookup_elem(&masks, &key);
	struct torture_cpu *me = this_cpu();
	struct bpf_cpumask *mask;
	u32 cpu, nr_before;
	u64 due = 0, before;
	s32 woken = 0;

	if (!me || !value || !bpf_ksym_exists(scx_bpf_kick_idle) || !all_ready(key))
		return 0;
	nr_before = nr_online(key);
	__sync_fetch_and_add(&me->kicking, 1);
	bpf_for(cpu, 0, nr_cpus) {
		if (in_mask(key, cpu))
			due += ask_of_mask(me, cpu, context, TORTURE_IDLE_NR);
	}
	bpf_rcu_read_lock();
	mask = value->mask;
	if (mask) {
		bpf_preempt_disable();
		before = counted();
		woken = scx_bpf_kick_idle(cast_mask(mask), nr);
		settle(me, due, before);
		bpf_preempt_enable();
	}
	bpf_rcu_read_unlock();
	__sync_fetch_and_add(&me->woken, woken);
	if (woken >= (s32)nr)
		make_up_for_mask(me, key);
	__sync_fetch_and_add(&me->kicking, -1);
	if (nr_before != nr_online(key))
		__sync_fetch_and_add(&me->unsure, nr_cpus);
	return 0;
}

/* What scx_bpf_kick_task() and scx_bpf_kick_curr() say */
static void note_answer(struct torture_cpu *me, s32 ret)
{
	u64 *answers = ret == 0 ? &me->claims : ret == 1 ? &me->woken :
		       ret == -EBUSY ? &me->busy : ret == -ESRCH ? &me->gone : &me->kept;

	__sync_fetch_and_add(answers, 1);
	/* The kernel may ask a CPU that refuses to look again, and counts that */
	if (ret < 0)
		__sync_fetch_and_add(&me->unsure, 1);
}

static s32 pid_on(s32 cpu)
{
	struct rq *rq = bpf_per_cpu_ptr(&runqueues, cpu);

	return rq ? rq->curr->pid : 0;
}

/*
 * @cpu is going to schedule if this kick has claimed what it runs, or if it is to be woken only and
 * was idle. If not, it is kicked in the usual way.
 */
__noinline int kick_curr(u32 context, s32 cpu, u32 kind, u32 by_pid)
{
	struct torture_cpu *me = this_cpu();
	s32 ret, promised = idles(kind), pid = by_pid ? pid_on(cpu) : 0;
	u32 fate = fate_of(cpu);
	u64 before;

	if (!me || !bpf_ksym_exists(scx_bpf_kick_curr))
		return 0;
	bpf_preempt_disable();
	__sync_fetch_and_add(&me->kicking, 1);
	if (fate == TORTURE_LIVE)
		ask(cpu, context, kind);
	before = counted();
	ret = scx_bpf_kick_curr(cpu, pid, flags_of(kind));
	settle(me, 1, before);
	if (ret != promised) {
		__sync_fetch_and_add(&me->own, 1);
		scx_bpf_kick_cpu(cpu, idles(kind) ? SCX_KICK_IDLE : 0);
	}
	__sync_fetch_and_add(&me->kicking, -1);
	bpf_preempt_enable();
	note_answer(me, ret);
	return book(context, kind, fate);
}

/*
 * The CPU that @p runs on is going to schedule if this kick has claimed its preemption. If not, it
 * is kicked in the usual way.
 */
static void kick_task(struct torture_cpu *me, u32 context, u32 kind, struct task_struct *p)
{
	s32 cpu = scx_bpf_task_cpu(p), err;
	u32 fate = fate_of(cpu);

	if (!bpf_ksym_exists(scx_bpf_kick_task) || !ready(cpu))
		return;
	__sync_fetch_and_add(&me->kicking, 1);
	if (fate == TORTURE_LIVE)
		ask(cpu, context, kind);
	err = scx_bpf_kick_task(p, flags_of(kind));
	book(context, kind, fate);
	note_answer(me, err);
	if (err || scx_bpf_task_cpu(p) != cpu) {
		__sync_fetch_and_add(&me->own, 1);
		scx_bpf_kick_cpu(cpu, 0);
	}
	__sync_fetch_and_add(&me->kicking, -1);
}

__noinline int kick_worker(u32 context, u32 kind, u64 random)
{
	s32 *pid = MEMBER_VPTR(orders.workers, [random % TORTURE_NR_WORKERS]);
	struct torture_cpu *me = this_cpu();
	struct task_struct *p;

	if (!me)
		return 0;
	/* The current task is one that can be kicked in NMI, too */
	if (context == TORTURE_NMI || random & 1ULL << 32) {
		kick_task(me, context, kind, bpf_get_current_task_btf());
		return 0;
	}
	p = pid && *pid ? bpf_task_from_pid(*pid) : NULL;
	if (!p)
		return 0;
	kick_task(me, context, kind, p);
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
	if (kind == TORTURE_IDLE_NR)
		return kick_idle(context, random % TORTURE_NR_MASKS, random >> 8);
	if (is_claim(kind) && kind != TORTURE_CURR)
		return kick_worker(context, kind, random);
	if (!ready(random % nr_cpus))
		return __sync_fetch_and_add(&me->left_out, 1);
	if (kind == TORTURE_CURR || kind == TORTURE_CURR_IDLE)
		return kick_curr(context, random % nr_cpus, kind, random >> 32 & 1);
	return kick_cpu(context, random % nr_cpus, kind);
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

#endif	/* __KICK_TORTURE_KICKS_BPF_H__ */
