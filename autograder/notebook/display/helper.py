"""The process that cleans, renders and highlights students' texts: ``python -m autograder.notebook.display.helper SOCKET``.

The parsers at work here are fast for honest texts; for others some take time that grows with the square of the length, or memory until the
process is ended. A process of their own can be, and takes nothing along: it has no file, no gradebook and no setting of the grader's.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from autograder.bounds.deadline import memory_limit
from autograder.notebook.display.allowance import TooMuch
from autograder.notebook.display.budgets import FRAME_LIMIT, MAX_TEXT, MEMORY_MB, PATIENCE
from autograder.notebook.display.cleaning import clean
from autograder.notebook.display.drawings import drawing_html
from autograder.notebook.display.formgrader import load_renderer, shows
from autograder.notebook.display.places import NOTEBOOK, OUTPUT, TEXT
from autograder.notebook.display.typeset import code_markup, formula_markup, markdown_markup
from autograder.wire.channel import Channel, Closed

__all__ = ["JOBS", "main"]

PLACES = {"notebook": NOTEBOOK, "output": OUTPUT, "text": TEXT}


def _highlights(source: str) -> bool:
    """Whether a code cell can be highlighted in time, as Formgrader's page does."""
    if len(source) <= MAX_TEXT:
        highlight(source, get_lexer_by_name("ipython3"), HtmlFormatter())
    return len(source) <= MAX_TEXT


JOBS: dict[str, Callable[..., Any]] = {
    "html": lambda text, place: clean(text, PLACES[place]),
    "markdown": lambda text, place, level, attached=None: clean(
        markdown_markup(text, level), PLACES[place], attached
    ),
    "latex": lambda text, place: clean(formula_markup(text.strip().strip("$"), "block"), PLACES[place]),
    "drawing": lambda text, place, alt: clean(drawing_html(text, alt), PLACES[place]),
    "code": code_markup,  # spans around escaped text: nothing in it comes from the text's own markup
    "highlights": _highlights,
    "shows": shows,
}


def main() -> int:
    """Answer until the other side is gone."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel = Channel(socket.socket(fileno=int(sys.argv[1])), FRAME_LIMIT)
    load_renderer()
    with memory_limit(MEMORY_MB), contextlib.suppress(Closed):
        channel.send("ready")
        while True:
            kind, seconds, *arguments = channel.receive()
            # Both end this process, in whatever it is: when its time is spent, and should nobody be left to end it.
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.alarm(int(PATIENCE * seconds) + 2)
            try:
                answer = ["done", JOBS[kind](*arguments)]
            except TooMuch:
                answer = ["too much", None]
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.alarm(0)
            channel.send(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
