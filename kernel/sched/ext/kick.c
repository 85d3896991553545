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
 *     word |= request, was:      BUSY     runs a task: interrupt it, or leave
 *                                         a lazy request to its tick
 *                                ABOVE    a higher class keeps it: nothing
 *                                PICKING  in a cycle: its end sees the request
 *                                any request pending: a cycle is due
 *
 *   scx_kick_ipi()               interrupt: a request is there -> need_resched
 *   scx_kick_cycle_start()       word = PICKING, the requests are taken
 *   scx_kick_cycle_end()         word = BUSY, ABOVE or IDLE; requests came
 *                                meanwhile -> need_resched
 *
 * A request in a word always has an interrupt or a cycle on its way: whoever
 * finds it pending relies on that. A CPU that a higher class keeps cannot be
 * given to sched_ext, so it is not disturbed. It starts a cycle when that task
 * leaves, and when that task becomes a sched_ext task: then scx_kick_entered()
 * has the CPU start one.
 *
 * The interrupt is the reschedule IPI, or the call function IPI where several
 * CPUs get it together. Kicks take no rq lock, allocate nothing, and can be
 * sent with any rq lock held. The request stays in the word until a cycle takes
 * it. An interrupt that comes late finds nothing to do. A cycle that runs no
 * dispatch path of its own (core scheduling runs a pick that a sibling made)
 * leaves the request for the next one.
 *
 * A lazy request (KICK_REQ_LAZY) interrupts nobody. It stands in the word of a
 * CPU that runs a sched_ext task only, and is for that task: the next cycle
 * takes it, or a pick that a sibling made, and the tick starts one. If the task
 * leaves by itself, the cycle in which it does so starts after the kick, but
 * for a pick that a sibling had made before. Nobody relies on a lazy request
 * but other lazy ones.
 *
 * A kick that an scx operation makes is held back until what the operation
 * decided has been carried out: scx_kick::op says when that is, and kick_held.c
 * keeps the kick until then. A kick from NMI is held back as well: the
 * interrupt controller may be in the middle of another interrupt. Where no
 * flush is certain to follow, a per-CPU irq_work makes the kicks as soon as
 * interrupts open.
 *
 * scx_bpf_kick_task() reads the word, looks at the task that runs, and places
 * its request by a compare and exchange from the word that it read, see
 * kick_claim.c. So the request lands in the stint of that task, and only if no
 * other preemption is pending: it is a claim. A claim that is held back takes
 * its place at once as KICK_CLAIM, which asks for nothing yet.
 */

/**
 * DOC: Glossary
 *
 * word
 *	scx_kick::word of a CPU: what was asked of it, where it is in its cycle,
 *	and the number of that cycle.
 * request
 *	A bit in the word, KICK_REQ_RESCHED for one: what somebody asks of the
 *	CPU.
 * cycle
 *	One pass of a CPU through the scheduler: from prev_balance(), where the
 *	requests are taken, to the end of __schedule(), where the picked task is
 *	about to run. A pick that a sibling made is a cycle without that start:
 *	it takes no requests.
 * serve
 *	A cycle serves the requests that its start has taken from the word.
 * coalesced
 *	A kick that adds nothing: its request is pending, or the CPU is inside a
 *	cycle, whose end sees it.
 * operation
 *	A callback of the BPF scheduler, ops.enqueue() for one.
 * hold back, flush
 *	A kick that an operation makes is held back until what the operation
 *	decided has been carried out. Then the flush makes the kick.
 * stint
 *	The time that a task runs on a CPU, until the CPU switches to another.
 * claim
 *	The right to preempt one task in one stint. scx_bpf_kick_task() grants
 *	it to one caller at a time.
 * higher class
 *	A deadline or real-time task, for one. While it runs (ABOVE in the
 *	word), sched_ext cannot have the CPU.
 * bypass
 *	While it lasts, the kernel schedules in place of the BPF scheduler, and
 *	kicks are dropped. Its begin and its end make every CPU schedule.
 */

