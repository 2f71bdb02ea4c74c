"""Nothing that a student can get hold of holds a line of a solution, a line of a hidden test, or a value that only these know."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import shutil
import zipfile

import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import GetGrades

import autograder.exam.examine
from autograder.bounds.limits import Limits
from autograder.candidate.start import start_candidate
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.layout import load_config
from autograder.notebook.assemble import assemble
from autograder.notebook.cells import grading, is_test, read_notebook, without_hidden_tests
from autograder.pages.feedback import write_student_pages
from autograder.report.rubric import questions
from autograder.selfstudy.check import check_notebook
from tests.assignments import (
    ASSIGNMENTS,
    functions_of,
    hand_in,
    kit_of,
    notebooks_of,
    release_of,
    source_of,
    sources,
    wrong_in,
)
from tests.handed_out import readable
from tests.leaks import leaked, lines_of, secret_lines, telling
from tests.models import solution
from tests.pace import HANG
from tests.shown_pages import marking_page


@pytest.fixture(scope="module")
def secrets(assignment) -> set[str]:
    found = secret_lines(assignment)
    assert len(found) > 40 * len(notebooks_of(assignment)) - 30
    return found


def test_the_search_finds_what_it_looks_for(assignment, secrets):
    """The lines of a solution are found in the solution, also as a page shows them."""
    from autograder.pages.markup import code_html

    for notebook in notebooks_of(assignment):
        answer, hidden = (
            "\n".join(c["source"] for c in sources(assignment, notebook).cells if wanted(c))
            for wanted in (lambda c: grading(c).get("solution"), is_test)
        )
        assert leaked(answer, secrets)
        assert leaked(code_html(hidden), secrets)
        assert leaked(json.dumps(hidden).replace("\\n", " "), secrets)


def test_releases_bundles_and_the_students_wheel_hold_no_secret(assignment, secrets, bundle_of):
    texts = {
        path.name: path.read_text("utf-8", "replace")
        for path in release_of(assignment).iterdir()
        if path.is_file()
    }
    for path in bundle_of(assignment, "students").rglob("*"):
        if path.is_file() and path.suffix != ".whl":
            texts[f"bundle/{path.name}"] = path.read_text("utf-8", "replace")
        elif path.is_file():
            with zipfile.ZipFile(path) as wheel:
                texts |= {name: wheel.read(name).decode("utf-8", "replace") for name in wheel.namelist()}
    assert len(texts) > 50
    for name, text in texts.items():
        if name.endswith(".ipynb"):
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        assert not leaked(text, secrets), name
        if not name.startswith("autograder/"):  # which looks for these words
            assert "BEGIN HIDDEN" not in text and "BEGIN SOLUTION" not in text


def test_what_self_learners_get_holds_no_line_of_a_solution_as_text(assignment, bundle_of, exam_of):
    """Hidden tests compute what they compare with; the exam, with what wrong answers are explained by, is compressed (tests/test_handed_out.py)."""
    answers = secret_lines(assignment, hidden=False) - telling(lines_of(exam_of(assignment)))
    texts, _ = readable(bundle_of(assignment, "self-learners"))
    assert {name for name, text in texts.items() if leaked(text, answers)} == set()
    packed = (source_of(assignment) / "kit" / "lesson.py").read_text("utf-8")
    assert leaked(packed, answers)  # so these are lines that would be found


def test_the_exam_holds_every_test_no_answer_no_class_and_no_written_solution(assignment, exam_of):
    exam = exam_of(assignment)
    assert not (exam / "kit" / "kinds.toml").exists()
    texts, _ = readable(exam)
    assert not any("BEGIN SOLUTION" in text for text in texts.values())
    written = [
        line
        for notebook in notebooks_of(assignment)
        for cell in sources(assignment, notebook).cells
        if grading(cell).get("solution") and cell["cell_type"] == "markdown"
        for line in telling(cell["source"].splitlines())
    ]
    assert written and not [line for line in written for text in texts.values() if line in text]


@pytest.fixture(scope="module")
def marked(root, assignment, tmp_path_factory):
    """A course whose one student handed in what was released: whatever holds a model answer has it from the source."""
    course = Course.copy_of(root, tmp_path_factory.mktemp("marked") / "course", assignment)
    for path in course.source.glob("*.ipynb"):
        notebook = read_notebook(path)
        notebook.cells[:] = [cell for cell in notebook.cells if cell["cell_type"] == "markdown"]
        path.write_text(notebook.dumps(), "utf-8") if notebook.manual_points() else path.unlink()
    course.generate_assignment()
    shutil.copytree(course.release, course.submitted("s01"))
    course.autograde("s01")
    return course


def stock_feedback(course: Course) -> None:
    """Feedback as nbgrader itself makes it, from the settings of the course."""
    config = load_config(course.root)
    config.CourseDirectory.update(assignment_id=course.assignment, student_id="s01")
    converter = GenerateFeedback(coursedir=CourseDirectory(config=config), config=config, force=True)
    converter.exporter_class, converter.preprocessors = HTMLExporter, [GetGrades, CSSHTMLHeaderPreprocessor]
    converter.start()


def test_a_model_answer_is_on_the_marker_s_page_and_in_nothing_that_a_student_gets(marked):
    models = {
        path.stem: telling(line for one in questions(path) for line in one.model.splitlines())
        for path in marked.source.glob("*.ipynb")
    }
    answers = set().union(*models.values())
    for name, lines in models.items():
        shown = marking_page(marked.root, marked.autograded("s01") / f"{name}.ipynb")
        assert leaked(shown, answers) == sorted(lines) != []
    marked.generate_feedback("s01")
    write_student_pages(marked, ["s01"])
    pages = [marked.student_page("s01"), *marked.feedback("s01").glob("*.html")]
    ours = {f"ours: {path.name}": path.read_text("utf-8") for path in pages}
    stock_feedback(marked)
    stock = {f"stock: {path.name}": path.read_text("utf-8") for path in marked.feedback("s01").glob("*.html")}
    assert len(ours) == len(stock) + 1 == len(models) + 1
    assert all("bootstrap" in text for text in stock.values())
    files = {
        str(path): path.read_text("utf-8", "replace")
        for folder in (marked.release, marked.layout.autograded, marked.layout.feedback)
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert not [name for name, text in (ours | stock | files).items() if leaked(text, answers)]


@pytest.fixture(scope="module")
def cards(assignment, exam_of, tmp_path_factory):
    """By notebook the scorecard of wrong answers, and what its tests had asked when they failed."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        asked: list = []
        explain = autograder.exam.examine.explain
        patch.setattr(
            autograder.exam.examine,
            "explain",
            lambda tutor, failures, *rest: (asked.extend(failures), explain(tutor, failures, *rest)),
        )
        for notebook, kind in wrong_in(assignment).items():
            asked.clear()
            folder = hand_in(assignment, kind, tmp_path_factory.mktemp("wrong"))
            card = check_notebook(folder / f"{notebook}.ipynb", exam_of(assignment))
            found[notebook] = card, list(asked)
    return found


