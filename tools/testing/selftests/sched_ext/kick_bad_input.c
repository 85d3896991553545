// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick_bad_input: each kick kfunc with what it must refuse, drop or take. The kernel stays up; a
 * BPF scheduler that calls it wrongly ends with a message that names the value, or does not get
 * past the verifier.
 *
 * The cases are the products of the tables below. Those that have to end the scheduler load one
 * each.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "../kselftest.h"
#include "kick_bad_input.h"
#include "kick_machine.h"
#include "kick_bad_input.bpf.skel.h"

#define NR_GROUPS	7

#define KICK_IDLE	1ULL
#define KICK_PREEMPT	2ULL
#define KICK_WAIT	4ULL
#define KICK_LAZY	8ULL

static const char * const kfunc_names[] = {
	[BAD_KICK_CPU]		= "scx_bpf_kick_cpu",
	[BAD_KICK_CPUMASK]	= "scx_bpf_kick_cpumask",
	[BAD_KICK_MEMORY]	= "scx_bpf_kick_cpumask of memory",
	[BAD_KICK_OWN_CPUS]	= "scx_bpf_kick_cpumask of its own CPUs",
	[BAD_KICK_TASK]		= "scx_bpf_kick_task",
	[BAD_KICK_CURR]		= "scx_bpf_kick_curr",
	[BAD_KICK_IDLE]		= "scx_bpf_kick_idle",
	[BAD_KICK_IDLE_MEMORY]	= "scx_bpf_kick_idle of memory",
};

static const char * const context_names[] = {
	[BAD_SYSCALL]		= "a syscall program",
	[BAD_ENQUEUE]		= "ops.enqueue",
	[BAD_DISPATCH]		= "ops.dispatch",
	[BAD_RUNNING]		= "ops.running",
	[BAD_TICK]		= "ops.tick",
	[BAD_SWITCH]		= "sched_switch",
	[BAD_HARDIRQ]		= "a timer interrupt",
	[BAD_EVENT]		= "a perf event",
	[BAD_NMI]		= "an NMI",
};

/* What a kick may be made with */
static const u64 good_flags[] = {
	0, KICK_IDLE, KICK_PREEMPT, KICK_WAIT, KICK_PREEMPT | KICK_WAIT,
	KICK_LAZY, KICK_LAZY | KICK_PREEMPT, KICK_LAZY | KICK_WAIT,
	KICK_LAZY | KICK_PREEMPT | KICK_WAIT,
};

/* Combinations of known flags that are none */
static const u64 bad_flags[] = {
	KICK_IDLE | KICK_PREEMPT, KICK_IDLE | KICK_WAIT, KICK_IDLE | KICK_PREEMPT | KICK_WAIT,
	KICK_IDLE | KICK_LAZY, KICK_IDLE | KICK_LAZY | KICK_PREEMPT,
};

/* How many CPUs may be woken */
static const u32 numbers[] = { 0, 1, 2, 3, INT_MAX, 1U << 31, UINT_MAX };

/* CPU numbers that are none, beside those around the number of CPUs */
static const s32 bad_cpus[] = {
	-1, -2, -3, -4, -8, -16, -64, -255, -256, -257, -1024, -4096, -32768, -65536, -1000000,
	INT_MIN, INT_MIN + 1, INT_MIN + 2, INT_MIN / 2,
	255, 256, 257, 511, 512, 1023, 1024, 4095, 4096, 8191, 8192, 32767, 32768, 65535, 65536,
	1 << 20, 1 << 24, 1 << 30, INT_MAX / 2, INT_MAX - 1, INT_MAX,
};

/* A program that must not load, and what the verifier says */
struct refusal {
	const char *program;
	const char *word;
};

