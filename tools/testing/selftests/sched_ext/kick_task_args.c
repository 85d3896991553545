// SPDX-License-Identifier: GPL-2.0-only
/* What the verifier takes for the task of scx_bpf_kick_task() */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <scx/common.h>
#include "kick_task_args.bpf.skel.h"
#include "scx_test.h"

/* What libbpf says of a program that is meant to be refused is no news */
static char said[1 << 16];

static int keep_to_ourselves(enum libbpf_print_level level, const char *format, va_list args)
{
	size_t len = strlen(said);

	return vsnprintf(said + len, sizeof(said) - len, format, args);
}

/* Load this program of the object alone */
static bool loads(const char *name)
{
	struct kick_task_args *skel = kick_task_args__open();
	struct bpf_program *prog;
	bool loaded = false;

	prog = skel ? bpf_object__find_program_by_name(skel->obj, name) : NULL;
	if (prog && !bpf_program__set_autoload(prog, true))
		loaded = !kick_task_args__load(skel);
	kick_task_args__destroy(skel);
	return loaded;
}

static enum scx_test_status judge(const char *name, bool must_load, const char *reason)
{
	libbpf_print_fn_t print = libbpf_set_print(keep_to_ourselves);
	bool loaded;

	said[0] = '\0';
	loaded = loads(name);
	libbpf_set_print(print);
	SCX_FAIL_IF(loaded != must_load, "%s %s: %s", name, loaded ? "loads" : "is refused", said);
	SCX_FAIL_IF(reason && !strstr(said, reason), "%s is refused for another reason: %s", name,
		    said);
	return SCX_TEST_PASS;
}

static enum scx_test_status run(void *ctx)
{
	/* A program that may not load, and what the verifier has to object to */
	static const char * const refused[][2] = {
		{ "not_after_rcu", "must be a rcu pointer" },
		{ "not_null", "arg#0" },
		{ "not_unchecked", "arg#0" },
		{ "not_walked", "must be a rcu pointer" },
		{ "not_a_number", "arg#0" },
		{ "not_another_type", "STRUCT task_struct" },
		{}
	};
	int i;

	if (judge("may_trusted", true, NULL) || judge("may_acquired", true, NULL) ||
	    judge("may_rcu", true, NULL))
		return SCX_TEST_FAIL;
	for (i = 0; refused[i][0]; i++) {
		if (judge(refused[i][0], false, refused[i][1]))
			return SCX_TEST_FAIL;
	}
	return SCX_TEST_PASS;
}

struct scx_test kick_task_args = {
	.name = "kick_task_args",
	.description =
		"Verify that only trusted and RCU task pointers can be kicked (stock fails: has no such kfunc)",
	.run = run,
};

REGISTER_SCX_TEST(&kick_task_args)