def test_what_check_says_as_text_page_and_json_holds_no_secret(cards, secrets):
    from autograder.magics.card import Card
    from autograder.selfstudy.scorecard import Checked, print_scorecard, scorecard_html

    for card, _ in cards.values():
        own = " ".join(" ".join(c["source"].split()) for c in card.assembled.cells if not is_test(c))
        theirs = {line for line in secrets if line not in own}
        assert len(theirs) > 20
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            print_scorecard(Checked(card))
        assert card.failing
        told = Checked(card).as_json()
        shown = Card(told, card.notebook, "")
        cells = (shown._repr_html_(), repr(shown))
        for text in (said.getvalue(), scorecard_html([card]), json.dumps(told), *cells):
            assert not leaked(text, theirs)
            assert "derandomize" not in text and "BEGIN HIDDEN" not in text


def test_no_message_of_a_hidden_test_tells_the_right_value(assignment, cards):
    """The right functions are asked the question that the test asked last: what they give must not be in the message."""
    looked = 0
    for notebook, (card, asked) in cards.items():
        right = solution(assignment, notebook)
        for failure in asked:
            test = next(t for t, verdict in card.result.verdicts.items() if verdict is failure.told)
            if card.parts[test] == "public" or not failure.called:
                continue
            function, arguments, keywords, gave = failure.called[-1]
            if function not in functions_of(assignment, notebook):
                continue
            given = {f"{value:.4g}" for value in numbers([gave, list(arguments), keywords])}
            for value in numbers(right[function](*copy.deepcopy(arguments), **copy.deepcopy(keywords))):
                looked += 1
                # What the question or the answer holds may be told, and a short number may be any.
                if f"{value:.4g}" not in given and len(f"{value:.4g}") > 2:
                    assert f"{value:.4g}" not in failure.told.message, failure.told.message
    assert looked >= len(cards)


def numbers(value) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, (list, tuple)):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


WALK = """
import os
secrets = set(wanted)
found, seen, size = [], 0, 0
for top, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(top, f) not in ("/proc", "/sys", "/dev", "/usr") and f != "schemas"]
    for name in files:
        if name.endswith((".ipynb", ".db", ".toml", ".json", ".md", ".txt", ".html")) or "mlsysim" in top or "autograder" in top:
            try:
                text = open(os.path.join(top, name), encoding="utf-8", errors="replace").read(2_000_000)
            except OSError:
                continue
            seen += 1
            flat = " ".join(text.replace("\\\\n", " ").replace('\\\\"', '"').split())
            if any(secret in flat for secret in secrets):
                found.append(os.path.join(top, name))
hidden = [p for p in places if os.path.exists(p) and os.listdir(p)]
environment = [v for v in os.environ.values() if "solutions" in v]
"""


def test_a_candidate_that_reads_every_file_it_can_see_finds_no_secret(root):
    """Of any assignment: one look at all files is enough."""
    secrets = sorted(line for assignment in ASSIGNMENTS for line in secret_lines(assignment))
    warm = kit_of(ASSIGNMENTS[0]).warm
    candidate = start_candidate(Limits(cell_seconds=HANG, total_seconds=HANG), warm=warm)
    try:
        if candidate.level != "namespaces":
            pytest.skip(f"this machine does not hide files: {candidate.level}")
        places = [str(root / name) for name in ("autograder", "solutions", "tests")]
        _, error = candidate.run(f"wanted = {secrets!r}\nplaces = {places!r}\n{WALK}", HANG)
        assert error is None
        assert candidate.get("seen")[1] > 100  # it looked at files, and found the library's
        assert candidate.get("found") == ("value", [])
        assert candidate.get("hidden") == ("value", [])
        assert candidate.get("environment") == ("value", [])
    finally:
        candidate.close()


def test_the_examined_notebook_s_tests_never_reach_the_candidate(assignment, exam_of, tmp_path):
    """What is sent to the student's process is the student's cells and the set-up, never a test cell."""
    notebook, kind = next(iter(wrong_in(assignment).items()))
    folder = hand_in(assignment, kind, tmp_path)
    made = assemble(exam_of(assignment) / f"{notebook}.ipynb", folder / f"{notebook}.ipynb")
    for cell in made.cells:
        if not is_test(cell):
            assert "BEGIN HIDDEN" not in cell["source"]
            assert without_hidden_tests(cell["source"]) == cell["source"].rstrip()
