"""Which of a student's cells stopped with an error, and why a name is therefore not there."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from autograder.instructor.statements import read_cell
from autograder.tutor.compare import folded

__all__ = ["Stop", "StoppedCells", "absent_module"]

LONGEST = 160  # characters of an error's text, and of a line
LINKS = 4  # cells that are told of, each of which stopped because of the next
CLOSE = 0.9  # how alike two names are of which one is a slip of the other
UNDEFINED = re.compile(r"^name '(\w+)' is not defined")
SEEMS_BOUND = r"^\s*(?:(?:async\s+)?def|class)\s+{0}\b|^\s*(?:[\w ]+,)*\s*{0}\s*(?:,[\w ,]*)?=(?!=)|\b(?:import|as|for)\s+{0}\b"
IN_FILE = re.compile(r" \(<?[^()]*>?, line \d+\)$")  # at the end of what a SyntaxError says


@dataclass(frozen=True, slots=True)
class Stop:
    """How a cell ended.

    Attributes:
        kind: the name of the exception; empty if the process was ended.
        text: what the exception says, or why the process was ended: "took longer than the 4 s allowed".
        line: the line of the cell, from 1 on; 0 if nobody knows.
        code: what stands in it.
    """

    kind: str
    text: str
    line: int = 0
    code: str = ""

    @classmethod
    def of_error(cls, error: Mapping[str, Any]) -> Stop:
        """What a student's process says of the error of a cell; anything in it that is of another form is left out."""
        kind, text = (" ".join(str(error.get(key, "")).split()) for key in ("ename", "evalue"))
        text = IN_FILE.sub("", text)
        match error.get("frames"):
            case [[int(line), str(code)], *_] if line > 0:
                return cls(kind[:LONGEST], text[:LONGEST], line, code[:LONGEST])
        return cls(kind[:LONGEST], text[:LONGEST])

    @property
    def missing(self) -> str:
        """The name that was missed, if that is what the cell stopped with."""
        found = UNDEFINED.match(self.text) if self.kind == "NameError" else None
        return found[1] if found else ""

    def told(self, cell: int) -> str:
        """The end of a sentence: that the cell at the index *cell* stopped, where and with what."""
        if not self.kind:
            return f"cell {cell + 1} {self.text}"
        if self.kind == "NotImplementedError" and not self.text:
            return f"cell {cell + 1} has no code yet"
        where = f" at its line {self.line}" if self.line else ""
        where += f", `{self.code}`," if self.code else ""
        what = f"{self.kind}: {self.text}" if self.text else self.kind
        return f"cell {cell + 1} stopped{where} with {what}{absent_module(self.kind, self.text)}"


class StoppedCells:
    """Of one notebook.

    Attributes:
        sources: the text of each cell that was run, by its index in the notebook.
        stops: of those that did not run to their end.
        asked: the names that the source's cell in that place gives values to, whatever the student's does.
    """

    def __init__(self) -> None:
        self.sources: dict[int, str] = {}
        self.asked: dict[int, frozenset[str]] = {}
        self.stops: dict[int, Stop] = {}

    def why_missing(self, name: str, before: int | None = None, asked: Set[str] = frozenset()) -> str:
        """A sentence on why *name* is not defined.

        Args:
            before: the index of the cell that missed it; None for a test.
            asked: names that tests ask for, of which none is a slip of another.
        """
        because = [stop.told(cell) for cell, stop in self._chain(name, before)]
        if because:
            return f"`{name}` is not defined because {', because '.join(because)}."
        bound = frozenset[str]().union(*map(_bound, self.sources.values()))
        if name in bound:
            return f"`{name}` is not defined after all cells have run."
        like = _slip_of(name, sorted(bound - asked))
        meant = f" There is `{like}`: the name must be spelled as it is asked for." if like else ""
        return f"`{name}` is not defined: no cell gives it a value.{meant}"

    def left_unfinished(self, names: Iterable[str]) -> str:
        """A sentence on those of *names* that stand as a cell left them when it stopped; empty if there are none."""
        by_cell: dict[int, list[str]] = {}
        for name in names:
            binding = [
                cell for cell, source in self.sources.items() if name in source and name in _bound(source)
            ]
            if binding and max(binding) in self.stops:
                by_cell.setdefault(max(binding), []).append(f"`{name}`")
        sentences = (
            f"{' and '.join(found)} {'is' if len(found) == 1 else 'are'} unfinished: {self.stops[cell].told(cell)}."
            for cell, found in by_cell.items()
        )
        return " ".join(sentences)

    def why_raised(self, kind: str, text: str) -> str:
        """What to add to a sentence about a function that raised: why a name or a module was missing; else empty."""
        found = UNDEFINED.match(text) if kind == "NameError" else None
        because = [stop.told(cell) for cell, stop in self._chain(found[1], None)] if found else []
        if because:
            return f", because {', because '.join(because)}"
        return absent_module(kind, text)

    def _chain(self, name: str, before: int | None) -> Iterator[tuple[int, Stop]]:
        """The cell that should have bound *name* and stopped, the one because of which it stopped, and so on."""
        for _ in range(LINKS):
            cells = [cell for cell in self.stops if before is None or cell < before]
            binding = [cell for cell in sorted(cells) if _would_bind(self.sources.get(cell, ""), name)]
            cells = binding or [cell for cell in sorted(cells) if name in self.asked.get(cell, ())]
            if not cells:
                return
            before = cells[-1]
            yield before, self.stops[before]
            name = self.stops[before].missing


def absent_module(kind: str, text: str) -> str:
    """What to say besides the error of an import that found no module; empty for any other."""
    if kind != "ModuleNotFoundError" or not text.startswith("No module named "):
        return ""
    return "; that module is neither installed where work is graded nor a file beside the notebook there"


def _bound(source: str) -> frozenset[str]:
    """The names that a cell binds; none if it is no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # about what the student wrote
            return read_cell(source).binds
    except (MemoryError, RecursionError):  # the text is the student's and may be nested without end
        return frozenset()


def _would_bind(source: str, name: str) -> bool:
    if not name or name not in source:
        return False
    bound = _bound(source)
    return name in bound or (
        not bound and re.search(SEEMS_BOUND.format(re.escape(name)), source, re.MULTILINE) is not None
    )


def _slip_of(name: str, names: Sequence[str]) -> str:
    """The one of *names* that is *name* but for capital letters, underscores or a slip of a key; empty if there is none."""
    same = [one for one in names if folded(one) == folded(name)]
    return next(iter(same or difflib.get_close_matches(name, names, 1, CLOSE)), "")
