// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench - measure kicks
 *
 * The loader of scx_kickbench.bpf.c. It uses nothing but the public interface of sched_ext, so
 * one binary measures any kernel that has scx_bpf_kick_cpu().
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdarg.h>
#include <stdnoreturn.h>
#include <unistd.h>
#include <signal.h>
#include <libgen.h>
#include <sched.h>
#include <pthread.h>
#include <time.h>
#include <errno.h>
#include <getopt.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <linux/membarrier.h>
#include <bpf/bpf.h>
#include <scx/common.h>
#include <scx/kick_compat.h>
#include "scx_kickbench.h"
#include "scx_kickbench.bpf.skel.h"

#ifndef SCHED_EXT
#define SCHED_EXT	7
#endif

#define ARRAY_SIZE(x)		(sizeof(x) / sizeof((x)[0]))
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val)	__atomic_store_n(&(x), val, __ATOMIC_RELAXED)

#define NSEC_PER_SEC	1000000000ULL
#define SLICE_INF	(~0ULL)

enum output { TABLE, TSV, JSON };
enum target { IDLE_CPU, BUSY_CPU, OWN_CPU, ALL_CPUS, NR_TARGETS };

static const char * const from_names[KB_NR_FROM] = {
	[KB_SYSCALL]	= "syscall",
	[KB_NOPREEMPT]	= "nopreempt",
	[KB_ENQUEUE]	= "enqueue",
	[KB_DISPATCH]	= "dispatch",
	[KB_TICK]	= "tick",
	[KB_TIMER]	= "timer",
};

static const char * const target_names[NR_TARGETS] = {
	[IDLE_CPU]	= "idle",
	[BUSY_CPU]	= "busy",
	[OWN_CPU]	= "own",
	[ALL_CPUS]	= "all",
};

struct kind {
	const char	*name;
	u64		flags;
	bool		present;
};

enum { PLAIN, IDLE, PREEMPT, WAIT, NR_KINDS };

static struct kind kinds[NR_KINDS] = {
	[PLAIN]		= { "0", 0, true },
	[IDLE]		= { "SCX_KICK_IDLE" },
	[PREEMPT]	= { "SCX_KICK_PREEMPT" },
	[WAIT]		= { "SCX_KICK_WAIT" },
};

/* What a row is about: the columns before the figures */
struct row {
	const char	*scenario;
	int		from;
	int		target;		/* enum target */
	int		kind;
	int		kicks;
	struct bpf_program *prog;	/* instead of kick() */
};

struct samples {
	u64		*v;
	size_t		n;
	size_t		room;
};

static struct scx_kickbench *skel;
static struct bpf_link *ops_link;
static enum output output;
static const char *unit = "ns";
static bool exact;		/* the clock counts instructions */
static bool verbose, wait_works;
static int reps = 200;
static double secs = 1;
static int nr_cpus, kicker = -1, target = -1;
static int rows_printed;
static bool stop_req;

/* A gap this long between two readings of the clock is an interrupt. */
static const u64 gap_min = 1000;

static const char help_fmt[] =
"Measure kicks: what they cost, how fast they arrive, what they interrupt.\n"
"\n"
"Usage: %s [-s SCENARIO[,SCENARIO...]] [-n COUNT] [-d SECONDS] [-k CPU] [-t CPU] [-i] [-w]\n"
"       [--tsv | --json] [-v] [-h]\n"
"\n"
"  -s, --scenario=LIST    Run these scenarios only, see below\n"
"  -n, --count=COUNT      Measure each figure COUNT times (default 200)\n"
"  -d, --seconds=SECONDS  Length of what is measured over time (default 1)\n"
"  -k, --kicker=CPU       CPU that kicks (default 1, or 0 of 2 CPUs)\n"
"  -t, --target=CPU       CPU that is kicked (default 2, or 1 of 2 CPUs)\n"
"  -i, --instructions     The clock counts instructions (QEMU's -icount shift=0)\n"
"  -w, --wait             Kick with SCX_KICK_WAIT even where that may hang the machine\n"
"      --tsv              One line a figure, tabs between the columns\n"
"      --json             The same as one JSON document\n"
"  -v, --verbose          Print libbpf's debug messages\n"
"  -h, --help             Display this help and exit\n"
"\n"
"Scenarios, all by default:\n";

