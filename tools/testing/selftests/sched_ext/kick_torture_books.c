// SPDX-License-Identifier: GPL-2.0-only
/* kick_torture: the books, and the verdict */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kick_torture_user.h"

/* The kernel's counters, with room for more */
#define NR_OUTCOMES	16

static const char * const fate_names[TORTURE_NR_FATES] = {
	[TORTURE_LIVE]		= "live",
	[TORTURE_NOT_LOADED]	= "not loaded",
	[TORTURE_BYPASSED]	= "bypassed",
	[TORTURE_OFFLINE]	= "offline",
	[TORTURE_DENIED]	= "denied",
};

static const char * const seq_names[TORTURE_NR_SEQS] = {
	[TORTURE_SEQ_CYCLE]	= "cycles",
	[TORTURE_SEQ_IDLE]	= "idle",
	[TORTURE_SEQ_PREEMPT]	= "preempt",
	[TORTURE_SEQ_SUB]	= "preempt, sub",
};

/* The kernel's own counters of what became of kicks: a column each, as many as there are */
static struct {
	char names[NR_OUTCOMES][16];
	u64 counts[NR_OUTCOMES];
	int nr;
} outcomes;

/*
 * What the CPUs have counted
 */

static void add_up_seq(struct torture_seq *sum, const struct torture_seq *seq)
{
	sum->asked += seq->asked;
	sum->seen += seq->seen;
	sum->again += seq->again;
	sum->excused += seq->excused;
	sum->excused_seen += seq->excused_seen;
	sum->served += seq->served;
	sum->coalesced += seq->coalesced;
	sum->lost += seq->lost;
}

static void add_up_kicks(struct books *b, const struct torture_cpu *tc)
{
	int i, fate;

	for (fate = 0; fate < TORTURE_NR_FATES; fate++) {
		for (i = 0; i < TORTURE_NR_CONTEXTS; i++) {
			b->contexts[i][fate] += tc->kicks[i][fate];
			b->made += tc->kicks[i][fate];
			if (fate != TORTURE_LIVE)
				b->dropped += tc->kicks[i][fate];
		}
		for (i = 0; i < TORTURE_NR_KINDS; i++)
			b->kinds[i][fate] += tc->kinds[i][fate];
	}
}

static void add_up_cpu(struct books *b, const struct torture_cpu *tc)
{
	int i;

	add_up_kicks(b, tc);
	for (i = 0; i < TORTURE_NR_SEQS; i++)
		add_up_seq(&b->seq[i], &tc->seq[i]);
	for (i = 0; i < 64; i++)
		b->late[i] += tc->late[i];
	b->left_out += tc->left_out;
	b->uncounted += tc->uncounted;
	b->unsure += tc->unsure;
	b->own += tc->own;
	b->claims += tc->claims;
	b->busy += tc->busy;
	b->gone += tc->gone;
	b->kept += tc->kept;
	b->woken += tc->woken;
	b->judged_kicks += tc->judged_kicks;
	b->judged_slices += tc->judged_slices;
	b->waits += tc->waits;
	b->waits_broken += tc->waits_broken;
	b->self_kept += tc->self_kept;
	b->owed += tc->owed;
	b->cycles += tc->cycles;
	b->samples += tc->samples;
	b->judged += tc->judged;
	if (tc->longest_ns > b->longest_ns)
		b->longest_ns = tc->longest_ns;
}

void add_up(struct books *b)
{
	int cpu;

	memset(b, 0, sizeof(*b));
	for (cpu = 0; cpu < nr_cpus; cpu++)
		add_up_cpu(b, &cpus[cpu]);
}

/*
 * What was lost
 */

static u64 lost(const struct torture_seq *seq)
{
	return seq[TORTURE_SEQ_CYCLE].lost + seq[TORTURE_SEQ_IDLE].lost +
	       seq[TORTURE_SEQ_PREEMPT].lost + seq[TORTURE_SEQ_SUB].lost;
}