static const struct refusal refusals[] = {
	{ "refused_task_null", "NULL" },
	{ "refused_task_number", "R1" },
	{ "refused_task_unchecked", "NULL" },
	{ "refused_task_released", "R1" },
	{ "refused_task_no_rcu", "R1" },
	{ "refused_task_after_rcu", "R1" },
	{ "refused_task_map_value", "arg#0" },
	{ "refused_task_stack", "arg#0" },
	{ "refused_task_ctx", "arg#0" },
	{ "refused_task_cpumask", "arg#0" },
	{ "refused_task_walked", "R1" },
	{ "refused_task_of_rq", "R1" },
	{ "refused_task_offset", "R1" },
	{ "refused_task_flags_pointer", "R2" },
	{ "refused_mask_null", "NULL" },
	{ "refused_mask_number", "R1" },
	{ "refused_mask_unchecked", "NULL" },
	{ "refused_mask_released", "R1" },
	{ "refused_mask_no_rcu", "R1" },
	{ "refused_mask_end_of_map", "R1" },
	{ "refused_mask_short", "R1" },
	{ "refused_mask_task", "arg#0" },
	{ "refused_mask_walked", "R1" },
	{ "refused_mask_flags_pointer", "R2" },
	{ "refused_idle_null", "NULL" },
	{ "refused_idle_number", "R1" },
	{ "refused_idle_unchecked", "NULL" },
	{ "refused_idle_released", "R1" },
	{ "refused_idle_no_rcu", "R1" },
	{ "refused_idle_end_of_map", "R1" },
	{ "refused_idle_short", "R1" },
	{ "refused_idle_task", "arg#0" },
	{ "refused_idle_walked", "R1" },
	{ "refused_idle_nr_pointer", "R2" },
	{ "refused_cpu_pointer", "R1" },
	{ "refused_cpu_flags_pointer", "R2" },
	{ "refused_curr_pointer", "R1" },
	{ "refused_curr_pid_pointer", "R2" },
	{ "refused_curr_flags_pointer", "R3" },
};

/* Types of programs that may not call the kfuncs at all */
static const struct {
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
} refused_types[] = {
	{ BPF_PROG_TYPE_SOCKET_FILTER },
	{ BPF_PROG_TYPE_KPROBE },
	{ BPF_PROG_TYPE_SCHED_CLS },
	{ BPF_PROG_TYPE_SCHED_ACT },
	{ BPF_PROG_TYPE_XDP, BPF_XDP },
	{ BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ BPF_PROG_TYPE_LWT_XMIT },
	{ BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR },
	{ BPF_PROG_TYPE_SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT },
	{ BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP },
};

/* Linux 7.3 counts them among the tracing programs, which may. 6.12 does not. */
static bool raw_tp_may(void)
{
	return !__COMPAT_has_ksym("balance_scx");
}

static const char * const refused_in_types[] = {
	"refused_cpu_in_type", "refused_mask_in_type", "refused_task_in_type",
	"refused_curr_in_type", "refused_idle_in_type",
};

static struct kick_bad_input *skel;
static struct bpf_link *scheduler;
static int nr_cpus;

static unsigned int nr_cases, nr_failed;	/* of all groups */
static unsigned int group_cases, group_failed;

static bool stop;

/*
 * Small things
 */

static u64 random_u64(void)
{
	static u64 state = 0x9e3779b97f4a7c15ULL;

	return next_random(&state);
}

static bool load(void)
{
	if (scheduler)
		return true;
	skel->data->uei.kind = 0;
	skel->data->uei.msg[0] = '\0';
	scheduler = bpf_map__attach_struct_ops(skel->maps.kick_bad_ops);
	return scheduler;
}

static bool unload(void)
{
	bpf_link__destroy(scheduler);
	scheduler = NULL;
	return WAIT_FOR(no_scheduler());
}

/* @text has the number, and not as a part of another one */
static bool names(const char *text, const char *number)
{
	const char *at = text;

	while ((at = strstr(at, number))) {
		if ((at == text || at[-1] == ' ') && !isalnum(at[strlen(number)]))
			return true;
		at++;
	}
	return false;
}

static u64 online_cpus(void)
{
	u64 online = 0;
	int cpu;

	for (cpu = 0; cpu < nr_cpus && cpu < 64; cpu++) {
		if (is_online(cpu))
			online |= 1ULL << cpu;
	}
	return online;
}

/*
 * One case
 */

/* What a call is to lead to */
struct expected {
	const char *named;	/* the scheduler ends, its message has this value */
	bool returns;		/* ... and the kfunc returns @ret, or up to @most */
	s32 ret, most;
};

/* Of BPF's own, see bad_set_mask() */
static bool takes_mask(u32 kfunc)
{
	return kfunc == BAD_KICK_CPUMASK || kfunc == BAD_KICK_IDLE;
}

