// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: the clock, interrupts, and threads to keep CPUs busy.
 */
#define _GNU_SOURCE
#include <time.h>
#include <sys/syscall.h>
#include "kickbench.h"

/* A gap this long between two readings of the clock is an interrupt. */
static const u64 gap_min = 1000;

u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void sleep_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

long random_us(long min, long max)
{
	return min + random() % (max - min);
}

/* Interrupts */

const char * const irq_names[NR_IRQS] = { "RES", "CAL", "IWI" };

void read_irqs(u64 *irqs)
{
	static char line[64 * 1024];
	FILE *file = fopen("/proc/interrupts", "r");
	int i;

	if (!file)
		die("/proc/interrupts: %s", strerror(errno));
	memset(irqs, 0, NR_IRQS * sizeof(*irqs));
	while (fgets(line, sizeof(line), file)) {
		char *p = line + strspn(line, " "), *end;

		for (i = 0; i < NR_IRQS; i++) {
			if (strncmp(p, irq_names[i], 3) || p[3] != ':')
				continue;
			for (p += 4;; p = end) {
				u64 n = strtoull(p, &end, 10);

				if (end == p)
					break;
				irqs[i] += n;
			}
			break;
		}
	}
	fclose(file);
}

/* Threads */

void pin(int cpu)
{
	size_t size = CPU_ALLOC_SIZE(KB_MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(KB_MAX_CPUS);

	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	if (sched_setaffinity(0, size, set))
		die("can't run on CPU %d: %s", cpu, strerror(errno));
	CPU_FREE(set);
}

void set_policy(int policy)
{
	struct sched_param param = {};

	if (sched_setscheduler(0, policy, &param))
		die("can't take scheduling policy %d: %s", policy, strerror(errno));
}

static void *thread_fn(void *arg)
{
	struct thread *t = arg;

	pin(t->cpu);
	t->pid = syscall(SYS_gettid);
	set_policy(SCHED_EXT);
	return t->fn(t);
}

void start_thread(struct thread *t, int cpu, void *(*fn)(void *arg), bool *stop)
{
	int ret;

	t->cpu = cpu;
	t->fn = fn;
	t->work = 0;
	t->stop = stop;
	t->pid = 0;
	ret = pthread_create(&t->pthread, NULL, thread_fn, t);
	if (ret)
		die("can't create a thread: %s", strerror(ret));
}

/*
 * With -icount, QEMU lets one CPU run until a timer expires, and the next one not at all if the
 * timer has expired. It goes on to the next CPU at a PAUSE.
 */
void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

void *spin_fn(void *arg)
{
	struct thread *t = arg;
	int i;

	while (!READ_ONCE(*t->stop)) {
		for (i = 0; i < 100; i++)
			WRITE_ONCE(t->work, t->work + 1);
		relax();
	}
	return NULL;
}

void wait_running(struct thread *t, int n)
{
	int i;

	for (i = 0; i < n; i++)
		while (!READ_ONCE(t[i].work))
			sleep_us(100);
}

void join_threads(struct thread *t, int n, bool *stop)
{
	int i;

	WRITE_ONCE(*stop, true);
	for (i = 0; i < n; i++)
		pthread_join(t[i].pthread, NULL);
	*stop = false;
}

void *gap_fn(void *arg)
{
	struct thread *t = arg;
	struct gaps *gaps = t->arg;
	u64 last = now_ns();

	while (!READ_ONCE(*t->stop)) {
		u64 now = now_ns();

		if (now - last > gap_min) {
			struct gap *gap = &gaps->last[gaps->n % ARRAY_SIZE(gaps->last)];

			gap->from = last;
			gap->to = now;
			__atomic_store_n(&gaps->n, gaps->n + 1, __ATOMIC_RELEASE);
			now = now_ns();
		}
		last = now;
		WRITE_ONCE(t->work, t->work + 1);
	}
	return NULL;
}

struct gap *find_gap(struct gaps *gaps, u64 before, u64 after)
{
	u32 n = __atomic_load_n(&gaps->n, __ATOMIC_ACQUIRE);
	u32 i = n > ARRAY_SIZE(gaps->last) ? n - ARRAY_SIZE(gaps->last) : 0;

	while (n-- > i) {
		struct gap *gap = &gaps->last[n % ARRAY_SIZE(gaps->last)];

		if (gap->from < before && gap->to > after)
			return gap;
	}
	return NULL;
}
