/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kick tests are made of: the lab (kick_lab.bpf.c), workers that it schedules, kicks and
 * interrupt counts. The controlling thread stays on CPU 0 and in the fair class.
 */
#ifndef __KICK_TEST_H__
#define __KICK_TEST_H__

#include <bpf/bpf.h>
#include <pthread.h>
#include <semaphore.h>
#include <scx/common.h>
#include "kick_lab.h"
#include "kick_lab.bpf.skel.h"
#include "kick_machine.h"
#include "scx_test.h"

#define KICK_IDLE	1ULL
#define KICK_PREEMPT	2ULL
#define KICK_WAIT	4ULL
#define KICK_LAZY	8ULL

#define DSQ_LOCAL	0x8000000000000002ULL
#define DSQ_LOCAL_ON	0xc000000000000000ULL
#define ENQ_PREEMPT	0x100000000ULL
#define ENQ_HEAD	0x10ULL

#define LAB_MAX_WORKERS	64

struct lab;

struct worker {
	struct lab *lab;
	void (*body)(struct worker *w);
	pthread_t thread;
	pid_t tid;
	int cpu;		/* where it starts */
	int target;		/* for bodies that kick: this CPU */
	struct worker *victim;	/* ... this task if not NULL */
	u64 mask;		/* ... these CPUs if not 0 */
	u64 flags;
	sem_t ready, bell;
	bool stop;
	bool in_order;		/* see kick_wait_order */
	s32 said;		/* what the last kick said */
	int ran_on;
	unsigned long turns;
};

struct lab {
	struct kick_lab *skel;
	struct lab_cpu *cpus;
	struct bpf_link *link;
	struct bpf_link *tracer;
	struct bpf_link *clocks[LAB_NR_CPUS];	/* see lab_clock */
	cpu_set_t affinity;
	u64 waited;		/* ns, see LAB_WAIT_KICKED() */
	int nr_cpus;
	int nr_workers;
	struct worker workers[LAB_MAX_WORKERS];
};

struct irqs {
	u64 res;		/* reschedule interrupts */
	u64 cal;		/* function calls */
	u64 iwi;		/* irq_work, always sent to oneself here */
};

enum scx_test_status lab_setup(void **ctx);
void lab_cleanup(void *ctx);

/* Load and attach the scheduler, with @tracer (of the skeleton's '?' programs) if not NULL */
bool lab_start(struct lab *lab, struct bpf_program *tracer);
bool lab_attach(struct lab *lab);
/* Unload it. True if it was in control until now */
bool lab_stop(struct lab *lab);
/* The scheduler was thrown out; true if its message has @what in it */
bool lab_ended_with(struct lab *lab, const char *what);

/* Start a thread on CPU @cpu. SCHED_EXT workers are in their queue when this returns */
struct worker *lab_work(struct lab *lab, int cpu, int policy, void (*body)(struct worker *w));
/* A SCHED_EXT worker that does not give way. It runs when this returns */
struct worker *lab_spin(struct lab *lab, int cpu);
/* Two of these on CPU 1. The first one runs when this returns */
bool lab_spin_two(struct lab *lab, struct worker *w[2]);
/* Of these the one that CPU 1 runs: a task of a higher class may have changed their order */
struct worker *lab_running(struct lab *lab, struct worker *w[2]);
struct worker *lab_other(struct worker *w[2], struct worker *one);
/* Two SCHED_EXT workers that take turns on CPU @cpu, by kicks of it and sched_yield() */
bool lab_take_turns(struct lab *lab, int cpu);
/* Let a worker run on CPUs @first to @last */
bool lab_roam(struct worker *w, int first, int last);
/*
 * The worker's last turn was on @cpu. Or nobody can tell: with PREEMPT_RT a task that holds a lock
 * stays where it is, wherever it is dispatched to
 */
bool lab_ran_on(struct worker *w, int cpu);
/* The worker takes another turn */
bool lab_goes_on(struct worker *w);
/* End and forget all of them */
void lab_let_go(struct lab *lab);
/* Off its CPU, not only on its way: a wake-up now goes through the scheduler */
bool lab_asleep(struct worker *w);
/* Wake a worker, once it sleeps */
bool lab_ring(struct worker *w);

/* Bodies */
void work_spin(struct worker *w);
void work_doze(struct worker *w);
void work_on_bell(struct worker *w);
void work_kick_and_yield(struct worker *w);
/* ... its own CPU, and takes its turn when that has called ops.dispatch */
void work_kick_myself(struct worker *w);

