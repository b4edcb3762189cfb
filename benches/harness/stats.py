"""Medians of repeated runs, and how figures are written."""

from statistics import median

MB, MIB = 1e6, 2**20


class Summary:
    """The runs of one configuration."""

    def __init__(self, costs, rows, raw):
        self.costs, self.rows, self.raw = costs, rows, raw  # raw: the rows' bytes as COPY text

    def median(self, figure):
        return median(getattr(cost, figure) for cost in self.costs)

    @property
    def done(self):
        """The part of the table that was read: below 1 only where time ran out."""
        return min(1.0, min(cost.rows or self.rows for cost in self.costs) / self.rows)

    @property
    def wall(self):
        """Median wall seconds for the whole table. Where time ran out, the part is scaled up linearly: too little for a
        method whose pages get slower with depth, so it speaks for that method."""
        return self.median("wall") / self.done

    def span(self):
        """`2.31 (2.28–2.50)`"""
        walls = [cost.wall / self.done for cost in self.costs]
        mark = "" if self.done == 1.0 else "≥ "
        around = f" ({seconds(min(walls))}–{seconds(max(walls))})" if len(walls) > 1 else ""
        return f"{mark}{seconds(self.wall)}{around}"

    def figures(self):
        """rows/s, MB/s, wall, CPU, server's CPU, peak memory: as text."""
        return [
            f"{self.rows / self.wall:,.0f}",
            f"{self.raw / self.wall / MB:.1f}",
            self.span(),
            seconds(self.median("cpu") / self.done),
            seconds(self.median("server") / self.done),
            f"{self.median('rss') / MIB:.0f}",
        ]


FIGURES = ["rows/s", "MB/s", "wall s (min–max)", "CPU s", "server CPU s", "peak MiB"]


def seconds(value):
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def size(rows):
    """10 thousand, 5 million."""
    return f"{rows // 1_000_000} million" if rows % 1_000_000 == 0 else f"{rows // 1000} thousand"


def markdown(head, rows):
    """A table; the first column is text, the others are figures."""
    line = lambda cells: "| " + " | ".join(cells) + " |\n"
    return line(head) + line(["---"] + ["--:"] * (len(head) - 1)) + "".join(map(line, rows))


def target(met, text):
    return f"- {'✓' if met else '✗'} {text}\n"
