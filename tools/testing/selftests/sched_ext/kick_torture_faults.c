// SPDX-License-Identifier: GPL-2.0-only
/* kick_torture: the faults */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include "kick_torture_user.h"

#define CGROUP		"/sys/fs/cgroup/kick_torture"
#define NR_CGROUPS	3

/* That of the sub-scheduler */
#define SUB_CGROUP	0

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE			62
#define PR_SCHED_CORE_GET		0
#define PR_SCHED_CORE_CREATE		1
#define PR_SCHED_CORE_SHARE_TO		2
#define PR_SCHED_CORE_SHARE_FROM	3
#endif
#ifndef PR_SCHED_CORE_SCOPE_THREAD
#define PR_SCHED_CORE_SCOPE_THREAD	0
#endif

/* When s2idle ends. The kernel refuses to sleep for less than 2 s */
#define SUSPEND_SECS	4

/*
 * CPUs
 */

static void strike_hotplug(struct fault *fault, u64 *random)
{
	int cpu = 1 + next_random(random) % (nr_cpus - 1);

	/* Refused where deadline tasks would not have room, and while the system suspends */
	if (!set_online(cpu, false)) {
		count(fault->refused);
		return;
	}
	/* From now on grace periods go on without it, until it can kick again */
	cpus[cpu].watched = 0;
	unwatch(cpu);
	usleep(next_random(random) % 100000);
	cpus[cpu].watched = 1;
	if (WAIT_FOR(set_online(cpu, true)))
		watch(cpu);
	else
		fail("CPU %d does not come back: %s", cpu, strerror(errno));
}

static const char *prepare_hotplug(void)
{
	return nr_cpus < 2 || access("/sys/devices/system/cpu/cpu1/online", W_OK) ?
	       "no CPU can go offline" : NULL;
}

/*
 * The scheduler
 */

static void strike_unload(struct fault *fault, u64 *random)
{
	reload(SIGTERM, random);
}

static void strike_kill(struct fault *fault, u64 *random)
{
	reload(SIGKILL, random);
}

static void strike_reset(struct fault *fault, u64 *random)
{
	reload(0, random);
}

static const char *prepare_sysrq(void)
{
	return access("/proc/sysrq-trigger", W_OK) ? "no sysrq" : NULL;
}

static void strike_dump(struct fault *fault, u64 *random)
{
	press_sysrq("D");
}

static void strike_nmi(struct fault *fault, u64 *random)
{
	press_sysrq("l");
}

/*
 * Tasks
 */

static void strike_rt(struct fault *fault, u64 *random)
{
	if (!go_to(next_random(random) % nr_cpus) ||
	    !be(SCHED_FIFO, 1 + next_random(random) % 50))
		count(fault->refused);
	spin(next_random(random) % (3 * NSEC_PER_MSEC));
	be(SCHED_EXT, 0);
	go_anywhere(0);
}

struct deadline_attr {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
};

/*
 * Far more runtime than it uses: a virtual machine's CPU that stands still takes it away. In Linux
 * 6.12 a task that leaves its class with none left can't come back, it would never run again: its
 * timer finds it in another class and gives it none.
 *
 * Another timer gives the bandwidth back that such a task has left behind, and divides by the
 * number of active CPUs in the root domain of the CPU that the task is on. A CPU on its way up or
 * down has none. So the task stays on CPU 0, which never goes offline, until it is in its class
 * again.
 */
static void strike_deadline(struct fault *fault, u64 *random)
{
	struct deadline_attr attr = {
		.size = sizeof(attr),
		.policy = SCHED_DEADLINE,
		.runtime = (450 + next_random(random) % 50) * NSEC_PER_MSEC,
		.deadline = NSEC_PER_SEC,
		.period = NSEC_PER_SEC,
	};
	int i;

	go_anywhere(0);
	if (syscall(SYS_sched_setattr, 0, &attr, 0))
		count(fault->refused);
	for (i = 0; i < 5; i++) {
		spin(next_random(random) % (3 * NSEC_PER_MSEC / 2));
		usleep(next_random(random) % 2000);
	}
	be(SCHED_EXT, 0);
	go_to(0);
}

/*
 * While a scheduler leaves, who becomes SCHED_EXT gets into the fair class at once. As long as such
 * a task executes user code the others, which sched_ext still has, do not run, and in Linux 6.12
 * the end of the scheduler waits for some of them. So all rest until then.
 */
