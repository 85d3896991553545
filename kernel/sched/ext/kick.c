// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: make another CPU schedule.
 *
 * A kick is a request bit in the target's scx_kick::word. The target takes all
 * bits at the start of its next scheduling cycle, and that cycle serves them.
 * The same word says where the target is in its cycle, so one atomic operation
 * both places the request and tells the kicker whether anybody has to be
 * interrupted:
 *
 *   kick_now()                   IDLE     idle: interrupt it
 *     word |= request, was:      BUSY     runs a task: interrupt it
 *                                ABOVE    runs a task of a higher class: nothing
 *                                PICKING  in a cycle: its end sees the request
 *                                any request pending: all that is done already
 *
 *   scx_kick_ipi()               the interrupt: word has a request -> need_resched
 *   scx_kick_cycle_start()       word = PICKING, the requests are taken
 *   scx_kick_cycle_end()         word = BUSY, ABOVE or IDLE; requests came
 *                                meanwhile -> need_resched
 *
 * A request in a word always has an interrupt or a cycle on its way: whoever
 * finds it pending relies on that. A CPU that a higher class keeps cannot be
 * given to sched_ext, so it is not disturbed. It starts a cycle when that task
 * leaves, and when it becomes a sched_ext task while it runs: then
 * scx_kick_entered() has it start one.
 *
 * The interrupt is the reschedule IPI, or that for function calls where several
 * CPUs get it together. Kicks take no rq lock, allocate nothing, and can be sent
 * with any rq lock held. The request stays in the word until a cycle takes it: an
 * interrupt that comes late finds nothing to do, a cycle that runs no dispatch
 * path of its own (core scheduling runs a pick that a sibling made) leaves the
 * request for the one after.
 *
 * A kick takes effect after what the calling scx operation belongs to is
 * complete. scx_kick::op says what the kernel does after the operation, and the
 * kick is held back until then, see kick_held.c. So is a kick from NMI, where the
 * interrupt controller may be in the middle of another interrupt. Where no flush
 * is certain to follow, a per-CPU irq_work makes what is held back as soon as
 * interrupts open.
 *
 * scx_bpf_kick_task() places its request by a compare and exchange from the word
 * that it read before it looked at the task that runs, see kick_claim.c. So it
 * lands in that very stint, the time until the CPU switches tasks, and only if
 * no other preemption is pending: it is a claim. A claim that is held back takes
 * its place at once as KICK_CLAIM, which asks for nothing yet.
 *
 * Ordering
 * --------
 *
 * (1) A kick left out or coalesced is served by a cycle that sees what the kicker
 * wrote before, typically a task in a BPF queue:
 *
 *	kicker				target
 *
 *	WRITE_ONCE(queue, task)		atomic_xchg(word, PICKING)	(B)
 *	smp_mb()		(A)	  // full barrier
 *	r0 = atomic_read(word)		r1 = READ_ONCE(queue)
 *
 *	never: r0 is from before PICKING, and r1 lacks the task
 *
 * A kicker that finds BUSY, ABOVE or its request pending has read the word before
 * the target wrote PICKING. Without (A) it could have read the word while the
 * task waits in its store buffer, without (B) the target could have read the
 * queue before PICKING is visible: either way the kicker relies on a cycle that
 * has already looked.
 *
 * (2) A kick that is placed needs no more than the atomicity of the word. The
 * kicker's try_cmpxchg() either comes before the target's xchg (the cycle takes
 * the request), or it finds PICKING and comes before the try_cmpxchg() in
 * __scx_kick_cycle_end() (which then fails, and the request leads to another
 * cycle), or it finds BUSY or IDLE and sends the interrupt. The interrupt cannot
 * arrive without the request: smp_send_reschedule() orders earlier stores before
 * it, as resched_curr() needs it too, and so does
 * arch_send_call_function_ipi_mask(), for those who queue function calls.
 *
 * It sends none if the task that the target runs is marked need_resched: who
 * marked it has interrupted the target, and the mark goes in a cycle only.
 *
 *	kicker				target
 *
 *	cmpxchg(word, BUSY|RESCHED)	cmpxchg(word, BUSY)	// end of a cycle
 *	r0 = need_resched(rq->curr)	...			// marked by others
 *					xchg(word, PICKING)	// the next one
 *					clear need_resched
 *
 *	never: r0, and no cycle starts after the kicker's cmpxchg
 *
 * The mark is of the stint that the kicker found in the word: marks of earlier
 * ones were cleared before the target's BUSY, which the kicker's cmpxchg(), a full
 * barrier, has read. So it is cleared after the next PICKING.
 *
 * (3) A wait ends, and not too early:
 *
 *	waiter				target
 *
 *	KICK_REQ_WAIT into the word	WRITE_ONCE(x, 1) // its last task
 *	s = word		(C)	atomic_xchg(word, next | PICKING) (B)
 *	while (word & WAIT &&	(D)
 *	       cycle of word is s's)
 *	r0 = READ_ONCE(x) // next task
 *
 *	never: the loop is left before (B), or r0 == 0
 *
 * Only the start of a cycle clears KICK_REQ_WAIT, or the end of one that finds a
 * task of a higher class: then no sched_ext task runs there before the next one.
 * If the bit is gone, the target's last task has left after it was set; if the
 * number moved on from s, a cycle started after s was read. The second test bounds
 * the wait to one cycle when other waiters set the bit again. If s were older than
 * the request, a cycle that started before the kick would end the wait. No barrier
 * is needed against that: this CPU has kicked, and read or written the same word for
 * it. The acquire (D) pairs with (B); without it, the next task here could run ahead
 * of what the target's last task did.
 *
 * A waiter spins with interrupts on and gives way whenever it has to schedule
 * itself, so each member of a ring of waiters enters a cycle of its own, which
 * lets its own waiters go. After that it goes on where it stopped, with the same
 * s: however often it gives way, it is done when each CPU has entered a cycle.
 *
 * (4) A claim hits the task that it names or nobody:
 *
 *	claimer				target
 *
 *	s = word		(E)	word = next numbers | PICKING	(B)
 *	r0 = rq->curr			rq->curr = next task
 *	cmpxchg(word, s, s | TASK) (F)	cmpxchg(word, ... | BUSY)	(F)
 *
 *	never: r0 is the task, the cmpxchg succeeds, and another task runs
 *
 * Nobody claims while the word says PICKING, and s does not.
 * - If r0 is of a stint later than s, the claimer's cmpxchg finds the PICKING
 *   that came before it, or a later number, and fails: (B) puts the target's
 *   stores in order, and (F), a full barrier, keeps the claimer's read before it.
 * - If r0 is of a stint earlier than s, the claimer has not seen what comes
 *   before the target's (F) although (E), an acquire, has read what (F) wrote:
 *   that cannot be.
 * So the task runs from the claimer's look until the claim is in the word. Where
 * it stops running after that, the start of the cycle takes KICK_REQ_TASK while
 * rq->curr is still that task, or the end of it drops what is left of the claim.
 * For the number to come round between the claimer's look and its compare and
 * exchange, the target would have to go through 32768 cycles in that time.
 *
 * (5) A CPU whose running task becomes a sched_ext task is not taken for one that
 * a higher class keeps:
 *
 *	end of a cycle			who changes the class
 *
 *	r0 = current->sched_class	current->sched_class = ext
 *	cmpxchg(word, PICKING,		r1 = cmpxchg(word, ...)	(G)
 *		r0 above ? ABOVE : BUSY) (H)
 *
 *	never: r0 is above, and the word keeps ABOVE
 *
 * Either (H) comes before (G), which then finds ABOVE and takes it away, or (G)
 * comes first and leaves a request and another number of picks, with which (H)
 * fails and looks at the class again, whatever the word was before. Kicks left out because of ABOVE are made up for: (G) is followed by
 * resched_curr(), and (1) holds for the cycle that starts then.
 */
#include <linux/btf_ids.h>

#include "kick_int.h"

#define CREATE_TRACE_POINTS
#include <trace/events/sched_ext_kick.h>
#undef CREATE_TRACE_POINTS
/* Defined in core.c, for smp_send_reschedule(). */
#include <trace/events/ipi.h>

#include "kick.h"
#include "kick_base.h"

static void kick_work_fn(struct irq_work *work);

DEFINE_PER_CPU_SHARED_ALIGNED(struct scx_kick, scx_kick_pcpu) = {
	.work	= IRQ_WORK_INIT_HARD(kick_work_fn),
};

DEFINE_PER_CPU(struct scx_kick_stats, scx_kick_stats);
DEFINE_PER_CPU(struct scx_kick_watch, scx_kick_watch);

/* On while one of the tracepoints is. */
static DEFINE_STATIC_KEY_FALSE(kick_traced_key);

int scx_kick_trace_reg(void)
{
	static_branch_inc(&kick_traced_key);
	return 0;
}

void scx_kick_trace_unreg(void)
{
	static_branch_dec(&kick_traced_key);
}

static __always_inline bool kick_traced(void)
{
	return static_branch_unlikely(&kick_traced_key);
}

/*
 * Mark the task that runs here, for which no rq lock is needed. It is preempted
 * at the next occasion and not by the kick itself, so that a program can kick its
 * CPU several times. The call function IPI does not fold the flag into the
 * preemption count, so that is done here, too.
 */
static void kick_resched_self(void)
{
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/*
 * Count and trace one kick that is not on the fast path. A program that is
 * attached to the tracepoint may kick, too: that kick is counted only, or as many
 * kicks as there are programs would lie on one stack.
 */
static noinline void kick_account(s32 cpu, int req, enum scx_kick_outcome outcome)
{
	this_cpu_inc(scx_kick_stats.outcomes[outcome]);
	if (!kick_traced() || this_cpu_xchg(scx_kick_watch.tracing, true))
		return;
	trace_sched_ext_kick(cpu, req, outcome);
	this_cpu_write(scx_kick_watch.tracing, false);
}

/* Have this CPU interrupt itself as soon as interrupts open. */
static void kick_queue_work(void)
{
	if (irq_work_queue(this_cpu_ptr(&scx_kick_pcpu.work)))
		this_cpu_inc(scx_kick_stats.irqs);
}

/*
 * Make this CPU schedule. With interrupts on, and after an interrupt, the kernel
 * looks at need_resched before it goes on. A task that has interrupts off may be
 * past the last such look on its way to user space, to a guest, or to halt the
 * CPU. So a program that has them off (@irq_flags is how they were when @program made
 * the kick) gets an interrupt.
 */
static noinline void kick_self(bool program, unsigned long irq_flags)
{
	if (program && irqs_disabled_flags(irq_flags) && in_task() &&
	    cpu_online(smp_processor_id()))
		kick_queue_work();
	kick_resched_self();
}

/* Tell an idle CPU that polls for need_resched. Returns false if it does not. */
static __always_inline bool kick_poller(s32 cpu, unsigned long ti_flags)
{
#ifdef TIF_POLLING_NRFLAG
	return (ti_flags & BIT(TIF_POLLING_NRFLAG)) && !call_function_single_prep_ipi(cpu);
#else
	return false;
#endif
}

/*
 * True if @cpu has to be interrupted to see a request just placed in its word,
 * which was @word. It has not if the task that it runs is marked already, see (2),
 * or if it polls for that mark while idle, and has been marked now.
 */
static __always_inline bool kick_needs_irq(s32 cpu, int word)
{
	struct rq *rq = cpu_rq(cpu);
	unsigned long ti_flags;

	if (!IS_ENABLED(CONFIG_SMP))
		return false;
	if (word & KICK_CPU_BUSY)
		return !test_tsk_need_resched(rcu_dereference_raw(rq->curr));
	ti_flags = READ_ONCE(task_thread_info(rq->idle)->flags);
	return !(ti_flags & _TIF_NEED_RESCHED) && !kick_poller(cpu, ti_flags);
}

/*
 * Interrupt another CPU, whose word was @word before the request. Out of line, so that
 * kicks which need no interrupt save no registers.
 */
static noinline void kick_send_other(s32 cpu, int word)
{
	if (!kick_needs_irq(cpu, word))
		return;
	this_cpu_inc(scx_kick_stats.irqs);
	smp_send_reschedule(cpu);
}

/* Do what a request asks for that was placed in the word of @cpu, which was @word. */
static __always_inline enum scx_kick_outcome kick_send(s32 cpu, int word, bool program,
						       unsigned long irq_flags)
{
	if (!IS_ENABLED(CONFIG_SMP) || cpu == smp_processor_id()) {
		kick_self(program, irq_flags);
		return SCX_KICKED_SELF;
	}
	kick_send_other(cpu, word);
	return SCX_KICKED_SENT;
}

/*
 * True if @cpu, which is not online, exists and is this one: CPU hotplug relies on
 * a CPU being able to kick itself on its way down.
 */
static noinline bool kick_self_offline(s32 cpu)
{
	return kick_cpu_valid(cpu) && cpu == smp_processor_id();
}

/*
 * True if @cpu may be kicked. Caller has interrupts off: as long as they are, this
 * CPU does not go through stop_machine(), and @cpu stays online.
 */
static __always_inline bool kick_reachable(s32 cpu, int req)
{
	if (likely((u32)cpu < nr_cpu_ids && cpu_online(cpu)) || kick_self_offline(cpu))
		return true;
	if ((u32)cpu < nr_cpu_ids && cpu_possible(cpu))
		kick_account(cpu, req, SCX_KICKED_OFFLINE);
	return false;
}

/* The clocks of two CPUs, and one that is being adjusted, may differ a little. */
static u64 kick_ns_since(u64 then)
{
	u64 now = ktime_get_mono_fast_ns();

	return now > then ? now - then : 0;
}

/* Note the time of the first request since the cycle of @word. */
static __always_inline void kick_asked(s32 cpu, int word)
{
	if (trace_sched_ext_kick_served_enabled() && !(word & KICK_REQ_MASK))
		WRITE_ONCE(per_cpu(scx_kick_watch, cpu).asked_ns[(word >> KICK_CYCLE_SHIFT) & 1],
			   ktime_get_mono_fast_ns());
}

/*
 * Put @req into the word of @cpu, which was *@word. Caller has executed (A) and has
 * interrupts off. Only for SCX_KICKED_SENT there is something left to do, and
 * whoever finds the request pending relies on that: with interrupts off it need not
 * wait for an interrupt handler.
 */
static __always_inline enum scx_kick_outcome kick_place(s32 cpu, int req, int *word,
							bool traced)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

	*word = atomic_read(&kick->word);
	do {
		if (*word & KICK_NEEDLESS(req))
			return req & KICK_REQ_IDLE ? SCX_KICKED_BUSY : SCX_KICKED_HIGHER;
		if (!(req & ~*word))
			break;
		if (traced)
			kick_asked(cpu, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, *word | req));

	return *word & (KICK_REQ_MASK | KICK_CPU_PICKING) ?
		SCX_KICKED_COALESCED : SCX_KICKED_SENT;
}

/* True if waits have taken a quarter of the time between two ticks already. */
static bool kick_waited_long(const struct kick_wait *wait)
{
	return READ_ONCE(wait->took_us) >= TICK_USEC / 4 && wait->tick == (u8)jiffies;
}

/*
 * Have the next task that starts here wait for @cpu. No CPU waits for itself. If
 * this CPU is not inside a cycle, which ends with the wait, it starts one: the sched_ext
 * task that runs here could have an endless slice. After long waits it starts it at its
 * next tick, where it is sure to have one: an interrupt that kicks so all the time would
 * leave no time to any task.
 */
static noinline void kick_ask_wait(s32 cpu, bool program, unsigned long irq_flags)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);

	if (cpu == smp_processor_id())
		return;
	if (!cpumask_test_cpu(cpu, kick->wait.cpus))
		cpumask_set_cpu(cpu, kick->wait.cpus);
	WRITE_ONCE(kick->wait.asked, true);
	if (atomic_read(&kick->word) & KICK_CPU_PICKING)
		WRITE_ONCE(kick->wait.again, true);
	else if (READ_ONCE(current->sched_class) == &ext_sched_class &&
		 (!kick_waited_long(&kick->wait) || tick_nohz_full_cpu(smp_processor_id())))
		kick_self(program, irq_flags);
}

