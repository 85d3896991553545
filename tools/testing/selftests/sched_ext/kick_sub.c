// SPDX-License-Identifier: GPL-2.0-only
/* A kick belongs to the scheduler whose program makes it, root or sub-scheduler */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include "kick_machine.h"
#include "kick_sub.h"
#include "kick_sub_caps.h"
#include "kick_sub.bpf.skel.h"
#include "scx_test.h"

#define CGROUP		"/sys/fs/cgroup/kick_sub"
#define CPU		1
#define HOME		0
#define ROUNDS		100

/* Sub-schedulers one after the other, how often the caps of each change, and tasks */
#define STORMS		8
#define STORM_TURNS	50
#define STORM_TASKS	12

#define KICK_PREEMPT	2ULL

struct sched {
	struct kick_sub *skel;
	struct bpf_link *link;
};

/* A process under a scheduler */
struct task {
	pid_t pid;
	sem_t *bell;
};

/* Of the cgroup, or the root if that is 0 */
static bool load(struct sched *sched, u64 cgroup)
{
	struct kick_sub *skel = kick_sub__open();
	struct bpf_program *prog;

	sched->skel = skel;
	if (!skel)
		return false;
	SCX_ENUM_INIT(skel);
	skel->struct_ops.kick_sub_ops->sub_cgroup_id = cgroup;
	if (kick_sub__load(skel))
		return false;
	bpf_object__for_each_program(prog, skel->obj) {
		if (bpf_program__type(prog) == BPF_PROG_TYPE_SYSCALL &&
		    bpf_program__assoc_struct_ops(prog, skel->maps.kick_sub_ops, NULL))
			return false;
	}
	sched->link = bpf_map__attach_struct_ops(skel->maps.kick_sub_ops);
	return sched->link;
}

static void unload(struct sched *sched)
{
	bpf_link__destroy(sched->link);
	kick_sub__destroy(sched->skel);
}

static bool kick(struct sched *sched, int cid, u64 flags)
{
	struct sub_args args = { .cid = cid, .flags = flags };

	return run_program(sched->skel->progs.sub_kick, &args, sizeof(args));
}

/* Of @cids, and say that the mask holds @nr_cids. Returns what the call said */
static int kick_cmask(struct sched *sched, u64 cids, unsigned int nr_cids, u64 flags)
{
	struct sub_args args = { .cids = cids, .nr_cids = nr_cids, .flags = flags };

	return run_program(sched->skel->progs.sub_kick_cmask, &args, sizeof(args)) ? args.ret :
										     INT_MIN;
}

static int find_cid(struct sched *sched, int cpu)
{
	struct sub_args args = { .cpu = cpu };

	return run_program(sched->skel->progs.sub_find, &args, sizeof(args)) ? args.cid : -1;
}

/* Of all CPUs */
static bool grant_caps(struct sched *root, u64 cgroup, u64 caps)
{
	struct sub_caps args = { .cgroup = cgroup, .caps = caps, .cids = -1ULL };

	return run_program(root->skel->progs.sub_grant, &args, sizeof(args)) && !args.ret;
}

static bool revoke_caps(struct sched *root, u64 cgroup, u64 caps)
{
	struct sub_caps args = { .cgroup = cgroup, .caps = caps, .cids = -1ULL };

	return run_program(root->skel->progs.sub_revoke, &args, sizeof(args));
}

static struct sub_args events(struct sched *sched)
{
	struct sub_args args = {};

	if (!run_program(sched->skel->progs.sub_events, &args, sizeof(args)))
		args.denied = -1;
	return args;
}

static bool ended(struct sched *sched)
{
	return shared(sched->skel->data->uei.kind);
}

static bool ended_with(struct sched *sched, const char *named)
{
	return WAIT_FOR(ended(sched)) && strstr(sched->skel->data->uei.msg, named);
}

/* Without a bell it spins */
static struct task start(sem_t *bell, const char *cgroup)
{
	struct task task = { .pid = fork(), .bell = bell };

	if (task.pid)
		return task;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It leaves HOME when it is woken there */
	if ((cgroup && !put_number(cgroup, getpid())) || !(bell ? go_anywhere(0) : go_to(CPU)))
		_exit(1);
	raise(SIGSTOP);
	if (!be(SCHED_EXT, 0))
		_exit(1);
	for (;;) {
		if (bell)
			sem_wait(bell);
	}
}