static void describe(const struct bad_call *call)
{
	ksft_print_msg("%s(", kfunc_names[call->kfunc]);
	if (call->kfunc == BAD_KICK_CPU || call->kfunc == BAD_KICK_CURR)
		printf("%d, ", call->cpu);
	else if (takes_mask(call->kfunc) || call->kfunc == BAD_KICK_MEMORY ||
		 call->kfunc == BAD_KICK_IDLE_MEMORY)
		printf("{0x%lx}, ", call->cpus[0]);
	printf("0x%lx) from %s%s: ", call->flags, context_names[call->context],
	       scheduler ? "" : ", nothing loaded");
}

static bool make_call(const struct bad_call *call)
{
	struct bad_call *shared_call = &skel->bss->call;

	*shared_call = *call;
	if (takes_mask(call->kfunc) && !run_program(skel->progs.bad_set_mask, NULL, 0))
		return false;
	__atomic_store_n(&shared_call->pending, 1, __ATOMIC_SEQ_CST);
	if (call->context == BAD_SYSCALL)
		return run_program(skel->progs.bad_call_now, NULL, 0);
	if (call->context == BAD_NMI)
		press_sysrq("l");
	return WAIT_FOR(!shared(shared_call->pending));
}

static bool judge(const struct bad_call *call, const struct expected *expected)
{
	struct user_exit_info *uei = &skel->data->uei;
	s32 ret = skel->bss->call.ret;

	if (expected->returns && (ret < expected->ret || ret > expected->most)) {
		describe(call);
		printf("returns %d, not %d to %d\n", ret, expected->ret, expected->most);
		return false;
	}
	if (expected->named && !WAIT_FOR(shared(uei->kind))) {
		describe(call);
		printf("the scheduler stays, no word of %s\n", expected->named);
		return false;
	}
	if (expected->named ? !names(uei->msg, expected->named) : uei->kind) {
		describe(call);
		printf("the scheduler ends: \"%s\", not with %s\n", uei->msg,
		       expected->named ?: "nothing");
		return false;
	}
	return true;
}

static void count_case(bool ok)
{
	group_cases++;
	if (!ok)
		group_failed++;
}

static void try_call(const struct bad_call *call, const struct expected *expected)
{
	bool ok;

	if (!make_call(call)) {
		describe(call);
		printf("was never made\n");
		count_case(false);
		return;
	}
	ok = judge(call, expected);
	if (skel->data->uei.kind && scheduler)
		ok = unload() && ok;
	count_case(ok);
}

/* With a scheduler, which the call ends */
static void try_ending(const struct bad_call *call, const char *named, s32 ret)
{
	struct expected expected = {
		.named = named, .ret = ret, .most = ret, .returns = call->kfunc != BAD_KICK_CPU,
	};

	if (load())
		try_call(call, &expected);
	else
		count_case(false);
}

/* With one or without, and nothing happens */
static void try_harmless_up_to(const struct bad_call *call, s32 ret, s32 most)
{
	struct expected expected = {
		.ret = ret, .most = most, .returns = call->kfunc != BAD_KICK_CPU,
	};

	try_call(call, &expected);
}

static void try_harmless(const struct bad_call *call, s32 ret)
{
	try_harmless_up_to(call, ret, ret);
}

static void end_group(const char *name)
{
	ksft_print_msg("%u cases\n", group_cases);
	ksft_test_result(!group_failed, "%s\n", name);
	nr_cases += group_cases;
	nr_failed += group_failed;
	group_cases = 0;
	group_failed = 0;
}

/*
 * The groups
 */

static void try_bad_cpu(s32 cpu, u32 context)
{
	struct bad_call call = { .context = context, .kfunc = BAD_KICK_CPU, .cpu = cpu };
	char number[16];

	snprintf(number, sizeof(number), "%d", cpu);
	call.flags = good_flags[random_u64() % ARRAY_SIZE(good_flags)];
	try_ending(&call, number, 0);
	call.kfunc = BAD_KICK_CURR;
	call.flags = KICK_IDLE;
	try_ending(&call, number, -ENODEV);
}

static void bad_cpu_numbers(void)
{
	u32 i, context;

	for (i = 0; i < ARRAY_SIZE(bad_cpus); i++) {
		if (bad_cpus[i] < 0 || bad_cpus[i] >= nr_cpus)
			try_bad_cpu(bad_cpus[i], BAD_SYSCALL);
	}
	for (i = 0; i < 8; i++)
		try_bad_cpu(nr_cpus + i, BAD_SYSCALL);
	for (i = 0; i < 31; i++)
		try_bad_cpu(1U << i | 1U << 31, BAD_SYSCALL);
	for (context = BAD_SYSCALL + 1; context < BAD_NR_CONTEXTS; context++) {
		try_bad_cpu(-1, context);
		try_bad_cpu(nr_cpus, context);
	}
	end_group("bad_cpu_numbers");
}

