"""What Formgrader shows a marker beside each answer: the items of the rubric with their points, and the model answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor

from autograder.nbgrader_compat.layout import CONFIG, Layout, course_layout
from autograder.notebook.cells import STUB, grading
from autograder.pages.markup import code_html, markdown_html
from autograder.report.rubric import Question, questions

__all__ = ["ModelAnswers"]

TAG = "model-answer"
# Where there is room, the answer goes to the left and what is here to its right; else it stands below the answer.
STYLE = """<style>
.celltag_model-answer { overflow-wrap: anywhere; }
.celltag_model-answer .prompt { display: none; }
.celltag_model-answer .output_subarea { padding: 0; max-width: none; }
.celltag_model-answer .panel-body { padding: .4em .8em; }
.celltag_model-answer h3, .celltag_model-answer h4 { margin: .6em 0 .3em; font-size: 1em; font-weight: bold; }
.celltag_model-answer ol { padding-left: 1.5em; margin: 0; }
.celltag_model-answer td, .celltag_model-answer th { padding: .2em .6em; }
.celltag_model-answer pre.code { white-space: pre-wrap; }
@media (min-width: 1200px) {
  .cell:has(+ .celltag_model-answer) { float: left; width: 62%; clear: both; }
  .celltag_model-answer { margin-left: 62%; padding-left: 1em; }
  .celltag_model-answer + * { clear: both; }
}
</style>"""


class ModelAnswers(Preprocessor):
    """A step of the page on which Formgrader shows a submission, and of no other: nothing of what it adds is ever in a file.

    It reads the source notebook when the page is asked for. Where there is none, nothing is added.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """The notebook as the marker is to see it."""
        if not self._is_formgrader_s(resources):
            return nb, resources
        try:
            asked = self._questions(resources)
            nb.cells = [one for cell in nb.cells for one in (cell, *_beside(cell, asked))]
        except Exception as error:  # whatever is wrong with a source: the answers are there to be marked
            self.log.warning("the model answers cannot be shown: %s: %s", type(error).__name__, error)
        return nb, resources

    def _is_formgrader_s(self, resources: Any) -> bool:
        """Whether it is Formgrader who asks; in its server nbgrader makes feedback too, from the same settings."""
        template = getattr(self.parent, "template_name", "")
        return template == "formgrade" and "submission_id" in resources and "nbgrader" not in resources

    def _questions(self, resources: Any) -> dict[str, Question]:
        folder = Path(resources["metadata"]["path"])  # of one student's graded notebooks
        autograded = folder.parents[1]
        for layout in self._layouts(autograded.parent):
            if os.path.realpath(layout.autograded) == os.path.realpath(autograded):
                source = layout.source / resources["assignment_id"] / f"{resources['notebook_id']}.ipynb"
                return {one.cell: one for one in questions(source)} if source.is_file() else {}
        return {}

    def _layouts(self, above: Path) -> Iterator[Layout]:
        """That of the server's course, and of the course at *above*, should Formgrader have been told to go there."""
        from autograder.nbgrader_compat.internals import CourseDirectory

        yield Layout.of(CourseDirectory(config=self.config))
        if (above / CONFIG).is_file():
            yield course_layout(above)


def _beside(cell: Any, asked: dict[str, Question]) -> Iterator[Any]:
    question = asked.get(grading(cell).get("grade_id", ""))
    shown = _shown(question) if question else ""
    if shown:
        yield nbformat.from_dict(
            {
                "cell_type": "code",
                # The page shows what the cell has shown, and not that there is a cell.
                "metadata": {"tags": [TAG], "transient": {"remove_source": True}},
                "source": "",
                "execution_count": None,
                "outputs": [{"output_type": "display_data", "metadata": {}, "data": {"text/html": shown}}],
                # In an older form of notebooks no cell may have an id.
                **({"id": f"{cell['id'][:50]}-{TAG}"} if "id" in cell else {}),
            }
        )


def _shown(question: Question) -> str:
    parts = []
    if question.items:
        worth = question.maximum / len(question.items)
        points = f"{worth:.3g} {'point' if worth == 1 else 'points'}"
        items = "".join(f"<li>{markdown_html(f'**{points}:** {one}')}</li>" for one in question.items)
        parts.append(f"<h4>Rubric, {question.maximum:g} points</h4><ol>{items}</ol>")
    if question.model.strip() not in ("", *STUB.values()):
        model = (
            code_html(question.model)
            if question.is_code
            else markdown_html(question.model, attached=question.attachments)
        )
        parts.append(f"<h4>Model answer</h4>{model}")
    if not parts:
        return ""
    return (
        # Formulas are set already.
        f'{STYLE}<div class="panel panel-info tex2jax_ignore">'
        '<div class="panel-heading">For markers only: no student sees this</div>'
        f'<div class="panel-body">{"".join(parts)}</div></div>'
    )
