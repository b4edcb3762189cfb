"""Many runs, in an order and at moments that keep the comparison fair."""

import sys
import time

from .measure import machine_cpu

CALM = 0.15  # cores that others may use
PATIENCE = 60  # seconds to wait for that, before each run


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def in_turn(subjects, repeat):
    """Runs all subjects, then all again: slow minutes of the machine hit each of them. Gives every subject's costs."""
    costs = {name: [] for name in subjects}
    for turn in range(1, repeat + 1):
        for name, work in subjects.items():
            wait_for_calm()
            cost = work()
            say(f"{turn}/{repeat} {name}: {cost.wall:.2f} s, CPU {cost.cpu:.2f} s, others {cost.others:.2f} cores")
            costs[name].append(cost)
    return costs


def wait_for_calm():
    """Waits until the machine does nothing else, but not for ever: what others did stands beside every figure."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        before = machine_cpu()
        time.sleep(0.4)
        if machine_cpu() - before < 0.4 * CALM:
            return
        time.sleep(1)
