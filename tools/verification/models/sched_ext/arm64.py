#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
The ordering argument of kernel/sched/ext/kick.c under the rules of arm64: what it says cannot
happen does not, and does happen where one of its barriers is left out.

All CPUs of an arm64 machine see stores in one order (other-multi-copy atomicity). So there is one
memory here, and each CPU carries out its accesses one at a time, in any order that barriers,
acquire, release, branches before stores, and accesses to the same address leave. All such orders
are tried, with atomic operations as one instruction (LSE) and as a loop of exclusives (LL/SC).
"""
import sys
from collections import namedtuple

BUSY, PICKING, REQ, WAIT, TASK, CLAIM, ABOVE, COUNT, CYCLE = 1, 2, 4, 8, 16, 32, 64, 128, 256

# kind: read, write, barrier, atomic, or load and store of a pair of exclusives. Of what is read,
# `want` tells whether this is the course of events in question; `new` makes what is written of it.
Op = namedtuple("Op", "kind addr want new acquire release")


def read(addr, want=None, acquire=False):
    return [Op("read", addr, want, None, acquire, False)]


def write(addr, value, release=False):
    return [Op("write", addr, None, lambda _: value, False, release)]


def barrier(there=True):
    return [Op("barrier", None, None, None, True, True)] if there else []


def is_(value):
    return lambda seen: seen == value


class Atomics:
    """How a machine has atomic operations. The kernel's are full barriers."""

    def __init__(self, lse):
        self.lse = lse

    def change(self, addr, want, new, full=True):
        if self.lse:
            return [Op("atomic", addr, want, new, full, full)]
        return [Op("load", addr, want, None, False, False),
                Op("store", addr, None, new, False, full)] + barrier(full)

    def start(self, cycle, full=True):
        return self.change("word", None, lambda _: cycle * CYCLE | PICKING, full)

    def end(self, cycle, full=True):
        return self.change("word", is_(cycle * CYCLE | PICKING),
                           lambda _: cycle * CYCLE | BUSY, full)

    def place(self, word, req, full=True):
        return self.change("word", is_(word), lambda _: word | req, full)


def in_order(first, second):
    if first.acquire or second.release or first.addr == second.addr:
        return True
    # A store is not made before it is known that it has to be
    return first.want is not None and second.kind in ("write", "store", "atomic")


def happens(memory, cpus):
    """Can all accesses be carried out so that what is read is what the CPUs want?"""
    before = [[{i for i in range(j) if in_order(ops[i], ops[j])} for j in range(len(ops))]
              for ops in cpus]
    begin = (frozenset(memory.items()), (frozenset(),) * len(cpus), (None,) * len(cpus))
    seen, todo = {begin}, [begin]

    def carry_out(state, cpu, i):
        memory, done, exclusive = dict(state[0]), list(state[1]), list(state[2])
        op, value = cpus[cpu][i], memory.get(cpus[cpu][i].addr)

        if op.want and not op.want(value):
            return
        done[cpu] |= {i}
        if op.kind == "load":
            exclusive[cpu] = (op.addr, value)
        elif op.kind == "store" and not exclusive[cpu]:
            done[cpu] -= {i - 1, i}
        elif op.new:
            memory[op.addr] = op.new(value)
            exclusive = [e if e and e[0] != op.addr else None for e in exclusive]
        state = (frozenset(memory.items()), tuple(done), tuple(exclusive))
        if state not in seen:
            seen.add(state)
            todo.append(state)

    while todo:
        state = todo.pop()
        if all(len(done) == len(ops) for done, ops in zip(state[1], cpus)):
            return True
        for cpu, ops in enumerate(cpus):
            for i in range(len(ops)):
                if i not in state[1][cpu] and before[cpu][i] <= state[1][cpu]:
                    carry_out(state, cpu, i)
    return False


# What must not happen, with the barriers that `there` has: the memory at first, and the CPUs

def left_out(at, there):
    return {"queue": 0, "word": BUSY}, [
        write("queue", 1) + barrier("A" in there) + read("word", is_(BUSY)),
        at.start(1, "B" in there) + read("queue", is_(0))]


def coalesced(at, there):
    return {"queue": 0, "word": BUSY}, [
        write("queue", 1) + barrier("A" in there) + read("word", is_(BUSY | REQ)),
        at.place(BUSY, REQ),
        at.change("word", is_(BUSY | REQ), lambda _: CYCLE | PICKING, "B" in there) +
        read("queue", is_(0))]


# The end of a bypass makes the target schedule by way of its rq lock
def bypassed(at, there):
    return {"queue": 0, "word": BUSY, "bypass": 1, "lock": 0}, [
        write("queue", 1) + barrier("A" in there) + read("bypass", is_(1)),
        write("bypass", 0) + write("lock", 1, release=True),
        read("lock", is_(1), acquire=True) + at.start(1) + read("queue", is_(0))]


