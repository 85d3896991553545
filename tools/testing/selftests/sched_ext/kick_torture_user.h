/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of kick_torture's user space share.
 *
 * kick_torture.c         options, set-up, the run
 * kick_torture_books.c   the books, and the verdict
 * kick_torture_faults.c  the faults
 * kick_torture_tasks.c   the scheduler, loaded and unloaded, and the tasks that it gets
 * kick_torture_sub.c     the sub-scheduler, and the root that may have one
 * kick_torture_common.c  what all of them stand on
 *
 * Each calls only those below it.
 */
#ifndef __KICK_TORTURE_USER_H__
#define __KICK_TORTURE_USER_H__

#include <linux/compiler.h>
#include <pthread.h>
#include "kick_machine.h"
#include "kick_sub_caps.h"
#include "kick_torture.h"
#include "kick_torture.bpf.skel.h"

struct torture_opts {
	u32 secs;
	u64 kicks;
	u64 seed;
	u32 sets;
	u32 burst;
	const char *suspend;
	bool verbose;
};

struct fault {
	const char *name;
	const char *what;
	void (*strike)(struct fault *fault, u64 *random);
	const char *(*prepare)(void);	/* NULL, or why it is not possible */
	u32 every_ms;
	bool each_cpu;		/* as many at the same time as there are CPUs */
	bool on;
	u64 strikes, refused;
};

/* What all CPUs have counted, added up */
struct books {
	u64 contexts[TORTURE_NR_CONTEXTS][TORTURE_NR_FATES];
	u64 kinds[TORTURE_NR_KINDS][TORTURE_NR_FATES];
	struct torture_seq seq[TORTURE_NR_SEQS];
	u64 made, dropped, left_out;
	u64 uncounted, unsure, own;
	u64 claims, busy, gone, kept, woken;
	u64 judged_kicks, judged_slices;
	u64 waits, waits_broken;
	u64 self_kept, owed;
	u64 cycles, samples, judged;
	u64 longest_ns;
	u64 late[64];
};

/* Who draws random numbers, see seed_of() */
enum seeds {
	SEED_CPUS	= 0,
	SEED_WORKERS	= 0x10000,
	SEED_FAULTS	= 0x20000,
	SEED_MASKS	= 0x30000,
	SEED_RUN	= 0x40000,
};

/* kick_torture_common.c */

extern struct torture_opts opts;
extern struct kick_torture *skel;
extern struct torture_cpu *cpus;
extern struct torture_orders *orders;
extern int nr_cpus;

extern const char * const context_names[TORTURE_NR_CONTEXTS];
extern const char * const kind_names[TORTURE_NR_KINDS];

/* All tasks sleep until then, those of the faults, too */
extern u64 rest_until;
/* Faults strike no more */
extern bool stop_faults;

/* What fails first gets into the verdict */
__printf(1, 2) void fail(const char *fmt, ...);
bool failed(void);
/* What has failed first, empty if nothing has */
const char *first_failure(void);

/* A state for each user of random numbers, never 0 */
u64 seed_of(u32 user);

/* Samples, timer and events of the CPU: they end when it goes offline */
void watch(int cpu);
void unwatch(int cpu);

/* False if the thread does not end */
bool join(pthread_t thread, const char *what);

/* kick_torture_sub.c */

struct btf;

/* NULL: there are none here */
extern struct kick_torture *parent, *sub;

bool knows_subs(const struct btf *kernel);
/* For tasks of @cgroup, by its id */
bool open_subs(u64 cgroup);
void close_subs(void);
struct bpf_map *cid_ops(struct kick_torture *sched);
/* One whose programs kick for @control, which is loaded, or for its sub-scheduler */
struct kick_torture *any_kicker(struct kick_torture *control, u64 random);

bool attach_sub(void);
void detach_sub(void);
bool sub_is_attached(void);
bool sub_has_ended(void);
void change_caps(bool grant, u64 caps, u64 cids);

/* kick_torture_tasks.c */

/* @sched is loaded, and nobody has told it to go */
bool is_in_control(struct kick_torture *sched);

/* The scheduler is told to go by @signal to its process, by sysrq-S if that is 0 */
bool prepare_tasks(void);
void load(u64 *random);
void unload(int signal);
void reload(int signal, u64 *random);
void revive(u64 *random);
/* The one that is loaded stays so until it may change again */
void let_change(bool may);

bool start_workers(void);
bool end_workers(void);
void check_workers(void);
pid_t any_worker(u64 *random);
pid_t any_mover(u64 *random);
pid_t any_spinner(u64 *random);

/* kick_torture_faults.c */

extern struct fault faults[];
extern const int nr_faults;

bool start_faults(void);
bool end_faults(void);
/* Its id, 0: there is none */
u64 sub_cgroup(void);

/* kick_torture_books.c */

void open_books(void);
void add_up(struct books *b);
void check_lost(void);
void wait_for_rest(const char *when);
int close_books(u64 ns);

#endif	/* __KICK_TORTURE_USER_H__ */
