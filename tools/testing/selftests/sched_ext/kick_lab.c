// SPDX-License-Identifier: GPL-2.0-only
/* The user-space half of the lab, see kick_test.h */
#include <err.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <scx/kick_compat.h>
#include "kick_test.h"
#include "util.h"

static bool open_lab(struct lab *lab)
{
	memset(lab, 0, sizeof(*lab));
	lab->nr_cpus = get_nprocs();
	sched_getaffinity(0, sizeof(lab->affinity), &lab->affinity);
	lab->skel = kick_lab__open();
	if (!lab->skel)
		return false;
	SCX_ENUM_INIT(lab->skel);
	/* Newer kernels dispatch in the pick */
	if (!__COMPAT_has_ksym("balance_scx") &&
	    bpf_program__set_attach_target(lab->skel->progs.lab_watch_cycles, 0, "pick_task_scx"))
		return false;
	bpf_program__set_autoload(lab->skel->progs.lab_start_timer, __COMPAT_has_bpf_timers());
	bpf_program__set_autoload(lab->skel->progs.lab_clock, !__COMPAT_has_bpf_timers());
	UEI_SET_SIZE(lab->skel, kick_lab_ops, uei);
	return go_to(0);
}

enum scx_test_status lab_setup(void **ctx)
{
	struct lab *lab;

	if (get_nprocs() < 4 || get_nprocs() > LAB_NR_CPUS) {
		fprintf(stderr, "Needs 4 to %d CPUs\n", LAB_NR_CPUS);
		return SCX_TEST_SKIP;
	}

	lab = malloc(sizeof(*lab));
	SCX_ASSERT(lab);
	if (!open_lab(lab)) {
		free(lab);
		SCX_FAIL("Failed to open the lab");
	}
	*ctx = lab;
	return SCX_TEST_PASS;
}

bool lab_attach(struct lab *lab)
{
	lab->skel->data->uei.kind = EXIT_KIND(SCX_EXIT_NONE);
	lab->link = bpf_map__attach_struct_ops(lab->skel->maps.kick_lab_ops);
	return lab->link;
}

bool lab_start(struct lab *lab, struct bpf_program *tracer)
{
	if (tracer)
		bpf_program__set_autoload(tracer, true);
	if (kick_lab__load(lab->skel))
		return false;
	lab->cpus = lab->skel->bss->lab_cpus;
	if (tracer) {
		lab->tracer = bpf_program__attach(tracer);
		if (!lab->tracer)
			return false;
	}
	return lab_attach(lab);
}

bool lab_stop(struct lab *lab)
{
	bpf_link__destroy(lab->link);
	lab->link = NULL;
	if (lab->skel->data->uei.kind == EXIT_KIND(SCX_EXIT_UNREG))
		return true;
	fprintf(stderr, "The scheduler had ended before: %s\n", lab->skel->data->uei.msg);
	return false;
}

bool lab_ended_with(struct lab *lab, const char *what)
{
	struct user_exit_info *uei = &lab->skel->data->uei;

	if (!LAB_WAIT(uei->kind != EXIT_KIND(SCX_EXIT_NONE))) {
		fprintf(stderr, "The scheduler stays, no word of %s\n", what);
		return false;
	}
	fprintf(stderr, "The kernel says: %s\n", uei->msg);
	return uei->kind == EXIT_KIND(SCX_EXIT_ERROR) && strstr((char *)uei->msg, what);
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;

	w->tid = syscall(SYS_gettid);
	sem_post(&w->ready);
	sem_wait(&w->bell);
	w->body(w);
	return NULL;
}

static bool get_of_task(struct worker *w, const char *what, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/%s", w->tid, what);
	return get(path, text, size);
}

/*
 * Only of a task that is off its CPU the kernel names a place where it waits. That may be a lock on
 * its way to sleep, with PREEMPT_RT a spinlock, too: then its state is not the one it sleeps in.
 */
bool lab_asleep(struct worker *w)
{
	char text[512], *name_end;

	if (!get_of_task(w, "stat", text, sizeof(text)))
		return false;
	name_end = strrchr(text, ')');
	if (!name_end || !strncmp(name_end, ") R", 3) || !strncmp(name_end, ") D", 3))
		return false;
	return get_of_task(w, "wchan", text, sizeof(text)) && text[0] && text[0] != '0';
}