/**
 * DOC: Ordering
 *
 * Each rule has a table of who does what, and ends with what must not happen.
 * Letters in parentheses name barriers, and (C) a read without one, in this
 * text and in the code. Atomic operations that return a value are full
 * barriers. Each table is also a litmus test in
 * tools/verification/models/sched_ext/litmus/.
 *
 * Rule (1): A kick that is left out or coalesced is served by a cycle that sees
 * what the kicker wrote before, typically a task in a BPF queue. The word is
 * BUSY at first::
 *
 *	kicker				target
 *
 *	WRITE_ONCE(queue, task);	xchg(word, PICKING);		(B)
 *	smp_mb();		(A)
 *	r0 = READ_ONCE(word);		r1 = READ_ONCE(queue);
 *
 *	BUG_ON(r0 == BUSY && r1 != task);
 *
 * A kicker that finds BUSY, ABOVE or its request pending has read the word
 * before the target wrote PICKING. Without (A), the kicker could have read the
 * word while the task waits in its store buffer. Without (B), the target could
 * have read the queue before PICKING is visible. Either way the kicker would
 * rely on a cycle that has already looked.
 *
 * Rule (2): A kick that is placed is served, and the target is interrupted if
 * it does not come by itself. For the request the atomicity of the word is
 * enough. The kicker's cmpxchg either comes before the target's xchg, which
 * then takes the request. Or it finds PICKING, and comes before the cmpxchg in
 * __scx_kick_cycle_end(): that one fails, and the request leads to another
 * cycle. Or it finds BUSY or IDLE, and the kicker sends an interrupt. The
 * interrupt cannot arrive before the request: smp_send_reschedule() orders
 * earlier stores before it, which resched_curr() needs as well, and so does
 * arch_send_call_function_ipi_mask(), for those who queue function calls.
 *
 * The kicker sends no interrupt if rq->curr of the target is marked
 * need_resched: who marked that task has interrupted the target, and only a
 * cycle clears the mark. It must not be misled by a mark for a cycle that has
 * ended. The word is PICKING at first, and the mark is set::
 *
 *	kicker				target
 *
 *					WRITE_ONCE(mark, 0);
 *	r0 = cmpxchg(word, BUSY,	cmpxchg(word, PICKING, BUSY);
 *		     BUSY | RESCHED);
 *	r1 = READ_ONCE(mark);
 *
 *	BUG_ON(r0 == BUSY && r1 == 1);
 *
 * Marks for earlier cycles were cleared before the target wrote BUSY. The
 * kicker has read that BUSY, by a full barrier. So a mark that it finds is
 * cleared by a later cycle, and the start of that one takes the request.
 *
 * Rule (3): A wait ends, and not too early::
 *
 *	waiter				target
 *
 *	atomic_or(WAIT, word);		WRITE_ONCE(x, 1); // its last task
 *	s = READ_ONCE(word);	(C)	xchg(word, next | PICKING);	(B)
 *	do {
 *		r0 = smp_load_acquire(word);	(D)
 *	} while (r0 & WAIT && cycle(r0) == cycle(s));
 *	r1 = READ_ONCE(x); // its next task
 *
 *	BUG_ON(r1 == 0);
 *
 * The start of a cycle clears WAIT. So does the end of a cycle that finds a
 * task of a higher class: then no sched_ext task runs there before the next
 * cycle. If WAIT is gone, the target's last task has stopped since the bit was
 * set. If the number is not that of s, a cycle has started since s was read.
 * The number bounds the wait to one cycle when other waiters set WAIT again.
 *
 * If s were older than the request, a cycle that started before the kick would
 * end the wait. No barrier is needed against that: this CPU has read or written
 * the same word when it kicked. The acquire (D) pairs with (B): without it, the
 * waiter's next task could run ahead of what the target's last task did.
 *
 * A waiter spins with interrupts on, and gives way whenever it has to schedule.
 * So each member of a ring of waiters enters a cycle of its own, which lets
 * those go that wait for it. After its cycle it goes on where it stopped, with
 * the same s. However often it gives way, it is done when each CPU has entered
 * a cycle.
 *
 * Rule (4): A claim hits the task that it names, or nobody. The word is BUSY in
 * cycle 0 at first, and p runs; then q runs in cycle 1::
 *
 *	claimer				target
 *
 *	s = smp_load_acquire(word); (E)	xchg(word, 1 | PICKING);	(B)
 *	r0 = READ_ONCE(rq->curr);	WRITE_ONCE(rq->curr, q);
 *	r1 = cmpxchg(word, s,	(F)	cmpxchg(word, 1 | PICKING,	(F)
 *		     s | TASK);			1 | BUSY);
 *
 *	BUG_ON(r0 == q && r1 == s && s == (0 | BUSY));
 *	BUG_ON(r0 == p && r1 == s && s == (1 | BUSY));
 *
 * Nobody claims while the word says PICKING.
 *
 * - If r0 is of a later stint than s, the claimer's cmpxchg finds the PICKING
 *   before that stint, or a later number, and fails. (B) orders the target's
 *   stores, and (F), a full barrier, keeps the claimer's look before it.
 * - If r0 is of an earlier stint than s, the claimer has missed a store that
 *   comes before the target's (F), although its acquire (E) has read what (F)
 *   wrote. That cannot be.
 *
 * So the task runs from the claimer's look until the claim is in the word. When
 * the task stops running after that, the start of the cycle takes KICK_REQ_TASK
 * while rq->curr is still that task, or the end of the cycle drops what is left
 * of the claim. The number cannot come round unnoticed: between the claimer's
 * read and its cmpxchg, which have interrupts off, the target would have to go
 * through 16384 cycles, or run 64 picks of a sibling and start no cycle.
 *
 * Rule (5): A CPU is not taken for one that a higher class keeps after its task
 * has become a sched_ext task. The word is PICKING at first::
 *
 *	end of a cycle			who changes the class
 *
 *	r0 = READ_ONCE(class);		WRITE_ONCE(class, ext);
 *	while (!try_cmpxchg(word, (H)	if (word & PICKING)		(G)
 *	       r0 == ext ? BUSY :		another number, |= RESCHED
 *	       ABOVE)) {		else
 *		smp_rmb();			word &= ~ABOVE
 *		r0 = READ_ONCE(class);
 *	}
 *
 *	BUG_ON(word == ABOVE);	// after both
 *
 * If (H) comes first, (G) finds ABOVE and takes it away. If (G) comes first, it
 * leaves a request and another number of picks. With these, (H) fails and looks
 * at the class again, behind the smp_rmb(): a cmpxchg that fails orders
 * nothing. (G) is followed by resched_curr(), and rule (1) holds for the cycle
 * that starts then: it makes up for kicks that were left out because of ABOVE.
 *
 * Rule (6): A kick that is left to the tick has a tick to come, although a task
 * with an endless slice runs without one on a nohz_full CPU::
 *
 *	kicker				target
 *
 *	cmpxchg(word, BUSY,	(J)	WRITE_ONCE(flags, CAN_STOP_TICK);
 *		BUSY | LAZY);		smp_mb();			(K)
 *	r0 = READ_ONCE(flags);		r1 = READ_ONCE(word);
 *
 *	BUG_ON(r0 != CAN_STOP_TICK && !(r1 & LAZY));
 *
 * Who sees the other's store has the CPU schedule at once: the kicker by an
 * interrupt, the target by resched_curr(). Flags that a CPU sets in a cycle of
 * its own need no (K): the start of that cycle has taken LAZY, and the kicker
 * that places it after the end of the cycle has read what that end wrote, by a
 * full barrier. A sibling that dispatches for the CPU is in another cycle.
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

/* On while one of the two tracepoints is on. */
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
 * Mark current as need_resched. No rq lock is needed for that. The task is
 * preempted at the next occasion and not by the kick itself, so that a program
 * can kick its CPU several times. The call function IPI does not fold the flag
 * into the preemption count, so do that here as well.
 */
