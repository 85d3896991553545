// The call function IPI may have been sent to several CPUs for kicks.

@@
@@
generic_smp_call_function_single_interrupt(...)
{
...
__flush_smp_call_function_queue(true);
+ scx_kick_ipi();
}
