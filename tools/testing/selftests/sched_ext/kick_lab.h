/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kick tests' BPF scheduler (kick_lab.bpf.c) and their user space share.
 */
#ifndef __KICK_LAB_H__
#define __KICK_LAB_H__

#ifndef SCHED_EXT
#define SCHED_EXT	7
#endif

/* One more than the largest CPU number the lab can watch */
#define LAB_NR_CPUS	256

/* How long a CPU stands still at most if nothing else is said, see lab_cpu.hold */
#define LAB_HOLD_NS	(10 * 1000 * 1000 * 1000LLU)

/*
 * In flags, beside those of the kernel: by scx_bpf_kick_curr(), or by scx_bpf_kick_idle(), for as
 * many CPUs as the rest of the flags says. With both they are flags for the kernel to refuse
 */
#define LAB_CURR	0x4000000000000000LLU
#define LAB_IDLE	0x2000000000000000LLU
#define LAB_CALL	(LAB_CURR | LAB_IDLE)

/* Where a CPU sends the kicks it was ordered to send */
enum lab_hook {
	LAB_NOWHERE,
	LAB_SELECT_CPU,
	LAB_ENQUEUE,
	LAB_DISPATCH,
	LAB_RUNNING,
	LAB_STOPPING,
	LAB_PUT,		/* ops.stopping of a task that is going to be queued again */
	LAB_STOPPED,		/* ... of one that sleeps or is changed */
	LAB_RUNNABLE,
	LAB_QUIESCENT,		/* of a task that does not sleep */
	LAB_DEQUEUE,
	LAB_SET_CPUMASK,
	LAB_SET_WEIGHT,
	LAB_ENABLE,
	LAB_CGROUP_MOVE,
	LAB_CPU_RELEASE,	/* about the task of a higher class */
	LAB_TICK,
	LAB_TIMER,
	LAB_CPU_OFFLINE,
	LAB_DYING,		/* start of a cycle, no longer online; with lab_watch_cycles */
	LAB_EXIT_TASK,
	LAB_FENTRY,
	LAB_SWITCH,
	LAB_HARDIRQ,
	LAB_RETURN,		/* to user space, after the last look at need_resched */
	LAB_NMI,
};

/*
 * One CPU. The orders are user space's; the rest is what the scheduler saw. Each kick adds to
 * ->asked first, and ops.dispatch begins with setting ->seen to ->asked: a kick that was to lead to
 * ops.dispatch is lost when ->seen stays behind.
 */
struct lab_cpu {
	/* Orders */
	__u64 left;		/* kicks still to be sent from ->hook */
	__u64 flags;		/* with these flags */
	__u64 then;		/* and right after it, if ->twice, once more with these */
	__u64 mask;		/* at these CPUs together if not 0 */
	__s32 victim;		/* at this task if not 0 */
	__s32 target;		/* else at this CPU */
	__s32 about;		/* only in an operation about this task, if not 0 */
	__u32 hook;
	__u32 twice;
	__u32 hold;		/* stand still in LAB_TICK, _DISPATCH or _TIMER until cleared */
	__u32 hold_ns;		/* at most so long, 0: LAB_HOLD_NS */
	__u32 timer_ns;		/* the timer's period */
	__u32 linger_ns;	/* stay so long in the op that has kicked, and in lab_linger_* */
	__u32 in_turn;		/* kick only sched_ext tasks, and once the last kick was seen */
	__u32 renew;		/* a task that lost its slice for nothing gets an endless one */
	__u32 endless;		/* ... and so does one that the kernel has given another one */
	__s32 strip;		/* the next ops.dispatch takes this task's slice, 0: nobody's */

	__s32 innocent;		/* a task that nobody kicks */

	/* What happened */
	__s32 ret;		/* what the last kick from ->hook said ... */
	__s32 then_ret;		/* ... and if ->twice the one after it */
	__u64 hit;		/* ->innocent lost its slice */
	__u64 sent;		/* kicks from here, with the one that is about to be made */
	__u64 early;		/* so many were served while the op that made them lingered */
	__u64 self_ticks;	/* ->ticks when this CPU kicked from LAB_RETURN */
	__u64 late;		/* so many of these kicks had to wait for a tick */
	__u32 held;		/* stands still now */
	__u32 overheld;		/* so many times it was not let go in time */
	__u64 asked;		/* kicks sent to this CPU */
	__u64 seen;		/* ->asked when the last ops.dispatch began */
	__u64 dispatches;	/* ops.dispatch was called */
	__u64 expired;		/* ... with a task that could go on but for its slice */
	__u64 interrupted;	/* interrupts other CPUs sent here, with lab_watch_sends */
	__u64 balances;		/* cycles begun, with lab_watch_cycles */
	__u64 ended;		/* tasks that had to go without slice, whoever came then */
	__u64 expired_ticks;	/* ->ticks when the last of these went */
	__u64 claimed;		/* by a task that was queued here, see lab_route.claims */
	__u64 refused;		/* ... was not to be had: the task is in the CPU's queue */
	__u64 enqueues;		/* tasks queued for this CPU */
	__u64 runs;		/* tasks picked */
	__u64 stops;		/* tasks that had to make room while they could run */
	__u64 released;		/* tasks of a higher class came in between, or went */
	__u64 ticks;
	__u64 timers;
	__u64 offlines;
	__u64 dumps;		/* the debug dump has come to this CPU */
	__s32 curr;		/* the sched_ext task picked last */
	__u32 on;		/* ... which has not stopped since */
	__u32 displaced;	/* how often one had to make room for a higher class */
	__u32 below;		/* ... which has not left since */
	__u32 nmi;		/* a kick was sent in NMI context */
};

/* Where a task goes instead of its own CPU's queue; the lab knows it by its pid */
struct lab_route {
	__u64 dsq;
	__u64 enq_flags;
	__s32 via;		/* not at once, but by ops.dispatch of this CPU; -1: at once */
	__u32 claims;		/* to ->dsq only if what its CPU runs could be claimed */
};

/* Arguments of the syscall programs. Kicks go to ->mask, ->victim or ->cpu as in struct lab_cpu */
struct lab_kick_args {
	__u64 flags;
	__u64 nr;
	__u64 mask;
	__s32 victim;
	__s32 cpu;
	__u32 held;		/* out: CPU ->cpu stood still when the last kick was sent */
	__s32 ret;		/* out: what the last kick said */
	__u32 claims;		/* out: kicks that said 0 */
	__u32 refusals;		/* out: kicks that said -EBUSY */
};

struct lab_timer_args {
	__s32 cpu;
};

#endif	/* __KICK_LAB_H__ */
