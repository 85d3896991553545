// The kick path, by name.

@ functions_gone @
type T;
identifier f = { can_skip_idle_kick, kick_one_cpu, kick_one_cpu_if_idle, kick_cpus_irq_workfn,
		 kick_sync_wait_bal_cb, alloc_kick_syncs, free_kick_syncs, scx_kick_cpu };
@@
- T f(...) { ... }

@ kfuncs_gone @
identifier f = { scx_bpf_kick_cpu, scx_bpf_kick_cid };
@@
- f(...) { ... }

// What they left for others to see.

@ cycle @
identifier f = { put_prev_task_scx, do_pick_task_scx };
expression e1, e2;
@@
f(...)
{
<...
- smp_store_release(&e1->scx.kick_sync, e2);
...>
}

@ pick @
@@
do_pick_task_scx(...)
{
<...
- if (unlikely(rq->scx.kick_sync_pending)) { ... }
...>
}

@ dump @
identifier m = { cpus_to_kick, cpus_to_kick_if_idle, cpus_to_preempt, cpus_to_wait };
expression E;
@@
scx_dump_cpu(...)
{
...
- struct scx_sched_pcpu *pcpu = ...;
<...
(
- if (!cpumask_empty(E->m))
-	scx_dump_line(...);
|
- if (!cpumask_empty(rq->scx.cpus_to_sync))
-	scx_dump_line(...);
)
...>
}

@ dump_seq @
expression s;
expression list args;
@@
- scx_dump_line(s, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d ksync=%lu", args, rq->scx.kick_sync);
+ scx_dump_line(s, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d", args);