static bool go_on(struct task *task)
{
	int status;

	return waitpid(task->pid, &status, WUNTRACED) == task->pid && WIFSTOPPED(status) &&
	       !kill(task->pid, SIGCONT);
}

static void stop(struct task *task)
{
	if (task->pid <= 0)
		return;
	kill(task->pid, SIGKILL);
	waitpid(task->pid, NULL, 0);
}

/* It lets the scheduler go on in ops.dispatch() */
static void let_go(struct sched *sched)
{
	set_shared(sched->skel->bss->linger, false);
}

static bool kick_is_allowed(struct sched *sched, int cid)
{
	long long denied = events(sched).denied;

	return kick(sched, cid, 0) && events(sched).denied == denied;
}

/* Its first slice may be another one */
static bool goes_on_for_ever(struct sched *sched)
{
	return shared(sched->skel->bss->given) && shared(sched->skel->bss->began);
}

static bool has_spared(struct sched *sched, u64 before)
{
	return (u64)events(sched).spared > before;
}

static bool has_entered_dispatch(struct sched *sched, u64 before)
{
	return shared(sched->skel->bss->lingers) || !shared(sched->skel->bss->linger);
}

static bool has_run_urgent(struct sched *sched, u64 before)
{
	return shared(sched->skel->bss->ran) > before;
}

/*
 * Kick the CPU with PREEMPT until it has come, but only again if the endless task of @owner has
 * been off the CPU meanwhile: a task of a higher class had it, and a kick is right to leave it
 * alone then.
 */
static bool kick_brings(struct sched *sched, struct sched *owner, int cid,
			bool (*came)(struct sched *sched, u64 before), u64 before)
{
	u64 end = lost_at(), *began = &owner->skel->bss->began;

	do {
		u64 began_before = shared(*began);

		if (!kick(sched, cid, KICK_PREEMPT))
			return false;
		WAIT_UNTIL(end, 500, came(sched, before) || shared(*began) != began_before);
		if (came(sched, before))
			return true;
	} while (now_ns() < end);
	return false;
}

/* Whose task a CPU runs, and what caps the sub-scheduler has, is known where it is preempted */
static enum scx_test_status judge_preemption(struct sched *root, struct sched *sub, u64 cgroup,
					     int cid, struct task *hog)
{
	u64 dispatches, expired;

	/* The CPU learns of caps in a cycle of its own */
	SCX_ASSERT(WAIT_FOR(kick_is_allowed(sub, cid)));

	/* An idle CPU has nobody to preempt: nothing is denied */
	dispatches = shared(root->skel->bss->dispatches);
	SCX_ASSERT(kick(sub, cid, KICK_PREEMPT));
	SCX_ASSERT(WAIT_FOR(shared(root->skel->bss->dispatches) > dispatches));
	SCX_EQ(events(sub).spared, 0);

	*hog = start(NULL, NULL);
	SCX_GT(hog->pid, 0);
	root->skel->bss->endless = hog->pid;
	SCX_ASSERT(go_on(hog));
	SCX_ASSERT(WAIT_FOR(goes_on_for_ever(root)));

	expired = shared(root->skel->bss->expired);
	SCX_ASSERT(kick_brings(sub, root, cid, has_spared, 0));
	SCX_EQ(shared(root->skel->bss->expired), expired);

	SCX_ASSERT(grant_caps(root, cgroup, SUB_CAP_BASE | SUB_CAP_ENQ | SUB_CAP_PREEMPT));
	SCX_ASSERT(WAIT_FOR(kick(sub, cid, KICK_PREEMPT) &&
			    shared(root->skel->bss->expired) > expired));
	SCX_ASSERT(revoke_caps(root, cgroup, SUB_CAP_PREEMPT));
	return SCX_TEST_PASS;
}

/*
 * The CPU is inside ops.dispatch() when the urgent task is queued and the CPU kicked. All that a
 * test waits for that task has the time of one event: a CPU also schedules now and then for reasons
 * of its own, which makes up for a lost kick, but not for many.
 */
