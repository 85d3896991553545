// SPDX-License-Identifier: GPL-2.0-only
/* kick_torture: what all parts of its user space stand on */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "kick_torture_user.h"

#define SAMPLE_NS	1000000
#define CYCLES		5000000

struct torture_opts opts = {
	.secs		= 60,
	.seed		= 1,
	.sets		= 1,
	.burst		= 2048,
	.suspend	= "freezer",
};

struct kick_torture *skel;
struct torture_cpu *cpus;
struct torture_orders *orders;
int nr_cpus;

const char * const context_names[TORTURE_NR_CONTEXTS] = {
	[TORTURE_SELECT_CPU]	= "select_cpu",
	[TORTURE_ENQUEUE]	= "enqueue",
	[TORTURE_DEQUEUE]	= "dequeue",
	[TORTURE_DISPATCH]	= "dispatch",
	[TORTURE_TICK]		= "tick",
	[TORTURE_RUNNABLE]	= "runnable",
	[TORTURE_RUNNING]	= "running",
	[TORTURE_STOPPING]	= "stopping",
	[TORTURE_QUIESCENT]	= "quiescent",
	[TORTURE_YIELD]		= "yield",
	[TORTURE_CORE_SCHED_BEFORE] = "core_before",
	[TORTURE_SET_CPUMASK]	= "set_cpumask",
	[TORTURE_SET_WEIGHT]	= "set_weight",
	[TORTURE_ENABLE]	= "enable",
	[TORTURE_DISABLE]	= "disable",
	[TORTURE_CGROUP_MOVE]	= "cgroup_move",
	[TORTURE_CPU_ACQUIRE]	= "cpu_acquire",
	[TORTURE_CPU_RELEASE]	= "cpu_release",
	[TORTURE_UPDATE_IDLE]	= "update_idle",
	[TORTURE_CPU_ONLINE]	= "cpu_online",
	[TORTURE_CPU_OFFLINE]	= "cpu_offline",
	[TORTURE_INIT_TASK]	= "init_task",
	[TORTURE_EXIT_TASK]	= "exit_task",
	[TORTURE_CGROUP]	= "cgroup",
	[TORTURE_SUB_ATTACH]	= "sub_attach",
	[TORTURE_SUB_CAPS]	= "sub_caps",
	[TORTURE_DUMP]		= "dump",
	[TORTURE_INIT]		= "init",
	[TORTURE_TIMER]		= "timer",
	[TORTURE_SYSCALL]	= "syscall",
	[TORTURE_SYS_ENTER]	= "sys_enter",
	[TORTURE_USER_ENTER]	= "user_enter",
	[TORTURE_FPU_RETURN]	= "fpu_return",
	[TORTURE_KVM_ENTRY]	= "kvm_entry",
	[TORTURE_SWITCH]	= "switch",
	[TORTURE_WAKEUP]	= "wakeup",
	[TORTURE_IDLE]		= "idle",
	[TORTURE_SOFTIRQ]	= "softirq",
	[TORTURE_HARDIRQ]	= "hardirq",
	[TORTURE_EVENT]		= "event",
	[TORTURE_NMI]		= "nmi",
};

const char * const kind_names[TORTURE_NR_KINDS] = {
	[TORTURE_PLAIN]		= "plain",
	[TORTURE_KIND_IDLE]	= "idle",
	[TORTURE_PREEMPT]	= "preempt",
	[TORTURE_WAIT]		= "wait",
	[TORTURE_PREEMPT_WAIT]	= "preempt+wait",
	[TORTURE_MASK]		= "mask",
	[TORTURE_MASK_IDLE]	= "mask+idle",
	[TORTURE_KIND_TASK]	= "task",
	[TORTURE_LAZY]		= "lazy",
	[TORTURE_LAZY_TASK]	= "task+lazy",
	[TORTURE_CURR]		= "curr",
	[TORTURE_CURR_IDLE]	= "curr+idle",
	[TORTURE_IDLE_NR]	= "idle+nr",
};

u64 rest_until;
bool stop_faults;

static pthread_mutex_t failure_lock = PTHREAD_MUTEX_INITIALIZER;
static char failure[512];

__printf(1, 2) void fail(const char *fmt, ...)
{
	va_list args;

	pthread_mutex_lock(&failure_lock);
	if (!failure[0]) {
		va_start(args, fmt);
		vsnprintf(failure, sizeof(failure), fmt, args);
		va_end(args);
		fprintf(stderr, "# %s\n", failure);
	}
	pthread_mutex_unlock(&failure_lock);
}

bool failed(void)
{
	return shared(failure[0]);
}

const char *first_failure(void)
{
	return failure;
}

u64 seed_of(u32 user)
{
	u64 x = opts.seed * 0x9e3779b97f4a7c15ULL + user * 0xd1342543de82ef95ULL + 1;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return (x ^ x >> 31) | 1;
}

/* For each CPU: its samples, and NMIs where the machine has a counter for that */
static struct bpf_link *samplers[TORTURE_NR_CPUS];
static struct bpf_link *counters[TORTURE_NR_CPUS];

void watch(int cpu)
{
	struct torture_timer_args args = { .cpu = cpu };
	int fd = open_event(cpu, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, SAMPLE_NS);

	if (fd >= 0)
		samplers[cpu] = bpf_program__attach_perf_event(skel->progs.torture_sample, fd);
	if (!samplers[cpu])
		fail("no samples of CPU %d: %s", cpu, strerror(errno));
	if (bpf_program__autoload(skel->progs.torture_start_timer) &&
	    (!go_to(cpu) || !run_program(skel->progs.torture_start_timer, &args, sizeof(args))))
		fail("no timer on CPU %d", cpu);
	go_anywhere(0);
	fd = open_event(cpu, PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, CYCLES);
	if (fd >= 0)
		counters[cpu] = bpf_program__attach_perf_event(skel->progs.torture_count, fd);
}

void unwatch(int cpu)
{
	bpf_link__destroy(samplers[cpu]);
	samplers[cpu] = NULL;
	bpf_link__destroy(counters[cpu]);
	counters[cpu] = NULL;
}

/* The kernel's log tells where a thread is that does not end. In time for all that one waits for */
bool join(pthread_t thread, const char *what)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 4 * lost_secs();
	if (!pthread_timedjoin_np(thread, NULL, &end))
		return true;
	fail("%s does not end, the kernel's log shows all tasks", what);
	press_sysrq("t");
	return false;
}
