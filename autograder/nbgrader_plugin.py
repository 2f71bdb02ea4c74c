"""Puts the examiner into nbgrader: three settings in ``nbgrader_config.py`` and everything else stays nbgrader's own.

* ``Autograde.exporter_class``: reads any submission, however broken, as a notebook in the form of its source.
* ``Autograde.autograde_preprocessors``: :class:`Examine` in the place of ``Execute``.
* ``Autograde.pre_convert_hook``: takes out links and a timestamp that cannot be read.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import parse_utc
from traitlets import Bool, Dict, Float, Integer
from traitlets.log import get_logger

from autograder.examiner.assemble import PROBLEM, assemble
from autograder.examiner.exam import Verdict, examine
from autograder.examiner.inert import inert_outputs
from autograder.examiner.limits import Limits
from autograder.examiner.process import data_files
from autograder.examiner.rendering import showable_markdown
from autograder.examiner.sandbox import LEVELS
from autograder.notebooks import Notebook, grading
from autograder.tutor.paper import Paper

__all__ = ["Examine", "SubmissionExporter", "tidy_submission"]

DEFAULT = Limits()
TIMESTAMP = "timestamp.txt"
MAX_OTHERS = 300  # of the class, whose cases a wrong answer is compared with


def _source_folder(converter: Any, resources: Any) -> Path:
    directory = converter.coursedir
    return Path(directory.format_path(directory.source_directory, ".", resources["nbgrader"]["assignment"]))


class SubmissionExporter(NotebookExporter):
    """Reads a submitted notebook in the form of its source; a notebook that is already in the autograded folder as it is."""

    def from_filename(self, filename: str, resources: Any = None, **keywords: Any) -> Any:
        """The notebook of *filename*; never raises for what a student did to the file."""
        path = Path(filename)
        converter: Any = self.parent
        directory = converter.coursedir
        graded = directory.format_path(
            directory.autograded_directory,
            resources["nbgrader"]["student"],
            resources["nbgrader"]["assignment"],
        )
        if path.parent.resolve() == Path(graded).resolve():
            return super().from_filename(filename, resources=resources, **keywords)
        source = _source_folder(converter, resources) / path.name
        content = nbformat.from_dict(assemble(source, path).content)
        if content.metadata.get(PROBLEM):
            self.log.warning("%s could not be read: %s; it gets zeros", filename, content.metadata[PROBLEM])
        return self.from_notebook_node(content, resources=resources, **keywords)


class Examine(NbGraderPreprocessor):
    """Takes the place of ``Execute``: students' cells run confined, test cells in this process.

    The verdicts are written as outputs of the test cells, in the way that nbgrader reads marks from them. The limits are settings, such as
    ``c.Examine.cell_seconds = 60``.
    """

    cell_seconds = Float(DEFAULT.cell_seconds, help="seconds for one cell").tag(config=True)
    call_seconds = Float(DEFAULT.call_seconds, help="seconds for one call of a student's function").tag(
        config=True
    )
    total_seconds = Float(DEFAULT.total_seconds, help="seconds for one notebook with its tests").tag(
        config=True
    )
    memory_mb = Integer(DEFAULT.memory_mb, help="memory of a student's process, MB").tag(config=True)
    output_kb = Integer(DEFAULT.output_kb, help="output kept of one cell, KB").tag(config=True)
    processes = Integer(DEFAULT.processes, help="processes and threads of a student").tag(config=True)
    disk_mb = Integer(DEFAULT.disk_mb, help="files written by a student, MB").tag(config=True)
    answer_kb = Integer(DEFAULT.answer_kb, help="size of one answer, KB").tag(config=True)
    by_assignment = Dict(
        help='other limits for some assignments, such as {"quantization": {"cell_seconds": 60}}'
    ).tag(config=True)
    personal_cases = Bool(False, help="whether every student must work on the case of their own id").tag(
        config=True
    )

    def folder(self, resources: Any) -> Path:
        """The folder of the source notebooks."""
        return _source_folder(self.parent.parent, resources)  # of the exporter's converter

    def limits(self, assignment: str) -> Limits:
        """What a student's process may use.

        Raises:
            ValueError: a setting is not allowed; the message names it.
        """
        known = list(Limits.__dataclass_fields__)
        own = self.by_assignment.get(assignment, {})
        if unknown := [name for name in own if name not in known]:
            where = f"c.Examine.by_assignment[{assignment!r}]"
            raise ValueError(f"{where} has {unknown[0]!r}; known: {', '.join(known)}")
        return Limits(**({name: getattr(self, name) for name in known} | own))

    def hidden(self) -> list[Path]:
        """Folders that a student's process must not read."""
        return [Path(self.parent.parent.coursedir.root)]

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Examine one notebook."""
        folder = self.folder(resources)
        notebook = Notebook(nb)
        limits = self.limits(resources["nbgrader"]["assignment"])
        result = examine(notebook, limits, data_files(folder), self.hidden(), self._paper(resources))
        for index, cell in enumerate(nb.cells):
            if cell.cell_type == "markdown" and not grading(cell).get("locked"):
                cell.source = showable_markdown(cell.source, cell.get("attachments"))
            if cell.cell_type == "code":
                verdict = result.verdicts.get(grading(cell).get("grade_id", ""))
                cell.outputs = nbformat.from_dict(
                    _as_outputs(verdict) if verdict else inert_outputs(result.outputs.get(index, []))
                )
        notes = list(result.notes)
        if result.sandbox in LEVELS and result.sandbox != next(iter(LEVELS)):
            notes.append(f"confined by {result.sandbox} only: {LEVELS[result.sandbox]}")
        nb.metadata["autograder"] = {
            "sandbox": result.sandbox,
            "notes": notes,
            "misconceptions": {
                key: list(verdict.misconceptions)
                for key, verdict in result.verdicts.items()
                if verdict.misconceptions
            },
        }
        for note in notes:
            self.log.warning(
                "%s, %s: %s", resources["nbgrader"]["student"], resources["nbgrader"]["notebook"], note
            )
        return nb, resources

    def classmates(self, resources: Any) -> Iterable[str]:
        """Ids of everyone who handed in."""
        directory = self.parent.parent.coursedir  # of the exporter's converter
        pattern = directory.format_path(
            directory.submitted_directory, "*", resources["nbgrader"]["assignment"]
        )
        return sorted(path.parent.name for path in Path("/").glob(pattern.lstrip("/")))

    def _paper(self, resources: Any) -> Paper:
        """Whose notebook it is; with personal cases, also who else handed in, to recognise answers that are theirs."""
        student = resources["nbgrader"]["student"]
        others = self.classmates(resources) if self.personal_cases else ()
        others = tuple(name for name in others if name != student)[:MAX_OTHERS]
        return Paper(resources["nbgrader"]["notebook"], student, self.personal_cases, others)


def _as_outputs(verdict: Verdict) -> list[dict[str, Any]]:
    """Outputs from which nbgrader's ``determine_grade`` reads just this mark: an error is 0, a number partial credit, nothing full."""
    if verdict.score >= verdict.maximum:
        return []
    if verdict.score <= 0:
        return [
            {
                "output_type": "error",
                "ename": "Not right",
                "evalue": _wrapped(verdict.message),
                "traceback": [_wrapped(verdict.message)],
            }
        ]
    outputs: list[dict[str, Any]] = []
    if verdict.message:
        outputs.append({"output_type": "stream", "name": "stdout", "text": verdict.message + "\n"})
    number = {"text/plain": repr(verdict.score)}
    return [
        *outputs,
        {"output_type": "execute_result", "data": number, "metadata": {}, "execution_count": None},
    ]


def _wrapped(message: str) -> str:
    return "\n".join(textwrap.fill(line, 96) for line in message.splitlines())


def tidy_submission(assignment: str, student: str, notebooks: list[str]) -> None:
    """Before a submission is graded: take out what would stop or mislead nbgrader, and log it.

    Links, pipes and devices are removed (nbgrader would copy what they lead to, without end if need be); a ``timestamp.txt`` that cannot be
    parsed is renamed.
    """
    for folder in {Path(notebook).parent for notebook in notebooks}:
        for path in sorted(folder.rglob("*")):
            plain = not path.is_symlink() and (path.is_file() or path.is_dir())
            if not plain and not (path.parent == folder and path.suffix == ".ipynb"):
                get_logger().warning("%s: removed %s, which is no plain file", student, path.name)
                path.unlink()
        _check_timestamp(folder / TIMESTAMP, student)


def _check_timestamp(path: Path, student: str) -> None:
    if not path.exists():
        return
    try:
        text = path.read_text("utf-8").strip()
        if text:
            parse_utc(text)
    except (ValueError, OverflowError, TypeError, OSError):
        get_logger().warning("%s: %s cannot be read and was renamed", student, TIMESTAMP)
        path.rename(path.with_suffix(".unreadable"))
