"""Whether cost per row and memory stay the same from small tables to large ones."""

from .backup import Backup
from .stack import stack
from .stats import MIB, Summary, markdown, seconds, size, target
from .turns import in_turn


def steps(kind, sizes, options, scratch):
    """Both artifacts of tables with so many rows, each on a stack of its own; as Markdown."""
    summaries = {rows: step(kind, rows, options, scratch) for rows in sizes}
    per_row = {rows: s.median("cpu") / rows * 1e6 for rows, s in summaries.items()}
    peaks = {rows: s.median("rss") / MIB for rows, s in summaries.items()}
    lines = [
        [size(rows), s.span(), seconds(s.median("cpu")), f"{per_row[rows]:.2f}", f"{peaks[rows]:.1f}"]
        for rows, s in summaries.items()
    ]
    text = markdown([f"{kind} rows", "wall s (min–max)", "CPU s", "µs CPU a row", "peak MiB"], lines) + "\n"
    return text + judge(sizes, per_row, peaks)


def step(kind, rows, options, scratch):
    with stack([f"{kind}:{rows}"]) as running:
        backup = Backup(options.binary, "sql,json")
        backup.run(running, scratch)  # a first one fills the server's caches
        name = f"{size(rows)} {kind} rows"
        costs = in_turn({name: lambda: backup.run(running, scratch)}, options.repeat)
        return Summary(costs[name], rows, backup.raw_bytes("sql"))


def judge(sizes, per_row, peaks):
    """Growth is asked about, so the last step is held against the ones before it."""
    last = sizes[-1]
    growth = per_row[last] / min(per_row.values())
    text = target(growth <= 1.1, f"CPU a row at {size(last)} rows: {growth:.2f} of the cheapest step (target: at most 1.1)")
    text += target(max(peaks.values()) <= 64, f"peak memory: {max(peaks.values()):.0f} MiB (target: at most 64)")
    for rows in sizes:
        if rows * 5 in peaks:
            ratio = peaks[rows * 5] / peaks[rows]
            words = f"peak memory at {size(rows * 5)} rows: {ratio:.2f} of that at {size(rows)} (target: at most 1.1)"
            text += target(ratio <= 1.1, words)
    return text
