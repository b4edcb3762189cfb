"""Side by side on one table: curl, backup, pg_dump and supabase-js in turn, several times over."""

import sys

from .backup import Backup, zstd_cpu
from .peers import pg_dump, supabase_js
from .replay import Replay
from .stats import FIGURES, MIB, Summary, markdown, seconds, size, target

CONNECTIONS = 4
LATENCY = 20  # ms
TABLE = "wide_rows"
LARGEST_COLLECTED = 200_000  # rows that the usual supabase-js script can keep in 4 GB of memory


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def in_turn(subjects, repeat):
    """Runs all subjects, then all again: slow minutes of the machine hit each of them."""
    costs = {name: [] for name in subjects}
    for round_ in range(repeat):
        for name, work in subjects.items():
            cost = work()
            if hasattr(cost, "wall"):
                say(f"{round_ + 1}/{repeat} {name}: {cost.wall:.2f} s, {cost.cpu:.2f} s CPU, others {cost.others:.1f} cores")
            costs[name].append(cost)
    return costs


def record(stack, binary, connections, scratch):
    """One backup whose requests are recorded and whose snapshot is kept."""
    backup = Backup(binary, "sql,json", connections, keep=True)
    folder = scratch / f"recorded-{connections}"
    folder.mkdir(exist_ok=True)
    with stack.recording() as entries:
        backup.run(stack, folder)
    return backup, Replay(entries)


def compare(stack, rows, options, scratch):
    """The table of all methods and the targets, as Markdown."""
    say(f"{size(rows)} wide rows: recording a backup")
    recorded, replay = record(stack, options.binary, CONNECTIONS, scratch)
    raw = recorded.raw_bytes("sql")
    both, sql, json = (Backup(options.binary, a, CONNECTIONS) for a in ("sql,json", "sql", "json"))
    subjects = {
        "curl, to nowhere": lambda: replay.run(stack, CONNECTIONS, scratch),
        "backup, SQL and JSON": lambda: both.run(stack, scratch),
        "backup, SQL alone": lambda: sql.run(stack, scratch),
        "backup, JSON alone": lambda: json.run(stack, scratch),
        "pg_dump \\| zstd -1": lambda: pg_dump(stack, TABLE, 1, scratch),
        "pg_dump \\| zstd -3": lambda: pg_dump(stack, TABLE, 3, scratch),
    }
    costs = in_turn({**subjects, "zstd": lambda: zstd_cpu(recorded.store, 1, scratch)}, options.repeat)
    zstd = sorted(costs.pop("zstd"))[options.repeat // 2]
    costs |= javascript(stack, rows, options, scratch) if options.js else {}
    summaries = {name: Summary(name, runs, rows, raw) for name, runs in costs.items()}
    limit = summaries["curl, to nowhere"]
    lines = [[s.name, *s.figures(), f"{limit.wall / s.wall:.2f}"] for s in summaries.values()]
    text = markdown(["", *FIGURES, "of the limit"], lines)
    return text + "\n" + judge(summaries, limit, zstd, rows, replay, recorded)


def javascript(stack, rows, options, scratch):
    """The two supabase-js scripts. The one that keeps all rows in memory does not survive a million of them."""
    ways = {"supabase-js, rows kept in memory": "collect", "supabase-js, page by page": "stream"}
    if rows > LARGEST_COLLECTED:
        del ways["supabase-js, rows kept in memory"]
    work = lambda how: lambda: supabase_js(stack, how, TABLE, rows, options.js_limit, scratch)
    return in_turn({name: work(how) for name, how in ways.items()}, options.repeat if len(ways) > 1 else 1)


def judge(summaries, limit, zstd, rows, replay, recorded):
    """What the figures are worth."""
    both, sql = summaries["backup, SQL and JSON"], summaries["backup, SQL alone"]
    totals = recorded.manifest["totals"]
    text = (
        f"The limit is {len(replay.entries)} requests with {replay.bytes / 1e6:,.0f} MB of answers over {CONNECTIONS} "
        f"connections. The two artifacts hold {totals['raw_bytes'] / 1e6:,.0f} MB, stored as "
        f"{totals['stored_bytes'] / 1e6:,.0f} MB; `zstd -1` needs {seconds(zstd)} s of CPU for them.\n\n"
    )
    text += target(limit.wall / both.wall >= 0.6, f"both artifacts: {limit.wall / both.wall:.2f} of the limit (target: 0.6)")
    text += target(limit.wall / sql.wall >= 0.8, f"SQL alone: {limit.wall / sql.wall:.2f} of the limit (target: 0.8)")
    own = both.median("cpu") / zstd
    text += target(own <= 1.3, f"our CPU for both: {own:.2f} of what `zstd -1` alone needs (target: at most 1.3)")
    peak = both.median("rss") / MIB
    text += target(peak <= 64, f"peak memory: {peak:.0f} MiB (target: at most 64)")
    least = 10 if rows >= 1_000_000 else 5
    for js in (s for s in summaries.values() if s.name.startswith("supabase-js")):
        cut = "" if js.done == 1.0 else f" (stopped at {js.done:.0%} and scaled up linearly)"
        faster = js.wall / both.wall
        text += target(faster >= least, f"{faster:.1f} times as fast as {js.name}{cut} (target: {least})")
    return text


def compare_latency(stack, rows, options, scratch):
    """The limit and both artifacts with a delay before every response."""
    subjects = {}
    for connections in options.latency_connections:
        say(f"{size(rows)} wide rows, {LATENCY} ms: recording a backup over {connections} connections")
        recorded, replay = record(stack, options.binary, connections, scratch)
        raw = recorded.raw_bytes("sql")
        backup = Backup(options.binary, "sql,json", connections)
        subjects[connections, "curl"] = lambda r=replay, c=connections: r.run(stack, c, scratch)
        subjects[connections, "backup"] = lambda b=backup: b.run(stack, scratch)
    with stack.latency(LATENCY):
        costs = in_turn(subjects, options.repeat)
    summaries = {key: Summary(key[1], runs, rows, raw) for key, runs in costs.items()}
    lines, targets = [], ""
    for connections in options.latency_connections:
        limit, backup = summaries[connections, "curl"], summaries[connections, "backup"]
        ratio = limit.wall / backup.wall
        lines.append([str(connections), limit.span(), backup.span(), f"{rows / backup.wall:,.0f}", f"{ratio:.2f}"])
        text = f"{connections} connection{'s' * (connections > 1)}: {ratio:.2f} of the limit (target: 0.9)"
        targets += target(ratio >= 0.9, text)
    head = ["connections", "curl wall s (min–max)", "backup wall s (min–max)", "rows/s", "of the limit"]
    return markdown(head, lines) + "\n" + targets
