"""An nbgrader course on disk: release, grading, feedback, through nbgrader's own API."""

from __future__ import annotations

import copy
import functools
import os
import re
import shutil
import sys
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from autograder.bounds.limits import Limits
from autograder.files.names import original_name
from autograder.files.source import KIT, source_notebooks
from autograder.files.submissions import Inbox, students_in
from autograder.nbgrader_compat.copies import copy_course
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.extras import install_command
from autograder.nbgrader_compat.grades import cell_grades
from autograder.nbgrader_compat.inbox import course_inbox
from autograder.nbgrader_compat.late import Late
from autograder.nbgrader_compat.layout import Layout, load_config

__all__ = ["Course", "CourseError"]

STUDENT_ID = 128  # characters, in nbgrader's database where it keeps to its own limits
FOLDER_NAME = 255  # bytes
EXCEPTION = re.compile(r"^ *([\w.]*(?:Error|Exception|Exit|Invalid)\b.*)", re.MULTILINE)


def _with_driver(url: str) -> str:
    """*url*, if it can be used. ``postgresql://`` means psycopg2 to SQLAlchemy; where only psycopg 3 is installed, that.

    Raises:
        CourseError: it is no address of a database, or its driver is not installed.
    """
    from importlib.util import find_spec

    scheme, mark, rest = url.partition("://")
    if scheme in ("postgresql", "postgres") and mark and find_spec("psycopg2") is None:
        if find_spec("psycopg") is None:
            raise CourseError(f"{scheme}:// needs a driver: {install_command('postgres')}")
        url = f"postgresql+psycopg://{rest}"
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        make_url(url).get_dialect().import_dbapi()
    except ArgumentError:
        raise CourseError(
            f"{url!r} is not the URL of a database, such as sqlite:////folder/gradebook.db"
        ) from None
    except (NoSuchModuleError, ImportError) as error:
        raise CourseError(f"the database {scheme}:// cannot be used here: {error}") from None
    return url