static void try_bad_flags(u32 kfunc, u64 flags, u32 context)
{
	struct bad_call call = {
		.context = context, .kfunc = kfunc, .flags = flags, .cpus = { -1 },
	};
	char number[32];

	snprintf(number, sizeof(number), "0x%lx", flags);
	try_ending(&call, number, -EINVAL);
}

static bool flags_good(u32 kfunc, u64 flags)
{
	u32 i;

	if (kfunc == BAD_KICK_CURR && flags == KICK_IDLE)
		return true;
	if (kfunc == BAD_KICK_TASK || kfunc == BAD_KICK_CURR)
		return !(flags & ~(KICK_WAIT | KICK_LAZY));
	for (i = 0; i < ARRAY_SIZE(good_flags); i++) {
		if (flags == good_flags[i])
			return true;
	}
	return false;
}

static void bad_flag_patterns(void)
{
	u32 kfunc, i, context;

	for (kfunc = BAD_KICK_CPU; kfunc < BAD_NR_WITH_FLAGS; kfunc++) {
		for (i = 0; i < 64; i++) {
			if (!flags_good(kfunc, 1ULL << i))
				try_bad_flags(kfunc, 1ULL << i, BAD_SYSCALL);
		}
		for (i = 0; i < ARRAY_SIZE(bad_flags); i++)
			try_bad_flags(kfunc, bad_flags[i], BAD_SYSCALL);
		for (i = 0; i < 32; i++)
			try_bad_flags(kfunc, random_u64() | 1ULL << (4 + i), BAD_SYSCALL);
		for (context = BAD_SYSCALL + 1; context < BAD_NR_CONTEXTS; context++) {
			try_bad_flags(kfunc, 16, context);
			try_bad_flags(kfunc, KICK_IDLE | KICK_WAIT, context);
		}
	}
	end_group("bad_flag_patterns");
}

/* Nothing is loaded: all is dropped */
static void calls_unloaded(void)
{
	struct bad_call call = { .cpus = { -1 } };
	u32 i, kfunc;

	unload();
	for (i = 0; i < ARRAY_SIZE(bad_cpus); i++) {
		call.cpu = bad_cpus[i];
		call.flags = random_u64();
		try_harmless(&call, 0);
	}
	for (kfunc = BAD_KICK_CPU; kfunc < BAD_NR_KFUNCS; kfunc++) {
		bool of_task = kfunc == BAD_KICK_TASK || kfunc == BAD_KICK_CURR;

		call.kfunc = kfunc;
		for (i = 0; i < 64; i++) {
			call.cpu = i % nr_cpus;
			call.flags = 1ULL << i;
			try_harmless(&call, of_task ? -ESRCH : 0);
		}
	}
	end_group("calls_unloaded");
}

/* Valid calls, at CPUs that are there and such that are not */
static void calls_on_cpus(u32 context)
{
	struct bad_call call = { .context = context };
	u64 online = online_cpus(), mask;
	u32 i, bit;
	int cpu;

	for (i = 0; i < ARRAY_SIZE(good_flags); i++) {
		call.flags = good_flags[i];
		call.kfunc = BAD_KICK_CPU;
		for (cpu = 0; cpu < nr_cpus && cpu < 64; cpu++) {
			call.cpu = cpu;
			try_harmless(&call, 0);
		}
		call.kfunc = BAD_KICK_CPUMASK;
		for (mask = 0; mask < 16; mask++) {
			call.cpus[0] = mask;
			try_harmless(&call, __builtin_popcountll(mask & online));
		}
		/* Most of these CPUs are not possible */
		call.kfunc = BAD_KICK_MEMORY;
		for (bit = 0; bit < 64; bit++) {
			call.cpus[0] = random_u64();
			call.cpus[1] = random_u64();
			call.cpus[BAD_MASK_WORDS - 1] = 1ULL << bit;
			try_harmless(&call, __builtin_popcountll(call.cpus[0] & online));
		}
		memset(call.cpus, 0, sizeof(call.cpus));
	}
}

