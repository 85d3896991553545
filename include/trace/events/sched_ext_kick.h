/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kicks of sched_ext: what was asked, and when it was served. For kernel/sched/ext_kick.c, with the
 * enumerators of ext_kick.h there.
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
		{ KICK_REQ_RESCHED,	"RESCHED" },	\
		{ KICK_REQ_TASK,	"TASK" })

TRACE_DEFINE_ENUM(SCX_KICKED_SENT);
TRACE_DEFINE_ENUM(SCX_KICKED_COALESCED);
TRACE_DEFINE_ENUM(SCX_KICKED_SELF);
TRACE_DEFINE_ENUM(SCX_KICKED_BUSY);
TRACE_DEFINE_ENUM(SCX_KICKED_OFFLINE);
TRACE_DEFINE_ENUM(SCX_KICKED_BYPASS);
TRACE_DEFINE_ENUM(SCX_KICKED_DISABLED);
TRACE_DEFINE_ENUM(SCX_KICKED_CLAIMED);
TRACE_DEFINE_ENUM(SCX_KICKED_REFUSED);
TRACE_DEFINE_ENUM(SCX_KICKED_GONE);

#define show_kick_outcome(outcome)				\
	__print_symbolic(outcome,				\
		{ SCX_KICKED_SENT,	"sent" },		\
		{ SCX_KICKED_COALESCED,	"coalesced" },		\
		{ SCX_KICKED_SELF,	"self" },		\
		{ SCX_KICKED_BUSY,	"busy" },		\
		{ SCX_KICKED_OFFLINE,	"offline" },		\
		{ SCX_KICKED_BYPASS,	"bypass" },		\
		{ SCX_KICKED_DISABLED,	"disabled" },		\
		{ SCX_KICKED_CLAIMED,	"claimed" },		\
		{ SCX_KICKED_REFUSED,	"refused" },		\
		{ SCX_KICKED_GONE,	"gone" })

/* A CPU, the one this is recorded on, has kicked @cpu. */
TRACE_EVENT(sched_ext_kick,
	    TP_PROTO(int cpu, u32 flags, u32 outcome),
	    TP_ARGS(cpu, flags, outcome),
	    TP_STRUCT__entry(__field(int, cpu)
			     __field(u32, flags)
			     __field(u32, outcome)),
	    TP_fast_assign(__entry->cpu = cpu;
			   __entry->flags = flags;
			   __entry->outcome = outcome;),
	    TP_printk("cpu=%d flags=%s outcome=%s", __entry->cpu,
		      show_kick_flags(__entry->flags), show_kick_outcome(__entry->outcome))
);

/*
 * @cpu, on which this is recorded, starts the cycle that serves its kicks. @delay_ns: since the
 * first of them was made, 0 if that was before this event was switched on.
 */
TRACE_EVENT(sched_ext_kick_served,
	    TP_PROTO(int cpu, u32 flags, u64 delay_ns),
	    TP_ARGS(cpu, flags, delay_ns),
	    TP_STRUCT__entry(__field(int, cpu)
			     __field(u32, flags)
			     __field(u64, delay_ns)),
	    TP_fast_assign(__entry->cpu = cpu;
			   __entry->flags = flags;
			   __entry->delay_ns = delay_ns;),
	    TP_printk("cpu=%d flags=%s delay_ns=%llu", __entry->cpu,
		      show_kick_flags(__entry->flags), __entry->delay_ns)
);

#endif	/* _TRACE_SCHED_EXT_KICK_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE sched_ext_kick
#include <trace/define_trace.h>
