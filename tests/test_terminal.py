"""What commands write to a terminal: it fits, nothing moves where that is not wanted, and nobody has to read it to its end."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.report.rows import Row, print_report
from tests.pace import HANG

WORDS = st.text("abcdefgh 0123456789-_[]/éß…漢", max_size=90)
SCORE = st.none() | st.sampled_from([0.0, 7.0, 13.25, 100.0])
MOVES = """
import sys
from autograder.terminal import terminal
from rich.progress import Progress
console = terminal()
with console.status("Working"), Progress(console=console) as progress:
    progress.update(progress.add_task("Pages", total=2), advance=1)
console.print("[red]done[/] 7")
"""


@st.composite
def classes(draw):
    """A class in four notebooks, whatever the ids and whatever is said of them."""
    expected, hints = draw(st.booleans()), draw(st.booleans())
    return [
        Row(
            draw(WORDS),
            draw(WORDS),
            {f"{at}_part": (draw(SCORE), 19.0) for at in range(4)},
            draw(st.sampled_from([0.0, 8.0, 2.5])),
            draw(st.sampled_from([0.0, 57.25])) if expected else None,
            hints=draw(st.integers(0, 40)) if hints else None,
        )
        for _ in range(draw(st.integers(0, 3)))
    ]


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_the_marks_of_a_class_fit(columns, monkeypatch, capsys):
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", str(columns))

    @given(classes())
    def fit(rows):
        print_report(rows)
        shown = capsys.readouterr().out
        assert max(map(cell_len, shown.splitlines()), default=0) <= columns
        for row in rows:
            # Whatever is wrapped, every mark is there in full.
            assert all("–" if mark is None else f"{mark:g}" in shown for mark, _ in row.marks.values())
            assert "".join(row.student.split()) in "".join(shown.split())
            assert "".join(row.says.split()) in "".join(shown.split()) or row.says != row.says.strip()

    fit()


def on_a_terminal(**environment):
    """What *MOVES* writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", MOVES], stdout=theirs, env=os.environ | environment, close_fds=True
    ):
        os.close(theirs)
        said = b""
        try:
            while data := os.read(ours, 1 << 16):
                said += data
        except OSError:  # Linux says so of an end that was closed
            pass
    os.close(ours)
    return said.decode()


def test_nothing_moves_where_no_colours_are_wanted():
    moving = on_a_terminal(TERM="xterm", NO_COLOR="")
    assert "\x1b[?25l" in moving and "Working" in moving  # it does elsewhere
    still = on_a_terminal(TERM="xterm", NO_COLOR="1")
    assert "\x1b" not in still and "Working" not in still
    assert "done 7" in still and "Pages" in still


def test_nothing_moves_without_a_terminal():
    said = subprocess.run([sys.executable, "-c", MOVES], capture_output=True, text=True, timeout=HANG).stdout
    assert "\x1b" not in said and "Working" not in said and "done 7" in said


def test_every_command_writes_through_the_same_console(root):
    own = [
        path.name
        for path in (root / "autograder").rglob("*.py")
        if re.search(r"\bConsole\(|\bProgress\(\)", path.read_text("utf-8")) and path.name != "terminal.py"
    ]
    assert own == ["progress.py"]  # which keeps a student's progress


def test_who_reads_the_beginning_alone_leaves_no_traceback():
    command = Path(sys.executable).parent / "autograder"
    reading, writing = os.pipe()
    os.close(reading)  # as head does once it has read enough
    done = subprocess.run(
        [command, "--version"], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=HANG
    )
    os.close(writing)
    assert done.stderr == "" and done.returncode == 141


TOO_LONG = "x" * 300  # more than any file system allows


@pytest.mark.parametrize(
    "words",
    [
        ["check", f"{TOO_LONG}.ipynb"],
        ["check", TOO_LONG],
        ["check", "--exam", TOO_LONG, "NOTEBOOK"],
        ["check", "--html", TOO_LONG, "NOTEBOOK"],
        ["progress", TOO_LONG],
        ["progress", "--progress", TOO_LONG],
        *([command, "kv_cache", "--course", TOO_LONG] for command in ("grade", "feedback", "report", "lint")),
        ["exam", "kv_cache", "--out", TOO_LONG],
        ["bundle", "kv_cache", "--for", "students", "--out", TOO_LONG],
    ],
    ids=lambda words: " ".join(words).replace(TOO_LONG, "…"),
)
def test_a_path_that_the_system_refuses_is_told_without_a_traceback(
    root, capsys, monkeypatch, tmp_path, words
):
    from autograder.cli import main

    monkeypatch.chdir(root)
    notebook = tmp_path / "0_bytes.ipynb"
    notebook.write_bytes((root / "assignments" / "kv_cache" / "0_bytes.ipynb").read_bytes())
    assert main([str(notebook) if word == "NOTEBOOK" else word for word in words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1].startswith("autograder: ") and TOO_LONG in said[-1]
