"""The local Supabase that everything is measured on: tests/stack/stack, seen from here."""

import json
import os
import shlex
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from .measure import tree_cpu

REPO = Path(__file__).resolve().parents[2]
SCRIPT = REPO / "tests/stack/stack"


def cache():
    """Where downloaded packages and prepared databases are kept."""
    return Path(os.environ.get("STACK_CACHE") or REPO / "target/stack")


@contextmanager
def stack(data):
    """A running stack with these data sets; its generated rows are kept for the next time."""
    arguments = [part for name in data for part in ("--data", name)]
    environment = {**os.environ, "STACK_CACHE_DATA": "1"}
    up = subprocess.run([SCRIPT, "up", *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    values = dict(word.split("=", 1) for word in shlex.split(up.stdout))
    try:
        yield Stack(values)
    finally:
        subprocess.run([SCRIPT, "down", values["STACK_DIR"]], check=True)


class Stack:
    """The addresses and keys of a running stack, and its controls."""

    def __init__(self, values):
        self.url = values["SUPABASE_URL"]
        self.key = values["SUPABASE_SECRET_KEY"]
        self.database_url = values["STACK_POSTGRES_URL"]
        self._admin_url = values["STACK_DATABASE_URL"]
        self.pg_bin = Path(values["STACK_PG_BIN"])
        self._dir = Path(values["STACK_DIR"])
        self._control = values["STACK_GATEWAY_CONTROL"]

    def client_env(self):
        """The environment of a client: the project's variables, and none of our own settings."""
        ours = ("SUPABASE_", "SUPABACKUP_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**env, "SUPABASE_URL": self.url, "SUPABASE_SECRET_KEY": self.key}

    def sql(self, *statements):
        """Runs statements as the superuser, each in a transaction of its own, and gives what they say."""
        psql = [self.pg_bin / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self._admin_url]
        commands = [part for statement in statements for part in ("-c", statement)]
        return subprocess.run([*psql, *commands], stdout=subprocess.PIPE, text=True, check=True).stdout

    def control(self, method, path, body=None):
        """Asks the gateway's control API."""
        request = urllib.request.Request(self._control + path, method=method, data=body and body.encode())
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    @contextmanager
    def latency(self, milliseconds):
        """Every response waits so long."""
        self.control("PUT", "/latency", str(milliseconds))
        try:
            yield
        finally:
            self.control("PUT", "/latency", "0")

    @contextmanager
    def recording(self):
        """Requests are recorded meanwhile; the list that this gives is filled at the end."""
        entries = []
        self.control("DELETE", "/log")
        self.control("PUT", "/log")
        yield entries
        entries += json.loads(self.control("GET", "/log"))

    def cpu(self):
        """CPU seconds of everything on the server's side."""
        return sum(tree_cpu(int(file.read_text().split()[0])) for file in (self._dir / "pids").iterdir())
