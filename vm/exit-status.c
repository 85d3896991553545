// SPDX-License-Identifier: GPL-2.0-only
/*
 * make leaves with 2 whatever the status of the command that failed, and nothing in a Makefile
 * changes that. Loaded into make, this has it leave with the status that a recipe wrote to
 * build/status.PID, PID being make's: what ran in the machine tells 124, a time-out, from 1.
 */
#include <gnumake.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int plugin_is_GPL_compatible;

static void leave(void)
{
	char path[64];
	int status, n;
	FILE *file;

	snprintf(path, sizeof(path), "build/status.%d", (int)getpid());
	file = fopen(path, "r");
	if (!file)
		return;
	n = fscanf(file, "%d", &status);
	fclose(file);
	unlink(path);
	fflush(NULL);
	if (n == 1)
		_exit(status);
}

int exit_gmk_setup(void);
int exit_gmk_setup(void)
{
	return !atexit(leave);
}
