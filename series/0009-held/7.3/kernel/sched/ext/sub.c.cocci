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
