"""The examiner: runs the instructor's cells of the source notebook in this process, and the student's in the candidate's.

A test cell finds what it would find in a kernel: the names of the instructor's cells before it, the files and modules beside the notebook, and the student's
names, of which a function is a proxy that calls it over there, and a value a copy. See :mod:`autograder.instructor.scope` for what runs and when,
and :mod:`autograder.instructor.source` for whose a name is.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.bounds.limits import Limits
from autograder.exam.carried import SHARE, carry_forward
from autograder.exam.draws import asked_directly, drawing_ahead
from autograder.exam.judge import GRACE_SECONDS, Verdict, drawn_once_for, judge, silence
from autograder.exam.session import Session
from autograder.exam.versions import newer_python, with_version
from autograder.files.beside import OwnFiles, in_nobodys_way
from autograder.instructor.folder import Folder, source_folder
from autograder.instructor.scope import Scope
from autograder.instructor.source import Source, read_source
from autograder.instructor.source_cells import instructors_cells
from autograder.kit import Kit
from autograder.notebook.assemble import PROBLEM, PYTHON, steps
from autograder.notebook.cells import Notebook, grading, read_notebook
from autograder.tutor.explain import Failure, explain
from autograder.tutor.owner import CASE_NAME, Owner
from autograder.tutor.reason import Reason

__all__ = ["ExamResult", "Verdict", "draw_ahead", "examine"]

EXPLAIN_SECONDS = 20.0  # for saying why wrong answers are wrong, once all marks are settled


@dataclass(slots=True)
class ExamResult:
    """The outcome of one notebook.

    Attributes:
        verdicts: by grade_id, one for every test cell of the source.
        outputs: what each of the student's cells showed, by its index in the notebook, in nbformat's form.
        sandbox: how far the student's process was confined.
        notes: what an instructor should know: cells that ended the process, limits that were met.
        version: that the notebook is of a newer Python, as a sentence; empty where nothing failed because of that.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    outputs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    sandbox: str = "not started"
    notes: list[str] = field(default_factory=list)
    version: str = ""


def examine(
    notebook: Notebook,
    limits: Limits | None = None,
    files: Mapping[str, bytes] | None = None,
    hidden: Sequence[Path] = (),
    owner: Owner | None = None,
    weakest: str = "limits",
    kit: Kit | None = None,
    source: Path | None = None,
    carry_errors_forward: bool = False,
    own: OwnFiles | None = None,
) -> ExamResult:
    """Run an assembled *notebook* (see :func:`autograder.notebook.assemble.assemble`): the student's cells there, its tests here.

    Args:
        files: what the assignment gives for the working folder of the student's code, by name.
        hidden: folders that it must not read, such as the course directory.
        owner: whose it is and which lesson it belongs to: which case is asked about, and what explains a wrong answer.
        weakest: the least confinement that will do, one of :data:`autograder.sandbox.levels.LEVELS`.
        kit: what is known of the assignment.
        source: the folder of the source notebooks, which the instructor's cells import and read from.
        carry_errors_forward: examine a part that failed again with right functions in the place of wrong earlier ones; see
            :mod:`autograder.exam.carried`.
        own: what the student has beside the notebook; what takes the place of nothing is in that folder too.

    Raises:
        NoSandbox: this machine could not start a process for it. Nothing that a submission does raises.
    """
    owner, kit = owner or Owner(), kit or Kit()
    result = ExamResult()
    limits = limits or Limits()
    problem = notebook.content["metadata"].get(PROBLEM, "")
    if problem:
        result.notes.append(f"this notebook could not be graded: {problem}")
        for _, cell, test in steps(notebook):
            if test:
                grade = grading(cell)
                message = f"This notebook could not be graded: {problem}."
                result.verdicts[grade["grade_id"]] = Verdict(
                    0.0, float(grade["points"]), Reason(message), problem
                )
        return result
    files, closed = files or {}, [path.resolve() for path in hidden]
    found = in_nobodys_way(own or OwnFiles(), files)
    session = Session(limits, files, closed, weakest, kit, own=found.content)
    session.notes.extend(found.notes)
    failures: list[Failure] = []
    with contextlib.closing(session), _exam(notebook, source, owner) as (exam, folder):
        scope = Scope(exam, folder, session, owner)
        for index, cell, test in steps(notebook):
            key = grading(cell).get("grade_id", "")
            place = scope.place(key, cell["source"])
            if test and place is not None:
                points = float(grading(cell)["points"])
                result.verdicts[key] = judge(session, scope, place, points, kit, failures)
                continue
            if place is not None:
                session.cells.asked[index] = exam.cells[place].answers
                _prepare(session, scope, place)
            try:
                with deadline(max(0.0, session.seconds_left()) + GRACE_SECONDS):
                    session.run(index, cell["source"])
            except TimeIsUp:  # what it answered was too slow to read
                session.give_up(index)
        if carry_errors_forward:
            seconds = max(session.seconds_left(), SHARE * limits.total_seconds)
            again = Session(limits, files, closed, weakest, kit, seconds, found.content)
            with contextlib.closing(again), contextlib.suppress(TimeIsUp):
                carry_forward(notebook, exam, folder, owner, kit, result.verdicts, scope, again)
        try:
            with deadline(EXPLAIN_SECONDS):
                if kit.tutor:
                    explain(kit.tutor, failures, owner, exam.asked, session.probe)
        except (TimeIsUp, Exception) as error:  # marks do not hang on explanations
            session.notes.append(f"wrong answers could not be explained: {type(error).__name__}: {error}")
    result.outputs, result.sandbox, result.notes = session.outputs, session.sandbox, session.notes
    result.version = newer_python(notebook.content["metadata"].get(PYTHON, ""), result.outputs)
    for verdict in result.verdicts.values():
        if result.version and verdict.score < verdict.maximum:
            verdict.reason = with_version(verdict.reason, result.version)
    return result


