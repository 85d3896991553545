/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kick protocol of kernel/sched/ext/kick*.c, for an exhaustive search by spin.
 *
 * CPUs 0 .. NCPU-1 schedule, each in a process of its own, with a process for its interrupts
 * that stops it while they run. CPUs NCPU .. NCPU+NKICK-1 only kick: what matters
 * of them is that there are more kickers than targets. Whatever the code does in one access to
 * memory that others see is one step here. A cmpxchg loop is one step, too: what it decides
 * depends on nothing but the value that its last, successful round found.
 *
 * The environment is free: kicks of any kind from any context, wakeups and ticks, tasks that
 * block, scheduler exit, hotplug, as often as they like. At some point, any point, it stops for
 * good. From there on the CPUs must come to rest by themselves within AFTER cycles each, and
 * monitor() says what must hold then. Nothing is owed in a state of rest, so a lost kick, a wait
 * that does not end and a storm of cycles that feeds itself are all found as violated assertions
 * of a finite search, without fairness assumptions.
 *
 * The configurations are in check.sh, the mutants in the file `mutants'.
 */

#include "kick_config.pmh"
#include "properties.pmh"

/* What else must hold */
hidden byte preempts_only_if_asked;
hidden byte enq_preempt_is_served;	/* the task inserted with SCX_ENQ_PREEMPT gets the CPU */
hidden byte no_interrupt_offline;
hidden byte waits_long_enough;		/* no sched_ext task starts before the CPUs waited for cycle */
hidden byte waits_one_cycle;		/* of each CPU, whatever other waiters do */
hidden byte waits_for_own_targets;
hidden byte waits_soon;			/* a task that asks for a wait does not run on without it */
hidden byte wait_rounds_end;		/* and is not held up again and again by what it asks for */
hidden byte wait_shows;			/* what the target's last task did */
hidden byte nothing_pending;		/* at rest */

#include "kick_state.pmh"

/* The protocol */
#include "kick_kicker.pmh"
#include "kick_target.pmh"
#include "kick_wait.pmh"

/* Those who follow it */
#include "kick_cpu.pmh"
#include "kick_env.pmh"
