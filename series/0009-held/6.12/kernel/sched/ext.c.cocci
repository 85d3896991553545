// What an operation decided has been done: now its kicks.

@ stopped @
expression dsq, p;
@@
put_prev_task_scx(...)
{
<...
dispatch_enqueue(dsq, p, SCX_ENQ_HEAD);
+ scx_kick_enqueued(p, 0);
...>
}

@ enqueued @
expression rq, p, enq_flags, sticky_cpu;
@@
do_enqueue_task(rq, p, enq_flags, sticky_cpu);
+ scx_kick_enqueued(p, enq_flags);

@ woken @
@@
task_woken_scx(...)
{
...
run_deferred(...);
+ scx_kick_flush(KICK_OP_WOKEN);
}
