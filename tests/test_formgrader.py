"""Formgrader in a real browser: its button grades with the examiner, and its pages run nothing that students wrote."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.demo import make_class
from autograder.kinds import load_kinds
from tests.file_attacks import ATTACKS

TOKEN = "a-token-for-this-test"
SCRIPTS = [name for name in ATTACKS if name.startswith(("scripts_", "unrenderable_"))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def formgrader(root, tmp_path_factory):
    """A course with one submission, and the address of a server over it."""
    base = tmp_path_factory.mktemp("formgrader")
    course = Course.copy_of(root, base / "course")
    for path in course.source.glob("[1-9]*.ipynb"):  # one notebook is enough to click through
        path.unlink()
    course.generate_assignment()
    make_class(course, [load_kinds()["s20"]])
    for name in SCRIPTS:
        course.submitted(name).mkdir(parents=True)
        ATTACKS[name].apply(course.submitted(name))
    environment = os.environ | {
        "HOME": str(base),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_RUNTIME_DIR": str(base / "run"),
    }
    command = [
        Path(sys.executable).parent / "jupyter",
        "server",
        "--allow-root",
        "--no-browser",
        f"--ServerApp.port={_free_port()}",
    ]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={course.root}"]
    server = subprocess.Popen(command, cwd=course.root, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = next(
        found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))
    )
    yield course, address
    server.terminate()
    server.stderr.close()
    server.wait(20)


@pytest.fixture(scope="module")
def page(formgrader, browser):
    """A tab of someone who is logged in."""
    _, address = formgrader
    with browser.new_context() as context:
        tab = context.new_page()
        tab.goto(f"{address}tree?token={TOKEN}")  # Formgrader itself sets no cookie
        yield tab


def test_the_autograde_button_gives_the_examiner_s_marks(formgrader, page):
    course, address = formgrader
    for student in course.students():
        page.goto(f"{address}formgrader/manage_submissions/quantization")
        row = page.locator("tr", has=page.get_by_text(student, exact=True))
        row.locator("a:has(.glyphicon-flash)").click()
        page.locator("#success-modal, #error-modal").first.wait_for(state="visible", timeout=120_000)
        assert page.locator("#success-modal").is_visible(), page.locator("#error-modal").inner_text()
    marks = defaultdict(float)
    for student, notebook, _, mark, _, _ in course.grades():
        marks[student, notebook] += mark or 0
    # Stock execution would give 13: the answer is an object that calls itself equal to everything.
    assert marks["s20", "0_self_check"] == 9
    assert {marks[name, "0_self_check"] for name in SCRIPTS} == {1}


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_of_a_student_runs_where_marks_are_given(formgrader, page, name):
    course, address = formgrader
    with course.gradebook() as book:
        identity = book.find_submission_notebook("0_self_check", "quantization", name).id
    page.goto(f"{address}formgrader/submissions/{identity}/", wait_until="load")
    assert page.locator(".score").count() > 10
    for link in page.locator("a:has-text('look at my work'), a:has-text('ref')").all():
        link.click()
    assert page.evaluate("window.pwned") is None
    assert not page.locator("[onerror], [onload], svg script").count()
