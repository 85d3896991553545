// The flags have moved to kick_int.h.

@ enum_gone @ @@
- enum scx_kick_flags { ... };
