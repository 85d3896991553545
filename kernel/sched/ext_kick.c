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
 * The interrupt is the reschedule IPI, or that for function calls where several CPUs get it
 * together. Kicks take no rq lock, allocate nothing, queue nothing unless they come from NMI, and
 * can be sent with any rq lock held. The request stays in the word until a cycle takes it: an
 * interrupt that comes late finds nothing to do, a cycle that runs no dispatch path of its own
 * (core scheduling runs a pick that a sibling made) leaves the request for the one after.
 *
 * What ops.select_cpu(), ops.enqueue() and ops.dispatch() put on a DSQ gets there after they
 * have returned. Kicks that they make are held back until then, see kick_later(), and
 * __scx_kick_enqueued() for a task that gets to another CPU's local DSQ later still.
 *
 * scx_bpf_kick_task() places its request by a compare and exchange from the word that it read
 * before it looked at the task that runs. So it lands in that very stint, the time until the CPU
 * switches tasks, and only if no other preemption is pending: it is a claim. A claim made in one
 * of the operations above takes its place at once as KICK_CLAIM, which asks for nothing yet.
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
 * resched_curr() needs it too, and so does arch_send_call_function_ipi_mask(), for those who
 * queue function calls.
 *
 * (3) A wait ends, and not too early:
 *
 *	waiter				target
 *
 *	KICK_REQ_WAIT into the word	what its last task did
 *	s = word		(C)	word = next cycle | PICKING,	(B)
 *	wait: word lacks WAIT or	  requests taken
 *	      its cycle is not s's (D)
 *
 * Only the start of a cycle clears KICK_REQ_WAIT. If the bit is gone, a cycle started after it
 * was set; if the number moved on from s, one started after s was read. The second test bounds the
 * wait to one cycle when other waiters set the bit again. If s were older than the request, a cycle
 * that started before the kick would end the wait. No barrier is needed against that: this CPU has
 * kicked, and read or written the same word for it. The acquire (D) pairs with (B): the next task
 * here sees what the target's last task did; without it, it could run ahead of that.
 *
 * A waiter spins with interrupts on and gives way whenever it has to schedule itself, so each
 * member of a ring of waiters enters a cycle of its own, which lets its own waiters go. After that
 * it goes on where it stopped, with the same s: however often it gives way, it is done when each
 * CPU has entered a cycle.
 *
 * (4) A claim hits the task that it names or nobody:
 *
 *	claimer				target
 *
 *	s = word		(E)	word = next numbers | PICKING	(B)
 *	rq->curr is the task?		rq->curr = next task
 *	word: s -> s | TASK	(F)	word = those numbers | BUSY	(F)
 *
 * Nobody claims while the word says PICKING, and s does not. If the claimer sees a rq->curr that is
 * later than s, its compare and exchange finds the PICKING that came before it, or a later number,
 * and fails: (B) puts the target's stores in order; (F), a full barrier of the try_cmpxchg(), keeps
 * the claimer's read before it. If it sees a rq->curr that is earlier than s, it did not see what
 * comes before the target's (F) in spite of the acquire (E), which cannot be. So the task runs
 * from the claimer's look until the claim is in the word. Where it stops running after that, the
 * start of the cycle takes KICK_REQ_TASK while rq->curr is still that task, or the end of it drops
 * what is left of the claim. For the number to come round between the claimer's look and its
 * compare and exchange, the target would have to go through 65536 cycles in that time.
 */
#include <linux/btf_ids.h>

#define CREATE_TRACE_POINTS
#include <trace/events/sched_ext_kick.h>
#undef CREATE_TRACE_POINTS
/* Defined in core.c, for smp_send_reschedule(). */
#include <trace/events/ipi.h>

#include "ext_kick.h"
#include "ext_kick_base.h"

static void kick_unsent_workfn(struct irq_work *work);

DEFINE_PER_CPU_SHARED_ALIGNED(struct scx_kick, scx_kick_pcpu) = {
	.unsent_work	= IRQ_WORK_INIT_HARD(kick_unsent_workfn),
};

/* The claim that this CPU holds back until its scx operation has ended, see kick_claim_later() */
struct kick_claim {
	struct task_struct	*task;		/* NULL: none */
	unsigned long		switches;	/* how often it had left a CPU */
	s32			cpu;		/* where it runs */
};

static DEFINE_PER_CPU(struct kick_claim, kick_claims);

DEFINE_PER_CPU(struct scx_kick_stats, scx_kick_stats);

/*
 * Only for the task that runs here, so its thread flag needs no rq lock. It is preempted at the
 * next occasion and not by the kick itself, so that a program can kick its CPU several times. The
 * call function IPI does not fold the flag into the preemption count, so that is done here, too.
 */
static void kick_resched_self(void)
{
	set_tsk_need_resched(current);
	set_preempt_need_resched();
}

/* Of a kick that is not on the fast path. */
static noinline void kick_account(s32 cpu, int req, enum scx_kick_outcome outcome)
{
	this_cpu_inc(scx_kick_stats.outcomes[outcome]);
	trace_sched_ext_kick(cpu, req, outcome);
}

/* The irq_work sends, or looks at, what is pending as soon as interrupts open. */
static void kick_queue_unsent(void)
{
	if (irq_work_queue(this_cpu_ptr(&scx_kick_pcpu.unsent_work)))
		this_cpu_inc(scx_kick_stats.irqs);
}

