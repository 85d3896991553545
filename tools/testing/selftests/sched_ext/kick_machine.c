// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of the machine, see kick_machine.h */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include "kick_machine.h"

u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

u64 ns_since(u64 then)
{
	u64 now = now_ns();

	return now > then ? now - then : 0;
}

u64 lost_secs(void)
{
	const char *secs = getenv("KICK_LOST_SECS");

	return secs ? atoi(secs) : 30;
}

u64 lost_at(void)
{
	return now_ns() + lost_secs() * NSEC_PER_SEC;
}

u64 next_random(u64 *state)
{
	u64 x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return x;
}

bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = write(fd, text, strlen(text));
	close(fd);
	return len == (ssize_t)strlen(text);
}

bool put_number(const char *path, long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", number);
	return put(path, text);
}

bool get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0, got;

	text[0] = '\0';
	if (fd < 0)
		return false;
	while ((got = read(fd, text + len, size - 1 - len)) > 0)
		len += got;
	close(fd);
	text[len] = '\0';
	return got == 0;
}

bool press_sysrq(const char *key)
{
	return put("/proc/sysrq-trigger", key);
}

static void online_path(int cpu, char *path, size_t size)
{
	snprintf(path, size, "/sys/devices/system/cpu/cpu%d/online", cpu);
}

bool is_online(int cpu)
{
	char path[64], text[8];

	online_path(cpu, path, sizeof(path));
	return !get(path, text, sizeof(text)) || atoi(text);
}

bool set_online(int cpu, bool online)
{
	char path[64];

	online_path(cpu, path, sizeof(path));
	return is_online(cpu) == online || put_number(path, online);
}

bool tickless(cpu_set_t *set)
{
	int first, last, len;
	char cpus[256], *at;

	CPU_ZERO(set);
	if (!get("/sys/devices/system/cpu/nohz_full", cpus, sizeof(cpus)))
		return false;
	for (at = cpus; sscanf(at, "%d%n", &first, &len) == 1; at += *at == ',') {
		at += len;
		last = first;
		if (sscanf(at, "-%d%n", &last, &len) == 1)
			at += len;
		for (; first <= last && first < CPU_SETSIZE; first++)
			CPU_SET(first, set);
	}
	return CPU_COUNT(set) > 0;
}

bool is_tickless(int cpu)
{
	cpu_set_t set;

	if (tickless(&set) && CPU_ISSET(cpu, &set))
		return true;
	fprintf(stderr, "Needs a kernel booted with nohz_full=1-3: CPU %d has its tick\n", cpu);
	return false;
}

static bool scheduler_is(const char *wanted)
{
	char state[32];

	return get("/sys/kernel/sched_ext/state", state, sizeof(state)) && !strcmp(state, wanted);
}

bool no_scheduler(void)
{
	return scheduler_is("disabled\n");
}

bool scheduler_leaves(void)
{
	return scheduler_is("disabling\n");
}

bool go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

bool go_anywhere(pid_t tid)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	return !sched_setaffinity(tid, sizeof(set), &set);
}

bool be(int policy, int priority)
{
	struct sched_param param = { .sched_priority = priority };

	return !sched_setscheduler(0, policy, &param);
}

void spin(u64 ns)
{
	u64 end = now_ns() + ns;

	while (now_ns() < end)
		;
}

bool run_program(struct bpf_program *prog, void *args, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = args, .ctx_size_in = size);

	return !bpf_prog_test_run_opts(bpf_program__fd(prog), &run) && !run.retval;
}

int open_event(int cpu, u32 type, u64 config, u64 period)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = type,
		.config = config,
		.sample_period = period,
	};

	return syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}
