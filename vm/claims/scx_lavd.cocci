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
