// SPDX-License-Identifier: GPL-2.0-only
/* Kicks of another CPU from every kind of context a BPF program can be called in */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "kick_test.h"

#define KICKS	50
#define NMIS	10

/* CPU 1 has two tasks that don't give way, CPU 2 one, so that it has ticks and cycles */
static enum scx_test_status prepare(struct lab *lab, struct bpf_program *tracer)
{
	SCX_ASSERT(lab_start(lab, tracer));
	SCX_ASSERT(lab_spin(lab, 1) && lab_work(lab, 1, SCHED_EXT, work_spin));
	SCX_ASSERT(lab_spin(lab, 2));
	return SCX_TEST_PASS;
}

/* Have CPU @cpu kick CPU 1 from @hook, where @trigger brings it */
static bool order(struct lab *lab, int cpu, enum lab_hook hook, bool (*trigger)(struct lab *lab))
{
	lab_order(lab, cpu, hook, 1, KICK_PREEMPT, 1);
	return (!trigger || trigger(lab)) && LAB_WAIT(!lab->cpus[cpu].left);
}

/* ... and see the task there preempted */
static enum scx_test_status kick_from(struct lab *lab, int cpu, enum lab_hook hook,
				      bool (*trigger)(struct lab *lab))
{
	struct lab_cpu *target = &lab->cpus[1];
	u32 displaced = target->displaced;
	u64 expired = target->expired;

	LAB_BRINGS(lab, 1, order(lab, cpu, hook, trigger), target->expired != expired);
	/* A kick that was sent again may have found a task of a higher class */
	LAB_FOLLOWS(lab, target->seen == target->asked || target->displaced != displaced);
	return SCX_TEST_PASS;
}