static void let_scheduler_leave(void)
{
	while (scheduler_leaves() && !failed()) {
		__atomic_store_n(&rest_until, now_ns() + 20 * NSEC_PER_MSEC, __ATOMIC_SEQ_CST);
		usleep(10000);
	}
}

/*
 * A task executes user code, gets a real-time priority, and loses it again by what another task
 * does: its CPU goes on with a sched_ext task, without a switch. Whoever does that must not wait
 * behind it.
 */
static void strike_demote(struct fault *fault, u64 *random)
{
	struct sched_param param = { .sched_priority = 1 }, none = {};
	pid_t tid = any_spinner(random);

	if (!be(SCHED_FIFO, 2) || sched_setscheduler(tid, SCHED_FIFO, &param))
		count(fault->refused);
	usleep(next_random(random) % 3000);
	if (sched_setscheduler(tid, SCHED_EXT, &none))
		fail("task %d does not become a sched_ext task again: %s", tid, strerror(errno));
	let_scheduler_leave();
	be(SCHED_EXT, 0);
}

static const char *prepare_cookie(void)
{
	u64 cookie;

	return prctl(PR_SCHED_CORE, PR_SCHED_CORE_GET, 0, PR_SCHED_CORE_SCOPE_THREAD, &cookie) ?
	       "no CPUs that are threads of a core" : NULL;
}

/*
 * Only tasks with the same cookie run on the threads of a core at the same time. One gets a
 * cookie of its own, or that of another one, or loses it: the main thread never has one.
 */
static void strike_cookie(struct fault *fault, u64 *random)
{
	pid_t tid = any_worker(random), from = next_random(random) & 1 ? getpid() :
									 any_worker(random);
	int err;

	if (next_random(random) & 1)
		err = prctl(PR_SCHED_CORE, PR_SCHED_CORE_CREATE, tid,
			    PR_SCHED_CORE_SCOPE_THREAD, 0);
	else
		err = prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_FROM, from,
			    PR_SCHED_CORE_SCOPE_THREAD, 0) ||
		      prctl(PR_SCHED_CORE, PR_SCHED_CORE_SHARE_TO, tid,
			    PR_SCHED_CORE_SCOPE_THREAD, 0);
	if (err)
		count(fault->refused);
}

static void strike_affinity(struct fault *fault, u64 *random)
{
	pid_t tid = any_mover(random);
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (next_random(random) & 1)
			CPU_SET(cpu, &set);
	}
	/* None of them may be there */
	if (sched_setaffinity(tid, sizeof(set), &set))
		go_anywhere(tid);
}

static void strike_rest(struct fault *fault, u64 *random)
{
	u64 until = now_ns() + next_random(random) % (100 * NSEC_PER_MSEC);

	__atomic_store_n(&rest_until, until, __ATOMIC_SEQ_CST);
}

static cpu_set_t tickless_cpus;

/* Some slices end, and others do not: then the tick stops where there is one task, for a while */
static const char *prepare_tickless(void)
{
	if (!tickless(&tickless_cpus))
		return "no CPU is nohz_full";
	orders->endless = 1;
	return NULL;
}

static void strike_tickless(struct fault *fault, u64 *random)
{
	u64 ns = next_random(random) % (200 * NSEC_PER_MSEC);
	int cpu;

	do {
		cpu = next_random(random) % CPU_SETSIZE % nr_cpus;
	} while (!CPU_ISSET(cpu, &tickless_cpus));
	be(SCHED_EXT, 0);
	if (!go_to(cpu))
		count(fault->refused);
	__atomic_store_n(&rest_until, now_ns() + ns, __ATOMIC_SEQ_CST);
	spin(ns);
	go_anywhere(0);
}

static void in_cgroup(int i, const char *file, char *path, size_t size)
{
	snprintf(path, size, CGROUP "/%d/%s", i, file);
}

static void move_worker(struct fault *fault, int cgroup, u64 *random)
{
	char path[64];

	in_cgroup(cgroup, "cgroup.threads", path, sizeof(path));
	if (!put_number(path, any_worker(random)))
		count(fault->refused);
}

