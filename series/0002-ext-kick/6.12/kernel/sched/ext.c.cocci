// Kicks from within: a dispatch loop that gives up, a pick without a balance.

@ dispatch_loop @
@@
balance_one(...)
{
<...
if (unlikely(!--nr_loops)) {
+	scx_kick_cpu(cpu_of(rq), KICK_REQ_RESCHED);
	break;
}
...>
}

@ pick @
identifier p;
@@
pick_task_scx(...)
{
<...
- if (!p)
-	return NULL;
+ if (!p) {
+	if (unlikely(rq->scx.flags & SCX_RQ_BAL_PENDING))
+		scx_kick_cpu(cpu_of(rq), KICK_REQ_IDLE);
+	return NULL;
+ }
...>
}

// A task on the local DSQ, with or without SCX_ENQ_PREEMPT.

@ enq_gone @
@@
- void local_dsq_post_enq(...) { ... }

@ enq @
@@
- local_dsq_post_enq
+ scx_kick_local_enq
  (...)

// The debug dump and the exit of the BPF scheduler.

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

// It leaves out idle CPUs.

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

@ exit @
@@
scx_ops_disable_workfn(...)
{
<...
synchronize_rcu();
+ scx_kick_reset();
...>
}

@ stopped @
expression dsq, p;
@@
put_prev_task_scx(...)
{
<...
dispatch_enqueue(dsq, p, SCX_ENQ_HEAD);
+ scx_kick_enqueued(p, 0);
...>
}

// What an operation decided has been done: now its kicks.

@ enqueued @
expression rq, p, enq_flags, sticky_cpu;
@@
do_enqueue_task(rq, p, enq_flags, sticky_cpu);
+ scx_kick_enqueued(p, enq_flags);

@ woken @
@@
task_woken_scx(...)
{
...
run_deferred(...);
+ scx_kick_flush(KICK_OP_WOKEN);
}

@ dispatched @
@@
balance_one(...)
{
<...
flush_dispatch_buf(rq);
+ scx_kick_dispatched(rq, prev);
...>
}

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
