"""Side by side on one table: curl, backup, pg_dump and supabase-js."""

from .backup import Backup, zstd
from .peers import pg_dump, supabase_js
from .replay import Replay
from .stats import FIGURES, MIB, Summary, markdown, seconds, size, target
from .turns import in_turn, say

CONNECTIONS = 4
TABLE = "wide_rows"
LARGEST_COLLECTED = 200_000  # rows that the usual supabase-js script can keep in 4 GB of memory

LIMIT, BOTH, SQL, JSON = "curl, to nowhere", "backup, SQL and JSON", "backup, SQL alone", "backup, JSON alone"
ZSTD, COLLECT, STREAM = "zstd -1", "supabase-js, rows kept in memory", "supabase-js, page by page"


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
    backup = lambda artifacts: Backup(options.binary, artifacts, CONNECTIONS).run(stack, scratch)

    def beside_the_server():
        with replay.at_work(CONNECTIONS, stack, scratch):
            return zstd(recorded.store, 1, scratch)

    subjects = {
        LIMIT: lambda: replay.run(stack, CONNECTIONS, scratch),
        BOTH: lambda: backup("sql,json"),
        SQL: lambda: backup("sql"),
        JSON: lambda: backup("json"),
        ZSTD: beside_the_server,
        "pg_dump \\| zstd -1": lambda: pg_dump(stack, TABLE, 1, scratch),
        "pg_dump \\| zstd -3": lambda: pg_dump(stack, TABLE, 3, scratch),
    }
    costs = in_turn(subjects, options.repeat)
    if options.js:
        costs |= javascript(stack, rows, options, scratch)
    raw = recorded.raw_bytes("sql")
    summaries = {name: Summary(runs, rows, raw) for name, runs in costs.items()}
    return table(summaries) + "\n" + facts(summaries, replay, recorded) + "\n" + judge(summaries, rows)


def javascript(stack, rows, options, scratch):
    """The two supabase-js scripts. The one that keeps all rows in memory does not survive a million of them."""
    script = lambda how: lambda: supabase_js(stack, how, TABLE, rows, options.js_limit, scratch)
    if rows > LARGEST_COLLECTED:
        return in_turn({STREAM: script("stream")}, 1)  # minutes each
    return in_turn({COLLECT: script("collect"), STREAM: script("stream")}, options.repeat)


def table(summaries):
    limit = summaries[LIMIT].wall
    named = ((name, s) for name, s in summaries.items() if name != ZSTD)
    return markdown(["", *FIGURES, "of the limit"], [[name, *s.figures(), f"{limit / s.wall:.2f}"] for name, s in named])


def facts(summaries, replay, recorded):
    totals, cpu = recorded.manifest["totals"], summaries[ZSTD].median("cpu")
    others = max(s.median("others") for s in summaries.values())
    return (
        f"The limit is {len(replay.entries)} requests with {replay.bytes / 1e6:,.0f} MB of answers over {CONNECTIONS} "
        f"connections. The two artifacts hold {totals['raw_bytes'] / 1e6:,.0f} MB, stored as "
        f"{totals['stored_bytes'] / 1e6:,.0f} MB; `zstd -1` needs {seconds(cpu)} s of CPU for them. "
        f"Other programs used up to {others:.1f} cores meanwhile.\n"
    )


def judge(summaries, rows):
    """The targets."""
    limit, both = summaries[LIMIT].wall, summaries[BOTH]
    text = ""
    for what, name, least in (("both artifacts", BOTH, 0.6), ("SQL alone", SQL, 0.8)):
        ratio = limit / summaries[name].wall
        text += target(ratio >= least, f"{what}: {ratio:.2f} of the limit (target: {least})")
    own = both.median("cpu") / summaries[ZSTD].median("cpu")
    text += target(own <= 1.3, f"our CPU for both: {own:.2f} of what `zstd -1` alone needs (target: at most 1.3)")
    peak = both.median("rss") / MIB
    text += target(peak <= 64, f"peak memory: {peak:.0f} MiB (target: at most 64)")
    least = 10 if rows >= 1_000_000 else 5
    for name in (COLLECT, STREAM):
        if js := summaries.get(name):
            cut = "" if js.done == 1.0 else f" (stopped at {js.done:.0%} and scaled up linearly)"
            faster = js.wall / both.wall
            text += target(faster >= least, f"{faster:.1f} times as fast as {name}{cut} (target: {least})")
    return text
