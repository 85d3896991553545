// The kick path, by name.

@ functions_gone @
type T;
identifier f = { can_skip_idle_kick, kick_one_cpu, kick_one_cpu_if_idle, kick_cpus_irq_workfn };
@@
- T f(...) { ... }

@ kfunc_gone @
@@
- scx_bpf_kick_cpu(...) { ... }

// Those who kick from within: a dispatch loop that gives up, a pick without a balance.

@ dispatch_loop @
@@
balance_one(...)
{
<...
- scx_bpf_kick_cpu(cpu_of(rq), 0);
+ scx_kick_cpu(cpu_of(rq), KICK_REQ_RESCHED);
...>
}

@ pick @
identifier k;
expression cpu;
@@
pick_task_scx(...)
{
...
- bool k = false;
<...
(
- k = true;
|
- if (k)
-	scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
+ if (unlikely(rq->scx.flags & SCX_RQ_BAL_PENDING))
+	scx_kick_cpu(cpu, KICK_REQ_IDLE);
)
...>
}

// What they left for others to see.

@ dump @
identifier m = { cpus_to_kick, cpus_to_kick_if_idle, cpus_to_preempt, cpus_to_wait };
@@
scx_dump_state(...)
{
<...
- if (!cpumask_empty(rq->scx.m))
-	dump_line(...);
...>
}

// 6.12.107 prints one number more than 6.12.117.
@ dump_seq @
expression s;
expression list args;
@@
(
- dump_line(s, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d pnt_seq=%lu", args, rq->scx.pnt_seq);
+ dump_line(s, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d", args);
|
- dump_line(s, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d ops_qseq=%lu pnt_seq=%lu", args, rq->scx.pnt_seq);
+ dump_line(s, "CPU %-4d: nr_run=%u flags=0x%x cpu_rel=%d ops_qseq=%lu", args);
)
