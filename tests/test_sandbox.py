"""What a student's process can reach, at each level of confinement, tried from inside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest

from autograder.examiner.limits import Limits
from autograder.examiner.process import start_candidate
from autograder.examiner.sandbox import LEVELS

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Limits(
    cell_seconds=20, call_seconds=5, total_seconds=60, memory_mb=512, processes=16, disk_mb=8, output_kb=32
)

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
    attempt("connects to a server", connect)
    attempt("signals the examiner", lambda: os.kill(parent, 0))
    attempt("sees the examiner's command line", lambda: open(f"/proc/{parent}/cmdline").read())
    attempt("writes in its own folder", lambda: open("mine.txt", "w").write("x"))
    attempt("reads a data file", lambda: open("data.txt").read())
    attempt("becomes root", lambda: os.setuid(0))
    return reached


def user():
    return [os.getuid(), os.getcwd(), sorted(os.environ)]
"""
ALWAYS = {"writes in its own folder", "reads a data file"}


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can try this as another user")


@pytest.fixture(scope="module")
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield list(listening.getsockname())


@pytest.fixture
def course(tmp_path):
    for folder in tmp_path, tmp_path.parent, tmp_path.parent.parent:
        folder.chmod(0o755)
    (tmp_path / "gradebook.db").write_text("marks")
    return tmp_path


def reached_at(level: str, course: Path, server: list) -> set[str]:
    """What worked of the probe; for the weaker levels tried by someone who is not root, as in most containers."""
    outcome = in_a_candidate(
        level,
        PROBE,
        "probe",
        str(course / "gradebook.db"),
        str(ROOT / "autograder" / "examiner" / "exam.py"),
        server,
        os.getpid(),
    )
    return {name for name, worked in outcome.items() if worked}


def test_with_namespaces_a_student_reaches_their_own_folder_and_nothing_else(course, server):
    assert reached_at("namespaces", course, server) == ALWAYS


@needs_root
def test_with_landlock_a_student_reaches_no_file_and_no_process_of_others(course, server):
    assert reached_at("landlock", course, server) == ALWAYS


@needs_root
def test_with_limits_alone_a_student_reaches_what_the_instructor_does(course, server):
    reached = reached_at("limits", course, server)
    assert reached > ALWAYS and "becomes root" not in reached


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
            "MPLBACKEND",
            "MPLCONFIGDIR",
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "PATH",
            "PINT_CACHE_FOLDER",
            "PYTHONHASHSEED",
            "TMPDIR",
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
@pytest.mark.parametrize("level", LEVELS)
def test_memory_files_and_processes_are_bounded_at_every_level(level):
    hoarded, size, made = in_a_candidate(level, BOUNDS, "bounds")
    # Memory that the allocator had reserved before comes on top.
    assert 100 < hoarded <= LIMITS.memory_mb + 128
    assert 1 <= size <= LIMITS.disk_mb
    assert 1 <= made <= LIMITS.processes


WHERE = "import os\n\n\ndef where():\n    return [os.getuid(), os.getcwd()]"


@needs_root
@pytest.mark.parametrize("level", LEVELS)
def test_an_instructor_who_is_not_root_has_every_level(level):
    uid, folder = in_a_candidate(level, WHERE, "where", user=65534)
    assert uid == 65534
    assert not Path(folder).exists()  # it is gone with its candidate, or was never outside


# Run by another user, who is shown the interpreter where it lies in a folder that only root may enter.
SCRIPT = """
import json, sys
order = json.loads(sys.argv[1])
sys.path.insert(0, order["root"])
from autograder.examiner.limits import Limits
from autograder.examiner.process import start_candidate
candidate = start_candidate(Limits(**order["limits"]), {"data.txt": b"42"}, level=order["level"])
outputs, error = candidate.run(order["cell"])
assert not error, error
word, value = candidate.call(order["function"], (*order["arguments"],), {}, 20)
assert (word, candidate.level) == ("value", order["level"]), (word, value)
candidate.close()
print(json.dumps(value))
"""
SHOWN = """
set -e
mkdir -p "$2/kept"
mount --bind "$1" "$2/kept"
closed="$3"
if [ -n "$closed" ]; then
    mount -t tmpfs tmpfs "$closed"
    chmod 755 "$closed"
    mkdir -p "$1"
    mount --bind "$2/kept" "$1"
fi
user="$4"
shift 4
exec setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
"""


def in_a_candidate(
    level: str, cell: str, function: str, *arguments: object, user: int | None = None
) -> object:
    """What *function*, defined in *cell*, returns in a candidate at *level*, started by *user*: root for namespaces, another for the rest."""
    # A user for each level: the kernel counts all processes of a user, those that are just ending too.
    user = {"namespaces": 0, "landlock": 64001, "limits": 64002}[level] if user is None else user
    order = {
        "root": str(ROOT),
        "limits": asdict(LIMITS),
        "level": level,
        "cell": cell,
        "function": function,
        "arguments": arguments,
    }
    prefix = Path(sys.base_prefix).resolve()
    closed = next((str(p) for p in reversed(prefix.parents) if not p.stat().st_mode & 0o001), "")
    with tempfile.TemporaryDirectory() as spare:
        os.chmod(spare, 0o755)
        command = ["unshare", "--mount", "sh", "-c", SHOWN, "sh", str(prefix), spare, closed, str(user)]
        done = subprocess.run(
            [*command, sys.executable, "-c", SCRIPT, json.dumps(order)],
            cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_weaker_level_is_said_with_the_grade(root, monkeypatch):
    import nbformat
    from traitlets.config import Config

    from autograder.examiner import exam
    from autograder.nbgrader_plugin import Examine

    monkeypatch.setattr("autograder.nbgrader_plugin.examine", lambda *a: exam.ExamResult(sandbox="landlock"))
    step = Examine(config=Config())
    monkeypatch.setattr(step, "folder", lambda resources: root / "solutions" / "quantization")
    monkeypatch.setattr(step, "hidden", list)
    monkeypatch.setattr(step, "classmates", lambda resources: ())
    about = {"nbgrader": {"student": "s01", "notebook": "0_self_check", "assignment": "quantization"}}
    nb, _ = step.preprocess(nbformat.v4.new_notebook(), about)
    assert nb.metadata["autograder"]["sandbox"] == "landlock"
    assert "other processes" in nb.metadata["autograder"]["notes"][0]


def test_limits_may_differ_by_assignment_and_a_wrong_one_is_named():
    from traitlets.config import Config

    from autograder.nbgrader_plugin import Examine

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
