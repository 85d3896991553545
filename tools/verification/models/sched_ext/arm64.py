#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Judge the litmus tests of the kick protocol (litmus/*.litmus) under the rules of arm64: what they
say cannot happen does not, and does happen where one of their barriers is left out.

usage: arm64.py [--twins DIRECTORY]
	write the twins to DIRECTORY, for herd7, and judge nothing

A line of a test that has a barrier to leave out ends with the barrier's name, as `// (A)'. The twin
of a test has that line without the barrier.

All CPUs of an arm64 machine see stores in one order (other-multi-copy atomicity). So there is one
memory here, and each CPU carries out its accesses one at a time, in any order that barriers,
acquire, release, branches before stores, and accesses to the same address leave. All such orders
are tried, with atomic operations as one instruction (LSE) and as a loop of exclusives (LL/SC).
"""
import itertools
import re
import sys
from collections import namedtuple
from pathlib import Path

TESTS = Path(__file__).resolve().parent / "litmus"

# What a line becomes without its barrier
WITHOUT = ((r"smp_r?mb\(\);", ""), (r"\b(cmpxchg|xchg)\(", r"\1_relaxed("),
           (r"smp_load_acquire\((\w+)\)", r"READ_ONCE(*\1)"))

STATEMENTS = (
    ("write", r"WRITE_ONCE\(\*(?P<addr>\w+), (?P<new>\d+)\);"),
    ("release", r"smp_store_release\((?P<addr>\w+), (?P<new>\d+)\);"),
    ("read", r"(?P<reg>\w+) = READ_ONCE\(\*(?P<addr>\w+)\);"),
    ("acquire", r"(?P<reg>\w+) = smp_load_acquire\((?P<addr>\w+)\);"),
    ("change", r"(?P<reg>\w+) = xchg(?P<relaxed>_relaxed)?\((?P<addr>\w+), (?P<new>\d+)\);"),
    ("change", r"(?P<reg>\w+) = cmpxchg(?P<relaxed>_relaxed)?"
               r"\((?P<addr>\w+), (?P<old>\d+), (?P<new>\d+)\);"),
    ("mb", r"smp_mb\(\);"),
    ("rmb", r"smp_rmb\(\);"),
    ("if", r"if \((?P<reg>\w+) == (?P<old>\d+)\) {"),
    ("end", r"}"),
)

Test = namedtuple("Test", "name memory cpus registers final barriers")

# kind: read, write, mb, rmb, atomic, or load and store of a pair of exclusives. What is read goes
# to the register reg and has to be one that this course of events can have (want); new is what is
# written. after: the reads that the branches before it depend on
Op = namedtuple("Op", "kind addr reg want new acquire release after")


class Broken(Exception):
    pass


def without_barrier(text, name):
    """The text of the twin that lacks the barrier"""
    lines = text.split("\n")
    at = next(i for i, line in enumerate(lines) if line.endswith(f"// ({name})"))
    for pattern, weaker in WITHOUT:
        lines[at] = re.sub(pattern, weaker, lines[at])
    title = text.split("\n", 1)[0].split()[1]
    return f"{title}+no-{name}", "\n".join(lines).replace(
        f"C {title}\n", f"C {title}+no-{name}\n").replace("Result: Never", "Result: Sometimes")


def statement(line, where):
    for kind, pattern in STATEMENTS:
        match = re.fullmatch(pattern, line)
        if match:
            return kind, match.groupdict()
    raise Broken(f"{where}: '{line}' is not understood")


def parse(text):
    match = re.fullmatch(r"C (\S+)\n\n\(\*.*?\*\)\n\n{\n(.*?)}\n\n(.*)\n\nexists \((.*)\)\n", text,
                         re.DOTALL)
    if not match:
        raise Broken("not a test as the others")
    name, init, body, exists = match.groups()
    cpus = []
    for number, cpu in enumerate(re.findall(r"^P\d\(.*?\)\n{\n(.*?)\n}$", body,
                                            re.DOTALL | re.MULTILINE)):
        lines = (re.sub(r"\s*//.*", "", line).strip() for line in cpu.split("\n"))
        cpus.append([statement(line, f"P{number}") for line in lines
                     if line and not line.startswith("int ")])
    registers, final = {}, {}
    for condition in exists.split(" /\\ "):
        where, value = condition.split("=")
        if ":" in where:
            number, reg = where.split(":")
            registers[int(number), reg] = int(value)
        else:
            final[where] = int(value)
    return Test(name, {a: int(v) for a, v in re.findall(r"(\w+)=(\d+);", init)}, cpus, registers,
                final, re.findall(r"// \((\w+)\)$", body, re.MULTILINE))


def change(machine, addr, reg, want, new, full, after):
    """An atomic operation that succeeds. The kernel's are full barriers unless they are relaxed"""
    if machine == "LSE":
        return [Op("atomic", addr, reg, want, new, full, full, after)]
    ops = [Op("load", addr, reg, want, None, False, False, frozenset()),
           Op("store", addr, None, (), new, False, full, after)]
    return ops + ([Op("mb", None, None, (), None, True, True, frozenset())] if full else [])


