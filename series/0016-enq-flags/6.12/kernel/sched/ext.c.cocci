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
