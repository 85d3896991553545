// SPDX-License-Identifier: GPL-2.0-only
/*
 * What loaders do besides their own work. include/scx/loader.h tells what each function is for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/libbpf.h>
#include <scx/common.h>
#include <scx/loader.h>

volatile sig_atomic_t loader_stop;
bool loader_json, loader_verbose;

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG && !loader_verbose ? 0 : vfprintf(stderr, format, args);
}

static void on_signal(int sig)
{
	loader_stop = 1;
}

void loader_init(void)
{
	libbpf_set_print(print_libbpf);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

static void complain(const char *fmt, va_list args)
{
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	exit(1);
}

void misuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain(fmt, args);
	va_end(args);
	exit(LOADER_USAGE);
}

void loader_option(int opt, const char *help)
{
	switch (opt) {
	case 'j':
		loader_json = true;
		break;
	case 'v':
		loader_verbose = true;
		break;
	case 'h':
		printf(help, program_invocation_short_name);
		exit(0);
	default:	/* getopt_long() has said what is wrong. */
		misuse("see --help");
	}
}

void loader_options_only(int argc, char **argv)
{
	if (optind < argc)
		misuse("%s: not an option, see --help", argv[optind]);
}

double loader_real(int opt, const char *arg, double min, double max)
{
	char *end;
	double val = strtod(arg, &end);

	if (end == arg || *end || !(val >= min && val <= max))
		misuse("-%c %s: not possible, it takes %.10g to %.10g", opt, arg, min, max);
	return val;
}

long loader_number(int opt, const char *arg, long min, long max)
{
	char *end;
	long val;

	errno = 0;
	val = strtol(arg, &end, 10);
	if (errno || end == arg || *end || val < min || val > max)
		misuse("-%c %s: not possible, it takes %ld to %ld", opt, arg, min, max);
	return val;
}

u64 loader_count(const struct loader_counter *counter, const void *now, const void *before)
{
	return *(const u64 *)(now + counter->offset) - *(const u64 *)(before + counter->offset);
}

void loader_print_members(const struct loader_counter *counters, const void *now,
			  const void *before)
{
	for (; counters->name; counters++)
		printf(",\"%s\":%lu", counters->name, loader_count(counters, now, before));
}

static bool has_exited(const struct loader_live *live)
{
	return __atomic_load_n(&live->uei->kind, __ATOMIC_SEQ_CST);
}

/* Run it once. True if it should be loaded again; *failed if it ended by itself. */
static bool run_once(const struct loader_sched *sched, bool again, bool *failed)
{
	void *first = calloc(1, sched->bss_size), *before = calloc(1, sched->bss_size);
	void *now = calloc(1, sched->bss_size);
	u64 exit_unreg = __COMPAT_ENUM_OR_ZERO("scx_exit_kind", "SCX_EXIT_UNREG");
	struct loader_live live;
	bool restart;

	if (!first || !before || !now)
		die("no memory for its counters");
	live = sched->load(again);
	if (sched->warm_up) {
		sleep(sched->warm_up);
		memcpy(first, live.bss, sched->bss_size);
	}
	memcpy(now, first, sched->bss_size);
	while (!loader_stop && !has_exited(&live)) {
		sleep(1);
		memcpy(before, now, sched->bss_size);
		memcpy(now, live.bss, sched->bss_size);
		sched->print(now, before);
		fflush(stdout);
	}
	memcpy(now, live.bss, sched->bss_size);

	bpf_link__destroy(live.link);
	bpf_link__destroy(live.clock);
	restart = UEI_ECODE_RESTART(sched->report());
	*failed = !restart && live.uei->kind != exit_unreg;
	restart = restart && !loader_stop;
	if (loader_json && !restart) {
		sched->print_json(now, first);
		fflush(stdout);
	}
	sched->destroy();
	free(first);
	free(before);
	free(now);
	return restart;
}

int loader_run(const struct loader_sched *sched)
{
	bool again = false, failed;

	do {
		again = run_once(sched, again, &failed);
	} while (again);
	return failed;
}
