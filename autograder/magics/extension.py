"""The commands: ``%check``, ``%hint`` and ``%progress``. None of them raises: what is wrong is said in a sentence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, line_magic, magics_class

from autograder.magics.asked import AskError, ask_check, ask_progress
from autograder.magics.card import Card, Said
from autograder.magics.saved import Executed, Place, save, saved_at
from autograder.magics.which import SUFFIX, VS_CODE, WhichError, this_folder, this_notebook

__all__ = ["Checks"]


@magics_class
class Checks(Magics):
    """What somebody who works on a notebook can ask in it."""

    def __init__(self, shell: Any) -> None:
        super().__init__(shell)
        self._executed = Executed()
        shell.events.register("pre_run_cell", self._executed.note)

    @line_magic
    def check(self, line: str) -> None:
        """``%check [NOTEBOOK]``: run the tests on this notebook, or on the one that is named, and show what they say."""
        self._show(line.strip().strip("\"'"), ())

    @line_magic
    def hint(self, line: str) -> None:
        """``%hint [PART] [NOTEBOOK.ipynb]``: the next hint for the first part that fails and was tried, or for the part that is named."""
        part, _, named = (
            line.strip().rpartition(" ") if line.strip().endswith(SUFFIX) else (line.strip(), "", "")
        )
        self._show(named, (f"--hint-for={part}",) if part else ("--hint",))

    @line_magic
    def progress(self, line: str) -> None:
        """``%progress``: what is done, tried and next in all notebooks beside this one."""
        place = Place()
        try:
            shell: Any = self.shell
            folder = this_folder(shell.user_ns, os.environ, Path.cwd())
            _tell(place, Said(ask_progress(folder), exact=True))
        except AskError as error:
            _tell(place, Said(str(error)))
        except KeyboardInterrupt:
            _tell(place, Said("Stopped."))

    def _show(self, named: str, options: Sequence[str]) -> None:
        place = Place()
        try:
            shell: Any = self.shell
            names = shell.user_ns
            notebook = this_notebook(named, names, os.environ, Path.cwd())
            asks = not named and VS_CODE not in names and hasattr(shell, "kernel")
            saved = asks and save(notebook, place)
            place.show({"text/plain": f"Checking {notebook.name} …"})
            told = ask_check(notebook, options)
            state = self._of_what(notebook, saved, bool(named))
            _tell(place, Card(told, notebook.name, state, hint_only=bool(options)))
        except (AskError, WhichError) as error:
            _tell(place, Said(str(error)))
        except KeyboardInterrupt:
            _tell(place, Said("The check was stopped."))

    def _of_what(self, notebook: Path, saved: bool, is_other: bool) -> str:
        """Of which state of the notebook the check is."""
        at = datetime.fromtimestamp(saved_at(notebook)).strftime("%H:%M:%S")
        unsaved = 0 if is_other else self._executed.unsaved_in(notebook)
        if saved:
            return f"{notebook.name} as it was saved at {at}."
        if not unsaved:
            return (
                f"{notebook.name} as it was saved at {at}: what was changed after that is not in this check."
            )
        cells = "a cell that you ran has" if unsaved == 1 else f"{unsaved} cells that you ran have"
        return (
            f"{notebook.name} was saved last at {at}, and {cells} another text now: "
            "save the notebook and check again."
        )


def _tell(place: Place, what: Card | Said) -> None:
    place.show({"text/html": what._repr_html_(), "text/plain": repr(what)})
