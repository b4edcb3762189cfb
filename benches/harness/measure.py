"""What a run costs: its own time and memory, the server's CPU, and how much else the machine did meanwhile."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A run that did not do what it should: its figures would mean nothing."""


@dataclass
class Cost:
    """One run. Seconds and bytes."""

    wall: float
    cpu: float  # user and system, of the measured processes
    rss: int  # peak resident memory of the largest of them
    server: float  # PostgreSQL, PostgREST and the gateway
    others: float  # everything else on the machine, as cores
    rows: int = 0  # where a run was cut off: rows up to then


def run(command, scratch, stack=None, env=None, discard=False):
    """Runs `command` and returns its cost and its standard output (nothing, with `discard`)."""
    result, stderr = scratch / "cost.json", scratch / "stderr"
    stdout = Path(os.devnull) if discard else scratch / "stdout"
    result.unlink(missing_ok=True)
    server_before, machine_before = (stack.cpu() if stack else 0.0), machine_cpu()
    with open(stderr, "wb") as errors:
        launcher = [sys.executable, "-I", "-S", str(LAUNCH), str(result), str(stdout), *map(str, command)]
        subprocess.run(launcher, env=env, stderr=errors, stdin=subprocess.DEVNULL, check=True)
    cost = json.loads(result.read_text())
    if cost.pop("exit") != 0:
        raise Failed(f"{command[0]} failed:\n{stderr.read_text(errors='replace')[-2000:]}")
    server = (stack.cpu() if stack else 0.0) - server_before
    others = (machine_cpu() - machine_before - server - cost["cpu"]) / cost["wall"]
    return Cost(server=server, others=max(0.0, others), **cost), "" if discard else stdout.read_text()


def machine_cpu():
    """CPU seconds that this machine has spent so far."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def tree_cpu(root):
    """CPU seconds of a process, of its ended children and of its living descendants."""
    parents, spent = {}, {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(entry.name)] = int(fields[1])
        spent[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    total = 0.0
    for pid, seconds in spent.items():
        at = pid
        while at not in (root, 0, None):
            at = parents.get(at)
        total += seconds if at == root else 0.0
    return total
