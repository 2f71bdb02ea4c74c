"""Whoever marks in Formgrader sees the rubric's items with their points and the model answer beside each answer, on that page and nowhere else."""

from __future__ import annotations

import gzip
import html
import json
import logging
import re
import shutil
from pathlib import Path

import pytest
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import writes
from traitlets.config import Config

from autograder.nbgrader_plugin import use_examiner
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import mark_scheme
from autograder.pages.page import Mark, sheet
from autograder.report.rubric import questions
from autograder.selfstudy.bundle import BundleError, write_bundle
from autograder.selfstudy.exams import write_exam
from tests.assignments import notebooks_of, release_of, source_of
from tests.essays import SCHEME, essay
from tests.shown_pages import marking_page

CONFIG = "from autograder.nbgrader_plugin import use_examiner\n\nc = get_config()\nuse_examiner(c)\n"
PANEL = re.compile(r'<div class="panel panel-info tex2jax_ignore">.*?</div></div>\n', re.DOTALL)


class Lab:
    """A course in the folder *root*, as somebody has it elsewhere, in which s1 handed in an answer to each question."""

    def __init__(self, root: Path, source: NotebookNode | None = None, config: str = CONFIG) -> None:
        self.root = root
        self.source = root / "source" / "lab" / "essay.ipynb"
        self.source.parent.mkdir(parents=True)
        self.source.write_text(writes(source or essay()), "utf-8")
        (root / "nbgrader_config.py").write_text(config, "utf-8")
        self.graded = self.hand_in()

    def hand_in(self, autograded: str = "autograded") -> Path:
        """Write the notebook that was graded; its path."""
        handed_in = json.loads(self.source.read_text("utf-8"))
        for cell in handed_in["cells"]:
            cell["source"] = f"this is said for {cell['id']}"
        graded = self.root / autograded / "s1" / "lab" / "essay.ipynb"
        graded.parent.mkdir(parents=True)
        graded.write_text(json.dumps(handed_in), "utf-8")
        graded.write_text(assemble(self.source, graded).dumps(), "utf-8")
        return graded

    def panels(self, **where: Path) -> list[str]:
        """What is shown beside answers, in the page's order."""
        page = marking_page(where.get("server", self.root), where.get("graded", self.graded))
        assert page.count('class="score tabbable"') == 4 and "this is said for why" in page
        return PANEL.findall(page)


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(tmp_path / "course")


