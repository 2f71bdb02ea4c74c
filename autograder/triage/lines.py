"""The list of what a person should look at, as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from autograder.triage.reasons import REASONS, Item, by_reason

__all__ = ["triage_lines"]

WIDTH = 80
SHOWN = 10  # items of one reason; the class report has all


def triage_lines(items: Iterable[Item], more: str) -> Iterator[str]:
    """The *items* by reason, in lines of 80 columns; where some are left out, *more* says where they are."""
    listed = by_reason(items)
    if not listed:
        return
    count = sum(map(len, listed.values()))
    yield f"{count} {'thing' if count == 1 else 'things'} for a person to look at:"
    left_out = False
    for reason, some in listed.items():
        yield from textwrap.wrap(f"{REASONS[reason]}:", WIDTH, initial_indent="  ", subsequent_indent="  ")
        for item in some[:SHOWN]:
            where = ", ".join(filter(None, [item.student, item.notebook]))
            yield from textwrap.wrap(
                f"{where}: {item.says}.", WIDTH, initial_indent="    ", subsequent_indent="      "
            )
        if len(some) > SHOWN:
            left_out = True
            yield f"    … and {len(some) - SHOWN} more"
    if left_out:
        yield from textwrap.wrap(more, WIDTH, initial_indent="  ", subsequent_indent="  ")
