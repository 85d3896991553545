// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: make another CPU schedule.
 *
 * A kick is a request bit in the target's scx_kick::word. The target takes all bits at the start
 * of its next scheduling cycle, and that cycle serves them. The same word says where the target
 * is in its cycle, so one atomic operation both places the request and tells the kicker whether
 * anybody has to be interrupted:
 *
 *   kick_now()                       IDLE     idle: interrupt it
 *     word |= request, word was:     BUSY     runs a task: interrupt it
 *                                    PICKING  in a cycle: its end sees the request
 *                                    any request pending: somebody did all that already
 *
 *   scx_kick_ipi()                   the interrupt: word has a request -> need_resched
 *   scx_kick_cycle_start()           word = PICKING, the requests are taken
 *   scx_kick_cycle_end()             word = BUSY or IDLE; requests came meanwhile -> need_resched
 *
 * The interrupt is the reschedule IPI. Kicks take no rq lock, allocate nothing, queue nothing,
 * and can be sent with any rq lock held. The request stays in the word until a cycle takes it:
 * an interrupt that comes late finds nothing to do, a cycle that runs no dispatch path of its
 * own (core scheduling runs a pick that a sibling made) leaves the request for the one after.
 *
 * What ops.select_cpu(), ops.enqueue() and ops.dispatch() put on a DSQ gets there after they
 * have returned. Kicks that they make are held back until then, see kick_later().
 *
 * Ordering
 * --------
 *
 * (1) A kick left out or coalesced is served by a cycle that sees what the kicker wrote before,
 * typically a task in a BPF queue:
 *
 *	kicker				target
 *
 *	task into the BPF queue		word = PICKING, requests taken
 *	smp_mb()		(A)	full barrier of the xchg	(B)
 *	read word			ops.dispatch() reads the queue
 *
 * If the kicker finds BUSY or its request still pending, it read the word before the target
 * wrote PICKING. The barriers then forbid that the target misses the task. Without (A) the word
 * could be read while the task waits in the kicker's store buffer, without (B) the queue could be
 * read before PICKING is visible: either way the kicker relies on a cycle that has already looked.
 *
 * (2) A kick that is placed needs no more than the atomicity of the word. The kicker's
 * try_cmpxchg() either comes before the target's xchg (the cycle takes the request), or it finds
 * PICKING and comes before the try_cmpxchg() in cycle_end() (which then fails, and the request
 * leads to another cycle), or it finds BUSY or IDLE and sends the interrupt. The interrupt
 * cannot arrive without the request: smp_send_reschedule() orders earlier stores before it, as
 * resched_curr() needs it too.
 *
 * (3) A wait ends, and not too early:
 *
 *	waiter				target
 *
 *	KICK_REQ_WAIT into the word	what its last task did
 *	smp_mb()		(C)	word = next cycle | PICKING,	(B)
 *	s = word			  requests taken
 *	wait: word lacks WAIT or
 *	      its cycle is not s's (D)
 *
 * Only the start of a cycle clears KICK_REQ_WAIT. If the bit is gone, a cycle started after it
 * was set; if the number moved on from s, one started after s was read, and (C) puts s behind
 * the kick. The second test bounds the wait to one cycle when other waiters set the bit again.
 * Without (C) s could be older than the request, and a cycle that started before the kick would
 * end the wait. The acquire (D) pairs with (B): the next task here sees what the target's last
 * task did; without it, it could run ahead of that.
 *
 * A waiter spins with interrupts on and gives way whenever it has to schedule itself, so each
 * member of a ring of waiters enters a cycle of its own, which lets its own waiters go.
 */
#include <linux/btf_ids.h>

/* Defined in core.c, for smp_send_reschedule(). */
#undef CREATE_TRACE_POINTS
#include <trace/events/ipi.h>

#include "ext_kick.h"

static void kick_unsent_workfn(struct irq_work *work);

DEFINE_PER_CPU_SHARED_ALIGNED(struct scx_kick, scx_kick_pcpu) = {
	.unsent_work	= IRQ_WORK_INIT_HARD(kick_unsent_workfn),
};

/*
 * Only for the task that runs here, so its thread flag needs no rq lock. It is preempted at the
 * next occasion and not by the kick itself, so that a program can kick its CPU several times.
 */
