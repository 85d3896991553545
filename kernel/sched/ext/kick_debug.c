// SPDX-License-Identifier: GPL-2.0-only
/*
 * sched_ext kicks: what is told of them in the debug dump and in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#undef EM
#define EM(outcome, name)	name,
static const char *const kick_outcomes[SCX_KICKED_NR] = {
	KICK_OUTCOMES(EM, EM)
};

#undef EM

/* Add to @line whom @cpu waits for, and for how long. */
static void kick_dump_wait(struct seq_buf *line, s32 cpu)
{
	struct kick_wait *wait = &per_cpu(scx_kick_pcpu, cpu).wait;
	u64 since = READ_ONCE(per_cpu(scx_kick_watch, cpu).wait_since_ns);
	u64 before = READ_ONCE(per_cpu(scx_kick_watch, cpu).wait_before_ns);
	s32 now = READ_ONCE(wait->cpu), other;
	const char *sep = "";

	if (!since) {
		if (READ_ONCE(wait->due))
			seq_buf_puts(line, " waits=later");
		return;
	}

	seq_buf_printf(line, " waits_us=%llu for=",
		       div_u64(before + kick_ns_since(since), NSEC_PER_USEC));
	for_each_possible_cpu(other) {
		if (other != now && !cpumask_test_cpu(other, wait->cpus))
			continue;
		seq_buf_printf(line, "%s%d", sep, other);
		sep = ",";
	}
}

/* Add a counter to @line unless it is 0. */
static void kick_dump_counter(struct seq_buf *line, const char *name, u64 n)
{
	if (n)
		seq_buf_printf(line, " %s=%llu", name, n);
}

/* Add the counters of @cpu to @line. */
static void kick_dump_counters(struct seq_buf *line, s32 cpu)
{
	/* Its CPU may be counting. */
	struct scx_kick_stats stats = data_race(per_cpu(scx_kick_stats, cpu));
	int i;

	for (i = 0; i < SCX_KICKED_NR; i++)
		kick_dump_counter(line, kick_outcomes[i], stats.outcomes[i]);
	kick_dump_counter(line, "irqs", stats.irqs);
	kick_dump_counter(line, "served", stats.served);
	kick_dump_counter(line, "waits", stats.waits);
	kick_dump_counter(line, "wait_us",
			  div_u64(stats.wait_ns, NSEC_PER_USEC));
	kick_dump_counter(line, "wait_max_us",
			  div_u64(stats.wait_max_ns, NSEC_PER_USEC));
}

/**
 * scx_kick_dump - add the kick state of a CPU to a debug dump
 * @s: buffer of the dump
 * @cpu: CPU to tell about
 * @idle: the dump has no head line for @cpu; add one if there is something to
 *	tell
 *
 * Context: scx_dump_state(). The state may change while it is read.
 */
void scx_kick_dump(struct seq_buf *s, s32 cpu, bool idle)
{
	/* Protected by scx_dump_state()::dump_lock */
	static char text[SCX_EXIT_MSG_LEN];
	int word = atomic_read(&per_cpu(scx_kick_pcpu, cpu).word);
	struct seq_buf line;
	size_t state_len;

	seq_buf_init(&line, text, sizeof(text));
	seq_buf_printf(&line, "kick=%s%s%s%s%s%s%s%s cycle=%u",
		       word & KICK_CPU_PICKING ? "picking" :
		       word & KICK_CPU_ABOVE ? "above" :
		       word & KICK_CPU_BUSY ? "busy" : "idle",
		       word & KICK_REQ_RESCHED ? "+resched" : "",
		       word & KICK_REQ_IDLE ? "+idle" : "",
		       word & KICK_REQ_PREEMPT ? "+preempt" : "",
		       word & KICK_REQ_TASK ? "+task" : "",
		       word & KICK_REQ_WAIT ? "+wait" : "",
		       word & KICK_REQ_LAZY ? "+lazy" : "",
		       word & KICK_CLAIM ? "+claim" : "",
		       (u32)word >> KICK_CYCLE_SHIFT);
	state_len = seq_buf_used(&line);
	kick_dump_wait(&line, cpu);
	kick_dump_counters(&line, cpu);

	if (idle) {
		if (!(word & KICK_REQ_ALL) &&
		    seq_buf_used(&line) == state_len)
			return;
		dump_newline(s);
		dump_line(s, "CPU %-4d: idle", cpu);
	}
	dump_line(s, "          %s", seq_buf_str(&line));
}

