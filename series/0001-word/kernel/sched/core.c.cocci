// Where a scheduling cycle ends, with a switch and without.

@ switched @
identifier rq;
@@
struct rq *finish_task_switch(...)
{
...
+ scx_kick_cycle_end(true);
return rq;
}

@ kept @
identifier rq;
@@
__schedule(...)
{
<...
raw_spin_rq_unlock_irq(rq);
+ scx_kick_cycle_end(false);
...>
}

// Under core scheduling a CPU may run what its sibling has picked.

@ sibling @
@@
pick_next_task(...)
{
<...
WRITE_ONCE(rq->core_sched_seq, rq->core->core_pick_seq);
+ scx_kick_sibling_pick(rq);
...>
}
