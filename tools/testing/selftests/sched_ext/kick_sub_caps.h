/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KICK_SUB_CAPS_H__
#define __KICK_SUB_CAPS_H__

/* Caps of the kernel: to kick a CPU, to put any task there, to preempt those of others */
#define SUB_CAP_BASE	1ULL
#define SUB_CAP_ENQ	2ULL
#define SUB_CAP_PREEMPT	4ULL

/*
 * A task that is put on a CPU where only the second of these is missing is put elsewhere, but not
 * without end: then its scheduler is ended
 */
#define SUB_CAPS_FOR_USE	(SUB_CAP_BASE | SUB_CAP_ENQ)

/* With a cmask, which only BPF programs look into */
#define SUB_WORDS	8

#ifndef __BPF__
struct sub_cids {
	unsigned long long words[SUB_WORDS + 2];
};
#endif

/* Of sub_grant and sub_revoke */
struct sub_caps {
	/* The sub-scheduler of this cgroup gets, or loses, these caps ... */
	unsigned long long cgroup;
	unsigned long long caps;
	/* ... of each CPU whose cid modulo 64 has a bit here */
	unsigned long long cids;
	int ret;
};

#endif	/* __KICK_SUB_CAPS_H__ */
