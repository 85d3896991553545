// Where a scheduling cycle starts.

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
