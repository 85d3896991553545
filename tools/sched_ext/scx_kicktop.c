// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kicktop - a live view of the kicks of the BPF scheduler that runs
 *
 * The loader of scx_kicktop.bpf.c. Once a second it takes a sample of all counters; what is shown
 * is the difference of two.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <scx/common.h>
#include <scx/loader.h>
#include "scx_kicktop.h"
#include "scx_kicktop.bpf.skel.h"

#define SYSFS		"/sys/kernel/sched_ext/"
#define ONLINE_FILE	"/sys/devices/system/cpu/online"

#define NSEC_PER_SEC	1000000000ULL
#define PLAIN_COLS	80
/* Up to so many CPUs there is a matrix, above them a list of pairs */
#define MATRIX_CPUS	16
#define PLAIN_PAIRS	16
#define PAIR_COLS	20
#define OUTCOME_COLS	16

struct sample {
	u64		at_ns;
	u64		*pairs;		/* kicking CPU * nr_cpus + kicked CPU */
	u64		*delays;	/* kicked CPU * KT_BUCKETS + bucket */
	struct kt_stats	*stats;
};

struct pair {
	int		from, to;
	u64		kicks;
};

/* The time between two samples */
struct view {
	char		ops[128];
	double		secs;
	u64		now_ns;
	struct {
		u64	kicks;
		u64	outcomes[KT_MAX_OUTCOMES];
		u64	irqs, waits, wait_ns;
		u64	delays[KT_BUCKETS];
	} sums;
	struct pair	*pairs;		/* the busiest first */
	int		nr_pairs;
	int		*cpus;		/* online or in one of the pairs */
	int		nr_shown;
	struct kt_stats	*stats;		/* as they are now */
};

static struct scx_kicktop *skel;
static char outcome_names[KT_MAX_OUTCOMES][16];
static int nr_outcomes, nr_cpus;
static struct termios keys_before;
static bool on_terminal, keys;

static const char help[] =
"Show the kicks of the BPF scheduler that runs, once a second.\n"
"\n"
"Usage: %s [OPTION...]\n"
"\n"
"  -1, --once     Show one second and exit\n"
"  -j, --json     One JSON object a line, for programs: counts of that second\n"
"  -v, --verbose  Print libbpf's messages\n"
"  -h, --help     Print this help\n"
"\n"
"In a terminal q ends it. Elsewhere the output is plain lines.\n"
"\n"
"  kicks/s    by what became of them\n"
"  from \\ to  by CPU that kicks and CPU that is kicked; above 16 CPUs the busiest pairs\n"
"  delay      from kick to the scheduling cycle that serves it: cycles a second that took this\n"
"             long or up to twice as long\n"
"  waits      for CPUs kicked with SCX_KICK_WAIT; the longest ones since sched/ext_kick in\n"
"             debugfs was last written to\n";

