"""The packages of the library know one another in one direction only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[1] / "mlsysim"
# The modules beside the packages that everything may use: numbers, errors, units and how a table looks.
BASE = {"checks", "errors", "render", "units"}
MAY_USE = {
    "checks": {"errors"},
    "errors": set(),
    "render": set(),
    "units": set(),
    "data": BASE,
    "specs": BASE | {"data"},
    "intervals": {"errors", "specs", "units"},
    "model": BASE | {"specs", "intervals"},
    "compression": BASE | {"data", "specs", "model"},
    "tables": BASE,
    "plots": BASE | {"specs", "model", "compression", "tables"},
    "measure": BASE | {"data", "specs", "plots"},
    "config": BASE | {"specs"},
    "cases": BASE | {"data", "specs"},
    "show": BASE,
    "preflight": set(),
    "__main__": {"preflight"},
    "unfinished": {"preflight"},
    "solvers": BASE | {"specs", "model", "compression"},
    "core": {"errors", "solvers", "specs", "units"},
}


def layers_used(path: Path) -> set[str]:
    """The names below ``mlsysim`` that a module imports from."""
    used = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: import by the full name"
            names = [node.module] if node.module != "mlsysim" else [f"mlsysim.{a.name}" for a in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        used |= {name.split(".")[1] for name in names if name and name.startswith("mlsysim.")}
    return used


def modules_of(layer: str) -> list[Path]:
    return sorted((HOME / layer).rglob("*.py")) if (HOME / layer).is_dir() else [HOME / f"{layer}.py"]


def test_every_module_belongs_to_a_layer():
    found = {path.relative_to(HOME).parts[0].removesuffix(".py") for path in HOME.rglob("*.py")}
    assert found - {"__init__"} == MAY_USE.keys()


@pytest.mark.parametrize("layer", MAY_USE)
def test_a_layer_uses_only_those_below_it(layer):
    paths = modules_of(layer)
    assert paths
    for path in paths:
        above = layers_used(path) - MAY_USE[layer] - {layer}
        assert not above, f"{path.relative_to(HOME)} imports from {', '.join(sorted(above))}"


def test_no_layer_is_above_itself():
    def below(layer: str) -> set[str]:
        return MAY_USE[layer].union(*(below(name) for name in MAY_USE[layer]))

    assert not [layer for layer in MAY_USE if layer in below(layer)]


@pytest.mark.parametrize("path", sorted(HOME.rglob("*.py")), ids=lambda path: str(path.relative_to(HOME)))
def test_a_module_is_small_and_says_what_is_public(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 250
    assert path.parent.name == "core" or path == HOME / "__init__.py" or "__all__ = [" in text


@pytest.mark.parametrize("package", [path.parent for path in HOME.rglob("__init__.py")], ids=lambda p: p.name)
def test_a_package_has_at_most_a_dozen_modules(package):
    assert len([path for path in package.glob("*.py") if path.name != "__init__.py"]) <= 12
