"""The API reference and the README's picture are made by one command each and hold what they should."""

import importlib
import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def load(script):
    spec = importlib.util.spec_from_file_location(script, ROOT / "docs" / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = load("make_api").public_modules()


def run(script, folder):
    command = [sys.executable, ROOT / "docs" / f"{script}.py", folder]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    pytest.importorskip("pdoc")
    folder = tmp_path_factory.mktemp("api")
    run("make_api", folder)
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


def test_the_picture_of_the_two_regimes_is_drawn_with_the_published_figures_in_its_alt_text(tmp_path):
    said = run("make_pictures", tmp_path)
    assert (tmp_path / "two_regimes.svg").read_text("utf-8").startswith("<?xml")
    for figures in ("FP16 8.35 ms, 1.0x; INT8 5.78 ms, 1.4x; INT4 4.49 ms, 1.9x", "INT4 11.74 ms, 1.0x"):
        assert figures in said
    assert (ROOT / "docs" / "two_regimes.svg").is_file()