static void kick_resched_self(void)
{
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/*
 * Count and trace one kick; the fast path counts in kick_one(). A program that
 * is attached to the tracepoint may kick as well. That kick is counted only:
 * otherwise as many kicks as there are programs would lie on one stack.
 */
static noinline void kick_account(s32 cpu, int req,
				  enum scx_kick_outcome outcome)
{
	this_cpu_inc(scx_kick_stats.outcomes[outcome]);
	if (!kick_traced() || this_cpu_xchg(scx_kick_watch.tracing, true))
		return;
	trace_sched_ext_kick(cpu, req, outcome);
	this_cpu_write(scx_kick_watch.tracing, false);
}

/* Have kick_work_fn() run here as soon as interrupts open. */
static void kick_queue_work(void)
{
	if (irq_work_queue(this_cpu_ptr(&scx_kick_pcpu.work)))
		this_cpu_inc(scx_kick_stats.irqs);
}

/*
 * Make this CPU schedule. With interrupts on, and after an interrupt, the
 * kernel looks at need_resched before it goes on. A task that has interrupts
 * off may be past the last such look, on its way to user space, to a guest, or
 * to halt the CPU. So a program that kicks with interrupts off gets an
 * interrupt.
 *
 * @program: a BPF program makes the kick just now
 * @irq_flags: the state of interrupts in that program
 */
static noinline void kick_self(bool program, unsigned long irq_flags)
{
	if (program && irqs_disabled_flags(irq_flags) && in_task() &&
	    cpu_online(smp_processor_id()))
		kick_queue_work();
	kick_resched_self();
}

/* Mark the idle task of @cpu if it polls for that. False if it does not. */
static __always_inline bool kick_poller(s32 cpu, unsigned long ti_flags)
{
#ifdef TIF_POLLING_NRFLAG
	return (ti_flags & BIT(TIF_POLLING_NRFLAG)) &&
	       !call_function_single_prep_ipi(cpu);
#else
	return false;
#endif
}

/*
 * Find out if @cpu must be interrupted to see a request that was just placed,
 * where @word is what its word was before. It need not if its current task is
 * marked already, see rule (2), or if its idle task polls for the mark and gets
 * it now.
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
 * Interrupt @cpu, another one, if it needs that. @word is what its word was
 * before the request. Out of line: kicks without interrupt save no registers.
 */
static noinline void kick_send_other(s32 cpu, int word)
{
	if (!kick_needs_irq(cpu, word))
		return;
	this_cpu_inc(scx_kick_stats.irqs);
	smp_send_reschedule(cpu);
}

/*
 * Have @cpu look at the request that was just placed in its word, which was
 * @word before. @program and @irq_flags: see kick_self().
 */
static __always_inline enum scx_kick_outcome
kick_send(s32 cpu, int word, bool program, unsigned long irq_flags)
{
	if (!IS_ENABLED(CONFIG_SMP) || cpu == smp_processor_id()) {
		kick_self(program, irq_flags);
		return SCX_KICKED_SELF;
	}
	kick_send_other(cpu, word);
	return SCX_KICKED_SENT;
}

/*
 * Check that @cpu, which is not online, exists, and tell whether it is this
 * CPU. A CPU on its way down kicks itself: CPU hotplug relies on that.
 */
static noinline bool kick_self_offline(s32 cpu)
{
	return kick_cpu_valid(cpu) && cpu == smp_processor_id();
}

/*
 * Find out if @cpu may be kicked, and count the kick if not. Caller has
 * interrupts off. While they are, this CPU does not go through stop_machine(),
 * so @cpu stays online.
 */
static __always_inline bool kick_reachable(s32 cpu, int req)
{
	if (likely((u32)cpu < nr_cpu_ids && cpu_online(cpu)) ||
	    kick_self_offline(cpu))
		return true;
	if ((u32)cpu < nr_cpu_ids && cpu_possible(cpu))
		kick_account(cpu, req, SCX_KICKED_OFFLINE);
	return false;
}

/*
 * Tell how long ago @then was. Not below 0: the clocks of two CPUs may differ a
 * little, and so may one clock before and after an adjustment.
 */
static u64 kick_ns_since(u64 then)
{
	u64 now = ktime_get_mono_fast_ns();

	return now > then ? now - then : 0;
}

/* Return where it is noted when @cpu was first asked in the cycle of @word. */
static __always_inline u64 *kick_asked_ns(s32 cpu, int word)
{
	bool odd = word & KICK_CYCLE;

	return &per_cpu(scx_kick_watch, cpu).asked_ns[odd];
}

/* Note the time if @word, the word of @cpu, has no request yet. */
static __always_inline void kick_asked(s32 cpu, int word)
{
	if (trace_sched_ext_kick_served_enabled() && !(word & KICK_REQ_ALL))
		WRITE_ONCE(*kick_asked_ns(cpu, word), ktime_get_mono_fast_ns());
}

/*
 * Put @req into the word of @cpu, and leave in *@word what the word was. Caller
 * has executed (A) and has interrupts off.
 *
 * If this returns SCX_KICKED_SENT, the caller has to have @cpu look at it, by
 * kick_send() or kick_send_mask(). Others who find the request pending rely on
 * that, so interrupts stay off until then.
 */
static __always_inline enum scx_kick_outcome kick_place(s32 cpu, int req,
							int *word, bool traced)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

	*word = atomic_read(&kick->word);
	do {
		if (*word & KICK_NEEDLESS(req))
			return req & KICK_REQ_IDLE ? SCX_KICKED_BUSY :
						     SCX_KICKED_HIGHER;
		if (!(req & ~*word))
			break;
		if (traced)
			kick_asked(cpu, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, *word | req));

	return *word & (KICK_REQ_MASK | KICK_CPU_PICKING) ?
		SCX_KICKED_COALESCED : SCX_KICKED_SENT;
}

