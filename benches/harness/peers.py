"""What people use today, and what a database password would allow."""

import shlex
import shutil
import subprocess
from pathlib import Path

from .measure import Failed, run
from .stack import cache

SCRIPT = Path(__file__).resolve().parents[1] / "supabase-js"


def pg_dump(stack, table, level, scratch):
    """`pg_dump -Fp | zstd` of one table, over the database's socket."""
    dump = [stack.pg_bin / "pg_dump", "-Fp", "-t", f"public.{table}", stack.database_url]
    sealed = scratch / "dump.sql.zst"
    pipe = f"{shlex.join(map(str, dump))} | zstd -q -{level} -f -o {shlex.quote(str(sealed))}"
    cost, _ = run(["bash", "-o", "pipefail", "-c", pipe], scratch, stack)
    sealed.unlink()
    return cost


def install_supabase_js():
    """Installs what the script needs beside the stack's own packages, and returns where."""
    folder = cache() / "bench-js"
    pinned = (SCRIPT / "package.json").read_bytes()
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "installed.json"
    if not ready.exists() or ready.read_bytes() != pinned:
        shutil.copy(SCRIPT / "package.json", folder)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", folder]
        subprocess.run(npm, stdout=subprocess.DEVNULL, check=True)
        ready.write_bytes(pinned)
    shutil.copy(SCRIPT / "backup.mjs", folder)
    return folder / "backup.mjs"


def supabase_js(stack, how, table, rows, time_limit, scratch):
    """The script that pages with `.range()`. Its cost has fewer rows than the table if time ran out."""
    script = install_supabase_js()
    out = scratch / "js"
    out.mkdir(exist_ok=True)
    command = ["node", "--max-old-space-size=4096", script, how, table, out, time_limit]
    cost, told = run(command, scratch, stack, stack.client_env())
    shutil.rmtree(out)
    cost.rows = int(told.split()[-1])
    # pages without an order may repeat and skip rows, but their number is the table's
    if cost.wall < time_limit and cost.rows != rows:
        raise Failed(f"supabase-js read {cost.rows} rows of {rows}")
    return cost
