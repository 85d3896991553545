// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: a CPU waits for those that it kicked with SCX_KICK_WAIT.
 */
#include <linux/moduleparam.h>

/*
 * How often one task that has executed nothing yet is held up because a cycle
 * of its CPU kicks with SCX_KICK_WAIT: an ops.dispatch() that keeps the task
 * may do so each time. Without a bound, CPUs that kick each other in each of
 * their cycles would run nothing but cycles. Kicks from interrupts count for
 * the next task.
 */
#define KICK_WAIT_ROUNDS	3

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "sched_ext."

static unsigned int kick_wait_warn_ms;
module_param(kick_wait_warn_ms, uint, 0644);
MODULE_PARM_DESC(kick_wait_warn_ms,
		 "Report once each wait for a kicked CPU that takes longer than this (ms), 0: none");

/* More files follow in the same translation unit. */
#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX KBUILD_MODNAME "."

/*
 * Report a wait for @cpu that takes longer than kick_wait_warn_ms, once. Off by
 * default: a slow console holds up the switch of tasks that this is part of.
 */
static void kick_wait_check(s32 cpu)
{
	struct scx_kick_watch *watch = this_cpu_ptr(&scx_kick_watch);
	u64 bound = (u64)READ_ONCE(kick_wait_warn_ms) * NSEC_PER_MSEC;
	struct task_struct *curr;
	u64 waited;

	if (!bound || watch->wait_told)
		return;
	waited = watch->wait_before_ns + kick_ns_since(watch->wait_since_ns);
	if (waited < bound)
		return;

	watch->wait_told = true;
	guard(rcu)();
	curr = rcu_dereference(cpu_rq(cpu)->curr);
	pr_warn_ratelimited("sched_ext: CPU %d (%s[%d]) has waited %llu us for CPU %d (%s[%d]), kicked with SCX_KICK_WAIT, to schedule\n",
			    smp_processor_id(), current->comm, current->pid,
			    div_u64(waited, NSEC_PER_USEC), cpu, curr->comm,
			    curr->pid);
}

/*
 * Wait until wait->cpu has entered a cycle. Returns true when it has, and false
 * if this CPU has to schedule before that. Caller has interrupts on and
 * preemption off.
 */
static bool kick_wait_goes_on(struct kick_wait *wait)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, wait->cpu);
	int word;

	/* It may have gone offline while this wait gave way. */
	if (!cpu_online(wait->cpu))
		return true;
	/* (D), pairs with (B) in scx_kick_cycle_start() */
	while ((word = atomic_read_acquire(&kick->word)) & KICK_REQ_WAIT) {
		if ((word ^ wait->word) >> KICK_CYCLE_SHIFT)
			break;
		if (need_resched())
			return false;
		kick_wait_check(wait->cpu);
		cpu_relax();
	}
	return true;
}

/*
 * Begin to wait for @cpu. Returns what kick_wait_goes_on() does. Clears the bit
 * first: an interrupt that kicks @cpu again sets it for the next task.
 */
static bool kick_wait_for(struct kick_wait *wait, s32 cpu)
{
	cpumask_clear_cpu(cpu, wait->cpus);
	wait->cpu = cpu;
	wait->word = atomic_read(&per_cpu(scx_kick_pcpu, cpu).word); /* (C) */
	return kick_wait_goes_on(wait);
}

/*
 * Go through wait->cpus: from where the last round ended, or from the first CPU
 * if more were asked for since. Returns false if this CPU has to schedule
 * before all of them have entered a cycle. Interrupts are on and may add a CPU
 * at any time; if that is too late for this task, the next one waits.
 */
static bool kick_wait_round(struct kick_wait *wait)
{
	s32 cpu = nr_cpu_ids;

	if (wait->cpu < nr_cpu_ids) {
		if (!kick_wait_goes_on(wait))
			return false;
		cpu = cpumask_next(wait->cpu, wait->cpus);
	}
	if (READ_ONCE(wait->asked) &&
	    (!wait->rounds ||
	     (wait->again && wait->rounds < KICK_WAIT_ROUNDS))) {
		WRITE_ONCE(wait->again, false);
		WRITE_ONCE(wait->asked, false);
		wait->rounds++;
		cpu = cpumask_first(wait->cpus);
	}
	for (; cpu < nr_cpu_ids; cpu = cpumask_next(cpu, wait->cpus)) {
		if (!kick_wait_for(wait, cpu))
			return false;
	}
	wait->cpu = nr_cpu_ids;
	return true;
}

/* Drop all waits if the BPF scheduler is bypassed: all CPUs schedule then. */
static bool kick_wait_bypassed(struct kick_wait *wait)
{
	if (!kick_bypassed())
		return false;
	cpumask_clear(wait->cpus);
	WRITE_ONCE(wait->again, false);
	WRITE_ONCE(wait->asked, false);
	wait->cpu = nr_cpu_ids;
	return true;
}

/* Count a wait. @ended is false if it goes on after the next cycle. */
static void kick_wait_account(struct kick_wait *wait, bool ended)
{
	struct scx_kick_stats *stats = this_cpu_ptr(&scx_kick_stats);
	struct scx_kick_watch *watch = this_cpu_ptr(&scx_kick_watch);
	u64 took;

	/* A write to debugfs resets these from an interrupt. */
	guard(irqsave)();
	took = kick_ns_since(watch->wait_since_ns);
	if (wait->tick != (u8)jiffies)
		wait->took_us = 0;
	wait->tick = jiffies;
	wait->took_us = min_t(u64, wait->took_us + (took >> 10), U16_MAX);
	took += watch->wait_before_ns;
	WRITE_ONCE(watch->wait_since_ns, 0);
	if (!ended) {
		watch->wait_before_ns = took;
		return;
	}
	watch->wait_before_ns = 0;
	watch->wait_told = false;
	stats->waits++;
	stats->wait_ns += took;
	stats->wait_max_ns = max(stats->wait_max_ns, took);
}

/*
 * Hold up the sched_ext task that is about to run. Caller is at the end of a
 * cycle, which has switched tasks if @switched, with interrupts on and
 * preemption off.
 *
 * If a wait has held up the same task before, the wait goes on. The task counts
 * as held up (kick_wait::on) until it can execute something: this CPU may be
 * kicked while it waits, and schedule before the task runs.
 */
static void kick_wait_begin(struct scx_kick *kick, bool switched)
{
	struct kick_wait *wait = &kick->wait;
	bool ended;

	if (switched || !READ_ONCE(wait->on))
		wait->rounds = 0;
	if (wait->cpu < nr_cpu_ids || READ_ONCE(wait->asked)) {
		WRITE_ONCE(this_cpu_ptr(&scx_kick_watch)->wait_since_ns,
			   ktime_get_mono_fast_ns());
		ended = kick_wait_bypassed(wait) || kick_wait_round(wait);
		kick_wait_account(wait, ended);
	} else {
		ended = true;
	}
	WRITE_ONCE(wait->on, !ended || need_resched());
}