static noinline void kick_send_self(void)
{
	kick_resched_self();
	/* A tracing program may run after the idle loop's last look, before it halts. */
	if (unlikely(is_idle_task(current)) && in_task() && cpu_online(smp_processor_id()))
		kick_queue_unsent();
}

/* A CPU that polls for need_resched while idle is told by that and needs no interrupt. */
static __always_inline bool kick_needs_irq(s32 cpu, int word)
{
	return IS_ENABLED(CONFIG_SMP) &&
	       ((word & KICK_CPU_BUSY) || call_function_single_prep_ipi(cpu));
}

/* @word is the target's before the request. Apart, so that other kicks save no registers. */
static noinline enum scx_kick_outcome kick_send(s32 cpu, int word)
{
	if (unlikely(in_nmi()) && cpu_online(smp_processor_id())) {
		/*
		 * The interrupt controller may be in the middle of another interrupt. Not so on
		 * a CPU that has gone offline, which will run no irq_work either.
		 */
		kick_queue_unsent();
	} else if (!IS_ENABLED(CONFIG_SMP) || cpu == smp_processor_id()) {
		kick_send_self();
		return SCX_KICKED_SELF;
	} else if (kick_needs_irq(cpu, word)) {
		this_cpu_inc(scx_kick_stats.irqs);
		smp_send_reschedule(cpu);
	}
	return SCX_KICKED_SENT;
}

/* A CPU on its way down relies on being able to kick itself. Others that are not there: no. */
static noinline bool kick_self_offline(struct scx_sched *sch, s32 cpu)
{
	return kick_cpu_valid(sch, cpu) && cpu == smp_processor_id();
}

/* Can be sent an interrupt as long as this CPU does not go through stop_machine()? */
static __always_inline bool kick_reachable(struct scx_sched *sch, s32 cpu, int req)
{
	if (likely((u32)cpu < nr_cpu_ids && cpu_online(cpu)) || kick_self_offline(sch, cpu))
		return true;
	if ((u32)cpu < nr_cpu_ids && cpu_possible(cpu))
		kick_account(cpu, req, SCX_KICKED_OFFLINE);
	return false;
}

static __always_inline bool kick_traced(void)
{
	return trace_sched_ext_kick_enabled() || trace_sched_ext_kick_served_enabled();
}

/* The clocks of two CPUs, and one that is being adjusted, may differ a little. */
static u64 kick_ns_since(u64 then)
{
	u64 now = ktime_get_mono_fast_ns();

	return now > then ? now - then : 0;
}

/* @word is the target's, in which a request is going to be placed. */
static __always_inline void kick_asked(struct scx_kick *kick, int word)
{
	if (trace_sched_ext_kick_served_enabled() && !(word & KICK_REQ_MASK))
		WRITE_ONCE(kick->asked_ns[(word >> KICK_CYCLE_SHIFT) & 1],
			   ktime_get_mono_fast_ns());
}

/*
 * Put @req into the word, which was *@word. Called with interrupts off and after (A). Only for
 * SCX_KICKED_SENT there is something left to do, and whoever finds the request pending relies on
 * that: with interrupts off it need not wait for an interrupt handler.
 */
static __always_inline enum scx_kick_outcome kick_place(struct scx_kick *kick, int req, int *word,
							bool traced)
{
	*word = atomic_read(&kick->word);
	do {
		if ((req & KICK_REQ_IDLE) && (*word & KICK_CPU_BUSY))
			return SCX_KICKED_BUSY;
		if (!(req & ~*word))
			break;
		if (traced)
			kick_asked(kick, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, *word | req));

	return *word & (KICK_REQ_MASK | KICK_CPU_PICKING) ? SCX_KICKED_COALESCED : SCX_KICKED_SENT;
}

/* The next task that starts here waits for @cpu. No CPU waits for itself. */
static __always_inline void kick_ask_wait(s32 cpu, int req)
{
	if (unlikely(req & KICK_REQ_WAIT) && cpu != smp_processor_id())
		this_cpu_write(scx_kick_pcpu.wait_asked, true);
}

static __always_inline enum scx_kick_outcome kick_place_and_send(s32 cpu, int req, bool traced)
{
	enum scx_kick_outcome outcome;
	int word;

	kick_ask_wait(cpu, req);
	outcome = kick_place(per_cpu_ptr(&scx_kick_pcpu, cpu), req, &word, traced);
	return outcome == SCX_KICKED_SENT ? kick_send(cpu, word) : outcome;
}

static noinline void kick_now_traced(s32 cpu, int req)
{
	kick_account(cpu, req, kick_place_and_send(cpu, req, true));
}

/* Called after (A), and as kick_now(). */
static __always_inline void kick_one(s32 cpu, int req)
{
	enum scx_kick_outcome outcome;

	if (unlikely(kick_traced())) {
		kick_now_traced(cpu, req);
		return;
	}
	outcome = kick_place_and_send(cpu, req, false);
	this_cpu_inc(scx_kick_stats.outcomes[outcome]);
}

/*
 * Called with interrupts off, which keeps @cpu online and this CPU from its cycle_end().
 *
 * A bypass makes every CPU schedule after it has begun and after it has ended. (A) puts the look at
 * it behind what the kicker wrote, so a kick that is dropped is made up for by the latter.
 */
static __always_inline void kick_now(struct scx_sched *sch, s32 cpu, int req)
{
	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed(sch)))
		kick_account(cpu, req, SCX_KICKED_BYPASS);
	else
		kick_one(cpu, req);
}

