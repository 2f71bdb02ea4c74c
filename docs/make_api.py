"""Write the API reference from the docstrings: ``python docs/make_api.py [folder]``, by default ``build/docs/api``.

Every public module of ``mlsysim`` has a page. A warning (a docstring that does not parse, a name that cannot be
found) is an error.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import typing
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mlsysim  # noqa: E402

ALIASES = "mlsysim.core"  # an earlier release's names for modules that have a page


def public_modules() -> list[str]:
    """``mlsysim`` and its modules, but for private ones and aliases."""
    found = [module.name for module in pkgutil.walk_packages(mlsysim.__path__, "mlsysim.")]
    return ["mlsysim", *(n for n in found if "._" not in n and not n.startswith(ALIASES))]


def resolve_named_tuples() -> None:
    """Give the constructors of named tuples real annotations; pdoc cannot look theirs up by name."""
    for name in public_modules():
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
                kind.__new__.__annotations__ = typing.get_type_hints(kind)


def name_the_aliases() -> None:
    """Let signatures say ``Numbers``: pdoc would write out the union that it stands for."""
    page = "mlsysim.checks"
    alias = type("Numbers", (), {"__doc__": "One number, or an array of them.", "__module__": page})
    for name in public_modules():
        module = importlib.import_module(name)
        if hasattr(module, "Numbers"):
            setattr(module, "Numbers", alias)  # noqa: B010


def make(folder: Path) -> None:
    """Write one HTML page a module, with an index and a search."""
    import pdoc
    import pdoc.render

    pdoc.render.configure(docformat="google", show_source=False, footer_text=f"mlsysim {mlsysim.__version__}")
    resolve_named_tuples()
    name_the_aliases()
    mlsysim.__doc__ = (
        f"{mlsysim.__doc__}\nModules: {', '.join(f'`{name}`' for name in public_modules()[1:])}."
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exported = [f"mlsysim.{name}" for name in mlsysim.__all__]  # pdoc finds these by itself
        pdoc.pdoc(*(m for m in public_modules() if m not in exported), output_directory=folder)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs" / "api"
    make(target)
    print(f"{len(public_modules())} modules: {target / 'index.html'}")
