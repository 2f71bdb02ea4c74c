"""A check reads the notebook's file: the front end is asked to save it first, and what it did not save is told."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Executed", "Place", "save", "saved_at"]

SECONDS = 2.0  # that a front end has to save
# JupyterLab and Notebook 7 run this in the page, where the button that saves the notebook is. An output is drawn before it is in the page. What is
# saved holds this output too: when the notebook is opened again, its time is over. The clocks of page and kernel may differ a little.
PRESS_SAVE = """
(function press(tries) {
  if (Math.abs(Date.now() - NOW) > 600000) { return; }
  const panel = element.closest('.jp-NotebookPanel') ||
    (tries < 10 ? null : document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)'));
  const item = panel && panel.querySelector('.jp-NotebookPanel-toolbar [data-jp-item-name="save"]');
  const button = item && (item.querySelector('[data-command], button, jp-button') || item);
  if (button) { button.click(); } else if (tries < 20) { setTimeout(() => press(tries + 1), 50); }
})(0);
"""


def save(notebook: Path, place: Place) -> bool:
    """Ask the front end to save *notebook*, by an output in this *place*; whether its file was written meanwhile."""
    before = _stamp(notebook)
    script = PRESS_SAVE.replace("NOW", str(round(1000 * time.time())))
    place.show({"application/javascript": script, "text/plain": f"Saving {notebook.name} …"})
    until = time.monotonic() + SECONDS
    while _stamp(notebook) == before and time.monotonic() < until:
        time.sleep(0.02)
    return _stamp(notebook) != before


class Place:
    """An output of the cell that runs, which is written over; what else the cell shows stays."""

    def __init__(self) -> None:
        self._name = ""

    def show(self, data: dict[str, str]) -> None:
        """Show *data*, by MIME type, in the place of what was shown here before."""
        from IPython.display import publish_display_data

        more = {"update": True} if self._name else {}
        self._name = self._name or uuid.uuid4().hex
        publish_display_data(data, transient={"display_id": self._name}, **more)


def saved_at(notebook: Path) -> float:
    """When the file was written last, in seconds since the epoch; 0 if it is not there."""
    try:
        return notebook.stat().st_mtime
    except OSError:
        return 0.0


def _stamp(notebook: Path) -> tuple[int, int] | None:
    try:
        found = notebook.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


class Executed:
    """When each cell ran last and with which text, as far as the front end tells which cell that is."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[float, str]] = {}

    def note(self, info: Any) -> None:
        """A cell begins to run: IPython's event ``pre_run_cell``."""
        cell = getattr(info, "cell_id", None)
        if isinstance(cell, str) and isinstance(info.raw_cell, str):
            self._runs[cell] = time.time(), info.raw_cell

    def unsaved_in(self, notebook: Path) -> int:
        """How many cells ran, since *notebook* was saved, with another text than they have in its file."""
        on_disk, saved = _texts(notebook), saved_at(notebook)
        return sum(
            on_disk[cell].strip() != text.strip()
            for cell, (at, text) in self._runs.items()
            if cell in on_disk and at > saved
        )


def _texts(notebook: Path) -> Mapping[str, str]:
    """The text of each cell of the file, by its id; none if it cannot be read."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        return {cell["id"]: "".join(cell["source"]) for cell in cells if "id" in cell}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
