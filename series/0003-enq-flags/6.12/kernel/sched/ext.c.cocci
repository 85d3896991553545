// SCX_ENQ_PREEMPT does not fit into an int.

@ wide @
identifier rq, p, enq_flags;
@@
enqueue_task_scx(struct rq *rq, struct task_struct *p,
-		 int enq_flags
+		 int flags
		 )
{
+	u64 enq_flags = flags | rq->scx.extra_enq_flags;
	...
-	enq_flags |= rq->scx.extra_enq_flags;
	...
}

// task_woken_scx() follows the flags of the core only, not those stashed for a move.

@ enqueued @
identifier p, enq_flags, flags;
@@
enqueue_task_scx(struct rq *rq, struct task_struct *p, int flags)
{
	...
	u64 enq_flags = flags | rq->scx.extra_enq_flags;
	<...
	scx_kick_enqueued(p,
-			  enq_flags
+			  flags
			  );
	...>
}
