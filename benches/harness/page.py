"""Puts results into docs/performance.md, between the markers of their sections."""

import re
from datetime import date

from .stack import REPO

PAGE = REPO / "docs/performance.md"


def store(section, text):
    """Replaces what the section held. A section that the page does not have is a mistake in the page."""
    begin, end = f"<!-- bench:{section} -->\n", f"<!-- bench:{section}:end -->\n"
    page = PAGE.read_text()
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    new, found = re.subn(pattern, lambda _: f"{begin}{text}\nMeasured on {date.today()}.\n{end}", page, flags=re.DOTALL)
    if found != 1:
        raise SystemExit(f"{PAGE} has no place for {section}")
    PAGE.write_text(new)
