// The debug dump ...

@ dump @
@@
scx_dump_cpu(...)
{
<...
scx_dump_line(&ns, ..., rq->curr->comm, ...);
+ scx_kick_dump(&ns, cpu, false);
...>
}

// ... which leaves out idle CPUs.

@ dump_idle @
identifier next;
expression E;
@@
scx_dump_cpu(...)
{
<...
if (idle && E)
-	goto next;
+	{
+		scx_kick_dump(s, cpu, true);
+		goto next;
+	}
...>
}