/* scx_bpf_kick_idle() wakes not more CPUs than it is told to, and none that is not there */
static void idle_cpus(u32 context)
{
	struct bad_call call = { .context = context };
	u64 online = online_cpus(), mask;
	u32 i, most;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		call.flags = numbers[i];
		call.kfunc = BAD_KICK_IDLE;
		/* An NMI takes its time */
		for (mask = 0; mask < 16; mask += context == BAD_NMI ? 5 : 1) {
			call.cpus[0] = mask;
			most = __builtin_popcountll(mask & online);
			try_harmless_up_to(&call, 0, most < numbers[i] ? most : numbers[i]);
		}
		call.kfunc = BAD_KICK_IDLE_MEMORY;
		call.cpus[0] = random_u64();
		call.cpus[BAD_MASK_WORDS - 1] = random_u64();
		most = __builtin_popcountll(call.cpus[0] & online);
		try_harmless_up_to(&call, 0, most < numbers[i] ? most : numbers[i]);
		memset(call.cpus, 0, sizeof(call.cpus));
	}
}

static void own_cpus(void)
{
	struct bad_call call = { .kfunc = BAD_KICK_OWN_CPUS };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good_flags); i++) {
		call.flags = good_flags[i];
		try_harmless(&call, __builtin_popcountll(online_cpus()));
	}
}

static void offline_cpus(void)
{
	u32 context;

	load();
	own_cpus();
	for (context = 0; context < BAD_NR_CONTEXTS; context++) {
		if (context != BAD_NMI)
			calls_on_cpus(context);
		idle_cpus(context);
	}
	end_group("cpus_online");

	if (!set_online(nr_cpus - 1, false)) {
		ksft_print_msg("no CPU can go offline\n");
		ksft_test_result_skip("cpus_offline\n");
		return;
	}
	own_cpus();
	for (context = 0; context < BAD_NR_CONTEXTS; context++) {
		if (context != BAD_NMI)
			calls_on_cpus(context);
		idle_cpus(context);
	}
	set_online(nr_cpus - 1, true);
	end_group("cpus_offline");
}

/*
 * Tasks in every state
 */

static bool keep(pid_t pid)
{
	struct bad_keep_args args = { .pid = pid };

	return run_program(skel->progs.bad_keep, &args, sizeof(args));
}

/* A process of its own, that spins or sleeps in the given class */
static pid_t start(int policy, bool spins)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO };
	pid_t pid = fork();

	if (pid)
		return pid;
	if (sched_setscheduler(0, policy, &param))
		_exit(1);
	while (spins)
		;
	for (;;)
		pause();
}

static bool has_state(pid_t pid, const char *states)
{
	char path[64], line[256] = "";
	FILE *file;
	char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	at = strrchr(line, ')');
	return at && strchr(states, at[2]);
}

/*
 * @at_once: no other answer than @ret is right. Of a task that runs, somebody else may just preempt
 * it, and one that sleeps, stops or dies may not have left its CPU yet.
 */
static void try_task(const char *what, s32 ret, bool at_once)
{
	struct bad_call call = { .kfunc = BAD_KICK_TASK };
	bool ok = true;

	for (call.flags = 0; call.flags <= KICK_WAIT; call.flags += KICK_WAIT) {
		bool came = WAIT_FOR(make_call(&call) &&
				     (at_once || skel->bss->call.ret == ret));

		ok = came && skel->bss->call.ret == ret && !skel->data->uei.kind;
		if (!ok)
			ksft_print_msg("scx_bpf_kick_task(%s, 0x%lx): returns %d, not %d\n", what,
				       call.flags, skel->bss->call.ret, ret);
		count_case(ok);
	}
}

static void try_process(const char *what, int policy, bool spins, s32 ret)
{
	pid_t pid = start(policy, spins);

	WAIT_FOR(has_state(pid, spins ? "R" : "S"));
	usleep(20000);
	if (!keep(pid))
		count_case(false);
	try_task(what, ret, policy != SCHED_EXT);
	kill(pid, SIGSTOP);
	WAIT_FOR(has_state(pid, "T"));
	try_task("a stopped task", -ESRCH, false);
	kill(pid, SIGKILL);
	WAIT_FOR(has_state(pid, "Z"));
	try_task("a zombie", -ESRCH, false);
	waitpid(pid, NULL, 0);
	try_task("a dead task", -ESRCH, true);
}