/*
 * Kick the CPUs that have a bit in @todo, where bit 0 is CPU @first. Called after (A). Returns
 * those that need an interrupt and have not got it yet.
 */
static unsigned long kick_cpus(s32 first, unsigned long todo, int req)
{
	unsigned long sent = 0, coalesced = 0, busy = 0, send = 0;

	for (; todo; todo &= todo - 1) {
		s32 cpu = first + __ffs(todo);
		enum scx_kick_outcome outcome;
		int word;

		outcome = kick_place(per_cpu_ptr(&scx_kick_pcpu, cpu), req, &word, false);
		if (outcome == SCX_KICKED_BUSY) {
			busy++;
		} else if (outcome == SCX_KICKED_COALESCED) {
			coalesced++;
		} else {
			sent++;
			if (kick_needs_irq(cpu, word))
				send |= todo & -todo;
		}
	}

	this_cpu_add(scx_kick_stats.outcomes[SCX_KICKED_SENT], sent);
	this_cpu_add(scx_kick_stats.outcomes[SCX_KICKED_COALESCED], coalesced);
	this_cpu_add(scx_kick_stats.outcomes[SCX_KICKED_BUSY], busy);
	return send;
}

/* The same with this CPU among them, or traced. */
static unsigned long kick_word_of_cpus(s32 first, unsigned long todo, int req)
{
	s32 this_bit = smp_processor_id() - first;

	if (this_bit >= 0 && this_bit < BITS_PER_LONG && (todo & BIT(this_bit))) {
		todo &= ~BIT(this_bit);
		kick_one(first + this_bit, req);
	}
	if (likely(!kick_traced()))
		return kick_cpus(first, todo, req);

	for (; todo; todo &= todo - 1)
		kick_now_traced(first + __ffs(todo), req);
	return 0;
}

/* One CPU is sent the reschedule IPI, several get what this machine has for several. */
static void kick_send_mask(struct cpumask *send)
{
#ifdef CONFIG_SMP
	unsigned int cpu = cpumask_first(send);

	if (cpu >= nr_cpu_ids)
		return;
	if (cpumask_next(cpu, send) >= nr_cpu_ids) {
		this_cpu_inc(scx_kick_stats.irqs);
		smp_send_reschedule(cpu);
		return;
	}
	this_cpu_add(scx_kick_stats.irqs, cpumask_weight(send));
	trace_ipi_send_cpumask(send, _RET_IP_, NULL);
	/* Arrives in generic_smp_call_function_single_interrupt(), which calls scx_kick_ipi(). */
	arch_send_call_function_ipi_mask(send);
#endif
}

/*
 * Kick all of @cpus that are online. Called after (A), with interrupts off, but not by somebody who
 * had them off: so this is no scx operation and no kick is held back, @later_lo is free.
 */
static s32 kick_mask(struct scx_kick *this_kick, const struct cpumask *cpus, int req)
{
	unsigned long *send = cpumask_bits(this_kick->later_lo);
	s32 asked = 0;
	int i;

	if (unlikely(req & KICK_REQ_WAIT))
		WRITE_ONCE(this_kick->wait_asked, true);
	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		unsigned long todo = READ_ONCE(cpumask_bits(cpus)[i]) &
				     READ_ONCE(cpumask_bits(cpu_online_mask)[i]);

		send[i] = 0;
		if (todo) {
			asked += hweight_long(todo);
			send[i] = kick_word_of_cpus(i * BITS_PER_LONG, todo, req);
		}
	}
	kick_send_mask(this_kick->later_lo);
	cpumask_clear(this_kick->later_lo);
	return asked;
}

/*
 * Hold a kick back until the scx operation has ended. Two bits for each target, 1: idle,
 * 2: resched, 3: preempt; the strongest kick of a target counts. That one of the kicks is to be
 * waited for is remembered for all of them together: waiting for another CPU that was kicked as
 * well takes one cycle of that CPU, which is on its way.
 *
 * Interrupts are off in these operations. NMI does not come here, and nothing is traced.
 */
static noinline notrace void kick_later(s32 cpu, int req)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	int level = req & KICK_REQ_PREEMPT ? 3 : req & KICK_REQ_RESCHED ? 2 : 1;
	int held = cpumask_test_cpu(cpu, this_kick->later_lo) |
		   cpumask_test_cpu(cpu, this_kick->later_hi) << 1;

	if (level > held) {
		__assign_bit(cpu, cpumask_bits(this_kick->later_lo), level & 1);
		__assign_bit(cpu, cpumask_bits(this_kick->later_hi), level & 2);
	}
	this_kick->later = kick_op();
	this_kick->later_wait |= req & KICK_REQ_WAIT;
	/* Last: a program that is attached to it may kick, too. */
	if (held)
		kick_account(cpu, req, SCX_KICKED_COALESCED);
}

/* Changes when @p leaves its CPU, between the start and the end of a cycle. */
static __always_inline unsigned long task_switches(struct task_struct *p)
{
	/* Written by the CPU that switches only, and read while it may be about to. */
	return data_race(p->nvcsw) + data_race(p->nivcsw);
}

static noinline notrace void kick_claim_later(struct task_struct *p, s32 cpu,
					      unsigned long switches, int wait)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	struct kick_claim *claim = this_cpu_ptr(&kick_claims);

	claim->task = p;
	claim->switches = switches;
	claim->cpu = cpu;
	this_kick->later = kick_op();
	this_kick->later_wait |= wait;
}

