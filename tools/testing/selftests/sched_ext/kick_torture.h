/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kick_torture's BPF programs (kick_torture.bpf.c) and its user space share. The types are
 * those of scx/common.bpf.h and scx/common.h.
 */
#ifndef __KICK_TORTURE_H__
#define __KICK_TORTURE_H__

/* One more than the largest CPU number, and than the largest number of workers */
#define TORTURE_NR_CPUS		256
#define TORTURE_NR_WORKERS	1024

/* How many kicks of each CPU are remembered with their origin */
#define TORTURE_NR_RECENT	64

/* A CPU that has gone through so many cycles and got nothing done in between is left in peace */
#define TORTURE_RESTLESS	200

/*
 * A task that is to be preempted executes no user code after the interrupt that it is in, of which
 * there may be a few samples
 */
#define TORTURE_WENT_ON		8

/*
 * Where a task has a slice that ends, the tick takes from it: far more often than once in so many
 * samples
 */
#define TORTURE_STILL		100

/* A kick that is left to the tick is served after the next one: not so many later */
#define TORTURE_LAZY_TICKS	8

/* How long a CPU that is about to idle waits for a kick at most, with its rq locked */
#define TORTURE_LINGER_NS	100000

/* Sets of CPUs that are kicked in one call, and table of kinds to choose from: powers of two */
#define TORTURE_NR_MASKS	16
#define TORTURE_NR_CHOICES	64

/* How many kicks of what belongs to one enqueueing are asked for again, see owe() */
#define TORTURE_NR_OWED		16

/* How many tasks wait in BPF's own queue at most */
#define TORTURE_NR_QUEUED	64

/*
 * Whose programs these are. Where the kernel has sub-schedulers, a scheduler that may have one
 * knows CPUs by their cids, and each program belongs to one scheduler: the BPF object is loaded
 * three times
 */
enum torture_role {
	TORTURE_BY_CPU,		/* a root that knows CPUs by number, and whoever belongs to none */
	TORTURE_ROOT,		/* one that knows them by cid */
	TORTURE_SUB,		/* the sub-scheduler of that */
};

/* Where a kick is made */
enum torture_context {
	TORTURE_SELECT_CPU,
	TORTURE_ENQUEUE,
	TORTURE_DEQUEUE,
	TORTURE_DISPATCH,
	TORTURE_TICK,
	TORTURE_RUNNABLE,
	TORTURE_RUNNING,
	TORTURE_STOPPING,
	TORTURE_QUIESCENT,
	TORTURE_YIELD,
	TORTURE_CORE_SCHED_BEFORE,
	TORTURE_SET_CPUMASK,
	TORTURE_SET_WEIGHT,
	TORTURE_ENABLE,
	TORTURE_DISABLE,
	TORTURE_CGROUP_MOVE,
	TORTURE_CPU_ACQUIRE,
	TORTURE_CPU_RELEASE,
	TORTURE_UPDATE_IDLE,
	TORTURE_CPU_ONLINE,
	TORTURE_CPU_OFFLINE,
	TORTURE_INIT_TASK,
	TORTURE_EXIT_TASK,
	TORTURE_CGROUP,
	TORTURE_SUB_ATTACH,	/* also that it is detached */
	TORTURE_SUB_CAPS,
	TORTURE_DUMP,
	TORTURE_INIT,		/* the last of the operations */
	TORTURE_TIMER,
	TORTURE_SYSCALL,
	TORTURE_SYS_ENTER,
	TORTURE_USER_ENTER,
	TORTURE_FPU_RETURN,
	TORTURE_KVM_ENTRY,
	TORTURE_SWITCH,
	TORTURE_WAKEUP,
	TORTURE_IDLE,
	TORTURE_SOFTIRQ,
	TORTURE_HARDIRQ,
	TORTURE_EVENT,
	TORTURE_NMI,
	TORTURE_NR_CONTEXTS,
};

