// SPDX-License-Identifier: GPL-2.0-only
/* What can be seen of kicks: counters, tracepoints, the report of a long wait, the debug dump */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kick_test.h"
#include "kick_observe.h"
#include "kick_observe.bpf.skel.h"
#include "util.h"

#define TABLE		"/sys/kernel/debug/sched/ext_kick"
#define EVENTS		"/sys/kernel/tracing/events/sched_ext/"
#define TRACE		"/sys/kernel/tracing/trace"
#define WARN_MS		"/sys/module/sched_ext/parameters/kick_wait_warn_ms"

#define KICKS		10

/* Bits that come with the flags of a kick in the events, see kernel/sched/ext/kick_int.h */
#define REQ_RESCHED	0x08
#define REQ_TASK	0x10
#define REQ_LAZY	0x20

static const char *const columns[] = {
	"sent", "coalesced", "self", "busy", "offline", "bypass", "disabled", "claimed", "refused",
	"gone", "higher", "lazy", "irqs", "served", "waits", "wait_us", "wait_max_us",
};

enum {
	SENT, COALESCED, SELF, BUSY, OFFLINE, BYPASS, DISABLED, CLAIMED, REFUSED, GONE, HIGHER,
	LAZY, NR_OUTCOMES, IRQS = NR_OUTCOMES, SERVED, WAITS, WAIT_US, WAIT_MAX_US, NR_COLUMNS
};

/* sched/ext_kick: the rows of the CPUs and, behind them, that of all together */
struct table {
	int nr_cpus;
	u64 rows[OBSERVE_NR_CPUS + 1][NR_COLUMNS];
};

static const char blank[] = { ' ', '\n', 0 };

static bool read_header(char *line)
{
	char *word = strtok(line, blank);
	int i;

	if (!word || strcmp(word, "cpu"))
		return false;
	for (i = 0; i < NR_COLUMNS; i++) {
		word = strtok(NULL, blank);
		if (!word || strcmp(word, columns[i])) {
			fprintf(stderr, "Column %d is %s, not %s\n", i, word, columns[i]);
			return false;
		}
	}
	return true;
}

static bool read_table(struct table *t)
{
	static char line[1024];
	FILE *f = fopen(TABLE, "r");
	bool all = false;
	int row, i;

	memset(t, 0, sizeof(*t));
	if (!f || !fgets(line, sizeof(line), f) || !read_header(line)) {
		perror(TABLE);
		return false;
	}
	while (!all && fgets(line, sizeof(line), f)) {
		char *pos = line + strspn(line, " ");

		all = !strncmp(pos, "all ", 4);
		row = all ? OBSERVE_NR_CPUS : strtol(pos, NULL, 10);
		for (pos += strcspn(pos, " "), i = 0; i < NR_COLUMNS; i++)
			t->rows[row][i] = strtoull(pos, &pos, 10);
		t->nr_cpus += !all;
	}
	fclose(f);
	return all;
}

/* The row of all is the sum, or the maximum, of the others. */
static bool adds_up(const struct table *t)
{
	u64 sum[NR_COLUMNS] = {};
	int cpu, i;

	for (cpu = 0; cpu < OBSERVE_NR_CPUS; cpu++) {
		for (i = 0; i < NR_COLUMNS; i++) {
			if (i != WAIT_MAX_US)
				sum[i] += t->rows[cpu][i];
			else if (t->rows[cpu][i] > sum[i])
				sum[i] = t->rows[cpu][i];
		}
	}
	/* Times are rounded in each row */
	sum[WAIT_US] = t->rows[OBSERVE_NR_CPUS][WAIT_US];
	return !memcmp(sum, t->rows[OBSERVE_NR_CPUS], sizeof(sum));
}

static u64 counted(int cpu, int column)
{
	static struct table t;

	return read_table(&t) ? t.rows[cpu][column] : 0;
}

/* One kind of kick, made by CPU 0 from a syscall program */
struct observe {
	struct lab *lab;
	struct kick_observe *skel;	/* NULL: the tracepoints are off */
	struct table before;
};

static bool begin(struct observe *o)
{
	return read_table(&o->before);
}

#define KICKS_OF(...)	((const u64[NR_OUTCOMES]) { __VA_ARGS__ })