# What was left out because of a task of a higher class, which has then become one of sched_ext:
# the cycle that starts for that comes by way of the rq lock
def left_out_above(at, there):
    return {"queue": 0, "word": BUSY | ABOVE, "lock": 0}, [
        write("queue", 1) + barrier("A" in there) + read("word", is_(BUSY | ABOVE)),
        at.change("word", is_(BUSY | ABOVE), lambda _: BUSY) + write("lock", 1, release=True),
        read("lock", is_(1), acquire=True) + at.start(1) + read("queue", is_(0))]


# No interrupt is sent because of a mark that was cleared in the cycle before
def mark_of_earlier_stint(at, there):
    return {"marked": 1, "word": CYCLE | PICKING}, [
        at.place(CYCLE | BUSY, REQ, "kick" in there) + read("marked", is_(1)),
        write("marked", 0) + at.end(1, "end" in there)]


# (H) has failed because of (G), and looks at the class again. It fails even if a request is there
def class_of_before(at, there):
    found = PICKING | REQ | COUNT
    return {"class": "above", "word": PICKING | REQ}, [
        write("class", "ext") +
        at.change("word", is_(PICKING | REQ), lambda word: word | REQ | COUNT, "G" in there),
        read("word", is_(found)) + barrier("rmb" in there) + read("class", is_("above")) +
        at.change("word", is_(found), lambda _: BUSY | ABOVE)]


def wait_ends_early(at, there):
    return {"data": 0, "word": BUSY}, [
        at.place(BUSY, WAIT) +
        read("word", lambda word: not word & WAIT, "D" in there) + read("data", is_(0)),
        write("data", 1) + at.start(1, "B" in there)]


# Somebody else waits, too, so that the number ends the wait
def wait_ends_by_number(at, there):
    return {"data": 0, "word": BUSY}, [
        at.place(BUSY, WAIT) +
        read("word", is_(CYCLE | PICKING | WAIT), "D" in there) + read("data", is_(0)),
        write("data", 1) + at.start(1, "B" in there),
        at.place(CYCLE | PICKING, WAIT)]


def claim_by_earlier_task(at, there):
    return {"curr": "p", "word": BUSY}, [
        read("word", is_(CYCLE | BUSY), "E" in there) + read("curr", is_("p")) +
        at.place(CYCLE | BUSY, TASK),
        at.start(1) + write("curr", "q") + at.end(1, "F" in there)]


def claim_by_later_task(at, there):
    return {"curr": "p", "word": BUSY}, [
        read("word", is_(BUSY), True) + read("curr", is_("q")) + at.place(BUSY, TASK),
        at.start(1, "B" in there) + write("curr", "q") + at.end(1)]


# A claim that was held back becomes a request, in a later stint that somebody else has claimed
def claim_of_another_stint(at, there):
    return {"switches": 0, "word": BUSY | CLAIM}, [
        read("word", is_(CYCLE | BUSY | CLAIM), "acquire" in there) +
        read("switches", is_(0)) + at.place(CYCLE | BUSY | CLAIM, TASK),
        at.start(1) + write("switches", 1) + at.end(1, "F" in there),
        at.place(CYCLE | BUSY, CLAIM)]


ARGUMENT = (
    (left_out, ("A", "B")),
    (coalesced, ("A", "B")),
    (bypassed, ("A",)),
    (left_out_above, ("A",)),
    (mark_of_earlier_stint, ("kick", "end")),
    (class_of_before, ("G", "rmb")),
    (wait_ends_early, ("B", "D")),
    (wait_ends_by_number, ("B", "D")),
    (claim_by_earlier_task, ("E", "F")),
    # Beside (F), the branch on rq->curr keeps the claim behind the look at it
    (claim_by_later_task, ("B",)),
    (claim_of_another_stint, ("acquire", "F")),
)
MACHINES = (Atomics(lse=True), Atomics(lse=False))


def main():
    failed = needed = 0

    for course, barriers in ARGUMENT:
        if any(happens(*course(at, barriers)) for at in MACHINES):
            print(f"arm64: {course.__name__} happens")
            failed += 1
        for barrier_left_out in barriers:
            there = [name for name in barriers if name != barrier_left_out]
            needed += 1
            if not any(happens(*course(at, there)) for at in MACHINES):
                print(f"arm64: {course.__name__} does not need {barrier_left_out}")
                failed += 1
    if not failed:
        print(f"arm64: {len(ARGUMENT)} courses of events excluded, "
              f"{needed} of {needed} barriers left out are noticed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
