// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kickbench: samples, the figures that come of them, and how these are printed.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/utsname.h>
#include "kickbench.h"

enum column {
	SCENARIO, FROM, TARGET, FLAGS, KICKS, MEASURE, UNIT, COUNT, MIN, P50, P99, P99_9, MAX, MEAN,
	HISTOGRAM, NOTE, NR_COLUMNS,
};

static const struct {
	const char	*name;
	const char	*head, *fmt;	/* in a table, where it has a place there */
} columns[NR_COLUMNS] = {
	[SCENARIO]	= { "scenario", "scenario", "%-8s " },
	[FROM]		= { "from", "from", "%-9s " },
	[TARGET]	= { "target", "cpu", "%-5s " },
	[FLAGS]		= { "flags", "flags", "%-16s " },
	[KICKS]		= { "kicks", "kicks", "%5s  " },
	[MEASURE]	= { "measure", "measure", "%-20s " },
	[UNIT]		= { "unit", "unit", "%-12s " },
	[COUNT]		= { "count" },
	[MIN]		= { "min", "min", "%11s " },
	[P50]		= { "p50", "p50", "%11s " },
	[P99]		= { "p99", "p99", "%11s " },
	[P99_9]		= { "p99.9" },
	[MAX]		= { "max", "max", "%11s " },
	[MEAN]		= { "mean", "mean", "%11s " },
	[HISTOGRAM]	= { "histogram" },
	[NOTE]		= { "note", "", "%s\n" },
};

/* A text, or a number with so many digits, or nothing */
struct cell {
	const char	*text;
	double		number;
	int		digits;
};

#define NR_BUCKETS	64

struct figure {
	struct cell	cells[NR_COLUMNS];
	/* Bucket i counts samples from 2^i up to twice that, bucket 0 those below 2 */
	size_t		buckets[NR_BUCKETS];
};

static const char * const target_names[NR_TARGETS] = {
	[IDLE_CPU]	= "idle",
	[BUSY_CPU]	= "busy",
	[OWN_CPU]	= "own",
	[ALL_CPUS]	= "all",
};

static int rows_printed;

/* Samples */

void add_sample(struct samples *s, u64 v)
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

static void sort(struct samples *s)
{
	qsort(s->v, s->n, sizeof(*s->v), cmp_u64);
}

static u64 quantile(const struct samples *s, double q)
{
	size_t i = q * s->n;

	return s->v[i < s->n ? i : s->n - 1];
}

u64 typical(struct samples *s)
{
	sort(s);
	return quantile(s, opts.exact ? 0 : 0.5);
}

void subtract(struct samples *s, u64 base)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		s->v[i] -= s->v[i] < base ? s->v[i] : base;
}

/* Figures */

static struct cell text(const char *text)
{
	return (struct cell) { .text = text };
}

static struct cell number(double number, int digits)
{
	return (struct cell) { .number = number, .digits = digits };
}

/* What @row says of a figure */
static struct figure figure(const struct row *row, const char *measure, const char *unit)
{
	struct figure f = {};

	f.cells[SCENARIO] = text(row->scenario);
	if (row->from)
		f.cells[FROM] = text(from_names[row->from]);
	if (row->target >= 0)
		f.cells[TARGET] = text(target_names[row->target]);
	if (row->kind >= 0)
		f.cells[FLAGS] = text(kinds[row->kind].name);
	if (row->kicks >= 0)
		f.cells[KICKS] = number(row->kicks, 10);
	f.cells[MEASURE] = text(measure);
	f.cells[UNIT] = text(unit);
	return f;
}

/* @s is sorted. */
static void count_buckets(struct figure *f, const struct samples *s)
{
	int bucket = 0;
	size_t i;

	for (i = 0; i < s->n; i++) {
		while (s->v[i] >> bucket > 1)
			bucket++;
		f->buckets[bucket]++;
	}
}

static u64 lower_bound(int bucket)
{
	return bucket ? 1ULL << bucket : 0;
}

/* lower bound:samples of each bucket that has some */
static void write_buckets(const struct figure *f, char *to, size_t size)
{
	size_t len = 0;
	int i;

	for (i = 0; i < NR_BUCKETS; i++)
		if (f->buckets[i])
			len += snprintf(to + len, size - len, "%s%lu:%zu", len ? "," : "",
					lower_bound(i), f->buckets[i]);
}

/* Output */

/* A cell's text, with @none for nothing. A number is written to @room. */
static const char *cell_text(const struct cell *cell, char *room, size_t size, const char *none)
{
	if (cell->text)
		return *cell->text ? cell->text : none;
	if (!cell->digits)
		return none;
	snprintf(room, size, "%.*g", cell->digits, cell->number);
	return room;
}