static int print_if_verbose(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return loader_verbose ? vfprintf(stderr, fmt, args) : 0;
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void *alloc(size_t nr, size_t size)
{
	void *p = calloc(nr, size);

	if (!p)
		die("no memory for %zu x %zu bytes", nr, size);
	return p;
}

/* The first line of a file, empty if there is none */
static void read_line(const char *path, char *line, int size)
{
	FILE *f = fopen(path, "r");

	line[0] = '\0';
	if (!f)
		return;
	if (fgets(line, size, f))
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

/* What the kernel has */

/* The kernel's own names of what becomes of a kick, and whether it has the tracepoints at all. */
static void read_outcomes(void)
{
	static const char prefix[] = "SCX_KICKED_";
	struct btf *btf = btf__load_vmlinux_btf();
	const struct btf_type *type;
	const struct btf_enum *values;
	int id, i;
	char *c;

	if (!btf)
		die("the kernel has no type information: it needs CONFIG_DEBUG_INFO_BTF");
	id = btf__find_by_name_kind(btf, "scx_kick_outcome", BTF_KIND_ENUM);
	if (id < 0 || btf__find_by_name(btf, "btf_trace_sched_ext_kick") < 0)
		die("this kernel has no tracepoint sched_ext_kick: its kick path is another one");

	type = btf__type_by_id(btf, id);
	values = btf_enum(type);
	for (i = 0; i < btf_vlen(type) && nr_outcomes < KT_MAX_OUTCOMES; i++) {
		const char *name = btf__name_by_offset(btf, values[i].name_off) + strlen(prefix);

		if (!strcmp(name, "NR"))
			break;
		snprintf(outcome_names[nr_outcomes], sizeof(outcome_names[0]), "%s", name);
		for (c = outcome_names[nr_outcomes]; *c; c++)
			*c = tolower(*c);
		nr_outcomes++;
	}
	btf__free(btf);
}

static void *map_memory(struct bpf_map *map)
{
	size_t size = bpf_map__max_entries(map) * (size_t)bpf_map__value_size(map);
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);

	if (p == MAP_FAILED)
		die("can't map the counters in map %s: %s", bpf_map__name(map), strerror(errno));
	return p;
}

static void load_programs(struct sample *live)
{
	skel = scx_kicktop__open();
	if (!skel)
		die("can't open the BPF programs: %s", strerror(errno));
	skel->rodata->nr_cpus = nr_cpus;
	bpf_map__set_max_entries(skel->maps.pairs, nr_cpus * nr_cpus);
	bpf_map__set_max_entries(skel->maps.delays, nr_cpus * KT_BUCKETS);
	bpf_map__set_max_entries(skel->maps.stats, nr_cpus);
	if (scx_kicktop__load(skel) || scx_kicktop__attach(skel))
		die("can't load the BPF programs: %s%s; -v tells more", strerror(errno),
		    geteuid() ? ", they need root" : "");
	live->pairs = map_memory(skel->maps.pairs);
	live->delays = map_memory(skel->maps.delays);
	live->stats = map_memory(skel->maps.stats);
}

/* Samples */

static void alloc_sample(struct sample *s)
{
	s->pairs = alloc(nr_cpus * nr_cpus, sizeof(*s->pairs));
	s->delays = alloc(nr_cpus * KT_BUCKETS, sizeof(*s->delays));
	s->stats = alloc(nr_cpus, sizeof(*s->stats));
}

static void take_sample(const struct sample *live, struct sample *s)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(skel->progs.read_stats), &opts))
		die("can't read the kernel's counters: %s", strerror(errno));
	s->at_ns = clock_ns(CLOCK_MONOTONIC);
	memcpy(s->stats, live->stats, nr_cpus * sizeof(*s->stats));
	memcpy(s->pairs, live->pairs, nr_cpus * nr_cpus * sizeof(*s->pairs));
	memcpy(s->delays, live->delays, nr_cpus * KT_BUCKETS * sizeof(*s->delays));
}

/* The kernel's counters may have been set to 0 meanwhile. */
static u64 since(u64 now, u64 before)
{
	return now >= before ? now - before : now;
}

static int busier(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->kicks != y->kicks)
		return x->kicks < y->kicks ? 1 : -1;
	return x->from != y->from ? x->from - y->from : x->to - y->to;
}

static void compare_pairs(struct view *v, const struct sample *before, const struct sample *now,
			  bool *shown)
{
	int from, to;

	v->nr_pairs = 0;
	for (from = 0; from < nr_cpus; from++) {
		for (to = 0; to < nr_cpus; to++) {
			u64 kicks = now->pairs[from * nr_cpus + to] -
				    before->pairs[from * nr_cpus + to];

			if (!kicks)
				continue;
			v->pairs[v->nr_pairs++] = (struct pair) { from, to, kicks };
			shown[from] = true;
			shown[to] = true;
		}
	}
	qsort(v->pairs, v->nr_pairs, sizeof(*v->pairs), busier);
}

