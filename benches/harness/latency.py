"""The limit and both artifacts with a delay before every response, so that the server waits as a distant one does."""

from .backup import Backup
from .compare import record
from .stats import Summary, markdown, size, target
from .turns import in_turn, say

DELAY = 20  # ms


def latency(stack, rows, options, scratch):
    """One line for each number of connections, as Markdown."""
    subjects = {}
    for connections in options.latency_connections:
        say(f"{size(rows)} wide rows: recording a backup over {connections} connections")
        recorded, replay = record(stack, options.binary, connections, scratch)
        subjects |= pair(stack, options.binary, connections, replay, scratch)
    with stack.latency(DELAY):
        costs = in_turn(subjects, options.repeat)
    raw = recorded.raw_bytes("sql")
    summaries = {name: Summary(runs, rows, raw) for name, runs in costs.items()}
    lines, targets = [], ""
    for connections in options.latency_connections:
        limit, backup = summaries[f"curl over {connections}"], summaries[f"backup over {connections}"]
        ratio = limit.wall / backup.wall
        lines.append([str(connections), limit.span(), backup.span(), f"{rows / backup.wall:,.0f}", f"{ratio:.2f}"])
        targets += target(ratio >= 0.9, f"connections {connections}: {ratio:.2f} of the limit (target: 0.9)")
    head = ["connections", "curl wall s (min–max)", "backup wall s (min–max)", "rows/s", "of the limit"]
    return markdown(head, lines) + "\n" + targets


def pair(stack, binary, connections, replay, scratch):
    """What is compared for one number of connections."""
    backup = Backup(binary, "sql,json", connections)
    return {
        f"curl over {connections}": lambda: replay.run(stack, connections, scratch),
        f"backup over {connections}": lambda: backup.run(stack, scratch),
    }
