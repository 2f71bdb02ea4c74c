"""Pages that show a student's notebook, as they are built where they are used: Formgrader's, and the kit's own."""

from __future__ import annotations

import contextlib
import copy
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from traitlets.config import Config

from autograder.bounds.limits import Limits
from autograder.exam.examine import ExamResult, Verdict
from autograder.files.beside import OwnFiles
from autograder.files.names import shown_name
from autograder.nbgrader_compat import examine as preprocessor
from autograder.nbgrader_plugin import use_examiner
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import is_test
from autograder.pages.page import feedback_page, graded_test, sheet
from autograder.report.page import write_report
from autograder.report.rows import Row
from autograder.selfstudy.check import Scorecard
from autograder.selfstudy.scorecard import scorecard_html
from autograder.tutor.reason import Reason
from tests.attack_cases import NOTEBOOK, RELEASE, SOURCE

__all__ = ["FORMGRADER", "Shown", "formgrader_page", "hostile_notebook", "kit_pages", "marking_page"]

FORMGRADER = "http://formgrader.test"
TESTS = ("test_predict", "ridge_point_hidden")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def _outputs(text: str) -> list[dict[str, Any]]:
    """Every kind of output that can hold *text*."""

    def shown(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"output_type": "display_data", "data": data, "metadata": metadata or {}}

    about = {"alt": text, "width": text, "height": text, "unconfined": text, "class": text}
    return [
        shown({"text/html": text}, {"text/html": {"isolated": True}}),
        shown({"text/markdown": text}),
        shown({"image/svg+xml": text}, {"image/svg+xml": about}),
        shown({"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg'>{text}</svg>"}),
        shown({"image/png": PNG, "text/plain": text}, {"image/png": about, "filenames": {"image/png": text}}),
        shown({"image/png": text, "image/jpeg": f'{PNG}"{text}'}, {"image/jpeg": about}),
        shown({"text/latex": text}),
        shown({"text/plain": text, "application/javascript": text, "text/vnd.mermaid": text}),
        {"output_type": "stream", "name": "stdout", "text": text},
        {"output_type": "stream", "name": text, "text": [text, text]},
        {"output_type": "error", "ename": text, "evalue": text, "traceback": [text, f"\x1b[31m{text}"]},
        {"output_type": text, "data": {"text/html": text}, "metadata": {}},
    ]


def hostile_notebook(texts: list[str]) -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """A submission in whose cells stand *texts*, and what its own code cells show, in their order."""
    content = json.loads(RELEASE.read_text("utf-8"))
    for text in texts:
        attached = {text: {"image/png": text}, "x.png": {"image/png": f'{PNG}"{text}', "text/html": text}}
        content["cells"] += [
            {"cell_type": "markdown", "metadata": {"title": text}, "source": text, "attachments": attached},
            {"cell_type": "raw", "metadata": {"raw_mimetype": "text/html"}, "source": text},
            {"cell_type": "code", "metadata": {"title": text}, "source": text, "outputs": []},
        ]
    return content, [_outputs(text) for text in texts]


class Shown(preprocessor.Examine):  # type: ignore[misc]
    """The preprocessor of ``nbgrader autograde``, which needs no course here."""

    def folder(self, resources: Any) -> Path:
        """The folder of the source notebooks."""
        return SOURCE.parent

    def limits(self, assignment: str) -> Limits:
        """What a student's process may use."""
        return Limits()

    def hidden(self) -> list[Path]:
        """Folders that a student's process must not read."""
        return []

    def own_files(self, resources: Any) -> OwnFiles:
        """What the student has beside the notebooks."""
        return OwnFiles()