/* Print one row of the debugfs file. */
static void kick_show_row(struct seq_file *m, const char *name,
			  const struct scx_kick_stats *stats)
{
	int i;

	seq_printf(m, "%-5s", name);
	for (i = 0; i < SCX_KICKED_NR; i++)
		seq_printf(m, " %10lu", stats->outcomes[i]);
	seq_printf(m, " %10lu %10lu %10lu %12llu %12llu\n", stats->irqs,
		   stats->served, stats->waits,
		   div_u64(stats->wait_ns, NSEC_PER_USEC),
		   div_u64(stats->wait_max_ns, NSEC_PER_USEC));
}

/* Add @stats to @sum. */
static void kick_add_stats(struct scx_kick_stats *sum,
			   const struct scx_kick_stats *stats)
{
	int i;

	for (i = 0; i < SCX_KICKED_NR; i++)
		sum->outcomes[i] += stats->outcomes[i];
	sum->irqs += stats->irqs;
	sum->served += stats->served;
	sum->waits += stats->waits;
	sum->wait_ns += stats->wait_ns;
	sum->wait_max_ns = max(sum->wait_max_ns, stats->wait_max_ns);
}

/* Print the debugfs file. */
static int kick_show(struct seq_file *m, void *v)
{
	struct scx_kick_stats sum = {};
	char name[16];
	s32 cpu;
	int i;

	seq_puts(m, "cpu  ");
	for (i = 0; i < SCX_KICKED_NR; i++)
		seq_printf(m, " %10s", kick_outcomes[i]);
	seq_printf(m, " %10s %10s %10s %12s %12s\n", "irqs", "served", "waits",
		   "wait_us", "wait_max_us");

	for_each_possible_cpu(cpu) {
		/* Its CPU may be counting. */
		struct scx_kick_stats stats = data_race(per_cpu(scx_kick_stats, cpu));

		snprintf(name, sizeof(name), "%d", cpu);
		kick_show_row(m, name, &stats);
		kick_add_stats(&sum, &stats);
	}
	kick_show_row(m, "all", &sum);
	return 0;
}

/*
 * Reset the counters of this CPU. Caller has interrupts off, so only an NMI may
 * count meanwhile.
 */
static void kick_reset_stats(void *unused)
{
	memset(this_cpu_ptr(&scx_kick_stats), 0, sizeof(scx_kick_stats));
}

/* Reset the counters of all CPUs, whatever was written. */
static ssize_t kick_write(struct file *file, const char __user *buf,
			  size_t count, loff_t *pos)
{
	s32 cpu;

	cpus_read_lock();
	on_each_cpu(kick_reset_stats, NULL, 1);
	for_each_possible_cpu(cpu) {
		if (!cpu_online(cpu))
			memset(per_cpu_ptr(&scx_kick_stats, cpu), 0,
			       sizeof(scx_kick_stats));
	}
	cpus_read_unlock();
	return count;
}

static int kick_open(struct inode *inode, struct file *file)
{
	return single_open(file, kick_show, NULL);
}

static const struct file_operations kick_fops = {
	.open		= kick_open,
	.read		= seq_read,
	.write		= kick_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/* Make the file. Comes after sched_init_debug(), which makes the directory. */
static int __init scx_kick_debugfs_init(void)
{
	struct dentry *dir = debugfs_lookup("sched", NULL);

	if (IS_ERR_OR_NULL(dir))
		return 0;
	debugfs_create_file("ext_kick", 0644, dir, NULL, &kick_fops);
	dput(dir);
	return 0;
}
late_initcall_sync(scx_kick_debugfs_init);
