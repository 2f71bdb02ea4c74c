"""The examination as a step of ``nbgrader autograde``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import nbformat
from traitlets import Bool, Dict, Enum, Float, Integer, TraitError, validate

from autograder.bounds.limits import Limits
from autograder.exam.attempt import attempt
from autograder.exam.examine import Verdict, examine
from autograder.files.beside import OwnFiles
from autograder.files.read import Unreadable, file_ids
from autograder.files.source import data_files
from autograder.files.submissions import Inbox, students_in
from autograder.kit import load_kit
from autograder.nbgrader_compat.flags import leave_open, still_open
from autograder.nbgrader_compat.internals import NbGraderPreprocessor
from autograder.notebook.assemble import NOTE, PYTHON, TRIAGE, UNTOUCHED, assemble
from autograder.notebook.cells import Notebook, grading
from autograder.notebook.inert import writable
from autograder.notebook.rendering import make_inert
from autograder.sandbox.levels import LEVELS
from autograder.triage.reasons import Item
from autograder.tutor.owner import Owner

__all__ = ["Examine"]

LOCK_SECONDS = 300.0
DAY = 24 * 60 * 60
MAX_OTHERS = 300  # of the class, whose cases a wrong answer is compared with


def _source_folder(converter: Any, resources: Any) -> Path:
    directory = converter.coursedir
    return Path(directory.format_path(directory.source_directory, ".", resources["nbgrader"]["assignment"]))


def _limit_settings() -> dict[str, Any]:
    kinds = {float: Float, int: Integer}
    return {
        limit.name: kinds[type(limit.default)](limit.default, help=limit.metadata["says"]).tag(config=True)
        for limit in fields(Limits)
    }


# A preprocessor with a setting for each limit.
_WithLimits: Any = type(NbGraderPreprocessor)("_WithLimits", (NbGraderPreprocessor,), _limit_settings())


class Examine(_WithLimits):
    """Takes the place of ``Execute``: students' cells run confined, test cells in this process.

    The verdicts are written as outputs of the test cells, in the way that nbgrader reads marks from them. The limits are settings, such as
    ``c.Examine.cell_seconds = 60``.
    """

    by_assignment = Dict(
        help='other limits for some assignments, such as {"lab1": {"cell_seconds": 60}}'
    ).tag(config=True)
    weakest_sandbox = Enum(
        list(LEVELS),
        "landlock",
        help='the least confinement of students\' processes that is allowed; "limits" leaves them the gradebook',
    ).tag(config=True)
    personal_cases = Bool(False, help="whether every student must work on the case of their own id").tag(
        config=True
    )
    carry_errors_forward = Bool(
        True,
        help="whether a part that failed is examined again with right functions in the place of wrong earlier ones",
    ).tag(config=True)
    lock_seconds = Float(
        LOCK_SECONDS,
        help="seconds that autograder grade waits for a gradebook that another program has locked",
    ).tag(config=True)

    @validate("lock_seconds")
    def _check_lock_seconds(self, proposal: Any) -> float:
        value: float = proposal["value"]
        if not 0 <= value <= DAY:
            raise TraitError(
                f"c.Examine.lock_seconds = {value:g} is not allowed: give seconds, from 0 to {DAY}"
            )
        return value

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
        """Examine one notebook; whatever happens on the way is the notebook's own fault, and gets it zeros, or this machine's.

        Raises:
            NoSandbox, OSError: this machine is at fault.
        """
        limits = self.limits(resources["nbgrader"]["assignment"])
        made = attempt(lambda: self._examined(nb, resources, limits), limits)
        if isinstance(made, Unreadable):
            name = resources["nbgrader"]["notebook"]
            nothing = assemble(self.folder(resources) / f"{name}.ipynb", made)
            made = self._examined(nbformat.from_dict(nothing.content), resources, limits)
        return made

    def _examined(self, nb: Any, resources: Any, limits: Limits) -> tuple[Any, Any]:
        folder = self.folder(resources)
        notebook = Notebook(nb)
        result = examine(
            notebook,
            limits,
            data_files(folder),
            self.hidden(),
            self._owner(resources),
            self.weakest_sandbox,
            kit=load_kit(folder),
            source=folder,
            carry_errors_forward=self.carry_errors_forward,
            own=self.own_files(resources),
        )
        make_inert(nb.cells, result.outputs)
        for cell in nb.cells:
            if cell.cell_type == "code":
                verdict = result.verdicts.get(grading(cell).get("grade_id", ""))
                cell.outputs = nbformat.from_dict(_as_outputs(verdict) if verdict else cell.outputs)
        items = [Item.from_json(data) for data in nb.metadata.pop(TRIAGE, [])]
        if result.version:
            items.append(Item("version", result.version, cells=tuple(result.verdicts)))
        items = still_open(items, result.verdicts)
        leave_open(nb.cells, items)
        resources["nbgrader"]["flagged"] = sorted({key for item in items for key in item.cells})
        nb.metadata.pop(PYTHON, None)
        notes = [*filter(None, [nb.metadata.pop(NOTE, "")]), *(writable(note) for note in result.notes)]
        if result.sandbox in LEVELS and result.sandbox != next(iter(LEVELS)):
            notes.append(f"confined by {result.sandbox} only: {LEVELS[result.sandbox]}")
        nb.metadata["autograder"] = {
            "sandbox": result.sandbox,
            "notes": notes,
            "untouched": nb.metadata.pop(UNTOUCHED, []),
            "reasons": {
                key: verdict.reason.as_json() for key, verdict in result.verdicts.items() if verdict.reason
            },
            **({"triage": [item.as_json() for item in items]} if items else {}),
            "carried": sorted(key for key, verdict in result.verdicts.items() if verdict.carried),
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

    def own_files(self, resources: Any) -> OwnFiles:
        """What the student has beside the notebooks."""
        directory, facts = self.parent.parent.coursedir, resources["nbgrader"]
        submitted = Path(directory.format_path(directory.submitted_directory, ".", "."))
        limits, ids = self.limits(facts["assignment"]), file_ids(self.folder(resources))
        inbox = Inbox(submitted, facts["assignment"], limits, ids, list(directory.ignore))
        return inbox.own_files(facts["student"])

    def classmates(self, resources: Any) -> Iterable[str]:
        """Ids of everyone who handed in."""
        directory = self.parent.parent.coursedir  # of the exporter's converter
        submitted = directory.format_path(directory.submitted_directory, ".", ".")
        return students_in(Path(submitted), resources["nbgrader"]["assignment"])

    def _owner(self, resources: Any) -> Owner:
        """Whose notebook it is; with personal cases, also who else handed in, to recognise answers that are theirs."""
        student = resources["nbgrader"]["student"]
        others = self.classmates(resources) if self.personal_cases else ()
        others = tuple(name for name in others if name != student)[:MAX_OTHERS]
        return Owner(resources["nbgrader"]["notebook"], student, self.personal_cases, others)


def _as_outputs(verdict: Verdict) -> list[dict[str, Any]]:
    """Outputs from which nbgrader's ``determine_grade`` reads just this mark: an error is 0, a number partial credit, nothing but text full."""
    outputs: list[dict[str, Any]] = []
    if verdict.score > 0 and verdict.message:
        outputs.append({"output_type": "stream", "name": "stdout", "text": verdict.message + "\n"})
    if verdict.score >= verdict.maximum:
        return outputs
    if verdict.score <= 0:
        return [
            {
                "output_type": "error",
                "ename": "Not right",
                "evalue": _wrapped(verdict.message),
                "traceback": [_wrapped(verdict.message)],
            }
        ]
    number = {"text/plain": repr(verdict.score)}
    return [
        *outputs,
        {"output_type": "execute_result", "data": number, "metadata": {}, "execution_count": None},
    ]


def _wrapped(message: str) -> str:
    return "\n".join(textwrap.fill(line, 96) for line in message.splitlines())