def text_of(panel: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", panel)).split())


def test_each_item_with_its_points_and_the_model_answer_stand_beside_the_answer(lab):
    why, code, task = lab.panels()
    assert re.findall(r"<li><p><strong>(.*?):</strong> (.*?)</p>", why) == [
        ("1 point", "It names the <strong>unit</strong>."),
        ("1 point", "It gives <code>f(2)</code>."),
        ("1 point", "It says why."),
    ]
    assert "Rubric, 3 points" in why and "<em>a unit</em>" in why and "<msup>" in why
    assert "return '<b>'" in text_of(code).replace("& ", "&") and "Rubric" not in code and "<b>" not in code
    assert "It is straight." in task and "A ruler was used." in task
    page = marking_page(lab.root, lab.graded)
    places = [
        page.index(one) for one in ("said for why", "why-comment", why, "Write <code>f", 'id="code"', code)
    ]
    assert places == sorted(places)


def test_the_scripts_of_the_page_find_their_elements_as_before(lab):
    """The panels have no ids at all: a heading of a model answer may read like one."""
    assert not re.search(r"\sid=", "".join(lab.panels()))
    page = marking_page(lab.root, lab.graded)
    for key in ("why", "code", "task", "bare"):
        assert page.count(f'id="{key}"') == 1 and page.count(f'id="{key}-comment"') == 1


def test_points_that_do_not_come_out_even_are_rounded(tmp_path):
    (why, *_) = Lab(tmp_path / "course", essay(points=2)).panels()
    assert why.count("<strong>0.667 points:</strong>") == 3


def test_both_assignments_show_every_rubric_and_model_answer(root, assignment, tmp_path):
    shutil.copytree(root / "solutions" / assignment, tmp_path / "solutions" / assignment)
    shutil.copy(root / "nbgrader_config.py", tmp_path)
    looked = 0
    for name in notebooks_of(assignment):
        graded = tmp_path / "autograded" / "s1" / assignment / f"{name}.ipynb"
        graded.parent.mkdir(parents=True, exist_ok=True)
        made = assemble(source_of(assignment) / graded.name, release_of(assignment) / graded.name)
        graded.write_text(made.dumps(), "utf-8")
        panels = PANEL.findall(marking_page(tmp_path, graded))
        asked = list(questions(source_of(assignment) / graded.name))
        assert len(panels) == len(asked)
        for panel, question in zip(panels, asked, strict=True):
            looked += 1
            assert len(question.items) == 4 and panel.count("<strong>1 point:</strong>") == 4
            assert " ".join(question.model.split()) in text_of(panel)
    assert looked >= 2


def test_nothing_is_written_when_the_page_is_shown(lab):
    before = {path: path.read_bytes() for path in lab.root.rglob("*") if path.is_file()}
    assert len(lab.panels()) == 3
    after = {path: path.read_bytes() for path in lab.root.rglob("*") if path.is_file()}
    assert {path: after[path] for path in before} == before
    assert not [path for path in after if b"a unit" in after[path] and path != lab.source]


@pytest.mark.parametrize("template", ["formgrade", "classic", "lab"])
def test_no_other_page_that_is_made_from_the_same_settings_shows_it(lab, template):
    """Formgrader's server makes feedback too, and its settings have Formgrader's template in them."""
    from nbgrader.server_extensions.formgrader import handlers

    config = Config()
    use_examiner(config)
    config.HTMLExporter.template_name = template
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    student = {"student": "s1", "assignment": "lab", "notebook": "essay"}
    resources = {"nbgrader": student | {"score": 0, "max_score": 1}}
    resources |= {"submission_id": "1", "index": 0, "total": 1} if template == "formgrade" else {}
    page, _ = HTMLExporter(config=config).from_filename(str(lab.graded), resources=resources)
    assert "this is said for why" in page and "a unit" not in page and "panel-info tex2jax" not in page


def test_without_a_source_nothing_is_shown_and_the_answers_can_be_marked(lab):
    lab.source.unlink()
    assert lab.panels() == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 1}', '{"cells": [{"source": 1}]}', "\x00"])
def test_a_source_that_cannot_be_read_is_logged_and_the_answers_can_be_marked(lab, content, caplog):
    lab.source.write_text(content, "utf-8")
    with caplog.at_level(logging.WARNING):
        assert lab.panels() == []


def test_a_question_that_the_source_has_no_longer_has_nothing_beside_it(lab):
    source = essay()
    del source.cells[1]
    lab.source.write_text(writes(source), "utf-8")
    assert len(lab.panels()) == 2


def test_a_model_answer_cannot_run_anything_either(tmp_path):
    hostile = "<script>pwned(1)</script><img src=x onerror=pwned(1)>[x](javascript:pwned(1))</div></div>`\n```\nopen"
    (why, *others) = Lab(tmp_path / "course", essay(hostile, f"- [ ] {hostile}")).panels()
    assert "<script" not in why and "onerror" not in why and 'href="javascript' not in why
    assert len(others) == 2 and why.count("<div") + 1 == why.count("</div")


def test_the_model_answer_is_that_of_the_course_that_formgrader_was_told_to_go_to(lab, root, tmp_path):
    """The server's settings are those of the folder that it was started in."""
    other = Lab(tmp_path / "other", essay(model="quite another answer"))
    (line,) = re.findall(
        r"^c\.HTMLExporter.*$", (root / "docs" / "instructors.md").read_text("utf-8"), re.MULTILINE
    )
    (tmp_path / "server").mkdir()
    (tmp_path / "server" / "nbgrader_config.py").write_text(f"c = get_config()\n{line}\n", "utf-8")
    for server in (lab.root, tmp_path / "server"):
        (why, *_) = other.panels(server=server)
        assert "quite another answer" in why and "a unit" not in why


