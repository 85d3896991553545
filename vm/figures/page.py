#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The page to read of what was run: on what machine, what was compared, how often, with what spread."""
import csv
import glob
import os
import re
import subprocess
import sys
from html import escape

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from figures.rows import KERNELS, readable, telling

# scenario, measure: what it is. These come first
FIRST = {
    ("latency", "victim off CPU"): "from a kick until the victim is off its CPU",
    ("urgent", "wake-up to CPU"): "from waking an urgent task until it runs",
    ("urgent", "lost per preemption"): "lost to the preempted task",
    ("ipi", "empty call, one way"): "the bare interrupt: until an empty function runs there",
    ("ipi", "empty call, and back"): "the same, until the caller knows",
    ("ipi", "irq_work_queue_on()"): "sending a bare interrupt",
    ("ipi", "self-interrupt"): "an interrupt to oneself",
}
HEAD = """<!DOCTYPE html>
<meta charset="utf-8"><title>sched_ext kicks: what was measured</title>
<style>body { font: 15px/1.4 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .2em .7em; text-align: left;
border-bottom: 1px solid #ddd; vertical-align: top } .n { text-align: right } .dim { color: #888 }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto } img { max-width: 100% }</style>
<h1>sched_ext kicks: what was measured</h1>
"""


def read(path, wanted=r"(.*)"):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(wanted, file.read(), re.M)
    except OSError:
        return ""
    return found[1].strip() if found else ""


def machine():
    """Facts of the machine that carried those of the guests: name and value."""
    cpu = "/sys/devices/system/cpu/"
    clock = [read("/proc/cpuinfo", r"^cpu MHz\s*: (.*)") + " MHz",
             read(f"{cpu}cpu0/cpufreq/scaling_governor") or "no governor to be seen",
             "constant TSC" if "constant_tsc" in read("/proc/cpuinfo", r"^flags\s*: (.*)") else
             "no constant TSC", "clocksource " + read("/sys/devices/system/clocksource/clocksource0/"
                                                      "current_clocksource")]
    version = subprocess.run(["qemu-system-x86_64", "--version"], text=True, check=False,
                             stdout=subprocess.PIPE).stdout.split("\n")[0]
    carried = len(os.sched_getaffinity(0))
    yield "processor", read("/proc/cpuinfo", r"^model name\s*: (.*)")
    yield "CPUs", f"{carried} to be used of {os.cpu_count()}, threads of a core: " + \
        (read(f"{cpu}cpu0/topology/thread_siblings_list") or "not told") + \
        (", itself a virtual machine" if " hypervisor" in read("/proc/cpuinfo", r"^(flags.*)") else "")
    yield "clock", ", ".join(clock)
    yield "memory", f"{int(read('/proc/meminfo', r'MemTotal: *([0-9]*)') or 0) >> 20} GiB"
    yield "its Linux", os.uname().release
    yield "load", ", ".join(f"{load:.1f}" for load in os.getloadavg()) + \
        " (1, 5 and 15 minutes, when this page was written)"
    yield "emulator", version


def table(head, lines):
    yield "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"
    for cells in lines:
        yield "<tr>" + "".join(f"<td{' class=n' if re.match(r'[0-9.]+( |$)', cell) else ''}>"
                               f"{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table>"


def show(row, column):
    """One figure, or the two of a spread."""
    parts = row[column].split("..")
    if row["unit"] == "ns" and parts != ["-"]:
        return " to ".join(readable(float(part)) for part in parts)
    return " to ".join(parts)


def cells(row, what):
    clock = {"insn": "counted instructions", "time": "TCG", "kvm": "KVM"}[row["clock"]]
    carried = row["host CPUs a CPU"]
    return [what, f"{clock}, {row['cpus']} CPUs" + (f", {carried} of the host for each"
                                                    if carried != "-" else ""),
            row["unit"], row["statistic"], *(show(row, kernel) for kernel in KERNELS), row["ratio"],
            *(show(row, f"{kernel} rounds") for kernel in KERNELS), row["difference"], row["note"]]


def figures(path):
    """What compare.tsv has, the figures that say most first."""
    with open(path, encoding="utf-8") as file:
        text = file.read().splitlines()
    rows = list(csv.DictReader((line for line in text if not line.startswith("#")), delimiter="\t",
                               quoting=csv.QUOTE_NONE))
    head = ("what", "on", "unit", "of all", *KERNELS, "ratio",
            *(f"rounds of {kernel}" for kernel in KERNELS), "the difference is", "")
    first = [cells(row, FIRST[row["scenario"], row["measure"]]) for row in rows
             if (row["scenario"], row["measure"]) in FIRST]
    rest = [cells(row, " ".join(filter("-".__ne__, (
        row["scenario"], row["measure"] + ":", row["flags"], row["target"], row["from"],
        row["kicks"])))) for row in rows
            if (row["scenario"], row["measure"]) not in FIRST and telling(list(row.values()))]
    if first:
        yield from table(head, first)
    yield "<p>Figures are medians of the rounds, in each of which either kernel has a machine in " \
        "turn. A difference is <em>inside the spread</em> where a round of one kernel is among those " \
        "of the other: it means nothing then.</p>"
    yield from (f"<p>{escape(line[2:])}</p>" for line in text if line.startswith("# "))
    yield "<details><summary>All others</summary>"
    yield from table(head, rest)
    yield "</details>"


def write(out):
    """Write page.html of what lies in @out, and below."""
    parts = [HEAD, *table(("the machine", ""), machine())]
    for path in sorted(glob.glob(f"{out}/**/*", recursive=True)):
        name = escape(os.path.relpath(path, out))
        if path.endswith("/compare.tsv"):
            parts += [f"<h2>{name}</h2>", *figures(path)]
        elif path.endswith(".svg"):
            parts.append(f'<p><img src="{name}" alt="{name}"></p>')
        elif path.endswith(".txt"):
            with open(path, encoding="utf-8", errors="replace") as file:
                parts.append(f"<h2>{name}</h2><pre>{escape(file.read())}</pre>")
    with open(f"{out}/page.html", "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")


if __name__ == "__main__":
    write(sys.argv[1])
