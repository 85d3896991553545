// The debug dump ...

@ dump @
expression s;
@@
scx_dump_state(...)
{
<...
dump_line(s, ..., rq->curr->comm, ...);
+ scx_kick_dump(s, cpu, false);
...>
}

// ... which leaves out idle CPUs.

@ dump_idle @
identifier idle, s, next;
expression E;
@@
scx_dump_state(...)
{
...
struct seq_buf s;
<...
if (idle && E)
-	goto next;
+	{
+		scx_kick_dump(&s, cpu, true);
+		goto next;
+	}
...>
}