/* @nr kicks of CPU @cpu in a row. @held: it stood still to the end, see lab_hold() */
bool lab_kick(struct lab *lab, int cpu, u64 flags, u64 nr);
bool lab_kick_held(struct lab *lab, int cpu, u64 flags, u64 nr, bool *held);
/* One kick of a task or of some CPUs: what scx_bpf_kick_task() or scx_bpf_kick_cpumask() says */
s32 lab_kick_task(struct lab *lab, struct worker *w, u64 flags);
s32 lab_kick_mask(struct lab *lab, u64 cpus, u64 flags);
bool lab_send(struct lab *lab, struct lab_kick_args *args);
bool lab_worker_kicks(struct worker *w);
bool lab_start_timer(struct lab *lab, int cpu, u32 period_ns);
void lab_order(struct lab *lab, int cpu, enum lab_hook hook, int target, u64 flags, u64 left);
bool lab_set_policy(struct worker *w, int policy);
bool lab_route(struct lab *lab, struct worker *w, u64 dsq, u64 enq_flags, int via);

bool lab_hold(struct lab *lab, int cpu, enum lab_hook hook);
void lab_unhold(struct lab *lab, int cpu);
struct irqs lab_irqs(int cpu);
/* CPU @cpu got fewer than @few interrupts of each kind since @before, but for @res kicks */
enum scx_test_status lab_few_irqs(int cpu, struct irqs before, u64 res, u64 few);

#define LAB_WAIT_UNTIL(__lost, __cond)	WAIT_UNTIL(__lost, 50, __cond)
#define LAB_WAIT(__cond)		LAB_WAIT_UNTIL(lost_at(), __cond)

#define LAB_COMES(__cond)						\
	SCX_FAIL_IF(!LAB_WAIT(__cond), "This never came: %s", #__cond)

/*
 * Wait for what follows a kick. All that a test waits for so has the time of one event: a CPU also
 * schedules now and then for reasons of its own, which makes up for a lost kick, but not for many.
 */
#define LAB_WAIT_KICKED(__lab, __cond)					\
({									\
	u64 __start = now_ns(), *__waited = &(__lab)->waited;	\
	u64 __lost = lost_at() - *__waited;				\
	bool __followed = LAB_WAIT_UNTIL(__lost, __cond);		\
									\
	*__waited += now_ns() - __start;				\
	__followed;							\
})

#define LAB_FOLLOWS(__lab, __cond)					\
	SCX_FAIL_IF(!LAB_WAIT_KICKED(__lab, __cond), "This did not follow: %s", #__cond)

/*
 * Wait for what a kick of CPU @cpu brings about. @send sends it: again if a task of a higher class
 * had the CPU or has taken it meanwhile, since the kick is right not to touch the sched_ext task
 * under that.
 */
#define LAB_BRINGS(__lab, __cpu, __send, __cond)			\
({									\
	struct lab *__l = (__lab);					\
	struct lab_cpu *__lc = &__l->cpus[__cpu];			\
	bool __brought, __in_time;					\
	u32 __displaced, __below;					\
									\
	do {								\
		__displaced = shared(__lc->displaced);			\
		__below = shared(__lc->below);				\
		SCX_ASSERT(__send);					\
		__in_time = LAB_WAIT_KICKED(__l, (__brought = (__cond)) || \
					    shared(__lc->displaced) != __displaced || \
					    shared(__lc->below) < __below); \
	} while (__in_time && !__brought);				\
	SCX_FAIL_IF(!__brought, "The kick did not bring about %s", #__cond); \
})

#define LAB_KICK_BRINGS(__lab, __cpu, __flags, __cond)			\
({									\
	struct lab *__kicked = (__lab);					\
	int __at = (__cpu);						\
									\
	LAB_BRINGS(__kicked, __at, lab_kick(__kicked, __at, __flags, 1), __cond); \
})

/*
 * Run @body, which finds the lab in its context: again, twice at most and in a new lab, if it has
 * failed after a CPU that it held went on before it was let go
 */
enum scx_test_status lab_run(struct lab *lab, enum scx_test_status (*body)(void *ctx));

/*
 * What a kernel without this kick path does in the test: the same, the same in a way of its own,
 * the wrong thing, or what leaves the machine hanging or broken. The word in front is for programs.
 */
#define STOCK_PASSES		"passes"
#define STOCK_PASSES_SO(__how)	"passes: " __how
#define STOCK_FAILS(__how)	"fails: " __how
#define STOCK_BREAKS(__how)	"breaks: " __how

/* Behind one of these: what is wrong in others is right in that version */
#define BUT_PASSES_ON(__version)	", but passes on " __version

/* @__stock: one of these */
#define LAB_TEST(__name, __desc, __stock)				\
static enum scx_test_status run_##__name(void *lab)			\
{									\
	return lab_run(lab, __name);					\
}									\
									\
static struct scx_test test_##__name = {				\
	.name = #__name,						\
	.description = "Verify that " __desc " (stock " __stock ")",	\
	.setup = lab_setup,						\
	.run = run_##__name,						\
	.cleanup = lab_cleanup,						\
};									\
									\
__attribute__((constructor))						\
static void register_##__name(void)					\
{									\
	scx_test_register(&test_##__name);				\
}

#endif	/* __KICK_TEST_H__ */
