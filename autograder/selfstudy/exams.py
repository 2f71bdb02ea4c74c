"""Where the tests of one's own notebook come from: one file beside it, or the course that it lies in.

An exam is a file ``NAME.exam``: the source notebooks with every answer as it was handed out, the files beside them, and what the grader knows of
the assignment, as a zip archive in a gzip file. So nobody reads hidden tests or right functions by accident; it keeps nothing secret.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from autograder.files.lookalikes import identified
from autograder.files.read import Unreadable
from autograder.files.source import KIT, source_files
from autograder.nbgrader_compat.errors import CourseError
from autograder.nbgrader_compat.layout import CONFIG, courses_around, source_folder
from autograder.notebook.cells import grading, read_notebook
from autograder.notebook.submitted import read_path
from autograder.selfstudy.visible import write_visible_exam

__all__ = ["SUFFIX", "ExamError", "Exams", "exam_notebook", "write_exam", "zipped"]

SUFFIX = ".exam"
DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can hold: the bytes depend on the content alone
ANSWERS = f"{KIT}/kinds.toml"  # a class is made of answers, right and wrong ones
REPOSITORY = Path(__file__).resolve().parents[2]


class ExamError(Exception):
    """There is no exam, or none can be made; the message says why."""


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of *files*, content by name; the same content gives the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, DATE)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = compression
            archive.writestr(entry, files[name])
    return made.getvalue()


def write_exam(source: Path, release: Path, target: Path) -> list[str]:
    """Write the exam of the assignment in the folder *source* into the file *target*; returns the names of what is in it.

    Raises:
        ExamError: a notebook or a cell of *source* has not been released.
    """
    files: dict[str, bytes] = {}
    for name, content in source_files(source).items():
        if name != ANSWERS:
            is_source = name.endswith(".ipynb") and "/" not in name
            files[name] = _without_answers(source / name, release / name) if is_source else content
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(gzip.compress(zipped(files, zipfile.ZIP_STORED), mtime=0))
    return sorted(files)


def _without_answers(source: Path, release: Path) -> bytes:
    if not release.is_file():
        raise ExamError(f"{release} is not there: release the assignment first")
    notebook = read_notebook(source)
    released = read_notebook(release).by_grade_id()
    for grade_id, cell in notebook.by_grade_id().items():
        if grading(cell)["solution"] or grading(cell).get("task"):
            if grade_id not in released:
                raise ExamError(f"{release} has no cell {grade_id!r}: release the assignment again")
            cell["source"] = released[grade_id]["source"]
    return notebook.dumps().encode()


def exam_notebook(folder: Path, notebook: Path) -> Path | None:
    """The notebook in the *folder* of an exam that *notebook* is to be compared with: that of its name, or the one that it looks like.

    Raises:
        ExamError: the exam cannot be read.
        OSError: this machine does not allow to read *notebook*.
    """
    if own := _of_this_name(folder, notebook):
        return own
    try:
        known = {
            path.stem: frozenset(read_notebook(path).by_grade_id()) for path in sorted(folder.glob("*.ipynb"))
        }
    except ValueError as error:
        raise ExamError(str(error)) from None
    content = read_path(notebook)
    name = None if isinstance(content, Unreadable) else identified(notebook.name, content, known)
    return folder / f"{name}.ipynb" if name else None


def _of_this_name(folder: Path, notebook: Path) -> Path | None:
    return folder / notebook.name if (folder / notebook.name).is_file() else None


class Exams(contextlib.ExitStack):
    """Finds the exam of a notebook; what it had to unpack is removed when this is closed.

    Args:
        given: a file or a folder to take, whatever else there is.
    """

    def __init__(self, given: Path | None = None) -> None:
        super().__init__()
        self._given = given
        self._unpacked: dict[Path, Path] = {}
        self._visible: set[Path] = set()

    def of(self, notebook: Path) -> Path:
        """The folder with the exam of *notebook*: what was given, a file beside it or above it, the course that it lies in, or its own visible tests.

        Raises:
            ExamError: there is no such notebook, no test of it, or there are several exams.
        """
        if not notebook.is_file():
            raise ExamError(f"{notebook} is not a file")
        if self._given is not None:
            if not self._given.exists():
                raise ExamError(f"--exam {self._given} is not there")
            return self._given if self._given.is_dir() else self._unpack(self._given)
        found = (
            self._found(notebook, _of_this_name)
            or self._found(notebook, exam_notebook)
            or self._own_tests(notebook)
        )
        if found is None:
            raise ExamError(
                f"there are no tests for {notebook}, and it shows none itself: put the exam that you were given, NAME{SUFFIX}, beside it, or name it with --exam"
            )
        return found

    def is_visible_only(self, exam: Path) -> bool:
        """Whether the folder *exam* was made of nothing but the tests that the notebook itself shows."""
        return exam in self._visible

    def _own_tests(self, notebook: Path) -> Path | None:
        folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="exam-")))
        try:
            found = write_visible_exam(notebook, folder)
        except OSError as error:
            raise ExamError(f"{notebook} cannot be read: {error.strerror}") from None
        if not found:
            return None
        self._visible.add(folder)
        return folder

    def _found(self, notebook: Path, look: Callable[[Path, Path], Path | None]) -> Path | None:
        home = notebook.resolve().parent
        for file in [*sorted(home.glob(f"*{SUFFIX}")), *sorted(home.parent.glob(f"*{SUFFIX}"))]:
            if look(self._unpack(file), notebook):
                return self._unpack(file)
        for course in _courses(home):
            try:
                source = source_folder(course)
            except CourseError as error:
                raise ExamError(str(error)) from None
            found = [folder for folder in sorted(source.glob("*/")) if look(folder, notebook)]
            named = [folder for folder in found if folder.name == home.name]
            if len(named or found) == 1:
                return (named or found)[0]
            if found:
                names = ", ".join(folder.name for folder in found)
                raise ExamError(
                    f"{notebook.name} could be of the assignments {names}: say which with --exam DIR"
                )
        return None

    def _unpack(self, file: Path) -> Path:
        if file not in self._unpacked:
            folder = Path(self.enter_context(tempfile.TemporaryDirectory(prefix="exam-")))
            try:
                with zipfile.ZipFile(io.BytesIO(gzip.decompress(file.read_bytes()))) as archive:
                    archive.extractall(folder)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
                raise ExamError(f"{file} is not an exam: {error}") from None
            self._unpacked[file] = folder
        return self._unpacked[file]


def _courses(home: Path) -> Iterator[Path]:
    """The course directories around *home* and around the current folder, and the kit's own where it is used in its repository."""
    for start in (home, Path.cwd()):
        yield from courses_around(start)
    if (REPOSITORY / CONFIG).is_file():
        yield REPOSITORY
