"""What a student's process can reach, at each level of confinement, tried from inside."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from pathlib import Path

import pytest

from autograder.bounds.limits import Limits
from autograder.candidate.start import NoSandbox, start_candidate
from autograder.sandbox.levels import LEVELS
from tests.inside import LIMITS, PLACES, in_a_candidate, needs_root

ROOT = Path(__file__).resolve().parent.parent

# Tries everything and returns what worked; the parameters are what must stay out of reach.
PROBE = """
import os, socket, sys


def probe(secret, hidden, address, parent):
    reached = {}

    def attempt(name, action):
        try:
            reached[name] = bool(action() or True)
        except (OSError, RuntimeError, MemoryError) as error:
            reached[name] = False

    def connect():
        with socket.create_connection(tuple(address), timeout=1):
            pass

    attempt("reads a file of the course", lambda: open(secret).read())
    attempt("reads the examiner's code", lambda: open(hidden).read())
    attempt("reads the password file", lambda: open("/etc/passwd").read())
    attempt("writes beside the course", lambda: open(secret + ".mine", "w").close())
    attempt("writes to a mount below the system's folders", lambda: open("/usr/games/shared", "a").write("x"))
    attempt("connects to a server", connect)
    attempt("signals the examiner", lambda: os.kill(parent, 0))
    attempt("sees the examiner's command line", lambda: open(f"/proc/{parent}/cmdline").read())
    attempt("writes in its own folder", lambda: open("mine.txt", "w").write("x"))
    attempt("reads a data file", lambda: open("data.txt").read())
    attempt("reads a data file in a folder", lambda: open("data/deep/table.csv").read())
    attempt("writes beside it", lambda: open("data/deep/mine.csv", "w").write("x"))
    attempt("becomes root", lambda: os.setuid(0))
    return reached


def user():
    return [os.getuid(), os.getcwd(), sorted(os.environ)]
"""
ALWAYS = {
    "writes in its own folder",
    "reads a data file",
    "reads a data file in a folder",
    "writes beside it",
}


@pytest.fixture(scope="module")
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield list(listening.getsockname())


@pytest.fixture
def course():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "gradebook.db").write_text("marks")
        yield folder


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_a_student_reaches_their_own_folder_and_nothing_else_but_with_limits_alone(
    level, user, course, server
):
    """The course is the user's own, and what may be read in it all users may read."""
    book = course / "gradebook.db"
    for path in (course, book):
        os.chown(path, user, user)
    exam = str(ROOT / "autograder" / "exam" / "examine.py")
    outcome = in_a_candidate(level, PROBE, "probe", str(book), exam, server, os.getpid(), user=user)
    reached = {name for name, worked in outcome.items() if worked}
    more = set()
    if level == "limits":
        more = {"reads a file of the course", "reads the examiner's code", "reads the password file"}
        more |= {"sees the examiner's command line", "writes to a mount below the system's folders"} | (
            {"writes beside the course"} if user else set()
        )
    assert reached == ALWAYS | more


def test_the_strongest_level_is_taken_and_recorded():
    candidate = start_candidate(LIMITS)
    candidate.close()
    assert candidate.level == "namespaces"
    assert list(LEVELS) == ["namespaces", "landlock", "limits"]


def test_nothing_of_the_examiner_is_in_the_environment():
    candidate = start_candidate(LIMITS)
    try:
        candidate.run(PROBE)
        uid, folder, names = candidate.call("user", (), {}, 5)[1]
        assert uid != 0 and folder == "/home/student"
        assert set(names) <= {
            "HOME",
            "LANG",
            "LC_CTYPE",
            "LOGNAME",
            "MPLBACKEND",
            "MPLCONFIGDIR",
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "PATH",
            "PINT_CACHE_FOLDER",
            "PYTHONDONTWRITEBYTECODE",
            "PYTHONHASHSEED",
            "TMPDIR",
            "USER",
        }
    finally:
        candidate.close()