/* CPU 0 has made kicks since begin(): these, and no other ones. */
static bool came_to(struct observe *o, const u64 *expected)
{
	struct table now;
	int i;

	if (!read_table(&now) || !adds_up(&now))
		return false;
	for (i = 0; i < NR_OUTCOMES; i++) {
		u64 n = now.rows[0][i] - o->before.rows[0][i];

		if (n != expected[i]) {
			fprintf(stderr, "%s: %lu, not %lu\n", columns[i], n, expected[i]);
			return false;
		}
	}
	return true;
}

/* CPU 1 stands still with a task: what is asked of it stays asked. */
static enum scx_test_status at_busy_cpu(struct observe *o)
{
	u64 irqs, served = counted(1, SERVED);

	SCX_ASSERT(lab_hold(o->lab, 1, LAB_TICK));
	SCX_ASSERT(begin(o));
	SCX_ASSERT(lab_kick(o->lab, 1, KICK_IDLE, KICKS));
	SCX_ASSERT(came_to(o, KICKS_OF([BUSY] = KICKS)));

	SCX_ASSERT(lab_kick(o->lab, 1, KICK_PREEMPT, KICKS));
	irqs = counted(0, IRQS);
	SCX_ASSERT(came_to(o, KICKS_OF([BUSY] = KICKS, [SENT] = 1, [COALESCED] = KICKS - 1)));
	SCX_EQ(irqs - o->before.rows[0][IRQS], 1);
	SCX_ASSERT(!o->lab->cpus[1].overheld && o->lab->cpus[1].held);
	lab_unhold(o->lab, 1);
	LAB_COMES(counted(1, SERVED) > served);
	return SCX_TEST_PASS;
}

static enum scx_test_status at_offline_cpu(struct observe *o)
{
	SCX_ASSERT(set_online(3, false));
	SCX_ASSERT(begin(o));
	SCX_ASSERT(lab_kick(o->lab, 3, KICK_PREEMPT, KICKS));
	SCX_ASSERT(came_to(o, KICKS_OF([OFFLINE] = KICKS)));
	SCX_ASSERT(set_online(3, true));
	return SCX_TEST_PASS;
}

static void work_kick_and_end(struct worker *w)
{
	lab_kick(w->lab, w->cpu, KICK_PREEMPT, KICKS);
	count(w->turns);
}

/* A sched_ext task of CPU 2 kicks it. It may be preempted after the first kick */
static bool kick_own(struct observe *o)
{
	struct worker *w;
	u64 self, coalesced;

	if (!begin(o))
		return false;
	w = lab_work(o->lab, 2, SCHED_EXT, work_kick_and_end);
	if (!w || !LAB_WAIT(shared(w->turns)))
		return false;
	self = counted(2, SELF) - o->before.rows[2][SELF];
	coalesced = counted(2, COALESCED) - o->before.rows[2][COALESCED];
	return self >= 1 && self + coalesced == KICKS;
}

/* The kernel kicks the CPU as well, now and then: if a pick finds its task gone. So try again */
static enum scx_test_status at_own_cpu(struct observe *o)
{
	SCX_ASSERT(kick_own(o) || kick_own(o) || kick_own(o));
	return SCX_TEST_PASS;
}

static bool kick_higher(struct observe *o, int cpu)
{
	return begin(o) && lab_kick(o->lab, cpu, KICK_PREEMPT, KICKS) &&
	       came_to(o, KICKS_OF([HIGHER] = KICKS));
}

/* This thread's CPU, and one with a real-time task, where a kernel thread may come just then */
static enum scx_test_status at_higher_class(struct observe *o)
{
	struct worker *w = lab_work(o->lab, 3, SCHED_FIFO, work_spin);

	SCX_ASSERT(w && LAB_WAIT(w->turns));
	SCX_ASSERT(LAB_WAIT(kick_higher(o, 3)));
	SCX_ASSERT(LAB_WAIT(kick_higher(o, 0)));
	w->stop = true;
	return SCX_TEST_PASS;
}

/*
 * One is left to the tick, and the others to it. That CPU may have come to its tick before, and the
 * kernel may kick it, too
 */