static void tasks_in_every_state(void)
{
	load();
	try_process("a running task", SCHED_EXT, true, 0);
	try_process("a sleeping task", SCHED_EXT, false, -ESRCH);
	try_process("a task of the fair class", SCHED_OTHER, true, -ESRCH);
	try_process("a real-time task", SCHED_FIFO, true, -ESRCH);
	try_process("an idle-class task", SCHED_IDLE, true, -ESRCH);
	count_case(keep(2));
	try_task("a kernel thread", -ESRCH, true);
	count_case(keep(getpid()));
	try_task("the caller, of the fair class", -ESRCH, true);
	count_case(!keep(0x7ffffff0));
	count_case(keep(getpid()));
	end_group("tasks_in_every_state");
}

/*
 * Programs that do not load
 */

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

/* As a program of another type if @type says one */
static bool is_refused(const char *name, const char *word, enum bpf_prog_type type,
		       enum bpf_attach_type attach)
{
	static char log[1 << 20];
	struct kick_bad_input *other = kick_bad_input__open();
	struct bpf_program *prog;
	int err;

	log[0] = '\0';
	bpf_object__for_each_program(prog, other->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog), name));
	bpf_map__set_autocreate(other->maps.kick_bad_ops, false);
	prog = bpf_object__find_program_by_name(other->obj, name);
	if (type) {
		bpf_program__set_type(prog, type);
		bpf_program__set_expected_attach_type(prog, attach);
	}
	bpf_program__set_log_buf(prog, log, sizeof(log));
	bpf_program__set_log_level(prog, 1);
	err = kick_bad_input__load(other);
	kick_bad_input__destroy(other);
	if (err && strstr(log, word))
		return true;
	ksft_print_msg("%s%s%s: %s \"%s\": %s\n", name, type ? " as " : "",
		       type ? libbpf_bpf_prog_type_str(type) : "",
		       err ? "refused, but without" : "loads, without", word, log);
	return false;
}

static void refused_programs(void)
{
	libbpf_print_fn_t print = libbpf_set_print(quiet);
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(refusals); i++)
		count_case(is_refused(refusals[i].program, refusals[i].word, 0, 0));
	for (i = 0; i < ARRAY_SIZE(refused_types); i++) {
		if (refused_types[i].type == BPF_PROG_TYPE_RAW_TRACEPOINT && raw_tp_may())
			continue;
		for (k = 0; k < ARRAY_SIZE(refused_in_types); k++)
			count_case(is_refused(refused_in_types[k], "not allowed",
					      refused_types[i].type, refused_types[i].attach));
	}
	libbpf_set_print(print);
	end_group("refused_programs");
}

/*
 * The run
 */

static void *spinner(void *arg)
{
	struct sched_param param = {};

	sched_setscheduler(0, SCHED_EXT, &param);
	while (!shared(stop))
		;
	return NULL;
}

static void *napper(void *arg)
{
	struct sched_param param = {};

	sched_setscheduler(0, SCHED_EXT, &param);
	while (!shared(stop))
		usleep(1000);
	return NULL;
}

static bool set_up(void)
{
	int fd;

	nr_cpus = libbpf_num_possible_cpus();
	skel = kick_bad_input__open();
	if (!skel)
		return false;
	SCX_ENUM_INIT(skel);
	bpf_program__set_autoload(skel->progs.bad_nmi, true);
	if (kick_bad_input__load(skel))
		return false;
	fd = open_event(0, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, NSEC_PER_MSEC);
	return fd >= 0 && bpf_program__attach_perf_event(skel->progs.bad_event, fd) &&
	       bpf_program__attach(skel->progs.bad_switch) &&
	       bpf_program__attach(skel->progs.bad_hardirq) &&
	       bpf_program__attach(skel->progs.bad_nmi) && keep(getpid());
}

int main(void)
{
	pthread_t threads[2];
	u64 start = now_ns();

	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	ksft_print_header();
	if (!set_up())
		ksft_exit_fail_msg("the BPF programs can't be loaded here\n");
	ksft_set_plan(NR_GROUPS);
	pthread_create(&threads[0], NULL, spinner, NULL);
	pthread_create(&threads[1], NULL, napper, NULL);

	calls_unloaded();
	refused_programs();
	offline_cpus();
	tasks_in_every_state();
	bad_cpu_numbers();
	bad_flag_patterns();

	unload();
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	ksft_print_msg("kick_bad_input: %s: %u cases, %u failed, %.0f s\n",
		       nr_failed ? "FAILED" : "ok", nr_cases, nr_failed, (now_ns() - start) / 1e9);
	ksft_finished();
}
