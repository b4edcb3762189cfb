"""The limit: `curl` sends the requests that one of our own backups sent, and throws the answers away.

Requests come from the gateway's record, in their order. It does not keep headers, but only one of ours depends on the
request: pages and counts ask for an exact count, which shows in the target or in the status. Every answer must have the
status that ours had, and every page its size, so a replay that differs does not count.
"""

import threading
from collections import Counter
from contextlib import contextmanager

from .measure import Failed, run

WRITE_OUT = "%{urlnum} %{http_code} %{size_download} %{num_connects} %{size_upload}\\n"


class Replay:
    """The requests of one backup, ready to be sent again."""

    def __init__(self, entries):
        # a window beyond the table's end may have been given up before its answer came
        self.entries = sorted((e for e in entries if e["complete"]), key=lambda e: e["at_ms"])
        self.bytes = sum(e["response_bytes"] for e in self.entries)

    def run(self, stack, connections, scratch):
        """Sends them all over so many connections, and checks what came back."""
        cost, answers = send([request(entry, stack) for entry in self.entries], connections, stack, scratch)
        self._check(answers)
        return cost

    @contextmanager
    def at_work(self, connections, stack, scratch):
        """Meanwhile the server answers these requests, again and again: it is as busy as beside a backup."""
        folder = scratch / "at-work"
        folder.mkdir(exist_ok=True)
        over, failures = threading.Event(), []

        def work():
            while not over.is_set() and not failures:
                try:
                    self.run(stack, connections, folder)
                except Exception as error:  # told by whoever waits for it
                    failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        if failures:
            raise failures[0]

    def _check(self, answers):
        got = Counter(answer_key(self.entries[int(n)], status, size) for n, status, size, _, _ in answers)
        wanted = Counter(answer_key(e, e["status"], e["response_bytes"]) for e in self.entries)
        if got != wanted:
            raise Failed(f"curl got other answers: {got - wanted} instead of {wanted - got}")


def send(stanzas, connections, stack, scratch):
    """One curl sends these requests. Gives its cost and, for each answer, the fields of WRITE_OUT."""
    config = scratch / "curl.conf"
    config.write_text("next\n".join(stanzas))
    config.chmod(0o600)
    command = ["curl", "--silent", "--parallel", "--parallel-max", connections, "--config", config]
    cost, told = run(command, scratch, stack)
    answers = [line.split() for line in told.splitlines()]
    opened = sum(int(connects) for _, _, _, connects, _ in answers)
    if opened > connections:
        raise Failed(f"curl opened {opened} connections instead of {connections}: it does not keep them")
    return cost, answers


def stanza(options):
    """One request, whose answer is thrown away, in the form of curl's configuration file."""
    options = [*options, ("output", "/dev/null"), ("write-out", WRITE_OUT)]
    quoted = (str(text).replace('"', '\\"') for _, text in options)
    return "".join(f'{name} = "{text}"\n' for (name, _), text in zip(options, quoted)) + "silent\n"


def request(entry, stack):
    """One request of the record."""
    headers = [f"apikey: {stack.key}", "accept: */*"]
    if entry["profile"]:
        headers.append(f"accept-profile: {entry['profile']}")
    if counts(entry):
        headers.append("prefer: count=exact")
    return stanza([("url", stack.url + entry["target"]), *(("header", header) for header in headers)])


def answer_key(entry, status, size):
    """What an answer is known by. Probes without a window may show other rows each time, of other sizes."""
    return entry["target"], int(status), int(size) if "lt." in entry["target"] else None


def counts(entry):
    """Whether the request asked for an exact count."""
    return entry["status"] == 206 or "xmin" in entry["target"]
