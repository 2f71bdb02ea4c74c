"""Formgrader's own button grades with the examiner: the request that it sends, to a real server."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from autograder.course import Course
from autograder.demo import make_class
from autograder.kinds import load_kinds

TOKEN = "a-token-for-this-test"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def formgrader(root, tmp_path_factory):
    """A course with one submission, and the address of a server over it."""
    base = tmp_path_factory.mktemp("formgrader")
    course = Course.copy_of(root, base / "course")
    course.generate_assignment()
    make_class(course, [load_kinds()["s20"]])
    environment = os.environ | {
        "HOME": str(base),
        "JUPYTER_CONFIG_DIR": str(base / "config"),
        "JUPYTER_RUNTIME_DIR": str(base / "run"),
    }
    command = [
        Path(sys.executable).parent / "jupyter",
        "server",
        "--allow-root",
        "--no-browser",
        f"--ServerApp.port={_free_port()}",
    ]
    command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={course.root}"]
    server = subprocess.Popen(command, cwd=course.root, env=environment, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    address = next(
        found.group(0) for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line))
    )
    yield course, address
    server.terminate()
    server.stderr.close()
    server.wait(20)


def test_the_autograde_button_gives_the_examiner_s_marks(formgrader):
    course, address = formgrader
    session = requests.Session()
    # The server says its address a moment before it listens.
    session.mount(address, HTTPAdapter(max_retries=Retry(connect=8, backoff_factor=0.1)))
    url = f"{address}formgrader/api/submission/quantization/s20/autograde"
    answer = session.post(url, headers={"Authorization": f"token {TOKEN}"}, timeout=120)
    assert answer.ok and answer.json()["success"], answer.text
    marks = [mark for _, notebook, _, mark, _, _ in course.grades() if notebook == "0_self_check"]
    assert (
        sum(marks) == 9
    )  # stock execution would give 13: the answer is an object that calls itself equal to everything