bool lab_set_policy(struct worker *w, int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };

	return !sched_setscheduler(w->tid, policy, &param);
}

struct worker *lab_work(struct lab *lab, int cpu, int policy, void (*body)(struct worker *w))
{
	struct worker *w = &lab->workers[lab->nr_workers];
	cpu_set_t cpus;
	u64 enqueues;

	if (lab->nr_workers == LAB_MAX_WORKERS)
		return NULL;
	w->lab = lab;
	w->cpu = cpu;
	w->body = body;
	sem_init(&w->ready, 0, 0);
	sem_init(&w->bell, 0, 0);
	if (pthread_create(&w->thread, NULL, worker_thread, w))
		return NULL;
	lab->nr_workers++;
	sem_wait(&w->ready);

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (!LAB_WAIT(lab_asleep(w)) || sched_setaffinity(w->tid, sizeof(cpus), &cpus) ||
	    !lab_set_policy(w, policy))
		return NULL;

	enqueues = lab->cpus[cpu].enqueues;
	sem_post(&w->bell);
	if (policy == SCHED_EXT && !LAB_WAIT(lab->cpus[cpu].enqueues != enqueues))
		return NULL;
	return w;
}

struct worker *lab_spin(struct lab *lab, int cpu)
{
	struct worker *w = lab_work(lab, cpu, SCHED_EXT, work_spin);

	return w && LAB_WAIT(w->turns) ? w : NULL;
}

bool lab_spin_two(struct lab *lab, struct worker *w[2])
{
	w[0] = lab_spin(lab, 1);
	w[1] = w[0] ? lab_work(lab, 1, SCHED_EXT, work_spin) : NULL;
	return w[1];
}

struct worker *lab_running(struct lab *lab, struct worker *w[2])
{
	struct lab_cpu *lc = &lab->cpus[1];

	/* Under a task of a higher class ->curr is the one that ran before */
	LAB_WAIT(shared(lc->on));
	return shared(lc->curr) == w[0]->tid ? w[0] : w[1];
}

struct worker *lab_other(struct worker *w[2], struct worker *one)
{
	return one == w[0] ? w[1] : w[0];
}

bool lab_take_turns(struct lab *lab, int cpu)
{
	int i;

	for (i = 0; i < 2; i++) {
		lab->workers[lab->nr_workers].target = cpu;
		if (!lab_work(lab, cpu, SCHED_EXT, work_kick_and_yield))
			return false;
	}
	return true;
}

bool lab_roam(struct worker *w, int first, int last)
{
	cpu_set_t cpus;
	int cpu;

	CPU_ZERO(&cpus);
	for (cpu = first; cpu <= last; cpu++)
		CPU_SET(cpu, &cpus);
	return !sched_setaffinity(w->tid, sizeof(cpus), &cpus);
}

bool lab_ran_on(struct worker *w, int cpu)
{
	return w->ran_on == cpu || !access("/sys/kernel/realtime", F_OK);
}

bool lab_goes_on(struct worker *w)
{
	unsigned long turns = w->turns;

	return LAB_WAIT(w->turns != turns);
}

bool lab_ring(struct worker *w)
{
	return LAB_WAIT(lab_asleep(w)) && !sem_post(&w->bell);
}

void lab_let_go(struct lab *lab)
{
	int i;

	for (i = 0; i < lab->nr_workers; i++) {
		lab->workers[i].stop = true;
		sem_post(&lab->workers[i].bell);
	}
	for (i = 0; i < lab->nr_workers; i++) {
		struct worker *w = &lab->workers[i];

		pthread_join(w->thread, NULL);
		/* If it had one */
		bpf_map__delete_elem(lab->skel->maps.routes, &w->tid, sizeof(w->tid), 0);
	}
	memset(lab->workers, 0, sizeof(lab->workers));
	lab->nr_workers = 0;
}

/* A task that did not get its CPU has failed the test: tell what the kernel saw of it */
static void tell_stall(struct lab *lab)
{
	if (lab->skel->data->uei.kind == EXIT_KIND(SCX_EXIT_ERROR_STALL))
		UEI_REPORT(lab->skel, uei);
}