static bool kick_lazily(struct observe *o)
{
	bool came = lab_hold(o->lab, 1, LAB_TICK) && begin(o) &&
		    lab_kick(o->lab, 1, KICK_LAZY, KICKS) &&
		    came_to(o, KICKS_OF([LAZY] = 1, [COALESCED] = KICKS - 1)) &&
		    (!o->skel || o->skel->bss->targets[1].flags == REQ_LAZY);

	lab_unhold(o->lab, 1);
	/* What comes next is not to find it pending */
	return LAB_WAIT(o->lab->cpus[1].seen == o->lab->cpus[1].asked) && came;
}

static enum scx_test_status at_tick(struct observe *o)
{
	SCX_ASSERT(kick_lazily(o) || kick_lazily(o) || kick_lazily(o));
	return SCX_TEST_PASS;
}

static int kick_task(struct kick_observe *skel, pid_t pid)
{
	struct observe_kick_args args = { .pid = pid };

	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &args, .ctx_size_in = sizeof(args));

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.observe_kick_task), &opts) ||
	    opts.retval)
		return 1;
	return args.ret;
}

static enum scx_test_status at_task(struct observe *o, struct kick_observe *skel)
{
	pid_t spinner = o->lab->workers[0].tid;

	SCX_ASSERT(lab_hold(o->lab, 1, LAB_TICK));
	SCX_ASSERT(begin(o));
	SCX_EQ(kick_task(skel, spinner), 0);
	SCX_EQ(kick_task(skel, spinner), -EBUSY);
	SCX_EQ(kick_task(skel, getpid()), -ESRCH);
	SCX_ASSERT(came_to(o, KICKS_OF([CLAIMED] = 1, [REFUSED] = 1, [GONE] = 1)));
	if (o->skel) {
		SCX_EQ(o->skel->bss->targets[1].flags, REQ_TASK);
		SCX_EQ(o->skel->bss->targets[1].outcome, REFUSED);
	}
	lab_unhold(o->lab, 1);
	return SCX_TEST_PASS;
}

static u64 counted_kicks(void)
{
	u64 kicks = 0;
	int i;

	for (i = 0; i < NR_OUTCOMES; i++)
		kicks += counted(OBSERVE_NR_CPUS, i);
	return kicks;
}

/* Every CPU kicks CPU 1 while the scheduler is bypassed, then there is none. */
static enum scx_test_status without_scheduler(struct observe *o)
{
	u64 asked, bypass, kicks;
	int cpu;

	bypass = counted(OBSERVE_NR_CPUS, BYPASS);
	kicks = counted_kicks();
	asked = o->lab->cpus[1].asked;
	for (cpu = 0; cpu < o->lab->nr_cpus; cpu++)
		lab_order(o->lab, cpu, LAB_EXIT_TASK, 1, KICK_PREEMPT, KICKS);
	SCX_ASSERT(lab_stop(o->lab));
	asked = o->lab->cpus[1].asked - asked;
	SCX_GT(asked, 0);
	/* A task that ends before has its kick made, and there may be one of the kernel's own */
	SCX_GT(counted(OBSERVE_NR_CPUS, BYPASS), bypass);
	SCX_GE(counted_kicks() - kicks, asked);
	for (cpu = 0; cpu < o->lab->nr_cpus; cpu++)
		o->lab->cpus[cpu].left = 0;

	SCX_ASSERT(begin(o));
	SCX_ASSERT(lab_kick(o->lab, 1, KICK_PREEMPT, KICKS));
	SCX_ASSERT(came_to(o, KICKS_OF([DISABLED] = KICKS)));
	return SCX_TEST_PASS;
}

static enum scx_test_status all_outcomes(struct observe *o, struct kick_observe *skel)
{
	SCX_ASSERT(lab_spin(o->lab, 1));
	/* A claim is refused where the slice is used up */
	o->lab->cpus[1].renew = true;
	o->lab->cpus[1].endless = true;
	if (at_busy_cpu(o) || at_offline_cpu(o) || at_own_cpu(o) || at_higher_class(o) ||
	    at_tick(o) || at_task(o, skel) || without_scheduler(o))
		return SCX_TEST_FAIL;
	lab_let_go(o->lab);
	return SCX_TEST_PASS;
}

static struct kick_observe *load_observe(void)
{
	struct kick_observe *skel = kick_observe__open();

	if (skel && kick_observe__load(skel)) {
		kick_observe__destroy(skel);
		return NULL;
	}
	return skel;
}