class Course:
    """One assignment of the course whose ``nbgrader_config.py`` lies in the folder *root*.

    Attributes:
        assignment: its name.
        root: the course directory, which is another folder if the configuration says so.
        layout: where the course keeps what.

    Args:
        db_url: the gradebook, as in nbgrader's own setting ``CourseDirectory.db_url``, which it takes the place of.

    Raises:
        CourseError: there is no course or no such assignment, or the settings cannot be honoured.
    """

    def __init__(self, root: Path, assignment: str, db_url: str | None = None) -> None:
        self._config = load_config(root.resolve())
        from sqlalchemy.exc import SAWarning

        from autograder.nbgrader_compat.internals import NbGraderAPI

        warnings.filterwarnings("ignore", category=SAWarning, module="nbgrader")

        url = db_url or self._config.CourseDirectory.get("db_url")
        if url:
            self._config.CourseDirectory.db_url = _with_driver(str(url))
        self._config.NbGrader.logfile = os.path.join(self._config.CourseDirectory.root, ".nbgrader.log")
        # nbgrader starts alembic by its bare name.
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        self._api: Any = NbGraderAPI(config=self._config)
        self.layout = Layout.of(self._api.coursedir)
        self.layout.check_assignment(assignment)
        self.root, self.assignment = self.layout.root, assignment

    @classmethod
    def copy_of(cls, original: Path, root: Path, assignment: str) -> Course:
        """A course of its own at *root*, with the configuration of *original* and the source of the *assignment*.

        Raises:
            CourseError: see :func:`autograder.nbgrader_compat.copies.copy_course`.
        """
        copy_course(original, root, [assignment])
        return cls(root, assignment)

    @property
    def source(self) -> Path:
        """The folder of the source notebooks."""
        return self.layout.source / self.assignment

    def source_notebooks(self) -> list[Path]:
        """The source notebooks; see :func:`autograder.files.source.source_notebooks`."""
        return source_notebooks(self.source)

    @property
    def release(self) -> Path:
        """The folder of the student version."""
        return self.layout.release / self.assignment

    def student_page(self, student: str) -> Path:
        """The page of all of *student*'s notebooks; beside nbgrader's folder, whose pages are released one by one."""
        return self.layout.feedback / student / f"{self.assignment}.html"

    def submitted(self, student: str) -> Path:
        """The folder that *student*'s notebooks were collected into."""
        return self.layout.submitted / original_name(student) / self.assignment

    def feedback(self, student: str) -> Path:
        """The folder of *student*'s feedback pages."""
        return self.layout.feedback / student / self.assignment

    def autograded(self, student: str) -> Path:
        """The folder of *student*'s graded notebooks."""
        return self.layout.autograded / student / self.assignment

    @property
    def db_url(self) -> str:
        """The address of the gradebook."""
        return str(self._api.coursedir.db_url)

    @property
    def shown_db_url(self) -> str:
        """The address without its password."""
        from sqlalchemy.engine import make_url

        return make_url(self.db_url).render_as_string(hide_password=True)

    @property
    def database_file(self) -> Path | None:
        """The gradebook's file; None where it is a server's."""
        from sqlalchemy.engine import make_url

        url = make_url(self.db_url)
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    @functools.cached_property
    def late(self) -> Late:
        """What lateness costs.

        Raises:
            CourseError: the settings or the files that they name cannot be used.
        """
        converter = self.converter()
        return Late(config=converter.config).read(converter.coursedir)

    def config(self) -> Any:
        """A copy of nbgrader's settings of this course, which may be changed."""
        return copy.deepcopy(self._config)

    def converter(self) -> Any:
        """nbgrader's own ``Autograde``, with the settings of this course."""
        from traitlets import TraitError

        from autograder.nbgrader_compat.internals import Autograde

        try:
            return Autograde(coursedir=self._api.coursedir, parent=self._api)
        except (TraitError, ImportError, AttributeError) as error:
            raise CourseError(f"{self.root / 'nbgrader_config.py'} cannot be used: {error}") from None

    @property
    def shared_with_group(self) -> bool:
        """nbgrader's setting ``CourseDirectory.groupshared``."""
        return bool(self._api.coursedir.groupshared)

    def limits(self) -> Limits:
        """What a submission may use.

        Raises:
            CourseError: the settings are not allowed.
        """
        try:
            found: Limits = self._examine().limits(self.assignment)
            return found
        except ValueError as error:
            raise CourseError(f"nbgrader_config.py cannot be used: {error}") from error

    @property
    def carries_errors_forward(self) -> bool:
        """Whether a part is examined again that failed after a wrong one.

        Raises:
            CourseError: the settings are not allowed.
        """
        return bool(self._examine().carry_errors_forward)

    def _examine(self) -> Any:
        from traitlets import TraitError

        from autograder.nbgrader_compat.examine import Examine

        try:
            return Examine(config=self.converter().config)
        except TraitError as error:
            raise CourseError(f"nbgrader_config.py cannot be used: {error}") from error

    @functools.cached_property
    def inbox(self) -> Inbox:
        """What was handed in.

        Raises:
            CourseError: the settings are not allowed.
        """
        return course_inbox(self._api.coursedir, self.layout.submitted, self.assignment, self.limits())

    def other_source_files(self) -> list[Path]:
        """The files beside the source notebooks that nbgrader does not ignore."""
        from autograder.nbgrader_compat.internals import find_all_files

        found = find_all_files(str(self.source), [*self._api.coursedir.ignore, "*.ipynb"])
        return [path for path in map(Path, found) if path.is_file() and not path.is_symlink()]

    def students(self, known: Collection[str] = ()) -> list[str]:
        """Everyone who handed something in; of those who are *known* to have marks, in the place of a folder too.

        Raises:
            CourseError: the folder of all submissions cannot be read.
        """
        try:
            return students_in(self.layout.submitted, self.assignment, known)
        except OSError as error:
            raise CourseError(f"{self.root / 'submitted'} cannot be read: {error.strerror}") from None

    def name_too_long(self, student: str) -> bool:
        """Whether the gradebook or a folder cannot have the name of *student*."""
        most = STUDENT_ID if self.database_file is None else FOLDER_NAME
        return len(student) > most or len(student.encode()) > FOLDER_NAME

    def generate_assignment(self) -> None:
        """Make the student version.

        Raises:
            CourseError: nbgrader could not, or released what nobody may be given.
        """
        self.check_outcome(self._api.generate_assignment(self.assignment, force=True))
        self.refuse_kit(self.release)

    def refuse_kit(self, release: Path) -> None:
        """Remove the folder *release* if it holds the kit.

        Raises:
            CourseError: it did.
        """
        if (release / KIT).exists():
            shutil.rmtree(release)
            raise CourseError(
                f"nbgrader released the folder {KIT}/ of {self.assignment}, with its answers; the release was removed: "
                "put use_examiner(c) into nbgrader_config.py"
            )

    def autograde(self, student: str) -> None:
        """Grade one student's submission into the gradebook."""
        self.check_outcome(self._api.autograde(self.assignment, student, force=True))

    def generate_feedback(self, student: str) -> None:
        """Write one student's feedback pages."""
        self.check_outcome(self._api.generate_feedback(self.assignment, student, force=True))

    def gradebook(self) -> Any:
        """nbgrader's gradebook; use it as a context manager."""
        return self._api.gradebook

    def grades(self) -> Iterator[tuple[str, str, str, float | None, float | None, float]]:
        """(student, notebook, cell, automatic mark, manual mark, maximum) of everything in the gradebook."""
        with self.gradebook() as book:
            for grade in cell_grades(book, self.assignment):
                yield grade[:6]

    @staticmethod
    def check_outcome(outcome: dict[str, Any]) -> None:
        """Look at what a step of nbgrader's came to.

        Raises:
            CourseError: it failed; the message says why.
        """
        if not outcome["success"]:
            text = "\n".join(outcome.get(key) or "" for key in ("error", "log"))
            reasons = [found for found in EXCEPTION.findall(text) if "NbGraderException" not in found]
            raise CourseError(reasons[-1] if reasons else "nbgrader gave no reason")