/* CPU numbers as the kernel writes them: 0-2,5 */
static void read_online(bool *online)
{
	char list[4096], *pos;
	long cpu, last;

	read_line(ONLINE_FILE, list, sizeof(list));
	for (pos = list; *pos; pos += strspn(pos, ",")) {
		cpu = strtol(pos, &pos, 10);
		last = *pos == '-' ? strtol(pos + 1, &pos, 10) : cpu;
		for (; cpu <= last && cpu < nr_cpus; cpu++)
			online[cpu] = true;
	}
}

static void compare(struct view *v, const struct sample *before, const struct sample *now)
{
	bool *shown = alloc(nr_cpus, sizeof(*shown));
	int cpu, i;

	v->now_ns = now->at_ns;
	v->secs = (double)(now->at_ns - before->at_ns) / NSEC_PER_SEC;
	v->stats = now->stats;
	memset(&v->sums, 0, sizeof(v->sums));

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		const struct kt_stats *from = &before->stats[cpu], *to = &now->stats[cpu];

		for (i = 0; i < nr_outcomes; i++)
			v->sums.outcomes[i] += since(to->outcomes[i], from->outcomes[i]);
		v->sums.irqs += since(to->irqs, from->irqs);
		v->sums.waits += since(to->waits, from->waits);
		v->sums.wait_ns += since(to->wait_ns, from->wait_ns);
		for (i = 0; i < KT_BUCKETS; i++)
			v->sums.delays[i] += now->delays[cpu * KT_BUCKETS + i] -
					before->delays[cpu * KT_BUCKETS + i];
	}
	for (i = 0; i < nr_outcomes; i++)
		v->sums.kicks += v->sums.outcomes[i];

	read_online(shown);
	compare_pairs(v, before, now, shown);
	for (v->nr_shown = 0, cpu = 0; cpu < nr_cpus; cpu++) {
		if (shown[cpu])
			v->cpus[v->nr_shown++] = cpu;
	}
	free(shown);
}

/* Text */

/* A number in @width columns, 3 at least */
static const char *count_text(double n, int width)
{
	static const char units[] = "kMGTP";
	static char text[32];
	int unit;

	if (snprintf(text, sizeof(text), "%.0f", n) <= width)
		return text;
	for (unit = 0, n /= 1000; units[unit]; unit++, n /= 1000) {
		if (snprintf(text, sizeof(text), "%.1f%c", n, units[unit]) <= width ||
		    snprintf(text, sizeof(text), "%.0f%c", n, units[unit]) <= width)
			return text;
		/* 99k, .1M to .9M, 1M */
		if (n < 950 && snprintf(text, sizeof(text), ".%.0f%c", n / 100,
					units[unit + 1]) <= width)
			return text;
	}
	return "+++";
}

static const char *time_text(u64 ns)
{
	static char text[32];

	if (ns < 1000)
		snprintf(text, sizeof(text), "%luns", ns);
	else if (ns < 1000 * 1000)
		snprintf(text, sizeof(text), "%.1fus", ns / 1e3);
	else if (ns < NSEC_PER_SEC)
		snprintf(text, sizeof(text), "%.1fms", ns / 1e6);
	else
		snprintf(text, sizeof(text), "%.1fs", ns / 1e9);
	return text;
}

static void print_outcomes(FILE *f, const struct view *v, int cols)
{
	int i, per_line = cols / OUTCOME_COLS;

	fprintf(f, "%6s %-9s", count_text(v->sums.kicks / v->secs, 5), "kicks/s");
	for (i = 0; i < nr_outcomes; i++)
		fprintf(f, "%s%6s %-9s", (i + 1) % per_line ? "" : "\n",
			count_text(v->sums.outcomes[i] / v->secs, 5), outcome_names[i]);
	fprintf(f, "%s%6s %s\n", (i + 1) % per_line ? "" : "\n",
		count_text(v->sums.irqs / v->secs, 5), "interrupts");
}

static u64 kicks_of_pair(const struct view *v, int from, int to)
{
	int i;

	for (i = 0; i < v->nr_pairs; i++) {
		if (v->pairs[i].from == from && v->pairs[i].to == to)
			return v->pairs[i].kicks;
	}
	return 0;
}

