// The CPU looks at the caps that have changed in its next scheduling cycle.

@ changed @
expression E;
@@
queue_sync_ecaps(...)
{
<...
- llist_add(E, ...);
+ if (llist_add(E, &cpu_rq(cpu)->scx.ecaps_to_sync))
+	scx_kick_cpu(cpu, KICK_REQ_RESCHED);
...>
}

// What an operation decided has been done: now its kicks.

@ dispatched @
@@
scx_process_sync_ecaps(...)
{
<...
scx_flush_dispatch_buf(pcpu->sch, rq);
+ scx_kick_flush(KICK_OP_DISPATCH);
...>
}

@ enqueued @
expression rq, p, enq_flags, sticky_cpu;
@@
scx_do_enqueue_task(rq, p, enq_flags, sticky_cpu);
+ scx_kick_enqueued(p, enq_flags);
