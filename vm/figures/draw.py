# SPDX-License-Identifier: GPL-2.0-only
"""The drawings of vm/bench: *.gp of this directory, and the data that they draw.

NAME.dat has a block for each panel, or line: its titles first, then its values. What is to be known
before reading it, gnuplot gets as variables.
"""
import os
import subprocess
import sys

from figures.rows import AWAITED, KERNELS, figures, number, readable

HERE = os.path.dirname(os.path.abspath(__file__))
FLAGS = {"SCX_KICK_IDLE": "IDLE", "SCX_KICK_PREEMPT": "PREEMPT", "SCX_KICK_WAIT": "WAIT",
         "0": "plain"}
TARGETS = {"own": "itself", "busy": "a busy CPU", "idle": "an idle CPU"}
PLACES = {"enqueue": "ops.enqueue", "dispatch": "ops.dispatch", "nopreempt": "preemption off"}


def gnuplot(out, name, blocks, **variables):
    """Draws name.svg. Returns why it could not be, or None."""
    if not blocks:
        print(f"bench: {name}.svg left out, its figures were not taken", file=sys.stderr)
        return None
    with open(f"{out}/{name}.dat", "w", encoding="utf-8") as file:
        file.write("\n\n\n".join("\n".join(block) for block in blocks) + "\n")
    variables.update(name=name, out=out, panels=len(blocks))
    settings = "; ".join(f"{key} = {value}" if isinstance(value, int) else f"{key} = '{value}'"
                         for key, value in variables.items())
    done = subprocess.run(["gnuplot", "-e", settings, f"{HERE}/style.gp", f"{HERE}/{name}.gp"],
                          text=True, capture_output=True, check=False)
    if done.returncode:
        return f"gnuplot could not draw {name}.svg: {done.stderr.strip().splitlines()[-1]}"
    print(f"{out}/{name}.svg", file=sys.stderr)
    return None


def bars(titles, lines):
    """One panel: label, stock, patched a line."""
    return [" ".join(f'"{title}"' for title in ("", *titles)),
            *(f'"{label}" ' + " ".join("NaN" if value is None else f"{value:.6g}"
                                       for value in values) for label, *values in lines)]


def draw_cost(out, results, kernels):
    """Cost per kick by scenario."""
    both = [results["insn", 4][kernel] for kernel in KERNELS]
    panels, titles = [], {}
    for title, scenario, burst, measure in (
            ("From a syscall program, a single kick", "cost", "1", "kick"),
            ("From a syscall program, each of 64 in a row", "cost", "64", "kick"),
            ("From operations, or with preemption off, a single kick, until that CPU goes on",
             "from", "1", "kick and after")):
        lines = []
        for key in both[1]:
            if (key[0], key[4], key[5]) != (scenario, burst, measure) or \
                    key[1] not in ("syscall", *AWAITED):
                continue
            values = [number(rows[key][figures(rows[key])[0][1]]) if key in rows else None
                      for rows in both]
            place = f"{PLACES[key[1]]}: " if key[1] in PLACES else ""
            lines.append((f"{place}{FLAGS[key[3]]} at {TARGETS[key[2]]}", *values))
        if lines:
            titles[f"title{len(panels)}"] = title
            panels.append(bars([f"{kernels[kernel]}, {kernel}" for kernel in KERNELS], lines))
    return gnuplot(out, "cost", panels, **titles)


def draw_latency(out, results, kernels):
    """How long victims and urgent tasks wait."""
    timed = sorted((run for run in results if run[0] != "insn"),
                   key=lambda run: (run[0] == "kvm", run[1]))
    carried = [run for run in timed if run[1] <= os.cpu_count()] or timed[:1]
    if not carried:
        return gnuplot(out, "latency", [])
    clock, cpus = carried[-1]
    panels, titles = [], {}
    for title, scenario, measure in (
            ("From a kick to the victim off its CPU", "latency", "victim off CPU"),
            ("From waking an urgent task to running it, all CPUs busy", "urgent",
             "wake-up to CPU")):
        rows = [next((row for key, row in results[clock, cpus][kernel].items()
                      if key[0] == scenario and key[5] == measure and row["histogram"]), None)
                for kernel in KERNELS]
        if not all(rows):
            continue
        lows = sorted({low for row in rows for low in row["histogram"]})
        lines = []
        low = lows[0]
        while low <= lows[-1]:
            lines.append((readable(low), *(100 * row["histogram"].get(low, 0) /
                                           sum(row["histogram"].values()) for row in rows)))
            low = low * 2 or 1
        titles[f"title{len(panels)}"] = \
            f"{title} (QEMU{', KVM' if clock == 'kvm' else ''}, {cpus} CPUs)"
        panels.append(bars(
            [f"{kernels[kernel]}, {kernel}: median {readable(float(row['p50']))}, "
             f"p99 {readable(float(row['p99']))} of {sum(row['histogram'].values())}"
             for kernel, row in zip(KERNELS, rows)], lines))
    return gnuplot(out, "latency", panels, **titles)


def draw_cpus(out, results, kernels):
    """Cost over the number of CPUs."""
    series = (("PREEMPT at a busy CPU, alone", "cost", "busy", "1", 0),
              ("one CPU kicks all others, each", "round", "all", None, 2),
              ("one call kicks all others, each", "mask", "all", None, 4))
    blocks, styles = [], {}
    for title, scenario, target, kicks, style in series:
        for i, kernel in enumerate(KERNELS):
            points = []
            for (clock, cpus), rows in results.items():
                row = rows[kernel].get((scenario, "syscall", target, "SCX_KICK_PREEMPT",
                                        kicks or str(cpus - 1), "kick"))
                if clock == "insn" and row and row["p50"] != "-":
                    points.append(f"{cpus} {row['p50']}")
            if not points:
                continue
            styles[f"style{len(blocks)}"] = style + i + 1
            blocks.append([f'"" "{kernels[kernel]}, {kernel}: {title}"', *points])
    return gnuplot(out, "cpus", blocks, **styles)


def draw(out, results, kernels):
    """All of them, into the directory. Yields what goes wrong."""
    if ("insn", 4) in results:
        yield draw_cost(out, results, kernels)
    yield draw_latency(out, results, kernels)
    yield draw_cpus(out, results, kernels)
