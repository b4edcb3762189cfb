"""Our own `backup`, and the zstd library on the bytes that it compressed."""

import json
import shutil
import subprocess

from .measure import Cost, Failed, run


class Backup:
    """One way to call the binary; each run writes a snapshot and removes it again."""

    def __init__(self, binary, artifacts, connections=4, keep=False):
        self.binary, self.artifacts, self.connections, self.keep = binary, artifacts, connections, keep
        self.manifest = None  # of the last run
        self.store = None  # of the last run, where it is kept

    def run(self, stack, scratch):
        """Backs up the whole project and checks the manifest."""
        self.store = scratch / "store"
        shutil.rmtree(self.store, ignore_errors=True)
        command = [self.binary, "backup", "--store", self.store, "--progress", "none"]
        command += ["--artifacts", self.artifacts, "--connections", self.connections]
        cost, _ = run(command, scratch, stack, stack.client_env())
        (path,) = self.store.glob("*/*/manifest.json")
        self.manifest = json.loads(path.read_text())
        if not self.manifest["complete"]:
            raise Failed("the snapshot is not complete")
        cost.rows = self.manifest["totals"]["rows"]
        if not self.keep:
            shutil.rmtree(self.store)
        return cost

    def raw_bytes(self, artifact):
        """Bytes of one artifact's parts before compression."""
        tables = self.manifest["tables"]
        return sum(p["raw_size"] for t in tables for p in t["parts"] if p["artifact"] == artifact)


def zstd(store, level, scratch):
    """One thread of zstd on the parts of a snapshot, decompressed: one artifact, then the other, as one cost."""
    raw = scratch / "raw"
    costs = []
    for folder in ("sql", "json"):
        with open(raw, "wb") as file:
            subprocess.run(["zstd", "-q", "-dc", *sorted(store.glob(f"*/*/{folder}/*.zst"))], stdout=file, check=True)
        costs.append(run(["zstd", "-q", f"-{level}", "--single-thread", "-c", raw], scratch, discard=True)[0])
    raw.unlink()
    wall = sum(c.wall for c in costs)
    others = sum(c.others * c.wall for c in costs) / wall
    return Cost(wall, sum(c.cpu for c in costs), max(c.rss for c in costs), 0.0, others)
