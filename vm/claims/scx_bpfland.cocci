// SPDX-License-Identifier: GPL-2.0-only
// Have the timer that throttles kick all CPUs by one call.

@throttle@
identifier throttle_timerfn, throttled, cpu;
iterator name bpf_for;
expression nr, kicks;
@@
 throttle_timerfn(...)
 {
 	bool throttled = is_throttled();
+	const struct cpumask *online;
 	...
-	s32 cpu;
 	...
-	bpf_for(cpu, 0, nr)
-		scx_bpf_kick_cpu(cpu, kicks);
+	online = scx_bpf_get_online_cpumask();
+	__COMPAT_scx_bpf_kick_cpumask(online, kicks);
+	scx_bpf_put_cpumask(online);
 	...
 }

@depends on throttle@
@@
 #include <scx/common.bpf.h>
+#include "kick_compat.bpf.h"