/* Each outcome is counted once a kick, with the tracepoints off. */
static enum scx_test_status kick_observe_counters(void *ctx)
{
	struct observe o = { .lab = ctx };
	struct kick_observe *skel;
	enum scx_test_status status;

	SCX_ASSERT(!access(TABLE, R_OK));
	skel = load_observe();
	SCX_ASSERT(skel);
	SCX_ASSERT(lab_start(o.lab, NULL));
	status = all_outcomes(&o, skel);
	kick_observe__destroy(skel);
	return status;
}

/* The counters say what the events say, for each CPU and outcome, since @before. */
static bool balances(struct kick_observe *skel, const struct table *before)
{
	static struct table now;
	int cpu, i;

	if (!read_table(&now))
		return false;
	for (cpu = 0; cpu < now.nr_cpus; cpu++) {
		for (i = 0; i < NR_OUTCOMES; i++) {
			if (now.rows[cpu][i] - before->rows[cpu][i] != skel->bss->seen[cpu][i])
				return false;
		}
	}
	return true;
}

static u64 events_of(struct kick_observe *skel, int outcome)
{
	u64 events = 0;
	int cpu;

	for (cpu = 0; cpu < OBSERVE_NR_CPUS; cpu++)
		events += skel->bss->seen[cpu][outcome];
	return events;
}

static enum scx_test_status events_of_all(struct lab *lab, struct kick_observe *skel)
{
	struct observe o = { .lab = lab, .skel = skel };
	static struct table before;
	int i;

	/* Nobody kicks: this is where both begin */
	SCX_ASSERT(read_table(&before));
	SCX_ASSERT(!kick_observe__attach(skel));
	SCX_ASSERT(lab_start(lab, NULL));
	if (all_outcomes(&o, skel))
		return SCX_TEST_FAIL;
	LAB_COMES(balances(skel, &before));
	for (i = 0; i < NR_OUTCOMES; i++)
		SCX_FAIL_IF(!events_of(skel, i), "No event of %s", columns[i]);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_observe_events(void *ctx)
{
	struct kick_observe *skel = load_observe();
	enum scx_test_status status;

	SCX_ASSERT(skel);
	status = events_of_all(ctx, skel);
	kick_observe__destroy(skel);
	return status;
}

/* Each program kicks in each event of a kick. That must not run the other ones in turn */
static enum scx_test_status nested(struct lab *lab, struct kick_observe *skel)
{
	SCX_ASSERT(lab_spin(lab, 1));
	SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, KICKS));
	SCX_GE(skel->bss->nested_kicks, 4 * KICKS);
	SCX_EQ(skel->bss->deepest, 1);
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_observe_nested(void *ctx)
{
	struct kick_observe *skel = kick_observe__open();
	enum scx_test_status status = SCX_TEST_FAIL;
	struct lab *lab = ctx;

	SCX_ASSERT(skel);
	SCX_ENUM_INIT(skel);
	bpf_program__set_autoload(skel->progs.observe_nested_0, true);
	bpf_program__set_autoload(skel->progs.observe_nested_1, true);
	bpf_program__set_autoload(skel->progs.observe_nested_2, true);
	bpf_program__set_autoload(skel->progs.observe_nested_3, true);
	if (!kick_observe__load(skel) && !kick_observe__attach(skel) && lab_start(lab, NULL))
		status = nested(lab, skel);
	kick_observe__destroy(skel);
	return status;
}

/* One kick, held back long enough to tell its delay from any other time */
static enum scx_test_status fields(struct lab *lab, struct kick_observe *skel)
{
	struct observe_target *target = &skel->bss->targets[1];
	u64 begin, kicked, let_go, end, kicks;