BOUNDS = """
import os, time


def bounds():
    kept, made, size = [], 0, 0
    try:
        while len(kept) < 4096:
            kept.append(bytearray(2**20))
    except MemoryError:
        pass
    hoarded = len(kept)
    kept.clear()
    try:
        with open("filler", "wb", buffering=0) as file:
            while size < 64:
                file.write(bytes(2**20))
                size += 1
    except OSError:
        pass
    try:
        while made < 500:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            made += 1
    except OSError:
        pass
    return [hoarded, size, made]
"""


@needs_root
@pytest.mark.parametrize(("level", "user"), PLACES)
def test_memory_files_and_processes_are_bounded_at_every_level(level, user):
    # A user of this test alone: the kernel counts all processes of a user, those of other tests that are just ending too.
    alone = user and user + 10 * os.getpid()
    hoarded, size, made = in_a_candidate(level, BOUNDS, "bounds", user=alone)
    # Memory that the allocator had reserved before comes on top.
    assert 100 < hoarded <= LIMITS.memory_mb + 128
    assert 1 <= size <= LIMITS.disk_mb
    assert 1 <= made <= LIMITS.processes


def test_a_level_that_is_too_weak_is_refused_with_the_setting_that_allows_it():
    for level in ("landlock", "limits"):
        with pytest.raises(NoSandbox, match=rf"c.Examine.weakest_sandbox = '{level}'"):
            start_candidate(LIMITS, level=level, weakest="namespaces")


def test_a_class_is_not_graded_with_limits_alone_unless_the_settings_say_so():
    from autograder.nbgrader_compat.examine import Examine

    assert Examine().weakest_sandbox == "landlock"


def test_a_weaker_level_is_said_with_the_grade(root, monkeypatch):
    import nbformat
    from traitlets.config import Config

    from autograder.exam import examine as exam
    from autograder.nbgrader_compat.examine import Examine

    monkeypatch.setattr(
        "autograder.nbgrader_compat.examine.examine", lambda *a, **k: exam.ExamResult(sandbox="landlock")
    )
    step = Examine(config=Config())
    monkeypatch.setattr(step, "folder", lambda resources: root / "solutions" / "quantization")
    monkeypatch.setattr(step, "hidden", list)
    monkeypatch.setattr(step, "classmates", lambda resources: ())
    monkeypatch.setattr(step, "own_files", lambda resources: None)
    about = {"nbgrader": {"student": "s01", "notebook": "0_self_check", "assignment": "quantization"}}
    nb, _ = step.preprocess(nbformat.v4.new_notebook(), about)
    assert nb.metadata["autograder"]["sandbox"] == "landlock"
    assert "other processes" in nb.metadata["autograder"]["notes"][0]


def test_each_limit_is_a_setting_and_stands_in_the_instructors_table():
    from dataclasses import fields

    from autograder.nbgrader_compat.examine import Examine

    table = (ROOT / "docs" / "instructors.md").read_text("utf-8")
    settings = Examine.class_traits(config=True)
    for limit in fields(Limits):
        assert settings[limit.name].default_value == limit.default
        assert settings[limit.name].help == limit.metadata["says"]
        assert re.search(rf"^\| `c\.Examine\..*\b{limit.name}`", table, re.MULTILINE), limit.name


def test_limits_may_differ_by_assignment_and_a_wrong_one_is_named():
    from traitlets.config import Config

    from autograder.nbgrader_compat.examine import Examine

    config = Config()
    config.Examine.cell_seconds = 7
    config.Examine.by_assignment = {
        "long": {"cell_seconds": 60, "memory_mb": 99},
        "odd": {"cel_seconds": 1},
        "none": {"disk_mb": 0},
    }
    step = Examine(config=config)
    assert step.limits("short").cell_seconds == 7
    assert (step.limits("long").cell_seconds, step.limits("long").memory_mb) == (60, 99)
    with pytest.raises(ValueError, match=r"'odd'.* has 'cel_seconds'; known: cell_seconds, call_seconds"):
        step.limits("odd")
    with pytest.raises(ValueError, match="disk_mb = 0 is not allowed"):
        step.limits("none")
