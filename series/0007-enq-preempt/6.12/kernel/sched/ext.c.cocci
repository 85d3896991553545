// A task on the local DSQ, with or without SCX_ENQ_PREEMPT.

@ enq_gone @
@@
- void local_dsq_post_enq(...) { ... }

@ enq @
@@
- local_dsq_post_enq
+ scx_kick_local_enq
  (...)

@ dispatched @
@@
balance_one(...)
{
<...
flush_dispatch_buf(rq);
+ scx_kick_dispatched(rq, prev);
...>
}