enum torture_kind {
	TORTURE_PLAIN,
	TORTURE_KIND_IDLE,
	TORTURE_PREEMPT,
	TORTURE_WAIT,
	TORTURE_PREEMPT_WAIT,
	TORTURE_MASK,		/* scx_bpf_kick_cpumask(), SCX_KICK_PREEMPT */
	TORTURE_MASK_IDLE,	/* the same, SCX_KICK_IDLE */
	TORTURE_KIND_TASK,	/* scx_bpf_kick_task() */
	TORTURE_LAZY,		/* SCX_KICK_PREEMPT_LAZY */
	TORTURE_LAZY_TASK,	/* scx_bpf_kick_task() with it */
	TORTURE_CURR,		/* scx_bpf_kick_curr() */
	TORTURE_CURR_IDLE,	/* the same, SCX_KICK_IDLE */
	TORTURE_IDLE_NR,	/* scx_bpf_kick_idle() */
	TORTURE_NR_KINDS,
};

/* With a kind, where both are remembered: it was the sub-scheduler's */
#define TORTURE_BY_SUB		0x80

/* Only for a CPU that is idle */
static inline bool idles(u32 kind)
{
	return kind == TORTURE_KIND_IDLE || kind == TORTURE_MASK_IDLE ||
	       kind == TORTURE_CURR_IDLE || kind == TORTURE_IDLE_NR;
}

/* What becomes of it: served, alone or with others, or dropped for a reason */
enum torture_fate {
	TORTURE_LIVE,
	TORTURE_NOT_LOADED,
	TORTURE_BYPASSED,
	TORTURE_OFFLINE,
	TORTURE_DENIED,		/* the sub-scheduler may not kick that CPU */
	TORTURE_NR_FATES,
};

/*
 * Kicks of one CPU, as four sequences: a kick raises ->asked before it is made, and each
 * scheduling cycle begins with ->seen = ->asked. Kicks that leave a busy CPU alone have a sequence
 * of their own, and so has what SCX_KICK_PREEMPT adds: there, a cycle counts that finds no slice
 * left. By a sub-scheduler, also one that finds a task which that may not preempt.
 */
enum torture_sequence {
	TORTURE_SEQ_CYCLE,
	TORTURE_SEQ_IDLE,
	TORTURE_SEQ_PREEMPT,
	TORTURE_SEQ_SUB,
	TORTURE_NR_SEQS,
};

struct torture_seq {
	u64 asked;
	u64 seen;
	u64 again;		/* of ->asked, by others than kicks, see owe() */
	u64 excused;		/* of ->asked, which the kernel may have dropped, see excuse() */
	u64 excused_seen;	/* of these, before ->seen */
	u64 served;		/* kicks that were the first one of those that a cycle served */
	u64 coalesced;		/* kicks served with them */
	u64 lost;
	u64 witnessed;	/* ->asked, some time ago; see torture_sample() */
};

/* A wait that is still to be seen, see torture_waited() */
struct torture_expected {
	s32 cpu;
	u32 context;
	u32 number;		/* of the cycle that @cpu was in */
	u64 entries;		/* of @cpu */
	u32 entered;
	u64 epoch;
	u64 switches;		/* those of the CPU that kicked */
	u64 own_cycles;		/* 0: kicked inside of a cycle */
	u64 own_entries;
	u32 went_on;		/* samples of user code since then, and no cycle */
};

/*
 * Kicks that a cycle is to serve which begins after what their operations belong to is complete: a
 * task's enqueueing, or a dispatch. A CPU is in one of either at a time.
 */
struct torture_owed {
	u64 task;
	u32 nr;
	u32 on;
	u32 selected;		/* it is that of a wake-up that ops.select_cpu() was called for */
	u32 kicks[TORTURE_NR_OWED];	/* target, kind and context */
};

struct torture_cpu {
	/* As a target: written by kickers */
	struct torture_seq seq[TORTURE_NR_SEQS];
	u64 first_seq;		/* the first kick that no cycle has served yet */
	u64 first_ns;		/* when it was made */
	u32 recent[TORTURE_NR_RECENT];	/* context, kind and kicker of the last kicks */

