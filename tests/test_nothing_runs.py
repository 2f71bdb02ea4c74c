"""Hundreds of hostile texts at every place where a student's text is shown: a browser opens the pages, touches everything, and nothing runs."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from tests.hostile_payloads import VECTORS, payloads
from tests.shown_pages import FORMGRADER, formgrader_page, kit_pages

BATCH = 100  # payloads on a page
TEXTS = dict(payloads())
BATCHES = (
    list(itertools.batched(TEXTS.values(), BATCH))
    if hasattr(itertools, "batched")
    else [list(TEXTS.values())[at : at + BATCH] for at in range(0, len(TEXTS), BATCH)]
)
STATIC = "nbgrader/server_extensions/formgrader/static"
# In the place of MathJax, which is loaded from elsewhere: what it does with links in formulas.
MATHJAX = r"""
window.MathJax = {Hub: {Config() {}, Queue() {}, Startup: {signal: {Interest() {}}}}};
document.addEventListener("DOMContentLoaded", () => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, text = node.data;
    if (node.parentElement.closest("script, noscript, style, textarea, pre, code, annotation, annotation-xml, .tex2jax_ignore")) continue;
    if (/\$|\\\(|\\\[|\\begin|\\ref/.test(text)) found.push(node);
  }
  for (const node of found) for (const [, address] of node.data.matchAll(/\\(?:href|h|ref)\s*\{([^}]*)\}/g)) {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = "x";
    node.parentElement.append(link);
  }
});
"""
# Links to other sites are allowed and must not lead away from the test.
TOUCH = r"""
() => {
  document.addEventListener("click", event => {
    const link = event.target.closest && event.target.closest("a");
    if (link && /^(https?:|mailto:)/i.test(link.getAttribute("href")) && link.host !== location.host) event.preventDefault();
  }, true);
  const names = ["mouseover", "mouseenter", "mousemove", "mousedown", "mouseup", "mouseout", "pointerover", "pointerdown", "dblclick", "contextmenu",
    "auxclick", "focus", "focusin", "blur", "keydown", "keyup", "input", "change", "toggle", "beforetoggle", "submit", "reset", "select", "invalid",
    "drag", "drop", "copy", "paste", "wheel", "scroll", "load", "error", "begin", "animationstart", "animationend", "transitionend", "start", "bounce"];
  // What has no attribute, or a class alone, has no handler and leads nowhere.
  const bare = element => element.matches("span, div, p, pre, code, tr, td, th, li, mi, mo, mn, mrow, mtext") &&
    [...element.attributes].every(attribute => attribute.name === "class");
  const all = [...document.querySelectorAll(document.querySelector(".input_area") ? ".output *, .rendered_html *, .input_area *" : "main *")].filter(element => !bare(element));
  for (const element of all) {
    if (element.tagName === "DETAILS") element.open = !element.open;
    if (element.focus) element.focus({preventScroll: true});
    if ([...element.attributes].some(attribute => /^on/i.test(attribute.name)))
      for (const name of names) element.dispatchEvent(new Event(name));
    if (element.click) element.click();
    else element.dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
    if (element.tagName === "FORM") element.requestSubmit();
  }
  return all.length;
}
"""


class Watched:
    """Pages in one browser context, and what was seen that must not be."""

    def __init__(self, browser, static: Path, *, bypass_csp: bool) -> None:
        self.context = browser.new_context(bypass_csp=bypass_csp)
        self.seen: set[str] = set()
        self.pages: dict[str, str] = {}
        self.static = static
        self.context.expose_function(
            "pwned", lambda number: self.seen.add(f"ran: {TEXTS.get(number, number)}")
        )
        self.context.route(lambda url: not url.startswith("data:"), self._answer)

    def _answer(self, route) -> None:
        request = route.request
        address = request.url.split("?")[0]
        if address in self.pages:
            route.fulfill(body=self.pages[address], content_type="text/html; charset=utf-8")
        elif "mathjax" in address and address.startswith("https://cdnjs."):
            route.fulfill(body=MATHJAX, content_type="text/javascript")
        elif address.startswith(f"{FORMGRADER}/formgrader/static/"):
            path = self.static / address.removeprefix(f"{FORMGRADER}/formgrader/static/")
            route.fulfill(path=path) if path.is_file() else route.fulfill(status=404)
        elif address == f"{FORMGRADER}/formgrader/api/grades" and request.method == "GET":
            grades = [
                {"name": name, "auto_score": 0, "manual_score": None, "max_score": 1, "id": name}
                for name in ("test_predict",)
            ]
            route.fulfill(body=json.dumps(grades), content_type="application/json")
        elif address == f"{FORMGRADER}/formgrader/api/comments" and request.method == "GET":
            route.fulfill(
                body=json.dumps([{"name": "predict", "id": "predict"}]), content_type="application/json"
            )
        else:
            self.seen.add(f"asked: {request.method} {request.url[:200]}")
            route.abort()

    def open(self, html: str):
        """Open a page, touch everything on it, and return it."""
        address = f"{FORMGRADER}/formgrader/submissions/{len(self.pages)}/"
        self.pages[address] = html
        page = self.context.new_page()
        page.on("dialog", lambda dialog: (self.seen.add("a dialog"), dialog.dismiss()))
        page.on("popup", lambda popup: self.seen.add(f"a window: {popup.url}"))
        page.goto(address, wait_until="load")
        assert page.evaluate(TOUCH) > 0
        page.wait_for_timeout(100)
        if (
            page.url.split("#")[0].split("?")[0] != address
        ):  # Formgrader's scripts note in it what was selected
            self.seen.add(f"went to {page.url}")
        return page


@pytest.fixture
def watched(browser):
    import nbgrader

    opened = []

    def watch(*, bypass_csp: bool = False) -> Watched:
        static = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "static"
        opened.append(Watched(browser, static, bypass_csp=bypass_csp))
        return opened[-1]

    yield watch
    for one in opened:
        one.context.close()


def test_there_are_hundreds_of_different_payloads():
    assert len(set(VECTORS)) >= 50 and len(set(TEXTS.values())) >= 300


@pytest.mark.parametrize("batch", BATCHES, ids=range(len(BATCHES)))
def test_nothing_of_a_submission_runs_on_formgrader_s_page(watched, tmp_path, monkeypatch, batch):
    seen = watched()
    page = seen.open(formgrader_page(list(batch), tmp_path, monkeypatch))
    # Its own scripts work, and find what they look for in the instructor's elements.
    assert (
        page.evaluate("typeof submission_id + typeof base_url + typeof MathJax.Hub") == "stringstringobject"
    )
    assert page.evaluate("formgrader.grade_uis[0].$el.find('input#test_predict.score').length") == 1
    assert page.evaluate("$('#statusmessage').parent().is('body')")
    assert not seen.seen


@pytest.mark.parametrize("batch", BATCHES, ids=range(len(BATCHES)))
def test_nothing_of_a_submission_runs_on_a_page_of_the_kit_even_without_its_policy(
    watched, tmp_path, monkeypatch, batch
):
    seen = watched(bypass_csp=True)
    for html in kit_pages(list(batch), tmp_path, monkeypatch).values():
        seen.open(html).close()
    assert not seen.seen


CONTROLS = {
    "html": "<img src=x onerror=pwned(1)>",
    "markdown": "[x](javascript:pwned(1))",
    "a request": "<img srcset='https://evil.test/1 1x'>",
    "a formula": "$\\href{javascript:pwned(1)}{x}$",
    "a toggle": "<details open ontoggle=pwned(1)><summary>s</summary>d</details>",
    "a frame": "<iframe srcdoc='<script>parent.pwned(1)</script>'></iframe>",
}


@pytest.mark.parametrize("text", CONTROLS.values(), ids=CONTROLS)
def test_the_browser_would_see_what_is_not_cleaned_on_formgrader_s_page(watched, tmp_path, monkeypatch, text):
    seen = watched()
    seen.open(formgrader_page([text], tmp_path, monkeypatch, cleaned=False))
    assert seen.seen


@pytest.mark.parametrize("name", ["feedback", "self-check"])
def test_the_browser_would_see_what_is_not_cleaned_on_a_page_of_the_kit(watched, tmp_path, monkeypatch, name):
    monkeypatch.setattr("autograder.pages.markup.ask", lambda kind, text, *more: text)
    monkeypatch.setattr("autograder.notebook.inert.ask", lambda kind, text, *more: text)
    html = kit_pages([CONTROLS["html"]], tmp_path, monkeypatch)[name]
    seen = watched(bypass_csp=True)
    seen.open(html)
    assert seen.seen
    # The page's policy alone stops it, too.
    guarded = watched()
    guarded.open(html)
    assert not guarded.seen


def test_the_browser_would_see_what_is_not_escaped_in_the_report(watched, tmp_path, monkeypatch):
    html = kit_pages([CONTROLS["html"]], tmp_path, monkeypatch)["report"]
    seen = watched(bypass_csp=True)
    seen.open(html.replace("&lt;", "<").replace("&gt;", ">"))
    assert seen.seen
