// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick_torture, the kernel's half: a scheduler that kicks at random, programs that do so from every
 * other context, and those that keep the books.
 *
 * How a lost kick is found
 * ------------------------
 *
 * A kick raises the sequence of its target first (struct torture_seq), and each scheduling cycle
 * of the target sees it. Time says nothing of a kick that has not been seen yet: the CPUs of a
 * virtual machine may stand still for long. What counts is the order of events. A CPU that
 * executes user code, or waits for an interrupt in the idle loop, has acted on each interrupt that
 * it got; so a kick is lost if its target is found there and has not seen it, although
 *
 *  - the kicking CPU has been in an interrupt since, outside of any kick: so that kick is done, and
 *    so is the irq_work that a kick from NMI needs;
 *  - the target has been in an interrupt after that.
 *
 * torture_sample() runs on each CPU, by a perf event, and makes grace periods of these conditions:
 * one is over when every CPU has had such a sample in it.
 *
 * Another kick makes up for a lost one. While ->alone says so, a CPU is not kicked before it has
 * seen the last kick.
 *
 * A cycle that begins before the task is there that a kick is for serves nothing. What kicks of
 * operations are for is there when what the operation belongs to is complete, so their sequences
 * are raised once more just before, see owe().
 */
#include <scx/common.bpf.h>
#include "kick_torture.h"

char _license[] SEC("license") = "GPL";

#include "kick_torture_state.bpf.h"
#include "kick_torture_sub.bpf.h"
#include "kick_torture_cids.bpf.h"
#include "kick_torture_promises.bpf.h"
#include "kick_torture_calls.bpf.h"
#include "kick_torture_kicks.bpf.h"
#include "kick_torture_ops.bpf.h"
#include "kick_torture_sub_ops.bpf.h"
#include "kick_torture_contexts.bpf.h"
#include "kick_torture_cycles.bpf.h"
