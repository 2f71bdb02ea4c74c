"""The examination of a whole assignment, and what grading asks of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.lint.report import Finding, Report

if TYPE_CHECKING:
    from autograder.lint.runs import Room
    from autograder.nbgrader_compat.course import Course

__all__ = ["LintError", "check_before_grading", "lint_assignment", "refuse_unfit"]

RECORD = ".autograder-lint.json"  # in the course directory


class LintError(Exception):
    """The assignment cannot be examined; the message says why."""


def lint_assignment(course: Course, *, quick: bool = False) -> Report:
    """Examine the assignment of *course*: its cells, its solutions here and in a stock kernel, and its kit.

    The outcome is also written into the course directory, where that is allowed, for :func:`check_before_grading`.

    Args:
        quick: leave out the stock kernel and the notebooks as they are released, which take some seconds for each notebook.

    Raises:
        LintError: a notebook cannot be read, there is none, or this machine cannot run it.
    """
    from autograder.candidate.start import NoSandbox
    from autograder.files.renamed import read_renamed
    from autograder.files.source import stray_copies
    from autograder.lint.cells import check_cells
    from autograder.lint.kit import check_kit
    from autograder.lint.patterns import check_patterns
    from autograder.lint.runs import check_runs
    from autograder.notebook.cells import is_test, read_notebook

    try:
        notebooks = {path: read_notebook(path) for path in course.source_notebooks()}
        read_renamed(course.source)
    except (ValueError, OSError) as error:
        raise LintError(str(error)) from error
    if not notebooks:
        raise LintError(f"{course.source} has no notebook")
    room, findings = _room(course, quick)
    report = Report(course.assignment, in_a_kernel=not quick)
    report.add(findings)
    report.add(
        Finding(path.stem, 0, "", 0, f"This notebook is left out: it is a copy of {original.name}.")
        for path, original in stray_copies(course.source).items()
    )
    report.add(check_kit(room.kit, {path.stem: notebook for path, notebook in notebooks.items()}))
    for path, notebook in notebooks.items():
        found = list(check_cells(notebook, path.stem))
        report.add(found)
        report.add(check_patterns(notebook, path.stem))
        report.tests += sum(map(is_test, notebook.cells))
        if not any(finding.fails for finding in found):  # else it may have no marks to compare
            try:
                report.add(check_runs(path, notebook, room))
            except NoSandbox as error:
                raise LintError(str(error)) from error
    _write(course, _fingerprint(course), report)
    return report


def check_before_grading(course: Course) -> list[Finding]:
    """What must be mended before a class is graded; nothing if the assignment is fit for it.

    If nothing has changed since it was last examined, that outcome is taken. Else it is examined quickly.

    Raises:
        LintError: see :func:`lint_assignment`.
    """
    known = _read(course, _fingerprint(course))
    return (known or lint_assignment(course, quick=True)).failing


def refuse_unfit(course: Course) -> None:
    """Refuse an assignment whose own solutions would not get what they deserve.

    Raises:
        CourseError: something must be mended first; the message names the first of it.
    """
    from autograder.nbgrader_compat.errors import CourseError

    name = course.assignment
    try:
        failing = check_before_grading(course)
    except LintError as error:  # it is graded elsewhere, say, where students' processes can be confined
        print(f"autograder: {name} could not be examined before it is graded: {error}", file=sys.stderr)
        return
    if failing:
        first = failing[0]
        where = ", ".join(part for part in (first.notebook, first.cell) if part)
        more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
        raise CourseError(
            f"{name} must be mended before it is graded: {where}: {first.what}{more}; "
            f"autograder lint {name} says what to write instead, and --no-lint grades it as it is"
        )


def _room(course: Course, quick: bool) -> tuple[Room, list[Finding]]:
    from autograder.lint.kit import kit_of
    from autograder.lint.runs import Room
    from autograder.nbgrader_compat.course import CourseError
    from autograder.nbgrader_compat.examine import Examine

    kit, findings = kit_of(course.source)
    try:
        settings = Examine(config=course.converter().config)
        limits = course.limits()
    except CourseError as error:
        raise LintError(str(error)) from error
    room = Room(course.source, limits, [course.root], settings.weakest_sandbox, kit, quick)
    return room, findings


def _fingerprint(course: Course) -> str:
    """Of everything that the outcome depends on."""
    from dataclasses import asdict

    from autograder.files.source import source_files
    from autograder.grading.plan import code_digest
    from autograder.lint.kit import kit_of

    kit, _ = kit_of(course.source)
    digest = hashlib.sha256(code_digest(kit.warm.libraries).encode())
    digest.update(json.dumps(asdict(course.limits())).encode())
    for name, content in sorted(source_files(course.source).items()):
        digest.update(f"{name}\n{len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def _read(course: Course, fingerprint: str) -> Report | None:
    try:
        row = json.loads((course.root / RECORD).read_text("utf-8"))[course.assignment]
        return Report.loads(row["report"]) if row["fingerprint"] == fingerprint else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(course: Course, fingerprint: str, report: Report) -> None:
    """Keep the outcome, if the course directory lets us: without it, the next grading examines the assignment again."""
    path = course.root / RECORD
    try:
        known = json.loads(path.read_text("utf-8"))
        known = known if isinstance(known, dict) else {}
    except (OSError, ValueError):
        known = {}
    known[course.assignment] = {"fingerprint": fingerprint, "report": report.dumps()}
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix=RECORD, dir=course.root)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(json.dumps(known))
            os.chmod(name, 0o664 if course.shared_with_group else 0o644)
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
