// SPDX-License-Identifier: GPL-2.0-only
// Put a task that wakes up first on its CPU only if it is the one to preempt what runs there, and not
// something else. Otherwise queue it by its deadline, as one that does not preempt.

@claim@
expression preempts, curr, cpu, deadline, wakes;
@@
-preempts = should_preempt_curr(curr, cpu, deadline, wakes);
+preempts = should_preempt_curr(curr, cpu, deadline, wakes) &&
+	__COMPAT_scx_bpf_kick_curr(cpu, curr->pid, 0) >= 0;

@depends on claim@
expression flags;
@@
-flags | SCX_ENQ_PREEMPT
+flags | SCX_ENQ_HEAD

@depends on claim@
@@
 #include <scx/common.bpf.h>
+#include "kick_compat.bpf.h"
