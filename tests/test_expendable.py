"""The process that renders students' texts may die, hang or grow: the next text is answered all the same, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autograder.bounds.deadline import TimeIsUp, deadline
from autograder.notebook.display import budgets, expendable
from autograder.notebook.display.allowance import TooMuch
from autograder.notebook.display.budgets import MEMORY_MB
from autograder.notebook.display.expendable import ask

BOMB = "<p>" + "".join(f"<b title={i}>" for i in range(6000)) + "</p>" + "<p>x</p>" * 6000


def bold(number: int) -> str:
    return f'<div class="tex2jax_ignore"><b>{number}</b></div>'


def helper_pid() -> int:
    ask("html", f"<i>{time.monotonic()}</i>", "notebook")
    assert expendable._helper is not None
    return expendable._helper._process.pid


def gone(pid: int) -> bool:
    """Whether the process ends within a few seconds."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_a_helper_that_was_killed_is_replaced():
    first = helper_pid()
    os.kill(first, signal.SIGKILL)
    assert gone(first)
    assert ask("html", "<b>2</b>", "notebook") == bold(2)
    assert helper_pid() != first


def test_one_that_does_not_answer_in_time_is_ended(monkeypatch):
    first = helper_pid()
    monkeypatch.setattr(budgets, "SECONDS", 0.2)
    with pytest.raises(TooMuch):
        ask("html", "<div>" * 150_000, "notebook")
    assert gone(first)
    monkeypatch.undo()
    assert ask("html", "<b>3</b>", "notebook") == bold(3)


def test_one_that_waits_for_a_busy_machine_is_waited_for(monkeypatch):
    """Only the time that it has a processor counts."""
    pid = helper_pid()
    monkeypatch.setattr(budgets, "SECONDS", 0.5)
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(1.0, os.kill, (pid, signal.SIGCONT)).start()
    assert ask("html", "<b>4</b>", "notebook") == bold(4)


def test_one_that_takes_too_much_memory_is_ended_and_the_grader_grows_by_nothing(monkeypatch):
    monkeypatch.setattr(budgets, "SECONDS", 30.0)
    peaks = []
    watched = helper_pid()

    def watch() -> None:
        while True:
            try:
                status = Path(f"/proc/{watched}/status").read_text()
            except OSError:
                return
            peaks.extend(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            time.sleep(0.01)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    with pytest.raises(TooMuch):
        ask("html", BOMB, "notebook")
    assert gone(watched)
    thread.join(10)
    assert max(peaks) < (MEMORY_MB + 150) * 1024


def test_an_alarm_in_the_middle_does_not_shift_the_answers():
    with pytest.raises(TimeIsUp), deadline(0.1):
        ask("html", "<div>" * 100_000 + "a", "notebook")
    for number in range(10, 15):
        assert ask("html", f"<b>{number}</b>", "notebook") == bold(number)


def test_threads_get_each_their_own_answer():
    wrong: list[int] = []

    def work(start: int) -> None:
        for number in range(start, start + 50):
            if ask("html", f"<b>{number}</b>", "notebook") != bold(number):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(1000 * n,)) for n in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_forked_process_has_a_helper_of_its_own_and_leaves_none_behind():
    ours = helper_pid()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(helper_pid()).encode())
        finally:
            os._exit(0)
    os.close(write)
    theirs = int(os.read(read, 100))
    os.close(read)
    os.waitpid(child, 0)
    assert theirs != ours and gone(theirs)
    assert helper_pid() == ours


def test_a_grader_that_is_killed_leaves_no_helper_behind_even_a_busy_one():
    text = """if True:
        import sys, threading
        from autograder.notebook.display import expendable
        expendable.ask("html", "<b>1</b>", "notebook")
        print(expendable._helper._process.pid, flush=True)
        if sys.argv[1] == "busy":
            expendable._helper._channel.send(["html", 2.0, "<div>" * 390_000, "notebook"])
        sys.stdin.read()
    """
    for state in ("idle", "busy"):
        with subprocess.Popen(
            [sys.executable, "-c", text, state], stdout=subprocess.PIPE, stdin=subprocess.PIPE
        ) as grader:
            assert grader.stdout is not None
            helper = int(grader.stdout.readline())
            time.sleep(0.3)
            grader.kill()
        assert gone(helper)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_it_has_nothing_of_the_grader_s(tmp_path):
    with (tmp_path / "gradebook.db").open("w") as book:
        os.set_inheritable(book.fileno(), True)
        expendable.close()
        pid = helper_pid()
        opened = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
    assert sum(name.startswith("socket:") for name in opened) == 1
    assert all(name == "/dev/null" or name.startswith("socket:") for name in opened)
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    assert {item.split(b"=")[0] for item in environment if item} == {
        b"PATH",
        b"LANG",
        b"PYTHONHASHSEED",
        b"OPENBLAS_NUM_THREADS",
    }
    assert os.readlink(f"/proc/{pid}/cwd") == "/"


def test_it_imports_nothing_of_nbgrader_or_of_the_classroom():
    text = "import sys, autograder.notebook.display.helper as h; h.load_renderer(); print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "nh3" in found
    assert not [
        name
        for name in found
        if name.startswith(("nbgrader", "sqlalchemy", "nbclient", "autograder.grading"))
    ]


def test_nothing_is_started_for_a_notebook_of_plain_text():
    text = """if True:
        from autograder.notebook.display import expendable
        from autograder.notebook.rendering import make_inert
        cells = [{"cell_type": "markdown", "source": "The gain falls: 2.7x, *not* 1.9x.", "metadata": {}},
                 {"cell_type": "code", "source": "x = 1", "metadata": {}}]
        make_inert(cells, {1: [{"output_type": "stream", "name": "stdout", "text": "x"},
            {"output_type": "display_data", "data": {"text/html": '<img alt="a" src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==">'}, "metadata": {}}]})
        assert cells[0]["source"].startswith("The gain") and cells[1]["outputs"][1]["data"]["text/html"]
        assert expendable._helper is None
    """
    subprocess.run([sys.executable, "-c", text], check=True)