/*
 * Replace the KICK_CLAIM that this CPU holds by @req. Returns false if its task has left the CPU,
 * and the claim with it. *@word is what the target's word was.
 *
 * A cycle that does not switch tasks takes KICK_CLAIM and puts it back. In between, as long as the
 * word says PICKING, nobody else can claim, so there the bit need not be seen. Everywhere else it
 * is this CPU's as long as the task has not switched: the acquire makes sure that whoever sees the
 * KICK_CLAIM of a later stint sees that, too.
 */
static bool kick_replace_claim(struct kick_claim *claim, int req, int *word)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, claim->cpu);
	int new;

	do {
		*word = atomic_read_acquire(&kick->word);
		if (!(*word & (KICK_CLAIM | KICK_CPU_PICKING)) ||
		    task_switches(claim->task) != claim->switches)
			return false;
		new = (*word & ~KICK_CLAIM) | req;
		/*
		 * If this cycle leaves the task, it may have looked too early, see below. The
		 * KICK_CLAIM may be out of the word, KICK_REQ_TASK keeps it from being put back.
		 */
		if (*word & KICK_CPU_PICKING)
			new |= KICK_REQ_TASK | KICK_REQ_IDLE;
		kick_asked(kick, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, new));

	return true;
}

/*
 * If the task that was claimed has left the CPU of itself, the cycle in which it did may have
 * looked before the task was there that is to run instead. So an idle CPU has to look again;
 * whatever else it runs now is left alone.
 */
static noinline void kick_flush_claim(int wait)
{
	struct kick_claim *claim = this_cpu_ptr(&kick_claims);
	int word;

	if (!kick_replace_claim(claim, KICK_REQ_TASK | wait, &word)) {
		kick_place_and_send(claim->cpu, KICK_REQ_IDLE, false);
	} else {
		kick_ask_wait(claim->cpu, wait);
		if (!(word & (KICK_REQ_MASK | KICK_CPU_PICKING)))
			kick_send(claim->cpu, word);
	}
	claim->task = NULL;
}

static void kick_flush_masks(struct scx_kick *this_kick, int wait)
{
	unsigned long *los = cpumask_bits(this_kick->later_lo);
	unsigned long *his = cpumask_bits(this_kick->later_hi);
	int i;

	for (i = 0; i < BITS_TO_LONGS(nr_cpu_ids); i++) {
		unsigned long lo = los[i], hi = his[i];
		s32 first = i * BITS_PER_LONG;

		if (!(lo | hi))
			continue;
		if (hi && wait)
			WRITE_ONCE(this_kick->wait_asked, true);
		los[i] = kick_word_of_cpus(first, lo & ~hi, KICK_REQ_IDLE) |
			 kick_word_of_cpus(first, hi & ~lo, KICK_REQ_RESCHED | wait) |
			 kick_word_of_cpus(first, hi & lo,
					   KICK_REQ_RESCHED | KICK_REQ_PREEMPT | wait);
		his[i] = 0;
	}
	kick_send_mask(this_kick->later_lo);
	cpumask_clear(this_kick->later_lo);
}

/* The BPF scheduler has been bypassed since the operation began. */
static void kick_drop_later(struct scx_kick *this_kick, int wait)
{
	struct kick_claim *claim = this_cpu_ptr(&kick_claims);
	int word;
	s32 cpu;

	for_each_cpu_or(cpu, this_kick->later_lo, this_kick->later_hi) {
		bool lo = cpumask_test_cpu(cpu, this_kick->later_lo);
		bool hi = cpumask_test_cpu(cpu, this_kick->later_hi);

		kick_account(cpu, !hi ? KICK_REQ_IDLE :
			     KICK_REQ_RESCHED | (lo ? KICK_REQ_PREEMPT : 0) | wait,
			     SCX_KICKED_BYPASS);
	}
	cpumask_clear(this_kick->later_lo);
	cpumask_clear(this_kick->later_hi);

	if (claim->task)
		kick_replace_claim(claim, 0, &word);
	claim->task = NULL;
}

/**
 * __scx_kick_flush - scx_kick_flush() with kicks held back
 */
void __scx_kick_flush(void)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);
	int wait = this_kick->later_wait ? KICK_REQ_WAIT : 0;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed(NULL))) {
		kick_drop_later(this_kick, wait);
	} else {
		if (this_cpu_read(kick_claims.task))
			kick_flush_claim(wait);
		kick_flush_masks(this_kick, wait);
	}
	this_kick->later_wait = false;
	this_kick->later = KICK_LATER_NONE;
}

/*
 * If the CPU whose local DSQ @p will be moved to has a kick with PREEMPT held back, the move does
 * the preempting, and what is left is a kick without: it could come to take the slice from @p.
 */
static void kick_preempt_by_move(struct scx_kick *this_kick, struct task_struct *p)
{
	s32 cpu = p->scx.ddsp_dsq_id & SCX_DSQ_LOCAL_CPU_MASK;

	if (!cpumask_test_cpu(cpu, this_kick->later_lo) ||
	    !cpumask_test_cpu(cpu, this_kick->later_hi))
		return;
	cpumask_clear_cpu(cpu, this_kick->later_lo);
	p->scx.ddsp_enq_flags |= SCX_ENQ_PREEMPT;
}