static enum scx_test_status kick_inside(struct sched *sub, int cid, struct task *urgent,
					bool in_op, u64 *waited)
{
	u64 ran = shared(sub->skel->bss->ran), began, since;
	bool came;

	set_shared(sub->skel->bss->quiet, !in_op);
	set_shared(sub->skel->bss->linger, true);
	SCX_ASSERT(kick_brings(sub, sub, cid, has_entered_dispatch, 0));
	began = shared(sub->skel->bss->began);
	sem_post(urgent->bell);
	if (!in_op)
		SCX_ASSERT(kick(sub, cid, KICK_PREEMPT));
	let_go(sub);
	since = now_ns();
	came = WAIT_UNTIL(lost_at() - *waited, 50, shared(sub->skel->bss->ran) > ran ||
			  shared(sub->skel->bss->began) != began);
	*waited += now_ns() - since;
	SCX_FAIL_IF(!came, "A task that was worth a kick did not run");
	/* Was it a task of a higher class that had the CPU? */
	if (has_run_urgent(sub, ran))
		return SCX_TEST_PASS;
	SCX_ASSERT(kick_brings(sub, sub, cid, has_run_urgent, ran));
	return SCX_TEST_PASS;
}

/* A sub-scheduler preempts its own tasks whatever the CPU is doing */
static enum scx_test_status judge_own(struct sched *sub, int cid, struct task *hog,
				      struct task *urgent, sem_t *bell)
{
	enum scx_test_status status;
	long long spared;
	u64 waited = 0;
	int i;

	*hog = start(NULL, CGROUP "/cgroup.procs");
	*urgent = start(bell, CGROUP "/cgroup.procs");
	SCX_ASSERT(hog->pid > 0 && urgent->pid > 0);
	sub->skel->bss->endless = hog->pid;
	sub->skel->bss->urgent = urgent->pid;
	SCX_ASSERT(go_on(hog) && go_on(urgent));
	SCX_ASSERT(WAIT_FOR(goes_on_for_ever(sub)));

	spared = events(sub).spared;
	for (i = 0; i < ROUNDS; i++) {
		status = kick_inside(sub, cid, urgent, i % 2, &waited);
		if (status != SCX_TEST_PASS)
			return status;
	}
	SCX_GT(shared(sub->skel->bss->inside), ROUNDS / 2);
	SCX_EQ(events(sub).spared, spared);
	return SCX_TEST_PASS;
}

static enum scx_test_status judge_tasks(struct sched *root, struct sched *sub, u64 cgroup)
{
	int cid = find_cid(root, CPU), home = find_cid(root, HOME);
	struct task root_hog = {}, hog = {}, urgent = {};
	enum scx_test_status status;
	sem_t *bell;

	bell = mmap(NULL, sizeof(*bell), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	SCX_ASSERT(bell != MAP_FAILED && !sem_init(bell, 1, 0));
	SCX_ASSERT(cid >= 0 && home >= 0);
	root->skel->bss->child = cgroup;
	root->skel->data->target = cid;
	sub->skel->data->target = cid;
	sub->skel->data->home = home;
	SCX_ASSERT(go_to(HOME));

	status = judge_preemption(root, sub, cgroup, cid, &root_hog);
	stop(&root_hog);
	if (status == SCX_TEST_PASS)
		status = judge_own(sub, cid, &hog, &urgent, bell);
	let_go(sub);
	stop(&urgent);
	stop(&hog);
	go_anywhere(0);
	munmap(bell, sizeof(*bell));
	return status;
}

static enum scx_test_status judge(struct sched *root, struct sched *sub, u64 cgroup)
{
	/* It has been granted nothing yet. The root may do anything. */
	SCX_ASSERT(kick(root, 0, 0) && kick(sub, 0, 0) && kick(sub, 0, KICK_PREEMPT));
	SCX_EQ(events(root).denied, 0);
	SCX_EQ(events(sub).denied, 2);

	if (is_online(CPU)) {
		enum scx_test_status status;

		SCX_ASSERT(grant_caps(root, cgroup, SUB_CAP_BASE | SUB_CAP_ENQ));
		status = judge_tasks(root, sub, cgroup);
		if (status != SCX_TEST_PASS)
			return status;
	}

	SCX_ASSERT(kick(sub, 0, 1ULL << 5));
	SCX_ASSERT(ended_with(sub, "0x20"));
	SCX_ASSERT(!ended(root));
	SCX_ASSERT(kick(root, 0, 1ULL << 4));
	SCX_ASSERT(ended_with(root, "0x10"));
	return SCX_TEST_PASS;
}

static enum scx_test_status judge_cmask(struct sched *root, struct sched *sub, u64 cgroup)
{
	int first = find_cid(root, HOME), second = find_cid(root, CPU), nr = get_nprocs_conf();
	u64 cycles[2], both;