	SCX_ASSERT(lab_spin(lab, 1));
	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));

	kicks = target->kicks;
	target->served = 0;
	begin = now_ns();
	SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
	kicked = now_ns();
	SCX_EQ(target->kicks - kicks, 1);
	SCX_EQ(target->from, 0);
	SCX_EQ(target->flags, KICK_PREEMPT | REQ_RESCHED);
	SCX_EQ(target->outcome, SENT);
	SCX_ASSERT(lab_kick(lab, 1, KICK_WAIT, 1));
	SCX_EQ(target->flags, KICK_WAIT | REQ_RESCHED);
	SCX_EQ(target->outcome, COALESCED);

	usleep(20 * 1000);
	SCX_EQ(target->served, 0);
	let_go = now_ns();
	lab_unhold(lab, 1);
	LAB_COMES(target->served);
	end = now_ns();
	SCX_EQ(target->served_on, 1);
	SCX_EQ(target->served_flags, KICK_PREEMPT | KICK_WAIT | REQ_RESCHED);
	SCX_GE(target->delay_ns, let_go - kicked);
	SCX_LE(target->delay_ns, end - begin);
	SCX_ASSERT(!lab->cpus[1].overheld);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_observe_fields(void *ctx)
{
	struct kick_observe *skel = load_observe();
	enum scx_test_status status;
	struct lab *lab = ctx;

	SCX_ASSERT(skel && !kick_observe__attach(skel) && lab_start(lab, NULL));
	status = fields(lab, skel);
	kick_observe__destroy(skel);
	return status;
}

static enum scx_test_status kick_observe_reset(void *ctx)
{
	static struct table t;
	struct lab *lab = ctx;

	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(lab_kick(lab, 1, 0, KICKS) && lab_stop(lab));
	SCX_ASSERT(read_table(&t));
	SCX_GE(t.rows[0][SENT] + t.rows[0][COALESCED], KICKS);
	SCX_EQ(t.nr_cpus, libbpf_num_possible_cpus());

	SCX_ASSERT(put(TABLE, "0\n"));
	SCX_ASSERT(read_table(&t));
	SCX_EQ(t.rows[OBSERVE_NR_CPUS][WAIT_US], 0);
	memset(t.rows[OBSERVE_NR_CPUS], 0, sizeof(t.rows[0]));
	SCX_ASSERT(adds_up(&t));
	return SCX_TEST_PASS;
}

static char text[1 << 20];

/* The whole @line is in a file that has the events */
static bool traced(const char *line)
{
	return get(TRACE, text, sizeof(text)) && strstr(text, line);
}

static enum scx_test_status in_tracefs(struct lab *lab)
{
	SCX_ASSERT(put(TRACE, ""));
	SCX_ASSERT(put(EVENTS "sched_ext_kick/enable", "1"));
	SCX_ASSERT(put(EVENTS "sched_ext_kick_served/enable", "1"));
	SCX_ASSERT(lab_spin(lab, 1));
	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	SCX_ASSERT(lab_kick(lab, 1, KICK_PREEMPT, 1));
	SCX_ASSERT(lab_kick(lab, 1, KICK_WAIT, 1));
	lab_unhold(lab, 1);

	/* To read it takes an RCU grace period */
	LAB_COMES(traced(" sched_ext_kick_served: cpu=1 flags=PREEMPT|WAIT|RESCHED delay_ns="));
	SCX_ASSERT(!strstr(text, " flags=PREEMPT|WAIT|RESCHED delay_ns=0\n"));
	SCX_ASSERT(strstr(text, " sched_ext_kick: cpu=1 flags=PREEMPT|RESCHED outcome=sent\n"));
	SCX_ASSERT(strstr(text, " sched_ext_kick: cpu=1 flags=WAIT|RESCHED outcome=coalesced\n"));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_observe_tracefs(void *ctx)
{
	enum scx_test_status status;
	struct lab *lab = ctx;

	SCX_ASSERT(!access(EVENTS "sched_ext_kick", F_OK) && lab_start(lab, NULL));
	status = in_tracefs(lab);
	put(EVENTS "sched_ext_kick/enable", "0");
	put(EVENTS "sched_ext_kick_served/enable", "0");
	return status;
}

/* One wait: the cycle that the yield starts ends with it. */
static void work_kick_and_wait(struct worker *w)
{
	sem_wait(&w->bell);
	lab_kick(w->lab, w->target, w->flags, 1);
	sched_yield();
	count(w->turns);
}

/* Before CPU 1 stands still: a new thread may need the TLB of all CPUs flushed. */
static struct worker *start_waiter(struct lab *lab)
{
	struct worker *w = &lab->workers[lab->nr_workers];

