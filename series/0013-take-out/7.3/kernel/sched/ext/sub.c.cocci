// A scheduler's caps have changed on a CPU: it looks at them in its next scheduling cycle.

@@
@@
queue_sync_ecaps(...)
{
<...
- scx_kick_cpu(...);
+ scx_kick_cpu(cpu, KICK_REQ_RESCHED);
...>
}
