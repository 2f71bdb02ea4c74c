"""The page that a student gets: right, complete in itself, safe to open, readable by everyone, and silent about what is hidden."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import html
import io
import re
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from autograder.cli import main
from autograder.nbgrader_compat.course import Course
from autograder.nbgrader_compat.triage import class_triage
from autograder.notebook.cells import grading, strip_solution_marks
from autograder.notebook.submitted import read_submission
from autograder.pages.feedback import write_student_page, write_student_pages
from autograder.pages.markup import markdown_html, outputs_html
from autograder.pages.page import Mark, Section, Sheet, feedback_page
from autograder.pages.todo import first_sentence
from autograder.report.marks import class_marks
from autograder.report.page import bank_of, write_report
from autograder.report.rows import class_rows
from autograder.simulate.demo import make_class
from autograder.simulate.kinds import Kind, expected_marks
from autograder.tutor.reason import Reason
from tests.assignments import notebooks_of, sources, wrong_in
from tests.leaks import leaked, secret_lines, telling
from tests.models import tutor_of
from tests.shown_pages import PNG

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
"""
SAYS = "Look at <the overhead> again.\nWhat does `70B` have that 8B has not?"


@dataclass(frozen=True)
class Class:
    """A course whose students are wrong (late, and commented on), cut (one notebook cannot be read), hostile, and absent (never graded)."""

    course: Course
    kind: Kind  # of the one who is wrong
    notebook: str  # in which
    explained: str  # the answer there that a person has graded
    last: str  # the notebook that was late


@pytest.fixture(scope="module")
def made(root, assignment, tmp_path_factory) -> Class:
    course = Course.copy_of(root, tmp_path_factory.mktemp("pages") / "course", assignment)
    course.generate_assignment()
    notebooks = notebooks_of(assignment)
    # The one that has most wrong in a notebook in which a person grades something too.
    by_hand = [name for name in notebooks if sources(assignment, name).manual_points()]
    wrong = {name: kind for name, kind in wrong_in(assignment).items() if name in by_hand}
    notebook = min(wrong, key=lambda name: -len(wrong[name].lost[name]))
    (explained, *_) = sources(assignment, notebook).manual_points()
    predict = next(
        key
        for key, cell in sources(assignment, notebooks[0]).by_grade_id().items()
        if grading(cell)["solution"]
    )
    answer = dict(strip_solution_marks(sources(assignment, notebooks[0])))[predict]
    hostile = Kind("hostile", "hostile", cells={notebooks[0]: {predict: f"{HOSTILE}\n{answer}"}})
    kinds = [
        dataclasses.replace(wrong[notebook], name="wrong"),
        Kind("cut", "cut off", corrupt=(notebooks[-1],)),
        hostile,
        dataclasses.replace(hostile, name="absent"),
    ]
    make_class(course, kinds)
    for student in ("wrong", "cut", "hostile"):
        course.autograde(student)
    with course.gradebook() as book:
        grade = book.find_grade(explained, notebook, assignment, "wrong")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        book.find_comment(explained, notebook, assignment, "wrong").manual_comment = SAYS
        submission = book.find_submission_notebook(notebooks[-1], assignment, "wrong")
        submission.late_submission_penalty = 3
        book.find_submission(assignment, "wrong").timestamp = datetime.datetime(2026, 1, 1)
        book.db.commit()
    assert write_student_pages(course, course.students()) == ["absent"]
    facts = {"marks": class_marks(course), "bank": bank_of(course)}
    write_report(
        class_rows(course), course.root / "report.html", class_triage(course), title="Class report", **facts
    )
    return Class(course, kinds[0], notebook, explained, notebooks[-1])


@pytest.fixture
def course(made) -> Course:
    return made.course


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


def points(made: Class, notebook: str) -> tuple[float, float]:
    """What the one who is wrong has from the tests of a notebook, and the maximum."""
    marks = expected_marks(made.kind, made.course.source)[notebook]
    return sum(marks.values()), sum(sources(made.course.assignment, notebook).auto_points().values())


