// A wait that the CPU has not scheduled for.

@ tick @
identifier rq;
@@
task_tick_scx(struct rq *rq, ...)
{
<...
update_curr_scx(rq);
+ scx_kick_tick(rq);
...>
}