static void kick_resched_self(void)
{
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/* @word is the target's before the request. */
static void kick_send(s32 cpu, int word)
{
	if (unlikely(in_nmi()) && cpu_online(smp_processor_id())) {
		/*
		 * The interrupt controller may be in the middle of another interrupt. Not so on
		 * a CPU that has gone offline, which will run no irq_work either.
		 */
		irq_work_queue(this_cpu_ptr(&scx_kick_pcpu.unsent_work));
		return;
	}

	if (!IS_ENABLED(CONFIG_SMP) || cpu == smp_processor_id()) {
		kick_resched_self();
		/* A tracing program may run after the idle loop's last look, before it halts. */
		if (unlikely(is_idle_task(current)) && in_task())
			irq_work_queue(this_cpu_ptr(&scx_kick_pcpu.unsent_work));
		return;
	}

	/* A CPU that polls for need_resched while idle needs no interrupt. */
	if ((word & KICK_CPU_BUSY) || call_function_single_prep_ipi(cpu))
		smp_send_reschedule(cpu);
}

/* A CPU on its way down relies on being able to kick itself. Others that are not there: no. */
static noinline bool kick_self_offline(s32 cpu)
{
	return ops_cpu_valid(cpu, "in a kick") && cpu == smp_processor_id();
}

/* Can be sent an interrupt as long as this CPU does not go through stop_machine()? */
static __always_inline bool kick_reachable(s32 cpu)
{
	return likely((u32)cpu < nr_cpu_ids && cpu_online(cpu)) || kick_self_offline(cpu);
}

/*
 * Called with interrupts off. This keeps @cpu online and this CPU from its cycle_end(), and whoever
 * finds the request pending need not wait for an interrupt handler before it is sent.
 */
static __always_inline void kick_now(s32 cpu, int req)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);
	int word;

	/* What is dropped early or late is made up for by the bypass: it reschedules every CPU. */
	if (unlikely(READ_ONCE(scx_ops_bypass_depth)))
		return;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	word = atomic_read(&kick->word);
	do {
		if ((req & KICK_REQ_IDLE) && (word & KICK_CPU_BUSY))
			return;
		if (!(req & ~word))
			break;
	} while (!atomic_try_cmpxchg(&kick->word, &word, word | req));

	if (unlikely(req & KICK_REQ_WAIT) && cpu != smp_processor_id())
		this_cpu_write(scx_kick_pcpu.waiting, true);
	if (!(word & (KICK_REQ_MASK | KICK_CPU_PICKING)))
		kick_send(cpu, word);
}

/*
 * Hold a kick back until the scx operation has ended. Two bits for each target, 1: idle,
 * 2: resched, 3: preempt; the strongest kick of a target counts. That one of the kicks is to be
 * waited for is remembered for all of them together: waiting for another CPU that was kicked as
 * well takes one cycle of that CPU, which is on its way.
 *
 * Interrupts are off in these operations, and NMI does not come here.
 */
static noinline void kick_later(s32 cpu, int req)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	int level = req & KICK_REQ_PREEMPT ? 3 : req & KICK_REQ_RESCHED ? 2 : 1;
	int held = cpumask_test_cpu(cpu, this_kick->later_lo) |
		   cpumask_test_cpu(cpu, this_kick->later_hi) << 1;

	if (level > held) {
		__assign_bit(cpu, cpumask_bits(this_kick->later_lo), level & 1);
		__assign_bit(cpu, cpumask_bits(this_kick->later_hi), level & 2);
	}
	this_kick->later = true;
	this_kick->later_wait |= req & KICK_REQ_WAIT;
}

/**
 * __scx_kick_flush - scx_kick_flush() with kicks held back
 */
void __scx_kick_flush(void)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	int wait = this_kick->later_wait ? KICK_REQ_WAIT : 0;
	s32 cpu;

	this_kick->later = false;
	this_kick->later_wait = false;

	for_each_cpu_or(cpu, this_kick->later_lo, this_kick->later_hi) {
		bool lo = cpumask_test_and_clear_cpu(cpu, this_kick->later_lo);
		bool hi = cpumask_test_and_clear_cpu(cpu, this_kick->later_hi);

		if (hi)
			kick_now(cpu, KICK_REQ_RESCHED | (lo ? KICK_REQ_PREEMPT : 0) | wait);
		else
			kick_now(cpu, KICK_REQ_IDLE);
	}
}

