# SPDX-License-Identifier: GPL-2.0-only
"""Put a scheduler in control of this guest, and count what it kicks and interrupts."""
import os
import re
import signal
import subprocess
import time

SCX = "/sys/kernel/sched_ext/"
KICKS = "/sys/kernel/debug/sched/ext_kick"
TRACING = "/sys/kernel/tracing/"


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def enabled():
    return read(SCX + "state").strip() == "enabled"


def in_control(name):
    return enabled() and read(SCX + "root/ops").strip() == name


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def interrupts():
    """RES, IWI and LOC of all CPUs."""
    lines = (line.split() for line in read("/proc/interrupts").splitlines())
    return {f[0][:-1]: sum(int(n) for n in f[1:] if n.isdigit())
            for f in lines if f and f[0] in ("RES:", "IWI:", "LOC:")}


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def probe_kicks():
    """A stock kernel does not count kicks: have a probe count the calls."""
    write(TRACING + "tracing_on", "0")
    write(TRACING + "kprobe_events", "p:asked scx_bpf_kick_cpu\n")
    write(TRACING + "events/kprobes/asked/enable", "1")


def kicks():
    """Kicks so far, by outcome."""
    if not os.path.exists(KICKS):
        hits = re.findall(r"asked\s+(\d+)", read(TRACING + "kprobe_profile"))
        return {"asked": int(n) for n in hits}
    lines = [line.split() for line in read(KICKS).splitlines()]
    counts = dict(zip(lines[0], lines[-1]))
    return {name: int(counts[name]) for name in lines[0][1:lines[0].index("irqs")]}


def since(begin, end):
    return {name: n - begin.get(name, 0) for name, n in end.items()}


def complaints():
    log = subprocess.run(["vm/guest/log"], capture_output=True, text=True, check=False)
    lines = log.stdout.splitlines()[1:] if log.returncode else []
    return [line.removeprefix("# ") for line in lines]


def start(command, log):
    """The scheduler, and the name that the kernel has for it if it got control."""
    scheduler = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    wait_for(lambda: enabled() or scheduler.poll() is not None, 60)
    return scheduler, read(SCX + "root/ops").strip() if enabled() else None


def stop(scheduler):
    scheduler.send_signal(signal.SIGINT)
    try:
        return scheduler.wait(60)
    except subprocess.TimeoutExpired:
        scheduler.kill()
        return "none, killed after 60 s"