	SCX_ASSERT(first >= 0 && second >= 0 && first < SUB_CIDS && second < SUB_CIDS);
	both = 1ULL << first | 1ULL << second;
	cycles[0] = shared(root->skel->bss->cycles[first]);
	cycles[1] = shared(root->skel->bss->cycles[second]);
	SCX_EQ(kick_cmask(root, both, nr, 0), 2);
	SCX_ASSERT(WAIT_FOR(shared(root->skel->bss->cycles[first]) > cycles[0] &&
			    shared(root->skel->bss->cycles[second]) > cycles[1]));

	/* Those of the mask, and no other one */
	SCX_EQ(kick_cmask(sub, both, nr, KICK_PREEMPT), 2);
	SCX_EQ(events(sub).denied, 2);
	SCX_EQ(kick_cmask(sub, 0, nr, 0), 0);
	SCX_EQ(kick_cmask(sub, both, 0, 0), 0);
	SCX_EQ(events(sub).denied, 2);

	SCX_EQ(kick_cmask(sub, 0, nr, 1ULL << 5), -EINVAL);
	SCX_ASSERT(ended_with(sub, "0x20"));
	/* Of a scheduler that has gone */
	SCX_ASSERT(WAIT_FOR(kick_cmask(sub, both, nr, 0) == 0));
	SCX_ASSERT(!ended(root));
	SCX_EQ(kick_cmask(root, both, nr + 1, 0), -EINVAL);
	SCX_ASSERT(ended_with(root, "cmask"));
	return SCX_TEST_PASS;
}

/*
 * A storm: tasks of both schedulers on all CPUs, each operation kicks, caps come and go, and so
 * does the sub-scheduler, with kicks on their way everywhere.
 */

struct stormed {
	unsigned long turns[STORM_TASKS];
};

/* The even ones never sleep */
static void work_in_storm(struct stormed *stormed, int i, bool in_cgroup)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if ((in_cgroup && !put_number(CGROUP "/cgroup.procs", getpid())) || !be(SCHED_EXT, 0))
		_exit(1);
	for (;;) {
		count(stormed->turns[i]);
		if (i % 2)
			usleep(100);
	}
}

static bool all_went_on(struct stormed *stormed, const struct stormed *before)
{
	int i;

	for (i = 0; i < STORM_TASKS; i++) {
		if (shared(stormed->turns[i]) == before->turns[i])
			return false;
	}
	return true;
}

/* Of one sub-scheduler, from its load to its end */
static enum scx_test_status storm_over(struct sched *root, struct sched *sub, u64 cgroup,
				       struct stormed *stormed, u64 *random)
{
	static const u64 caps[] = { SUB_CAP_BASE, SUB_CAP_ENQ, SUB_CAP_PREEMPT };
	struct sub_args args = { .nr = 50 };
	struct stormed before;
	int i;

	set_shared(sub->skel->bss->storm, true);
	SCX_ASSERT(grant_caps(root, cgroup, SUB_CAP_BASE | SUB_CAP_ENQ));
	for (i = 0; i < STORM_TURNS; i++) {
		u64 cap = caps[next_random(random) % ARRAY_SIZE(caps)];

		SCX_ASSERT(next_random(random) & 1 ? grant_caps(root, cgroup, cap) :
						     revoke_caps(root, cgroup, cap));
		SCX_ASSERT(run_program(sub->skel->progs.sub_kick_any, &args, sizeof(args)) &&
			   run_program(root->skel->progs.sub_kick_any, &args, sizeof(args)));
		usleep(next_random(random) % 3000);
	}
	SCX_ASSERT(grant_caps(root, cgroup, SUB_CAP_BASE | SUB_CAP_ENQ));
	memcpy(&before, stormed, sizeof(before));
	SCX_ASSERT(WAIT_FOR(all_went_on(stormed, &before)));
	SCX_GT(shared(sub->skel->bss->stormed), STORM_TURNS);
	SCX_ASSERT(!ended(sub) && !ended(root));
	SCX_EQ(events(root).denied, 0);
	return SCX_TEST_PASS;
}

static enum scx_test_status storm(struct sched *root, u64 cgroup, struct stormed *stormed)
{
	enum scx_test_status status = SCX_TEST_PASS;
	u64 random = cgroup | 1;
	int i;

