// Where a scheduling cycle starts.

@ start @
identifier rq;
iterator name for_active_class_range;
@@
prev_balance(struct rq *rq, ...)
{
...
+ if (scx_enabled()) {
+	scx_kick_cycle_start(rq);
+	scx_kick_serve_subs(rq);
+ }
for_active_class_range(...) { ... }
}

// What ops.select_cpu() decided is left to the other CPU to do.

@ queued @
@@
ttwu_queue(...)
{
<...
if (ttwu_queue_wakelist(...))
-	return;
+ {
+	scx_kick_flush_queued();
+	return;
+ }
...>
}