static void print_matrix(FILE *f, const struct view *v, int cols)
{
	int width = (cols - 9) / v->nr_shown;
	int i, j;

	if (width > 9)
		width = 9;
	if (width < 4)
		width = 4;
	fprintf(f, "from \\ to");
	for (j = 0; j < v->nr_shown; j++)
		fprintf(f, "%*d", width, v->cpus[j]);
	fputc('\n', f);
	for (i = 0; i < v->nr_shown; i++) {
		fprintf(f, "%9d", v->cpus[i]);
		for (j = 0; j < v->nr_shown; j++) {
			u64 kicks = kicks_of_pair(v, v->cpus[i], v->cpus[j]);

			fprintf(f, "%*s", width,
				kicks ? count_text(kicks / v->secs, width - 1) : ".");
		}
		fputc('\n', f);
	}
}

static void print_pairs(FILE *f, const struct view *v, int cols, int lines)
{
	int per_line = cols / PAIR_COLS;
	int i, nr = lines * per_line < v->nr_pairs ? lines * per_line : v->nr_pairs;

	fprintf(f, "the busiest of %d pairs, kicks/s\n", v->nr_pairs);
	for (i = 0; i < nr; i++)
		fprintf(f, "%4d > %-4d%7s  %s", v->pairs[i].from, v->pairs[i].to,
			count_text(v->pairs[i].kicks / v->secs, 7),
			(i + 1) % per_line && i + 1 < nr ? "" : "\n");
}

/* The buckets from the longest delay down; what does not fit goes to the first one shown. */
static void print_delays(FILE *f, const struct view *v, int cols)
{
	static const char * const units[] = { "ns", "us", "ms", "s" };
	int first = 0, last = KT_BUCKETS - 1, i;
	u64 below = 0;
	char label[16];

	while (last > 0 && !v->sums.delays[last])
		last--;
	while (first < last && !v->sums.delays[first])
		first++;
	if (last - first >= (cols - 9) / 6)
		first = last - (cols - 9) / 6 + 1;

	fprintf(f, "%9s", "delay");
	for (i = first; i <= last; i++) {
		snprintf(label, sizeof(label), "%d%s", 1 << i % 10, units[i / 10]);
		fprintf(f, "%6s", label);
	}
	fprintf(f, "\n%9s", "cycles/s");
	for (i = 0; i <= last; i++) {
		below += v->sums.delays[i];
		if (i < first)
			continue;
		fprintf(f, "%6s", below ? count_text(below / v->secs, 5) : ".");
		below = 0;
	}
	fputc('\n', f);
}

/* How long the wait that is under way has taken, 0 if none is */
static u64 waits_for_ns(const struct view *v, int cpu)
{
	u64 start = v->stats[cpu].waits_since_ns;

	return start && start < v->now_ns ? v->now_ns - start : 0;
}