	set_shared(root->skel->bss->storm, true);
	root->skel->bss->child = cgroup;
	for (i = 0; i < STORMS && status == SCX_TEST_PASS; i++) {
		struct sched sub = {};

		if (load(&sub, cgroup))
			status = storm_over(root, &sub, cgroup, stormed, &random);
		else
			status = SCX_TEST_FAIL;
		/* With the storm on */
		unload(&sub);
	}
	return status;
}

static enum scx_test_status run_storm(void *ctx)
{
	enum scx_test_status status = SCX_TEST_FAIL;
	struct task tasks[STORM_TASKS] = {};
	struct stormed *stormed;
	struct sched root = {};
	struct stat st;
	int i;

	if (!__COMPAT_has_ksym("scx_bpf_kick_cid"))
		return SCX_TEST_SKIP;
	stormed = mmap(NULL, sizeof(*stormed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	SCX_ASSERT(stormed != MAP_FAILED);
	if (mkdir(CGROUP, 0755) || stat(CGROUP, &st)) {
		SCX_ERR("Failed to make the cgroup %s", CGROUP);
		return SCX_TEST_FAIL;
	}
	if (load(&root, 0)) {
		for (i = 0; i < STORM_TASKS; i++) {
			tasks[i].pid = fork();
			if (!tasks[i].pid)
				work_in_storm(stormed, i, i % 3);
		}
		status = storm(&root, st.st_ino, stormed);
	}
	for (i = 0; i < STORM_TASKS; i++)
		stop(&tasks[i]);
	unload(&root);
	rmdir(CGROUP);
	munmap(stormed, sizeof(*stormed));
	return status;
}

/* With a root and a sub-scheduler */
static enum scx_test_status run_with_both(enum scx_test_status (*judge_both)(struct sched *root,
									     struct sched *sub,
									     u64 cgroup))
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
		status = judge_both(&root, &sub, st.st_ino);
	else
		SCX_ERR("Failed to load the schedulers");
	unload(&sub);
	unload(&root);
	rmdir(CGROUP);
	return status;
}

static enum scx_test_status run(void *ctx)
{
	return run_with_both(judge);
}

static enum scx_test_status run_cmask(void *ctx)
{
	if (!is_online(CPU) || get_nprocs_conf() > SUB_CIDS)
		return SCX_TEST_SKIP;
	return run_with_both(judge_cmask);
}

/* It would take one for the other. By the verifier, with a log that nobody needs */
static enum scx_test_status run_by_cpu(void *ctx)
{
	enum sub_by_cpu call;

	if (!__COMPAT_has_ksym("scx_bpf_kick_cid"))
		return SCX_TEST_SKIP;
	for (call = SUB_BY_CID; call < SUB_NR_BY_CPU; call++) {
		struct kick_sub *skel = kick_sub__open();
		bool loads;

		SCX_ASSERT(skel);
		SCX_ENUM_INIT(skel);
		skel->rodata->by_cpu = call;
		loads = !kick_sub__load(skel);
		kick_sub__destroy(skel);
		SCX_FAIL_IF(loads != (call == SUB_BY_CID), "Call %d: %s", call,
			    loads ? "loads" : "is refused");
	}
	return SCX_TEST_PASS;
}

static struct scx_test kick_sub = {
	.name = "kick_sub",
	.description =
		"Verify that a sub-scheduler's kick needs caps, preempts its own tasks only, and those whatever the CPU is doing (stock fails: ignores unknown flags)",
	.run = run,
};

static struct scx_test kick_sub_cmask = {
	.name = "kick_sub_cmask",
	.description =
		"Verify that scx_bpf_kick_cmask() kicks the CPUs of a cmask, for the scheduler that calls it, and refuses what is no cmask (stock fails: takes unknown flags)",
	.run = run_cmask,
};

static struct scx_test kick_sub_by_cpu = {
	.name = "kick_sub_by_cpu",
	.description =
		"Verify that a scheduler that knows CPUs by their cids cannot kick by the number of a CPU (stock passes)",
	.run = run_by_cpu,
};

static struct scx_test kick_sub_storm = {
	.name = "kick_sub_storm",
	.description =
		"Verify that kicks of sub-schedulers whose caps come and go, and that come and go themselves, stop no task and leave nothing behind",
	.run = run_storm,
};

__attribute__((constructor))
static void register_tests(void)
{
	scx_test_register(&kick_sub);
	scx_test_register(&kick_sub_cmask);
	scx_test_register(&kick_sub_by_cpu);
	scx_test_register(&kick_sub_storm);
}
