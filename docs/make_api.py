"""Write the API reference from the docstrings: ``python docs/make_api.py [folder]``, by default ``build/docs/api``.

Every public module of ``mlsysim`` has a page. The first one begins with ``docs/questions.md``, each question with the
figure that the last line of its example draws. A warning (a docstring that does not parse, a name that cannot be found)
is an error.
"""

from __future__ import annotations

import ast
import doctest
import html
import importlib
import pkgutil
import re
import sys
import tempfile
import typing
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import mlsysim  # noqa: E402

ALIASES = "mlsysim.core"  # an earlier release's names for modules that have a page
QUESTIONS = ROOT / "docs" / "questions.md"
STYLES = {"light": "default", "dark": "dark_background"}  # of the reader's screen, and of Matplotlib
COLOURS = """
@media (prefers-color-scheme: dark) {
  :root { --pdoc-background: #111111; }
  .pdoc {
    --text: #e4e4e4; --muted: #a8b0b7; --link: #8ab4f8; --link-hover: #b3cefb; --code: #1e1e1e; --active: #5c5300;
    --accent: #2a2a2a; --accent2: #555555; --nav-hover: rgba(255, 255, 255, 0.08);
    --name: #79b8ff; --def: #7ee08a; --annotation: #8fd19e;
  }
  .pdoc .pdoc-button, .pdoc input[type=search] { border-color: #8a8a8a; color: var(--text); background: transparent; }
}
.pdoc picture img { max-width: 100%; height: auto; }
"""


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


def figures() -> dict[str, dict[str, Any]]:
    """What the last line of each question's example draws, by the question and by the reader's screen."""
    from matplotlib import style

    found: dict[str, dict[str, Any]] = {}
    for screen, name in STYLES.items():
        with style.context(name):
            names: dict[str, Any] = {}
            for section in QUESTIONS.read_text("utf-8").split("\n## "):
                question, last = section.splitlines()[0], None
                for example in doctest.DocTestParser().get_examples(section):
                    tree = ast.parse(example.source)
                    if isinstance(tree.body[-1], ast.Expr):
                        last = eval(example.source, names)
                    else:
                        exec(example.source, names)
                if isinstance(last, mlsysim.plots.Plot):
                    found.setdefault(question, {})[screen] = last
    return found


def questions(folder: Path) -> str:
    """The page of questions as Markdown below a heading of the second level; its figures are written into *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    intro, *sections = QUESTIONS.read_text("utf-8").removeprefix("# ").split("\n## ")
    parts, drawn = [f"## {intro}"], figures()
    for section in sections:
        question = section.splitlines()[0]
        parts.append(f"### {section.rstrip()}")
        if question in drawn:
            parts.append(_picture(folder, question, drawn[question]))
    return "\n\n".join(parts)


def _picture(folder: Path, question: str, plots: dict[str, Any]) -> str:
    """The HTML of a question's figure in the reader's colours."""
    name = re.sub(r"\W+", "-", question.casefold()).strip("-")
    for screen, plot in plots.items():
        (folder / f"{name}-{screen}.png").write_bytes(plot.png())
    width, height = (
        round(inches * plots["light"].figure.dpi) for inches in plots["light"].figure.get_size_inches()
    )
    at, alt = f"{folder.name}/{name}", html.escape(plots["light"].alt)
    return (
        f'<p><picture><source media="(prefers-color-scheme: dark)" srcset="{at}-dark.png">'
        f'<img src="{at}-light.png" alt="{alt}" width="{width}" height="{height}"></picture></p>'
    )


def dark_code() -> str:
    """The colours of code on a dark screen."""
    from pygments.formatters import HtmlFormatter

    rules = HtmlFormatter(style="github-dark").get_style_defs(".pdoc-code")
    return f"@media (prefers-color-scheme: dark) {{\n{rules}\n}}\n"


def make(folder: Path) -> None:
    """Write one HTML page a module, with an index and a search."""
    import pdoc
    import pdoc.render

    resolve_named_tuples()
    name_the_aliases()
    mlsysim.__doc__ = (
        f"{mlsysim.__doc__}\n{questions(folder / 'figures')}\n\n"
        f"## Modules\n\n{', '.join(f'`{name}`' for name in public_modules()[1:])}."
    )
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as templates:
        warnings.simplefilter("error")
        Path(templates, "custom.css").write_text(COLOURS + dark_code(), "utf-8")
        pdoc.render.configure(
            docformat="google",
            show_source=False,
            footer_text=f"mlsysim {mlsysim.__version__}",
            template_directory=Path(templates),
        )
        exported = [f"mlsysim.{name}" for name in mlsysim.__all__]  # pdoc finds these by itself
        pdoc.pdoc(*(m for m in public_modules() if m not in exported), output_directory=folder)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs" / "api"
    make(target)
    print(f"{len(public_modules())} modules: {target / 'index.html'}")
