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
