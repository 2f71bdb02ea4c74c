"""Shared fixtures: courses made afresh in temporary directories."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from autograder.selfstudy.bundle import write_bundle
from autograder.selfstudy.exams import Exams, write_exam
from tests.assignments import ASSIGNMENTS, notebooks_of, release_of, source_of
from tests.kernels import forked_kernels

# A busy machine is not a failure: time is measured in benchmarks/, not in property tests. CI draws the same examples each time.
settings.register_profile(
    "kit",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("kit")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session", autouse=True)
def _stock_kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Stock kernels are forked, here and in all that tests start: hundreds are needed, and each would import for seconds."""
    with forked_kernels(tmp_path_factory.mktemp("kernels")) as path, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(path))
        yield


@pytest.fixture(scope="module", params=ASSIGNMENTS)
def assignment(request: pytest.FixtureRequest) -> str:
    """Each assignment of the repository in turn: what a test says with it holds for all of them."""
    return request.param


@pytest.fixture(scope="session")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """The folder of what is handed out, by assignment and audience. Each is made once, and nobody may write there."""

    @functools.cache
    def bundle(assignment: str, audience: str) -> Path:
        folder = tmp_path_factory.mktemp("bundles") / audience
        write_bundle(audience, source_of(assignment), release_of(assignment), folder)
        return folder

    return bundle


@pytest.fixture(scope="session")
def exam_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """The folder of the unpacked exam for self-study of an assignment; nobody may write there."""
    with contextlib.ExitStack() as unpacked:

        @functools.cache
        def exam(assignment: str) -> Path:
            file = tmp_path_factory.mktemp("exams") / f"{assignment}.exam"
            write_exam(source_of(assignment), release_of(assignment), file)
            exams = unpacked.enter_context(Exams(file))
            return exams.of(release_of(assignment) / f"{notebooks_of(assignment)[0]}.ipynb")

        yield exam


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser():
    """A real browser; where there is none the tests that need it are skipped, but not in CI."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "no chromium is installed (tests/system-packages.txt)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()