def row_of(made: Class, notebook: str) -> str:
    """The row of a notebook in the page's table, without its title."""
    auto, most = points(made, notebook)
    by_hand = sum(sources(made.course.assignment, notebook).manual_points().values())
    given = 2.5 if notebook == made.notebook else 0.0
    late = 3 if notebook == made.last else 0
    shown = [f"{auto:g}/{most:g}"]
    shown += [f"{given:g}/{by_hand:g}" if given else f"–/{by_hand:g}"] if by_hand else []
    shown += [f"−{late}"] if late else []
    return " ".join([*shown, f"{auto + given - late:g}/{most + by_hand:g}"])


def test_the_page_sums_up_all_notebooks_with_manual_points_and_the_late_penalty(made, assignment):
    shown = words(page_of(made.course, "wrong"))
    total = most = 0.0
    for notebook in notebooks_of(assignment):
        title = sources(assignment, notebook).cells[0]["source"].splitlines()[0].lstrip("# ").split(":")[0]
        assert f"{title} {row_of(made, notebook)}" in shown
        gained, of = row_of(made, notebook).split()[-1].split("/")
        total, most = total + float(gained), most + float(of)
    assert f"all {total:g}/{most:g}" in shown


def test_an_answer_stands_with_its_mark_its_message_and_the_comment_of_a_person(made, assignment):
    text = page_of(made.course, "wrong")
    for test, lost in made.kind.lost[made.notebook].items():
        full = sources(assignment, made.notebook).auto_points()[test]
        assert f"{full - lost:g} of {full:g} {test}" in words(text)
    for name in made.kind.named[made.notebook]:
        assert html.escape(tutor_of(assignment).bank[name].says) in text
    comment = "graded by a person Look at &lt;the overhead&gt; again."
    full = sources(assignment, made.notebook).manual_points()[made.explained]
    assert f"2.5 of {full:g} {made.explained} {comment}" in words(text)
    assert "<code>70B</code>" in text


def test_every_figure_is_inside_the_page_with_its_description(course, assignment):
    pictures = [attrs for tag, attrs in Elements(page_of(course, "wrong")).found if tag == "img"]
    plots = sum(
        "plots.Plot(" in c["source"] for n in notebooks_of(assignment) for c in sources(assignment, n).cells
    )
    assert len(pictures) == plots >= len(notebooks_of(assignment))
    assert all(picture["src"].startswith("data:image/png;base64,") for picture in pictures)
    assert all(len(picture["alt"]) > 40 for picture in pictures)


def test_formulas_are_mathml_and_none_is_left_as_source(course, assignment):
    text = page_of(course, "wrong")
    written = [
        c["source"]
        for n in notebooks_of(assignment)
        for c in sources(assignment, n).cells
        if c["cell_type"] == "markdown"
    ]
    assert text.count("<math ") >= sum("$" in source for source in written)
    assert "\\frac" not in text and "$$" not in text


def test_a_notebook_that_could_not_be_read_says_so_and_the_others_are_shown(course, assignment):
    shown = words(page_of(course, "cut"))
    assert "This notebook could not be graded: it is not JSON" in shown
    for notebook in notebooks_of(assignment)[:-1]:
        most = sum(sources(assignment, notebook).auto_points().values())
        assert f"{most:g}/{most:g}" in shown


@pytest.mark.parametrize("student", ["wrong", "cut", "hostile"])
def test_no_page_holds_a_script_a_handler_or_an_address_that_is_loaded(course, student):
    for tag, attributes in Elements(page_of(course, student)).found:
        assert tag not in ("script", "iframe", "object", "embed", "link", "base", "form")
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("src") or "data:").startswith("data:")
        assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:"))
        assert "url(" not in (attributes.get("style") or "")


