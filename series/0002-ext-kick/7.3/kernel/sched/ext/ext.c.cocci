// The debug dump ...

@ dump @
@@
scx_dump_cpu(...)
{
<...
scx_dump_line(&ns, ..., rq->curr->comm, ...);
+ scx_kick_dump(&ns, cpu, false);
...>
}

// ... which leaves out idle CPUs.

@ dump_idle @
identifier next;
expression E;
@@
scx_dump_cpu(...)
{
<...
if (idle && E)
-	goto next;
+	{
+		scx_kick_dump(s, cpu, true);
+		goto next;
+	}
...>
}

// Kicks from an operation wait until what it decided has been done.

@ select_cpu @
expression cpu;
@@
select_task_rq_scx(...)
{
<...
+ scx_kick_set_op(KICK_LATER_ENQUEUE);
cpu = SCX_CALL_OP_TASK_RET(sch, select_cpu, ...);
+ scx_kick_set_op(KICK_LATER_NONE);
...>
}

@ enqueue @
@@
scx_do_enqueue_task(...)
{
<...
+ scx_kick_set_op(KICK_LATER_ENQUEUE);
SCX_CALL_OP_TASK(sch, enqueue, ...);
+ scx_kick_set_op(KICK_LATER_NONE);
...>
}

@ enqueued @
expression rq, p, enq_flags, sticky_cpu;
@@
scx_do_enqueue_task(rq, p, enq_flags, sticky_cpu);
+ scx_kick_enqueued(p, enq_flags);

@ woken @
@@
task_woken_scx(...)
{
...
run_deferred(...);
+ scx_kick_flush(KICK_LATER_WOKEN);
}