static void strike_cgroup(struct fault *fault, u64 *random)
{
	char path[64];

	move_worker(fault, next_random(random) % NR_CGROUPS, random);
	if (next_random(random) % 8)
		return;
	in_cgroup(next_random(random) % NR_CGROUPS, "cpu.weight", path, sizeof(path));
	if (!put_number(path, 1 + next_random(random) % 10000))
		count(fault->refused);
}

static const char *make_cgroups(void)
{
	char path[64];
	int i;

	if (mkdir(CGROUP, 0755) || !put(CGROUP "/cgroup.procs", "0"))
		return "no cgroup2 at /sys/fs/cgroup that can be written";
	if (!put("/sys/fs/cgroup/cgroup.subtree_control", "+cpu"))
		return "no cpu controller";
	for (i = 0; i < NR_CGROUPS; i++) {
		in_cgroup(i, "", path, sizeof(path));
		mkdir(path, 0755);
		in_cgroup(i, "cgroup.type", path, sizeof(path));
		if (!put(path, "threaded"))
			return "no threaded cgroups";
	}
	return put(CGROUP "/cgroup.subtree_control", "+cpu") ? NULL :
	       "no cpu controller for threads";
}

/* Also for the sub-scheduler, before the tasks are there */
static const char *prepare_cgroup(void)
{
	static bool made;
	static const char *why;

	if (!made)
		why = make_cgroups();
	made = true;
	return why;
}

static void remove_cgroups(void)
{
	char path[64];
	int i;

	if (access(CGROUP, F_OK))
		return;
	put("/sys/fs/cgroup/cgroup.procs", "0");
	for (i = 0; i < NR_CGROUPS; i++) {
		in_cgroup(i, "", path, sizeof(path));
		rmdir(path);
	}
	rmdir(CGROUP);
}

/*
 * The sub-scheduler
 */

u64 sub_cgroup(void)
{
	char path[64];
	struct stat st;

	in_cgroup(SUB_CGROUP, "", path, sizeof(path));
	return prepare_cgroup() || stat(path, &st) ? 0 : st.st_ino;
}

static const char *prepare_sub(void)
{
	return sub ? NULL : "no sub-schedulers";
}

static void strike_sub(struct fault *fault, u64 *random)
{
	u64 end;

	if (!is_in_control(parent) || !attach_sub()) {
		count(fault->refused);
		return;
	}
	end = now_ns() + next_random(random) % NSEC_PER_SEC;
	while (now_ns() < end && !shared(stop_faults) && !sub_has_ended()) {
		move_worker(fault, SUB_CGROUP, random);
		usleep(10000);
	}
	detach_sub();
}

/* Give some CPUs, or take them away, or the right to preempt tasks of the root there */
static void strike_caps(struct fault *fault, u64 *random)
{
	u64 cids = next_random(random), caps = next_random(random) & 1 ? SUB_CAP_PREEMPT :
									 SUB_CAPS_FOR_USE;

	if (!sub_is_attached()) {
		count(fault->refused);
		return;
	}
	change_caps(next_random(random) & 1, caps, cids);
	usleep(next_random(random) % 10000);
	/* Its tasks need some */
	if (next_random(random) & 1)
		change_caps(true, SUB_CAPS_FOR_USE, -1ULL);
}

/*
 * The system
 */

/* A timer that wakes the system sets the real-time clock's alarm on the way to sleep */
static bool wake_later(int timer)
{
	struct itimerspec when = { .it_value.tv_sec = SUSPEND_SECS };

	return timer >= 0 && !timerfd_settime(timer, 0, &when, NULL);
}

/*
 * Newer kernels bypass the scheduler that is loaded when that begins, and end the bypass of the one
 * that is loaded when it is over, which must not be another one
 */
static void strike_suspend(struct fault *fault, u64 *random)
{
	bool real = !strcmp(opts.suspend, "s2idle");
	int timer = real ? timerfd_create(CLOCK_BOOTTIME_ALARM, TFD_CLOEXEC) : -1;
	bool hold = skel->rodata->pick_only;

	if (hold)
		let_change(false);
	if ((real && !wake_later(timer)) ||
	    !put("/sys/power/pm_test", real ? "none" : opts.suspend) ||
	    !put("/sys/power/state", "freeze"))
		count(fault->refused);
	put("/sys/power/pm_test", "none");
	if (hold)
		let_change(true);
	if (real)
		close(timer);
}

