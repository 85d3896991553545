# SPDX-License-Identifier: GPL-2.0-only
"""What vm/bench makes of the rows that scx_kickbench prints: medians, differences, comparisons."""
import statistics

KERNELS = ("stock", "patched")
KEY = ("scenario", "from", "target", "flags", "kicks", "measure", "unit")


def parse(lines):
    """The rows of one run by their key."""
    rows = {}
    columns = None
    for line in lines:
        fields = line.split("\t")
        if line.startswith("scenario\t"):
            columns = fields
        elif columns and len(fields) == len(columns):
            row = dict(zip(columns, fields))
            key = tuple(row[column] for column in KEY[:-1])
            rows[key] = row
    return rows


def merge(several):
    """Rows of several rounds: the median of each figure, and all of them in "rounds", histograms
    added up."""
    merged = {}
    for key in dict.fromkeys(key for rows in several for key in rows):
        rows = [rows[key] for rows in several if key in rows]
        row = dict(rows[0], rounds={})
        combine = sum if key[5] == "lost" else statistics.median
        for column in ("min", "p50", "p99", "p99.9", "max", "mean"):
            values = [float(other[column]) for other in rows if other[column] != "-"]
            if values:
                row[column] = f"{combine(values):.10g}"
                row["rounds"][column] = values
        buckets = {}
        for other in rows:
            for bucket in other["histogram"].replace("-", "").split(","):
                if bucket:
                    low, count = bucket.split(":")
                    buckets[int(low)] = buckets.get(int(low), 0) + int(count)
        row["histogram"] = buckets
        merged[key] = row
    return merged


def figures(row):
    """Which of a row's figures stand for it: (name, column)."""
    # Other CPUs' turns may fall into it
    if row["unit"] == "instructions" and row["measure"] == "kick and after":
        return [("min", "min")]
    if row["histogram"]:
        return [(name, name) for name in ("p50", "p99", "p99.9", "max")]
    if row["p50"] != "-":
        return [("p50", "p50")]
    return [("", "mean")]


def number(text):
    return None if text in ("-", "") else float(text)


def show(value):
    if value is None:
        return "-"
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


PREEMPT_BUSY = ("cost", "syscall", "busy", "SCX_KICK_PREEMPT")
BARE = [("ipi", "-", "busy", "-", "-", measure)
        for measure in ("irq_work_queue_on()", "RES", "CAL", "IWI")]


def derive(rows, cpus):
    """Adds what follows from two figures: (measure, of which key, unit, formula, other key)."""
    others = str(cpus - 1)
    for measure, key, unit, formula, other in (
            ("a kick above it", BARE[0], None,
             lambda a, b: b - a, (*PREEMPT_BUSY, "1", "kick")),
            ("above a kick", ("task", "syscall", "busy", "0", "1", "kick"), None,
             lambda a, b: a - b, (*PREEMPT_BUSY, "1", "kick")),
            ("share of a kick each", ("mask", "syscall", "all", "SCX_KICK_PREEMPT", others, "kick"),
             "share", lambda a, b: a / b,
             ("round", "syscall", "all", "SCX_KICK_PREEMPT", others, "kick"))):
        if key not in rows or other not in rows:
            continue
        column = figures(rows[key])[0][1]
        a, b = number(rows[key][column]), number(rows[other][column])
        if a is not None and b:
            row = dict.fromkeys(rows[key], "-")
            row.update(unit=unit or rows[key]["unit"], histogram={}, rounds={},
                       **dict.fromkeys(("min", "p50"), f"{formula(a, b):.10g}"))
            rows[(*key[:5], measure)] = row


def left_out(rows, key):
    """Why a run has no row of this key: what it says of its scenario there, if anything."""
    return next((row["note"] for other, row in rows.items()
                 if other[:5] == key[:5] and row["note"] != "-"), "the run ended before")


def readable(ns):
    """A time as it is to be read."""
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= scale:
            return f"{ns / scale:.3g} {unit}"
    return f"{ns:.3g} ns"


def spread(values):
    """The least and the most of the rounds."""
    return f"{show(min(values))}..{show(max(values))}" if len(values) > 1 else "-"


def judge(stock, patched):
    """Does a difference mean more than what one round differs from the next by? With five rounds of
    each, that all of one kernel lie below all of the other comes about by chance once in 126 times,
    with three once in 10."""
    if len(stock) < 2 or len(patched) < 2:
        return "-"
    if {*stock} == {*patched} and len({*stock}) == 1:
        return "none"
    if max(stock) >= min(patched) and max(patched) >= min(stock):
        return "inside the spread"
    return "outside" if min(len(stock), len(patched)) > 3 else "of too few rounds"


COLUMNS = ("clock", "cpus", *KEY, "statistic", *KERNELS, "ratio",
           *(f"{kernel} rounds" for kernel in KERNELS), "difference", "host CPUs a CPU", "note")


def compare(clock, cpus, results, hosts):
    """Rows for compare.tsv, as COLUMNS has them. @hosts: how many CPUs carried the machines."""
    stock, patched = (results[kernel] for kernel in KERNELS)
    for key in dict.fromkeys([*stock, *patched]):
        both = [rows.get(key) for rows in (stock, patched)]
        row = max((other for other in both if other), key=lambda other: other["unit"] != "-")
        notes = [f"{kernel}: {other['note'] if other else left_out(results[kernel], key)}"
                 for kernel, other in zip(KERNELS, both) if not other or other["note"] != "-"]
        for name, column in figures(row):
            a, b = (number(other[column]) if other else None for other in both)
            ratio = "-" if a is None or b is None or (not a and b) else \
                "1.000" if a == b else f"{b / a:.3f}"
            rounds = [other["rounds"].get(column, []) if other and key[5] != "lost" else []
                      for other in both]
            yield [clock, str(cpus), *key, row["unit"], name or "-", show(a), show(b), ratio,
                   *(spread(values) for values in rounds), judge(*rounds),
                   "-" if clock == "insn" else f"{min(1, hosts / cpus):.2f}", "; ".join(notes)]


# Where what a kick leaves behind is over when the kicker goes on
AWAITED = ("nopreempt", "enqueue", "dispatch")


def telling(line):
    """Is this line for the terminal, too? Interrupts are those of single kicks."""
    clock, cpus, scenario, origin, target, flags, kicks, measure, unit = line[:9]
    values = line[10:12]
    if unit == "-" and values == ["-", "-"]:
        return True
    if "left out" in line[-1] and measure not in ("kick", "above a kick", "share of a kick each"):
        return False
    if measure == "lost":
        return not set(values) <= {"0", "-"} or scenario in ("herd", "round", "mask")
    if scenario in ("cycle", "clock", "ipi", "herd", "latency", "urgent"):
        return True
    if measure in ("cycle", "victim off CPU", "next task on CPU"):
        return False
    if scenario == "cost" and (clock != "insn" or cpus != "4") and \
            (flags == "0" or flags == "SCX_KICK_WAIT"):
        return False
    if measure == "kick and clock":
        return clock == "insn" and cpus == "4" and scenario == "cost"
    if measure == "kick and after":
        return origin in AWAITED or (origin, target) == ("syscall", "own")
    if measure in ("RES", "CAL", "IWI", "coalesced"):
        return clock == "insn" and cpus == "4" and scenario != "from" and kicks != "64" and \
            not set(values) <= {"0", "-"}
    return True