/* In an operation whose decisions on where to queue a task are carried out after it? */
static bool kick_in_op(void)
{
	u32 mask = SCX_KF_SELECT_CPU | SCX_KF_ENQUEUE | SCX_KF_DISPATCH;

	return (current->scx.kf_mask & mask) && !in_nmi();
}

/**
 * scx_kick_cpu - kick a CPU from within the scheduler
 * @cpu: CPU to kick, a possible one
 * @req: KICK_REQ_*
 *
 * Dropped if @cpu is offline and not the calling one, or while the BPF scheduler is bypassed: a
 * bypass makes every CPU schedule at its begin and at its end, and interrupts may not work while
 * the machine suspends.
 *
 * Context: Any, NMI included, with any locks held.
 */
void scx_kick_cpu(s32 cpu, int req)
{
	guard(irqsave)();
	if (kick_reachable(cpu))
		kick_now(cpu, req);
}

/**
 * scx_kick_ipi - a reschedule IPI has arrived
 *
 * Nothing is taken from the word, the cycle does that. No lock is needed to mark the own current.
 *
 * Context: scheduler_ipi(), interrupts are off.
 */
void scx_kick_ipi(void)
{
	if (!scx_enabled())
		return;
	if (atomic_read(this_cpu_ptr(&scx_kick_pcpu.word)) & KICK_REQ_MASK)
		set_tsk_need_resched(current);
}

/**
 * scx_kick_expire_curr - take the slice from the current task of a CPU
 * @rq: this CPU's rq, locked
 *
 * A task of another class has none: what was asked then is met by the cycle itself.
 */
void scx_kick_expire_curr(struct rq *rq)
{
	lockdep_assert_rq_held(rq);

	if (rq->curr->sched_class == &ext_sched_class)
		rq->curr->scx.slice = 0;
}

/**
 * scx_kick_local_enq - make a CPU look at the task that was put on its local DSQ
 * @dsq: the local DSQ, its rq is locked
 * @p: the task
 * @enq_flags: %SCX_ENQ_PREEMPT takes the slice from the CPU's current sched_ext task
 *
 * The rq lock keeps the CPU from entering or leaving a cycle, so the current task can be marked
 * directly unless a cycle is under way: that one has picked already, its end leads to another.
 */
void scx_kick_local_enq(struct scx_dispatch_q *dsq, struct task_struct *p, u64 enq_flags)
{
	struct rq *rq = container_of(dsq, struct rq, scx.local_dsq);
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu_of(rq));
	struct task_struct *curr = rcu_dereference_protected(rq->curr,
							     lockdep_is_held(__rq_lockp(rq)));
	bool on_scx = curr->sched_class == &ext_sched_class;
	bool preempt = on_scx && p != curr && (enq_flags & SCX_ENQ_PREEMPT);
	int word;

	lockdep_assert_rq_held(rq);

	/* The CPU is about to take its next task from this DSQ. */
	if (rq->scx.flags & SCX_RQ_IN_BALANCE)
		return;
	if (!preempt && !sched_class_above(&ext_sched_class, curr->sched_class))
		return;

	word = atomic_read(&kick->word);
	while (word & KICK_CPU_PICKING) {
		int req = KICK_REQ_RESCHED | (preempt ? KICK_REQ_PREEMPT : 0);

		if (atomic_try_cmpxchg(&kick->word, &word, word | req))
			return;
	}

	if (preempt)
		curr->scx.slice = 0;
	resched_curr(rq);
}

/* Returns false if this CPU has to schedule before @cpu has entered a cycle. */
static bool kick_wait_for(s32 cpu)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);
	int start = atomic_read(&kick->word);
	int word;

	/* (D), pairs with (B) in scx_kick_cycle_start() */
	while ((word = atomic_read_acquire(&kick->word)) & KICK_REQ_WAIT) {
		if ((word ^ start) >> KICK_CYCLE_SHIFT)
			break;
		if (need_resched())
			return false;
		cpu_relax();
	}
	return true;
}

