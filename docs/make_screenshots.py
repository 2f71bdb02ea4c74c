"""Make the pictures of what students and instructors see, docs/*.webp: ``make screenshots``.

It grades a small simulated class of the assignment ``quantization``, and opens its pages in Chromium, that of Formgrader and the notebook that checks
itself from a server. The pictures are made anew by hand, when a page has changed: what a browser draws differs by its fonts.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps
from playwright.sync_api import Page, sync_playwright

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.notebook.cells import grading, read_notebook
from autograder.report.page import report_file
from autograder.selfstudy.exams import write_exam
from autograder.simulate.demo import make_class
from autograder.simulate.kinds import Kind, load_kinds
from tests.servers import TOKEN, jupyter_lab
from tests.test_jupyterlab import READY

DOCS = Path(__file__).parent
ASSIGNMENT = "quantization"
SHOWN = "s04"  # whose pages are shown: leaves the KV cache out
PART = "1_predict.step_bytes_visible"  # the card of marks that the picture of their page is about
NOTEBOOK, QUESTION = "1_predict", "explain"
ANSWER = (
    "The large model gains more, because nearly all of its step is reading weights, and these become four times "
    "smaller. The small model waits for its layers' overhead longer, and that stays as it is, however few bits the "
    "weights have. Without any overhead both would be exactly four times as fast: a step that reads a quarter of "
    "the bytes takes a quarter of the time."
)
MARK, COMMENT = "2", "Give your own gains, and say what fits into memory."
# By student the kinds of submission that theirs is put together from.
CLASS = {
    **dict.fromkeys(("s01", "s02"), ("s01",)),
    "s03": ("s09",),
    SHOWN: ("s04",),
    "s05": ("s04", "s07"),
    "s06": ("s05", "s08"),
    "s07": ("s06", "s15"),
    "s08": ("s04", "s06", "s17"),
    "s09": ("s15", "s16", "s14"),
    "s10": ("s10",),
    "s11": ("s07", "s08", "s17"),
    "s12": ("s04", "s08"),
    "s13": ("s05", "s16", "s06", "s17", "s15"),
    "s14": ("s08",),
    "s15": ("s07",),
    "s16": ("s05", "s07", "s06", "s09"),
    "s17": ("s04", "s16", "s15", "s11", "s08", "s14"),
    "s18": ("s18", "s08"),
    "s19": ("s14", "s07", "s06"),
    "s20": ("s16",),
}
WRITTEN = ("predict", "step_bytes", "step_flops")  # the answers of whoever has just begun
BORDER = 12
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu"]
# Formgrader's page loads it from elsewhere, and no formula on it needs it here.
MATHJAX = "window.MathJax = {Hub: {Config() {}, Queue() {}, Startup: {signal: {Interest() {}}}}};"


def grade(root: Path) -> Course:
    """A class in the folder *root*, graded, with pages for everyone and the report."""
    course = Course.copy_of(DOCS.parent, root, ASSIGNMENT)
    course.generate_assignment()
    known = load_kinds(course.source)
    made = {name: _together(name, [known[kind] for kind in kinds]) for name, kinds in CLASS.items()}
    made[SHOWN].cells[NOTEBOOK][QUESTION] = ANSWER
    make_class(course, list(made.values()))
    for command in ("grade", "feedback", "report"):
        if main([command, ASSIGNMENT, "--course", str(root)]):
            sys.exit(f"autograder {command} failed")
    return course


def _together(name: str, kinds: Sequence[Kind]) -> Kind:
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for kind in kinds:
        for notebook, answers in kind.cells.items():
            cells[notebook] |= answers
    missing = tuple(notebook for kind in kinds for notebook in kind.missing)
    return Kind(name, "", kinds[0].base, cells, missing)


def save(tab: Page, name: str, clip: Mapping[str, float]) -> None:
    """Write this part of the page into the picture *name*."""
    if "(too much to show)" in tab.inner_text("body"):
        sys.exit("this machine was too busy to show everything: try again")
    image = Image.open(io.BytesIO(tab.screenshot(clip=dict(clip), full_page=True)))
    framed = ImageOps.expand(image.convert("RGB"), border=BORDER, fill="white")
    framed.save(DOCS / f"{name}.webp", quality=60, method=6)


def feedback(browser: Any, course: Course) -> None:
    """The part of the student's page that ends with :data:`PART`, on a phone or a little wider."""
    tab = browser.new_page(viewport={"width": 480, "height": 1000}, device_scale_factor=1.25)
    tab.goto(course.student_page(SHOWN).as_uri())
    card = tab.locator(f"[id='{PART}']")
    above = card.locator("xpath=ancestor::div[@class='section']").bounding_box()
    below = card.bounding_box()
    save(tab, "feedback", above | {"height": below["y"] + below["height"] - above["y"]})