/**
 * __scx_kick_enqueued - scx_kick_enqueued() with kicks held back
 * @p: the task
 * @enq_flags: with these flags
 *
 * A task that goes to the local DSQ of another CPU has not got there yet, which a verdict that has
 * not been cleared shows. If the task has just become runnable, task_woken_scx() moves it, and the
 * kicks wait for that: interrupts stay off, and nothing else enqueues in between. Otherwise an
 * irq_work moves it, of this rq, perhaps on another CPU. Then the kicks are done now. Of all that
 * they do, only a slice would be taken for nothing: so that is left to the move.
 */
void __scx_kick_enqueued(struct task_struct *p, u64 enq_flags)
{
	struct scx_kick *this_kick = this_cpu_ptr(&scx_kick_pcpu);

	if (p->scx.ddsp_dsq_id != SCX_DSQ_INVALID) {
		if (enq_flags & (ENQUEUE_WAKEUP | ENQUEUE_INITIAL)) {
			this_kick->later = KICK_LATER_WOKEN;
			return;
		}
		kick_preempt_by_move(this_kick, p);
	}
	__scx_kick_flush();
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
	if (kick_reachable(NULL, cpu, req))
		kick_now(NULL, cpu, req);
}

/**
 * scx_kick_ipi - an IPI has arrived that may have been sent for a kick
 *
 * Nothing is taken from the word, the cycle does that. No lock is needed to mark the own current.
 *
 * Context: the handlers of the reschedule and the call function IPI, interrupts are off.
 */
void scx_kick_ipi(void)
{
	if (!scx_enabled())
		return;
	if (atomic_read(this_cpu_ptr(&scx_kick_pcpu.word)) & KICK_REQ_MASK)
		kick_resched_self();
}

static void kick_trace_served(struct scx_kick *kick, s32 cpu, int word)
{
	u64 *asked_ns = &kick->asked_ns[(word >> KICK_CYCLE_SHIFT) & 1];
	u64 asked = READ_ONCE(*asked_ns);

	WRITE_ONCE(*asked_ns, 0);
	trace_sched_ext_kick_served(cpu, word & KICK_REQ_MASK,
				    asked ? kick_ns_since(asked) : 0);
}

/* The claim goes on if this cycle does not switch tasks. Its owner may replace it meanwhile. */
static void kick_put_back_claim(struct scx_kick *kick)
{
	int word = atomic_read(&kick->word);

	do {
		if (word & KICK_REQ_TASK)
			return;
	} while (!atomic_try_cmpxchg(&kick->word, &word, word | KICK_CLAIM));
}

/* What the CPU of @rq runs: the lock keeps it from changing. */
static __always_inline struct task_struct *kick_curr(struct rq *rq)
{
	lockdep_assert_rq_held(rq);
	return rcu_dereference_protected(rq->curr, lockdep_is_held(__rq_lockp(rq)));
}

/**
 * scx_kick_serve - a cycle has taken requests, or a claim
 * @rq: this CPU's rq, locked
 * @word: the word that they were in
 *
 * A task of another class has no slice: what was asked then is met by the cycle itself.
 */
void scx_kick_serve(struct rq *rq, int word)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	struct task_struct *curr = kick_curr(rq);

	if (word & KICK_CLAIM)
		kick_put_back_claim(kick);
	if (!(word & KICK_REQ_MASK))
		return;

	if ((word & (KICK_REQ_PREEMPT | KICK_REQ_TASK)) &&
	    curr->sched_class == &ext_sched_class)
		kick_end_slice(curr);

	this_cpu_inc(scx_kick_stats.served);
	if (trace_sched_ext_kick_served_enabled())
		kick_trace_served(kick, cpu_of(rq), word);
}

/* Returns false if the cycle has ended. */
static noinline bool kick_resched_picking(struct scx_kick *kick)
{
	int word = atomic_read(&kick->word);

	do {
		if (!(word & KICK_CPU_PICKING))
			return false;
		kick_asked(kick, word);
	} while (!atomic_try_cmpxchg(&kick->word, &word, word | KICK_REQ_RESCHED));

	return true;
}

/**
 * scx_kick_local_enq - make a CPU look at the task that was put on its local DSQ
 * @dsq: the local DSQ, its rq is locked
 * @p: the task
 * @enq_flags: %SCX_ENQ_PREEMPT takes the slice from the CPU's current sched_ext task
 *
 * The rq lock keeps the CPU from starting a cycle and from taking its next task. If one is under
 * way it may have done the latter, and the end of it leads to another one.
 */
void scx_kick_local_enq(struct scx_dispatch_q *dsq, struct task_struct *p, u64 enq_flags)
{
	struct rq *rq = container_of(dsq, struct rq, scx.local_dsq);
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu_of(rq));
	struct task_struct *curr = kick_curr(rq);
	bool on_scx = curr->sched_class == &ext_sched_class;
	bool preempt = on_scx && p != curr && (enq_flags & SCX_ENQ_PREEMPT);

	/* The CPU is about to take its next task from this DSQ. */
	if (kick_rq_dispatches(rq))
		return;
	if (!preempt && !sched_class_above(&ext_sched_class, curr->sched_class))
		return;

	if (preempt)
		kick_end_slice(curr);

	if ((atomic_read(&kick->word) & KICK_CPU_PICKING) && kick_resched_picking(kick))
		return;
	resched_curr(rq);
}

