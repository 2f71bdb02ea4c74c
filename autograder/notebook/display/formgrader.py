"""Whether Formgrader can show a Markdown cell as it is: rendered by the very renderer it uses, and compared with an allow-list."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Collection, Mapping
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

from latex2mathml.symbols_parser import SYMBOLS

from autograder.notebook.display.budgets import MAX_DEPTH, MAX_TEXT
from autograder.notebook.display.elements import CLASSES, HTML
from autograder.notebook.display.pictures import small_enough

__all__ = ["load_renderer", "shows"]

PICTURE = re.compile(r"data:image/(?:png|jpeg|gif);base64,[A-Za-z0-9+/]+=*")
ADDRESS = re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE)
ANY = re.compile(r".*", re.DOTALL)
VOID = ("br", "hr", "img", "input")
# What the renderer makes of Markdown, each attribute with its values.
ATTRIBUTES = {
    ("a", "href"): ADDRESS,
    ("a", "title"): ANY,
    ("img", "src"): PICTURE,
    ("img", "alt"): ANY,
    ("img", "title"): ANY,
    ("code", "class"): re.compile(r"language-[\w+#.-]{1,40}"),
    ("div", "class"): re.compile("highlight"),
    ("span", "class"): re.compile("|".join(map(re.escape, CLASSES["span"]))),
    ("li", "class"): re.compile("task-list-item"),
    ("input", "class"): re.compile("task-list-item-checkbox"),
    ("input", "type"): re.compile("checkbox"),
    ("input", "disabled"): ANY,
    ("input", "checked"): ANY,
    ("ol", "start"): re.compile(r"\d{1,9}"),
    ("td", "style"): re.compile(r"text-align:(?:left|right|center)"),
    ("th", "style"): re.compile(r"text-align:(?:left|right|center)"),
}
# MathJax typesets the rest. It knows commands that make links, set styles, load files or redefine others; these are the ones that do not.
COMMANDS = frozenset(
    "above acute argmax argmin atop bar begin bf big Big bigg Bigg biggl biggr bigl bigr Bigl Bigr binom bmod boxed breve cal cancel cdot cdots cfrac "  # noqa: SIM905
    "check choose cos cosh cot coth csc dbinom ddot ddots deg det dfrac dim displaystyle dot dots emph end enspace exp fbox frac gcd hat hbox hline "
    "hom hspace inf int it iff implies ker left lfloor lceil lg lim liminf limits limsup ln log mathbb mathbf mathcal mathfrak mathit mathop mathord mathrel "
    "mathrm mathscr mathsf mathtt max mbox mid middle min mod negthinspace nolimits nonumber not notag operatorname over overbrace overleftarrow overline "
    "overrightarrow overset phantom pmod Pr prime prod qquad quad rceil rfloor right rm root scriptscriptstyle scriptstyle sec sf sin sinh smash space "
    "sqrt stackrel substack sum sup tan tanh tbinom text textbf textit textrm textsf textstyle texttt tfrac thinspace tilde to tt underbrace "
    "underline underset vdots vec vphantom widehat widetilde xleftarrow xrightarrow".split()
)
ENVIRONMENTS = frozenset(
    "align align* aligned array Bmatrix bmatrix cases equation equation* gather gather* gathered matrix pmatrix smallmatrix split "  # noqa: SIM905
    "Vmatrix vmatrix".split()
)
FORMULA = re.compile(r"\$|\\[(\[]|\\begin|\\(?:eq)?ref\b")
COMMAND = re.compile(r"\\([A-Za-z]+)")
ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^{}]{0,40})\}")
MAX_BRACES = 30  # nested; browsers set nothing that is deeper in a reasonable time


def load_renderer() -> tuple[Any, Any, Any]:
    """nbconvert's Markdown, its renderer, and what Formgrader does to the HTML, without the rest of nbconvert."""
    for name in ("nbconvert", "nbconvert.filters", "nbconvert.preprocessors"):
        if name not in sys.modules:  # these packages import all that nbconvert has, for seconds
            found = importlib.util.find_spec(name)
            package = ModuleType(name)
            package.__path__ = list((found and found.submodule_search_locations) or [])
            package.__spec__ = found
            sys.modules[name] = package
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from nbconvert.filters.strings import strip_files_prefix

    return MarkdownWithMath, IPythonRenderer, strip_files_prefix


def shows(source: str, attachments: Mapping[str, Any] | None, taken: Collection[str]) -> bool:
    """Whether Formgrader renders *source* as something that can do nothing; *taken* are ids that its scripts look for."""
    if len(source) > MAX_TEXT:
        return False
    markdown, renderer, after = load_renderer()
    try:
        rendered = after(
            markdown(renderer=renderer(escape=False, attachments=dict(attachments or {}))).render(source)
        )
    except Exception:  # it raises many kinds, which would take down Formgrader's page: for a picture that is missing, for deep nesting
        return False
    inspector = _Inspector(taken)
    inspector.feed(rendered)
    inspector.close()
    return inspector.harmless and not inspector.depth


class _Inspector(HTMLParser):
    """Compares what was rendered with what may be, and formulas with what MathJax may be given."""

    def __init__(self, taken: Collection[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.harmless = True
        self.depth = 0
        self._taken = taken
        self._verbatim = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.harmless &= tag in HTML or tag == "input"
        self.harmless &= all(self._fits(tag, name, value or "", attributes) for name, value in attributes)
        if tag not in VOID:
            self.depth += 1
            self._verbatim += tag in ("pre", "code")
        self.harmless &= self.depth <= MAX_DEPTH

    def _fits(self, tag: str, name: str, value: str, attributes: list[tuple[str, str | None]]) -> bool:
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6") and name == "id":
            return value not in self._taken
        if tag == "a" and ("class", "anchor-link") in attributes:
            return name == "class" or (name == "href" and value.startswith("#"))
        if (tag, name) == ("img", "src") and not small_enough(value.partition(",")[2]):
            return False
        pattern = ATTRIBUTES.get((tag, name))
        return pattern is not None and pattern.fullmatch(value) is not None

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.depth -= 1
            self._verbatim -= tag in ("pre", "code")

    def handle_data(self, text: str) -> None:
        if not self._verbatim and FORMULA.search(text):
            self.harmless &= _typesets(text)

    def handle_comment(self, data: str) -> None:
        self.harmless = False

    def handle_decl(self, decl: str) -> None:
        self.harmless = False

    def handle_pi(self, data: str) -> None:
        self.harmless = False

    def unknown_decl(self, data: str) -> None:
        self.harmless = False


def _typesets(text: str) -> bool:
    depth = deepest = 0
    for brace in re.findall("[{}]", text):
        depth += 1 if brace == "{" else -1
        deepest = max(deepest, depth)
    known = all(name in COMMANDS or "\\" + name in SYMBOLS for name in COMMAND.findall(text))
    begun = len(re.findall(r"\\(?:begin|end)\b", text))
    named = ENVIRONMENT.findall(text)
    return known and deepest <= MAX_BRACES and begun == len(named) and set(named) <= ENVIRONMENTS