static const char *prepare_suspend(void)
{
	if (access("/sys/power/pm_test", W_OK))
		return "no /sys/power/pm_test";
	put("/sys/module/suspend/parameters/pm_test_delay", "1");
	return NULL;
}

/*
 * All of them
 */

struct fault faults[] = {
	{ "hotplug", "CPUs go offline and come back", strike_hotplug, prepare_hotplug, 300 },
	{ "unload", "the scheduler is unloaded and loaded", strike_unload, NULL, 2000 },
	{ "kill", "the same by SIGKILL", strike_kill, NULL, 2000 },
	{ "reset", "the same by sysrq-S", strike_reset, prepare_sysrq, 4000 },
	{ "rt", "real-time tasks come and go", strike_rt, NULL, 10, true },
	{ "deadline", "deadline tasks come and go", strike_deadline, NULL, 50, true },
	{ "demote", "running tasks get real-time priority and lose it", strike_demote, NULL, 20,
	  true },
	{ "cookie", "tasks change their core scheduling cookie", strike_cookie, prepare_cookie, 5 },
	{ "tickless", "one task runs alone, on a CPU without a tick", strike_tickless,
	  prepare_tickless, 500 },
	{ "rest", "all tasks sleep for a while", strike_rest, NULL, 200 },
	{ "affinity", "tasks change their CPUs", strike_affinity, NULL, 5 },
	{ "cgroup", "tasks change their cgroup", strike_cgroup, prepare_cgroup, 5 },
	{ "sub", "a sub-scheduler is attached and detached", strike_sub, prepare_sub, 500 },
	{ "caps", "it gets caps and loses them", strike_caps, prepare_sub, 5 },
	{ "dump", "the scheduler's debug dump, sysrq-D", strike_dump, prepare_sysrq, 5000 },
	{ "suspend", "the system suspends", strike_suspend, prepare_suspend, 30000 },
	{ "nmi", "NMIs for backtraces, sysrq-l", strike_nmi, prepare_sysrq, 20000 },
};

const int nr_faults = ARRAY_SIZE(faults);

struct striker {
	struct fault *fault;
	u64 random;
	pthread_t thread;
};

static struct striker *strikers;
static int nr_strikers;

static void sleep_until(u64 end)
{
	u64 now;

	while (!shared(stop_faults) && (now = now_ns()) < end)
		usleep(end - now < 50 * NSEC_PER_MSEC ? (end - now) / 1000 + 1 : 50000);
}

static void *strike(void *arg)
{
	struct striker *striker = arg;
	struct fault *fault = striker->fault;

	for (;;) {
		u64 ns = 2 * NSEC_PER_MSEC * fault->every_ms;

		sleep_until(now_ns() + next_random(&striker->random) % ns);
		sleep_until(shared(rest_until));
		if (shared(stop_faults))
			return NULL;
		fault->strike(fault, &striker->random);
		count(fault->strikes);
	}
}

static bool start_fault(struct fault *fault)
{
	int n, nr = fault->each_cpu ? nr_cpus : 1;

	for (n = 0; n < nr; n++) {
		struct striker *striker = &strikers[nr_strikers];

		striker->fault = fault;
		striker->random = seed_of(SEED_FAULTS + nr_strikers);
		if (pthread_create(&striker->thread, NULL, strike, striker))
			return false;
		nr_strikers++;
	}
	return true;
}

bool start_faults(void)
{
	struct fault *fault;

	strikers = calloc(nr_faults * nr_cpus, sizeof(*strikers));
	if (!strikers)
		return false;
	for (fault = faults; fault < faults + nr_faults; fault++) {
		const char *why = fault->on && fault->prepare ? fault->prepare() : NULL;

		if (why) {
			fprintf(stderr, "# without %s: %s\n", fault->name, why);
			fault->on = false;
		}
		if (fault->on && !start_fault(fault))
			return false;
	}
	return true;
}

bool end_faults(void)
{
	char name[32];
	int i;

	__atomic_store_n(&stop_faults, true, __ATOMIC_SEQ_CST);
	for (i = 0; i < nr_strikers; i++) {
		snprintf(name, sizeof(name), "the fault %s", strikers[i].fault->name);
		if (!join(strikers[i].thread, name))
			return false;
	}
	remove_cgroups();
	return true;
}
