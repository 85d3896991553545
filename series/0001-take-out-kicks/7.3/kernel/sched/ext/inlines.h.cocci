// The dispatch loop that gives up.

@@
@@
scx_dispatch_sched(...)
{
<...
- scx_kick_cpu(...);
...>
}