/*
 * Make a kick that is traced, or waited for. Interrupts are off, so no wait begins in
 * between.
 */
static noinline void kick_one_slow(s32 cpu, int req, bool program, unsigned long irq_flags)
{
	enum scx_kick_outcome outcome;
	int word;

	outcome = kick_place(cpu, req, &word, true);
	if ((req & KICK_REQ_WAIT) && outcome != SCX_KICKED_HIGHER)
		kick_ask_wait(cpu, program, irq_flags);
	if (outcome == SCX_KICKED_SENT)
		outcome = kick_send(cpu, word, program, irq_flags);
	kick_account(cpu, req, outcome);
}

/*
 * Kick @cpu. Caller has executed (A) and has interrupts off. @irq_flags is how they were
 * when @program made the kick just now.
 */
static __always_inline void kick_one(s32 cpu, int req, bool program, unsigned long irq_flags)
{
	enum scx_kick_outcome outcome;
	int word;

	if (unlikely(kick_traced()) || unlikely(req & KICK_REQ_WAIT)) {
		kick_one_slow(cpu, req, program, irq_flags);
		return;
	}
	outcome = kick_place(cpu, req, &word, false);
	if (outcome == SCX_KICKED_SENT)
		outcome = kick_send(cpu, word, program, irq_flags);
	this_cpu_inc(scx_kick_stats.outcomes[outcome]);
}

