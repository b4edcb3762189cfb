"""Writing rows over the Data API: our own `restore` beside curl with the same batches, and beside COPY."""

import json
import shlex
import shutil
from dataclasses import replace

from .backup import Backup
from .measure import Failed, run
from .recorder import recorder
from .replay import send, stanza
from .stats import FIGURES, MIB, Summary, markdown, size, target
from .turns import CALM, in_turn, say

CONNECTIONS = 4
TABLE = "public.wide_rows"

LIMIT, WRITING, WHOLE = "curl, from files", "restore, writing", "restore, the whole command"
COPY = "zstd -dc \\| psql, COPY"


class Restore:
    """A snapshot, and the way to write it into the table that it was taken of, through the Data API."""

    def __init__(self, binary, backup):
        self.binary, self.store, self.manifest = binary, backup.store, backup.manifest
        self.writing = []  # the cost of each run, with the seconds of the writing alone

    def run(self, stack, scratch, url=None):
        """Restores, and checks the report. `url`: instead of the stack's own."""
        # so named, it is the project of the snapshot, at whatever address
        name = self.manifest["project"]["name"]
        env = {**stack.client_env(), "SUPABASE_URL": url or stack.url, "SUPABASE_PROJECT_REF": name}
        command = [self.binary, "restore", self.manifest["snapshot"], "--store", self.store, "--progress", "none"]
        command += ["--through", "api", "--mode", "into-empty", "--confirm", name, "--connections", CONNECTIONS, "--json"]
        cost, told = run(command, scratch, stack, env)
        report = json.loads(told)["report"]
        if not report["complete"]:
            raise Failed("the restore is not complete")
        self.writing.append(replace(cost, wall=report["seconds_writing"]))
        return cost


class Repost:
    """The batches that a restore wrote, ready to be written again."""

    def __init__(self, posts):
        self.posts, self.bytes = posts, sum(post.size for post in posts)

    def run(self, stack, scratch):
        """Sends them over as many connections, and checks that each was taken."""
        cost, answers = send([self._request(post, stack) for post in self.posts], CONNECTIONS, stack, scratch)
        wanted = sorted((str(n), "201", str(post.size)) for n, post in enumerate(self.posts))
        got = sorted((n, status, sent) for n, status, _, _, sent in answers)
        if got != wanted:
            raise Failed(f"curl got other answers: {next(pair for pair in zip(got, wanted) if pair[0] != pair[1])}")
        return cost

    def _request(self, post, stack):
        # streamed: --data-binary would read all files before the first request
        options = [("url", stack.url + post.target), ("upload-file", post.body), ("request", "POST")]
        options += [("header", f"{name}: {value}") for name, value in post.headers]
        # which curl would send, and wait for the answer
        return stanza([*options, ("header", "expect:")])


def copy(stack, store, scratch):
    """The snapshot's own SQL parts, as its RECOVERY.md says: over the direct connection, which needs the password."""
    parts = shlex.join(map(str, sorted(store.glob("*/*/sql/*.zst"))))
    psql = shlex.join(map(str, [stack.pg_bin / "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", stack.database_url]))
    return run(["bash", "-o", "pipefail", "-c", f"zstd -q -dc {parts} | {psql}"], scratch, stack)[0]


def restore(stack, rows, options, scratch):
    """The table of all methods and the targets, as Markdown. Leaves the stack's table full."""
    folder = scratch / "restore"
    bodies = folder / "bodies"
    bodies.mkdir(parents=True)
    say(f"{size(rows)} wide rows: recording a restore")
    backup = Backup(options.binary, "sql,json", CONNECTIONS, keep=True)
    backup.run(stack, folder)
    restored = Restore(options.binary, backup)
    with recorder(stack.url, bodies) as (url, posts):
        into_empty(stack, rows, lambda: restored.run(stack, folder, url))
    restored.writing.clear()
    repost = Repost(posts)
    subjects = {
        LIMIT: lambda: repost.run(stack, folder),
        WHOLE: lambda: restored.run(stack, folder),
        COPY: lambda: copy(stack, backup.store, folder),
    }
    empty = lambda work: lambda: into_empty(stack, rows, work)
    costs = in_turn({name: empty(work) for name, work in subjects.items()}, options.repeat)
    costs[WRITING] = restored.writing
    shutil.rmtree(folder)
    raw = backup.raw_bytes("sql")
    summaries = {name: Summary(costs[name], rows, raw) for name in (LIMIT, WRITING, WHOLE, COPY)}
    return table(summaries) + "\n" + facts(summaries, repost) + "\n" + judge(summaries)


def into_empty(stack, rows, work):
    """Empties the table, does the work and checks that every row is there. What others left to write is written before."""
    stack.sql(f"TRUNCATE {TABLE}", "CHECKPOINT")
    cost = work()
    there = int(stack.sql(f"SELECT count(*) FROM {TABLE}"))
    if there != rows:
        raise Failed(f"{there} rows of {rows} were written")
    return cost


def table(summaries):
    limit = summaries[LIMIT].wall
    lines = []
    for name, summary in summaries.items():
        figures = summary.figures()
        if name == WRITING:
            figures[3:] = ["", "", ""]  # they are known of the whole command alone
        lines.append([name, *figures, f"{limit / summary.wall:.2f}"])
    return markdown(["", *FIGURES, "of the limit"], lines)


def facts(summaries, repost):
    of = lambda name, other: f"{summaries[other].wall / summaries[name].wall:.2f}"
    others = max(s.median("others") for s in summaries.values())
    return (
        f"The limit is {len(repost.posts)} requests with {repost.bytes / 1e6:,.0f} MB of rows over {CONNECTIONS} "
        f"connections. The writing has {of(WRITING, COPY)} of COPY's speed; the whole command, which also verifies, "
        f"compares, rehearses and proves, has {of(WHOLE, LIMIT)} of the limit's and {of(WHOLE, COPY)} of COPY's. "
        f"Other programs used up to {others:.1f} cores meanwhile.\n"
    )


def judge(summaries):
    """The targets."""
    ratio = summaries[LIMIT].wall / summaries[WRITING].wall
    peak = max(cost.rss for cost in summaries[WHOLE].costs) / MIB
    busy = max(summaries[name].median("others") for name in (LIMIT, WHOLE))
    if busy <= CALM:
        text = target(ratio >= 0.8, f"writing: {ratio:.2f} of the limit (target: 0.8)")
    else:  # whoever shared the cores with them, the ratio says nothing
        text = f"- writing: {ratio:.2f} of the limit, not judged: other programs used {busy:.1f} cores (target: 0.8)\n"
    return text + target(peak <= 128, f"peak memory: {peak:.0f} MiB (target: at most 128)")
