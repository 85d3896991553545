/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What loaders do besides their own work: options, signals, messages, and the life of a BPF
 * scheduler that counts what it does. Programs that include this are linked with loader.c.
 */
#ifndef __SCX_LOADER_H
#define __SCX_LOADER_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdnoreturn.h>
#include <scx/common.h>

/* The exit status of a program that was called in a way that cannot work */
#define LOADER_USAGE	2

/* Options that mean the same in every program, for getopt_long() */
#define LOADER_OPTS	"jvh"
#define LOADER_JSON	{ "json", no_argument, NULL, 'j' }
#define LOADER_VERBOSE	{ "verbose", no_argument, NULL, 'v' }
#define LOADER_HELP	{ "help", no_argument, NULL, 'h' }

/* SIGINT or SIGTERM has come */
extern volatile sig_atomic_t loader_stop;
/* -j and -v have been given */
extern bool loader_json, loader_verbose;

void loader_init(void);

/* Does what @opt of LOADER_OPTS asks for. Ends the program if it is none of them. */
void loader_option(int opt, const char *help);
/* All that the program was called with are options, or it ends. */
void loader_options_only(int argc, char **argv);
/* @arg as a number, or the end of the program with what would have been possible */
long loader_number(int opt, const char *arg, long min, long max);
double loader_real(int opt, const char *arg, double min, double max);

/* End the program with a message: one that could not work however it was called, one that could */
noreturn void die(const char *fmt, ...);
noreturn void misuse(const char *fmt, ...);

/* A counter of a BPF scheduler: nr_NAME in its .bss */
struct loader_counter {
	const char	*name;
	size_t		offset;
};

#define LOADER_COUNTER(__scx_name, __name)	\
	{ #__name, offsetof(struct __scx_name##__bss, nr_##__name) }

/* A BPF scheduler that has been loaded */
struct loader_live {
	struct bpf_link		*link;
	struct bpf_link		*clock;		/* what runs in place of a BPF timer, or NULL */
	const void		*bss;
	struct user_exit_info	*uei;
};

/* What loaders of BPF schedulers do each in a way of its own. @now, @before: copies of .bss */
struct loader_sched {
	size_t				bss_size;
	/* Seconds to let pass before the counters count */
	int				warm_up;

	/* Set up the skeleton, load and attach it. @again: this is not the first time */
	struct loader_live		(*load)(bool again);
	/* Say why it has ended, and return its exit code */
	s64				(*report)(void);
	void				(*destroy)(void);
	/* Print a second, and with -j what has been counted in all */
	void				(*print)(const void *now, const void *before);
	void				(*print_json)(const void *now, const void *before);
};

/* Runs @sched until a signal comes or it ends by itself. The program's exit status */
int loader_run(const struct loader_sched *sched);

u64 loader_count(const struct loader_counter *counter, const void *now, const void *before);
/* The counters as members of a JSON object, each with a comma in front */
void loader_print_members(const struct loader_counter *counters, const void *now,
			  const void *before);

#endif	/* __SCX_LOADER_H */