def draw_ahead(source: Path, name: str, tests: Set[str]) -> None:
    """Draw the examples of these *tests* (grade_ids) of the notebook *name* in the folder *source* before anybody is examined."""
    notebook = read_notebook(source / f"{name}.ipynb")
    with _exam(notebook, source, Owner(name)) as (exam, folder), drawing_ahead(), silence():
        scope = Scope(exam, folder, _Anybody(), Owner())
        for _, cell, test in steps(notebook):
            key = grading(cell).get("grade_id", "")
            place = scope.place(key, cell["source"])
            if test and place is not None and key in tests:
                with contextlib.suppress(
                    Exception
                ):  # a plain assertion between the properties: the answers here are none
                    scope.reach(place)
                    with drawn_once_for(scope, place, lambda: 0):
                        scope.look_up(place)
                        scope.run_test(place)


class _Anybody:
    """In the place of a student: every name is a function that answers nothing."""

    called: list[Any] = []  # noqa: RUF012 (nobody adds to it)

    def names(self, wanted: Set[str]) -> dict[str, Any]:
        return dict.fromkeys(wanted, lambda *arguments, **keywords: None)

    def watch(self, scope: Mapping[str, Any], found: Mapping[str, Any], patches: object = None) -> None:
        """Nobody needs to know."""


@contextlib.contextmanager
def _exam(notebook: Notebook, source: Path | None, owner: Owner) -> Iterator[tuple[Source, Folder]]:
    """The instructor's cells, and the folder that they run in."""
    from autograder.exam.hypothesis_compat import fixed_draws

    path = source / f"{owner.notebook}.ipynb" if source and owner.notebook else None
    template = _read_template(path, path.stat().st_mtime_ns) if path and path.is_file() else None
    folder = source_folder(source)
    main = ModuleType("__main__")
    with folder.entered(main):
        exam = read_source(
            instructors_cells(notebook, template), folder.local, frozenset({CASE_NAME}), folder.digest
        )
    with folder.examination(exam.patched), fixed_draws(), asked_directly():
        yield exam, folder


@functools.lru_cache(maxsize=64)  # the same for every submission
def _read_template(path: Path, changed: int) -> Notebook:
    return read_notebook(path)


def _prepare(session: Session, scope: Scope, place: int) -> None:
    """Run the instructor's cells up to the one at *place*; what goes wrong is told by the tests that miss its names."""
    try:
        with deadline(max(0.0, session.seconds_left()) + GRACE_SECONDS), silence():
            scope.reach(place + 1)
    except TimeIsUp:
        session.close()
