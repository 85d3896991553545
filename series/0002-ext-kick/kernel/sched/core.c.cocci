// Where a scheduling cycle starts ...

@ start @
identifier rq;
@@
prev_balance(struct rq *rq, ...)
{
<...
if (scx_enabled()) {
+	scx_kick_cycle_start(rq);
	rq->scx.flags |= SCX_RQ_BAL_PENDING;
	...
}
...>
}

// ... and where it ends, with a switch and without.

@ switched @
identifier rq;
@@
struct rq *finish_task_switch(...)
{
...
+ scx_kick_cycle_end(true);
return rq;
}

@ kept @
identifier rq;
@@
__schedule(...)
{
<...
raw_spin_rq_unlock_irq(rq);
+ scx_kick_cycle_end(false);
...>
}
