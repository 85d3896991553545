// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs on their way to idle, and CPUs without a tick. The latter are those of nohz_full=, which the
 * kernel ticks for once a second from elsewhere: a slice that ends only then has not been seen to.
 */
#include <stdio.h>
#include "kick_test.h"
#include "kick_edge.h"
#include "kick_edge.bpf.skel.h"

#define ROUNDS		50
#define TICKLESS_ROUNDS	12
#define SLICE_NS	(5 * NSEC_PER_MSEC)

static struct kick_edge *skel;
static struct edge *edge;

static bool start(struct lab *lab)
{
	skel = kick_edge__open();
	if (!skel)
		return false;
	SCX_ENUM_INIT(skel);
	if (kick_edge__load(skel))
		return false;
	edge = &skel->bss->edge;
	lab->cpus = skel->bss->edge_cpus;
	lab->link = bpf_map__attach_struct_ops(skel->maps.kick_edge_ops);
	return lab->link;
}

static bool stop(struct lab *lab)
{
	bool stays = skel && skel->data->uei.kind == EXIT_KIND(SCX_EXIT_NONE);

	if (skel && !stays)
		fprintf(stderr, "The scheduler had ended before: %s\n", skel->data->uei.msg);
	bpf_link__destroy(lab->link);
	lab->link = NULL;
	lab_let_go(lab);
	lab->cpus = NULL;
	kick_edge__destroy(skel);
	return stays;
}

/* The lab's workers, but not its scheduler */
static enum scx_test_status on_edge(struct lab *lab, enum scx_test_status (*body)(struct lab *lab))
{
	enum scx_test_status status = SCX_TEST_FAIL;

	if (start(lab))
		status = body(lab);
	else
		SCX_ERR("Failed to load the scheduler");
	return stop(lab) ? status : SCX_TEST_FAIL;
}

static struct worker *sleeper(struct lab *lab, int cpu, int last_cpu)
{
	struct worker *w = lab_work(lab, cpu, SCHED_EXT, work_on_bell);

	return w && LAB_WAIT(lab_asleep(w)) && lab_roam(w, cpu, last_cpu) ? w : NULL;
}

static enum scx_test_status go_idle(struct lab *lab)
{
	struct worker *w = sleeper(lab, 1, 1);
	u64 in_mask;
	int i;

	SCX_ASSERT(w);
	in_mask = edge->in_mask;
	for (i = 0; i < ROUNDS; i++)
		SCX_ASSERT(lab_ring(w) && LAB_WAIT(w->turns == i + 1));
	SCX_ASSERT(LAB_WAIT(lab_asleep(w)));
	SCX_EQ(edge->not_in_mask, 0);
	SCX_GE(edge->in_mask, in_mask + ROUNDS - 1);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_idle_mask(void *ctx)
{
	return on_edge(ctx, go_idle);
}

/*
 * CPU 1 has found the shared queue empty and is on its way to idle. CPU 0 puts a task there and
 * kicks CPU 1 if the idle mask says that this is idle. One of both sees the other.
 */
static enum scx_test_status miss_each_other(struct lab *lab)
{
	struct worker *w, *waiter;
	int i;

	w = sleeper(lab, 1, 1);
	SCX_ASSERT(w);
	waiter = sleeper(lab, 0, 1);
	SCX_ASSERT(waiter);
	edge->look = true;
	edge->waiter = waiter->tid;
	for (i = 0; i < ROUNDS; i++) {
		u64 lingers = edge->lingers;

		SCX_ASSERT(LAB_WAIT(lab_asleep(w) && lab_asleep(waiter)));
		set_shared(edge->linger, 1);
		sem_post(&w->bell);
		LAB_COMES(shared(edge->lingers) != lingers);
		sem_post(&waiter->bell);
		LAB_FOLLOWS(lab, waiter->turns == i + 1);
		SCX_ASSERT(lab_ran_on(waiter, 1));
	}
	SCX_GT(edge->met, ROUNDS / 4);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_idle_interlock(void *ctx)
{
	return on_edge(ctx, miss_each_other);
}

static const char *const servers[] = {
	"/sys/kernel/debug/sched/fair_server/cpu1/runtime",
	"/sys/kernel/debug/sched/ext_server/cpu1/runtime",
};

/* A server that has a share of CPU 1 for a class of tasks keeps the tick there */
static enum scx_test_status on_tickless(void *ctx,
					enum scx_test_status (*body)(struct lab *lab))
{
	char runtime[ARRAY_SIZE(servers)][32] = {};
	enum scx_test_status status;
	int i;