/* The last kicks of a CPU, the very last one first */
static void tell_recent(int cpu)
{
	struct torture_cpu *tc = &cpus[cpu];
	u64 asked = tc->seq[TORTURE_SEQ_CYCLE].asked;
	int i;

	fprintf(stderr, "# CPU %d lost %lu kicks, %lu of an idle CPU, %lu preemptions, ", cpu,
		tc->seq[TORTURE_SEQ_CYCLE].lost, tc->seq[TORTURE_SEQ_IDLE].lost,
		tc->seq[TORTURE_SEQ_PREEMPT].lost + tc->seq[TORTURE_SEQ_SUB].lost);
	fprintf(stderr, "%lu of these by the sub-scheduler; the last:",
		tc->seq[TORTURE_SEQ_SUB].lost);
	for (i = 0; i < 8 && asked > (u64)i; i++) {
		u32 recent = tc->recent[(asked - i) % TORTURE_NR_RECENT];

		fprintf(stderr, " %s from %s%s on %u;",
			kind_names[(recent >> 8 & 0xff & ~TORTURE_BY_SUB) % TORTURE_NR_KINDS],
			recent >> 8 & TORTURE_BY_SUB ? "the sub-scheduler's " : "",
			context_names[(recent & 0xff) % TORTURE_NR_CONTEXTS], recent >> 16);
	}
	fputc('\n', stderr);
}

static void check_wait(int cpu)
{
	struct torture_cpu *tc = &cpus[cpu];
	struct torture_expected *wait = &tc->broken;

	if (shared(tc->waits_broken))
		fail("CPU %d %s and did not wait for CPU %d, kicked from %s", cpu,
		     wait->went_on >= TORTURE_WENT_ON ? "went on" : "started a task", wait->cpu,
		     context_names[wait->context % TORTURE_NR_CONTEXTS]);
	if (shared(tc->tick_lost))
		fail("CPU %d runs a task whose slice is to end, and has no tick", cpu);
	if (shared(tc->lazy_late))
		fail("CPU %d was kicked lazily, and did not schedule in %d ticks", cpu,
		     TORTURE_LAZY_TICKS);
	if (shared(tc->self_broken))
		fail("CPU %d executed user code although it had kicked itself from %s", cpu,
		     context_names[tc->self_broken_context % TORTURE_NR_CONTEXTS]);
}

/* The kernel judges what a sub-scheduler may do */
static void check_caps(int cpu)
{
	struct torture_cpu *tc = &cpus[cpu];

	if (shared(tc->misjudged))
		fail("CPU %d: the caps for a kick from the sub-scheduler's %s were misjudged", cpu,
		     context_names[tc->misjudged_context % TORTURE_NR_CONTEXTS]);
	if (shared(tc->trespasses))
		fail("CPU %d took the slice of a task that the sub-scheduler may not preempt", cpu);
	if (shared(tc->not_taken))
		fail("CPU %d left the slice to a task that the sub-scheduler preempts", cpu);
}

void check_lost(void)
{
	struct books b;
	int cpu;

	add_up(&b);
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		check_wait(cpu);
		check_caps(cpu);
	}
	if (!lost(b.seq) || failed())
		return;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (lost(cpus[cpu].seq))
			tell_recent(cpu);
	}
	fail("%lu kicks lost", lost(b.seq));
}

/* What was asked for and no cycle has seen, as far as that is excused */
static u64 excused_unseen(const struct torture_seq *seq)
{
	u64 excused = shared(seq->excused) - shared(seq->excused_seen);
	u64 unseen = shared(seq->asked) - shared(seq->seen);

	return unseen < excused ? unseen : excused;
}

static bool all_seen_of(const struct torture_seq *seq)
{
	return shared(seq->asked) - shared(seq->seen) <= excused_unseen(seq);
}

static bool all_seen(void)
{
	int cpu, i;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		for (i = 0; i < TORTURE_NR_SEQS; i++) {
			struct torture_seq *seq = &cpus[cpu].seq[i];

			if (cpus[cpu].watched && !all_seen_of(seq))
				return false;
		}
	}
	return true;
}

/* Nobody kicks any more: what was asked must be seen now, and found missing if not */
void wait_for_rest(const char *when)
{
	bool seen = WAIT_FOR(all_seen());

	check_lost();
	if (!seen)
		fail("kicks are left that no cycle has seen, %s", when);
}

/*
 * The kernel's counters
 */

