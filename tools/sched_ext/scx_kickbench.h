/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scx_kickbench: what the BPF scheduler and its loader share.
 */
#ifndef __SCX_KICKBENCH_H
#define __SCX_KICKBENCH_H

enum {
	KB_MAX_CPUS	= 512,
	KB_MAX_KICKS	= 64,		/* in one burst */
	KB_MAX_SAMPLES	= 4096,		/* a power of 2 */
};

/* Where a burst of kicks is made from */
enum kb_from {
	KB_NOWHERE,
	KB_SYSCALL,			/* a syscall program */
	KB_NOPREEMPT,			/* a syscall program that has turned preemption off */
	KB_ENQUEUE,			/* ops.enqueue() of the kicker's own wake-up */
	KB_DISPATCH,			/* ops.dispatch() of the kicker's CPU */
	KB_TICK,			/* ops.tick() while the kicker runs */
	KB_TIMER,			/* a BPF timer on the kicker's CPU */
	KB_NR_FROM,
};

/* One burst, set by the kicker before it arms it with ->from */
struct kb_burst {
	__s32	from;
	__s32	cpu;			/* the kicker's */
	__s32	pid;			/* the kicker's */
	__s32	target;
	__u64	flags;
	__u32	kicks;

	__u64	start;			/* clock before and after the kicks */
	__u64	end;
	__u64	done;			/* bursts made so far */
};

/* One CPU as a target of kicks */
struct kb_cpu {
	__u64	seq;			/* kicks asked for, counted before they are made */
	__u64	seen;			/* ->seq as its last cycle found it */
	__u64	cycle_at;		/* when it did so first */
	__u64	served;			/* cycles that saw a kick that no other had seen */
	__u64	off_seq;		/* ->seq when a task went off the CPU ... */
	__u64	off_at;
	__u64	run_seq;		/* ... and when a task got on it */
	__u64	run_at;
	__s32	pid;			/* the task that runs */
	__u32	pad[15];		/* no other CPU in this line or the next */
};

/* The target of a herd */
struct kb_herd {
	__u64	asked_at;		/* when it was kicked first since a task went off it */
	__u64	taken_at;		/* ->asked_at of the task that went off last ... */
	__u64	off_at;			/* ... and when it did so */
	__s32	cpu;
	__u32	pad;
	__u64	nr;			/* samples so far, the last ones are kept */
	__u64	off[KB_MAX_SAMPLES];	/* from ->asked_at to the victim off the CPU ... */
	__u64	run[KB_MAX_SAMPLES];	/* ... and to the next task on it */
};

/* The task that preempts in the application's view */
struct kb_urgent {
	__s32	pid;
	__u32	nr_cpus;
	__u32	next_cpu;
	__u64	woken_at;
	__u64	run_at;
	__u64	kicks;
};

/* Argument of the syscall program */
struct kb_args {
	__s32	target;
	__u32	kicks;
	__u64	flags;
	__u32	rounds;			/* so often, with @kicks each time */
	__u32	nr_cpus;
	__u32	self;
	__u32	nopreempt;
	__s32	pid;			/* task to kick */
	__s32	ret;			/* of the last kick of it */
	__u64	start;
	__u64	end;
};

#endif	/* __SCX_KICKBENCH_H */
