@@
identifier rq, prev;
@@
+ scx_kick_core_dispatch(rq);
balance_one(rq, prev);
+ if (scx_kick_core_dispatched(rq, prev))
+ 	rq->scx.flags &= ~SCX_RQ_BAL_KEEP;
