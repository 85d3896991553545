/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: kicks of every kind.
 */
#ifndef __KICK_TORTURE_KICKS_BPF_H__
#define __KICK_TORTURE_KICKS_BPF_H__

static __always_inline int kick_one(u32 context, s32 cpu, u32 kind, bool by_cid)
{
	bool bypassed = READ_ONCE(bypasses), live, sure;
	struct torture_cpu *me = this_cpu();
	struct torture_expected wait = {};
	u64 asked = 0, self;
	u32 fate;

	if (!me)
		return 0;
	note_wait(&wait, context, cpu);
	fate = fate_of(cpu);
	live = fate == TORTURE_LIVE;
	/* Grace periods wait for the end of a kick: not until a preempted task runs again */
	bpf_preempt_disable();
	__sync_fetch_and_add(&me->kicking, 1);
	self = self_kicks();
	if (live)
		asked = ask(cpu, context, kind);
	sure = call_kick(me, context, cpu, flags_of(kind), by_cid);
	if (live && role == TORTURE_SUB)
		settle_sub(me, cpu, context, kind, sure);
	if (asked && sure && before_user(context) && cpu == bpf_get_smp_processor_id() &&
	    self_kicks() != self)
		expect_self(me, context, asked);
	__sync_fetch_and_add(&me->kicking, -1);
	bpf_preempt_enable();
	book(context, kind, fate);

	/* No interrupt comes between in these operations: what is noted belongs together */
	if (waits(kind) && live && sure && !bypassed && context <= TORTURE_UPDATE_IDLE &&
	    cpu != bpf_get_smp_processor_id())
		expect_wait(me, &wait);
	return 0;
}

__noinline int kick_cpu(u32 context, s32 cpu, u32 kind)
{
	return kick_one(context, cpu, kind, false);
}

__noinline int kick_cid(u32 context, s32 cpu, u32 kind)
{
	return kick_one(context, cpu, kind, true);
}

/* What the task of an operation relies on is not left out */
static void kick_in_op(u32 context, s32 cpu, u32 kind)
{
	if (role == TORTURE_BY_CPU)
		kick_cpu(context, cpu, kind);
	else
		kick_cid(context, cpu, kind);
}

__noinline int nr_online(u32 key)
{
	u32 cpu, nr = 0;

	bpf_for(cpu, 0, nr_cpus)
		nr += in_mask(key, cpu) && online(cpu);
	return nr;
}

__noinline int all_ready(u32 key)
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

/* Returns how many are live */
static __always_inline u32 ask_mask(struct torture_cpu *me, u32 key, u32 context, u32 kind)
{
	u32 cpu, live = 0;

	bpf_for(cpu, 0, nr_cpus)
		live += in_mask(key, cpu) && ask_of_mask(me, cpu, context, kind);
	return live;
}

/* Of the CPUs of a mask, for the sub-scheduler */
__noinline u64 changes_in(u32 key)
{
	u64 changes = 0;
	u32 cpu;

	bpf_for(cpu, 0, nr_cpus)
		changes += in_mask(key, cpu) ? changes_at(cpu) : 0;
	return changes;
}

__noinline int count_fate(u32 key, u32 fate)
{
	u32 cpu, nr = 0;

	bpf_for(cpu, 0, nr_cpus)
		nr += in_mask(key, cpu) && fate_by_sub(cpu) == fate;
	return nr;
}

/*
 * If something has @changed it is not known who was asked, so all are excused: the next cycle of
 * those who were not forgets that
 */
__noinline int settle_mask(struct torture_cpu *me __arg_nonnull, u32 key, u32 context, u32 kind,
			   u32 changed)
{
	u32 cpu;

	bpf_for(cpu, 0, nr_cpus) {
		if (in_mask(key, cpu) && (changed || fate_by_sub(cpu) == TORTURE_LIVE))
			settle_sub(me, cpu, context, kind, !changed);
	}
	return 0;
}

static void call_kick_mask(u32 key, u64 flags, bool by_cid)
{
	struct torture_mask *value = bpf_map_lookup_elem(&masks, &key);
	struct bpf_cpumask *mask;

	if (by_cid)
		call_kick_cmask(key, flags);
	if (by_cid || !value)
		return;
	/* Some operations may sleep */
	bpf_rcu_read_lock();
	mask = value->mask;
	if (mask)
		scx_bpf_kick_cpumask(cast_mask(mask), flags);
	bpf_rcu_read_unlock();
}

