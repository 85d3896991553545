// SPDX-License-Identifier: GPL-2.0-only
/*
 * scx_kicktop - who kicks whom, and how soon it is served
 *
 * Two programs on the tracepoints of kicks count pairs of CPUs and delays. All else comes from the
 * counters that the kernel keeps anyway: they have the kicks from NMI too, which may interrupt a
 * program here and then are not seen by it.
 */
#include <scx/common.bpf.h>
#include "scx_kicktop.h"

char _license[] SEC("license") = "GPL";

/* The loader sets it, and the sizes of the maps. */
const volatile u32 nr_cpus = 1;

extern const struct scx_kick_stats scx_kick_stats __ksym;
extern const struct scx_kick_watch scx_kick_watch __ksym;
extern const struct scx_kick scx_kick_pcpu __ksym;

/* A CPU writes only to what is its own: no atomics. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* kicking CPU * nr_cpus + kicked CPU */
	__type(key, u32);
	__type(value, u64);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* kicked CPU * KT_BUCKETS + bucket */
	__type(key, u32);
	__type(value, u64);
} delays SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* CPU */
	__type(key, u32);
	__type(value, struct kt_stats);
} stats SEC(".maps");

/* The name alone may be a variable of the headers. */
enum scx_kick_flags___top {
	SCX_KICK_WAIT___top = 4,
};

static void count(void *map, u32 key)
{
	u64 *n = bpf_map_lookup_elem(map, &key);

	if (n)
		*n += 1;
}

SEC("tp_btf/sched_ext_kick")
int BPF_PROG(kicked, int cpu)
{
	count(&pairs, bpf_get_smp_processor_id() * nr_cpus + cpu);
	return 0;
}

SEC("tp_btf/sched_ext_kick_served")
int BPF_PROG(served, int cpu, u32 flags, u64 delay_ns)
{
	u32 bucket;

	/* Asked before these programs were there */
	if (!delay_ns)
		return 0;
	/* What scx calls log2 is one more */
	bucket = log2_u64(delay_ns) - 1;
	if (bucket >= KT_BUCKETS)
		bucket = KT_BUCKETS - 1;
	count(&delays, cpu * KT_BUCKETS + bucket);
	return 0;
}

static void read_cpu(u32 cpu, struct kt_stats *to)
{
	const struct scx_kick_stats *from = bpf_per_cpu_ptr(&scx_kick_stats, cpu);
	const struct scx_kick_watch *watch = bpf_per_cpu_ptr(&scx_kick_watch, cpu);
	const struct scx_kick *kick = bpf_per_cpu_ptr(&scx_kick_pcpu, cpu);
	u32 size = bpf_core_field_size(from->outcomes);

	if (!from || !watch || !kick)
		return;
	if (size > sizeof(to->outcomes))
		size = sizeof(to->outcomes);
	bpf_probe_read_kernel(to->outcomes, size, &from->outcomes);
	to->irqs = from->irqs;
	to->waits = from->waits;
	to->wait_ns = from->wait_ns;
	to->wait_max_ns = from->wait_max_ns;
	to->waits_since_ns = watch->wait_since_ns ?
			     watch->wait_since_ns - watch->wait_before_ns : 0;
	to->waited_for = kick->word.counter &
			 bpf_core_enum_value(enum scx_kick_flags___top, SCX_KICK_WAIT___top);
}

/* Copy the kernel's counters to the map */
SEC("syscall")
int read_stats(void *ctx)
{
	u32 cpu;

	bpf_for(cpu, 0, nr_cpus) {
		struct kt_stats *to = bpf_map_lookup_elem(&stats, &cpu);

		if (to)
			read_cpu(cpu, to);
	}
	return 0;
}