	/* As a target: written by itself */
	u64 cycles;
	u64 switches;		/* to a sched_ext task */
	u64 started;		/* the task that runs, if it has started as one */
	u64 entries;		/* tasks that have become one while they ran */
	u32 entered;		/* the one that runs has, since the last cycle */
	u64 longest_ns;		/* from a kick to the cycle that serves it */
	u64 late[64];		/* kicks by the power of two of that time */
	u64 samples;
	u64 judged;		/* samples that would have found a lost kick */
	u64 rested;		/* ->cycles, when it was last seen idle or in user mode */
	u64 passed;		/* the grace period of the last sample outside of any kick */
	u64 witness_grace;	/* when ->witnessed was taken, 0: never */
	u32 asleep;		/* in the innermost part of the idle loop */
	u64 cap_changes;	/* how often the sub-scheduler's caps have changed here */
	u32 slice_before;	/* the task has one that is judged for the sub-scheduler */
	u32 asked_before;	/* by that */
	u64 judged_slices;	/* taken from those that it may preempt */
	u64 trespasses;		/* ... from others */
	u64 not_taken;		/* from those that it may preempt */

	/* As a kicker */
	u64 kicks[TORTURE_NR_CONTEXTS][TORTURE_NR_FATES];
	u64 kinds[TORTURE_NR_KINDS][TORTURE_NR_FATES];
	u64 left_out;		/* kicks not made, see ready() */
	u64 uncounted;		/* the kernel does not count those, see ask_of_mask() */
	u64 unsure;		/* it may have or not: CPUs came or went, or see settle() */
	u64 own;		/* of the kernel itself, or made up for, see kick_task() */
	u64 claims, busy, gone;	/* a task or a CPU was kicked: 0, -EBUSY, -ESRCH, ... */
	u64 kept;		/* ... another error */
	u64 woken;		/* idle CPUs, as the kernel says */
	u64 refused;		/* kicks, for want of caps */
	u64 judged_kicks;	/* of the sub-scheduler, of which it is known what caps it had */
	u64 misjudged;		/* ... and that the kernel should have refused or made */
	u32 misjudged_context;	/* of the last one */
	u64 random[TORTURE_NR_CONTEXTS];
	u32 kicking;		/* in a kick, or its task was when another one preempted it */
	u32 first;		/* such tasks that are to run next */

	struct torture_expected wait;
	struct torture_expected broken;	/* the last one that was not kept */
	u64 waits;		/* waits seen to be kept */
	u64 waits_broken;
	u32 wait_on;		/* ->wait is to be looked at */

	struct torture_owed enqueue, dispatch;
	u64 owed;		/* kicks that were asked for again */

	/* Kicks of the own CPU on the way to user space, as ->asked, see expect_self() */
	u64 self_asked;
	u64 self_kept;		/* how many were seen to be served before */
	u64 self_broken;
	u32 self_context;
	u32 self_broken_context;	/* of the last one that was not */

	/* The slice of a task that executes user code, at the last so many samples of one cycle */
	u64 still_slice;
	u64 still_cycles;
	u32 still;
	u32 tick_lost;

	/* A kick that was left to the tick has seen so many of one cycle */
	u64 lazy_cycles;
	u32 lazy_ticks;
	u32 lazy_late;

	/* Orders of user space */
	u32 alone;		/* one kick at a time, so that a lost one is not made up for */
	u32 watched;		/* its samples count: grace periods wait for it */
};

/* Of user space */
struct torture_orders {
	u64 contexts;		/* a bit for each one that kicks */
	u8 choices[TORTURE_NR_CHOICES];	/* kinds, the frequent ones more often */
	u32 one_in;		/* operations and events make a kick one time in so many */
	u32 endless;		/* some slices do not end */
	u32 timer_ns;
	u32 stop;
	u64 cgroup;		/* of the sub-scheduler */
	u32 nr_workers;
	s32 workers[TORTURE_NR_WORKERS];
};

/* Arguments of the syscall programs */
struct torture_kick_args {
	u32 nr;
};

struct torture_timer_args {
	u32 cpu;
};

#endif	/* __KICK_TORTURE_H__ */
