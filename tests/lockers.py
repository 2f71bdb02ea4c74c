"""Another program that has locked a gradebook."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAM = """
import sqlite3, sys
book = sqlite3.connect(sys.argv[1], isolation_level=None)
book.execute("PRAGMA busy_timeout = 60000")
for line in sys.stdin:
    book.execute(line).fetchall()
    print("done", flush=True)
"""


# Nobody else may read or write; nobody else may write; nobody else may commit.
KINDS = {
    "EXCLUSIVE": ["BEGIN EXCLUSIVE"],
    "IMMEDIATE": ["BEGIN IMMEDIATE"],
    "reading": ["BEGIN", "SELECT id FROM student LIMIT 1"],
}


class Locker:
    """A process that holds the gradebook between :meth:`lock` and :meth:`free`; both return when it is so."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.holds = False

    def lock(self, how: str = "EXCLUSIVE") -> None:
        """*how* is one of :data:`KINDS`."""
        for statement in KINDS[how]:
            self._do(statement)
        self.holds = True

    def free(self) -> None:
        if self.holds:
            self._do("ROLLBACK")
            self.holds = False

    def _do(self, statement: str) -> None:
        self._process.stdin.write(f"{statement}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


@contextlib.contextmanager
def locker(database: Path) -> Iterator[Locker]:
    """A program that holds nothing yet; what it holds is free when it ends."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Locker(process)
        process.stdin.close()