/*
 * Kick @cpu unless the BPF scheduler is bypassed. Caller has interrupts off, which
 * keeps @cpu online and this CPU from its cycle_end().
 *
 * A bypass makes every CPU schedule after it has begun and after it has ended. (A)
 * puts the look at it behind what the kicker wrote, so a kick that is dropped here
 * is not lost: the end of the bypass makes up for it.
 */
static __always_inline void kick_now(s32 cpu, int req, bool program, unsigned long irq_flags)
{
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed()))
		kick_account(cpu, req, SCX_KICKED_BYPASS);
	else
		kick_one(cpu, req, program, irq_flags);
}

/**
 * scx_kick_cpu - kick a CPU from within the scheduler
 * @cpu: CPU to kick, a possible one
 * @req: KICK_REQ_*
 *
 * Dropped if @cpu is offline and not the calling one, or while the BPF scheduler is
 * bypassed: a bypass makes every CPU schedule at its begin and at its end, and
 * interrupts may not work while the machine suspends.
 *
 * Context: Any but NMI, with any locks held.
 */
void scx_kick_cpu(s32 cpu, int req)
{
	guard(irqsave)();
	if (kick_reachable(cpu, req))
		kick_now(cpu, req, false, 0);
}

/**
 * scx_kick_ipi - an IPI has arrived that may have been sent for a kick
 *
 * Nothing is taken from the word, the cycle does that. No lock is needed to mark
 * the own current.
 *
 * Context: the handlers of the reschedule and the call function IPI, interrupts are
 * off.
 */
void scx_kick_ipi(void)
{
	if (!scx_enabled())
		return;
	if (atomic_read(this_cpu_ptr(&scx_kick_pcpu.word)) & KICK_REQ_MASK)
		kick_resched_self();
}
