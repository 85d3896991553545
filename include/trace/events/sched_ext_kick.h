/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kicks of sched_ext: what was asked, and when it was served. For
 * kernel/sched/ext/kick.c, with the enumerators of kick_int.h there.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sched_ext
/* trace/events/sched_ext.h has the same system. */
#undef TRACE_SYSTEM_VAR
#define TRACE_SYSTEM_VAR sched_ext_kick

#if !defined(_TRACE_SCHED_EXT_KICK_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_SCHED_EXT_KICK_H

#include <linux/tracepoint.h>

TRACE_DEFINE_ENUM(SCX_KICK_IDLE);
TRACE_DEFINE_ENUM(SCX_KICK_PREEMPT);
TRACE_DEFINE_ENUM(SCX_KICK_WAIT);

#define show_kick_flags(flags)				\
	__print_flags(flags, "|",			\
		{ SCX_KICK_IDLE,	"IDLE" },	\
		{ SCX_KICK_PREEMPT,	"PREEMPT" },	\
		{ SCX_KICK_WAIT,	"WAIT" },	\
		{ KICK_REQ_LAZY,	"LAZY" },	\
		{ KICK_REQ_RESCHED,	"RESCHED" },	\
		{ KICK_REQ_TASK,	"TASK" })

#undef EM
#undef EM_LAST
#define EM(outcome, name)	TRACE_DEFINE_ENUM(outcome);
#define EM_LAST(outcome, name)	TRACE_DEFINE_ENUM(outcome);
KICK_OUTCOMES(EM, EM_LAST)
#undef EM
#undef EM_LAST

#define EM(outcome, name)	{ outcome, name },
#define EM_LAST(outcome, name)	{ outcome, name }
#define show_kick_outcome(outcome)				\
	__print_symbolic(outcome, KICK_OUTCOMES(EM, EM_LAST))

int scx_kick_trace_reg(void);
void scx_kick_trace_unreg(void);

/* The CPU on which this is recorded has kicked @cpu. */
TRACE_EVENT_FN(sched_ext_kick,
	       TP_PROTO(int cpu, u32 flags, u32 outcome),
	       TP_ARGS(cpu, flags, outcome),
	       TP_STRUCT__entry(__field(int, cpu)
				__field(u32, flags)
				__field(u32, outcome)),
	       TP_fast_assign(__entry->cpu = cpu;
			      __entry->flags = flags;
			      __entry->outcome = outcome;),
	       TP_printk("cpu=%d flags=%s outcome=%s", __entry->cpu,
			 show_kick_flags(__entry->flags), show_kick_outcome(__entry->outcome)),
	       scx_kick_trace_reg, scx_kick_trace_unreg
);

/*
 * @cpu, on which this is recorded, starts the cycle that serves its kicks.
 * @delay_ns is the time since the first of them was made, 0 if that was before
 * this event was switched on.
 */
TRACE_EVENT_FN(sched_ext_kick_served,
	       TP_PROTO(int cpu, u32 flags, u64 delay_ns),
	       TP_ARGS(cpu, flags, delay_ns),
	       TP_STRUCT__entry(__field(int, cpu)
				__field(u32, flags)
				__field(u64, delay_ns)),
	       TP_fast_assign(__entry->cpu = cpu;
			      __entry->flags = flags;
			      __entry->delay_ns = delay_ns;),
	       TP_printk("cpu=%d flags=%s delay_ns=%llu", __entry->cpu,
			 show_kick_flags(__entry->flags), __entry->delay_ns),
	       scx_kick_trace_reg, scx_kick_trace_unreg
);

#endif	/* _TRACE_SCHED_EXT_KICK_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE sched_ext_kick
#include <trace/define_trace.h>
