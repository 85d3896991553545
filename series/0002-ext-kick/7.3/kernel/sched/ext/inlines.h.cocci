// A dispatch loop that gives up.

@ dispatch_loop @
@@
scx_dispatch_sched(...)
{
<...
if (unlikely(!--nr_loops)) {
+	scx_kick_cpu(cpu, KICK_REQ_RESCHED);
	break;
}
...>
}

// Kicks from an operation wait until what it decided has been done. That of a sub-scheduler may be
// part of its parent's.

@ dispatch @
@@
scx_dispatch_sched(...)
{
<...
+ scx_kick_set_op(KICK_LATER_DISPATCH);
SCX_CALL_OP(sch, dispatch, ...);
+ scx_kick_set_op(nested ? KICK_LATER_DISPATCH : KICK_LATER_NONE);
...>
}

@ dispatched @
@@
scx_dispatch_sched(...)
{
<...
scx_flush_dispatch_buf(sch, rq);
+ if (!nested)
+	scx_kick_flush(KICK_LATER_DISPATCH);
...>
}
