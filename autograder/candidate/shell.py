"""IPython as a notebook has it, with everything that a cell shows kept as outputs."""

from __future__ import annotations

import asyncio
import builtins
import io
import sys
from types import TracebackType
from typing import Any

from IPython.core.async_helpers import get_asyncio_loop
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.formatters import DisplayFormatter
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import select_figure_formats
from traitlets.config import Config

from autograder.candidate.left_out import leave_out_checks

__all__ = ["OUTPUTS", "error_text", "make_shell", "student_frames"]

TASKS_SECONDS = 0.05  # for tasks that a cell began; in a notebook they go on between cells
NO_INPUT = "input() gets no answer while a notebook is graded: write the value into the cell"


class _Outputs:
    """The outputs of the cell that runs, in nbformat's form, up to a number of bytes.

    Attributes:
        only_text: whether nobody will see anything but printed text, so that no picture has to be drawn.
    """

    def __init__(self) -> None:
        self.limit = 1 << 20
        self.only_text = False
        self.start()

    def start(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.size = 0
        self.cut = False

    def room_for(self, count: int) -> bool:
        if self.size + count <= self.limit:
            self.size += count
            return True
        if not self.cut:
            self.cut = True
            text = f"\n[output cut at {self.limit // 1024} KB]\n"
            self.items.append({"output_type": "stream", "name": "stdout", "text": text})
        return False

    def text(self, name: str, text: str) -> None:
        if not text or self.cut:
            return
        room = max(0, self.limit - self.size)
        kept = text[:room]
        last = self.items[-1] if self.items else {}
        if last.get("name") == name:
            last["text"] += kept
        elif kept:
            self.items.append({"output_type": "stream", "name": name, "text": kept})
        self.size += len(kept)
        if len(text) > room:
            self.room_for(len(text))

    def rich(self, kind: str, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        if self.room_for(sum(len(str(value)) for value in data.values())):
            plain = {str(key): _plain(value) for key, value in data.items()}
            self.items.append({"output_type": kind, "data": plain, "metadata": _plain(metadata)})


def _plain(value: Any) -> Any:
    """What nbformat can hold of a MIME bundle: PNG bytes as base64 text, the rest as JSON or text."""
    if isinstance(value, bytes):
        import base64

        return base64.b64encode(value).decode("ascii")
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if type(value) in (bool, int, float, str) or value is None else str(value)


OUTPUTS = _Outputs()


class _Stream(io.TextIOBase):
    """Stands for sys.stdout and sys.stderr."""

    encoding = "utf-8"
    errors = "strict"
    closed = False

    def __init__(self, name: str, descriptor: int) -> None:
        self.name = f"<{name}>"
        self._name, self._descriptor = name, descriptor

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        OUTPUTS.text(self._name, text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """As in a kernel, what is written to it is not shown in the notebook."""
        return self._descriptor


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        OUTPUTS.rich("execute_result", format_dict, md_dict or {})

    def finish_displayhook(self) -> None:
        pass


class _Publisher(DisplayPublisher):
    def publish(self, data: Any, metadata: Any = None, source: Any = None, **more: Any) -> None:
        OUTPUTS.rich("display_data", data, metadata or {})

    def clear_output(self, wait: bool = False) -> None:
        OUTPUTS.start()


class _Formatter(DisplayFormatter):
    def format(self, obj: Any, include: Any = None, exclude: Any = None) -> tuple[Any, Any]:
        if OUTPUTS.only_text:
            self.ipython_display_formatter(obj)  # an object that shows itself may print
            return {}, {}
        shown: tuple[Any, Any] = super().format(obj, include, exclude)
        return shown


class StudentShell(InteractiveShell):
    """IPython without a terminal and without a kernel."""

    last_error: dict[str, Any] | None = None
    displayhook_class = _Hook
    display_pub_class = _Publisher

    def init_display_formatter(self) -> None:
        """What turns an object into what is shown of it."""
        self.display_formatter = _Formatter(parent=self)
        self.configurables.append(self.display_formatter)  # type: ignore[arg-type]

    def enable_gui(self, gui: Any = None) -> None:
        """No event loop: figures are shown inline."""

    def system(self, cmd: str) -> None:
        """``!command``: there is no terminal to hand out, so its output is read and shown."""
        import subprocess

        done = subprocess.run(
            self.var_expand(cmd, depth=1), shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        sys.stdout.write(done.stdout.decode("utf-8", "replace"))
        self.user_ns["_exit_code"] = done.returncode

    def _showtraceback(self, etype: Any, evalue: Any, stb: Any) -> None:
        self.last_error = {
            "ename": etype.__name__,
            "evalue": error_text(evalue),
            "traceback": [str(line) for line in stb],
            "frames": _frames(evalue, self.user_ns),
        }

    def run(self, source: str, output_limit: int) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
        """Run one cell; returns its outputs and its error (ename, evalue, traceback), or None."""
        OUTPUTS.limit = output_limit
        OUTPUTS.start()
        self.last_error = None
        try:
            get_asyncio_loop().run_until_complete(self._run_in_loop(source))
        except BaseException as error:  # the machinery that the student may have patched
            self.last_error = {"ename": type(error).__name__, "evalue": error_text(error), "traceback": []}
        return OUTPUTS.items, self.last_error

    async def _run_in_loop(self, source: str) -> None:
        """Run a cell while an event loop runs, as ipykernel does, and go on with the tasks that it began."""
        failed, result = None, None
        try:
            transformed = self.transform_cell(source)
        except Exception:
            transformed, failed = source, sys.exc_info()
        try:
            result = await self.run_cell_async(
                source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=failed
            )
        finally:
            self.events.trigger("post_execute")
            self.events.trigger("post_run_cell", result)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        if tasks:
            await asyncio.wait(tasks, timeout=TASKS_SECONDS)

    def end_loop(self) -> None:
        """Close the event loop, so that a fork of this process makes one of its own."""
        get_asyncio_loop().close()


def error_text(error: BaseException | None, longest: int = 2000) -> str:
    """The text of an error, cut; its class may be the student's."""
    try:
        return str.__str__(str(error))[:longest]
    except BaseException:
        return "(its message could not be read)"


def student_frames(traceback: TracebackType | None, namespace: dict[str, Any]) -> list[tuple[int, str]]:
    """(line, text) of the frames of a traceback that are the student's."""
    import linecache

    frames = []
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_globals is namespace:
            text = linecache.getline(frame.f_code.co_filename, traceback.tb_lineno).strip()
            frames.append((traceback.tb_lineno, text[:200]))
        traceback = traceback.tb_next
    return frames


def _frames(error: Any, namespace: dict[str, Any]) -> list[tuple[int, str]]:
    """The line of its cell that an error comes from; of a cell that is no Python, the line where reading it ended."""
    try:
        if isinstance(error, SyntaxError) and type(error.lineno) is int:
            return [(error.lineno, str(error.text or "").strip()[:200])]
        return student_frames(error.__traceback__, namespace)[:1]
    except Exception:  # its class may be the student's
        return []


def _no_input(*prompt: object) -> str:
    raise RuntimeError(NO_INPUT)


def make_shell() -> StudentShell:
    """The shell, with the process's standard streams and input() replaced."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.xmode = "Context"
    shell = StudentShell.instance(config=config)
    # The inline backend does this for the shell of a kernel; the candidate's shell is none, and figures would be shown as text.
    select_figure_formats(shell, {"png"}, bbox_inches="tight")
    leave_out_checks(shell)
    sys.stdout, sys.stderr = _Stream("stdout", 1), _Stream("stderr", 2)
    builtins.input = _no_input
    return shell
