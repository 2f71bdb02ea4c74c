"""The API reference is made from the docstrings by one command, without warnings, and holds every public name."""

import html
import importlib
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


SPEC = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
make_api = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make_api)
MODULES = make_api.public_modules()


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    pytest.importorskip("pdoc")
    folder = tmp_path_factory.mktemp("api")
    command = [sys.executable, ROOT / "docs" / "make_api.py", folder]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.parametrize("module", MODULES)
def test_each_module_has_a_page_that_holds_every_public_name(reference, module):
    page = (reference / f"{module.replace('.', '/')}.html").read_text("utf-8")
    names = importlib.import_module(module).__all__
    missing = [n for n in names if f'id="{n}"' not in page and f'href="{module}/{n}.html"' not in page]
    assert names
    assert not missing


def test_the_first_page_links_every_module(reference):
    page = (reference / "mlsysim.html").read_text("utf-8")
    assert not [m for m in MODULES[1:] if f'href="{m.replace(".", "/")}.html"' not in page]


@pytest.fixture(scope="module")
def figures():
    return make_api.figures()


def test_each_question_has_one_example_and_one_figure_for_light_and_for_dark_screens(figures):
    sections = make_api.QUESTIONS.read_text("utf-8").split("\n## ")[1:]
    assert len(sections) >= 7 and all(section.count("```python\n") == 1 for section in sections)
    assert [section.splitlines()[0] for section in sections] == list(figures)
    assert all(title.endswith("?") and set(plots) == set(make_api.STYLES) for title, plots in figures.items())


def test_each_figure_has_labelled_axes_with_units_and_alt_text_with_numbers(figures):
    for plots in figures.values():
        for plot in plots.values():
            axes = plot.figure.axes[0]
            labels = axes.get_xlabel(), axes.get_ylabel()
            assert all(label.endswith(")") or label == "Case" for label in labels) and labels != (
                "Case",
                "Case",
            )
            assert axes.get_title() and len(plot.alt) > 40 and any(c.isdigit() for c in plot.alt)


def test_the_first_page_shows_each_figure_with_its_alt_text(reference, figures):
    page = (reference / "mlsysim.html").read_text("utf-8")
    assert page.count("<picture>") == len(figures)
    for plots in figures.values():
        assert f'alt="{html.escape(plots["light"].alt)}"' in page
    for path in re.findall(r'(?:srcset|src)="(figures/[^"]*)"', page):
        assert (reference / path).read_bytes().startswith(b"\x89PNG")


def test_the_reference_has_colours_for_dark_screens(reference):
    for page in (reference / "mlsysim.html", reference / "mlsysim" / "specs" / "device.html"):
        assert "prefers-color-scheme:dark" in page.read_text("utf-8").replace(" ", "")


def test_signatures_name_what_takes_a_number_or_an_array(reference):
    page = (reference / "mlsysim" / "solvers.html").read_text("utf-8")
    assert page.count(">mlsysim.checks.Numbers</a>") >= 8
    assert "numpy.number" not in page


def test_the_reference_loads_nothing_from_elsewhere(reference):
    for page in reference.rglob("*.html"):
        text = page.read_text("utf-8")
        assert 'src="http' not in text
        assert 'rel="stylesheet" href="http' not in text


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_and_class_has_a_docstring(module):
    found = importlib.import_module(module)
    named = {name: getattr(found, name) for name in found.__all__}
    code = {n: v for n, v in named.items() if inspect.isclass(v) or inspect.isfunction(v)}
    assert found.__doc__
    assert not [name for name, value in code.items() if not inspect.getdoc(value)]
