// SPDX-License-Identifier: GPL-2.0-only
/* A kick belongs to the scheduler whose program makes it, root or sub-scheduler */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "kick_machine.h"
#include "kick_sub.h"
#include "kick_sub.bpf.skel.h"
#include "scx_test.h"

#define CGROUP	"/sys/fs/cgroup/kick_sub"

struct sched {
	struct kick_sub *skel;
	struct bpf_link *link;
};

/* Of the cgroup, or the root if that is 0 */
static bool load(struct sched *sched, u64 cgroup)
{
	struct kick_sub *skel = kick_sub__open();

	sched->skel = skel;
	if (!skel)
		return false;
	SCX_ENUM_INIT(skel);
	skel->struct_ops.kick_sub_ops->sub_cgroup_id = cgroup;
	if (kick_sub__load(skel) ||
	    bpf_program__assoc_struct_ops(skel->progs.sub_kick, skel->maps.kick_sub_ops, NULL) ||
	    bpf_program__assoc_struct_ops(skel->progs.sub_denied, skel->maps.kick_sub_ops, NULL))
		return false;
	sched->link = bpf_map__attach_struct_ops(skel->maps.kick_sub_ops);
	return sched->link;
}

static void unload(struct sched *sched)
{
	bpf_link__destroy(sched->link);
	kick_sub__destroy(sched->skel);
}

static bool kick(struct sched *sched, u64 flags)
{
	struct sub_kick_args args = { .flags = flags };

	return run_program(sched->skel->progs.sub_kick, &args, sizeof(args));
}

static long long denied(struct sched *sched)
{
	struct sub_kick_args args = {};

	return run_program(sched->skel->progs.sub_denied, &args, sizeof(args)) ? args.denied : -1;
}

static bool ended(struct sched *sched)
{
	return shared(sched->skel->data->uei.kind);
}

static bool ended_with(struct sched *sched, const char *named)
{
	return WAIT_FOR(ended(sched)) && strstr(sched->skel->data->uei.msg, named);
}

static enum scx_test_status judge(struct sched *root, struct sched *sub)
{
	/* It has been granted nothing yet. The root may do anything. */
	SCX_ASSERT(kick(root, 0) && kick(sub, 0) && kick(sub, 0));
	SCX_EQ(denied(root), 0);
	SCX_EQ(denied(sub), 2);

	SCX_ASSERT(kick(sub, 1ULL << 3));
	SCX_ASSERT(ended_with(sub, "0x8"));
	SCX_ASSERT(!ended(root));
	SCX_ASSERT(kick(root, 1ULL << 4));
	SCX_ASSERT(ended_with(root, "0x10"));
	return SCX_TEST_PASS;
}

static enum scx_test_status run(void *ctx)
{
	enum scx_test_status status = SCX_TEST_FAIL;
	struct sched root = {}, sub = {};
	struct stat st;

	if (!__COMPAT_has_ksym("scx_bpf_kick_cid"))
		return SCX_TEST_SKIP;
	if (mkdir(CGROUP, 0755) || stat(CGROUP, &st)) {
		SCX_ERR("Failed to make the cgroup %s", CGROUP);
		return SCX_TEST_FAIL;
	}
	if (load(&root, 0) && load(&sub, st.st_ino))
		status = judge(&root, &sub);
	else
		SCX_ERR("Failed to load the schedulers");
	unload(&sub);
	unload(&root);
	rmdir(CGROUP);
	return status;
}

struct scx_test kick_sub = {
	.name = "kick_sub",
	.description =
		"Verify that a sub-scheduler's kick needs caps, and that a bad one ends no other scheduler (stock: ignores unknown flags)",
	.run = run,
};

REGISTER_SCX_TEST(&kick_sub)
