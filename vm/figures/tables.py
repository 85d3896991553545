# SPDX-License-Identifier: GPL-2.0-only
"""Tables of the pages and cover letters, from what `make bench` measured.

VERSION.tables is their text. In it stands, in braces, what to read from compare.tsv:
  {insn:4 cost syscall busy SCX_KICK_PREEMPT 1,64: kick}
is the run, the row, and the measure, and becomes two cells: stock | patched. Of several numbers of
kicks, or of several rows with a semicolon between them, the figures stand in one cell, as a / b.
  {stock insn:4 ...}    the cell of one kernel
  ...: kick ? TEXT      stands where a kernel has no figure
  ...: measure, p99     another statistic
  ...: kick+after       the kick, and what it adds to what follows
  ..., rounds           with the least and the most of the rounds, and a word where they overlap
  {+TEXT} {+kvm:4 ...}  cells that are there where figures under KVM were taken
  {version}             of the stock kernel
Nothing is written if a figure is missing: all tables of a version are of one run.
"""
import csv
import re
import sys

KEY = ("clock", "cpus", "scenario", "from", "target", "flags", "kicks", "measure", "statistic")
FIRST = ("p50", "min", "-")
KERNELS = ("stock", "patched")


def read(path):
    """The rows of compare.tsv by their key."""
    with open(path, encoding="utf-8") as file:
        rows = csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t",
                              quoting=csv.QUOTE_NONE)
        return {tuple(row[name] for name in KEY): row for row in rows}


def show(value, unit):
    """One figure as it is to be read."""
    if unit == "ns":
        for name, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
            if value >= scale:
                return f"{value / scale:.3g} {name}"
    if unit.startswith("kicks/"):
        return f"{value / 1e6:.3g} million"
    return f"{value:.0f}"


class Figures:
    def __init__(self, path):
        self.rows = read(path)

    def row(self, run, fields, measure):
        """The row whose figure stands for a measure, or the one that ", p99" at its end names."""
        match = re.fullmatch(r"(.*), (p[\d.]+)", measure)
        name, statistics = (match[1], [match[2]]) if match else (measure, FIRST)
        for statistic in statistics:
            key = (*run.split(":"), *fields, name, statistic)
            if key in self.rows:
                return self.rows[key]
        raise KeyError(f"{run} {' '.join(fields)}: {measure}")

    def cells(self, spec):
        """What stands for a row of figures, by kernel: empty where there is none."""
        place, measure = spec.strip().split(": ", 1)
        measure, rounds, _ = measure.partition(", rounds")
        run, *fields, kicks = place.split()
        found = {kernel: [] for kernel in KERNELS}
        for number in kicks.split(","):
            sums = measure == "kick+after"
            row = self.row(run, (*fields, number), "kick" if sums else measure)
            for kernel in KERNELS:
                if row[kernel] == "-":
                    continue
                text = show(float(row[kernel]), row["unit"])
                if rounds and row.get("difference", "-") != "-":
                    spread = row[f"{kernel} rounds"].split("..")
                    inside = ", inside the spread" if kernel == KERNELS[1] and \
                        row["difference"].startswith("inside") else ""
                    text += f" ({' to '.join(show(float(n), row['unit']) for n in spread)}){inside}"
                if sums:
                    after = self.row(run, (*fields, number), "kick and after")
                    text += f" + {float(after[kernel]) - float(row[kernel]):.0f}"
                found[kernel].append(text)
        return {kernel: " / ".join(figures) for kernel, figures in found.items()}

    def replace(self, match):
        if match[1].startswith("+"):
            if not any(key[0] == "kvm" for key in self.rows):
                return ""
            if not match[1].startswith("+kvm:"):
                return " | " + match[1][1:]
            return " | " + self.replace(re.match(r"\+(.*)", match[1]))
        spec, _, instead = match[1].partition(" ? ")
        first, _, rest = spec.partition(" ")
        wanted = KERNELS
        if first in KERNELS:
            wanted, spec = [first], rest
        several = [self.cells(one) for one in spec.split(";")]
        return " | ".join(" / ".join(cells[kernel] or instead or "-" for cells in several)
                          for kernel in wanted)


def write(version, release, out):
    """Write the tables of @version, whose stock kernel is @release, from what is in @out."""
    figures = Figures(f"{out}/compare.tsv")
    with open(f"vm/figures/{version}.tables", encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    text = text.replace("{version}", release)
    try:
        text = re.sub(r"\{([^}]*)\}", figures.replace, text)
    except KeyError as missing:
        print(f"bench: the tables of the pages stay as they are: no {missing.args[0]}")
        return
    for section in text.split("\n= ")[1:]:
        name, rows = section.split("\n", 1)
        with open(f"Documentation/scheduler/{name}", "w", encoding="utf-8") as file:
            file.write(rows.strip() + "\n")
        print(f"Documentation/scheduler/{name}", file=sys.stderr)