static int waits_longer(const void *a, const void *b, void *arg)
{
	const struct kt_stats *stats = arg;
	u64 x = stats[*(const int *)a].wait_max_ns, y = stats[*(const int *)b].wait_max_ns;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* The CPUs that had the longest waits, and what is waited for now */
static void print_waits(FILE *f, const struct view *v)
{
	int *by_wait = alloc(v->nr_shown, sizeof(*by_wait));
	int i, j;

	memcpy(by_wait, v->cpus, v->nr_shown * sizeof(*by_wait));
	qsort_r(by_wait, v->nr_shown, sizeof(*by_wait), waits_longer, v->stats);

	fprintf(f, "%7s/s waits", count_text(v->sums.waits / v->secs, 7));
	if (v->sums.waits)
		fprintf(f, " of %s", time_text(v->sums.wait_ns / v->sums.waits));
	for (i = 0; i < 3 && i < v->nr_shown && v->stats[by_wait[i]].wait_max_ns; i++)
		fprintf(f, "%s CPU %d %s", i ? "," : ", longest:", by_wait[i],
			time_text(v->stats[by_wait[i]].wait_max_ns));
	fputc('\n', f);

	for (i = 0; i < v->nr_shown; i++) {
		u64 ns = waits_for_ns(v, v->cpus[i]);

		if (!ns)
			continue;
		fprintf(f, "%7s CPU %d waits since %s for CPU", "", v->cpus[i], time_text(ns));
		for (j = 0; j < v->nr_shown; j++) {
			if (j != i && v->stats[v->cpus[j]].waited_for)
				fprintf(f, " %d", v->cpus[j]);
		}
		fputc('\n', f);
	}
	free(by_wait);
}

/* @lines: for the list of pairs */
static void print_view(FILE *f, const struct view *v, int cols, int lines)
{
	fprintf(f, "scx_kicktop: %s, %d CPUs, %.1f s\n", v->ops, v->nr_shown, v->secs);
	print_outcomes(f, v, cols);
	if (v->nr_shown <= MATRIX_CPUS)
		print_matrix(f, v, cols);
	else
		print_pairs(f, v, cols, lines);
	print_delays(f, v, cols);
	print_waits(f, v);
}

/* JSON */

static void print_json_waits(const struct view *v)
{
	const char *sep = "";
	int i;

	printf("{\"ended\":%lu,\"ns\":%lu,\"by_cpu\":[", v->sums.waits, v->sums.wait_ns);
	for (i = 0; i < v->nr_shown; i++) {
		const struct kt_stats *s = &v->stats[v->cpus[i]];
		u64 longest = s->wait_max_ns;
		u64 now = waits_for_ns(v, v->cpus[i]);

		if (!longest && !now)
			continue;
		printf("%s{\"cpu\":%d,\"longest_ns\":%lu,\"under_way_ns\":%lu}", sep, v->cpus[i],
		       longest, now);
		sep = ",";
	}
	printf("]}");
}

static void print_json(const struct view *v)
{
	const char *sep = "";
	int i;

	printf("{\"time\":%.3f,\"scheduler\":\"%s\",\"cpus\":%d,\"seconds\":%.6f,\"kicks\":%lu",
	       clock_ns(CLOCK_REALTIME) / 1e9, v->ops, v->nr_shown, v->secs, v->sums.kicks);
	printf(",\"outcomes\":{");
	for (i = 0; i < nr_outcomes; i++)
		printf("%s\"%s\":%lu", i ? "," : "", outcome_names[i], v->sums.outcomes[i]);
	printf("},\"interrupts\":%lu,\"pairs\":[", v->sums.irqs);
	for (i = 0; i < v->nr_pairs; i++)
		printf("%s{\"from\":%d,\"to\":%d,\"kicks\":%lu}", i ? "," : "", v->pairs[i].from,
		       v->pairs[i].to, v->pairs[i].kicks);
	printf("],\"delays\":[");
	for (i = 0; i < KT_BUCKETS; i++) {
		if (!v->sums.delays[i])
			continue;
		printf("%s{\"from_ns\":%u,\"cycles\":%lu}", sep, 1U << i, v->sums.delays[i]);
		sep = ",";
	}
	printf("],\"waits\":");
	print_json_waits(v);
	printf("}\n");
	fflush(stdout);
}

/* Terminal */

static void leave_terminal(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &keys_before);
}

