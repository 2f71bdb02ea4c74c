"""The page that a student gets: right, complete in itself, safe to open, readable by everyone, and silent about what is hidden."""

from __future__ import annotations

import datetime
import re
from html.parser import HTMLParser

import pytest

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.notebook.assemble import read_submission
from autograder.pages.feedback import write_student_pages
from autograder.pages.markup import markdown_html, outputs_html
from autograder.pages.page import Mark, Sheet
from autograder.pages.report import class_rows, write_report
from autograder.simulate.demo import make_class
from autograder.simulate.kinds import Kind, write_submission
from tests.assignments import kinds_of
from tests.courses import ASSIGNMENT
from tests.leaks import leaked, secret_lines, telling

# Everything that a page must neither run nor load nor be spread by.
HOSTILE = """
from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

display(HTML("<script>document.title = 'ran'</script><b onclick='x()'>bold</b><img src='http://example.org/x.png'>"))
display(HTML("<iframe src='http://example.org'></iframe><style>body {display: none}</style><h1>big</h1>"))
display(HTML("<table><tr><td style='background: url(http://example.org/y.png)'>cell</td></tr></table>"))
display(HTML("<svg xmlns='http://www.w3.org/2000/svg' width='9000' height='9' aria-label='a wide drawing' onload='x()'></svg>"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>document.title = 'ran'</script></svg>"))
display(Javascript("document.title = 'ran'"), Markdown("[link](javascript:alert(1)) $x^2$"), Latex("$a \\\\over b$"))
print("wide" * 400)
predicted_regime, predicted_speedup = "memory-bound", 4
"""
SAYS = "Look at <the overhead> again.\nWhat does `70B` have that 8B has not?"


@pytest.fixture(scope="module")
def course(root, tmp_path_factory) -> Course:
    """s04 is wrong in one place, late and commented on; s13 cannot be read in part; s90 is hostile; s91 was never graded."""
    course = Course.copy_of(root, tmp_path_factory.mktemp("pages") / "course", ASSIGNMENT)
    course.generate_assignment()
    kinds = kinds_of("quantization")
    make_class(course, [kinds["s04"], kinds["s13"]])
    hostile = Kind("s90", "hostile", cells={"0_self_check": {"predict": HOSTILE}})
    for name in ("s90", "s91"):
        write_submission(hostile, course.source, course.release, course.submitted(name))
    for student in ("s04", "s13", "s90"):
        course.autograde(student)
    with course.gradebook() as book:
        grade = book.find_grade("explain", "1_predict", "quantization", "s04")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.find_comment("explain", "1_predict", "quantization", "s04").manual_comment = SAYS
        submission = book.find_submission_notebook("2_crossover", "quantization", "s04")
        submission.late_submission_penalty = 3
        book.find_submission("quantization", "s04").timestamp = datetime.datetime(2026, 1, 1)
        book.db.commit()
    assert write_student_pages(course, course.students()) == ["s91"]
    write_report(class_rows(course), course.root / "report.html", title="Class report")
    return course


def page_of(course: Course, student: str) -> str:
    return course.student_page(student).read_text("utf-8")


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_page_sums_up_all_notebooks_with_manual_points_and_the_late_penalty(course):
    shown = words(page_of(course, "s04"))
    assert "0 · Self-check 13/13 13/13" in shown
    assert "1 · Predict 4/19 2.5/4 6.5/23" in shown
    assert "2 · Crossover 18/18 −3 15/18" in shown
    assert "3 · Frontier 16/16 –/4 16/20 all 50.5/74" in shown


def test_an_answer_stands_with_its_mark_its_message_and_the_comment_of_a_person(course):
    text = page_of(course, "s04")
    assert "0 of 2 step_bytes_hidden hidden tests" in words(text)
    assert "KV cache is left out" in text
    assert "2.5 of 4 explain graded by a person Look at &lt;the overhead&gt; again." in words(text)
    assert "<code>70B</code>" in text


def test_every_figure_is_inside_the_page_with_its_description(course):
    pictures = [attrs for tag, attrs in Elements(page_of(course, "s04")).found if tag == "img"]
    assert len(pictures) == 4
    assert all(picture["src"].startswith("data:image/png;base64,") for picture in pictures)
    assert any("speed-up against batch size" in picture["alt"] for picture in pictures)


def test_formulas_are_mathml_and_none_is_left_as_source(course):
    text = page_of(course, "s04")
    assert text.count("<math ") > 10
    assert "\\frac" not in text and "$$" not in text


def test_a_notebook_that_could_not_be_read_says_so_and_the_others_are_shown(course):
    shown = words(page_of(course, "s13"))
    assert "This notebook could not be graded: it is not JSON" in shown
    assert "1 · Predict 19/19" in shown


@pytest.mark.parametrize("student", ["s04", "s13", "s90"])
def test_no_page_holds_a_script_a_handler_or_an_address_that_is_loaded(course, student):
    for tag, attributes in Elements(page_of(course, student)).found:
        assert tag not in ("script", "iframe", "object", "embed", "link", "base", "form")
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:"))
        assert "url(" not in (attributes.get("style") or "")


