"""What a check says, as a notebook shows it: HTML, and text where there is none."""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.tutor.reason import Reason

__all__ = ["Card", "Said"]

# A sign for the eye; the word beside it says the same to everyone.
SIGNS = {"right": "✓", "partly right": "~", "not right": "✗", "not tried yet": "·"}


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence, or with *exact* a text whose lines and spaces count."""

    text: str
    exact: bool = False

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        text = html.escape(self.text)
        return f"<pre>{text}</pre>" if self.exact else f"<p>{text}</p>"


@dataclass(frozen=True, slots=True)
class _Row:
    """A part of the notebook, and what its tests say that fail."""

    name: str
    state: str
    mark: str
    reasons: tuple[Reason, ...]


class Card:
    """The outcome of a check.

    Args:
        told: what ``autograder check --json`` says of the notebook.
        file: the name of its file.
        state: of which state of the file that is, in a sentence.
        hint_only: whether a hint was asked for, and not the marks.
    """

    def __init__(self, told: Mapping[str, Any], file: str, state: str, *, hint_only: bool = False) -> None:
        self._facts = {
            "told": told,
            "file": file,
            "state": state,
            "hint_only": hint_only,
            "rows": [] if hint_only else _rows(told),
            "notes": _notes(told),
            "kept": _kept(told),
            "signs": SIGNS,
        }

    def _repr_html_(self) -> str:
        return _environment().get_template("card.html.j2").render(**self._facts)

    def __repr__(self) -> str:
        text = _environment().get_template("card.txt.j2").render(**self._facts)
        return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def _rows(told: Mapping[str, Any]) -> list[_Row]:
    tests = {test["test"]: test for test in told["tests"]}
    parts = [(part["answer"], [name for name in part["tests"] if name in tests]) for part in told["parts"]]
    of_parts = {name for _, names in parts for name in names}
    rest = [name for name in tests if name not in of_parts]
    groups = [*([("the notebook", rest)] if rest else []), *parts]
    return [_row(name, [tests[one] for one in names]) for name, names in groups if names]


def _row(name: str, tests: Sequence[Mapping[str, Any]]) -> _Row:
    passed = sum(test["passed"] for test in tests)
    if all(test["score"] is not None for test in tests):
        mark = f"{sum(test['score'] for test in tests):g}/{sum(test['maximum'] for test in tests):g}"
        some = any(test["score"] for test in tests)
    else:
        mark, some = f"{passed} of {len(tests)} tests", passed > 0
    if passed == len(tests):
        return _Row(name, "right", mark, ())
    if not any(test["tried"] for test in tests):
        return _Row(name, "not tried yet", mark, ())
    failing = [test for test in tests if not test["passed"]]
    reasons = dict.fromkeys(Reason.from_json(test["reason"] or {}) for test in failing)
    return _Row(name, "partly right" if some else "not right", mark, tuple(filter(None, reasons)))


def _notes(told: Mapping[str, Any]) -> list[str]:
    allowed = (
        [f"{told['may_use']} says what a notebook may use when it is graded."] if told["may_use"] else []
    )
    return [*filter(None, [told["without"]]), *map(_capital, told["notes"]), *allowed]


def _capital(text: str) -> str:
    """*text* as a sentence begins; a file's name keeps its spelling."""
    first = text.split(" ", 1)[0]
    return text if "." in first or "_" in first else text[:1].upper() + text[1:]


def _kept(told: Mapping[str, Any]) -> str:
    kept = told.get("progress")
    if not kept:
        return ""
    best = f", best so far {kept['best_score']:g} of {kept['maximum']:g} points" if kept["maximum"] else ""
    return f"Check {kept['checks']}{best}, hints used {kept['hints']}."


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("autograder", "data"),
        autoescape=lambda name: name is not None and ".html." in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters["code"] = _with_code
    return made


def _with_code(text: str) -> Markup:
    """A sentence with what stands between backquotes as code, and its lines apart."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(marked.replace("\n", "<br>"))