static noreturn void die(const char *fmt, ...)
{
	va_list args;

	fputs("scx_kickbench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* -v adds what libbpf says of each step to its warnings */
static int report_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	bool wanted = verbose || level != LIBBPF_DEBUG;

	return wanted ? vfprintf(stderr, fmt, ap) : 0;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void sleep_us(long us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
}

static long random_us(long min, long max)
{
	return min + random() % (max - min);
}

/* Samples and rows */

static void add_sample(struct samples *s, u64 v)
{
	if (s->n == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->v = realloc(s->v, s->room * sizeof(*s->v));
		if (!s->v)
			die("no memory for %zu samples", s->room);
	}
	s->v[s->n++] = v;
}

static int cmp_u64(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 quantile(struct samples *s, double q)
{
	size_t i = q * s->n;

	return s->v[i < s->n ? i : s->n - 1];
}

static const char * const columns[] = {
	"scenario", "from", "target", "flags", "kicks", "measure", "unit", "count",
	"min", "p50", "p99", "p99.9", "max", "mean", "histogram", "note",
};

#define NR_COLUMNS	ARRAY_SIZE(columns)

/* Only these hold words in every row */
static bool is_text(int col)
{
	return col < 4 || col == 5 || col == 6 || col >= 14;
}

#define TABLE_FMT	"%-8s %-9s %-5s %-16s %5s  %-20s %-12s %11s %11s %11s %11s %11s %s\n"
#define JSON_FMT	"{\"kernel\": \"%s %s\", \"cpus\": %d, \"clock\": \"%s\", \"rows\": ["

static void print_row(char v[NR_COLUMNS][1024])
{
	struct utsname uts;
	int i;

	uname(&uts);
	switch (output) {
	case TABLE:
		if (!rows_printed) {
			printf("kernel %s %s, %d CPUs, %s\n\n", uts.release, uts.version,
			       nr_cpus, unit);
			printf(TABLE_FMT, "scenario", "from", "cpu", "flags", "kicks", "measure",
			       "unit", "min", "p50", "p99", "max", "mean", "");
		}
		printf(TABLE_FMT, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[8], v[9], v[10],
		       v[12], v[13], v[15]);
		break;
	case TSV:
		if (!rows_printed) {
			printf("# kernel %s %s\tcpus %d\tclock %s\n", uts.release, uts.version,
			       nr_cpus, unit);
			for (i = 0; i < NR_COLUMNS; i++)
				printf("%s%c", columns[i], i + 1 < NR_COLUMNS ? '\t' : '\n');
		}
		for (i = 0; i < NR_COLUMNS; i++)
			printf("%s%c", v[i][0] ? v[i] : "-", i + 1 < NR_COLUMNS ? '\t' : '\n');
		break;
	case JSON:
		if (!rows_printed)
			printf(JSON_FMT, uts.release, uts.version, nr_cpus, unit);
		printf("%s\n  {", rows_printed ? "," : "");
		for (i = 0; i < NR_COLUMNS; i++) {
			const char *quote = is_text(i) || !v[i][0] ? "\"" : "";

			printf("%s\"%s\": %s%s%s", i ? ", " : "", columns[i],
			       v[i][0] ? quote : "", v[i][0] ? v[i] : "null", v[i][0] ? quote : "");
		}
		printf("}");
		break;
	}
	rows_printed++;
	fflush(stdout);
}

/* However this process ends, what it printed is one document. */
static void end_json(void)
{
	if (output == JSON && rows_printed)
		puts("\n]}");
}

static void fill_row(char v[NR_COLUMNS][1024], const struct row *row, const char *measure,
		     const char *row_unit)
{
	memset(v, 0, NR_COLUMNS * sizeof(v[0]));
	snprintf(v[0], sizeof(v[0]), "%s", row->scenario);
	if (row->from)
		snprintf(v[1], sizeof(v[1]), "%s", from_names[row->from]);
	if (row->target >= 0)
		snprintf(v[2], sizeof(v[2]), "%s", target_names[row->target]);
	if (row->kind >= 0)
		snprintf(v[3], sizeof(v[3]), "%s", kinds[row->kind].name);
	if (row->kicks >= 0)
		snprintf(v[4], sizeof(v[4]), "%d", row->kicks);
	snprintf(v[5], sizeof(v[5]), "%s", measure);
	snprintf(v[6], sizeof(v[6]), "%s", row_unit);
}

/* lower bound:samples, a bucket ends at twice its lower bound. @s is sorted. */
static void fill_histogram(char *text, size_t size, const struct samples *s)
{
	size_t at, from, len = 0;
	int bucket;

	for (bucket = 0, at = 0; bucket < 64 && at < s->n; bucket++) {
		for (from = at; at < s->n && s->v[at] >> bucket <= 1;)
			at++;
		if (at > from)
			len += snprintf(text + len, size - len, "%s%llu:%zu", len ? "," : "",
					bucket ? 1ULL << bucket : 0, at - from);
	}
}

static void print_histogram(const char *text, const char *row_unit, size_t all)
{
	static const char bar[] = "##################################################";
	unsigned long long low;
	size_t n;
	int len;

	for (; sscanf(text, "%llu:%zu%n", &low, &n, &len) == 2; text += len + (text[len] == ','))
		printf("%61llu to %11llu %s %11zu %.*s\n", low, low ? 2 * low - 1 : 1, row_unit, n,
		       (int)((n * strlen(bar) + all - 1) / all), bar);
}

/* A figure from many samples. Each is divided by @per. The samples are gone after it. */
static void report(const struct row *row, const char *measure, const char *row_unit,
		   struct samples *s, double per, bool histogram)
{
	static const double quantiles[] = { 0, 0.5, 0.99, 0.999, 1 };
	char v[NR_COLUMNS][1024];
	double sum = 0;
	size_t i;

	fill_row(v, row, measure, row_unit);
	snprintf(v[7], sizeof(v[7]), "%zu", s->n);
	if (!s->n) {
		snprintf(v[15], sizeof(v[15]), "could not be taken: no sample came");
		print_row(v);
		return;
	}

	qsort(s->v, s->n, sizeof(*s->v), cmp_u64);
	for (i = 0; i < ARRAY_SIZE(quantiles); i++)
		snprintf(v[8 + i], sizeof(v[0]), "%.10g", quantile(s, quantiles[i]) / per);
	for (i = 0; i < s->n; i++)
		sum += s->v[i];
	snprintf(v[13], sizeof(v[13]), "%.6g", sum / s->n / per);
	if (histogram)
		fill_histogram(v[14], sizeof(v[14]), s);
	print_row(v);
	if (output == TABLE)
		print_histogram(v[14], row_unit, s->n);
	free(s->v);
	memset(s, 0, sizeof(*s));
}

/* A figure that is one number */
static void report_one(const struct row *row, const char *measure, const char *row_unit,
		       double value)
{
	char v[NR_COLUMNS][1024];

	fill_row(v, row, measure, row_unit);
	snprintf(v[13], sizeof(v[13]), "%.6g", value);
	print_row(v);
}

static void report_none(const struct row *row, const char *measure, const char *fmt, ...)
{
	char v[NR_COLUMNS][1024];
	va_list args;

	fill_row(v, row, measure, "-");
	va_start(args, fmt);
	vsnprintf(v[15], sizeof(v[15]), fmt, args);
	va_end(args);
	print_row(v);
}

/* Interrupts */

enum { RES, CAL, IWI, NR_IRQS };

static const char * const irq_names[NR_IRQS] = { "RES", "CAL", "IWI" };

static void read_irqs(u64 *irqs)
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

struct thread {
	pthread_t	pthread;
	int		cpu;
	void		*(*fn)(void *arg);
	u64		work;
	bool		*stop;
	pid_t		pid;
	void		*arg;
};

static void pin(int cpu)
{
	size_t size = CPU_ALLOC_SIZE(KB_MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(KB_MAX_CPUS);

	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	if (sched_setaffinity(0, size, set))
		die("can't run on CPU %d: %s", cpu, strerror(errno));
	CPU_FREE(set);
}

static void set_policy(int policy)
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

static void start_thread(struct thread *t, int cpu, void *(*fn)(void *arg), bool *stop)
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
static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

static void *spin_fn(void *arg)
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

/* Until each thread has got its CPU */
static void wait_running(struct thread *t, int n)
{
	int i;

	for (i = 0; i < n; i++)
		while (!READ_ONCE(t[i].work))
			sleep_us(100);
}

static void join_threads(struct thread *t, int n, bool *stop)
{
	int i;

	WRITE_ONCE(*stop, true);
	for (i = 0; i < n; i++)
		pthread_join(t[i].pthread, NULL);
	*stop = false;
}

/* Kicks */

static void check_alive(void)
{
	if (ops_link && UEI_EXITED(skel, uei)) {
		UEI_REPORT(skel, uei);
		die("the BPF scheduler has gone");
	}
	if (READ_ONCE(stop_req))
		die("interrupted");
}

static void run_prog(struct bpf_program *prog, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);
	int ret = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	if (ret || (s32)opts.retval < 0)
		die("can't run %s: %s", bpf_program__name(prog),
		    strerror(ret ? -ret : -(s32)opts.retval));
}

static struct kb_burst *burst(void)
{
	return &skel->bss->burst;
}

static struct kb_cpu *kb_cpu(int cpu)
{
	return &skel->bss->cpus[cpu];
}

static s32 task_ret;		/* of the last kick_task() */

/*
 * One burst of @kicks, made from row->from. Returns the cost of the kicks themselves, with one
 * reading of the clock, and in @whole the time until the kicker is back in user space: what a
 * kick leaves to an interrupt on its own CPU falls into it.
 */
static u64 make_burst(const struct row *row, int cpu, int kicks, u64 *whole)
{
	struct kb_burst *b = burst();
	struct kb_args args = {
		.target = cpu, .kicks = kicks, .flags = kinds[row->kind].flags,
		.nr_cpus = nr_cpus, .self = kicker, .nopreempt = row->from == KB_NOPREEMPT,
		.pid = READ_ONCE(kb_cpu(cpu)->pid),
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
static bool wait_seen(int cpu)
{
	/* Hundreds of CPUs that QEMU runs in turn take seconds for one round. */
	u64 deadline = now_ns() + 20 * NSEC_PER_SEC;

	while (READ_ONCE(kb_cpu(cpu)->seen) != READ_ONCE(kb_cpu(cpu)->seq)) {
		if (cpu == kicker || now_ns() > deadline)
			return false;
		sleep_us(50);
	}
	return true;
}

/* The CPUs that @row's target means */
static int target_cpus(const struct row *row, int *cpus)
{
	int cpu, n = 0;

	if (row->target != ALL_CPUS) {
		cpus[n++] = row->target == OWN_CPU ? kicker : target;
		return n;
	}
	for (cpu = 0; cpu < nr_cpus; cpu++)
		if (cpu != kicker)
			cpus[n++] = cpu;
	return n;
}

static u64 sum_served(const int *cpus, int n)
{
	u64 sum = 0;

	while (n--)
		sum += READ_ONCE(kb_cpu(cpus[n])->served);
	return sum;
}

/* A kick without PREEMPT shows in the scheduler only where the slice is used up. */
static void show_cycles(bool plain)
{
	WRITE_ONCE(skel->data->slice, plain ? 1 : SLICE_INF);
	WRITE_ONCE(skel->data->kicker_slice, skel->data->slice);
}

static u64 typical(struct samples *s)
{
	qsort(s->v, s->n, sizeof(*s->v), cmp_u64);
	return quantile(s, exact ? 0 : 0.5);
}

static void subtract(struct samples *s, u64 base)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		s->v[i] -= s->v[i] < base ? s->v[i] : base;
}

/* How long after a kick */
struct delays {
	struct samples	cycle;		/* its cycle looked for a task, first of all it did */
	struct samples	off;		/* the victim went off the CPU */
	struct samples	run;		/* the next task got on it */
};

/* What the cycle of @cpu for the last burst was like. The times are noted in this order. */
static void add_delays(struct delays *d, int cpu)
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
static void report_delays(const struct row *row, struct delays *d)
{
	if (!exact) {
		report(row, "cycle", unit, &d->cycle, 1, true);
		if (row->target == BUSY_CPU || row->target == ALL_CPUS) {
			report(row, "victim off CPU", unit, &d->off, 1, true);
			report(row, "next task on CPU", unit, &d->run, 1, true);
		}
	}
	free(d->cycle.v);
	free(d->off.v);
	free(d->run.v);
}

/* What the row needs and this kernel lacks, or NULL */
static const char *lacking(const struct row *row)
{
	static char text[100];

	if (row->prog == skel->progs.kick_task && !__COMPAT_has_ksym("scx_bpf_kick_task"))
		return "left out: this kernel has no scx_bpf_kick_task()";
	if (row->prog == skel->progs.kick_mask && !__COMPAT_has_ksym("scx_bpf_kick_cpumask"))
		return "left out: this kernel has no scx_bpf_kick_cpumask()";
	if (row->kind == WAIT && !wait_works)
		return "left out: here a wait for a busy CPU hangs the machine";
	if (kinds[row->kind].present)
		return NULL;
	snprintf(text, sizeof(text), "left out: this kernel has no %s", kinds[row->kind].name);
	return text;
}

/* Two tasks keep each target CPU busy: the victim, which runs first, and the next. */
static int start_victims(struct thread *threads, const int *cpus, int n, bool *stop)
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
static void settle(struct thread *threads, int n)
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

/* Cost of a burst, delays, interrupts, coalesced and lost kicks */
static void measure_cost(const struct row *row)
{
	struct samples cost = {}, whole = {}, no_cost = {}, no_whole = {}, net = {};
	bool left_alone = row->kind == IDLE && row->target != IDLE_CPU;
	int cpus[KB_MAX_CPUS], n = target_cpus(row, cpus);
	double kicks = row->target == ALL_CPUS ? n : row->kicks;
	u64 irqs[2][NR_IRQS], served, t, after, claimed = 0, lost = 0;
	struct thread threads[2 * KB_MAX_CPUS];
	struct delays delays = {};
	int i, j, nr_threads = 0;
	bool stop = false;

	if (lacking(row)) {
		report_none(row, "kick", "%s", lacking(row));
		return;
	}

	show_cycles(row->kind == PLAIN || row->kind == WAIT);
	if (row->target == BUSY_CPU || row->target == ALL_CPUS)
		nr_threads = start_victims(threads, cpus, n, &stop);

	for (i = 0; i < reps / 4 + 10; i++) {
		sleep_us(50);
		add_sample(&no_cost, make_burst(row, cpus[0], 0, &t));
		add_sample(&no_whole, t);
	}

	served = sum_served(cpus, n);
	read_irqs(irqs[0]);
	for (i = 0; i < reps; i++) {
		check_alive();
		sleep_us(50);
		settle(threads, nr_threads);
		t = make_burst(row, cpus[0], row->kicks, &after);
		add_sample(&cost, t);
		add_sample(&net, t);
		add_sample(&whole, after);
		claimed += !task_ret;
		/* It had just gone: nobody was kicked. */
		if (task_ret == -ESRCH)
			continue;
		for (j = 0; !left_alone && j < n; j++) {
			if (wait_seen(cpus[j]))
				add_delays(&delays, cpus[j]);
			else
				lost++;
		}
	}
	read_irqs(irqs[1]);
	served = sum_served(cpus, n) - served;
	join_threads(threads, nr_threads, &stop);

	report(row, "kick and clock", unit, &cost, kicks, false);
	subtract(&net, typical(&no_cost));
	subtract(&whole, typical(&no_whole));
	report(row, "kick", unit, &net, kicks, false);
	report(row, "kick and after", unit, &whole, kicks, false);
	for (i = 0; i < NR_IRQS; i++)
		report_one(row, irq_names[i], "per kick", (irqs[1][i] - irqs[0][i]) / kicks / reps);
	if (!left_alone) {
		report_delays(row, &delays);
		if (row->prog == skel->progs.kick_task && row->kicks == 1)
			report_one(row, "claimed", "per kick", (double)claimed / reps);
		report_one(row, "coalesced", "per kick", 1 - served / kicks / reps);
		report_one(row, "lost", "kicks", lost);
	}
	free(no_cost.v);
	free(no_whole.v);
}

static void scenario_clock(void)
{
	struct row row = { "clock", KB_SYSCALL, -1, -1, 0 };
	struct row empty = { "clock", KB_SYSCALL, BUSY_CPU, PLAIN, 0 };
	struct samples s = {};
	u64 whole;
	int i;

	for (i = 0; i < reps; i++)
		add_sample(&s, make_burst(&empty, target, 0, &whole));
	report(&row, "nothing, and clock", unit, &s, 1, false);
}

static void scenario_cost(void)
{
	static const int bursts[] = { KB_MAX_KICKS, 1 };
	struct row row = { "cost", KB_SYSCALL };
	int i;

	for (i = 0; i < 2; i++) {
		row.kicks = bursts[i];
		for (row.target = IDLE_CPU; row.target <= OWN_CPU; row.target++)
			for (row.kind = PLAIN; row.kind <= WAIT; row.kind++)
				measure_cost(&row);
	}
}

static void scenario_from(void)
{
	struct row row = { "from" };

	for (row.from = KB_NOPREEMPT; row.from < KB_NR_FROM; row.from++) {
		if (row.from == KB_TIMER && !__COMPAT_has_bpf_timers())
			continue;
		row.kind = PREEMPT;
		for (row.target = BUSY_CPU; row.target <= OWN_CPU; row.target++) {
			row.kicks = KB_MAX_KICKS;
			measure_cost(&row);
			row.kicks = 1;
			measure_cost(&row);
		}
		row.target = IDLE_CPU;
		row.kind = IDLE;
		measure_cost(&row);
	}
}

static void scenario_task(void)
{
	struct row row = { "task", KB_SYSCALL, BUSY_CPU, PLAIN, .prog = skel->progs.kick_task };

	row.kicks = KB_MAX_KICKS;
	measure_cost(&row);
	row.kicks = 1;
	measure_cost(&row);
}

static void scenario_round(void)
{
	struct row row = { "round", KB_SYSCALL, ALL_CPUS, PREEMPT, nr_cpus - 1 };

	row.prog = skel->progs.kick_round;
	measure_cost(&row);
}

static void scenario_mask(void)
{
	struct row row = { "mask", KB_SYSCALL, ALL_CPUS, PREEMPT, nr_cpus - 1 };

	row.prog = skel->progs.kick_mask;
	measure_cost(&row);
}

/* All CPUs kick one */

static void *herd_fn(void *arg)
{
	struct thread *t = arg;
	struct kb_args args = {
		.target = target, .kicks = KB_MAX_KICKS, .rounds = 16,
		.flags = kinds[PREEMPT].flags,
	};

	while (!READ_ONCE(*t->stop)) {
		run_prog(skel->progs.kick_storm, &args, sizeof(args));
		add_sample(t->arg, args.end - args.start);
		WRITE_ONCE(t->work, t->work + args.kicks * args.rounds);
		relax();
	}
	return NULL;
}

static u64 sum_work(struct thread *threads, int n)
{
	u64 sum = 0;

	while (n--)
		sum += READ_ONCE(threads[n].work);
	return sum;
}

/* From the first kick of any CPU after the last time a task went off the target */
static void report_herd_delays(const struct row *row)
{
	const struct kb_herd *herd = &skel->bss->herd;
	struct samples off = {}, run = {};
	u64 i;

	for (i = 0; i < herd->nr && i < KB_MAX_SAMPLES; i++) {
		add_sample(&off, herd->off[i]);
		add_sample(&run, herd->run[i]);
	}
	report(row, "victim off CPU", unit, &off, 1, true);
	report(row, "next task on CPU", unit, &run, 1, true);
}

static void scenario_herd(void)
{
	struct row row = { "herd", KB_SYSCALL, BUSY_CPU, PREEMPT, KB_MAX_KICKS };
	struct samples cost[KB_MAX_CPUS] = {}, all = {};
	struct thread threads[KB_MAX_CPUS], victims[2];
	bool stop = false, stop_victims = false;
	u64 irqs[2][NR_IRQS], start, kicks, served, lost;
	int cpu, i, n = 0;
	double elapsed;
	size_t j;

	show_cycles(false);
	set_policy(SCHED_OTHER);
	start_victims(victims, &target, 1, &stop_victims);
	skel->bss->herd.cpu = target;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (cpu == target)
			continue;
		threads[n].arg = &cost[n];
		start_thread(&threads[n++], cpu, herd_fn, &stop);
	}
	wait_running(threads, n);

	read_irqs(irqs[0]);
	served = READ_ONCE(kb_cpu(target)->served);
	kicks = sum_work(threads, n);
	start = now_ns();
	sleep_us(secs * 1e6);
	kicks = sum_work(threads, n) - kicks;
	elapsed = now_ns() - start;
	served = READ_ONCE(kb_cpu(target)->served) - served;
	read_irqs(irqs[1]);

	join_threads(threads, n, &stop);
	set_policy(SCHED_EXT);
	lost = !wait_seen(target);
	join_threads(victims, 2, &stop_victims);

	for (i = 0; i < n; i++) {
		for (j = 0; j < cost[i].n; j++)
			add_sample(&all, cost[i].v[j]);
		free(cost[i].v);
	}
	report(&row, "kick and clock", unit, &all, KB_MAX_KICKS, false);
	report_one(&row, "rate", exact ? "kicks/Ginsn" : "kicks/s", kicks * 1e9 / elapsed);
	for (i = 0; i < NR_IRQS; i++)
		report_one(&row, irq_names[i], "per kick",
			   kicks ? (double)(irqs[1][i] - irqs[0][i]) / kicks : 0);
	report_one(&row, "coalesced", "per kick", kicks ? 1 - (double)served / kicks : 0);
	if (!exact)
		report_herd_delays(&row);
	report_one(&row, "lost", "kicks", lost);
}

/* From the kick to the victim off its CPU */

/* At random moments of what the target does, and with more samples than the costs have */
static void measure_latency(struct row *row)
{
	struct delays delays = {};
	struct thread threads[2];
	int i, nr_threads = 0;
	bool stop = false;
	u64 after, lost = 0;

	if (exact) {
		report_none(row, "cycle", "could not be taken: under -icount CPUs run in turn");
		return;
	}
	show_cycles(false);
	if (row->target == BUSY_CPU)
		nr_threads = start_victims(threads, &target, 1, &stop);
	for (i = 0; i < 10 * reps; i++) {
		check_alive();
		sleep_us(random_us(50, 500));
		make_burst(row, target, 1, &after);
		if (!wait_seen(target))
			lost++;
		sleep_us(20);
		add_delays(&delays, target);
	}
	join_threads(threads, nr_threads, &stop);
	report_delays(row, &delays);
	report_one(row, "lost", "kicks", lost);
}

static void scenario_latency(void)
{
	struct row busy = { "latency", KB_SYSCALL, BUSY_CPU, PREEMPT, 1 };
	struct row idle = { "latency", KB_SYSCALL, IDLE_CPU, IDLE, 1 };

	measure_latency(&busy);
	measure_latency(&idle);
}

/* The bare interrupt, to tell what of a kick's cost is not the kick's */

/* Readings of the clock on a CPU with a gap between them: something else ran, or an interrupt. */
struct gap {
	u64	from;
	u64	to;
};

struct gaps {
	struct gap	last[256];
	u32		n;
};

static void *gap_fn(void *arg)
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

/* The latest gap that began before @before and ended after @after */
static struct gap *find_gap(struct gaps *gaps, u64 before, u64 after)
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

	if (exact) {
		report_none(&row, "empty call",
			    "could not be taken: under -icount CPUs run in turn");
		return;
	}
	call_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	for (i = 0; i < 10 * reps; i++) {
		start = now_ns();
		call_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		add_sample(&base, now_ns() - start);
	}

	start_thread(&thread, target, gap_fn, &stop);
	wait_running(&thread, 1);
	for (i = 0; i < 10 * reps; i++) {
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
	report(&row, "empty call, and back", unit, &there_and_back, 1, true);
	report(&row, "empty call, one way", unit, &there, 1, true);
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

	for (cpu = 0; cpu < nr_cpus && (cpu == kicker || is_nohz_full(cpu));)
		cpu++;
	if (!is_nohz_full(target) || cpu == nr_cpus) {
		report_none(&row, "irq_work_queue_on()",
			    "could not be taken: needs a kernel started with nohz_full=%d", target);
		return;
	}
	signal(SIGUSR1, SIG_IGN);
	arm_cpu_timer(cpu, &without, reps);
	read_irqs(irqs[0]);
	arm_cpu_timer(target, &with, reps);
	read_irqs(irqs[1]);
	subtract(&with, typical(&without));
	report(&row, "irq_work_queue_on()", unit, &with, 1, false);
	for (i = 0; i < NR_IRQS; i++)
		report_one(&row, irq_names[i], "per call",
			   (irqs[1][i] - irqs[0][i]) / (double)reps);
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
	for (i = 0; i < 2 * reps; i++) {
		args.flags = i % 2 ? 1ULL << 1 /* BPF_RB_FORCE_WAKEUP */ : 1 /* BPF_RB_NO_WAKEUP */;
		run_prog(skel->progs.self_irq, &args, sizeof(args));
		add_sample(i % 2 ? &with : &without, args.end - args.start);
		ring_buffer__consume(ring);
	}
	read_irqs(irqs[1]);
	subtract(&with, typical(&without));
	report(&row, "self-interrupt", unit, &with, 1, false);
	report_one(&row, "IWI", "per call", (double)(irqs[1][IWI] - irqs[0][IWI]) / reps);
	free(without.v);
	ring_buffer__free(ring);
}

static void scenario_ipi(void)
{
	bare_self_irq();
	bare_irq_work();
	bare_call();
}

/* The scheduling cycle, with nobody kicking */

struct pong {
	int	in;
	int	out;
	int	policy;
};

static void *pong_fn(void *arg)
{
	struct pong *pong = arg;
	char c;

	pin(kicker);
	set_policy(pong->policy);
	while (read(pong->in, &c, 1) == 1)
		if (write(pong->out, &c, 1) != 1)
			break;
	return NULL;
}

/* Two tasks on one CPU wake each other: what one switch from task to task costs */
static void measure_cycle(const char *measure, int policy)
{
	struct row row = { "cycle", 0, OWN_CPU, -1, -1 };
	struct samples s = {};
	struct pong pong = { .policy = policy };
	int there[2], back[2], i, j;
	double per_second;
	pthread_t thread;
	char c = 0;

	if (pipe(there) || pipe(back))
		die("can't make a pipe: %s", strerror(errno));
	pong.in = there[0];
	pong.out = back[1];
	pin(kicker);
	set_policy(policy);
	if (pthread_create(&thread, NULL, pong_fn, &pong))
		die("can't create a thread");
	for (i = 0; i < 4 * reps; i++) {
		u64 start;

		check_alive();
		start = now_ns();
		for (j = 0; j < 25; j++)
			if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
				die("can't use a pipe: %s", strerror(errno));
		/* The first ones find the other task on its way. */
		if (i >= reps / 10)
			add_sample(&s, now_ns() - start);
	}
	close(there[1]);
	pthread_join(thread, NULL);
	close(there[0]);
	close(back[0]);
	close(back[1]);
	per_second = 50.0 * NSEC_PER_SEC / typical(&s);
	report(&row, measure, unit, &s, 50, false);
	if (!exact)
		report_one(&row, measure, "per second", per_second);
}

static void scenario_cycle(void)
{
	measure_cycle("switch, sched_ext", SCHED_EXT);
	measure_cycle("switch, fair class", SCHED_OTHER);
	set_policy(SCHED_EXT);
}

/* Before the BPF scheduler is there */
static void scenario_cycle_none(void)
{
	measure_cycle("switch, none loaded", SCHED_OTHER);
}

/* The application's view: a task that has to run at once while all CPUs are busy */

struct urgent {
	struct samples	to_running;
	struct samples	to_user;
	struct samples	lost;
	struct gaps	*gaps;			/* of what else runs on each CPU */
};

static void run_anywhere(void)
{
	size_t size = CPU_ALLOC_SIZE(KB_MAX_CPUS);
	cpu_set_t *set = CPU_ALLOC(KB_MAX_CPUS);
	int cpu;

	CPU_ZERO_S(size, set);
	for (cpu = 0; cpu < nr_cpus; cpu++)
		CPU_SET_S(cpu, size, set);
	if (sched_setaffinity(0, size, set))
		die("can't run on all CPUs: %s", strerror(errno));
	CPU_FREE(set);
}

static void *urgent_fn(void *arg)
{
	struct thread *t = arg;
	struct urgent *u = t->arg;
	struct kb_urgent *kb = &skel->bss->urgent;
	u64 start = 0, end = 0;

	run_anywhere();
	kb->nr_cpus = nr_cpus;
	WRITE_ONCE(kb->pid, t->pid);
	while (!READ_ONCE(*t->stop)) {
		u64 kicks = READ_ONCE(kb->kicks);
		int cpu = sched_getcpu();
		struct gap *gap;

		sleep_us(random_us(500, 3000));
		/* The task that went on with its work after this one's turn has noticed by now. */
		gap = find_gap(&u->gaps[cpu], start, end);
		if (end && gap)
			add_sample(&u->lost, gap->to - gap->from - (end - start));

		start = now_ns();
		end = 0;
		/* The sleep was over at once. */
		if (READ_ONCE(kb->kicks) == kicks)
			continue;
		add_sample(&u->to_running, READ_ONCE(kb->run_at) - READ_ONCE(kb->woken_at));
		add_sample(&u->to_user, start - READ_ONCE(kb->woken_at));
		while (end < start + 50000)
			end = now_ns();
	}
	WRITE_ONCE(kb->pid, 0);
	return NULL;
}

static void scenario_urgent(void)
{
	struct row row = { "urgent", KB_ENQUEUE, BUSY_CPU, PREEMPT, 1 };
	struct urgent u = { .gaps = calloc(nr_cpus, sizeof(*u.gaps)) };
	struct thread threads[KB_MAX_CPUS], thread = { .arg = &u };
	bool stop = false, stop_urgent = false;
	int i;

	if (exact) {
		report_none(&row, "wake-up to CPU",
			    "could not be taken: under -icount CPUs run in turn");
		return;
	}
	if (!u.gaps)
		die("no memory for %d CPUs", nr_cpus);
	show_cycles(false);
	set_policy(SCHED_OTHER);
	for (i = 0; i < nr_cpus; i++) {
		threads[i].arg = &u.gaps[i];
		start_thread(&threads[i], i, gap_fn, &stop);
	}
	wait_running(threads, nr_cpus);
	start_thread(&thread, target, urgent_fn, &stop_urgent);
	for (i = 0; i < 10; i++) {
		check_alive();
		sleep_us(secs * 1e6 / 10);
	}
	join_threads(&thread, 1, &stop_urgent);
	join_threads(threads, nr_cpus, &stop);
	set_policy(SCHED_EXT);
	report(&row, "wake-up to CPU", unit, &u.to_running, 1, true);
	report(&row, "wake-up to user", unit, &u.to_user, 1, true);
	report(&row, "lost per preemption", unit, &u.lost, 1, true);
	free(u.gaps);
}

static const struct scenario {
	const char	*name;
	void		(*fn)(void);
	void		(*unloaded_fn)(void);	/* without the BPF scheduler */
	const char	*help;
} scenarios[] = {
	{ "cycle", scenario_cycle, scenario_cycle_none,
	  "a switch from task to task, without kicks" },
	{ "clock", scenario_clock, NULL, "reading the clock twice: part of each 'kick and clock'" },
	{ "ipi", scenario_ipi, NULL, "the bare interrupt, without a kick" },
	{ "cost", scenario_cost, NULL,
	  "kicks of an idle, a busy and the own CPU, alone and 64 in a row" },
	{ "from", scenario_from, NULL, "kicks with preemption off, from operations and a timer" },
	{ "task", scenario_task, NULL, "kicks of the task that a busy CPU runs" },
	{ "round", scenario_round, NULL, "one CPU kicks all others, each once" },
	{ "mask", scenario_mask, NULL, "the same in one call" },
	{ "herd", scenario_herd, NULL, "all CPUs kick one" },
	{ "latency", scenario_latency, NULL, "from a kick to the victim off its CPU" },
	{ "urgent", scenario_urgent, NULL, "a task that has to run at once on a busy machine" },
};

#define NR_SCENARIOS	ARRAY_SIZE(scenarios)

static void usage(FILE *file, char *argv0)
{
	int i;

	fprintf(file, help_fmt, basename(argv0));
	for (i = 0; i < NR_SCENARIOS; i++)
		fprintf(file, "  %-10s %s\n", scenarios[i].name, scenarios[i].help);
}

static void sigint_handler(int sig)
{
	WRITE_ONCE(stop_req, true);
}

static double parse(const char *opt, const char *arg, double min, double max)
{
	char *end;
	double v = strtod(arg, &end);

	if (*end || end == arg || v < min || v > max)
		die("%s %s: a number from %.10g to %.10g is wanted", opt, arg, min, max);
	return v;
}

static int parse_int(const char *opt, const char *arg, int min, int max)
{
	double v = parse(opt, arg, min, max);

	if (v != (int)v)
		die("%s %s: a whole number is wanted", opt, arg);
	return v;
}

/* The shortest of several runs of a loop */
static u64 time_loop(int n)
{
	u64 best = ~0ULL, start, t;
	volatile int i;
	int j;

	for (j = 0; j < 20; j++) {
		start = now_ns();
		for (i = 0; i < n; i++)
			;
		t = now_ns() - start;
		if (t < best)
			best = t;
	}
	return best;
}

/* Then a loop takes a whole number for each time round. The kernel scales the clock: 1 off. */
static void check_clock(void)
{
	u64 more = time_loop(2000) - time_loop(1000), again = time_loop(3000) - time_loop(2000);

	if (more + 1 < again || again + 1 < more || (more + 1) % 1000 > 2)
		die("--instructions: this clock does not count them, QEMU's -icount shift=0 does");
}

static void check_kernel(void)
{
	char state[32] = "";
	FILE *file = fopen("/sys/kernel/sched_ext/state", "r");

	if (!file)
		die("this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)");
	if (fscanf(file, "%31s", state) != 1 || strcmp(state, "disabled"))
		die("a BPF scheduler is already loaded: sched_ext is %s", state);
	fclose(file);
	if (geteuid())
		die("only root can load a BPF scheduler");
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 'd' },
		{ "kicker", required_argument, NULL, 'k' },
		{ "target", required_argument, NULL, 't' },
		{ "instructions", no_argument, NULL, 'i' },
		{ "wait", no_argument, NULL, 'w' },
		{ "tsv", no_argument, NULL, 'T' },
		{ "json", no_argument, NULL, 'J' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	bool wanted[NR_SCENARIOS] = {};
	char *name;
	int opt, i, nr_wanted = 0;

	atexit(end_json);
	libbpf_set_print(report_libbpf);
	signal(SIGINT, sigint_handler);
	signal(SIGTERM, sigint_handler);

	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	while ((opt = getopt_long(argc, argv, "s:n:d:k:t:iwvh", longopts, NULL)) != -1) {
		switch (opt) {
		case 's':
			for (name = strtok(optarg, ","); name; name = strtok(NULL, ",")) {
				for (i = 0; i < NR_SCENARIOS && strcmp(name, scenarios[i].name);)
					i++;
				if (i == NR_SCENARIOS)
					die("no scenario is called %s, see --help", name);
				wanted[i] = true;
				nr_wanted++;
			}
			if (!nr_wanted)
				die("--scenario: a name is wanted, see --help");
			break;
		case 'n':
			reps = parse_int("--count", optarg, 1, 1000000);
			break;
		case 'd':
			secs = parse("--seconds", optarg, 0.001, 3600);
			break;
		case 'k':
			kicker = parse_int("--kicker", optarg, 0, nr_cpus - 1);
			break;
		case 't':
			target = parse_int("--target", optarg, 0, nr_cpus - 1);
			break;
		case 'i':
			unit = "instructions";
			exact = true;
			break;
		case 'w':
			wait_works = true;
			break;
		case 'T':
			output = TSV;
			break;
		case 'J':
			output = JSON;
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			usage(stdout, argv[0]);
			return 0;
		default:
			die("see --help");
		}
	}
	if (optind < argc)
		die("%s: no such argument, see --help", argv[optind]);
	if (nr_cpus < 2 || nr_cpus > KB_MAX_CPUS)
		die("%d CPUs are online, 2 to %d can be measured", nr_cpus, KB_MAX_CPUS);
	if (kicker < 0)
		kicker = target == 1 ? 0 : nr_cpus > 2;
	if (target < 0)
		target = (kicker + 1) % nr_cpus;
	if (kicker == target)
		die("CPU %d cannot be kicker and target", kicker);

	check_kernel();
	if (exact)
		check_clock();
	for (i = IDLE; i < NR_KINDS; i++)
		kinds[i].present = __COMPAT_read_enum("scx_kick_flags", kinds[i].name,
						      &kinds[i].flags);

	/* Kernels without it spin with interrupts off, for a CPU that may never let them go. */
	if (__COMPAT_has_ksym("scx_bpf_kick_task"))
		wait_works = true;

	for (i = 0; i < NR_SCENARIOS; i++)
		if ((!nr_wanted || wanted[i]) && scenarios[i].unloaded_fn)
			scenarios[i].unloaded_fn();

	skel = SCX_OPS_OPEN(kickbench_ops, scx_kickbench);
	bpf_program__set_autoload(skel->progs.start_timer, __COMPAT_has_bpf_timers());
	SCX_OPS_LOAD(skel, kickbench_ops, scx_kickbench, uei);
	ops_link = SCX_OPS_ATTACH(skel, kickbench_ops, scx_kickbench);

	pin(kicker);
	set_policy(SCHED_EXT);
	burst()->cpu = kicker;
	burst()->pid = syscall(SYS_gettid);

	for (i = 0; i < NR_SCENARIOS; i++)
		if (!nr_wanted || wanted[i])
			scenarios[i].fn();
	set_policy(SCHED_OTHER);
	check_alive();
	bpf_link__destroy(ops_link);
	scx_kickbench__destroy(skel);
	return 0;
}