def test_every_page_forbids_all_but_its_own_styles_and_pictures_inside_it_and_says_so_to_a_browser(
    course, browser, tmp_path
):
    notebook = course.submitted("s04") / "1_predict.ipynb"
    card = tmp_path / "card.html"
    main(["check", "--no-progress", "--html", str(card), str(notebook)])
    course.generate_feedback("s90")
    pages = [
        card,
        course.student_page("s90"),
        course.root / "report.html",
        *course.feedback("s90").glob("*.html"),
    ]
    with browser.new_context() as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        for path in pages:
            policies = [a["content"] for _, a in Elements(path.read_text("utf-8")).found if "http-equiv" in a]
            rules = dict(rule.split(" ", 1) for rule in policies[0].split("; "))
            style = rules.pop("style-src-elem")
            assert style.startswith("'sha256-") and " " not in style
            assert rules == {
                "default-src": "'none'",
                "img-src": "data:",
                "style-src-attr": "'unsafe-inline'",
                "base-uri": "'none'",
                "form-action": "'none'",
            }
            page.goto(path.as_uri())
            # The sheet with this digest is the page's own, and it is applied.
            assert (
                page.evaluate(
                    "getComputedStyle(document.querySelector('.scroll') || document.body).overflowX"
                )
                == "auto"
            )
            assert not said
            page.evaluate(
                "document.head.append(Object.assign(document.createElement('style'), {textContent: 'a {}'}))"
            )
            assert "Content Security Policy" in said.pop()


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("student", ["s04", "s90"])
def test_a_page_passes_wcag_2_1_aa_and_never_scrolls_sideways(course, browser, student, width):
    _passes(browser, course.student_page(student), width)


def test_the_page_of_a_self_check_does_too(course, browser, tmp_path):
    notebook = course.submitted("s04") / "1_predict.ipynb"
    command = ["check", "--no-progress", "--html", str(tmp_path / "card.html"), str(notebook)]
    assert main(command) == 1
    _passes(browser, tmp_path / "card.html", 390)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_class_report_passes_wcag_2_1_aa_and_never_scrolls_sideways(course, browser, width):
    _passes(browser, course.root / "report.html", width)


def _passes(browser, path, width):
    from axe_playwright_python.sync_playwright import Axe

    # axe itself is a script, which the pages' own policy forbids.
    with browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(path.as_uri())
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
        found = Axe().run(page, options=rules)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_page_opened_in_a_browser_runs_nothing_and_asks_for_nothing(course, browser):
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        path = course.student_page("s90")
        page.goto(path.as_uri(), wait_until="networkidle")
        assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
        assert page.title() == "Feedback for s90"
        assert page.get_by_text("cell", exact=True).is_visible()
        assert page.get_by_role("img", name="a wide drawing").count() == 1


def test_the_report_links_every_student_and_every_mark_to_a_place_that_is_there(course):
    links = [a["href"] for tag, a in Elements((course.root / "report.html").read_text()).found if tag == "a"]
    assert len(links) == 3 * 5
    for link in links:
        name, _, place = link.partition("#")
        text = (course.root / name).read_text("utf-8")
        assert not place or f'id="{place}"' in text


def test_nbgrader_s_own_feedback_command_writes_pages_that_are_complete_in_themselves(course):
    course.generate_feedback("s04")
    pages = sorted(course.feedback("s04").glob("*.html"))
    assert [page.stem for page in pages] == ["0_self_check", "1_predict", "2_crossover", "3_frontier"]
    for page in pages:
        text = page.read_text("utf-8")
        assert not [a for tag, a in Elements(text).found if tag in ("script", "link")]
        assert "HIDDEN" not in text and "derandomize" not in text
    assert "2 · Crossover 18/18 −3 15/18" in words(pages[2].read_text("utf-8"))
    graded, waiting = words(pages[1].read_text("utf-8")), words(pages[3].read_text("utf-8"))
    assert "2.5 of 4 explain graded by a person Look at &lt;the overhead&gt; again." in graded
    assert (
        "to be graded explain graded by a person" in waiting
        and "Written answers wait for a person" in waiting
    )
    assert "to be graded explain graded by a person" in words(page_of(course, "s04"))


def test_no_page_holds_a_line_of_a_solution_or_of_a_hidden_test(course, root):
    secrets = secret_lines(root)
    for student in ("s04", "s13"):
        # What they wrote themselves is the solutions' text but for what is wrong or cut off.
        theirs = secrets - telling(_readable_lines(course.submitted(student)))
        assert len(theirs) > 100
        for page in [course.student_page(student), *course.feedback(student).glob("*.html")]:
            text = page.read_text("utf-8")
            assert not leaked(text, theirs), page
            assert "derandomize" not in text and "BEGIN HIDDEN" not in text and "BEGIN SOLUTION" not in text


def _readable_lines(folder):
    cells = [cell for path in folder.glob("*.ipynb") for cell in read_submission(path)[0]]
    return [line for cell in cells for line in cell["source"].splitlines()]


def test_a_formula_that_cannot_be_read_is_shown_as_it_was_typed():
    assert "<code>\\frac{</code>" in markdown_html(r"$\frac{$")


@pytest.mark.parametrize(
    "data",
    [
        {"image/png": "not base64!"},
        {"text/html": "<scr<script>ipt>alert(1)</script>"},
        {"text/html": "<a href='data:text/html,<script>x</script>'>x</a>"},
        {"text/html": "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>"},
        {"text/markdown": "<img src=x onerror=alert(1)>\ue0000\ue001"},
    ],
)
def test_no_output_becomes_something_that_runs(data):
    made = outputs_html([{"output_type": "display_data", "data": data, "metadata": {}}])
    for tag, attributes in Elements(made).found:
        assert tag not in ("script", "style", "iframe")
        assert not {"onerror", "href", "src"} & attributes.keys()


def test_what_is_not_graded_yet_counts_as_nothing_and_a_penalty_never_makes_points_negative():
    from autograder.pages.page import Section

    marks = [Mark("test", 2.0, 3.0), Mark("explain", None, 4.0, by_hand=True)]
    made = Sheet("a", "a", [Section(marks=marks)], penalty=5.0)
    assert (made.auto, made.manual, made.total, made.maximum) == ((2.0, 3.0), (None, 4.0), 0.0, 7.0)
