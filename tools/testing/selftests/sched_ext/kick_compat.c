// SPDX-License-Identifier: GPL-2.0-only
/*
 * One BPF object, loaded as it is and as it would be on a kernel whose BTF has no SCX_KICK_IDLE.
 * And the kicks that a stock kernel has no kfuncs for.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kick_compat.bpf.skel.h"
#include "kick_test.h"

#define MAX_INSNS	64
#define KICKS		100

struct loaded {
	/* What the kick arrived with */
	u64 flags;
	/* What libbpf made of the program that kicks */
	struct bpf_insn insns[MAX_INSNS];
	size_t nr_insns;
};

/* Another name for the enumerator in @btf: nothing else has to move, and it is gone. */
static bool take_out_idle(struct btf *btf)
{
	int new_name = btf__add_str(btf, "SCX_KICK_ABSENT");
	s32 id = btf__find_by_name(btf, "scx_kick_flags");
	const struct btf_type *t = id < 0 ? NULL : btf__type_by_id(btf, id);
	__u32 *name;
	int i;

	if (new_name < 0 || !t || (!btf_is_enum(t) && !btf_is_enum64(t)))
		return false;

	for (i = 0; i < btf_vlen(t); i++) {
		name = btf_is_enum(t) ? &btf_enum(t)[i].name_off : &btf_enum64(t)[i].name_off;
		if (!strcmp(btf__name_by_offset(btf, *name), "SCX_KICK_IDLE")) {
			*name = new_name;
			return true;
		}
	}
	return false;
}

/* A file in memory with the running kernel's BTF but for SCX_KICK_IDLE, or -1. */
static int btf_file_without_idle(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	const void *data;
	int fd = -1;
	__u32 size;

	if (btf && take_out_idle(btf)) {
		data = btf__raw_data(btf, &size);
		fd = memfd_create("btf", 0);
		if (fd >= 0 && (!data || write(fd, data, size) != size)) {
			close(fd);
			fd = -1;
		}
	}
	btf__free(btf);
	return fd;
}

/* Load the object against @btf_path (NULL: the kernel's own BTF) and have it kick once. */
static bool load_and_kick(const char *btf_path, struct loaded *loaded)
{
	LIBBPF_OPTS(bpf_object_open_opts, open_opts, .btf_custom_path = btf_path);
	LIBBPF_OPTS(bpf_test_run_opts, run_opts);
	struct kick_compat *skel = kick_compat__open_opts(&open_opts);
	struct bpf_program *prog;
	bool done = false;

	if (!skel)
		return false;

	skel->bss->tid = syscall(SYS_gettid);
	prog = skel->progs.kick_compat_kick;
	if (!kick_compat__load(skel) && !kick_compat__attach(skel) &&
	    !bpf_prog_test_run_opts(bpf_program__fd(prog), &run_opts) &&
	    bpf_program__insn_cnt(prog) <= MAX_INSNS) {
		loaded->flags = skel->bss->flags_seen;
		loaded->nr_insns = bpf_program__insn_cnt(prog);
		memcpy(loaded->insns, bpf_program__insns(prog),
		       loaded->nr_insns * sizeof(loaded->insns[0]));
		done = skel->bss->nr_seen == 1;
	}
	kick_compat__destroy(skel);
	return done;
}

static enum scx_test_status run(void *ctx)
{
	struct loaded with, without;
	int fd, i, nr_different = 0;
	char path[64];
	u64 idle = 0;

	if (!__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_IDLE", &idle)) {
		SCX_FAIL_IF(!load_and_kick(NULL, &without), "Failed to kick");
		SCX_EQ(without.flags, 0);
		return SCX_TEST_PASS;
	}

	fd = btf_file_without_idle();
	SCX_FAIL_IF(fd < 0, "Failed to make BTF without SCX_KICK_IDLE");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	SCX_FAIL_IF(!load_and_kick(NULL, &with), "Failed to kick with the kernel's BTF");
	SCX_FAIL_IF(!load_and_kick(path, &without), "Failed to kick without the flag");
	close(fd);

	SCX_EQ(with.flags, idle);
	SCX_EQ(without.flags, 0);