/* Find out if the waits since the last tick took a quarter of a tick. */
static bool kick_waited_long(const struct kick_wait *wait)
{
	return READ_ONCE(wait->took_us) >= TICK_USEC / 4 &&
	       wait->tick == (u8)jiffies;
}

/*
 * Have the next sched_ext task that starts here wait for @cpu. Caller has
 * interrupts off. No CPU waits for itself.
 *
 * A cycle ends with the wait. If this CPU is in none, it starts one: its
 * current task could have an endless slice. After long waits the next tick
 * starts that cycle, if a tick is sure to come: otherwise an interrupt that
 * kicks over and over with SCX_KICK_WAIT would leave no time to any task.
 */
static noinline void kick_ask_wait(s32 cpu, bool program,
				   unsigned long irq_flags)
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
		 (!kick_waited_long(&kick->wait) ||
		  tick_nohz_full_cpu(smp_processor_id())))
		kick_self(program, irq_flags);
}

/*
 * Have @cpu come to the KICK_REQ_LAZY that was just placed in its word by a
 * full barrier, (J) of rule (6). A task that lost its tick to an endless slice
 * would not come to it: an interrupt is needed there in any case, so the CPU
 * schedules at once. Caller has interrupts off. @program and @irq_flags: see
 * kick_self().
 */
