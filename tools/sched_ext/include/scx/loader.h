/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a loader does besides its own work: options, signals, libbpf's messages. To be included by
 * the one C file of a program, with _GNU_SOURCE.
 */
#ifndef __SCX_LOADER_H
#define __SCX_LOADER_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/libbpf.h>

/* SIGINT or SIGTERM has come */
static volatile sig_atomic_t stop;
/* Print libbpf's debug messages */
static bool verbose;

static inline int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG && !verbose ? 0 : vfprintf(stderr, format, args);
}

static inline void on_signal(int sig)
{
	stop = 1;
}

static inline void loader_init(void)
{
	libbpf_set_print(print_libbpf);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

/* A number, or the end of the program with what would have been possible. */
static inline long number(int opt, const char *arg, long min, long max)
{
	char *end;
	long val;

	errno = 0;
	val = strtol(arg, &end, 10);
	if (errno || end == arg || *end || val < min || val > max) {
		fprintf(stderr, "%s: -%c %s: not possible, it takes %ld to %ld\n",
			program_invocation_short_name, opt, arg, min, max);
		exit(2);
	}
	return val;
}

/* All that the program was called with are options, or it ends. */
static inline void options_only(int argc, char **argv)
{
	if (optind < argc) {
		fprintf(stderr, "%s: %s: not an option, see -h\n", program_invocation_short_name,
			argv[optind]);
		exit(2);
	}
}

#endif	/* __SCX_LOADER_H */
