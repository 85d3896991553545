// What an operation decided has been done: now its kicks. That of a sub-scheduler
// may be part of its parent's, which has not been carried out yet.

@ dispatched @
@@
scx_dispatch_sched(...)
{
<...
scx_flush_dispatch_buf(sch, rq);
+ if (!nested)
+	scx_kick_dispatched(rq, prev);
...>
}