def _examined(texts: list[str], folder: Path) -> tuple[Any, ExamResult]:
    """The notebook that hands in *texts*, assembled, and what an examiner would say of it."""
    content, outputs = hostile_notebook(texts)
    (folder / NOTEBOOK).write_text(json.dumps(content), "utf-8")
    notebook = assemble(SOURCE, folder / NOTEBOOK)
    own = [index for index, cell in enumerate(notebook.cells) if cell["cell_type"] == "code"][-len(texts) :]
    result = ExamResult(sandbox="namespaces", notes=[f"a note on {texts[0]}"])
    result.outputs = dict(zip(own, outputs, strict=True))
    said = "\n".join(f"`f` gave {text}" for text in texts)
    for cell in notebook.cells:
        if is_test(cell):
            name = cell["metadata"]["nbgrader"]["grade_id"]
            result.verdicts[name] = Verdict(0.5 if name == TESTS[0] else 0.0, 1.0, Reason(said))
    return notebook, result


def _resources(student: str) -> dict[str, Any]:
    return {"nbgrader": {"student": student, "assignment": "quantization", "notebook": "0_self_check"}}


def formgrader_page(
    texts: list[str], folder: Path, patch: pytest.MonkeyPatch, *, cleaned: bool = True
) -> str:
    """Formgrader's page of a notebook that holds *texts*, built as its server builds it.

    Not *cleaned*, the page is what it would be without the kit.
    """
    notebook, result = _examined(texts, folder)
    student = shown_name(texts[0]) if cleaned else texts[0]  # a folder that is named like this
    nb = nbformat.from_dict(copy.deepcopy(notebook.content))
    if cleaned:
        patch.setattr(preprocessor, "examine", lambda *_, **__: result)
        nb, _ = Shown().preprocess(nb, _resources(student))
    else:
        for index, outputs in result.outputs.items():
            nb.cells[index].outputs = nbformat.from_dict(outputs[:9])
        for cell in nb.cells:
            if cell.cell_type == "markdown":
                cell.source = cell.source.replace("\u200b", "")
    path = folder / "graded.ipynb"
    path.write_text(nbformat.writes(nb, version=4), "utf-8")
    config = Config()
    use_examiner(config)
    return _formgrader_s(config, path, student, "quantization", "0_self_check")


def marking_page(course: Path, graded: Path) -> str:
    """What Formgrader shows for the notebook *graded*, if its server runs in the folder *course* and reads the settings there as it does."""
    from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension

    with contextlib.chdir(course), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))  # the server puts the folder there
        server = FormgradeExtension()
        server.initialize([])
        student, assignment = graded.parts[-3:-1]
        return _formgrader_s(server.config, graded, student, assignment, graded.stem)


def _formgrader_s(config: Config, path: Path, student: str, assignment: str, notebook: str) -> str:
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers

    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    resources = {
        "assignment_id": assignment,
        "notebook_id": notebook,
        "submission_id": "1",
        "index": 0,
        "total": 1,
        "base_url": FORMGRADER,
        "student": student,
        "last_name": None,
        "first_name": None,
        "notebook_path": f"autograded/{student}/{assignment}/{notebook}.ipynb",
    }
    html, _ = HTMLExporter(config=config).from_filename(str(path), resources=resources)
    return str(html)


def kit_pages(texts: list[str], folder: Path, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """The kit's pages of a notebook that holds *texts*: of its feedback, of a self-check, and of the class."""
    notebook, result = _examined(texts, folder)
    cells = notebook.by_grade_id()
    marks = {
        name: graded_test(cells[name], v.score, v.maximum, v.reason, False)
        for name, v in result.verdicts.items()
    }
    graded = nbformat.from_dict(copy.deepcopy(notebook.content))
    patch.setattr(preprocessor, "examine", lambda *_, **__: result)
    graded, _ = Shown().preprocess(graded, _resources(texts[0]))
    made = sheet(texts[0], graded.cells, marks, notes=result.notes)
    card: Any = Scorecard(texts[0], notebook, notebook, result, {}, hidden_run=True)
    rows = [
        Row(text, text, {text: (1.0, 2.0)}, trouble=text, feedback={text: "#mark"}, page="#page")
        for text in texts
    ]
    write_report(rows, folder / "report.html", title=texts[0])
    return {
        "feedback": feedback_page(f"Feedback for {texts[0]}", [made], texts),
        "self-check": scorecard_html([card]),
        "report": (folder / "report.html").read_text("utf-8"),
    }