	/* The same program but for what CO-RE put in */
	SCX_EQ(with.nr_insns, without.nr_insns);
	for (i = 0; i < with.nr_insns; i++) {
		struct bpf_insn *a = &with.insns[i], *b = &without.insns[i];

		if (!memcmp(a, b, sizeof(*a)))
			continue;
		printf("insn %d: code 0x%02x imm 0x%x with the flag, 0x%02x and 0x%x without\n",
		       i, a->code, a->imm, b->code, b->imm);
		nr_different++;
	}
	SCX_GT(nr_different, 0);

	return SCX_TEST_PASS;
}

static struct scx_test kick_compat = {
	.name = "kick_compat",
	.description = "Verify that the compat kick uses SCX_KICK_IDLE only where BTF has it",
	.run = run,
};

REGISTER_SCX_TEST(&kick_compat)

static bool kernel_has(const char *kfunc)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool has = btf && btf__find_by_name_kind(btf, kfunc, BTF_KIND_FUNC) > 0;

	btf__free(btf);
	return has;
}

static bool kicked(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return !bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) && !opts.retval;
}

/*
 * At least so many kicks have come since the last look, the last one with @flags: by the kfunc that
 * the macro is named after, or by scx_bpf_kick_cpu().
 */
static enum scx_test_status came(struct kick_compat *skel, bool direct, u32 kicks, u64 flags)
{
	SCX_EQ(skel->bss->nr_direct >= kicks, direct);
	SCX_EQ(skel->bss->nr_seen >= kicks, !direct);
	SCX_EQ(direct ? skel->bss->flags_direct : skel->bss->flags_seen, flags);
	skel->bss->nr_direct = 0;
	skel->bss->nr_seen = 0;
	return SCX_TEST_PASS;
}

/* It need not be seen in ops.dispatch() if a task of a higher class came in between */
static bool has_left(struct lab_cpu *lc, struct kick_compat *skel, u64 expired)
{
	return lc->expired != expired || lc->curr != skel->bss->victim;
}

/*
 * Two tasks take turns on CPU 1, by kicks that say 0. The task named may make way for a kernel
 * thread just then, and a kick that had seemed to be lost to that may still preempt it
 */
static enum scx_test_status kick_tasks(struct lab *lab, struct kick_compat *skel,
				       struct bpf_program *prog)
{
	struct lab_cpu *lc = &lab->cpus[1];
	int i;

	skel->bss->cpu_a = 1;
	skel->bss->flags = 0;
	for (i = 0; i < KICKS; i++) {
		u64 expired = lc->expired;

		LAB_COMES(lc->curr != skel->bss->victim);
		skel->bss->victim = lc->curr;
		LAB_BRINGS(lab, 1, LAB_WAIT(has_left(lc, skel, expired) ||
					    (kicked(prog) && !skel->bss->ret)),
			   has_left(lc, skel, expired));
	}
	return SCX_TEST_PASS;
}

/* Not what a busy CPU runs, and an idle CPU: only a kernel without the kfunc says of both that */
static enum scx_test_status kick_if_idle(struct lab *lab, struct kick_compat *skel, bool direct)
{
	struct bpf_program *prog = skel->progs.kick_compat_curr;
	struct lab_cpu *idle = &lab->cpus[2];
	int i;

	skel->bss->flags = KICK_IDLE;
	skel->bss->victim = 0;
	for (i = 0; i < KICKS; i++) {
		u64 dispatches = idle->dispatches;

		skel->bss->cpu_a = 1;
		LAB_COMES(kicked(prog) && skel->bss->ret == (direct ? -ESRCH : 1));
		skel->bss->cpu_a = 2;
		LAB_COMES(kicked(prog) && skel->bss->ret == 1);
		LAB_FOLLOWS(lab, idle->dispatches != dispatches);
	}
	return SCX_TEST_PASS;
}

/* One of two idle CPUs */
static enum scx_test_status kick_idle_ones(struct lab *lab, struct kick_compat *skel)
{
	struct lab_cpu *a = &lab->cpus[2], *b = &lab->cpus[3];
	int i;

