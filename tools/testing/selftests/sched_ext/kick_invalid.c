// SPDX-License-Identifier: GPL-2.0-only
/* What the kicks refuse ends the scheduler, with a message that names the value */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

/* The machine goes on: the next scheduler loads */
static enum scx_test_status refused(struct lab *lab, struct lab_kick_args *args, const char *named)
{
	args->nr = 1;
	SCX_ASSERT(lab_attach(lab));
	SCX_ASSERT(lab_send(lab, args));
	SCX_ASSERT(lab_ended_with(lab, named));
	bpf_link__destroy(lab->link);
	lab->link = NULL;
	return SCX_TEST_PASS;
}

static enum scx_test_status refused_cpu(struct lab *lab, int cpu)
{
	struct lab_kick_args args = { .cpu = cpu, .flags = KICK_PREEMPT };
	char named[32];

	snprintf(named, sizeof(named), "CPU %d", cpu);
	return refused(lab, &args, named);
}

/* @args: kick whom */
static enum scx_test_status refused_flags(struct lab *lab, struct lab_kick_args args, u64 flags)
{
	s32 said = args.cpu ? 0 : -EINVAL;
	char named[32];

	args.flags = flags;
	snprintf(named, sizeof(named), "0x%lx", flags);
	if (refused(lab, &args, named))
		return SCX_TEST_FAIL;
	SCX_EQ(args.ret, said);
	return SCX_TEST_PASS;
}

static enum scx_test_status load_only(struct lab *lab)
{
	SCX_ASSERT(lab_start(lab, NULL) && lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_cpu(void *ctx)
{
	struct lab *lab = ctx;

	if (load_only(lab) || refused_cpu(lab, -1) ||
	    refused_cpu(lab, libbpf_num_possible_cpus()) || refused_cpu(lab, INT_MAX) ||
	    refused_cpu(lab, INT_MIN))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static const u64 unknown[] = { 16, 1ULL << 31, KICK_PREEMPT | 1ULL << 63, -1 };
static const u64 excluded[] = {
	KICK_IDLE | KICK_PREEMPT, KICK_IDLE | KICK_WAIT, KICK_IDLE | KICK_PREEMPT | KICK_WAIT,
	KICK_IDLE | KICK_LAZY
};

static const struct lab_kick_args kick_cpu = { .cpu = 1 };
static const struct lab_kick_args kick_mask = { .mask = 1 << 1 | 1 << 2 };

static enum scx_test_status all_refused(struct lab *lab, const struct lab_kick_args *args,
					const u64 *flags, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		if (refused_flags(lab, *args, flags[i]))
			return SCX_TEST_FAIL;
	}
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_flags(void *ctx)
{
	if (load_only(ctx) || all_refused(ctx, &kick_cpu, unknown, 4))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_idle(void *ctx)
{
	if (load_only(ctx) || all_refused(ctx, &kick_cpu, excluded, 4))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_mask(void *ctx)
{
	if (load_only(ctx) || all_refused(ctx, &kick_mask, unknown, 4) ||
	    all_refused(ctx, &kick_mask, excluded, 4))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_task(void *ctx)
{
	static const u64 not_wait[] = { KICK_IDLE, KICK_PREEMPT, KICK_PREEMPT | KICK_LAZY };
	const struct lab_kick_args args = { .victim = getpid() };

	if (load_only(ctx) || all_refused(ctx, &args, not_wait, 3) ||
	    all_refused(ctx, &args, unknown, 4))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_curr(void *ctx)
{
	static const u64 flags[] = {
		LAB_CURR | KICK_PREEMPT, LAB_CURR | KICK_IDLE | KICK_WAIT,
		LAB_CURR | KICK_IDLE | KICK_LAZY, LAB_CURR | 16, LAB_CURR | 1ULL << 63
	};
	struct lab_kick_args args = { .cpu = 1 };
	char named[32];
	int i;

	SCX_FAIL_IF(!__COMPAT_has_ksym("scx_bpf_kick_curr"), "The kernel has no such kfunc");
	if (load_only(ctx))
		return SCX_TEST_FAIL;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		u64 said = flags[i] & ~LAB_CURR;

		args.flags = flags[i];
		snprintf(named, sizeof(named), "0x%lx", said);
		if (refused(ctx, &args, named))
			return SCX_TEST_FAIL;
		SCX_EQ(args.ret, -EINVAL);
	}
	args.cpu = -1;
	args.flags = LAB_CURR;
	if (refused(ctx, &args, "CPU -1"))
		return SCX_TEST_FAIL;
	SCX_EQ(args.ret, -ENODEV);
	return SCX_TEST_PASS;
}

LAB_TEST(kick_invalid_cpu,
	 "a kick of a CPU that can't exist ends the scheduler and names the CPU",
	 STOCK_PASSES)

LAB_TEST(kick_invalid_flags,
	 "a kick with unknown flags ends the scheduler and names them",
	 STOCK_FAILS("ignores them"))

LAB_TEST(kick_invalid_idle,
	 "SCX_KICK_IDLE with another flag ends the scheduler and names the flags",
	 STOCK_FAILS("doesn't name them"))

LAB_TEST(kick_invalid_mask,
	 "scx_bpf_kick_cpumask() with invalid flags ends the scheduler and names them",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_invalid_task,
	 "scx_bpf_kick_task() with flags but SCX_KICK_WAIT and PREEMPT_LAZY ends the scheduler and names them",
	 STOCK_FAILS("has no such kfunc"))

LAB_TEST(kick_invalid_curr,
	 "scx_bpf_kick_curr() of a CPU or with flags that are invalid ends the scheduler and names them",
	 STOCK_FAILS("has no such kfunc"))