/* A screen of its own, without cursor; keys arrive one by one and unseen. */
static void enter_terminal(void)
{
	struct termios raw;

	if (!tcgetattr(STDIN_FILENO, &keys_before)) {
		keys = true;
		raw = keys_before;
		raw.c_lflag &= ~(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	atexit(leave_terminal);
	fputs("\033[?1049h\033[?25l", stdout);
}

/* As much of @text as the terminal has place for */
static void draw(const char *text, int rows, int cols)
{
	int row;

	fputs("\033[H", stdout);
	for (row = 1; row <= rows && *text; row++) {
		int len = strcspn(text, "\n");

		printf("%s%.*s\033[K", row > 1 ? "\r\n" : "", len < cols ? len : cols, text);
		text += len + (text[len] == '\n');
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static void show(const struct view *v)
{
	struct winsize size = { .ws_row = 24, .ws_col = PLAIN_COLS };
	char *text;
	size_t len;
	FILE *f;

	if (!on_terminal) {
		print_view(stdout, v, PLAIN_COLS, PLAIN_PAIRS / (PLAIN_COLS / PAIR_COLS));
		putchar('\n');
		fflush(stdout);
		return;
	}
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	f = open_memstream(&text, &len);
	if (!f)
		die("no memory for the picture");
	/* 8 lines are about something else; a narrow terminal cuts lines, it does not fold them */
	print_view(f, v, size.ws_col > PLAIN_COLS ? size.ws_col : PLAIN_COLS,
		   size.ws_row > 9 ? size.ws_row - 8 : 1);
	fclose(f);
	draw(text, size.ws_row, size.ws_col);
	free(text);
}

/* Where it says that nothing is to be seen depends on who looks */
static void show_none(bool *said)
{
	static const char none[] = "scx_kicktop: no BPF scheduler is loaded, waiting for one\n";
	struct winsize size = { .ws_row = 24, .ws_col = PLAIN_COLS };

	if (on_terminal) {
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
		draw(none, size.ws_row, size.ws_col);
	} else if (!*said) {
		fputs(none, stderr);
	}
	*said = true;
}

/* Main loop */

/* The name of the BPF scheduler that runs. False if there is none. */
static bool read_ops(char *ops, int size)
{
	char state[32];

	read_line(SYSFS "state", state, sizeof(state));
	if (strcmp(state, "enabled"))
		return false;
	read_line(SYSFS "root/ops", ops, size);
	return *ops;
}

/* Until @ns, or a key or signal that ends it */
static void sleep_until(u64 ns)
{
	struct pollfd key = { .fd = keys ? STDIN_FILENO : -1, .events = POLLIN };
	u64 now;
	char c;

	while (!loader_stop && (now = clock_ns(CLOCK_MONOTONIC)) < ns) {
		if (poll(&key, 1, (ns - now) / 1000000 + 1) <= 0)
			continue;
		if (read(STDIN_FILENO, &c, 1) <= 0 || c == 'q')
			loader_stop = 1;
	}
}

static void watch(bool once)
{
	struct sample live, samples[2];
	struct view view = {};
	bool said = false;
	int now = 0;

	load_programs(&live);
	if (on_terminal)
		enter_terminal();
	alloc_sample(&samples[0]);
	alloc_sample(&samples[1]);
	view.pairs = alloc(nr_cpus * nr_cpus, sizeof(*view.pairs));
	view.cpus = alloc(nr_cpus, sizeof(*view.cpus));

	take_sample(&live, &samples[now]);
	while (!loader_stop) {
		bool loaded = read_ops(view.ops, sizeof(view.ops));

		if (!loaded)
			show_none(&said);
		sleep_until(samples[now].at_ns + NSEC_PER_SEC);
		now = !now;
		take_sample(&live, &samples[now]);
		if (!loaded || loader_stop)
			continue;
		said = false;
		compare(&view, &samples[!now], &samples[now]);
		if (loader_json)
			print_json(&view);
		else
			show(&view);
		if (once)
			break;
	}
	scx_kicktop__destroy(skel);
}

int main(int argc, char **argv)
{
	static const struct option long_opts[] = {
		{ "once", no_argument, NULL, '1' },
		LOADER_JSON, LOADER_VERBOSE, LOADER_HELP, {}
	};
	bool once = false;
	int opt;

	loader_init();
	libbpf_set_print(print_if_verbose);
	while ((opt = getopt_long(argc, argv, "1" LOADER_OPTS, long_opts, NULL)) != -1) {
		switch (opt) {
		case '1':
			once = true;
			break;
		default:
			loader_option(opt, help);
		}
	}
	loader_options_only(argc, argv);

	nr_cpus = libbpf_num_possible_cpus();
	read_outcomes();
	on_terminal = !loader_json && !once && isatty(STDOUT_FILENO);
	watch(once);
	return 0;
}
