"""Reads submissions for ``nbgrader autograde`` as ``autograder grade`` reads them."""

from __future__ import annotations

import functools
import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter

from autograder.bounds.limits import Limits
from autograder.exam.attempt import attempt
from autograder.files.names import shown_name
from autograder.files.read import Unreadable, file_ids
from autograder.files.submissions import Inbox, students_in
from autograder.nbgrader_compat.tidy import tidy_submission
from autograder.notebook.assemble import PROBLEM, assemble

__all__ = ["SubmissionExporter"]


class _Tidy:
    """In the place of ``Autograde.pre_convert_hook``: the course's own, and then what keeps nbgrader from what it must not copy."""

    def __init__(self, own: Any, tidy: Any) -> None:
        self._own, self._tidy = own, tidy

    def __call__(self, **about: Any) -> None:
        try:
            if self._own:
                self._own(**about)
        finally:
            self._tidy(**about)


class SubmissionExporter(NotebookExporter):
    """``Autograde.exporter_class``: reads a submitted notebook in the form of its source; a notebook that is already in the autograded folder as it is."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords)
        if getattr(self.parent, "assignments", None):
            self._list_submissions()

    def from_filename(self, filename: str, resources: Any = None, **keywords: Any) -> Any:
        """The notebook of *filename*; never raises for what a student did to the file."""
        path = Path(filename)
        if os.path.realpath(path.parent) == os.path.realpath(self._path("autograded_directory", resources)):
            return super().from_filename(filename, resources=resources, **keywords)
        facts = resources["nbgrader"]
        limits = self._limits(facts["assignment"])
        source = self._source(facts["assignment"])
        inbox = Inbox(self._submitted(), facts["assignment"], limits, file_ids(source))
        made: Any = attempt(
            lambda: assemble(source / path.name, inbox.read(facts["student"], path.name)), limits
        )
        if isinstance(made, Unreadable):
            made = assemble(source / path.name, made)
        content = nbformat.from_dict(made.content)
        if content.metadata.get(PROBLEM):
            self.log.warning("%s could not be graded: %s; it gets zeros", filename, content.metadata[PROBLEM])
        return self.from_notebook_node(content, resources=resources, **keywords)

    @property
    def _converter(self) -> Any:
        return self.parent

    def _path(self, step: str, resources: Any) -> str:
        directory = self._converter.coursedir
        facts = resources["nbgrader"]
        return str(directory.format_path(getattr(directory, step), facts["student"], facts["assignment"]))

    def _source(self, assignment: str) -> Path:
        directory = self._converter.coursedir
        return Path(directory.format_path(directory.source_directory, ".", assignment))

    def _submitted(self) -> Path:
        directory = self._converter.coursedir
        return Path(os.path.normpath(directory.format_path(directory.submitted_directory, ".", ".")))

    def _limits(self, assignment: str) -> Limits:
        from autograder.nbgrader_compat.examine import Examine

        return Examine(config=self.config).limits(assignment)

    def _list_submissions(self) -> None:
        """Correct nbgrader's list before it begins with the first.

        A student goes by the name that is shown, because another one would stop everything; only notebooks of the course are on it; and who is not on it,
        because no notebook was found, is put there with all of them, so that nobody keeps the marks of something that is no longer there.
        """
        converter = self._converter
        directory = converter.coursedir
        assignment, submitted = directory.assignment_id, self._submitted()
        source = self._source(assignment)
        wanted = f"{directory.notebook_id}.ipynb"
        names = sorted(path.name for path in source.glob("*.ipynb") if fnmatchcase(path.name, wanted))
        if not isinstance(converter.pre_convert_hook, _Tidy):
            converter.pre_convert_hook = _Tidy(
                converter.pre_convert_hook,
                functools.partial(tidy_submission, limits=self._limits(assignment), source=source),
            )
        listed: dict[str, list[str]] = {}
        for found, notebooks in converter.assignments.items():
            path = Path(found)
            if path.parent.parent != submitted:  # another layout of folders than nbgrader's own
                return
            handed_in = {Path(notebook).name for notebook in notebooks}
            student = submitted / shown_name(path.parent.name) / assignment
            listed[str(student)] = [str(student / name) for name in names if name in handed_in]
        for name in students_in(submitted, assignment):
            if fnmatchcase(name, directory.student_id):
                student = submitted / name / assignment
                listed[str(student)] = listed.get(str(student)) or [str(student / name) for name in names]
        converter.assignments = listed
