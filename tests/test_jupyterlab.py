"""JupyterLab as a student and an instructor have it: a real server over a course, and a real browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from autograder.nbgrader_compat.course import Course
from autograder.simulate.demo import make_class
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT
from tests.file_attacks import ATTACKS
from tests.pace import HANG, PATIENT_KERNELS
from tests.servers import free_port

TOKEN = "a-token-for-this-test"
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
    environment = os.environ | {
        "HOME": str(base),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_RUNTIME_DIR": str(base / "run"),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    news = base / "settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    # JupyterLab 4.2 takes the cells outside the view out of the page, where the test looks for them.
    cells = base / "settings" / "@jupyterlab" / "notebook-extension"
    cells.mkdir(parents=True)
    (cells / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    command = [
        Path(sys.executable).parent / "jupyter",
        "lab",
        "--allow-root",
        "--no-browser",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.port={free_port()}",
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={course.root}",
    ]
    log = (base / "log").open("w+")
    server = subprocess.Popen(command, cwd=course.root, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = next(
        found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))
    )
    drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=log)  # a full pipe would stop the server
    yield course, address
    server.terminate()
    server.wait(HANG)
    server.stderr.close()
    drain.wait(HANG)
    log.close()


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