/* Returns false if this CPU has to schedule before @cpu has entered a cycle. */
static bool kick_wait_for(struct scx_kick *this_kick, s32 cpu)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);
	int word;

	/* Otherwise this CPU has waited for it before, and gave way. */
	if (this_kick->wait_cpu != cpu) {
		this_kick->wait_cpu = cpu;
		this_kick->wait_word = atomic_read(&kick->word);	/* (C) */
	}
	/* (D), pairs with (B) in scx_kick_cycle_start() */
	while ((word = atomic_read_acquire(&kick->word)) & KICK_REQ_WAIT) {
		if ((word ^ this_kick->wait_word) >> KICK_CYCLE_SHIFT)
			break;
		if (need_resched())
			return false;
		scx_kick_wait_check(cpu);
		cpu_relax();
	}
	return true;
}

/* @ended: it does not go on after the next cycle */
static void kick_wait_account(struct scx_kick_stats *stats, bool ended)
{
	u64 took;

	/* debugfs resets these by an interrupt. */
	guard(irqsave)();
	took = stats->wait_before_ns + kick_ns_since(stats->wait_since_ns);
	WRITE_ONCE(stats->wait_since_ns, 0);
	if (!ended) {
		stats->wait_before_ns = took;
		return;
	}
	stats->wait_before_ns = 0;
	stats->wait_told = false;
	stats->waits++;
	stats->wait_ns += took;
	stats->wait_max_ns = max(stats->wait_max_ns, took);
}

/*
 * Of all that are waited for, this CPU's own targets are some: only a cycle of theirs takes
 * KICK_REQ_WAIT away. Interrupts are on, so a kick from one may set @wait_asked at any time. What
 * runs by then need not wait for that one, but the task after it.
 */
static void kick_wait(struct scx_kick *kick)
{
	struct scx_kick_stats *stats = this_cpu_ptr(&scx_kick_stats);
	s32 cpu = max(kick->wait_cpu, 0);

	WRITE_ONCE(stats->wait_since_ns, ktime_get_mono_fast_ns());

	/* The bypass makes every CPU schedule. */
	if (kick_bypassed(NULL))
		cpu = nr_cpu_ids;
	for_each_cpu_from(cpu, cpu_online_mask) {
		if (cpu != smp_processor_id() && !kick_wait_for(kick, cpu))
			break;
	}
	if (cpu >= nr_cpu_ids)
		kick->wait_cpu = nr_cpu_ids;
	kick_wait_account(stats, cpu >= nr_cpu_ids);
}

/*
 * A sched_ext task runs from now on. If it is the one that a wait held up before, that wait goes
 * on, and what was asked meanwhile comes after it. Else the task might never run: all CPUs may be
 * kicked and waited for again and again. So may this CPU while the wait lasts: the task is held up
 * until it can execute something, and not only until the wait has ended.
 */
static void kick_wait_begin(struct scx_kick *kick, bool switched)
{
	if (READ_ONCE(kick->wait_asked) && (switched || !READ_ONCE(kick->wait_on))) {
		WRITE_ONCE(kick->wait_asked, false);
		kick->wait_cpu = -1;
	} else if (!READ_ONCE(kick->wait_on)) {
		return;
	}
	if (kick->wait_cpu != nr_cpu_ids)
		kick_wait(kick);
	WRITE_ONCE(kick->wait_on, kick->wait_cpu != nr_cpu_ids || need_resched());
}

/**
 * __scx_kick_sibling_pick - scx_kick_sibling_pick() with a BPF scheduler loaded
 */
void __scx_kick_sibling_pick(void)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	unsigned int picks = kick->number + KICK_SIBLING;
	int word = atomic_read(&kick->word);
	int new;

	/* Its own number, or a claimer could take the word after it for the one before. */
	kick->number = (kick->number & -KICK_CYCLE) | (picks & (KICK_CYCLE - 1));
	do {
		new = kick->number | KICK_CPU_PICKING |
		      (word & (KICK_REQ_MASK | KICK_CLAIM | KICK_CPU_BUSY));
	} while (!atomic_try_cmpxchg(&kick->word, &word, new));
}

/* The cycle did not simply go from PICKING to @state: @word is what was there instead. */
static void kick_cycle_again(struct scx_kick *kick, int word, int state, bool switched)
{
	int drop = 0, new;

	/* A CPU that runs a task will start a cycle before it idles, no need for one now. */
	if (state == KICK_CPU_BUSY)
		drop |= KICK_REQ_IDLE;
	/* What was claimed runs no more. Not PICKING: the BPF scheduler came during this cycle. */
	if (switched && (word & KICK_CPU_PICKING))
		drop |= KICK_REQ_TASK | KICK_CLAIM;

	do {
		new = kick->number | state | (word & (KICK_REQ_MASK | KICK_CLAIM) & ~drop);
	} while (!atomic_try_cmpxchg(&kick->word, &word, new));

	/*
	 * A CPU that went from BUSY to idle without a cycle start of its own (a sibling made the
	 * pick) owes one to whoever relied on BUSY. Not if it is forced idle and has tasks: two
	 * siblings would force each other to idle in turn.
	 */
	if ((new & KICK_REQ_MASK) ||
	    (state == KICK_CPU_IDLE && (word & KICK_CPU_BUSY) && !this_rq()->nr_running))
		kick_resched_self();
}

/* @word is what the end of the cycle found. Apart, so that the other cycles save no registers. */
static noinline void kick_cycle_end_slow(struct scx_kick *kick, int word, int state, bool switched)
{
	if (word != (kick->number | KICK_CPU_PICKING))
		kick_cycle_again(kick, word, state, switched);
	if (READ_ONCE(kick->waiting) && READ_ONCE(current->sched_class) == &ext_sched_class)
		kick_wait_begin(kick, switched);
}

