"""JupyterLab as a student and an instructor have it: a real server over a course, and a real browser."""

from __future__ import annotations

import shutil
from collections import defaultdict

import pytest
from nbformat.v4 import writes

from autograder.nbgrader_compat.course import Course
from autograder.simulate.demo import make_class
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT
from tests.essays import essay
from tests.file_attacks import ATTACKS
from tests.pace import HANG, PATIENT_KERNELS
from tests.servers import TOKEN, jupyter_lab

SCRIPTS = [name for name in ATTACKS if name.startswith(("scripts_", "unrenderable_"))]
# The toolbar says idle before there is a kernel: these are the signs that count.
READY = """async () => {
    const wait = () => new Promise(done => setTimeout(done, 50));
    const front = () => window.jupyterapp?.shell.currentWidget;
    while (!front()?.sessionContext) await wait();
    await front().context.ready;
    await front().sessionContext.ready;
    const kernel = () => front().sessionContext.session?.kernel;
    while (kernel()?.connectionStatus !== 'connected' || kernel().status !== 'idle') await wait();
}"""

# The numbers that the notebook's code cells were run under; null where one was not.
COUNTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code').map(cell => cell.model.executionCount)"""


@pytest.fixture(scope="module")
def lab(root, tmp_path_factory):
    """A course with one submission, and the address of a JupyterLab over it."""
    base = tmp_path_factory.mktemp("lab")
    course = Course.copy_of(root, base / "course", ASSIGNMENT)
    for path in course.source.glob("[1-9]*.ipynb"):  # one notebook is enough to click through
        path.unlink()
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(PATIENT_KERNELS)
    course.generate_assignment()
    make_class(course, [kinds_of("quantization")["s20"]])
    for name in SCRIPTS:
        course.submitted(name).mkdir(parents=True)
        ATTACKS[name].apply(course.submitted(name))
    with jupyter_lab(course.root, base) as address:
        yield course, address


@pytest.fixture(scope="module")
def page(lab, browser):
    """A page that has signed in."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * HANG / 6)  # what is not there holds the suite up for as long
        page.goto(f"{lab[1]}lab?token={TOKEN}")
        yield page


def test_formgrader_s_autograde_button_gives_the_examiner_s_marks(lab, page):
    course, address = lab
    for student in course.students():
        page.goto(f"{address}formgrader/manage_submissions/quantization")
        row = page.locator("tr", has=page.get_by_text(student, exact=True))
        row.locator("a:has(.glyphicon-flash)").click()
        page.locator("#success-modal, #error-modal").first.wait_for(state="visible")
        assert page.locator("#success-modal").is_visible(), page.locator("#error-modal").inner_text()
    marks = defaultdict(float)
    for student, _, _, mark, _, _ in course.grades():
        marks[student] += mark or 0
    # Stock execution would give 13: the answer is an object that calls itself equal to everything.
    assert marks.pop("s20") == 11
    assert marks == dict.fromkeys(SCRIPTS, 1)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_of_a_student_runs_where_marks_are_given(lab, page, name):
    course, address = lab
    if not list(course.grades()):
        course.autograde(name)
    with course.gradebook() as book:
        identity = book.find_submission_notebook("0_self_check", "quantization", name).id
    page.goto(f"{address}formgrader/submissions/{identity}/", wait_until="load")
    assert page.locator(".score").count() > 10
    for link in page.locator("a:has-text('look at my work'), a:has-text('ref')").all():
        link.click()
    assert page.evaluate("window.pwned") is None
    assert not page.locator("[onerror], [onload], svg script").count()


def test_formgrader_s_page_shows_those_marks_the_figures_and_the_messages(lab, page):
    course, address = lab
    if not list(course.grades()):
        course.autograde("s20")
    page.goto(f"{address}formgrader/gradebook/quantization/0_self_check")
    row = page.locator("tbody tr", has_text="11 / 13").first
    row.wait_for()
    row.get_by_role("link").first.click()
    page.get_by_text("ridge_point_hidden").first.wait_for()
    assert page.locator("img[src^='data:image/png']").count() == 1


def test_a_student_fills_an_answer_runs_all_cells_and_reads_what_validate_says(lab, page):
    course, address = lab
    path = "assignments/quantization/0_self_check.ipynb"
    page.goto(f"{address}lab/tree/{path}")
    page.evaluate(READY)
    answer = page.locator(".jp-CodeCell", has_text="def ridge_point").first.locator(".cm-content")
    answer.scroll_into_view_if_needed()
    answer.fill("def ridge_point(peak_flops, bandwidth):\n    return peak_flops / bandwidth")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.evaluate(READY)
    # The other parts are not written yet, and yet all cells have run.
    page.wait_for_function(f"() => !({COUNTS})().includes(null)")
    page.get_by_text("`attainable` is not written yet.").first.wait_for(state="attached")
    page.locator(".validate-button").first.click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("failed").first.wait_for()
    said = dialog.inner_text()
    assert "attainable(5, 300e12, 2e12)" in said  # not answered yet
    assert "ridge_point" not in said  # right
    assert "return peak_flops / bandwidth" in (course.root / path).read_text("utf-8")


def test_formgrader_shows_the_model_answer_beside_the_answer_that_is_marked_and_its_feedback_does_not(
    lab, page
):
    course, address = lab[0].layout, lab[1]
    (course.source / "lab").mkdir()
    (course.source / "lab" / "essay.ipynb").write_text(writes(essay()), "utf-8")
    made = Course(course.root, "lab")
    made.generate_assignment()
    shutil.copytree(made.release, made.submitted("s20"))
    made.autograde("s20")
    with made.gradebook() as book:
        identity = book.find_submission_notebook("essay", "lab", "s20").id
    page.goto(f"{address}formgrader/submissions/{identity}/", wait_until="load")
    panel = page.locator(".panel-info").first
    assert panel.locator("li", has_text="1 point").count() == 3 and "a unit" in panel.inner_text()
    assert "s20" not in panel.inner_text()
    answer = page.locator(".nbgrader_cell", has=page.locator("#why")).bounding_box()
    beside = panel.bounding_box()
    assert answer["x"] + answer["width"] <= beside["x"] and abs(answer["y"] - beside["y"]) < 2
    with page.expect_response(lambda one: "/api/grade/" in one.url and one.request.method == "PUT"):
        page.locator(".nbgrader_cell", has=page.locator("#why")).get_by_text("Full credit").click()
    assert ("essay", "why", 3.0) in [(*grade[1:3], grade[4]) for grade in made.grades()]
    page.goto(f"{address}formgrader/manage_assignments")
    row = page.locator("tr", has=page.get_by_text("lab", exact=True))
    row.locator("a:has(.glyphicon-comment)").click()
    page.locator("#success-modal, #error-modal").first.wait_for(state="visible")
    assert page.locator("#success-modal").is_visible(), page.locator("#error-modal").inner_text()
    feedback = (made.feedback("s20") / "essay.html").read_text("utf-8")
    assert "3 of 3" in feedback and "a unit" not in feedback and "A ruler" not in feedback
