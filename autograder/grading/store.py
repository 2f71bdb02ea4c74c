"""Records graded submissions in nbgrader's gradebook and in the autograded folder, each wholly or not at all.

The order makes it so: the notebooks are written into a folder beside the final one; then the marks are committed in one transaction, together
with a row that names that folder; then the folder takes its place. Whatever ends the process in between, :meth:`Recorder.recover` knows
from the row whether to put the folder in its place or to throw it away.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from autograder.grading.autograded import write_autograded
from autograder.grading.plan import Marked
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.lock_wait import LockWait
from autograder.nbgrader_compat.records import Records
from autograder.nbgrader_compat.triage import class_triage
from autograder.triage.reasons import Item

__all__ = ["Recorder", "staged"]


def _nothing(step: str) -> None:
    """What happens between the steps of recording: nothing, but in tests."""


class Recorder:
    """The only one who writes.

    Attributes:
        records: what is in the gradebook.

    Args:
        between: called with the name of the step that has just been done.
        lock_wait: how a locked gradebook is waited for.

    Raises:
        CourseError: there is no gradebook, or it cannot be used.
    """

    def __init__(
        self, course: Course, between: Callable[[str], None] = _nothing, lock_wait: LockWait | None = None
    ) -> None:
        self._course = course
        self._between = between
        self._converter = course.converter()
        self.records = Records(course, lock_wait or LockWait(course))

    def recorded(self) -> dict[str, str]:
        """Fingerprints of what is recorded, by student; only where the autograded folder is in its place."""
        return {
            student: fingerprint
            for student, fingerprint in self.records.fingerprints().items()
            if self._course.autograded(student).is_dir()
        }

    def recover(self) -> None:
        """Finish or undo what an earlier run was in the middle of."""
        committed = self.records.folders()
        assignment = self._course.assignment
        unfinished = re.compile(rf"\.{re.escape(assignment)}\.([0-9a-f]{{32}}|old)")
        for parent in [*self._course.layout.autograded.glob("*/"), self._course.layout.release]:
            if not parent.is_dir():
                continue
            for folder in sorted(path for path in parent.iterdir() if unfinished.fullmatch(path.name)):
                final = parent / assignment
                if not folder.exists():
                    continue
                if folder.name.rpartition(".")[2] in committed:
                    _put(folder, final)
                elif folder.name.endswith(".old") and not final.exists():
                    folder.rename(final)
                else:
                    shutil.rmtree(folder)

    def record(self, marked: Marked) -> None:
        """Record one submission.

        Raises:
            CourseError: the gradebook cannot be used; nothing of the submission is recorded.
            OSError: a file cannot be written; the same.
        """
        final = self._course.autograded(marked.student)
        token = self.stage(marked)
        self._between("written")
        # If this fails, the folder stays: only the gradebook knows whether it was committed.
        self.records.commit(marked.student, marked.notebooks, marked.fingerprint, token, marked.only)
        self._between("committed")
        _put(staged(final, token), final)
        self._between("done")

    def stage(self, marked: Marked) -> str:
        """Write the notebooks of a submission beside the place where they belong; returns what :meth:`recover` knows them by once it is recorded.

        Raises:
            OSError: a file cannot be written; nothing is left of them.
        """
        token = uuid.uuid4().hex
        final = self._course.autograded(marked.student)
        folder = staged(final, token)
        try:
            write_autograded(self._course, self._converter, marked, folder, before=final)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return token

    def missing(self, students: set[str]) -> set[str]:
        """Those of *students* whose record is not in the gradebook that lies there now.

        Raises:
            CourseError: it is gone.
        """
        self.records.check_identity()
        return students - set(self.recorded())

    def triage(self) -> list[Item]:
        """What a person should look at, of everyone who handed in.

        Raises:
            CourseError: the gradebook or the submissions cannot be read.
        """
        return class_triage(self._course, self.records.marks_to_confirm())

    def close(self) -> None:
        """Close the gradebook."""
        self.records.close()


def staged(final: Path, token: str) -> Path:
    """The folder that waits to take the place of *final*."""
    return final.with_name(f".{final.name}.{token}")


def _put(folder: Path, final: Path) -> None:
    """Move *folder* to *final*, in the place of what is there."""
    old = folder.with_name(f".{final.name}.old")
    if final.exists():
        shutil.rmtree(old, ignore_errors=True)
        final.rename(old)
    folder.rename(final)
    shutil.rmtree(old, ignore_errors=True)