/**
 * __scx_kick_cycle_end - scx_kick_cycle_end() with a BPF scheduler loaded
 * @switched: another task runs now
 */
void __scx_kick_cycle_end(bool switched)
{
	struct scx_kick *kick = this_cpu_ptr(&scx_kick_pcpu);
	int state = is_idle_task(current) ? KICK_CPU_IDLE : KICK_CPU_BUSY;
	int word = kick->number | KICK_CPU_PICKING;

	if (unlikely(!atomic_try_cmpxchg(&kick->word, &word, kick->number | state) ||
		     READ_ONCE(kick->waiting)))
		kick_cycle_end_slow(kick, word, state, switched);
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
		WRITE_ONCE(kick->waiting, 0);
		WRITE_ONCE(per_cpu(scx_kick_stats, cpu).wait_before_ns, 0);
		WRITE_ONCE(per_cpu(scx_kick_stats, cpu).wait_told, false);
	}
}

/* %SCX_KICK_IDLE stands alone, the others combine. */
static __always_inline bool kick_flags_valid(struct scx_sched *sch, u64 flags)
{
	if (likely(flags == SCX_KICK_IDLE || !(flags & ~(SCX_KICK_PREEMPT | SCX_KICK_WAIT))))
		return true;

	kick_error(sch,
		   "invalid kick flags 0x%llx (IDLE 0x1 alone, or any of PREEMPT 0x2, WAIT 0x4)",
		   flags);
	return false;
}

static __always_inline bool kick_enabled(struct scx_sched *sch, s32 cpu, int req)
{
	if (kick_loaded(sch))
		return true;
	kick_account(cpu, req, SCX_KICKED_DISABLED);
	return false;
}

static s32 kick_drop_mask(const struct cpumask *cpus, int req, enum scx_kick_outcome why)
{
	s32 cpu;

	for_each_cpu_and(cpu, cpus, cpu_online_mask)
		kick_account(cpu, req, why);
	return 0;
}

static __always_inline int kick_req(u64 flags)
{
	return flags == SCX_KICK_IDLE ? KICK_REQ_IDLE : KICK_REQ_RESCHED | (int)flags;
}

/* A kick by a program of @sch, interrupts are off. */
static __always_inline void kick_flagged(struct scx_sched *sch, s32 cpu, u64 flags, int req)
{
	if (!kick_enabled(sch, cpu, req))
		return;
	if (!kick_flags_valid(sch, flags) || !kick_reachable(sch, cpu, req))
		return;

	if (unlikely(kick_needs_caps(sch)))
		kick_with_caps(sch, cpu, req);
	else if (kick_in_op())
		kick_later(cpu, req);
	else
		kick_now(sch, cpu, req);
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
	int req = kick_req(flags);

	/* Tested with interrupts off: scx_kick_reset() comes after a grace period. */
	guard(irqsave)();
	kick_flagged(KICK_PROG_SCHED, cpu, flags, req);
}

/**
 * scx_bpf_kick_cpumask - make several CPUs schedule
 * @cpus: CPUs to kick, those of them that are online
 * @flags: as for scx_bpf_kick_cpu()
 *
 * Does what scx_bpf_kick_cpu() does for each CPU. Those that need an interrupt get it together, by
 * as few operations as the machine has for that. Not so where it is called with interrupts off,
 * other than from ops.select_cpu(), ops.enqueue() and ops.dispatch(): there one after the other.
 *
 * Unknown @flags and %SCX_KICK_IDLE with another flag end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return: how many CPUs of @cpus are online, 0 if the kicks were dropped because the BPF scheduler
 * is bypassed or none is loaded, or -%EINVAL for invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_cpumask(const struct cpumask *cpus, u64 flags)
{
	int req = kick_req(flags);
	bool irqs = !irqs_disabled();
	struct scx_sched *sch;
	s32 cpu, asked = 0;

	guard(irqsave)();
	sch = KICK_PROG_SCHED;
	if (!kick_loaded(sch))
		return kick_drop_mask(cpus, req, SCX_KICKED_DISABLED);
	if (!kick_flags_valid(sch, flags))
		return -EINVAL;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	if (unlikely(kick_bypassed(sch)))
		return kick_drop_mask(cpus, req, SCX_KICKED_BYPASS);
	if (irqs && likely(!kick_needs_caps(sch)))
		return kick_mask(this_cpu_ptr(&scx_kick_pcpu), cpus, req);

	/*
	 * Held back, or one after the other: a tracing program may be in the middle of another
	 * kick, or of the interrupt controller's code for several CPUs, each of which has one
	 * mask to work with.
	 */
	for_each_cpu_and(cpu, cpus, cpu_online_mask) {
		asked++;
		if (unlikely(kick_needs_caps(sch)))
			kick_with_caps(sch, cpu, req);
		else if (kick_in_op())
			kick_later(cpu, req);
		else
			kick_one(cpu, req);
	}
	return asked;
}

/*
 * Put @req into the word of the CPU @cpu if @p is what it runs and nothing else preempts it. *@word
 * is what the word was, *@switches belongs to the stint.
 */