/*
 * Of all that are waited for, this CPU's own targets are some: only a cycle of theirs takes
 * KICK_REQ_WAIT away. Interrupts are on, so a kick from one may set @waiting at any time.
 */
static void kick_wait(struct scx_kick *kick)
{
	s32 cpu;

	while (READ_ONCE(kick->waiting)) {
		WRITE_ONCE(kick->waiting, false);
		if (READ_ONCE(scx_ops_bypass_depth))
			continue;

		smp_mb();	/* (C), between the kick and the words that are read now */
		for_each_online_cpu(cpu) {
			if (cpu == smp_processor_id() || kick_wait_for(cpu))
				continue;
			WRITE_ONCE(kick->waiting, true);
			return;
		}
	}
}

/* The cycle did not simply go from PICKING to @state: @word is what was there instead. */
static void kick_cycle_again(struct scx_kick *kick, int word, int state)
{
	int new;

	do {
		new = kick->cycles << KICK_CYCLE_SHIFT | state | (word & KICK_REQ_MASK);
		/* It will start a cycle before it idles, no need for one now. */
		if (state == KICK_CPU_BUSY)
			new &= ~KICK_REQ_IDLE;
	} while (!atomic_try_cmpxchg(&kick->word, &word, new));

	/*
	 * A CPU that went from BUSY to idle without a cycle start of its own (a sibling made the
	 * pick under core scheduling) owes one to whoever relied on BUSY. Not if it is forced
	 * idle and has tasks: two siblings would force each other to idle in turn.
	 */
	if ((new & KICK_REQ_MASK) ||
	    (state == KICK_CPU_IDLE && !(word & KICK_CPU_PICKING) && !this_rq()->nr_running))
		kick_resched_self();
}

/* @word is what the end of the cycle found. Apart, so that the other cycles save no registers. */
static noinline void kick_cycle_end_slow(struct scx_kick *kick, int word, int state)
{
	if (word != (kick->cycles << KICK_CYCLE_SHIFT | KICK_CPU_PICKING))
		kick_cycle_again(kick, word, state);
	if (current->sched_class == &ext_sched_class)
		kick_wait(kick);
}

/**
 * __scx_kick_cycle_end - scx_kick_cycle_end() with a BPF scheduler loaded
 */
void __scx_kick_cycle_end(void)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	int state = is_idle_task(current) ? KICK_CPU_IDLE : KICK_CPU_BUSY;
	int cycle = kick->cycles << KICK_CYCLE_SHIFT;
	int word = cycle | KICK_CPU_PICKING;

	if (unlikely(!atomic_try_cmpxchg(&kick->word, &word, cycle | state) ||
		     READ_ONCE(kick->waiting)))
		kick_cycle_end_slow(kick, word, state);
}

/*
 * Interrupts have opened on a CPU that kicked from NMI or, itself, from the idle task. A CPU that
 * somebody else has just interrupted may get a second interrupt, which finds nothing to do.
 */
static void kick_unsent_workfn(struct irq_work *work)
{
	s32 cpu;

	for_each_online_cpu(cpu) {
		int word = atomic_read(&per_cpu(scx_kick_pcpu, cpu).word);

		if (cpu != smp_processor_id() && (word & KICK_REQ_MASK) &&
		    !(word & KICK_CPU_PICKING))
			kick_send(cpu, word);
	}
	/* This one may be on its way down, and online no more. */
	if (atomic_read(this_cpu_ptr(&scx_kick_pcpu.word)) & KICK_REQ_MASK)
		kick_resched_self();
}

/**
 * scx_kick_dump - add the kick state of a CPU to a debug dump
 * @s: buffer of the dump
 * @cpu: CPU to tell about
 *
 * Context: Any. The state may change while it is read.
 */