static void close_lab(struct lab *lab)
{
	int cpu;

	tell_stall(lab);
	for (cpu = 0; lab->cpus && cpu < lab->nr_cpus; cpu++) {
		lab->cpus[cpu].left = 0;
		lab->cpus[cpu].hold = 0;
		lab->cpus[cpu].timer_ns = 0;
		bpf_link__destroy(lab->clocks[cpu]);
	}
	bpf_link__destroy(lab->link);
	lab_let_go(lab);
	/* A CPU that a hotplug test left behind */
	for (cpu = 1; cpu < lab->nr_cpus; cpu++)
		set_online(cpu, true);
	bpf_link__destroy(lab->tracer);
	kick_lab__destroy(lab->skel);
	sched_setaffinity(0, sizeof(lab->affinity), &lab->affinity);
}

void lab_cleanup(void *ctx)
{
	close_lab(ctx);
	free(ctx);
}

static bool overheld(struct lab *lab)
{
	int cpu;

	for (cpu = 0; lab->cpus && cpu < lab->nr_cpus; cpu++) {
		if (lab->cpus[cpu].overheld) {
			fprintf(stderr, "CPU %d went on before it was let go\n", cpu);
			return true;
		}
	}
	return false;
}

enum scx_test_status lab_run(struct lab *lab, enum scx_test_status (*body)(void *ctx))
{
	enum scx_test_status status = body(lab);
	int again = 2;

	while (status == SCX_TEST_FAIL && overheld(lab) && again--) {
		close_lab(lab);
		SCX_ASSERT(open_lab(lab));
		status = body(lab);
	}
	return status;
}

void work_spin(struct worker *w)
{
	while (!shared(w->stop))
		count(w->turns);
}

void work_doze(struct worker *w)
{
	while (!w->stop) {
		usleep(20);
		w->turns++;
	}
}

void work_on_bell(struct worker *w)
{
	while (!sem_wait(&w->bell) && !w->stop) {
		w->ran_on = sched_getcpu();
		count(w->turns);
	}
}

bool lab_worker_kicks(struct worker *w)
{
	struct lab_kick_args args = {
		.mask = w->mask,
		.victim = w->victim ? w->victim->tid : 0,
		.cpu = w->target,
		.flags = w->flags,
		.nr = 1,
	};
	bool sent = lab_send(w->lab, &args);

	w->said = args.ret;
	return sent;
}

void work_kick_myself(struct worker *w)
{
	struct lab_cpu *lc = &w->lab->cpus[w->cpu];

	while (!w->stop && lab_worker_kicks(w)) {
		while (shared(lc->seen) != shared(lc->asked) && !shared(w->stop))
			;
		w->turns++;
	}
}

void work_kick_and_yield(struct worker *w)
{
	while (!w->stop && lab_worker_kicks(w)) {
		sched_yield();
		w->turns++;
	}
}

bool lab_send(struct lab *lab, struct lab_kick_args *args)
{
	return run_program(lab->skel->progs.lab_kick, args, sizeof(*args));
}

bool lab_kick_held(struct lab *lab, int cpu, u64 flags, u64 nr, bool *held)
{
	struct lab_kick_args args = { .cpu = cpu, .flags = flags, .nr = nr };
	bool sent = lab_send(lab, &args);

	*held = args.held;
	return sent;
}

bool lab_kick(struct lab *lab, int cpu, u64 flags, u64 nr)
{
	struct lab_kick_args args = { .cpu = cpu, .flags = flags, .nr = nr };

	return lab_send(lab, &args);
}

s32 lab_kick_task(struct lab *lab, struct worker *w, u64 flags)
{
	struct lab_kick_args args = { .victim = w->tid, .flags = flags, .nr = 1 };

	return lab_send(lab, &args) ? args.ret : -EIO;
}

s32 lab_kick_mask(struct lab *lab, u64 cpus, u64 flags)
{
	struct lab_kick_args args = { .mask = cpus, .flags = flags, .nr = 1 };

	return lab_send(lab, &args) ? args.ret : -EIO;
}