	w->target = 1;
	w->flags = KICK_PREEMPT | KICK_WAIT;
	return lab_work(lab, 2, SCHED_EXT, work_kick_and_wait);
}

/* What is in the log already may be so much that a CPU can't be held until it has been read. */
static int open_log(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	lseek(fd, 0, SEEK_END);
	return fd;
}

/* How many new lines of the log, which is @fd, say that @waiter waits for @target */
static int new_reports(int fd, const struct worker *waiter, const struct worker *target)
{
	char line[8192], who[64], whom[64];
	int len, nr = 0;

	snprintf(who, sizeof(who), "CPU 2 (runner[%d]) has waited ", waiter->tid);
	snprintf(whom, sizeof(whom), " for CPU 1 (runner[%d])", target->tid);
	while ((len = read(fd, line, sizeof(line) - 1)) > 0) {
		line[len] = '\0';
		nr += strstr(line, who) && strstr(line, whom);
	}
	return nr;
}

/* The kernel reports ten waits in five seconds at most. Tests that have just ended had some. */
static void let_reports_through(void)
{
	sleep(6);
}

static enum scx_test_status long_wait(struct lab *lab, int fd, int expected)
{
	struct worker *spinner, *waiter;
	u64 waits = counted(2, WAITS);
	int reports = 0;

	spinner = lab_spin(lab, 1);
	SCX_ASSERT(spinner);
	waiter = start_waiter(lab);
	SCX_ASSERT(waiter);
	SCX_ASSERT(lab_hold(lab, 1, LAB_TICK));
	SCX_ASSERT(lab_ring(waiter));
	if (expected)
		LAB_COMES(reports = new_reports(fd, waiter, spinner));
	/* Several times the bound */
	usleep(100 * 1000);
	SCX_ASSERT(!waiter->turns && !lab->cpus[1].overheld);
	lab_unhold(lab, 1);

	LAB_COMES(waiter->turns);
	SCX_EQ(reports + new_reports(fd, waiter, spinner), expected);
	SCX_GT(counted(2, WAITS), waits);
	SCX_GE(counted(2, WAIT_US), counted(2, WAIT_MAX_US));
	lab_let_go(lab);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_observe_long_wait(void *ctx)
{
	struct lab *lab = ctx;
	enum scx_test_status status = SCX_TEST_FAIL;
	long bound = file_read_long(WARN_MS);
	int fd = open_log();

	SCX_EQ(bound, 0);
	SCX_ASSERT(fd >= 0 && lab_start(lab, NULL));
	let_reports_through();
	if (!long_wait(lab, fd, 0) && counted(2, WAIT_MAX_US) >= 10 * 1000 &&
	    !file_write_long(WARN_MS, 10) && !long_wait(lab, fd, 1))
		status = long_wait(lab, fd, 1);
	file_write_long(WARN_MS, bound);
	close(fd);
	return status;
}

/* Where @dump has @what in its line on the kicks of CPU @cpu, below the head line of that CPU. */
static const char *find_in_dump(const char *dump, int cpu, const char *what)
{
	char head[32];
	const char *kick, *end, *found;

	snprintf(head, sizeof(head), "CPU %-4d: ", cpu);
	kick = strstr(dump, head);
	kick = kick ? strstr(kick, "kick=") : NULL;
	if (!kick) {
		fprintf(stderr, "The dump says nothing of CPU %d\n", cpu);
		return NULL;
	}
	end = strchrnul(kick, '\n');
	found = strstr(kick, what);
	if (found && found < end)
		return found;
	fprintf(stderr, "CPU %d has %.*s, not %s\n", cpu, (int)(end - kick), kick, what);
	return NULL;
}

static bool dump_says(const char *dump, int cpu, const char *what)
{
	return find_in_dump(dump, cpu, what);
}

static enum scx_test_status dump_is_right(const char *dump, u64 served)
{
	const char *dumped;
	char counters[64];

	/* The timer may have come when a cycle was about to end */
	SCX_ASSERT(dump_says(dump, 1, "kick=busy+resched+preempt+wait cycle=") ||
		   dump_says(dump, 1, "kick=picking+resched+preempt+wait cycle="));
	SCX_ASSERT(dump_says(dump, 2, " waits_us="));
	SCX_ASSERT(dump_says(dump, 2, " for=1 "));
	snprintf(counters, sizeof(counters), " sent=%lu", counted(2, SENT));
	SCX_ASSERT(dump_says(dump, 2, counters));
	/* The only one that idles, with something to tell. The exit kicks it as well */
	dumped = find_in_dump(dump, 3, " served=");
	SCX_ASSERT(dumped);
	dumped += strlen(" served=");
	SCX_GE(strtoull(dumped, NULL, 10), served);
	SCX_LE(strtoull(dumped, NULL, 10), counted(3, SERVED));
	return SCX_TEST_PASS;
}

/*
 * CPU 1 stands still in a timer, where it can be dumped: no lock is held. CPU 2 waits for it, CPU 3
 * has served a kick and idles.
 */
static enum scx_test_status set_scene(struct lab *lab)
{
	struct worker *spinner, *waiter;
	u64 served = counted(3, SERVED);
	int log = open_log();