def report(browser: Any, course: Course) -> None:
    """The beginning of the class report, and which misunderstandings are common."""
    tab = browser.new_page(viewport={"width": 1000, "height": 1000}, device_scale_factor=1.25)
    tab.goto(report_file(course).as_uri())
    at = {one: tab.locator(f"h2#{one}").bounding_box()["y"] for one in ("questions", "misunderstandings")}
    third = tab.locator("section.held").nth(2).bounding_box()
    ends = {"report": at["questions"], "misunderstandings": third["y"] + third["height"] + BORDER}
    for name, begin in (("report", 0.0), ("misunderstandings", at["misunderstandings"] - BORDER)):
        save(tab, name, {"x": 0, "y": begin, "width": 1000, "height": ends[name] - begin})


def formgrader(browser: Any, course: Course, folder: Path) -> None:
    """A written answer as a marker sees it, with a mark and a comment."""
    with course.gradebook() as book:
        identity = book.find_submission_notebook(NOTEBOOK, ASSIGNMENT, SHOWN).id
    with jupyter_lab(course.root, folder) as address:
        tab = browser.new_page(viewport={"width": 1240, "height": 1000}, device_scale_factor=1.25)
        tab.route("**/MathJax.js*", lambda route: route.fulfill(body=MATHJAX, content_type="text/javascript"))
        tab.goto(f"{address}lab?token={TOKEN}")
        tab.goto(f"{address}formgrader/submissions/{identity}/", wait_until="networkidle")
        # The page scrolls to what is filled in, and its bar stays at the top: where all of it is seen, neither is in the way.
        height = tab.evaluate("document.documentElement.scrollHeight")
        tab.set_viewport_size({"width": 1240, "height": height + 500})
        for place, text in ((f"#{QUESTION}", MARK), (f"#{QUESTION}-comment", COMMENT)):
            tab.fill(place, text)
        tab.locator("body").click(position={"x": 5, "y": 300})
        answer = tab.locator(".nbgrader_cell", has=tab.locator(f"#{QUESTION}")).bounding_box()
        model = tab.locator(".celltag_model-answer").bounding_box()
        left, top = answer["x"] - 8, min(answer["y"], model["y"]) - 8
        right = model["x"] + model["width"] + 8
        bottom = max(answer["y"] + answer["height"], model["y"] + model["height"])
        save(tab, "formgrader", {"x": left, "y": top, "width": right - left, "height": bottom - top})


def check(browser: Any, course: Course, folder: Path) -> None:
    """What ``%check`` shows somebody who has written the first answers of :data:`NOTEBOOK`, one of them with a slip."""
    work = shutil.copytree(course.submitted(SHOWN), folder / "work")
    write_exam(course.source, course.release, work / f"{ASSIGNMENT}.exam")
    notebook, released = (read_notebook(path / f"{NOTEBOOK}.ipynb") for path in (work, course.release))
    for name, cell in notebook.by_grade_id().items():
        if grading(cell)["solution"] and name not in WRITTEN:
            cell["source"] = released.by_grade_id()[name]["source"]
    own = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    notebook.cells.insert(0, own | {"id": "check", "source": "%load_ext autograder\n%check"})
    (work / f"{NOTEBOOK}.ipynb").write_text(notebook.dumps(), "utf-8")
    (folder / "alone").mkdir()
    with jupyter_lab(work, folder / "alone") as address:
        tab = browser.new_page(viewport={"width": 1000, "height": 1600}, device_scale_factor=1.25)
        tab.goto(f"{address}notebooks/{NOTEBOOK}.ipynb?token={TOKEN}")
        tab.evaluate(READY)
        tab.evaluate("() => window.jupyterapp.commands.execute('notebook:run-cell')")
        tab.locator(".autograder-check").wait_for()
        cell = tab.locator(".jp-CodeCell", has=tab.locator(".autograder-check")).bounding_box()
        tab.mouse.move(0, 0)
        save(tab, "check", cell)


if __name__ == "__main__":
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        sys.exit("no browser is installed (tests/system-packages.txt)")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        course = grade(Path(name) / "course")
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        feedback(browser, course)
        report(browser, course)
        formgrader(browser, course, Path(name))
        check(browser, course, Path(name))
        browser.close()
