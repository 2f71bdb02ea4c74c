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
from autograder.files.read import ABSENT, Unreadable
from autograder.files.source import copies_told, source_notebooks
from autograder.files.submissions import Inbox, students_in
from autograder.nbgrader_compat.flags import flag_in_gradebook
from autograder.nbgrader_compat.inbox import course_inbox
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
        inbox = self._inbox(facts["assignment"])
        made: Any = attempt(
            lambda: assemble(
                source / path.name,
                inbox.notebooks(facts["student"], [path.stem]).get(path.stem, ABSENT),
            ),
            limits,
        )
        if isinstance(made, Unreadable):
            made = assemble(source / path.name, made)
        content = nbformat.from_dict(made.content)
        if content.metadata.get(PROBLEM):
            self.log.warning("%s could not be graded: %s; it gets zeros", filename, content.metadata[PROBLEM])
        return self.from_notebook_node(content, resources=resources, **keywords)

    def from_notebook_node(self, nb: Any, resources: Any = None, **keywords: Any) -> Any:
        """The notebook as it goes into the autograded folder; what waits for a person is flagged in the gradebook."""
        text, resources = super().from_notebook_node(nb, resources, **keywords)
        flag_in_gradebook(resources["nbgrader"], nb.cells)
        return text, resources

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

    @functools.cached_property
    def _inboxes(self) -> dict[str, Inbox]:
        return {}

    def _inbox(self, assignment: str) -> Inbox:
        if assignment not in self._inboxes:
            self._inboxes[assignment] = course_inbox(
                self._converter.coursedir, self._submitted(), assignment, self._limits(assignment)
            )
        return self._inboxes[assignment]

    def _limits(self, assignment: str) -> Limits:
        from autograder.nbgrader_compat.examine import Examine

        return Examine(config=self.config).limits(assignment)

    def _handed_in(self, student: str, names: list[str]) -> set[str]:
        """Those of the notebooks *names* that lie there, under whatever name; what there is to look at is logged."""
        assignment = self._converter.coursedir.assignment_id
        inbox, stems = self._inbox(assignment), [Path(name).stem for name in names]
        found = attempt(lambda: inbox.notebooks_and_triage(student, stems), self._limits(assignment))
        if isinstance(found, Unreadable):
            return set(names)
        notebooks, items = found
        for item in items:
            self.log.warning("%s: %s", ", ".join(filter(None, [student, item.notebook])), item.says)
        return {f"{stem}.ipynb" for stem in notebooks}

    def _list_submissions(self) -> None:
        """Correct nbgrader's list before it begins with the first.

        A student goes by the name that is shown, because another one would stop everything; only notebooks of the course are on it; and who is not on it,
        because no notebook was found, is put there with all of them, so that nobody keeps the marks of something that is no longer there.
        """
        converter = self._converter
        directory = converter.coursedir
        assignment, submitted = directory.assignment_id, self._submitted()
        source = self._source(assignment)
        for sentence in copies_told(source):
            self.log.warning("%s", sentence)
        wanted = f"{directory.notebook_id}.ipynb"
        names = [path.name for path in source_notebooks(source) if fnmatchcase(path.name, wanted)]
        if not isinstance(converter.pre_convert_hook, _Tidy):
            converter.pre_convert_hook = _Tidy(
                converter.pre_convert_hook,
                functools.partial(
                    tidy_submission,
                    limits=self._limits(assignment),
                    source=source,
                    zone=self._inbox(assignment).zone,
                ),
            )
        listed: dict[str, list[str]] = {}
        for found, notebooks in converter.assignments.items():
            path = Path(found)
            if path.parent.parent != submitted:  # another layout of folders than nbgrader's own
                return
            student = shown_name(path.parent.name)
            handed_in = {Path(notebook).name for notebook in notebooks} | self._handed_in(student, names)
            folder = submitted / student / assignment
            listed[str(folder)] = [str(folder / name) for name in names if name in handed_in]
        for name in students_in(submitted, assignment):
            if fnmatchcase(name, directory.student_id):
                student = submitted / name / assignment
                listed[str(student)] = listed.get(str(student)) or [str(student / name) for name in names]
        converter.assignments = listed
