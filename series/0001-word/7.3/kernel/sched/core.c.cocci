// Where a scheduling cycle starts.

@ start @
identifier rq;
iterator name for_active_class_range;
@@
prev_balance(struct rq *rq, ...)
{
...
+ if (scx_enabled())
+	scx_kick_cycle_start(rq);
for_active_class_range(...) { ... }
}
