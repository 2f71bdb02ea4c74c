"""Makes what a student's notebook shows harmless on the pages that show it.

Formgrader and feedback pages render outputs and Markdown as HTML, in the browser of someone who may change marks: a script in them could.
Text, tables and pictures stay; nothing that runs, loads or submits does.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any

from autograder.notebook.display.allowance import TOO_MUCH, TooMuch
from autograder.notebook.display.budgets import MAX_HTML
from autograder.notebook.display.expendable import ask
from autograder.notebook.display.pictures import small_enough

__all__ = [
    "inert_attachments",
    "inert_markdown",
    "inert_outputs",
    "inert_picture",
    "inert_text",
    "writable",
]

PICTURES = ("image/png", "image/jpeg", "image/gif")
MAX_OUTPUTS = 500  # of a cell; prints in a row are one
MAX_ALT = 2000
MAX_SIDE = 10_000  # pixels of a picture
# The pages' renderer of colours copies the rest of the text at every code, and 200 MB take it a moment.
MAX_COPIED = 200_000_000
TAG_OPENS = re.compile(r"<(?=[A-Za-z/!?])")
FILE_NAME = re.compile(r"[\w. -]{1,100}")
UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
ESCAPE = re.compile(r"\x1b(?:\[([0-9;?]*[ -/]*[@-~]))?")
COLOUR = re.compile(r"(?:\d{1,3}(?:;\d{1,3}){0,9})?m")
# The figures of the course's own plots need no cleaning: nothing but a description without markup and a picture.
FIGURE = re.compile(
    r'<img alt="[^"&<>]*(?:&(?:amp|lt|gt|quot|#x27);[^"&<>]*)*" src="data:image/png;base64,([A-Za-z0-9+/]+={0,2})">'
)


def writable(text: str) -> str:
    """*text* with a mark for every character that files and databases do not take: halves of surrogate pairs, and NUL."""
    return UNWRITABLE.sub("\ufffd", text)


def inert_text(value: Any) -> str:
    """Text that a cell printed, with its colours, without other terminal commands, and no more of it than can be shown."""
    text = writable(
        "".join(part for part in value if isinstance(part, str)) if isinstance(value, list) else str(value)
    )
    cut = text if len(text) <= MAX_HTML else f"{text[:MAX_HTML]}\n{TOO_MUCH}"
    if "\x1b" not in cut:
        return cut
    colours = cut.count("\x1b") * len(cut) <= MAX_COPIED
    return ESCAPE.sub(lambda found: found[0] if colours and COLOUR.fullmatch(found[1] or "") else "", cut)


def inert_markdown(text: str) -> str:
    """*text* without HTML: a zero-width space after each ``<`` that would open a tag, so that it reads the same and is none."""
    return TAG_OPENS.sub("<\u200b", writable(text))


def inert_attachments(attachments: Any) -> dict[str, dict[str, str]]:
    """The pictures among a Markdown cell's attachments."""
    kept: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        if FILE_NAME.fullmatch(str(name)) and isinstance(bundle, dict):
            pictures = {kind: data for kind in PICTURES if (data := inert_picture(bundle.get(kind)))}
            if pictures:
                kept[name] = pictures
    return kept


def inert_picture(text: Any) -> str:
    """Base64 text as it should be, of a picture that browsers can show, or nothing: other text could close the attribute that it stands in."""
    if not isinstance(text, str):
        return ""
    try:
        encoded = base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return encoded if small_enough(encoded) else ""


def inert_outputs(outputs: Iterable[Any]) -> list[dict[str, Any]]:
    """Outputs in nbformat's form with the pictures, HTML and text that are safe to show; each is made anew."""
    made: list[dict[str, Any]] = []
    for output in outputs:
        if len(made) == MAX_OUTPUTS:
            made.append({"output_type": "stream", "name": "stdout", "text": f"\n{TOO_MUCH}\n"})
            break
        kind = output.get("output_type") if isinstance(output, dict) else None
        if kind == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            made.append({"output_type": kind, "name": name, "text": inert_text(output.get("text", ""))})
        elif kind == "error":
            lines = output.get("traceback")
            made.append(
                {
                    "output_type": kind,
                    "ename": inert_text(output.get("ename", "")),
                    "evalue": inert_text(output.get("evalue", "")),
                    "traceback": inert_text("\n".join(map(str, lines))).split("\n")
                    if isinstance(lines, list)
                    else [],
                }
            )
        elif kind in ("display_data", "execute_result") and isinstance(output.get("data"), dict):
            data, metadata = _bundle(output["data"], output.get("metadata"))
            more = {"execution_count": None} if kind == "execute_result" else {}
            if data:
                made.append({"output_type": kind, "data": data, "metadata": metadata, **more})
    return made


def _bundle(data: dict[Any, Any], metadata: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    about = metadata if isinstance(metadata, dict) else {}
    kept: dict[str, Any] = {kind: picture for kind in PICTURES if (picture := inert_picture(data.get(kind)))}
    described = {kind: _facts(about.get(kind)) for kind in kept}
    plain = inert_text(data["text/plain"]) if "text/plain" in data else ""
    drawing = _facts(about.get("image/svg+xml")).get("alt", "")
    ways: dict[str, Callable[[str], str]] = {
        "image/svg+xml": lambda text: str(ask("drawing", text, "notebook", drawing)),
        "text/html": _html,
        "text/markdown": lambda text: str(ask("markdown", text, "notebook", 0)),
        "text/latex": lambda text: str(ask("latex", text, "notebook")),
    }
    if kept:  # a picture is shown as it is
        del ways["image/svg+xml"]
    for kind, way in ways.items():
        if isinstance(data.get(kind), str):
            try:
                kept["text/html"] = way(writable(data[kind]))
            except TooMuch:
                plain = f"{plain[:MAX_ALT]}\n{TOO_MUCH}".lstrip()
            break
    if plain:
        kept["text/plain"] = plain
    return kept, {kind: facts for kind, facts in described.items() if facts}


def _html(text: str) -> str:
    figure = FIGURE.fullmatch(text)
    if figure and small_enough(figure[1]):
        return f'<div class="tex2jax_ignore">{text}</div>'
    return str(ask("html", text, "notebook"))


def _facts(facts: Any) -> dict[str, Any]:
    if not isinstance(facts, dict):
        return {}
    kept: dict[str, Any] = {
        key: int(facts[key])
        for key in ("width", "height")
        if type(facts.get(key)) in (int, float) and 0 < facts[key] <= MAX_SIDE
    }
    if isinstance(facts.get("alt"), str):
        kept["alt"] = writable(facts["alt"][:MAX_ALT])
    return kept
