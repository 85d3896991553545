/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kick tests, kick_torture, kick_bad_input and kick_flood ask of the machine.
 */
#ifndef __KICK_MACHINE_H__
#define __KICK_MACHINE_H__

#include <bpf/libbpf.h>
#include <sched.h>
#include <scx/common.h>
#include <time.h>
#include <unistd.h>

#ifndef SCHED_EXT
#define SCHED_EXT	7
#endif

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(__a)	(sizeof(__a) / sizeof((__a)[0]))
#endif

/* Newer headers have sched_ext's enumerators as variables of the program, set from the kernel's */
#ifndef SCX_ENUM_INIT
#define SCX_ENUM_INIT(__skel)	((void)(__skel))
#endif

#define NSEC_PER_MSEC	1000000ULL
#define NSEC_PER_SEC	1000000000ULL

/* What other threads and BPF programs read and write */
#define shared(__x)		__atomic_load_n(&(__x), __ATOMIC_SEQ_CST)
#define set_shared(__x, __v)	__atomic_store_n(&(__x), __v, __ATOMIC_SEQ_CST)
#define count(__x)		__atomic_fetch_add(&(__x), 1, __ATOMIC_SEQ_CST)

/* Look every so often until it comes, or the end */
#define WAIT_UNTIL(__end, __usecs, __cond)			\
({								\
	u64 __until = (__end);					\
	bool __came;						\
								\
	while (!(__came = (__cond)) && now_ns() < __until)	\
		usleep(__usecs);				\
	__came;							\
})

/* Does it come, before it has to be taken for lost? */
#define WAIT_FOR(__cond)	WAIT_UNTIL(lost_at(), 500, __cond)

u64 now_ns(void);

/* Never below 0: the clocks of two CPUs may differ a little */
u64 ns_since(u64 then);

/* What has not come for so long never will: KICK_LOST_SECS of the environment, or 30 */
u64 lost_secs(void);
u64 lost_at(void);

/* Of a state that is not 0 */
u64 next_random(u64 *state);

bool put(const char *path, const char *text);
bool put_number(const char *path, long number);
bool get(const char *path, char *text, size_t size);
bool press_sysrq(const char *key);

/* A CPU that can't go offline is online */
bool is_online(int cpu);
bool set_online(int cpu, bool online);

/* CPUs that are nohz_full, by number: false if there are none */
bool tickless(cpu_set_t *set);
/* This one is. Says so if not, for a test that is skipped then */
bool is_tickless(int cpu);

/* Nothing of a BPF scheduler is left */
bool no_scheduler(void);
/* One is on its way out */
bool scheduler_leaves(void);

bool go_to(int cpu);
bool go_anywhere(pid_t tid);
bool be(int policy, int priority);
void spin(u64 ns);

/* A syscall program: false if it can't be run, or returns something else than 0 */
bool run_program(struct bpf_program *prog, void *args, size_t size);

/* A perf event of the CPU, every so often, or -1 */
int open_event(int cpu, u32 type, u64 config, u64 period);

#endif	/* __KICK_MACHINE_H__ */