void scx_kick_dump(struct seq_buf *s, s32 cpu)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);
	int word = atomic_read(&kick->word);

	dump_line(s, "          kick=%s%s%s%s%s cycle=%u",
		  word & KICK_CPU_PICKING ? "picking" : word & KICK_CPU_BUSY ? "busy" : "idle",
		  word & KICK_REQ_RESCHED ? "+resched" : "",
		  word & KICK_REQ_IDLE ? "+idle" : "",
		  word & KICK_REQ_PREEMPT ? "+preempt" : "",
		  word & KICK_REQ_WAIT ? "+wait" : "",
		  (u32)word >> KICK_CYCLE_SHIFT);
	if (READ_ONCE(kick->waiting))
		dump_line(s, "          waits for CPUs with kick=...+wait");
}

/**
 * scx_kick_reset - leave nothing of the kicks of a BPF scheduler that has gone
 *
 * Context: Process context, after scx_enabled() became false and synchronize_rcu() has waited
 * for every kick and every cycle that may have seen it true.
 */
void scx_kick_reset(void)
{
	s32 cpu;

	for_each_possible_cpu(cpu) {
		struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

		irq_work_sync(&kick->unsent_work);
		atomic_set(&kick->word, KICK_CPU_IDLE);
		WRITE_ONCE(kick->waiting, false);
	}
}

/* %SCX_KICK_IDLE stands alone, the others combine. */
static __always_inline bool kick_flags_valid(u64 flags)
{
	if (likely(flags == SCX_KICK_IDLE || !(flags & ~(SCX_KICK_PREEMPT | SCX_KICK_WAIT))))
		return true;

	scx_ops_error("invalid kick flags 0x%llx (IDLE 0x1 alone, or any of PREEMPT 0x2, WAIT 0x4)",
		      flags);
	return false;
}

__bpf_kfunc_start_defs();

/**
 * scx_bpf_kick_cpu - make a CPU schedule
 * @cpu: CPU to kick
 * @flags: %SCX_KICK_* flags, or 0 to only start a scheduling cycle on @cpu
 *
 * Returns at once. @cpu starts a scheduling cycle as soon as it can, see &enum scx_kick_flags
 * for what @flags add. Several kicks before that cycle are served by it together.
 *
 * A kick of an offline CPU is dropped, except by that CPU itself. So are kicks while the BPF
 * scheduler is bypassed and while none is loaded. A @cpu that does not exist, unknown @flags and
 * %SCX_KICK_IDLE with another flag end the BPF scheduler.
 *
 * Context: Any in which a BPF program runs: any scx operation with any rq lock held, timers,
 * syscall and tracing programs, hard IRQ, NMI.
 */
__bpf_kfunc void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
	int req = flags == SCX_KICK_IDLE ? KICK_REQ_IDLE : KICK_REQ_RESCHED | (int)flags;

	/* Tested with interrupts off: scx_kick_reset() comes after a grace period. */
	guard(irqsave)();
	if (!scx_enabled())
		return;
	if (!kick_flags_valid(flags) || !kick_reachable(cpu))
		return;

	if (kick_in_op())
		kick_later(cpu, req);
	else
		kick_now(cpu, req);
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(scx_kick_kfunc_ids)
BTF_ID_FLAGS(func, scx_bpf_kick_cpu)
BTF_KFUNCS_END(scx_kick_kfunc_ids)

static const struct btf_kfunc_id_set scx_kick_kfunc_set = {
	.owner	= THIS_MODULE,
	.set	= &scx_kick_kfunc_ids,
};

static int __init scx_kick_init(void)
{
	static const enum bpf_prog_type types[] __initconst = {
		BPF_PROG_TYPE_STRUCT_OPS, BPF_PROG_TYPE_TRACING, BPF_PROG_TYPE_SYSCALL,
	};
	s32 cpu, i;

	for_each_possible_cpu(cpu) {
		struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

		if (!zalloc_cpumask_var_node(&kick->later_lo, GFP_KERNEL, cpu_to_node(cpu)) ||
		    !zalloc_cpumask_var_node(&kick->later_hi, GFP_KERNEL, cpu_to_node(cpu)))
			panic("sched_ext: no memory for the kick state of CPU %d\n", cpu);
	}

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		int ret = register_btf_kfunc_id_set(types[i], &scx_kick_kfunc_set);

		if (ret) {
			pr_err("sched_ext: can't register kick kfuncs for program type %d (%d)\n",
			       types[i], ret);
			return ret;
		}
	}
	return 0;
}
device_initcall(scx_kick_init);