static void read_outcomes(u64 *counts)
{
	FILE *file = fopen("/sys/kernel/debug/sched/ext_kick", "r");
	static const char spaces[] = "\n ";
	char line[512], *word, *save;
	int i = 0;

	if (!file)
		return;
	word = fgets(line, sizeof(line), file) ? strtok_r(line, spaces, &save) : NULL;
	while (word && (word = strtok_r(NULL, spaces, &save)) && strcmp(word, "irqs") &&
	       i < NR_OUTCOMES)
		snprintf(outcomes.names[i++], sizeof(outcomes.names[0]), "%s", word);
	outcomes.nr = i;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "all ", 4))
			continue;
		for (i = 0, word = line + 4; i < outcomes.nr; i++)
			counts[i] = strtoull(word, &word, 10);
	}
	fclose(file);
}

void open_books(void)
{
	read_outcomes(outcomes.counts);
}

/* What they have counted since then */
static void count_outcomes(void)
{
	u64 counts[NR_OUTCOMES] = {};
	int i;

	read_outcomes(counts);
	for (i = 0; i < outcomes.nr; i++)
		outcomes.counts[i] = counts[i] - outcomes.counts[i];
}

/*
 * Debit and credit
 */

static void check_pair(const char *what, u64 left, u64 right)
{
	if (left != right)
		fail("the books do not balance: %s: %lu and %lu", what, left, right);
}

/*
 * A CPU that came or went while a set of CPUs was kicked may be in it or not, and the kernel may
 * not have counted all calls that tell what they have found, see settle()
 */
static void balance_outcomes(const struct books *b)
{
	u64 sum = 0, made = b->made - b->uncounted + b->own;
	int i;

	for (i = 0; i < outcomes.nr; i++)
		sum += outcomes.counts[i];
	if (outcomes.nr && (sum + b->unsure < made || made + b->unsure < sum))
		fail("the books do not balance: made %lu, in the kernel's counters %lu, unsure %lu",
		     made, sum, b->unsure);
}

/* Without what was asked for again, see owe() */
static u64 first_asked(const struct books *b, int seq)
{
	return b->seq[seq].asked - b->seq[seq].again;
}

static void balance_books(const struct books *b)
{
	u64 cycle = 0, idle = 0, preempt = 0, kinds = 0;
	int i, fate;

	for (i = 0; i < TORTURE_NR_KINDS; i++) {
		u64 live = b->kinds[i][TORTURE_LIVE];

		if (idles(i))
			idle += live;
		else
			cycle += live;
		if (i == TORTURE_PREEMPT || i == TORTURE_PREEMPT_WAIT || i == TORTURE_MASK)
			preempt += live;
		for (fate = 0; fate < TORTURE_NR_FATES; fate++)
			kinds += b->kinds[i][fate];
	}
	check_pair("made, by context and by kind", b->made, kinds);
	check_pair("live, and asked for cycles", cycle, first_asked(b, TORTURE_SEQ_CYCLE));
	check_pair("live, and asked of idle CPUs", idle, first_asked(b, TORTURE_SEQ_IDLE));
	check_pair("live, and asked to preempt", preempt,
		   first_asked(b, TORTURE_SEQ_PREEMPT) + first_asked(b, TORTURE_SEQ_SUB));
	for (i = 0; i < TORTURE_NR_SEQS; i++)
		check_pair("asked, and served, coalesced, lost or excused", b->seq[i].asked,
			   b->seq[i].served + b->seq[i].coalesced + b->seq[i].lost +
			   excused_unseen(&b->seq[i]));
	check_pair("made, and live or dropped", b->made, cycle + idle + b->dropped);
	balance_outcomes(b);
}

/* Without the last columns where there are no sub-schedulers */
static int nr_fates(void)
{
	return sub ? TORTURE_NR_FATES : TORTURE_DENIED;
}

static void print_rows(const char *title, const char * const *names, int nr,
		       const u64 (*rows)[TORTURE_NR_FATES])
{
	int i, fate;

	printf("# %-14s", title);
	for (fate = 0; fate < nr_fates(); fate++)
		printf(" %12s", fate_names[fate]);
	putchar('\n');
	for (i = 0; i < nr; i++) {
		u64 sum = 0;

		for (fate = 0; fate < TORTURE_NR_FATES; fate++)
			sum += rows[i][fate];
		if (!sum && !opts.verbose)
			continue;
		printf("# %-14s", names[i]);
		for (fate = 0; fate < nr_fates(); fate++)
			printf(" %12lu", rows[i][fate]);
		putchar('\n');
	}
}

