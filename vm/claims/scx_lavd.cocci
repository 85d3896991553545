// SPDX-License-Identifier: GPL-2.0-only
// Let the kernel say who preempts a victim, instead of a guess of when its time ends, and have the
// victim go by the next tick, instead of writing its slice from another CPU. Neither interrupts.

@claim@
identifier won;
expression guess, old, victim, ns;
@@
-bool won = __sync_bool_compare_and_swap(guess, old, 0);
-if (won)
-	WRITE_ONCE(victim->scx.slice, ns);
+if (!__COMPAT_scx_bpf_kick_task_lazy(victim))
+	__sync_bool_compare_and_swap(guess, old, 0);

@depends on claim@
@@
 #include <scx/common.bpf.h>
+#include "kick_compat.bpf.h"

// Before 1.0.12 it kicks the CPU of the victim, and looks at the slice of the task that is to run there
// for whether somebody else has.
@kick@
expression old, slice, won, victim;
@@
-if (old != 1 && old != 0)
-	won = __sync_bool_compare_and_swap(&slice, old, 1);
-if (won)
-	scx_bpf_kick_cpu(victim->cpu_id, SCX_KICK_PREEMPT);
+won = __COMPAT_scx_bpf_kick_curr(victim->cpu_id, 0, 0) >= 0;

@depends on kick@
@@
+#include "kick_compat.bpf.h"
 struct preemption_info { ... };