static __always_inline s32 kick_claim(struct task_struct *p, s32 cpu, int req, int *word,
				      unsigned long *switches, bool traced)
{
	struct scx_kick *kick = per_cpu_ptr(&scx_kick_pcpu, cpu);

	if (READ_ONCE(p->sched_class) != &ext_sched_class)
		return -ESRCH;

	do {
		*word = atomic_read_acquire(&kick->word);	/* (E) */
		if (rcu_access_pointer(cpu_rq(cpu)->curr) != p)
			return -ESRCH;
		if (*word & (KICK_CPU_PICKING | KICK_REQ_PREEMPT | KICK_REQ_TASK | KICK_CLAIM))
			return -EBUSY;
		/* SCX_ENQ_PREEMPT, or a slice at its end. It may change, this is no promise. */
		if (!data_race(p->scx.slice) && test_tsk_need_resched(p))
			return -EBUSY;
		*switches = task_switches(p);
		if (traced && req != KICK_CLAIM)
			kick_asked(kick, *word);
	} while (!atomic_try_cmpxchg(&kick->word, word, *word | req));	/* (F) */

	return 0;
}

static __always_inline s32 kick_task(struct task_struct *p, s32 cpu, int wait, bool traced)
{
	unsigned long switches;
	int word;
	s32 ret;

	if (kick_in_op() && !this_cpu_read(kick_claims.task)) {
		ret = kick_claim(p, cpu, KICK_CLAIM, &word, &switches, traced);
		if (!ret)
			kick_claim_later(p, cpu, switches, wait);
		return ret;
	}

	ret = kick_claim(p, cpu, KICK_REQ_TASK | wait, &word, &switches, traced);
	if (ret)
		return ret;
	kick_ask_wait(cpu, wait);
	if (!(word & KICK_REQ_MASK))
		kick_send(cpu, word);
	return 0;
}

static __always_inline enum scx_kick_outcome kick_task_outcome(s32 ret)
{
	return !ret ? SCX_KICKED_CLAIMED : ret == -EBUSY ? SCX_KICKED_REFUSED : SCX_KICKED_GONE;
}

static noinline s32 kick_task_traced(struct task_struct *p, s32 cpu, int wait)
{
	s32 ret = kick_task(p, cpu, wait, true);

	kick_account(cpu, KICK_REQ_TASK | wait, kick_task_outcome(ret));
	return ret;
}

/**
 * scx_bpf_kick_task - preempt a task, if it is still running
 * @p: the task
 * @flags: 0 or %SCX_KICK_WAIT
 *
 * Like scx_bpf_kick_cpu() with %SCX_KICK_PREEMPT on the CPU that runs @p, except that nothing but
 * @p is preempted: if @p leaves that CPU before the kick arrives, nobody else suffers for it. And
 * of all that preempt @p at a time, exactly one is told that it does. The others can look for
 * another task to preempt at once.
 *
 * The first claim that an ops.select_cpu(), ops.enqueue() or ops.dispatch() makes is held back
 * like its kicks, until what the operation decided has been done. Others are sent at once. One
 * made in ops.enqueue() of a task that was runnable before, and that goes to the local DSQ of
 * another CPU, may preempt before the task is there: use %SCX_ENQ_PREEMPT for that.
 *
 * %SCX_KICK_WAIT waits for @p to be off its CPU. There is nothing to wait for where it left of
 * itself before a claim that was held back could be sent.
 *
 * Unknown @flags end the BPF scheduler.
 *
 * Context: As scx_bpf_kick_cpu().
 *
 * Return:
 * * 0		- This call has claimed the preemption of @p.
 * * -%EBUSY	- Another preemption of @p is on its way, and will see what the caller wrote
 *		  before; or its slice has ended, and it is about to be scheduled; or the CPU is
 *		  inside a scheduling cycle already; or the BPF scheduler is bypassed. A bypass
 *		  makes up for the preemptions that it drops, as the claims held back then.
 * * -%ESRCH	- @p does not run, or not as a sched_ext task, or no BPF scheduler is loaded.
 * * -%EINVAL	- Invalid @flags.
 */
__bpf_kfunc s32 scx_bpf_kick_task(struct task_struct *p, u64 flags)
{
	int req = KICK_REQ_TASK | (int)flags;
	s32 cpu = task_cpu(p), ret;
	struct scx_sched *sch;

	guard(irqsave)();
	sch = KICK_PROG_SCHED;
	if (!kick_enabled(sch, cpu, req))
		return -ESRCH;
	if (flags & ~SCX_KICK_WAIT) {
		kick_error(sch, "invalid flags 0x%llx to kick a task with (0 or WAIT 0x4)", flags);
		return -EINVAL;
	}
	if (unlikely(kick_needs_caps(sch)) && !kick_task_permitted(sch, p, cpu))
		return -ESRCH;

	smp_mb();	/* (A), pairs with (B) in scx_kick_cycle_start() */
	/* The bypass reschedules every CPU. */
	if (unlikely(kick_bypassed(sch))) {
		kick_account(cpu, req, SCX_KICKED_BYPASS);
		return -EBUSY;
	}

	if (unlikely(kick_traced()))
		return kick_task_traced(p, cpu, (int)flags);
	ret = kick_task(p, cpu, (int)flags, false);
	this_cpu_inc(scx_kick_stats.outcomes[kick_task_outcome(ret)]);
	return ret;
}

__bpf_kfunc_end_defs();

BTF_KFUNCS_START(scx_kick_kfunc_ids)
BTF_ID_FLAGS(func, scx_bpf_kick_cpu, KICK_KF)
BTF_ID_FLAGS(func, scx_bpf_kick_cpumask, KICK_KF | KF_RCU)
BTF_ID_FLAGS(func, scx_bpf_kick_task, KICK_KF | KF_RCU)
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