static __always_inline void kick_mask_as_sub(struct torture_cpu *me, u32 context, u32 key, u32 kind,
					     bool by_cid)
{
	struct torture_call call = {};
	u32 nr, live, refused, denied;
	bool changed;

	bpf_preempt_disable();
	nr = nr_online(key);
	begin_call(me, &call, changes_in(key), count_fate(key, TORTURE_DENIED));
	live = ask_mask(me, key, context, kind);
	call_kick_mask(key, flags_of(kind), by_cid);
	refused = end_call(me, &call, nr);
	__sync_fetch_and_add(&me->uncounted, refused);
	denied = count_fate(key, TORTURE_DENIED);
	changed = count_fate(key, TORTURE_LIVE) != live || nr_online(key) != nr ||
		  changes_in(key) != call.changes;
	if (!changed)
		judge_call(me, &call, refused, call.changes, denied, context);
	settle_mask(me, key, context, kind, changed);
	bpf_preempt_enable();
}

static __always_inline int kick_many(u32 context, u32 key, u32 kind, bool by_cid)
{
	struct torture_cpu *me = this_cpu();
	struct torture_call call = {};
	u32 nr;

	if (!me || (!by_cid && !bpf_ksym_exists(scx_bpf_kick_cpumask)) || !all_ready(key))
		return 0;
	nr = nr_online(key);
	__sync_fetch_and_add(&me->kicking, 1);
	if (role == TORTURE_SUB) {
		kick_mask_as_sub(me, context, key, kind, by_cid);
	} else {
		ask_mask(me, key, context, kind);
		begin_call(me, &call, 0, 0);
		call_kick_mask(key, flags_of(kind), by_cid);
		end_call(me, &call, nr);
	}
	__sync_fetch_and_add(&me->kicking, -1);
	if (nr != nr_online(key))
		__sync_fetch_and_add(&me->unsure, nr_cpus);
	return 0;
}

__noinline int kick_mask(u32 context, u32 key, u32 kind)
{
	return kick_many(context, key, kind, false);
}

__noinline int kick_cmask(u32 context, u32 key, u32 kind)
{
	return kick_many(context, key, kind, true);
}

/* Kick each CPU of a mask after all */
static void make_up_for_mask(struct torture_cpu *me, u32 context, u32 key)
{
	u32 cpu;

	bpf_preempt_disable();
	bpf_for(cpu, 0, nr_cpus) {
		if (in_mask(key, cpu))
			make_up(me, context, cpu, SCX_KICK_IDLE, false);
	}
	bpf_preempt_enable();
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
	struct torture_call call = {};
	struct bpf_cpumask *mask;
	u32 nr_before, live;
	u64 before, changes = 0;
	s32 woken = 0;

	if (!me || !value || !bpf_ksym_exists(scx_bpf_kick_idle) || !all_ready(key))
		return 0;
	nr_before = nr_online(key);
	__sync_fetch_and_add(&me->kicking, 1);
	if (role == TORTURE_SUB)
		changes = changes_in(key);
	live = ask_mask(me, key, context, TORTURE_IDLE_NR);
	bpf_rcu_read_lock();
	mask = value->mask;
	if (mask) {
		bpf_preempt_disable();
		before = counted();
		begin_call(me, &call, 0, 0);
		woken = scx_bpf_kick_idle(cast_mask(mask), nr);
		end_call(me, &call, 0);
		settle(me, live, before);
		bpf_preempt_enable();
	}
	bpf_rcu_read_unlock();
	__sync_fetch_and_add(&me->woken, woken);
	if (woken >= (s32)nr)
		make_up_for_mask(me, context, key);
	if (role == TORTURE_SUB)
		settle_mask(me, key, context, TORTURE_IDLE_NR, changes_in(key) != changes ||
			    count_fate(key, TORTURE_LIVE) != live);
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
	struct torture_call call = {};
	u32 fate = fate_of(cpu);
	bool sure = true;
	u64 before;

	if (!me || !bpf_ksym_exists(scx_bpf_kick_curr))
		return 0;
	bpf_preempt_disable();
	__sync_fetch_and_add(&me->kicking, 1);
	if (fate == TORTURE_LIVE)
		ask(cpu, context, kind);
	before = counted();
	begin_call(me, &call, 0, 0);
	ret = scx_bpf_kick_curr(cpu, pid, flags_of(kind));
	end_call(me, &call, 0);
	/* What the sub-scheduler may not kick is not counted */
	if (fate == TORTURE_DENIED)
		__sync_fetch_and_add(&me->uncounted, 1);
	settle(me, fate != TORTURE_DENIED, before);
	if (ret != promised)
		sure = make_up(me, context, cpu, idles(kind) ? SCX_KICK_IDLE : 0, false);
	if (fate == TORTURE_LIVE && role == TORTURE_SUB)
		settle_sub(me, cpu, context, kind, sure && fate_by_sub(cpu) == TORTURE_LIVE);
	__sync_fetch_and_add(&me->kicking, -1);
	bpf_preempt_enable();
	note_answer(me, ret);
	return book(context, kind, fate);
}