static bool start_clock(struct lab *lab, int cpu, u32 period_ns)
{
	int fd = open_event(cpu, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, period_ns);

	if (fd < 0)
		return false;
	bpf_link__destroy(lab->clocks[cpu]);
	lab->clocks[cpu] = bpf_program__attach_perf_event(lab->skel->progs.lab_clock, fd);
	return lab->clocks[cpu];
}

bool lab_start_timer(struct lab *lab, int cpu, u32 period_ns)
{
	struct lab_timer_args args = { .cpu = cpu };
	bool ok;

	lab->cpus[cpu].timer_ns = period_ns;
	if (!__COMPAT_has_bpf_timers())
		return start_clock(lab, cpu, period_ns);
	ok = go_to(cpu) && run_program(lab->skel->progs.lab_start_timer, &args, sizeof(args));
	return go_to(0) && ok;
}

void lab_order(struct lab *lab, int cpu, enum lab_hook hook, int target, u64 flags, u64 left)
{
	struct lab_cpu *lc = &lab->cpus[cpu];

	lc->left = 0;
	lc->hook = hook;
	lc->target = target;
	lc->flags = flags;
	__sync_synchronize();
	lc->left = left;
}

bool lab_route(struct lab *lab, struct worker *w, u64 dsq, u64 enq_flags, int via)
{
	struct lab_route route = { .dsq = dsq, .enq_flags = enq_flags, .via = via };

	return !bpf_map__update_elem(lab->skel->maps.routes, &w->tid, sizeof(w->tid), &route,
				     sizeof(route), BPF_ANY);
}

/*
 * What needs all CPUs, as the freeing of BPF programs does, waits for the one that stands still,
 * and may keep this thread from its CPU until it is all over: then again.
 */
bool lab_hold(struct lab *lab, int cpu, enum lab_hook hook)
{
	struct lab_cpu *lc = &lab->cpus[cpu];
	u32 overheld = lc->overheld;
	u64 lost = lost_at();

	do {
		lc->overheld = overheld;
		set_shared(lc->hold, hook);
		if (!LAB_WAIT_UNTIL(lost, shared(lc->held) || !shared(lc->hold)))
			return false;
	} while (!shared(lc->hold));
	return true;
}

void lab_unhold(struct lab *lab, int cpu)
{
	lab->cpus[cpu].hold = 0;
}

/* The column of CPU @cpu in /proc/interrupts: it shows online CPUs only */
static int irq_column(char *header, int cpu)
{
	static const char blank[] = { ' ', '\n', 0 };
	char *save, *word;
	int column = 0;

	for (word = strtok_r(header, blank, &save); word; word = strtok_r(NULL, blank, &save)) {
		if (atoi(word + strlen("CPU")) == cpu)
			return column;
		column++;
	}
	return -1;
}

static u64 irq_count(char *counts, int column)
{
	while (column--)
		strtoull(counts, &counts, 10);
	return strtoull(counts, NULL, 10);
}

/* What an interrupt is called differs between architectures, but not its description */
struct irqs lab_irqs(int cpu)
{
	FILE *f = fopen("/proc/interrupts", "r");
	struct irqs irqs = {};
	char *line = NULL;
	size_t size = 0;
	int column = -1;

	if (!f)
		err(EXIT_FAILURE, "/proc/interrupts");
	while (getline(&line, &size, f) > 0) {
		char *counts = strchr(line, ':');

		if (column < 0)
			column = irq_column(line, cpu);
		else if (!counts || column < 0)
			continue;
		else if (strstr(line, "Rescheduling interrupts"))
			irqs.res = irq_count(counts + 1, column);
		else if (strstr(line, "Function call interrupts"))
			irqs.cal = irq_count(counts + 1, column);
		else if (strstr(line, "IRQ work interrupts"))
			irqs.iwi = irq_count(counts + 1, column);
	}
	free(line);
	fclose(f);
	return irqs;
}

enum scx_test_status lab_few_irqs(int cpu, struct irqs before, u64 res, u64 few)
{
	struct irqs after = lab_irqs(cpu);

	SCX_LT(after.res - before.res, res + few);
	SCX_LT(after.cal - before.cal, few);
	SCX_LT(after.iwi - before.iwi, few);
	return SCX_TEST_PASS;
}