static void print_seqs(const struct torture_seq *seq)
{
	int i;

	printf("# %-14s %12s %12s %12s %12s %12s\n", "asked for", "asked", "again", "served",
	       "coalesced", "lost");
	for (i = 0; i < (sub ? TORTURE_NR_SEQS : TORTURE_SEQ_SUB); i++)
		printf("# %-14s %12lu %12lu %12lu %12lu %12lu\n", seq_names[i],
		       seq[i].asked - seq[i].again, seq[i].again, seq[i].served, seq[i].coalesced,
		       seq[i].lost);
}

static void print_subs(const struct books *b)
{
	u64 excused = 0;
	int i;

	for (i = 0; i < TORTURE_NR_SEQS; i++)
		excused += b->seq[i].excused;
	printf("# the sub-scheduler's: %lu kicks, %lu slices taken as its caps say, %lu excused\n",
	       b->judged_kicks, b->judged_slices, excused);
}

static void print_outcomes(const struct books *b)
{
	int i;

	printf("# the kernel counts:");
	for (i = 0; i < outcomes.nr; i++)
		printf(" %s %lu,", outcomes.names[i], outcomes.counts[i]);
	printf(" of which %lu of its own, %lu unsure\n", b->own, b->unsure);
}

static void print_late(const u64 *late)
{
	int i;

	printf("# from kick to cycle, up to:");
	for (i = 0; i < 63; i++) {
		if (late[i])
			printf(" %gus %lu,", (2ULL << i) / 1000.0, late[i]);
	}
	putchar('\n');
}

static void print_faults(void)
{
	int i;

	printf("# faults:");
	for (i = 0; i < nr_faults; i++) {
		if (faults[i].on)
			printf(" %s %lu (%lu refused),", faults[i].name, faults[i].strikes,
			       faults[i].refused);
	}
	putchar('\n');
}

static void print_books(const struct books *b)
{
	print_rows("kicks from", context_names, TORTURE_NR_CONTEXTS, b->contexts);
	print_rows("kind", kind_names, TORTURE_NR_KINDS, b->kinds);
	print_seqs(b->seq);
	if (outcomes.nr)
		print_outcomes(b);
	if (sub)
		print_subs(b);
	printf("# tasks kicked, and what CPUs run: %lu claimed, %lu busy, %lu gone, %lu kept; "
	       "%lu idle CPUs woken; %lu kicks left out\n", b->claims, b->busy, b->gone, b->kept,
	       b->woken, b->left_out);
	printf("# %lu cycles, %lu samples, of which %lu would have found a lost kick\n", b->cycles,
	       b->samples, b->judged);
	printf("# %lu kicks of operations asked for again when the task was there\n", b->owed);
	printf("# %lu kicks of the own CPU came in time before user code\n", b->self_kept);
	print_late(b->late);
	print_faults();
}

/* Ends with the verdict, in one line. Returns the exit status */
int close_books(u64 ns)
{
	struct books b;

	add_up(&b);
	count_outcomes();
	if (!failed())
		balance_books(&b);
	print_books(&b);
	printf("kick_torture: %s: %lu kicks in %.0f s, seed %lu: %lu served, %lu coalesced, ",
	       failed() ? "FAILED" : "ok", b.made, ns / 1e9, opts.seed,
	       b.seq[TORTURE_SEQ_CYCLE].served + b.seq[TORTURE_SEQ_IDLE].served,
	       b.seq[TORTURE_SEQ_CYCLE].coalesced + b.seq[TORTURE_SEQ_IDLE].coalesced);
	printf("%lu dropped, %lu lost; %lu waits kept, %lu broken; longest %.3f ms%s%s\n",
	       b.dropped, lost(b.seq), b.waits, b.waits_broken, b.longest_ns / 1e6,
	       failed() ? "; " : "", first_failure());
	return failed();
}
