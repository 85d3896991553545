// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: the bare interrupt, to tell what of a kick's cost is not the kick's.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <time.h>
#include <sys/syscall.h>
#include <linux/membarrier.h>
#include "kickbench.h"

static void call_membarrier(int cmd)
{
	if (syscall(__NR_membarrier, cmd, 0, 0))
		die("membarrier(%d): %s", cmd, strerror(errno));
}

/*
 * membarrier() has a function that is one memory barrier called on each CPU that runs another
 * thread of the process, and waits for it.
 */
static void bare_call(void)
{
	struct row row = { "ipi", 0, BUSY_CPU, -1, -1 };
	struct samples there_and_back = {}, base = {}, there = {};
	bool stop = false;
	struct gaps gaps = {};
	struct thread thread = { .arg = &gaps };
	struct gap *gap;
	u64 start, end;
	int i;

	if (opts.exact) {
		report_none(&row, "empty call",
			    "could not be taken: under -icount CPUs run in turn");
		return;
	}
	call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	for (i = 0; i < 10 * opts.reps; i++) {
		start = now_ns();
		call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		add_sample(&base, now_ns() - start);
	}

	start_thread(&thread, opts.target, gap_fn, &stop);
	wait_running(&thread, 1);
	for (i = 0; i < 10 * opts.reps; i++) {
		check_alive();
		sleep_us(random_us(50, 500));
		start = now_ns();
		call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		end = now_ns();
		add_sample(&there_and_back, end - start);
		sleep_us(50);
		gap = find_gap(&gaps, end, start);
		if (gap)
			add_sample(&there, gap->to - start);
	}
	join_threads(&thread, 1, &stop);
	subtract(&there_and_back, typical(&base));
	report(&row, "empty call, and back", &there_and_back, 1, true);
	report(&row, "empty call, one way", &there, 1, true);
	free(base.v);
}

static bool is_nohz_full(int cpu)
{
	FILE *file = fopen("/sys/devices/system/cpu/nohz_full", "r");
	bool found = false;
	int first, last;

	while (file && fscanf(file, "%d", &first) == 1) {
		if (fscanf(file, "-%d", &last) != 1)
			last = first;
		found |= cpu >= first && cpu <= last;
		if (fgetc(file) != ',')
			break;
	}
	if (file)
		fclose(file);
	return found;
}

/* Time of arming a CPU timer of the thread that spins on @cpu */
static void arm_cpu_timer(int cpu, struct samples *s, int n)
{
	struct itimerspec value = { .it_value.tv_nsec = 2000000 };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	bool stop = false;
	struct thread thread = {};
	clockid_t clock;
	timer_t timer;
	u64 start;

	start_thread(&thread, cpu, spin_fn, &stop);
	wait_running(&thread, 1);
	if (pthread_getcpuclockid(thread.pthread, &clock) || timer_create(clock, &event, &timer))
		die("can't create a CPU timer: %s", strerror(errno));
	while (n--) {
		check_alive();
		start = now_ns();
		timer_settime(timer, 0, &value, NULL);
		add_sample(s, now_ns() - start);
		/* It expires at a tick of the spinning thread. */
		sleep_us(20000);
	}
	timer_delete(timer);
	join_threads(&thread, 1, &stop);
}

/*
 * Arming a CPU timer of another thread makes sure that the thread's CPU has a tick: where it is
 * one of nohz_full= by irq_work_queue_on() with an empty function, elsewhere by doing nothing.
 */
static void bare_irq_work(void)
{
	struct row row = { "ipi", 0, BUSY_CPU, -1, -1 };
	struct samples with = {}, without = {};
	u64 irqs[2][NR_IRQS];
	int cpu, i;

	for (cpu = 0; cpu < opts.nr_cpus && (cpu == opts.kicker || is_nohz_full(cpu));)
		cpu++;
	if (!is_nohz_full(opts.target) || cpu == opts.nr_cpus) {
		report_none(&row, "irq_work_queue_on()",
			    "could not be taken: needs a kernel started with nohz_full=%d",
			    opts.target);
		return;
	}
	signal(SIGUSR1, SIG_IGN);
	arm_cpu_timer(cpu, &without, opts.reps);
	read_irqs(irqs[0]);
	arm_cpu_timer(opts.target, &with, opts.reps);
	read_irqs(irqs[1]);
	subtract(&with, typical(&without));
	report(&row, "irq_work_queue_on()", &with, 1, false);
	for (i = 0; i < NR_IRQS; i++)
		report_one(&row, irq_names[i], "per call",
			   (irqs[1][i] - irqs[0][i]) / (double)opts.reps);
	free(without.v);
}

static int drop_sample(void *ctx, void *data, size_t size)
{
	return 0;
}

/* An interrupt to oneself: what sends a kick in a kernel that cannot send it from everywhere */
static void bare_self_irq(void)
{
	struct ring_buffer *ring = ring_buffer__new(bpf_map__fd(skel->maps.ring), drop_sample,
						    NULL, NULL);
	struct row row = { "ipi", KB_SYSCALL, OWN_CPU, -1, 1 };
	struct samples with = {}, without = {};
	struct kb_args args = {};
	u64 irqs[2][NR_IRQS];
	int i;

	if (!ring)
		die("can't open the ring buffer: %s", strerror(errno));
	read_irqs(irqs[0]);
	for (i = 0; i < 2 * opts.reps; i++) {
		args.flags = i % 2 ? 1ULL << 1 /* BPF_RB_FORCE_WAKEUP */ : 1 /* BPF_RB_NO_WAKEUP */;
		run_prog(skel->progs.self_irq, &args, sizeof(args));
		add_sample(i % 2 ? &with : &without, args.end - args.start);
		ring_buffer__consume(ring);
	}
	read_irqs(irqs[1]);
	subtract(&with, typical(&without));
	report(&row, "self-interrupt", &with, 1, false);
	report_one(&row, "IWI", "per call", (double)(irqs[1][IWI] - irqs[0][IWI]) / opts.reps);
	free(without.v);
	ring_buffer__free(ring);
}

static void scenario_ipi(void)
{
	bare_self_irq();
	bare_irq_work();
	bare_call();
}

const struct scenario ipi_scenario = {
	.name		= "ipi",
	.help		= "the bare interrupt, without a kick",
	.run		= scenario_ipi,
};