static __always_inline void kick_leave_to_tick(s32 cpu, bool program,
					       unsigned long irq_flags)
{
	int word;

	kick_mark_lazy(cpu);
	if (likely(!tick_nohz_full_cpu(cpu)) ||
	    !(READ_ONCE(cpu_rq(cpu)->scx.flags) & SCX_RQ_CAN_STOP_TICK))
		return;
	if (kick_place(cpu, KICK_REQ_RESCHED, &word, true) == SCX_KICKED_SENT)
		kick_send(cpu, word, program, irq_flags);
}

/*
 * Put KICK_REQ_LAZY into the word of @cpu if that CPU runs a sched_ext task.
 * Returns SCX_KICKED_NR if not: an idle CPU is to schedule at once, and in a
 * cycle nobody is interrupted. Caller as for kick_one().
 */
static __always_inline enum scx_kick_outcome
kick_lazily(s32 cpu, bool program, unsigned long irq_flags)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);
	int word = atomic_read(&kick->word);

	do {
		if ((word & (KICK_CPU_BUSY | KICK_CPU_ABOVE |
			     KICK_CPU_PICKING)) != KICK_CPU_BUSY)
			return SCX_KICKED_NR;
		if (word & KICK_REQ_PREEMPTS)
			return SCX_KICKED_COALESCED;
		kick_asked(cpu, word);
	} while (!atomic_try_cmpxchg(&kick->word, &word,
				     word | KICK_REQ_LAZY));	/* (J) */

	if (word & KICK_REQ_MASK)
		return SCX_KICKED_COALESCED;
	kick_leave_to_tick(cpu, program, irq_flags);
	return SCX_KICKED_LAZY;
}

