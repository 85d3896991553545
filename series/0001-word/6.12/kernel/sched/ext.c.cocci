// The exit of the BPF scheduler.

@ exit @
@@
scx_ops_disable_workfn(...)
{
<...
synchronize_rcu();
+ scx_kick_reset();
...>
}