	if (!is_tickless(1))
		return SCX_TEST_SKIP;
	for (i = 0; i < ARRAY_SIZE(servers); i++) {
		if (get(servers[i], runtime[i], sizeof(runtime[i])))
			put(servers[i], "0");
	}
	status = on_edge(ctx, body);
	for (i = 0; i < ARRAY_SIZE(servers); i++) {
		if (runtime[i][0])
			put(servers[i], runtime[i]);
	}
	return status;
}

/* The waiter runs, and that was not for want of a tick that the CPU itself has not made */
static enum scx_test_status runs_in_time(struct lab *lab, struct worker *waiter, u64 remote_ticks,
					 int *late)
{
	unsigned long turns = waiter->turns;

	SCX_ASSERT(lab_ring(waiter));
	LAB_FOLLOWS(lab, waiter->turns == turns + 1);
	SCX_ASSERT(lab_ran_on(waiter, 1));
	*late += edge->remote_ticks != remote_ticks;
	return SCX_TEST_PASS;
}

/* A task whose slice is endless keeps CPU 1, which has no tick any more */
static bool ticks_end(struct worker *runner)
{
	u64 remote_ticks = edge->remote_ticks;

	return lab_goes_on(runner) && LAB_WAIT(edge->remote_ticks != remote_ticks);
}

/* Again if a second later nothing has come of it: a task of a higher class was there */
static bool preempt_for_nothing(void)
{
	struct edge_kick_args args = { .cpu = 1, .flags = KICK_PREEMPT };
	u64 expired = edge->expired;
	int i;

	for (i = 0; i < 5 && shared(edge->expired) == expired; i++) {
		u64 remote_ticks = edge->remote_ticks;

		if (!run_program(skel->progs.edge_kick, &args, sizeof(args)) ||
		    !LAB_WAIT(edge->expired != expired || edge->remote_ticks != remote_ticks))
			return false;
	}
	return edge->expired != expired;
}

static enum scx_test_status end_slices(struct lab *lab, bool shorten)
{
	struct worker *runner, *waiter;
	int i, late = 0;

	waiter = sleeper(lab, 1, 1);
	SCX_ASSERT(waiter);
	runner = lab_spin(lab, 1);
	SCX_ASSERT(runner);
	edge->waiter = waiter->tid;
	edge->runner = runner->tid;
	edge->shorten = shorten ? SLICE_NS : 0;
	for (i = 0; i < TICKLESS_ROUNDS; i++) {
		u64 remote_ticks;

		SCX_ASSERT(ticks_end(runner));
		remote_ticks = edge->remote_ticks;
		SCX_ASSERT(shorten || preempt_for_nothing());
		if (runs_in_time(lab, waiter, remote_ticks, &late))
			return SCX_TEST_FAIL;
	}
	SCX_LT(late, TICKLESS_ROUNDS / 4);
	return SCX_TEST_PASS;
}

static enum scx_test_status shorten_slices(struct lab *lab)
{
	return end_slices(lab, true);
}

static enum scx_test_status renew_slices(struct lab *lab)
{
	return end_slices(lab, false);
}

static enum scx_test_status kick_tick_shortened(void *ctx)
{
	return on_tickless(ctx, shorten_slices);
}

static enum scx_test_status kick_tick_kept(void *ctx)
{
	return on_tickless(ctx, renew_slices);
}

static bool leave;

static void work_until_left(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop) {
		while (!shared(leave) && !shared(w->stop))
			count(w->turns);
	}
}

/* The runner wakes on an idle CPU, the waiter on another one */
static enum scx_test_status wake_with_slices(struct lab *lab)
{
	struct worker *runner, *waiter;
	int i, late = 0;

	waiter = sleeper(lab, 0, 1);
	SCX_ASSERT(waiter);
	runner = lab_work(lab, 1, SCHED_EXT, work_until_left);
	SCX_ASSERT(runner);
	edge->waiter = waiter->tid;
	edge->runner = runner->tid;
	edge->slice = SLICE_NS;
	for (i = 0; i < TICKLESS_ROUNDS; i++) {
		set_shared(leave, false);
		SCX_ASSERT(lab_ring(runner) && lab_goes_on(runner));
		if (runs_in_time(lab, waiter, edge->remote_ticks, &late))
			return SCX_TEST_FAIL;
		set_shared(leave, true);
		SCX_ASSERT(LAB_WAIT(lab_asleep(runner)));
	}
	SCX_LT(late, TICKLESS_ROUNDS / 4);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_tick_woken(void *ctx)
{
	return on_tickless(ctx, wake_with_slices);
}

LAB_TEST(kick_idle_mask,
	 "a CPU is in the idle mask when ops.update_idle() says that it goes idle",
	 STOCK_FAILS("puts it there later")
	 BUT_PASSES_ON("7.3"))

LAB_TEST(kick_idle_interlock,
	 "a CPU on its way to idle and a task queued for it do not miss each other if the idle mask is looked at",
	 STOCK_FAILS("leaves both waiting")
	 BUT_PASSES_ON("7.3"))

LAB_TEST(kick_tick_shortened,
	 "a kick ends a slice that was cut short on a CPU whose tick is off",
	 STOCK_FAILS("has no tick to end it"))

LAB_TEST(kick_tick_kept,
	 "a task kept after a kick gets its tick back with its finite slice",
	 STOCK_FAILS("has no tick to end it"))

LAB_TEST(kick_tick_woken,
	 "so does a task with a finite slice that wakes up on an idle CPU",
	 STOCK_FAILS("has no tick to end it") BUT_PASSES_ON("7.3"))
