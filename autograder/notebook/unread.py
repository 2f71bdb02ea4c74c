"""Finds the work in a submitted notebook that nothing would look at: text beside an empty answer, and code where no test sees what it defines."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autograder.files.names import shown_name
from autograder.notebook.cells import Notebook, grading, is_test, released, without_magics
from autograder.notebook.inert import inert_markdown
from autograder.notebook.needs import bound_names, needed_by_tests
from autograder.triage.reasons import Item

__all__ = ["needing_tests", "unread_work"]

Cell = dict[str, Any]
WORD = re.compile(r"\w+")
COMMENT = re.compile(r"#(.*)")
FENCE = re.compile(r"^\s*(?:```|~~~).*$", re.MULTILINE)
BINDS = r"\b(?:def|class|import|for|as)\b[^\n]*\b{0}\b|\b{0}\b[^\n=]*="
SENTENCE = 5  # words: a shorter comment or string in code is no written answer
SHOWN = 50  # characters of the text
LONGEST = 50_000  # characters of a cell that is looked at for what it defines


def unread_work(
    template: Notebook, submitted: Sequence[Cell], chosen: Mapping[str, int], order: Sequence[Cell]
) -> list[Item]:
    """What a person should look at in a notebook.

    Args:
        template: its source notebook.
        submitted: the cells as they were handed in.
        chosen: which of them, by grade_id, the cells of the source were taken from.
        order: the cells as they are graded.
    """
    given = {
        grading(cell)["grade_id"]: text
        for cell, text in zip(template.cells, released(template), strict=True)
        if grading(cell)
    }
    return [
        *_unread(template, submitted, chosen, order, given),
        *_untested(template, submitted, order, given),
    ]


def needing_tests(template: Notebook, answer: str) -> tuple[str, ...]:
    """The test cells that need what the cell *answer* defines."""
    return tuple(test for test, needed in needed_by_tests(template).items() if answer in needed)


def _unread(
    template: Notebook,
    submitted: Sequence[Cell],
    chosen: Mapping[str, int],
    order: Sequence[Cell],
    given: Mapping[str, str],
) -> Iterator[Item]:
    """An item, if an answer that a person would mark is as it was handed out, and the student wrote a text elsewhere."""
    by_hand = template.manual_points()
    empty = tuple(
        key
        for cell in order
        if (key := grading(cell).get("grade_id", "")) in by_hand
        and grading(cell)["solution"]
        and cell["source"].strip() in ("", given[key].strip(), inert_markdown(given[key]).strip())
    )
    if not empty:
        return
    known = {
        _plain(line)
        for cell, source in zip(template.cells, released(template), strict=True)
        for text in (source, *_texts({**cell, "source": source}, known=True))
        for line in text.split("\n")
    }
    read = {at for key, at in chosen.items() if key in by_hand}
    sources = template.by_grade_id()
    code = any(sources[key]["cell_type"] == "code" for key in empty)
    for at, cell in enumerate(submitted):
        if at in read:
            continue
        own = cell["grade_id"] not in sources
        for text in [cell["source"]] if own and code else _texts(cell, known=not own):
            for line in text.split("\n"):
                if _plain(line) and _plain(line) not in known:
                    are = "are" if len(empty) > 1 else "is"
                    says = f"{', '.join(empty)} {are} empty, but cell {at + 1} says “{_short(line)}”"
                    yield Item("unread", says, cells=empty)
                    return


def _plain(line: str) -> str:
    return " ".join(WORD.findall(line.casefold()))


def _short(line: str) -> str:
    text = " ".join(line.split())
    return shown_name(text if len(text) <= SHOWN else text[:SHOWN] + "…")


def _texts(cell: Cell, known: bool) -> Iterator[str]:
    """What is written in a cell: all of it; of code, the sentences among its comments and strings."""
    source = cell["source"]
    if cell["cell_type"] != "code":
        yield source
        return
    try:
        tree = ast.parse(without_magics(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if not known:  # a new cell is one of code until it is told otherwise
            yield source
            return
        yield from (line for line in source.split("\n") if len(WORD.findall(line)) >= SENTENCE)
        return
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    comments = "\n".join(match[1] for match in COMMENT.finditer(source))
    for text in [*strings, *comments.split("\n")]:
        if isinstance(text, str) and len(WORD.findall(text)) >= SENTENCE:
            yield text


def _untested(
    template: Notebook, submitted: Sequence[Cell], order: Sequence[Cell], given: Mapping[str, str]
) -> Iterator[Item]:
    """An item for each test that misses names which the student defines only where it does not look."""
    originals = template.by_grade_id()
    if all(_defines_all(cell, originals, given) for cell in order):
        return
    aside: list[tuple[str, frozenset[str]]] = []
    for at, cell in enumerate(submitted):
        original = originals.get(cell["grade_id"])
        where = f"in cell {at + 1}, which is {_article(cell['cell_type'])} cell"
        if original is not None and not grading(original)["solution"]:
            if cell["source"].strip() == given[cell["grade_id"]].strip():
                continue
            where = f"in the cell {cell['grade_id']}, which is not the student's"
        elif cell["cell_type"] == "code":
            continue
        aside.append((where, _defined(cell["source"])))
    defined = [
        _bound(cell["source"])
        if cell["cell_type"] == "code" and not _as_given(cell, given)
        else frozenset[str]()
        for cell in order
    ]
    needed = needed_by_tests(template)
    for at, cell in enumerate(order):
        if not is_test(cell):
            continue
        key = grading(cell)["grade_id"]
        answers = (names for one, names in needed[key].items() if grading(originals[one])["solution"])
        missing = frozenset[str]().union(*answers).difference(*defined[:at])
        below = frozenset[str]().union(*defined[at + 1 :])
        for where, names in [*aside, ("below that test", below)]:
            if found := missing & names:
                are = "are" if len(found) > 1 else "is"
                says = f"{', '.join(sorted(found))}, which {key} asks for, {are} defined only {where}"
                yield Item("untested", says, cells=(key,))
                break


def _defines_all(cell: Cell, originals: Mapping[str, Cell], given: Mapping[str, str]) -> bool:
    """Whether a cell seems to define what the answer in its place in the source does; true of a cell that is no answer."""
    grade = grading(cell)
    if cell["cell_type"] != "code" or not grade.get("solution"):
        return True
    wanted = _bound_by_source(originals[grade["grade_id"]]["source"])
    if not wanted or len(cell["source"]) > LONGEST:
        return True
    return (
        not _as_given(cell, given)
        # To parse every answer would take longer than all else that is done with the cells.
        and all(re.search(BINDS.format(re.escape(name)), cell["source"]) for name in wanted)
    )


_bound_by_source = functools.lru_cache(maxsize=256)(bound_names)  # the same for every submission


def _as_given(cell: Cell, given: Mapping[str, str]) -> bool:
    key = grading(cell).get("grade_id")
    return key is not None and key in given and cell["source"].strip() == given[key].strip()


def _article(kind: str) -> str:
    return {"markdown": "a Markdown", "raw": "a raw"}.get(kind, "a code")


def _defined(text: str) -> frozenset[str]:
    """The names that a text binds which may be code, as it stands or between fences."""
    return _bound(FENCE.sub("", text)).union(*map(_bound, FENCE.split(text)[1::2]))


def _bound(text: str) -> frozenset[str]:
    """The names that a text binds; none, if Python cannot read it, for whatever reason."""
    try:
        return bound_names(text) if len(text) <= LONGEST else frozenset()
    except (RecursionError, MemoryError):
        return frozenset()
