/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KICK_SUB_H__
#define __KICK_SUB_H__

struct sub_kick_args {
	/* sub_kick: kick whom and how */
	int cid;
	unsigned long long flags;
	/* sub_denied: how many kicks of the scheduler were refused for want of caps */
	long long denied;
};

#endif	/* __KICK_SUB_H__ */
