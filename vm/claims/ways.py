# SPDX-License-Identifier: GPL-2.0-only
"""Run schedulers four ways in alternation, and tabulate what tasks got and what it cost."""
import json
import os
import statistics
import sys

# (name, kernel, where the scheduler is below build/clients, in how many of the rounds). Whether the
# changed scheduler loads where none of what it asks for exists takes one
FAIR = ("fair", "stock", None, None)
WAYS = (("stock", "stock", "bin", None), ("patched", "patched", "bin", None),
        ("claims", "patched", "claims/bin", None), ("claims on stock", "stock", "claims/bin", 1))
# (head of the column, value of a round's facts, digits)
COLUMNS = (
    ("p50 us", lambda facts: facts["stress"]["latency"]["p50"], 0),
    ("p99 us", lambda facts: facts["stress"]["latency"]["p99"], 0),
    ("p99.9 us", lambda facts: facts["stress"]["latency"]["p99.9"], 0),
    ("cpu ops/s", lambda facts: facts["stress"]["ops"]["cpu"], 0),
    ("fork ops/s", lambda facts: facts["stress"]["ops"]["fork"], 0),
    ("RES/s", lambda facts: facts["stress"]["irqs"]["RES"] / facts["stress"]["span"], 0),
    ("IWI/s", lambda facts: facts["stress"]["irqs"]["IWI"] / facts["stress"]["span"], 0),
    ("LOC/s", lambda facts: facts["stress"]["irqs"]["LOC"] / facts["stress"]["span"], 0),
    ("hackbench s", lambda facts: facts["hackbench"]["seconds"], 3),
    ("its RES", lambda facts: facts["hackbench"]["irqs"]["RES"], 0),
    ("its IWI", lambda facts: facts["hackbench"]["irqs"]["IWI"], 0),
    ("its LOC", lambda facts: facts["hackbench"]["irqs"]["LOC"], 0),
    ("messaging s", lambda facts: facts["messaging"]["seconds"], 3),
)


def spread(values, digits=0):
    """Their median, and of several the least and the most."""
    words = f"{statistics.median(values):.{digits}f}"
    if len(values) < 2:
        return words
    return f"{words} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def cell(rounds, value, digits):
    """What the rounds have of a column. Some loads are not run, some rounds end early."""
    values = []
    for facts in rounds:
        try:
            values.append(value(facts))
        except KeyError:
            pass
    return spread(values, digits) if values else "-"


def kicks(rounds):
    """Kicks of each outcome in a second, or in hackbench where that was all."""
    phases = [facts.get("stress") or dict(facts["hackbench"], span=1) for facts in rounds
              if "hackbench" in facts]
    names = dict.fromkeys(name for phase in phases for name in phase["kicks"])
    values = {name: [phase["kicks"].get(name, 0) / phase["span"] for phase in phases]
              for name in names}
    return ", ".join(f"{statistics.median(rates):.0f} {name}" for name, rates in values.items()
                     if any(rates)) or "-"


def row(title, way, rounds, said):
    """A line of the table. The worst round has the last word."""
    problems = max((facts["problems"] for facts in rounds), key=len)
    return [title, way, str(len(rounds)), *(cell(rounds, *column[1:]) for column in COLUMNS),
            kicks(rounds), "; ".join([*problems, *said])[:120]]


def compare(chosen, guest, built, out, reason):
    """The rows of the table, and who did worse than on stock. What guests found is in claims.json."""
    count = int(os.environ.get("ROUNDS") or 5)
    ways = [("", "", [], *FAIR)] + [(*client, *way) for client in chosen for way in WAYS]
    found = [[] for _ in ways]
    for i in range(count):
        # What drifts is to help neither
        for number, (name, _, args, way, kernel, where, limit) in \
                list(enumerate(ways))[::-1 if i % 2 else 1]:
            if limit is not None and i >= limit:
                continue
            print(f"clients: {name or 'no scheduler'}, {way} (round {i + 1} of {count})",
                  file=sys.stderr)
            command = [f"{built}/{where}/{name}", *args] if where else []
            log = f"{out}/{name or 'none'}-{way.replace(' ', '-')}.log"
            found[number].append(guest(kernel, "claims", log, command))
            with open(f"{out}/claims.json", "w", encoding="utf-8") as file:
                json.dump([{"name": one[0], "way": one[3], "rounds": rounds}
                           for one, rounds in zip(ways, found)], file, indent=1)
    rows = [("scheduler", "way", "rounds", *(column[0] for column in COLUMNS), "kicks/s", "problems")]
    worse = {}
    fine = {}
    for (name, version, _, way, *_), rounds in zip(ways, found):
        said = [reason(name, way.replace(" ", "-"))] if \
            any("name" in facts and not facts["name"] for facts in rounds) else []
        rows.append(row(f"{name} {version}" if name else "none", way, rounds, said))
        good = not any(facts["problems"] for facts in rounds)
        if way == "stock":
            fine[name] = good
        if fine.get(name) and not good:
            worse[name] = True
    return rows, list(worse)
