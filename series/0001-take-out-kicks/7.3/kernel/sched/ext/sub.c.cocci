// A scheduler's caps have changed on a CPU.

@@
expression E;
@@
queue_sync_ecaps(...)
{
<...
- if (E)
-	scx_kick_cpu(...);
+ E;
...>
}
