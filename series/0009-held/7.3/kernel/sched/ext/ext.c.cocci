// What an operation decided has been done: now its kicks.

// In enqueue_task_scx() the flags of the core, and not those stashed for a move:
// task_woken_scx() follows the former only.

@ runnable @
expression rq, p, enq_flags, sticky_cpu;
@@
enqueue_task_scx(...)
{
<...
scx_do_enqueue_task(rq, p, enq_flags, sticky_cpu);
+ scx_kick_enqueued(p, core_enq_flags);
...>
}

@ enqueued @
expression rq, p, enq_flags, sticky_cpu;
@@
(
scx_do_enqueue_task(rq, p, enq_flags, sticky_cpu);
scx_kick_enqueued(...);
|
scx_do_enqueue_task(rq, p, enq_flags, sticky_cpu);
+ scx_kick_enqueued(p, enq_flags);
)

@ woken @
@@
task_woken_scx(...)
{
...
run_deferred(...);
+ scx_kick_flush(KICK_OP_WOKEN);
}
