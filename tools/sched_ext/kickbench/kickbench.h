/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scx_kickbench: what its scenarios share, and the list that they are in.
 */
#ifndef __KICKBENCH_H
#define __KICKBENCH_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include <scx/kick_compat.h>
#include <scx/loader.h>
#include "../scx_kickbench.h"
#include "scx_kickbench.bpf.skel.h"

#ifndef SCHED_EXT
#define SCHED_EXT	7
#endif

#define ARRAY_SIZE(x)		(sizeof(x) / sizeof((x)[0]))
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELAXED)

#define NSEC_PER_SEC	1000000000ULL
#define SLICE_INF	(~0ULL)

/* scx_kickbench.c */

struct scenario {
	const char	*name;
	const char	*help;
	void		(*run)(void);
	void		(*run_unloaded)(void);	/* without the BPF scheduler */
};

extern const struct scenario cycle_scenario, clock_scenario, ipi_scenario, cost_scenario,
	from_scenario, task_scenario, lazy_scenario, round_scenario, mask_scenario, herd_scenario,
	latency_scenario, urgent_scenario;

struct settings {
	int		reps;
	double		secs;
	int		nr_cpus, kicker, target;
	const char	*unit;
	bool		exact;		/* the clock counts instructions */
	bool		wait_works, tsv;
};

extern struct settings opts;
extern struct scx_kickbench *skel;

/* Ends the program if the BPF scheduler has gone, or a signal has come */
void check_alive(void);

/* figures.c */

struct samples {
	u64		*v;
	size_t		n;
	size_t		room;
};

enum target { IDLE_CPU, BUSY_CPU, OWN_CPU, ALL_CPUS, NR_TARGETS };

/* What a row is about: the columns before the figures */
struct row {
	const char	*scenario;
	int		from;
	int		target;		/* enum target */
	int		kind;
	int		kicks;
	struct bpf_program *prog;	/* instead of kick() */
};

void add_sample(struct samples *s, u64 v);
/* The sample that stands for all. They are sorted after it. */
u64 typical(struct samples *s);
void subtract(struct samples *s, u64 base);

/* A figure from many samples. Each is divided by @per. The samples are gone after it. */
void report(const struct row *row, const char *measure, struct samples *s, double per,
	    bool histogram);
/* A figure that is one number */
void report_one(const struct row *row, const char *measure, const char *unit, double value);
/* Why there is no figure */
void report_none(const struct row *row, const char *measure, const char *fmt, ...);
/* However this process ends, what it printed is one document. */
void end_output(void);

/* machine.c */

u64 now_ns(void);
void sleep_us(long us);
long random_us(long min, long max);

enum { RES, CAL, IWI, NR_IRQS };
extern const char * const irq_names[NR_IRQS];
void read_irqs(u64 *irqs);

struct thread {
	pthread_t	pthread;
	int		cpu;
	void		*(*fn)(void *arg);
	u64		work;
	bool		*stop;
	pid_t		pid;
	void		*arg;
};

void pin(int cpu);
void set_policy(int policy);
void start_thread(struct thread *t, int cpu, void *(*fn)(void *arg), bool *stop);
/* Until each thread has got its CPU */
void wait_running(struct thread *t, int n);
void join_threads(struct thread *t, int n, bool *stop);
void relax(void);
/* A thread that does nothing but run */
void *spin_fn(void *arg);

/* Readings of the clock on a CPU with a gap between them: something else ran, or an interrupt. */
struct gap {
	u64	from;
	u64	to;
};

struct gaps {
	struct gap	last[256];
	u32		n;
};

/* A thread whose ->arg are the gaps that it sees */
void *gap_fn(void *arg);
/* The latest gap that began before @before and ended after @after */
struct gap *find_gap(struct gaps *gaps, u64 before, u64 after);

/* kicks.c */

enum { PLAIN, IDLE, PREEMPT, WAIT, LAZY, NR_KINDS };

struct kind {
	const char	*name;
	u64		flags;
	bool		present;
};

extern struct kind kinds[NR_KINDS];
extern const char * const from_names[KB_NR_FROM];
extern s32 task_ret;		/* of the last kick_task() */

/* How long after a kick */
struct delays {
	struct samples	cycle;		/* its cycle looked for a task, first of all it did */
	struct samples	off;		/* the victim went off the CPU */
	struct samples	run;		/* the next task got on it */
};

void run_prog(struct bpf_program *prog, void *ctx, size_t size);
struct kb_burst *burst(void);
struct kb_cpu *kb_cpu(int cpu);
u64 make_burst(const struct row *row, int cpu, int kicks, u64 *whole);
bool wait_seen(int cpu);
int target_cpus(const struct row *row, int *cpus);
u64 sum_served(const int *cpus, int n);
void show_cycles(bool plain);
int start_victims(struct thread *threads, const int *cpus, int n, bool *stop);
void settle(struct thread *threads, int n);
void add_delays(struct delays *d, int cpu);
void report_delays(const struct row *row, struct delays *d);

#endif	/* __KICKBENCH_H */
