// SPDX-License-Identifier: GPL-2.0-only
/* What scx_bpf_kick_cpu() refuses ends the scheduler, with a message that names the value */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

/* The machine goes on: the next scheduler loads */
static enum scx_test_status refused(struct lab *lab, int cpu, u64 flags, const char *named)
{
	SCX_ASSERT(lab_attach(lab));
	SCX_ASSERT(lab_kick(lab, cpu, flags, 1));
	SCX_ASSERT(lab_ended_with(lab, named));
	bpf_link__destroy(lab->link);
	lab->link = NULL;
	return SCX_TEST_PASS;
}

static enum scx_test_status refused_cpu(struct lab *lab, int cpu)
{
	char named[32];

	snprintf(named, sizeof(named), "CPU %d", cpu);
	return refused(lab, cpu, KICK_PREEMPT, named);
}

static enum scx_test_status refused_flags(struct lab *lab, u64 flags)
{
	char named[32];

	snprintf(named, sizeof(named), "0x%lx", flags);
	return refused(lab, 1, flags, named);
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

static enum scx_test_status kick_invalid_flags(void *ctx)
{
	struct lab *lab = ctx;

	if (load_only(lab) || refused_flags(lab, 8) || refused_flags(lab, 1ULL << 31) ||
	    refused_flags(lab, KICK_PREEMPT | 1ULL << 63) || refused_flags(lab, -1))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_invalid_idle(void *ctx)
{
	struct lab *lab = ctx;

	if (load_only(lab) || refused_flags(lab, KICK_IDLE | KICK_PREEMPT) ||
	    refused_flags(lab, KICK_IDLE | KICK_WAIT) ||
	    refused_flags(lab, KICK_IDLE | KICK_PREEMPT | KICK_WAIT))
		return SCX_TEST_FAIL;
	return SCX_TEST_PASS;
}

static struct scx_test tests[] = {
	LAB_TEST(kick_invalid_cpu,
		 "a kick of a CPU that can't exist ends the scheduler and names the CPU",
		 "passes"),
	LAB_TEST(kick_invalid_flags,
		 "a kick with unknown flags ends the scheduler and names them",
		 "ignores them"),
	LAB_TEST(kick_invalid_idle,
		 "SCX_KICK_IDLE with PREEMPT or WAIT ends the scheduler and names the flags",
		 "doesn't name them"),
	{}
};

REGISTER_LAB_TESTS(tests)
