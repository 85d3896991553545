// SPDX-License-Identifier: GPL-2.0-only
// Let the kernel give a CPU to one of the tasks that look for one to preempt; the others look on. The
// claim is a lazy one, for the insertion that follows is what interrupts the CPU.

@claim@
symbol cand, cand_idle, false;
iterator name scoped_guard;
expression holder, p;
@@
+if (!cand_idle && __COMPAT_scx_bpf_kick_curr(cand, 0, __compat_scx_kick_preempt_lazy()) < 0)
+	return false;
 if (__sync_val_compare_and_swap(holder, NULL, p))
 	return false;

@depends on claim@
@@
 #include <scx/common.bpf.h>
+#include "kick_compat.bpf.h"

// Set only where it is looked at. Compiled with the call above in between, what was never set goes to
// the stack, which the verifier refuses.
@depends on claim@
symbol cand_idle, sib;
@@
 bool cand_idle;
-s32 sib;
+s32 sib = -1;