	let_reports_through();
	SCX_ASSERT(lab_kick(lab, 3, KICK_IDLE, 1));
	LAB_COMES(counted(3, SERVED) > served);
	spinner = lab_spin(lab, 1);
	SCX_ASSERT(spinner);
	waiter = start_waiter(lab);
	SCX_ASSERT(waiter);
	SCX_ASSERT(lab_start_timer(lab, 1, 1000 * 1000) && lab_hold(lab, 1, LAB_TIMER));
	SCX_ASSERT(lab_ring(waiter));
	LAB_COMES(new_reports(log, waiter, spinner));
	close(log);
	return SCX_TEST_PASS;
}

/* While CPU 1 stands still there is no RCU grace period, so nothing is read or set in tracefs. */
static enum scx_test_status dumps(struct lab *lab)
{
	u64 waits, served, dumps;

	SCX_ASSERT(put(TRACE, "") && put(EVENTS "sched_ext_dump/enable", "1"));
	SCX_ASSERT(!file_write_long(WARN_MS, 10));
	if (set_scene(lab))
		return SCX_TEST_FAIL;
	waits = counted(2, WAITS);
	SCX_ASSERT(put("/proc/sysrq-trigger", "D"));
	SCX_EQ(counted(2, WAITS), waits);
	served = counted(3, SERVED);
	dumps = lab->cpus[3].dumps;
	/* This ends the scheduler, with a dump at once, or by a thread with PREEMPT_RT */
	SCX_ASSERT(lab_kick(lab, 3, 0x100, 1));
	LAB_COMES(lab->cpus[3].dumps != dumps);
	SCX_ASSERT(!lab->cpus[1].overheld);
	lab_unhold(lab, 1);
	SCX_ASSERT(lab_ended_with(lab, "0x100"));

	SCX_ASSERT(get(TRACE, text, sizeof(text)));
	if (dump_is_right(text, served))
		return SCX_TEST_FAIL;
	return dump_is_right(lab->skel->data_uei_dump->uei_dump, served);
}

static enum scx_test_status kick_observe_dump(void *ctx)
{
	enum scx_test_status status;
	struct lab *lab = ctx;

	SCX_ASSERT(!access(TABLE, R_OK));
	UEI_SET_SIZE(lab->skel, kick_lab_ops, uei);
	SCX_ASSERT(lab_start(lab, NULL));
	status = dumps(lab);
	file_write_long(WARN_MS, 0);
	put(EVENTS "sched_ext_dump/enable", "0");
	return status;
}

LAB_TEST(kick_observe_counters,
	 "each kick is counted once, as what became of it",
	 STOCK_FAILS("has no counters"))

LAB_TEST(kick_observe_events,
	 "a BPF program sees an event for each kick that is counted",
	 STOCK_FAILS("has no such tracepoint"))

LAB_TEST(kick_observe_nested,
	 "programs that kick in the event of a kick do not run in each other",
	 STOCK_FAILS("has no such tracepoint"))

LAB_TEST(kick_observe_fields,
	 "the events of a kick name who, whom, what and how long",
	 STOCK_FAILS("has no such tracepoint"))

LAB_TEST(kick_observe_tracefs,
	 "kicks can be traced by tracefs",
	 STOCK_FAILS("has no such event"))

LAB_TEST(kick_observe_reset,
	 "the counters are set to 0 by a write",
	 STOCK_FAILS("has no counters"))

LAB_TEST(kick_observe_long_wait,
	 "a long wait is reported once, with both CPUs and tasks, where that was asked for",
	 STOCK_FAILS("has no such report"))

LAB_TEST(kick_observe_dump,
	 "the debug dump tells of each CPU's kicks, waits and counters",
	 STOCK_FAILS("has none of that"))
