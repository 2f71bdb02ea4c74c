"""Late penalties as a step of ``nbgrader autograde``, by the course's own rules and extensions."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from traitlets import Unicode

from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.grades import penalties
from autograder.nbgrader_compat.internals import (
    AssignLatePenalties,
    Gradebook,
    LateSubmissionPlugin,
    SubmittedAssignment,
)
from autograder.nbgrader_compat.late_rules import Extension, LateRule, read_extensions, read_rules, spoken
from autograder.nbgrader_compat.layout import Layout

__all__ = ["Late", "penalties_anew"]

SAME_POINTS = 1e-9


class Late(AssignLatePenalties):
    """Takes the place of ``AssignLatePenalties``: what lateness costs, and who has more time, may stand in a file each.

    Without them it does what nbgrader does.
    """

    rules = Unicode("", help="a TOML file that says what lateness costs, such as late.toml").tag(config=True)
    extensions = Unicode("", help="a CSV file that says who has more time, such as extensions.csv").tag(
        config=True
    )

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Assign the penalty of one notebook in the gradebook."""
        self.read(self.parent.parent.coursedir)  # of the exporter's converter
        about = resources["nbgrader"]
        where = about["assignment"], about["student"]
        with Gradebook(about["db_url"]) as book:
            submission = book.find_submission(*where)
            self.settle(submission)
            self.assign(submission, book.find_submission_notebook(about["notebook"], *where), book.db)
            book.db.commit()
        return nb, resources

    def read(self, directory: Any) -> Late:
        """Read the files that the settings name, in the course whose ``CourseDirectory`` nbgrader made; returns itself.

        Raises:
            CourseError: one of them cannot be used.
        """
        root, assignments = Path(directory.root), Layout.of(directory).assignments()
        self._zone = str(directory.config.Exchange.get("timezone", ""))
        self._rules: dict[str, LateRule] = {}
        self._extensions: dict[tuple[str, str], Extension] | None = None
        if self.rules:
            plugin = self.plugin_class is not LateSubmissionPlugin and "c.AssignLatePenalties.plugin_class"
            method = directory.config.LateSubmissionPlugin.get("penalty_method", "none") != "none"
            if other := plugin or (method and "c.LateSubmissionPlugin.penalty_method"):
                raise CourseError(f"c.Late.rules and {other} both say what lateness costs: set one of them")
            self._rules = read_rules(root / self.rules, assignments, self._zone)
        if self.extensions:
            self._extensions = read_extensions(root / self.extensions, assignments, self._zone)
        self.init_plugin()
        return self

    def with_extension(self, assignment: str) -> list[str]:
        """Who has an extension by the file."""
        return [student for student, name in self._extensions or {} if name == assignment]

    def settle(self, submission: Any) -> None:
        """Write into the gradebook's *submission* when it is due, as the files say.

        Raises:
            CourseError: see :meth:`settle_due_date`.
        """
        assignment, student = submission.assignment, submission.student_id
        self.settle_due_date(assignment)
        if self._extensions is not None:
            extension = self._extensions.get((student, assignment.name))
            submission.extension = None if extension is None else extension.after(assignment.duedate)

    def settle_due_date(self, assignment: Any) -> None:
        """Write into the gradebook's *assignment* when it is due, if the file says so.

        Raises:
            CourseError: somebody has an extension, and it is never due.
        """
        rule = self._rules.get(assignment.name)
        if rule is not None and rule.due is not None and assignment.duedate != rule.due:
            assignment.duedate = rule.due
        more = self.with_extension(assignment.name)
        if more and assignment.duedate is None:
            raise CourseError(
                f"{self.extensions} gives {more[0]} more time for {assignment.name}, which has no due date: "
                "set one in Formgrader, or as due in the file of c.Late.rules"
            )

    def ends_early(self, assignment: Any) -> list[str]:
        """Whose extension ends before the gradebook's *assignment* is due."""
        return [
            student
            for student in self.with_extension(assignment.name)
            if not (self._extensions or {})[student, assignment.name].after(assignment.duedate)
        ]

    def assign(self, submission: Any, notebook: Any, session: Any) -> None:
        """As nbgrader does for one *notebook* of the *submission*, in a transaction that is under way.

        Raises:
            CourseError: the course's own plugin fails.
        """
        notebook.late_submission_penalty = None
        late = submission.total_seconds_late
        if late <= 0:
            return
        session.refresh(notebook, ["score"])
        rule = self._rules.get(submission.assignment.name)
        penalty = (
            self._of_plugin(submission.student_id, notebook.score, late)
            if rule is None
            else rule.share(timedelta(seconds=late)) * notebook.score or None
        )
        if penalty is not None:
            notebook.late_submission_penalty = self._check_late_penalty(notebook, penalty)

    def _of_plugin(self, student: str, score: float, late: float) -> float | None:
        try:
            given = self.plugin_inst.late_submission_penalty(student, score, late)
            penalty = None if given is None else float(given)
            if penalty is not None and math.isnan(penalty):
                raise ValueError("it is not a number")
        except Exception as error:  # it is the course's own
            name = type(self.plugin_inst).__name__
            raise CourseError(
                f"{name} gives no late penalty for {student}: {type(error).__name__}: {error}"
            ) from error
        return penalty

    def says(self, submission: Any) -> list[str]:
        """What a student should know: when the work was due, when it came, and what that costs."""
        assignment, rule = submission.assignment, self._rules.get(submission.assignment.name)
        if assignment.duedate is None:
            return []
        said = [f"This was due on {self._shown(assignment.duedate)}."]
        if submission.extension:
            said.append(f"Your extension ends on {self._shown(submission.duedate)}.")
        if submission.timestamp is not None:
            seconds = submission.total_seconds_late
            how = f"{spoken(timedelta(seconds=seconds))} late" if seconds > 0 else "in time"
            said.append(f"It was handed in on {self._shown(submission.timestamp)}, {how}.")
        return [" ".join(said), *filter(None, [rule.says if rule else ""])]

    def _shown(self, time: datetime) -> str:
        try:
            zone = ZoneInfo(self._zone or "UTC")
        except (ValueError, OSError, LookupError):
            zone = ZoneInfo("UTC")
        return f"{time.replace(tzinfo=UTC).astimezone(zone):%Y-%m-%d %H:%M %Z}"


def penalties_anew(book: Any, late: Late, assignment: str, students: Collection[str]) -> list[str]:
    """Assign the penalties of *students* anew in the open gradebook *book*; returns those who lose other points by it than before."""
    changed, before = [], penalties(book, assignment)
    penalized = {student for student, _ in before}
    row = book.find_assignment(assignment)
    late.settle_due_date(row)
    for submission in book.db.query(SubmittedAssignment).filter_by(assignment_id=row.id):
        if submission.student_id not in students:
            continue
        late.settle(submission)
        if submission.total_seconds_late <= 0 and submission.student_id not in penalized:
            continue
        book.db.flush()
        for notebook in submission.notebooks:
            late.assign(submission, notebook, book.db)
            was = before.get((submission.student_id, notebook.name), 0.0)
            if abs((notebook.late_submission_penalty or 0.0) - was) > SAME_POINTS:
                changed.append(submission.student_id)
    return sorted({*changed})
