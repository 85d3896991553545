// A dispatch loop that gives up.

@@
@@
scx_dispatch_sched(...)
{
<...
- scx_kick_cpu(sch, cpu, 0);
+ scx_kick_cpu(cpu, KICK_REQ_RESCHED);
...>
}