/*
 * The CPU that @p runs on is going to schedule if this kick has claimed its preemption. If not, it
 * is kicked in the usual way.
 */
static void kick_task(struct torture_cpu *me, u32 context, u32 kind, struct task_struct *p,
		      bool by_cid)
{
	s32 cpu = cpu_of_task(p), err;
	u32 fate = fate_of(cpu);
	bool sure = true;

	if (!bpf_ksym_exists(scx_bpf_kick_task) || !ready(cpu))
		return;
	bpf_preempt_disable();
	__sync_fetch_and_add(&me->kicking, 1);
	if (fate == TORTURE_LIVE)
		ask(cpu, context, kind);
	err = role == TORTURE_BY_CPU ? scx_bpf_kick_task(p, flags_of(kind)) :
				       claim_in_call(me, context, flags_of(kind), p, cpu);
	if (err || cpu_of_task(p) != cpu)
		sure = make_up(me, context, cpu, 0, by_cid);
	if (fate == TORTURE_LIVE && role == TORTURE_SUB)
		settle_sub(me, cpu, context, kind, sure && fate_by_sub(cpu) == TORTURE_LIVE);
	__sync_fetch_and_add(&me->kicking, -1);
	bpf_preempt_enable();
	note_answer(me, err);
	book(context, kind, fate);
}

static __always_inline int kick_worker(u32 context, u32 kind, u64 random, bool by_cid)
{
	s32 *pid = MEMBER_VPTR(orders.workers, [random % TORTURE_NR_WORKERS]);
	struct torture_cpu *me = this_cpu();
	struct task_struct *p;

	if (!me)
		return 0;
	/* The current task is one that can be kicked in NMI, too */
	if (context == TORTURE_NMI || random & 1ULL << 32) {
		kick_task(me, context, kind, bpf_get_current_task_btf(), by_cid);
		return 0;
	}
	p = pid && *pid ? bpf_task_from_pid(*pid) : NULL;
	if (!p)
		return 0;
	kick_task(me, context, kind, p, by_cid);
	bpf_task_release(p);
	return 0;
}

__noinline int kick_worker_by_cpu(u32 context, u32 kind, u64 random)
{
	return kick_worker(context, kind, random, false);
}

__noinline int kick_worker_by_cid(u32 context, u32 kind, u64 random)
{
	return kick_worker(context, kind, random, true);
}

static bool goes_by_cpu(u32 kind)
{
	return kind == TORTURE_CURR || kind == TORTURE_CURR_IDLE || kind == TORTURE_IDLE_NR;
}

static __always_inline int kick_random(u32 context, bool by_cid)
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
		return by_cid ? kick_cmask(context, random % TORTURE_NR_MASKS, kind) :
				kick_mask(context, random % TORTURE_NR_MASKS, kind);
	if (kind == TORTURE_IDLE_NR && !by_cid)
		return kick_idle(context, random % TORTURE_NR_MASKS, random >> 8);
	if (is_claim(kind) && kind != TORTURE_CURR)
		return by_cid ? kick_worker_by_cid(context, kind, random) :
				kick_worker_by_cpu(context, kind, random);
	if (!ready(random % nr_cpus) || (by_cid && goes_by_cpu(kind)))
		return __sync_fetch_and_add(&me->left_out, 1);
	if (kind == TORTURE_CURR || kind == TORTURE_CURR_IDLE)
		return by_cid ? 0 : kick_curr(context, random % nr_cpus, kind, random >> 32 & 1);
	return by_cid ? kick_cid(context, random % nr_cpus, kind) :
			kick_cpu(context, random % nr_cpus, kind);
}

__noinline int kick_at_random(u32 context)
{
	return kick_random(context, false);
}

__noinline int kick_by_cid_at_random(u32 context)
{
	return kick_random(context, true);
}

static __always_inline void torture_one_in(u32 context, u32 one_in)
{
	struct torture_cpu *me = this_cpu();
	u64 *state;

	if (!me || orders.stop || !(orders.contexts & 1ULL << context))
		return;
	state = MEMBER_VPTR(*me, .random[context]);
	if (!state || next_random(state) % one_in || !is_on())
		return;
	/* An operation may only kick by what its scheduler knows CPUs by */
	if (role != TORTURE_BY_CPU && context <= TORTURE_INIT)
		kick_by_cid_at_random(context);
	else
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
