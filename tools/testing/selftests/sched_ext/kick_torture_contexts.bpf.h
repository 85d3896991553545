/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kick_torture: kicks from elsewhere than the scheduler.
 */
#ifndef __KICK_TORTURE_CONTEXTS_BPF_H__
#define __KICK_TORTURE_CONTEXTS_BPF_H__

SEC("syscall")
int torture_kick(struct torture_kick_args *args)
{
	int i;

	if (orders.stop || !(orders.contexts & 1ULL << TORTURE_SYSCALL) || !is_on())
		return 0;
	bpf_for(i, 0, args->nr)
		kick_at_random(TORTURE_SYSCALL);
	return 0;
}

static int timer_fn(void *map, u32 *key, struct torture_timer *tt)
{
	if (orders.stop)
		return 0;
	if (orders.contexts & 1ULL << TORTURE_TIMER && is_on())
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

	if (me && role == TORTURE_BY_CPU) {
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
	if (!orders.stop && orders.contexts & 1ULL << TORTURE_NMI && is_on())
		kick_at_random(TORTURE_NMI);
	return 0;
}

#endif	/* __KICK_TORTURE_CONTEXTS_BPF_H__ */