def test_every_page_forbids_all_but_its_own_styles_and_script_and_pictures_inside_it_and_says_so_to_a_browser(
    made, browser, tmp_path
):
    course = made.course
    notebook = course.submitted("wrong") / f"{made.notebook}.ipynb"
    card = tmp_path / "card.html"
    main(["check", "--no-progress", "--html", str(card), str(notebook)])
    course.generate_feedback("hostile")
    pages = [
        card,
        course.student_page("hostile"),
        course.root / "report.html",
        *course.feedback("hostile").glob("*.html"),
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
            script = rules.pop("script-src", "")  # of the class report, which sorts and searches
            assert bool(script) == (path.name == "report.html") and " " not in script
            assert not script or script.startswith("'sha256-")
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
@pytest.mark.parametrize("student", ["wrong", "hostile"])
def test_a_page_passes_wcag_2_1_aa_and_never_scrolls_sideways(course, browser, student, width):
    _passes(browser, course.student_page(student), width)


def test_the_page_of_a_self_check_does_too(made, browser, tmp_path):
    notebook = made.course.submitted("wrong") / f"{made.notebook}.ipynb"
    command = ["check", "--no-progress", "--html", str(tmp_path / "card.html"), str(notebook)]
    assert main(command) == 1
    _passes(browser, tmp_path / "card.html", 390)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_class_report_passes_wcag_2_1_aa_and_never_scrolls_sideways(course, browser, width, scheme):
    _passes(browser, course.root / "report.html", width, scheme)


def _passes(browser, path, width, scheme="light"):
    from axe_playwright_python.sync_playwright import Axe

    # axe itself is a script, which the pages' own policy forbids.
    look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with browser.new_context(**look, bypass_csp=True) as context:
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
        path = course.student_page("hostile")
        page.goto(path.as_uri(), wait_until="networkidle")
        assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
        assert page.title() == "Feedback for hostile"
        assert page.get_by_text("cell", exact=True).is_visible()
        assert page.get_by_role("img", name="a wide drawing").count() == 1


def test_the_report_links_every_student_and_every_mark_to_a_place_that_is_there(course, assignment):
    text = (course.root / "report.html").read_text("utf-8")
    links = [
        a["href"] for tag, a in Elements(text.partition('<table class="students">')[2]).found if tag == "a"
    ]
    assert len(links) == 3 * (1 + len(notebooks_of(assignment)))
    for link in links:
        name, _, place = link.partition("#")
        text = (course.root / name).read_text("utf-8")
        assert not place or f'id="{place}"' in text


def test_nbgrader_s_own_feedback_command_writes_pages_that_are_complete_in_themselves(made, assignment):
    course = made.course
    course.generate_feedback("wrong")
    pages = {page.stem: page.read_text("utf-8") for page in course.feedback("wrong").glob("*.html")}
    assert sorted(pages) == notebooks_of(assignment)
    for notebook, text in pages.items():
        assert not [a for tag, a in Elements(text).found if tag in ("script", "link")]
        assert "HIDDEN" not in text and "derandomize" not in text
        assert row_of(made, notebook) in words(text)
        for name in sources(assignment, notebook).manual_points():
            if notebook == made.notebook and name == made.explained:
                assert "graded by a person Look at &lt;the overhead&gt; again." in words(text)
            else:
                assert f"to be graded {name} graded by a person" in words(text)
                assert "Written answers wait for a person" in words(text)
                assert f"to be graded {name} graded by a person" in words(page_of(course, "wrong"))


def test_no_page_holds_a_line_of_a_solution_or_of_a_hidden_test(course, assignment):
    secrets = secret_lines(assignment)
    for student in ("wrong", "cut"):
        # What they wrote themselves is the solutions' text but for what is wrong or cut off.
        theirs = secrets - telling(_readable_lines(course.submitted(student)))
        assert len(theirs) > 30
        for page in [course.student_page(student), *course.feedback(student).glob("*.html")]:
            text = page.read_text("utf-8")
            assert not leaked(text, theirs), page
            assert "derandomize" not in text and "BEGIN HIDDEN" not in text and "BEGIN SOLUTION" not in text


def _readable_lines(folder):
    cells = [cell for path in folder.glob("*.ipynb") for cell in read_submission(path).cells]
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
    marks = [Mark("test", 2.0, 3.0), Mark("explain", None, 4.0, by_hand=True)]
    made = Sheet("a", "a", [Section(marks=marks)], penalty=5.0)
    assert (made.auto, made.manual, made.total, made.maximum) == ((2.0, 3.0), (None, 4.0), 0.0, 7.0)


def begins_with(page: str) -> str:
    """The words before the table of points."""
    return words(page.split('<div class="scroll"')[0].split("</style>")[1])


def test_a_page_begins_with_what_was_lost_why_and_where_in_the_notebook_s_order(made, assignment):
    page = page_of(made.course, "wrong")
    head = begins_with(page)
    order = []
    for test in made.kind.lost[made.notebook]:
        assert f'<a href="#{made.notebook}.{test}">{test}</a>' in page.split('<div class="scroll"')[0]
        assert f'id="{made.notebook}.{test}"' in page
        order.append(head.index(test))
    listed = [
        test
        for test in sources(assignment, made.notebook).auto_points()
        if test in made.kind.lost[made.notebook]
    ]
    assert order and sorted(order) == [head.index(test) for test in listed]
    full = sources(assignment, made.notebook).manual_points()[made.explained]
    assert f"{made.explained} : {full - 2.5:g} points lost. Look at &lt;the overhead&gt; again." in head
    assert "3 points taken off, because it was handed in late." in head
    assert "Look at &lt;the overhead&gt; again. What does" not in head


def test_a_notebook_that_could_not_be_read_is_one_line_with_all_its_tests(made, assignment):
    head = begins_with(page_of(made.course, "cut"))
    most = sum(sources(assignment, made.last).auto_points().values())
    assert head.count("This notebook could not be graded") == 1
    assert f": {most:g} points lost. This notebook could not be graded: it is not JSON" in head


def _page(*marks: Mark, says: str = "", penalty: float = 0.0, points: bool = True) -> str:
    made = Sheet("a", "A: first", [Section(marks=list(marks))], says=says, penalty=penalty)
    return begins_with(feedback_page("Feedback", [made], points=points))


def test_full_marks_are_said_in_one_line_and_only_where_nothing_is_missing():
    full, waiting = Mark("t", 2.0, 2.0), Mark("w", None, 4.0, by_hand=True)
    assert _page(full).endswith("Feedback Full marks: 2 of 2 points.")
    for other in (_page(full, waiting), _page(full, penalty=1.0), _page(full, Mark("u", 1.0, 2.0))):
        assert "Full marks" not in other
    assert "w : 4 points to be given. A person has still to read it." in _page(full, waiting)
    assert "Nothing to do: all checks that were run passed." in _page(
        Mark("t", None, 2.0, passed=True), points=False
    )
    assert "t : failed. It is 3." in _page(Mark("t", None, 2.0, Reason("It is 3. Not 4.")), points=False)


def test_an_answer_that_is_handed_in_again_has_no_mark_until_it_is_read_again():
    again = Mark("w", None, 4.0, by_hand=True, before=2.5)
    made = Sheet("a", "A", [Section(marks=[again, Mark("t", 2.0, 2.0)])])
    assert (again.state, made.manual, made.total) == ("waiting", (None, 4.0), 2.0)
    page = words(feedback_page("Feedback", [made]).split("</style>")[1])
    assert "was 2.5 of 4 for the earlier text, to be read again w" in page
    assert "w : 4 points to be given. It had 2.5 for the earlier text and is to be read again." in page
    assert "2.5/4" not in page and "2.5 of 4 w" not in page


def test_nbgrader_s_own_state_of_such_an_answer_is_read_so(made):
    course = made.course
    with course.gradebook() as book:
        grade = book.find_grade(made.explained, made.notebook, course.assignment, "wrong")
        grade.needs_manual_grade = True
        book.db.commit()
        try:
            write_student_page(course, "wrong", book)
            page = page_of(course, "wrong")
        finally:
            grade.needs_manual_grade = False
            book.db.commit()
            write_student_page(course, "wrong", book)
    assert "It had 2.5 for the earlier text and is to be read again." in begins_with(page)
    assert "Written answers wait for a person" in page


def test_marks_that_were_carried_forward_are_named_and_marked():
    page = feedback_page(
        "F", [Sheet("a", "A", [Section(marks=[Mark("t", 2.0, 2.0, carried=True), Mark("u", 0.0, 1.0)])])]
    )
    assert "t : marks carried forward. An earlier function of yours is not right" in begins_with(page)
    assert words(page).count("carried forward, visible tests") == 1


@pytest.mark.parametrize(
    "text, first",
    [
        ("It is 1.5 ms, e.g. at 2. Try again.", "It is 1.5 ms, e.g. at 2."),
        ("`f. G` gave 2. Why?", "`f. G` gave 2."),
        ("one line\nanother", "one line."),
        ("Is it? Yes.", "Is it?"),
        ("", ""),
        ("no end", "no end."),
        ("`" + "x" * 500 + "`", "`" + "x" * 239 + "…`"),
    ],
)
def test_the_first_sentence_is_whole(text, first):
    assert first_sentence(text) == first


@given(st.text(st.sampled_from('aB .!?`\n"<&'), max_size=600))
def test_a_first_sentence_is_a_beginning_of_the_text_and_leaves_no_code_open(text):
    made = first_sentence(text)
    assert made.count("`") % 2 == 0 or text.count("`") % 2
    assert len(made) <= 243 and text.strip().startswith(made.rstrip(".…`").rstrip() or "")


def _shown(text: str, attached: object) -> list[dict[str, str | None]]:
    return [attrs for tag, attrs in Elements(markdown_html(text, attached=attached)).found if tag == "img"]


def test_a_picture_that_is_pasted_into_an_answer_is_shown_with_its_description():
    attached = {"x y.png": {"image/png": PNG}, "z.jpg": {"image/png": PNG}}
    (first, second) = _shown(
        "![a sketch](attachment:x%20y.png) <img src='attachment:z.jpg' width=40>", attached
    )
    assert (first["alt"], first["src"]) == ("a sketch", f"data:image/png;base64,{PNG}")
    assert second["src"] == first["src"] and second["width"] == "40"
    assert "attachment:" not in markdown_html("![a](attachment:x%20y.png)", attached=attached)


def test_a_pasted_picture_is_shown_once_so_that_a_page_stays_as_large_as_its_notebook():
    text = "![a](attachment:x.png)\n\n" * 500
    assert len([one for one in _shown(text, {"x.png": {"image/png": PNG}}) if one.get("src")]) == 1


def test_a_photograph_is_shown_although_no_other_text_may_be_as_long():
    noise = io.BytesIO()
    Image.effect_noise((2400, 1800), 80).convert("RGB").save(noise, "PNG")
    data = base64.b64encode(noise.getvalue()).decode()
    assert len(data) > 4_000_000
    (shown,) = _shown("![a photograph](attachment:x.png)", {"x.png": {"image/png": data}})
    assert len(shown["src"]) > len(data)


@pytest.mark.parametrize(
    "attached",
    [
        None,
        [1],
        {"x.png": "text"},
        {"x.png": {"image/png": "not base64!"}},
        {"x.png": {"text/html": "<script>"}},
        {"x.png": {"image/svg+xml": "<svg onload='x()'/>"}},
        {"x.png": {"image/png": f'{PNG}" onerror="x()'}},
        {"y.png": {"image/png": PNG}},
    ],
)
def test_what_is_attached_and_no_picture_is_neither_shown_nor_run(attached):
    (shown,) = _shown("![x](attachment:x.png)", attached)
    assert set(shown) == {"alt"}
    made = markdown_html(
        "[x](attachment:x.png) <a href='attachment:x.png'>y</a>", attached={"x.png": {"image/png": PNG}}
    )
    assert "attachment:" not in made and "base64" not in made
