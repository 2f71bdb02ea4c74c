"""Functions run in a candidate at a level of confinement that is chosen, started by a user that is chosen: root, or somebody else."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from autograder.bounds.limits import Limits
from autograder.sandbox.levels import LEVELS

__all__ = [
    "LIMITS",
    "PLACES",
    "in_a_candidate",
    "in_candidates",
    "needs_root",
    "when_the_examiner_is_killed",
]

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Limits(
    cell_seconds=60,
    call_seconds=60,
    total_seconds=120,
    memory_mb=512,
    processes=16,
    disk_mb=8,
    inodes=500,
    output_kb=32,
)
# Users whom nobody else has, another one for each level and in each process of the tests: the kernel counts all processes of a user. A container may know no
# number above 65535.
SOMEBODY = dict(zip(LEVELS, random.SystemRandom().sample(range(60_000, 65_000), len(LEVELS)), strict=True))
PLACES = [
    pytest.param(level, user, id=f"{level}, {'root' if user == 0 else 'an ordinary user'}")
    for level in LEVELS
    for user in (0, SOMEBODY[level])
]
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can try this as another user")

# Run by the user, who is shown the interpreter where it lies in a folder that only root may enter.
SCRIPT = """
import json, os, signal, sys
order = json.loads(sys.argv[1])
sys.path.insert(0, order["root"])
from autograder.candidate import forkserver as forkserver
from autograder.candidate.process import Died
from autograder.candidate.start import start_candidate
from autograder.bounds.limits import Limits

outcome = []
for function in order["functions"]:
    candidate = start_candidate(Limits(**order["limits"]), {"data.txt": b"42", "data/deep/table.csv": b"1,2"}, level=order["level"], seconds=order["seconds"])
    assert candidate.level == order["level"], candidate.level
    try:
        outputs, error = candidate.run(order["cell"])
        outcome.append(("raised", error) if error else candidate.call(function, (*order["arguments"],), {}, 60))
    except Died as death:
        outcome.append(("died", str(death)))
    if order["killed"]:
        print(forkserver._forkserver._process.pid, flush=True)
        input()
        os.kill(os.getpid(), signal.SIGKILL)
    candidate.close()
forkserver.close_forkserver()
print(json.dumps(outcome))
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
mount -t tmpfs -o mode=777 tmpfs /usr/games  # a mount of its own below a folder that is shown
touch /usr/games/shared
chmod 666 /usr/games/shared
user="$4"
shift 4
exec setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
"""


def in_candidates(
    level: str,
    cell: str,
    functions: Iterable[str],
    *arguments: object,
    user: int = 0,
    limits: Limits = LIMITS,
    seconds: float | None = None,
) -> list[list[object]]:
    """What each of *functions*, defined in *cell*, comes to in a candidate of its own at *level*, started by *user*.

    Each is a pair such as ``["value", 1]`` or ``["died", "ended the notebook's process"]``. No file is left behind.

    Args:
        seconds: when the warden ends a candidate; by default after the notebook's time.
    """
    with _started(level, cell, functions, arguments, user, limits, seconds) as (process, own):
        said, error = process.communicate(timeout=600)
        assert process.returncode == 0, error
        assert os.listdir(own) == []
    found: list[list[object]] = json.loads(said)
    return found


def when_the_examiner_is_killed(level: str, cell: str, function: str, *arguments: object, user: int) -> None:
    """Call *function* in a candidate, kill its examiner (SIGKILL), and wait until all that it started has ended. No file is left behind."""
    with _started(level, cell, [function], arguments, user, LIMITS, None, killed=True) as (process, own):
        forkserver = os.pidfd_open(int(process.stdout.readline()))
        process.communicate("\n", timeout=600)
        assert process.returncode == -signal.SIGKILL
        ended = select.poll()
        ended.register(forkserver, select.POLLIN)
        assert ended.poll(600_000)
        os.close(forkserver)
        assert os.listdir(own) == []


@contextlib.contextmanager
def _started(
    level: str,
    cell: str,
    functions: Iterable[str],
    arguments: Iterable[object],
    user: int,
    limits: Limits,
    seconds: float | None,
    killed: bool = False,
) -> Iterator[tuple[Any, str]]:
    """The examiner's process, and the folder that it makes its own in."""
    order = {
        "root": str(ROOT),
        "limits": asdict(limits),
        "level": level,
        "cell": cell,
        "functions": list(functions),
        "arguments": list(arguments),
        "seconds": seconds,
        "killed": killed,
    }
    prefix = Path(sys.base_prefix).resolve()
    closed = next((str(p) for p in reversed(prefix.parents) if not p.stat().st_mode & 0o001), "")
    with tempfile.TemporaryDirectory() as spare, tempfile.TemporaryDirectory() as own:
        os.chmod(spare, 0o755)
        os.chown(own, user, user)
        os.chmod(own, 0o711)
        command = ["unshare", "--mount", "sh", "-c", SHOWN, "sh", str(prefix), spare, closed, str(user)]
        with subprocess.Popen(
            [*command, sys.executable, "-c", SCRIPT, json.dumps(order)],
            cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "TMPDIR": own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            yield process, own


def in_a_candidate(level: str, cell: str, function: str, *arguments: object, **more: Any) -> Any:
    """The value that *function* returns; see :func:`in_candidates`."""
    [[word, value]] = in_candidates(level, cell, [function], *arguments, **more)
    assert word == "value", (word, value)
    return value