/*
 * Make a kick that is traced, waited for or lazy. Caller has executed (A) and
 * has interrupts off, so no wait begins in between.
 */
static noinline void kick_one_slow(s32 cpu, int req, bool program,
				   unsigned long irq_flags)
{
	enum scx_kick_outcome outcome = SCX_KICKED_NR;
	int word;

	if (req & KICK_REQ_LAZY) {
		if (req == KICK_REQ_LAZY)
			outcome = kick_lazily(cpu, program, irq_flags);
		if (outcome != SCX_KICKED_NR) {
			kick_account(cpu, req, outcome);
			return;
		}
		/* Others have joined it, or there is no task to spare. */
		req = (req & KICK_REQ_WAIT) | KICK_REQ_RESCHED |
		      KICK_REQ_PREEMPT;
	}
	outcome = kick_place(cpu, req, &word, true);
	if ((req & KICK_REQ_WAIT) && outcome != SCX_KICKED_HIGHER)
		kick_ask_wait(cpu, program, irq_flags);
	if (outcome == SCX_KICKED_SENT)
		outcome = kick_send(cpu, word, program, irq_flags);
	kick_account(cpu, req, outcome);
}

/*
 * Kick @cpu. Caller has executed (A) and has interrupts off. @program and
 * @irq_flags: see kick_self().
 */
static __always_inline void kick_one(s32 cpu, int req, bool program,
				     unsigned long irq_flags)
{
	enum scx_kick_outcome outcome;
	int word;

	if (unlikely(kick_traced()) ||
	    unlikely(req & (KICK_REQ_WAIT | KICK_REQ_LAZY))) {
		kick_one_slow(cpu, req, program, irq_flags);
		return;
	}
	outcome = kick_place(cpu, req, &word, false);
	if (outcome == SCX_KICKED_SENT)
		outcome = kick_send(cpu, word, program, irq_flags);
	this_cpu_inc(scx_kick_stats.outcomes[outcome]);
}

/*
 * Execute (A) and find out if the BPF scheduler is bypassed: then count the
 * kick of @cpu, which is dropped. Caller has interrupts off.
 *
 * Such a kick is not lost. The end of a bypass makes every CPU schedule, and
 * (A) puts the look at the bypass behind what the kicker wrote.
 */
static __always_inline bool kick_drop_bypassed(s32 cpu, int req)
{
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (likely(!kick_bypassed()))
		return false;
	kick_account(cpu, req, SCX_KICKED_BYPASS);
	return true;
}

/*
 * Kick @cpu unless the BPF scheduler is bypassed. Caller has interrupts off:
 * that keeps @cpu online, and this CPU from the end of its cycle.
 */
static __always_inline void kick_now(s32 cpu, int req, bool program,
				     unsigned long irq_flags)
{
	if (!kick_drop_bypassed(cpu, req))
		kick_one(cpu, req, program, irq_flags);
}

/**
 * scx_kick_cpu - kick a CPU from within the scheduler
 * @cpu: CPU to kick, a possible one
 * @req: KICK_REQ_*
 *
 * Drops the kick if @cpu is offline and not the calling CPU. Drops it as well
 * while the BPF scheduler is bypassed: a bypass makes every CPU schedule at its
 * begin and at its end, and interrupts may not work while the machine suspends.
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
 * Marks current if the word of this CPU has a request. The request stays for
 * the cycle to take.
 *
 * Context: the handlers of the reschedule and the call function IPI. Caller has
 * interrupts off.
 */
void scx_kick_ipi(void)
{
	if (!scx_enabled())
		return;
	if (atomic_read(this_cpu_ptr(&scx_kick_pcpu.word)) & KICK_REQ_MASK)
		kick_resched_self();
}
