"""Pages for students: their answers, and beside each what it earned and why. One file, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from autograder.notebook.cells import grading, is_test, mark_scheme, test_part, without_hidden_tests
from autograder.notebook.display.allowance import one_notebook
from autograder.pages.markup import code_html, code_styles, markdown_html, outputs_html
from autograder.pages.todo import to_do
from autograder.tutor.reason import Reason

__all__ = ["Mark", "Sheet", "feedback_page", "graded_test", "render", "sheet", "shown_pair"]


@dataclass(frozen=True, slots=True)
class Mark:
    """What one graded cell earned.

    Attributes:
        score: None while a person has not graded it, or where only a part of the tests was run.
        reason: why it is not more, or what a person wrote.
        passed: whether everything that was run is right.
        before: what a person gave for an earlier text of an answer that is to be read again.
        carried: whether right functions stood in the place of wrong earlier ones when it earned this.
    """

    name: str
    score: float | None
    maximum: float
    reason: Reason = field(default_factory=Reason)
    passed: bool = False
    by_hand: bool = False
    part: str = "public"
    public: str = ""
    before: float | None = None
    carried: bool = False

    @property
    def state(self) -> str:
        """``full``, ``some``, ``none`` or ``waiting``."""
        if self.score is None:
            return ("waiting" if self.by_hand else "none") if not self.passed else "full"
        return "full" if self.score >= self.maximum else "some" if self.score > 0 else "none"

    @property
    def says(self) -> str:
        """The mark in words."""
        if self.before is not None:
            return f"was {self.before:g} of {self.maximum:g} for the earlier text, to be read again"
        if self.score is None:
            return ("to be graded" if self.by_hand else "failed") if not self.passed else "passed"
        return f"{self.score:g} of {self.maximum:g}"


@dataclass(slots=True)
class Section:
    """A piece of a notebook: a text, the cells that follow it (as HTML), and the marks of these."""

    text: str = ""
    cells: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(slots=True)
class Sheet:
    """One notebook.

    Attributes:
        says: the outcome in a sentence.
        notes: what went wrong while its cells ran.
        penalty: points taken off for lateness.
    """

    name: str
    title: str
    sections: list[Section]
    says: str = ""
    notes: Sequence[str] = ()
    penalty: float = 0.0

    def _points(self, by_hand: bool) -> tuple[float | None, float]:
        marks = [mark for section in self.sections for mark in section.marks if mark.by_hand == by_hand]
        known = [mark.score for mark in marks if mark.score is not None]
        return (sum(known) if known or not marks else None), sum(mark.maximum for mark in marks)

    @property
    def auto(self) -> tuple[float | None, float]:
        """Points from tests, and the maximum; None where they were not all run."""
        return self._points(by_hand=False)

    @property
    def manual(self) -> tuple[float | None, float]:
        """Points that people gave so far, and the maximum; None where nothing is graded yet."""
        return self._points(by_hand=True)

    @property
    def total(self) -> float:
        """All points so far, less the penalty, and never below 0."""
        return max(0.0, (self.auto[0] or 0.0) + (self.manual[0] or 0.0) - self.penalty)

    @property
    def maximum(self) -> float:
        """All points that there are."""
        return self.auto[1] + self.manual[1]


def sheet(
    name: str,
    cells: Iterable[Mapping[str, Any]],
    marks: Mapping[str, Mark],
    outputs: Mapping[int, list[Any]] | None = None,
    **facts: Any,
) -> Sheet:
    """A notebook as sections; *outputs* by cell index, those of the cells themselves if not given. Hidden tests are left out."""
    with one_notebook():
        return _sheet(name, cells, marks, outputs, facts)


def _sheet(
    name: str,
    cells: Iterable[Mapping[str, Any]],
    marks: Mapping[str, Mark],
    outputs: Mapping[int, list[Any]] | None,
    facts: dict[str, Any],
) -> Sheet:
    sections, title = [Section()], name
    for index, cell in enumerate(cells):
        grade = grading(dict(cell))
        mark = marks.get(grade.get("grade_id", ""))
        source = str(cell["source"])
        if is_test(dict(cell)):
            if mark is not None:
                sections[-1].marks.append(mark)
        elif cell["cell_type"] == "markdown":
            heading = next((line[2:].strip() for line in source.splitlines() if line.startswith("# ")), "")
            if not grade.get("solution") and grade.get("locked"):
                source = mark_scheme(source)[0]
                if heading and title == name:
                    title, source = heading, source.replace(f"# {heading}", "", 1)
                sections.append(Section(markdown_html(source, attached=cell.get("attachments"))))
            else:
                kind = "answer" if grade.get("solution") else "own"
                shown = markdown_html(source, attached=cell.get("attachments"))
                sections[-1].cells.append(f'<div class="{kind}">{shown}</div>')
        elif cell["cell_type"] == "code":
            results = cell.get("outputs", []) if outputs is None else outputs.get(index, [])
            sections[-1].cells.append(_code(source, outputs_html(results), given=bool(grade.get("locked"))))
        if mark is not None and (grade.get("solution") or grade.get("task")):
            sections[-1].marks.append(mark)
    return Sheet(name, title, [s for s in sections if s.text or s.cells or s.marks], **facts)


def _code(source: str, shown: str, given: bool) -> str:
    code = code_html(source) if source.strip() else ""
    if given:
        code = f"<details><summary>Code that was given</summary>{code}</details>"
    return f"{code}\n{shown}"


def graded_test(
    cell: Mapping[str, Any],
    score: float | None,
    maximum: float,
    reason: Reason,
    passed: bool,
    carried: bool = False,
) -> Mark:
    """The mark of a test cell of a source notebook."""
    source = str(cell["source"])
    part = test_part(source)
    public = "" if part == "hidden" else code_html(without_hidden_tests(source))
    name = grading(dict(cell))["grade_id"]
    return Mark(name, score, maximum, reason, passed, part=part, public=public, carried=carried)


def render(template: str, **facts: Any) -> str:
    """A page from one of the package's templates, which allows its own style sheet and script, pictures inside it, and nothing else."""
    page = template.split(".")[0]
    styles, script = _styles(page), _script(page)
    # Text may be aligned by an attribute; a sheet is the page's own or none.
    policy = (
        f"default-src 'none'; style-src-elem {_digest(styles)}; style-src-attr 'unsafe-inline'; img-src data:; "
        f"{f'script-src {_digest(script)}; ' if script else ''}base-uri 'none'; form-action 'none'"
    )
    own = {"styles": Markup(styles), "script": Markup(script), "policy": policy}
    return _environment().get_template(template).render(**own, **facts)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


@functools.cache
def _script(page: str) -> str:
    file = resources.files("autograder") / "data" / f"{page}.js"
    return file.read_text("utf-8") if file.is_file() else ""


@functools.cache
def _styles(page: str) -> str:
    folder = resources.files("autograder") / "data"
    own = [(folder / name).read_text("utf-8") for name in ("style.css", f"{page}.css")]
    return "\n".join([*own, code_styles()])


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("autograder", "data"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["sentence"] = _sentence
    environment.filters["pair"] = shown_pair
    environment.filters["capital"] = lambda text: text[:1].upper() + text[1:]
    return environment


def shown_pair(pair: tuple[float | None, float]) -> str:
    """A mark and its maximum; a dash for no mark."""
    mark, maximum = pair
    return f"{'–' if mark is None else f'{mark:g}'}/{maximum:g}"


def _sentence(message: str) -> Markup:
    """A message, with what stands between backquotes as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(message))))


def feedback_page(
    title: str, sheets: Sequence[Sheet], lead: Sequence[str] = (), *, points: bool = True
) -> str:
    """The page of these notebooks; without *points*, where not all tests were run, it counts none."""
    return render("page.html.j2", title=title, sheets=sheets, lead=lead, points=points, to_do=to_do(sheets))