static void print_table_row(const struct figure *f)
{
	char room[32];
	int i;

	for (i = 0; i < NR_COLUMNS; i++)
		if (columns[i].fmt)
			printf(columns[i].fmt, cell_text(&f->cells[i], room, sizeof(room), ""));
}

static void print_bars(const struct figure *f, const char *unit, size_t all)
{
	static const char bar[] = "##################################################";
	int i;

	for (i = 0; i < NR_BUCKETS; i++)
		if (f->buckets[i])
			printf("%61lu to %11lu %s %11zu %.*s\n", lower_bound(i),
			       i ? 2 * lower_bound(i) - 1 : 1, unit, f->buckets[i],
			       (int)((f->buckets[i] * strlen(bar) + all - 1) / all), bar);
}

static void print_tsv_row(const struct figure *f)
{
	char room[32];
	int i;

	for (i = 0; i < NR_COLUMNS; i++)
		printf("%s%c", cell_text(&f->cells[i], room, sizeof(room), "-"),
		       i + 1 < NR_COLUMNS ? '\t' : '\n');
}

static void print_json_row(const struct figure *f)
{
	char room[32];
	int i;

	printf("%s\n  {", rows_printed ? "," : "");
	for (i = 0; i < NR_COLUMNS; i++) {
		const struct cell *cell = &f->cells[i];
		const char *quote = cell->text && *cell->text ? "\"" : "";

		printf("%s\"%s\": %s%s%s", i ? ", " : "", columns[i].name, quote,
		       cell_text(cell, room, sizeof(room), "null"), quote);
	}
	printf("}");
}

/* What stands above the first row */
static void print_head(void)
{
	struct utsname uts;
	int i;

	uname(&uts);
	if (loader_json) {
		printf("{\"kernel\": \"%s %s\", \"cpus\": %d, \"clock\": \"%s\", \"rows\": [",
		       uts.release, uts.version, opts.nr_cpus, opts.unit);
	} else if (opts.tsv) {
		printf("# kernel %s %s\tcpus %d\tclock %s\n", uts.release, uts.version,
		       opts.nr_cpus, opts.unit);
		for (i = 0; i < NR_COLUMNS; i++)
			printf("%s%c", columns[i].name, i + 1 < NR_COLUMNS ? '\t' : '\n');
	} else {
		printf("kernel %s %s, %d CPUs, %s\n\n", uts.release, uts.version, opts.nr_cpus,
		       opts.unit);
		for (i = 0; i < NR_COLUMNS; i++)
			if (columns[i].fmt)
				printf(columns[i].fmt, columns[i].head);
	}
}

static void print_figure(const struct figure *f)
{
	if (!rows_printed)
		print_head();
	if (loader_json)
		print_json_row(f);
	else if (opts.tsv)
		print_tsv_row(f);
	else
		print_table_row(f);
	rows_printed++;
	fflush(stdout);
}

void end_output(void)
{
	if (loader_json && rows_printed)
		puts("\n]}");
}

void report(const struct row *row, const char *measure, struct samples *s, double per,
	    bool histogram)
{
	static const struct {
		enum column	column;
		double		q;
	} quantiles[] = { { MIN, 0 }, { P50, 0.5 }, { P99, 0.99 }, { P99_9, 0.999 }, { MAX, 1 } };
	struct figure f = figure(row, measure, opts.unit);
	char buckets[1024] = "";
	double sum = 0;
	size_t i;

	f.cells[COUNT] = number(s->n, 10);
	if (!s->n) {
		f.cells[NOTE] = text("could not be taken: no sample came");
		print_figure(&f);
		return;
	}

	sort(s);
	for (i = 0; i < ARRAY_SIZE(quantiles); i++)
		f.cells[quantiles[i].column] = number(quantile(s, quantiles[i].q) / per, 10);
	for (i = 0; i < s->n; i++)
		sum += s->v[i];
	f.cells[MEAN] = number(sum / s->n / per, 6);
	if (histogram) {
		count_buckets(&f, s);
		write_buckets(&f, buckets, sizeof(buckets));
		f.cells[HISTOGRAM] = text(buckets);
	}
	print_figure(&f);
	if (!loader_json && !opts.tsv)
		print_bars(&f, opts.unit, s->n);
	free(s->v);
	memset(s, 0, sizeof(*s));
}

void report_one(const struct row *row, const char *measure, const char *unit, double value)
{
	struct figure f = figure(row, measure, unit);

	f.cells[MEAN] = number(value, 6);
	print_figure(&f);
}

void report_none(const struct row *row, const char *measure, const char *fmt, ...)
{
	struct figure f = figure(row, measure, "-");
	char note[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(note, sizeof(note), fmt, args);
	va_end(args);
	f.cells[NOTE] = text(note);
	print_figure(&f);
}
