// A scheduler's caps have changed on a CPU: it looks at them in its next scheduling cycle. Of the call
// the arguments only: coccinelle 1.3 puts braces around a statement that is replaced.

@@
@@
queue_sync_ecaps(...)
{
<...
  scx_kick_cpu(
- 	...
+ 	cpu, KICK_REQ_RESCHED
  )
...>
}