def test_the_folders_are_those_of_the_settings(tmp_path):
    more = (
        "c.CourseDirectory.source_directory = 'secret/src'\nc.CourseDirectory.autograded_directory = 'a/b'\n"
    )
    lab = Lab(tmp_path / "course", config=CONFIG + more)
    (tmp_path / "course" / "secret").mkdir()
    shutil.move(tmp_path / "course" / "source", tmp_path / "course" / "secret" / "src")
    lab.source = tmp_path / "course" / "secret" / "src" / "lab" / "essay.ipynb"
    assert len(lab.panels(graded=lab.hand_in("a/b"))) == 3


def test_settings_that_a_student_handed_in_are_not_read(lab, tmp_path):
    """What lies beside a submission is copied to where it is graded."""
    ran = tmp_path / "ran"
    for folder in (lab.graded.parent, lab.graded.parents[1]):
        (folder / "nbgrader_config.py").write_text(f"open({str(ran)!r}, 'w')\n")
    elsewhere = Lab(tmp_path / "elsewhere")
    assert len(lab.panels(server=elsewhere.root)) == 3
    assert not ran.exists()


def test_a_folder_structure_that_is_not_ours_shows_nothing(tmp_path):
    more = 'c.CourseDirectory.directory_structure = "{nbgrader_step}/{assignment_id}/{student_id}"\n'
    assert Lab(tmp_path / "course", config=CONFIG + more).panels() == []


def test_a_notebook_of_an_older_form_can_be_shown(lab):
    content = json.loads(lab.graded.read_text("utf-8")) | {"nbformat_minor": 4}
    for cell in content["cells"]:
        del cell["id"]
    lab.graded.write_text(json.dumps(content), "utf-8")
    assert len(lab.panels()) == 3


@pytest.mark.parametrize("placed", ["before", "after"])
@pytest.mark.parametrize(
    "line", ["c.HTMLExporter.preprocessors = [own]", "c.HTMLExporter.preprocessors.append(own)"]
)
def test_steps_of_the_course_s_own_stay(lab, placed, line):
    lines = [line, "use_examiner(c)"] if placed == "before" else ["use_examiner(c)", line]
    step = "def own(nb, resources):\n    nb.cells[0].source = 'by their own step'\n    return nb, resources\n"
    config = step + CONFIG.replace("use_examiner(c)", "\n".join(lines))
    (lab.root / "nbgrader_config.py").write_text(config, "utf-8")
    assert len(lab.panels()) == 3 and "by their own step" in marking_page(lab.root, lab.graded)


def test_a_task_s_mark_is_on_the_student_s_page_and_its_mark_scheme_is_not(lab):
    cells = json.loads(lab.graded.read_text("utf-8"))["cells"]
    assert any("A ruler was used" in cell["source"] for cell in cells)  # as nbgrader has it
    shown = sheet("essay", cells, {"task": Mark("task", 0.5, 1.0, by_hand=True)})
    assert shown.manual == (0.5, 1.0)
    texts = [section.text + "".join(section.cells) for section in shown.sections]
    assert any("Draw a line" in text for text in texts)
    assert not any("A ruler" in text or "MARK SCHEME" in text for text in texts)


def test_a_mark_scheme_is_in_no_exam_and_a_release_that_holds_one_is_not_handed_out(lab, tmp_path):
    release = tmp_path / "release" / "lab"
    shutil.copytree(lab.source.parent, release)
    made = json.loads(lab.source.read_text("utf-8"))
    for cell in made["cells"]:
        cell["source"] = mark_scheme("".join(cell["source"]))[0].replace("SOLUTION", "").replace("unit", "")
    (release / "essay.ipynb").write_text(json.dumps(made), "utf-8")
    write_exam(lab.source.parent, release, tmp_path / "lab.exam")
    exam = gzip.decompress((tmp_path / "lab.exam").read_bytes())
    assert b"Draw a line" in exam and b"A ruler" not in exam and b"a unit" not in exam
    made["cells"][4]["source"] = SCHEME
    (release / "essay.ipynb").write_text(json.dumps(made), "utf-8")
    with pytest.raises(BundleError, match="no student version: it holds 'BEGIN MARK SCHEME'"):
        write_bundle("students", lab.source.parent, release, tmp_path / "bundle")
