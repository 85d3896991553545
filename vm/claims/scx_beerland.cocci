// SPDX-License-Identifier: GPL-2.0-only
// Of the tasks that wake up to preempt what their CPU runs, put the one that does first in its queue, and
// those that come before it runs behind it, instead of each before the one that came last.

@claim exists@
expression curr, task, dsq, slice, flags, cpu;
@@
 curr = __COMPAT_scx_bpf_cpu_curr(cpu);
 ...
-scx_bpf_dsq_insert(task, dsq, slice, flags | SCX_ENQ_PREEMPT);
+scx_bpf_dsq_insert(task, dsq, slice, flags |
+	(__COMPAT_scx_bpf_kick_curr(cpu, curr->pid, 0) < 0 ? 0 : SCX_ENQ_HEAD));

@depends on claim@
@@
 #include <scx/common.bpf.h>
+#include "kick_compat.bpf.h"
