@ enum_gone @ @@
- enum scx_kick_flags { ... };

@ function_gone @ @@
- void scx_kick_cpu(...);
