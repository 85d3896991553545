@ function_gone @ @@
- void scx_kick_cpu(...);