def courses(machine, statements, wanted):
    """
    All ways that the branches and the comparisons of a CPU may take, each as a list of operations.
    wanted: what the registers have to be in the end.
    """
    forks = [i for i, (kind, s) in enumerate(statements) if kind == "if" or s.get("old")]
    for choice in itertools.product((True, False), repeat=len(forks)):
        taken = dict(zip(forks, choice))
        wants = {reg: [("==", value)] for reg, value in wanted.items()}
        ops, branches, skip = [], [], False
        for i, (kind, s) in enumerate(statements):
            if kind == "end":
                branches.pop()
                skip = False
            if skip or kind == "end":
                continue
            if kind == "if":
                wants.setdefault(s["reg"], []).append(
                    ("==" if taken[i] else "!=", int(s["old"])))
                branches.append(s["reg"])
                skip = not taken[i]
                continue
            after = frozenset(j for j, op in enumerate(ops) if op.reg in branches)
            addr, reg, new = s.get("addr"), s.get("reg"), s.get("new")
            new = int(new) if new else None
            full = not s.get("relaxed")
            want = wants.setdefault(reg, []) if reg else ()
            if kind == "change" and s.get("old"):
                want.append(("==" if taken[i] else "!=", int(s["old"])))
            if kind == "change" and taken.get(i, True):
                ops += change(machine, addr, reg, want, new, full, after)
            elif kind == "change":
                # It fails, and orders no more than a load does
                ops.append(Op("read", addr, reg, want, None, full and machine == "LSE", False,
                              frozenset()))
            elif kind in ("mb", "rmb"):
                ops.append(Op(kind, None, None, (), None, kind == "mb", kind == "mb", frozenset()))
            else:
                ops.append(Op({"acquire": "read", "release": "write"}.get(kind, kind), addr, reg,
                              want, new, kind == "acquire", kind == "release", after))
        # A register that has to be something must be read
        if wanted.keys() <= {op.reg for op in ops}:
            yield ops


def in_order(ops, i, j):
    first, second = ops[i], ops[j]
    if first.acquire or second.release or (first.addr and first.addr == second.addr):
        return True
    if first.kind == "rmb" or (second.kind == "rmb" and first.kind in ("read", "load", "atomic")):
        return True
    # A store is not made before it is known that it has to be
    return i in second.after and second.kind in ("write", "store", "atomic")


def happens(memory, cpus, final):
    """Can all accesses be carried out so that what is read is what the CPUs want?"""
    before = [[{i for i in range(j) if in_order(ops, i, j)} for j in range(len(ops))]
              for ops in cpus]
    begin = (frozenset(memory.items()), (frozenset(),) * len(cpus), (None,) * len(cpus))
    seen, todo = {begin}, [begin]

    def carry_out(state, cpu, i):
        memory, done, exclusive = dict(state[0]), list(state[1]), list(state[2])
        op = cpus[cpu][i]
        value = memory.get(op.addr, 0)

        if any((value == v) != (sign == "==") for sign, v in op.want):
            return
        done[cpu] |= {i}
        if op.kind == "load":
            exclusive[cpu] = (op.addr, value)
        elif op.kind == "store" and not exclusive[cpu]:
            done[cpu] -= {i - 1, i}
        elif op.new is not None:
            memory[op.addr] = op.new
            exclusive = [e if e and e[0] != op.addr else None for e in exclusive]
        state = (frozenset(memory.items()), tuple(done), tuple(exclusive))
        if state not in seen:
            seen.add(state)
            todo.append(state)

    while todo:
        state = todo.pop()
        if all(len(done) == len(ops) for done, ops in zip(state[1], cpus)):
            if final.items() <= dict(state[0]).items():
                return True
            continue
        for cpu, ops in enumerate(cpus):
            for i in range(len(ops)):
                if i not in state[1][cpu] and before[cpu][i] <= state[1][cpu]:
                    carry_out(state, cpu, i)
    return False


def on_arm64(text):
    """Does what the test asks for happen, on one of the machines?"""
    test = parse(text)
    for machine in ("LSE", "LL/SC"):
        ways = [list(courses(machine, cpu, {reg: value for (n, reg), value in
                                            test.registers.items() if n == number}))
                for number, cpu in enumerate(test.cpus)]
        if any(happens(test.memory, cpus, test.final) for cpus in itertools.product(*ways)):
            return True
    return False


def judge(texts):
    failed = needed = 0

    for text in texts:
        test = parse(text)
        if on_arm64(text):
            print(f"arm64: {test.name} happens")
            failed += 1
        for barrier in test.barriers:
            needed += 1
            name, twin = without_barrier(text, barrier)
            if not on_arm64(twin):
                print(f"arm64: {name} does not happen")
                failed += 1
    if not failed:
        print(f"arm64: {len(texts)} courses of events excluded, "
              f"{needed} of {needed} barriers left out are noticed")
    return failed != 0


def main():
    texts = [path.read_text() for path in sorted(TESTS.glob("*.litmus"))]
    try:
        if sys.argv[1:2] != ["--twins"]:
            return judge(texts)
        for text in texts:
            for barrier in parse(text).barriers:
                name, twin = without_barrier(text, barrier)
                Path(sys.argv[2], f"{name}.litmus").write_text(twin)
    except Broken as error:
        print(f"arm64: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
