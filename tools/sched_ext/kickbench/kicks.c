// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: bursts of kicks, their targets, and what became of them.
 */
#define _GNU_SOURCE
#include "kickbench.h"

const char * const from_names[KB_NR_FROM] = {
	[KB_SYSCALL]	= "syscall",
	[KB_NOPREEMPT]	= "nopreempt",
	[KB_ENQUEUE]	= "enqueue",
	[KB_DISPATCH]	= "dispatch",
	[KB_TICK]	= "tick",
	[KB_TIMER]	= "timer",
};

struct kind kinds[NR_KINDS] = {
	[PLAIN]		= { "0", 0, true },
	[IDLE]		= { "SCX_KICK_IDLE" },
	[PREEMPT]	= { "SCX_KICK_PREEMPT" },
	[WAIT]		= { "SCX_KICK_WAIT" },
	[LAZY]		= { "SCX_KICK_PREEMPT_LAZY" },
};

s32 task_ret;

void run_prog(struct bpf_program *prog, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = ctx, .ctx_size_in = size);
	int ret = bpf_prog_test_run_opts(bpf_program__fd(prog), &run);

	if (ret || (s32)run.retval < 0)
		die("can't run %s: %s", bpf_program__name(prog),
		    strerror(ret ? -ret : -(s32)run.retval));
}

struct kb_burst *burst(void)
{
	return &skel->bss->burst;
}

struct kb_cpu *kb_cpu(int cpu)
{
	return &skel->bss->cpus[cpu];
}

/*
 * One burst of @kicks, made from row->from. Returns the cost of the kicks themselves, with one
 * reading of the clock, and in @whole the time until the kicker is back in user space: what a
 * kick leaves to an interrupt on its own CPU falls into it.
 */
u64 make_burst(const struct row *row, int cpu, int kicks, u64 *whole)
{
	struct kb_burst *b = burst();
	struct kb_args args = {
		.target = cpu, .kicks = kicks, .flags = kinds[row->kind].flags,
		.nr_cpus = opts.nr_cpus, .self = opts.kicker,
		.nopreempt = row->from == KB_NOPREEMPT, .pid = READ_ONCE(kb_cpu(cpu)->pid),
	};
	u64 done = READ_ONCE(b->done), deadline = now_ns() + 20 * NSEC_PER_SEC;

	if (row->from <= KB_NOPREEMPT) {
		run_prog(row->prog ?: skel->progs.kick, &args, sizeof(args));
		*whole = now_ns() - args.start;
		b->start = args.start;
		task_ret = args.ret;
		return args.end - args.start;
	}

	b->target = cpu;
	b->flags = args.flags;
	b->kicks = kicks;
	__sync_synchronize();
	WRITE_ONCE(b->from, row->from);
	if (row->from == KB_TIMER)
		run_prog(skel->progs.start_timer, NULL, 0);
	/*
	 * A sleep that was over at once, a cycle that somebody else started: once more. With
	 * -icount, QEMU runs the other CPUs first when a timer becomes the next to expire, so this
	 * thread is woken before it sleeps. Not if it sleeps for longer than until the next tick.
	 */
	while (READ_ONCE(b->done) == done) {
		if (now_ns() > deadline)
			die("no call from %s came within 20 seconds", from_names[row->from]);
		if (row->from == KB_ENQUEUE)
			sleep_us(random_us(50, 5000));
		else if (row->from == KB_DISPATCH)
			sched_yield();
	}
	*whole = now_ns() - b->start;
	return b->end - b->start;
}

/*
 * Has a cycle of @cpu seen every kick? The own CPU must have done so by now. Where a kick finds a
 * task of another class, the sched_ext task that runs next shows it.
 */
bool wait_seen(int cpu)
{
	/* Hundreds of CPUs that QEMU runs in turn take seconds for one round. */
	u64 deadline = now_ns() + 20 * NSEC_PER_SEC;

	while (READ_ONCE(kb_cpu(cpu)->seen) != READ_ONCE(kb_cpu(cpu)->seq)) {
		if (cpu == opts.kicker || now_ns() > deadline)
			return false;
		sleep_us(50);
	}
	return true;
}

/* The CPUs that @row's target means */
int target_cpus(const struct row *row, int *cpus)
{
	int cpu, n = 0;

	if (row->target != ALL_CPUS) {
		cpus[n++] = row->target == OWN_CPU ? opts.kicker : opts.target;
		return n;
	}
	for (cpu = 0; cpu < opts.nr_cpus; cpu++)
		if (cpu != opts.kicker)
			cpus[n++] = cpu;
	return n;
}

u64 sum_served(const int *cpus, int n)
{
	u64 sum = 0;

	while (n--)
		sum += READ_ONCE(kb_cpu(cpus[n])->served);
	return sum;
}

/* A kick without PREEMPT shows in the scheduler only where the slice is used up. */
void show_cycles(bool plain)
{
	WRITE_ONCE(skel->data->slice, plain ? 1 : SLICE_INF);
	WRITE_ONCE(skel->data->kicker_slice, skel->data->slice);
}

/* Two tasks keep each target CPU busy: the victim, which runs first, and the next. */
int start_victims(struct thread *threads, const int *cpus, int n, bool *stop)
{
	int i;

	for (i = 0; i < n; i++)
		start_thread(&threads[i], cpus[i], spin_fn, stop);
	wait_running(threads, n);
	for (i = 0; i < n; i++)
		start_thread(&threads[n + i], cpus[i], spin_fn, stop);
	return 2 * n;
}

/*
 * Until each busy target runs one of its two tasks again: a CPU that is still inside the cycle of
 * the last burst needs no interrupt.
 */
void settle(struct thread *threads, int n)
{
	u64 deadline = now_ns() + 20 * NSEC_PER_SEC, work;
	int i;

	for (i = 0; i < n / 2; i++) {
		struct thread *two[] = { &threads[i], &threads[i + n / 2] };

		work = READ_ONCE(two[0]->work) + READ_ONCE(two[1]->work);
		while (READ_ONCE(two[0]->work) + READ_ONCE(two[1]->work) == work) {
			if (now_ns() > deadline)
				die("CPU %d has not run its tasks for 20 seconds", two[0]->cpu);
			sleep_us(50);
		}
	}
}

/* What the cycle of @cpu for the last burst was like. The times are noted in this order. */
void add_delays(struct delays *d, int cpu)
{
	struct kb_cpu *kc = kb_cpu(cpu);
	u64 start = burst()->start;

	if (kc->cycle_at >= start)
		add_sample(&d->cycle, kc->cycle_at - start);
	if (kc->off_seq != kc->seq || kc->run_seq != kc->seq || kc->off_at < start)
		return;
	add_sample(&d->off, kc->off_at - start);
	add_sample(&d->run, kc->run_at - start);
}

/* Where CPUs run in turn, these are the turns. Where no task ran, there is no victim. */
void report_delays(const struct row *row, struct delays *d)
{
	if (!opts.exact) {
		report(row, "cycle", &d->cycle, 1, true);
		if (row->target == BUSY_CPU || row->target == ALL_CPUS) {
			report(row, "victim off CPU", &d->off, 1, true);
			report(row, "next task on CPU", &d->run, 1, true);
		}
	}
	free(d->cycle.v);
	free(d->off.v);
	free(d->run.v);
}
