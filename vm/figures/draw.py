# SPDX-License-Identifier: GPL-2.0-only
"""The drawings of vm/bench: what each shows of the rows."""
import os
import sys

from figures import svg
from figures.rows import AWAITED, KERNELS, figures, number, readable

FLAGS = {"SCX_KICK_IDLE": "IDLE", "SCX_KICK_PREEMPT": "PREEMPT", "SCX_KICK_WAIT": "WAIT",
         "0": "plain"}
TARGETS = {"own": "itself", "busy": "a busy CPU", "idle": "an idle CPU"}
PLACES = {"enqueue": "ops.enqueue", "dispatch": "ops.dispatch", "nopreempt": "preemption off"}


def draw_cost(path, results, kernels):
    """Cost per kick by scenario."""
    both = [results["insn", 4][kernel] for kernel in KERNELS]
    panels = []
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
            panels.append((f"What a kick costs the CPU that makes it. {title}",
                           [f"{kernels[kernel]}, {kernel}" for kernel in KERNELS], lines))
    if panels:
        svg.bars(path, "instructions per kick", "Fewer is better. IDLE is SCX_KICK_IDLE and so on, "
                 "plain is no flag. QEMU, 4 CPUs. Where a bar of stock is missing, the kick would "
                 "hang it.", panels)
    return panels


def draw_latency(path, results, kernels):
    """How long victims and urgent tasks wait."""
    timed = sorted((cpus, clock) for clock, cpus in results if clock != "insn")
    carried = [run for run in timed if run[0] <= os.cpu_count()] or timed[:1]
    panels = []
    for title, scenario, measure in (
            ("From a kick to the victim off its CPU", "latency", "victim off CPU"),
            ("From waking an urgent task to running it, all CPUs busy", "urgent",
             "wake-up to CPU")):
        if not carried:
            continue
        cpus, clock = carried[-1]
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
        panels.append((f"{title} (QEMU{', KVM' if clock == 'kvm' else ''}, {cpus} CPUs)",
                       [f"{kernels[kernel]}, {kernel}: median {readable(float(row['p50']))}, "
                        f"p99 {readable(float(row['p99']))} of {sum(row['histogram'].values())}"
                        for kernel, row in zip(KERNELS, rows)], lines))
    if panels:
        svg.bars(path, "share of the samples, %",
                 "A pair of bars stands for this much time to twice as much", panels)
    return panels


def draw_cpus(path, results, kernels):
    """Cost over the number of CPUs."""
    series = []
    for title, scenario, target, kicks, style in (
            ("PREEMPT at a busy CPU, alone", "cost", "busy", "1", 0),
            ("one CPU kicks all others, each", "round", "all", None, 2),
            ("one call kicks all others, each", "mask", "all", None, 4)):
        for i, kernel in enumerate(KERNELS):
            points = []
            for (clock, cpus), rows in results.items():
                row = rows[kernel].get((scenario, "syscall", target, "SCX_KICK_PREEMPT",
                                        kicks or str(cpus - 1), "kick"))
                if clock == "insn" and row and row["p50"] != "-":
                    points.append((cpus, float(row["p50"])))
            if points:
                series.append((f"{kernels[kernel]}, {kernel}: {title}", style + i, points))
    if series:
        svg.lines(path, "What one kick costs the CPU that makes it, by the number of CPUs (QEMU)",
                  "instructions per kick (fewer is better)", "CPUs", series)
    return series


def draw(out, results, kernels):
    """All of them, into the directory."""
    for name, draw_one in (("cost", draw_cost), ("latency", draw_latency), ("cpus", draw_cpus)):
        if name == "cost" and ("insn", 4) not in results or \
                not draw_one(f"{out}/{name}.svg", results, kernels):
            print(f"bench: {name}.svg left out, its figures were not taken", file=sys.stderr)
        else:
            print(f"{out}/{name}.svg", file=sys.stderr)