static enum scx_test_status many(struct lab *lab, int cpu, enum lab_hook hook,
				 bool (*trigger)(struct lab *lab))
{
	int i;

	for (i = 0; i < KICKS; i++) {
		if (kick_from(lab, cpu, hook, trigger))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_from_timer(void *ctx)
{
	struct lab *lab = ctx;

	if (prepare(lab, NULL))
		return SCX_TEST_FAIL;
	SCX_ASSERT(lab_start_timer(lab, 2, 200 * 1000));
	return many(lab, 2, LAB_TIMER, NULL);
}

static enum scx_test_status kick_from_tick(void *ctx)
{
	struct lab *lab = ctx;

	if (prepare(lab, NULL))
		return SCX_TEST_FAIL;
	return many(lab, 2, LAB_TICK, NULL);
}

static enum scx_test_status kick_from_irq(void *ctx)
{
	struct lab *lab = ctx;

	if (prepare(lab, lab->skel->progs.lab_hardirq))
		return SCX_TEST_FAIL;
	return many(lab, 2, LAB_HARDIRQ, NULL);
}

static bool run_fentry(struct lab *lab)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return !bpf_prog_test_run_opts(bpf_program__fd(lab->skel->progs.lab_fentry), &opts);
}

static enum scx_test_status kick_from_fentry(void *ctx)
{
	struct lab *lab = ctx;

	if (prepare(lab, lab->skel->progs.lab_fentry))
		return SCX_TEST_FAIL;
	return many(lab, 0, LAB_FENTRY, run_fentry);
}

/* This thread sleeps while it waits for events, so CPU 0 comes by */
static enum scx_test_status kick_from_switch(void *ctx)
{
	struct lab *lab = ctx;

	if (prepare(lab, lab->skel->progs.lab_switch))
		return SCX_TEST_FAIL;
	return many(lab, 0, LAB_SWITCH, NULL);
}

/* A wake-up of a task of CPU 1: that CPU's rq is locked */
static struct worker *sleeper;

static bool wake_sleeper(struct lab *lab)
{
	/* The kick of its last wake-up may have met a task of a higher class: it is queued still */
	while (!LAB_WAIT_UNTIL(now_ns() + NSEC_PER_SEC, lab_asleep(sleeper))) {
		if (lab->skel->data->uei.kind || !lab_kick(lab, 1, KICK_PREEMPT, 1))
			return false;
	}
	return lab_ring(sleeper);
}

static enum scx_test_status kick_from_enqueue(void *ctx)
{
	struct lab *lab = ctx;
	int i;

	SCX_ASSERT(lab_start(lab, NULL));
	sleeper = lab_work(lab, 1, SCHED_EXT, work_on_bell);
	SCX_ASSERT(sleeper && lab_spin(lab, 1));

	/* The kick makes room for the task woken, which sleeps again after its turn */
	for (i = 1; i <= KICKS; i++) {
		if (kick_from(lab, 0, LAB_ENQUEUE, wake_sleeper))
			return SCX_TEST_FAIL;
		LAB_COMES(sleeper->turns >= i);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * Every other CPU gets a real NMI, asked for its backtrace. All have come when this returns, but
 * their programs run at the end of the handler, and may do so a little later.
 */
static bool send_nmis(struct lab *lab)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY);
	bool sent = fd >= 0 && write(fd, "l", 1) == 1;

	close(fd);
	return sent;
}

static enum scx_test_status prepare_nmi(struct lab *lab)
{
	bool arm64 = libbpf_find_vmlinux_btf_id("nmi_handler", BPF_TRACE_RAW_TP) < 0;

	if (prepare(lab, arm64 ? lab->skel->progs.lab_nmi_arm64 : lab->skel->progs.lab_nmi))
		return SCX_TEST_FAIL;
	SCX_ASSERT(send_nmis(lab));
	if (arm64 && !lab->skel->bss->nmis) {
		fprintf(stderr, "NMIs are off, see irqchip.gicv3_pseudo_nmi\n");
		return SCX_TEST_SKIP;
	}
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_from_nmi(void *ctx)
{
	struct lab *lab = ctx;
	enum scx_test_status status = prepare_nmi(lab);
	int i;

	if (status)
		return status;
	for (i = 0; i < NMIS; i++) {
		/* Another busy CPU, itself, and an idle CPU */
		if (kick_from(lab, 2, LAB_NMI, send_nmis) ||
		    kick_from(lab, 1, LAB_NMI, send_nmis) ||
		    kick_from(lab, 3, LAB_NMI, send_nmis))
			return SCX_TEST_FAIL;
		LAB_COMES(lab->cpus[1].nmi > i && lab->cpus[2].nmi > i && lab->cpus[3].nmi > i);

		lab_order(lab, 2, LAB_NMI, 3, KICK_IDLE, 1);
		SCX_ASSERT(send_nmis(lab));
		LAB_COMES(!lab->cpus[2].left);
		LAB_FOLLOWS(lab, lab->cpus[3].seen == lab->cpus[3].asked);
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

/*
 * CPU 2 stands still with interrupts off and kicks from NMI: it can't interrupt CPU 1 before it is
 * let go. The kick of another CPU must not rely on it.
 */
static enum scx_test_status kick_beside_nmi(struct lab *lab)
{
	struct lab_cpu *target = &lab->cpus[1], *deaf = &lab->cpus[2];
	u64 expired = target->expired;

	SCX_ASSERT(lab_hold(lab, 2, LAB_TICK));
	lab_order(lab, 2, LAB_NMI, 1, 0, 1);
	SCX_ASSERT(send_nmis(lab));
	LAB_COMES(!deaf->left);
	LAB_KICK_BRINGS(lab, 1, KICK_PREEMPT, target->expired != expired || deaf->overheld);
	SCX_EQ(deaf->overheld, 0);
	lab_unhold(lab, 2);
	LAB_COMES(!deaf->held);
	return SCX_TEST_PASS;
}

static enum scx_test_status kick_from_nmi_alone(void *ctx)
{
	struct lab *lab = ctx;
	enum scx_test_status status = prepare_nmi(lab);
	int i;

	if (status)
		return status;
	lab->cpus[2].hold_ns = 3 * NSEC_PER_SEC;
	for (i = 0; i < NMIS; i++) {
		if (kick_beside_nmi(lab))
			return SCX_TEST_FAIL;
	}
	SCX_ASSERT(lab_stop(lab));
	return SCX_TEST_PASS;
}

LAB_TEST(kick_from_timer,
	 "a BPF timer can kick another CPU",
	 STOCK_PASSES)

LAB_TEST(kick_from_tick,
	 "ops.tick can kick another CPU, its own rq locked",
	 STOCK_PASSES)

LAB_TEST(kick_from_irq,
	 "a tracing program in hard interrupt context can kick another CPU",
	 STOCK_PASSES)

LAB_TEST(kick_from_fentry,
	 "a tracing program in task context can kick another CPU",
	 STOCK_PASSES)

LAB_TEST(kick_from_switch,
	 "a tracing program in the middle of a scheduling cycle can kick another CPU",
	 STOCK_PASSES)

LAB_TEST(kick_from_enqueue,
	 "ops.enqueue can kick the CPU whose rq it holds locked",
	 STOCK_PASSES)

LAB_TEST(kick_from_nmi,
	 "a tracing program in NMI context can kick busy and idle CPUs and the one that it runs on",
	 STOCK_PASSES)

LAB_TEST(kick_from_nmi_alone,
	 "a kick does not rely on one from NMI that has interrupted nobody yet",
	 STOCK_PASSES)