	for (i = 0; i < KICKS; i++) {
		u64 before_a = a->dispatches, before_b = b->dispatches;

		LAB_COMES(kicked(skel->progs.kick_compat_idle) && skel->bss->ret == 1);
		LAB_FOLLOWS(lab, a->dispatches != before_a || b->dispatches != before_b);
	}
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_cpumasks(struct lab *lab, struct kick_compat *skel)
{
	struct lab_cpu *a = &lab->cpus[2], *b = &lab->cpus[3];
	int i;

	skel->bss->flags = 0;
	for (i = 0; i < KICKS; i++) {
		u64 before_a = a->dispatches, before_b = b->dispatches;

		SCX_ASSERT(kicked(skel->progs.kick_compat_cpumask));
		SCX_EQ(skel->bss->ret, 2);
		LAB_FOLLOWS(lab, a->dispatches != before_a && b->dispatches != before_b);
	}
	return SCX_TEST_PASS;
}

static enum scx_test_status insert_lazily(struct kick_compat *skel)
{
	u64 flags = ENQ_PREEMPT;

	__COMPAT_read_enum("scx_enq_flags", "SCX_ENQ_PREEMPT_LAZY", &flags);
	SCX_ASSERT(kicked(skel->progs.kick_compat_enq));
	SCX_EQ(skel->bss->enq_flags, flags);
	return SCX_TEST_PASS;
}

/* Each macro does its work, by the kfunc of its name where the kernel has that */
static enum scx_test_status kick_by(struct lab *lab, struct kick_compat *skel, bool direct)
{
	u64 lazy = KICK_PREEMPT;
	struct worker *w[2];

	__COMPAT_read_enum("scx_kick_flags", "SCX_KICK_PREEMPT_LAZY", &lazy);
	bpf_program__set_autoload(skel->progs.kick_compat_look_task, direct);
	bpf_program__set_autoload(skel->progs.kick_compat_look_cpumask, direct);
	bpf_program__set_autoload(skel->progs.kick_compat_look_curr, direct);
	bpf_program__set_autoload(skel->progs.kick_compat_look_idle, direct);
	skel->bss->tid = syscall(SYS_gettid);
	SCX_ASSERT(lab_start(lab, NULL));
	SCX_ASSERT(!kick_compat__load(skel) && !kick_compat__attach(skel));
	SCX_ASSERT(lab_spin_two(lab, w));

	if (kick_tasks(lab, skel, skel->progs.kick_compat_task) ||
	    came(skel, direct, KICKS / 2, direct ? 0 : KICK_PREEMPT) ||
	    kick_tasks(lab, skel, skel->progs.kick_compat_task_lazy) ||
	    came(skel, direct, KICKS / 2, lazy) ||
	    kick_tasks(lab, skel, skel->progs.kick_compat_curr) ||
	    came(skel, direct, KICKS / 2, direct ? 0 : KICK_PREEMPT) ||
	    kick_tasks(lab, skel, skel->progs.kick_compat_cpu_lazy) ||
	    came(skel, false, KICKS / 2, lazy) ||
	    kick_if_idle(lab, skel, direct) ||
	    came(skel, direct, 2 * KICKS, KICK_IDLE))
		return SCX_TEST_FAIL;

	skel->bss->cpu_a = 2;
	skel->bss->cpu_b = 3;
	if (kick_idle_ones(lab, skel) ||
	    came(skel, direct, KICKS, direct ? 0 : KICK_IDLE) ||
	    kick_cpumasks(lab, skel) ||
	    came(skel, direct, direct ? KICKS : 2 * KICKS, 0) ||
	    insert_lazily(skel))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_compat_kfuncs(void *ctx)
{
	bool direct = kernel_has("scx_bpf_kick_task") && kernel_has("scx_bpf_kick_cpumask") &&
		      kernel_has("scx_bpf_kick_curr") && kernel_has("scx_bpf_kick_idle");
	struct kick_compat *skel = kick_compat__open();
	enum scx_test_status status;

	SCX_ASSERT(skel);
	status = kick_by(ctx, skel, direct);
	kick_compat__destroy(skel);
	return status;
}

LAB_TEST(kick_compat_kfuncs,
	 "each compat kick does its work, by the kfunc of its name if there is one",
	 STOCK_PASSES_SO("by scx_bpf_kick_cpu()"))
