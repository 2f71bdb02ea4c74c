"""All that the examiner uses of Hypothesis beyond its documentation. Importing this module checks that the installed version has it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from hypothesis.database import InMemoryExampleDatabase

__all__ = ["explicit_examples", "fixed_draws", "run_with_database", "settings_of"]

SETTINGS = "_hypothesis_internal_use_settings"
EXAMPLES = "hypothesis_explicit_examples"
Saved = dict[bytes, set[bytes]]


def settings_of(test: Callable[..., Any]) -> Any:
    """The settings of a property test."""
    return vars(test).get(SETTINGS)


def explicit_examples(test: Callable[..., Any]) -> int:
    """How many examples a property test has from ``@example``."""
    return len(vars(test).get(EXAMPLES, ()))


def run_with_database(test: Callable[..., Any], saved: Saved, *phases: Phase) -> None:
    """Run a property test for these *phases* only, with a database that holds *saved*, from a seed of its own: with a database Hypothesis insists on one."""
    usual = dict(vars(test))
    database = InMemoryExampleDatabase()
    database.data = saved
    seed(0)(test)  # which takes away the database
    vars(test)[SETTINGS] = settings(usual[SETTINGS], derandomize=False, database=database, phases=phases)
    try:
        test()
    finally:
        vars(test).clear()
        vars(test).update(usual)


@contextlib.contextmanager
def fixed_draws() -> Iterator[None]:
    """Draws depend on the test alone: not on the clock, a database, or the speed of this machine."""
    before = settings.get_current_profile_name()
    settings.register_profile(
        "exam",
        derandomize=True,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        # Explaining asks six times as much as drawing and shrinking together, for a text that no student sees.
        phases=[phase for phase in Phase if phase is not Phase.explain],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("exam")
    try:
        yield
    finally:
        settings.load_profile(before)


def _missing() -> list[str]:
    """What the installed version does not have."""

    @settings(database=None, max_examples=1)
    @hypothesis.example(n=0)
    @given(n=strategies.integers())
    def sample(n: int) -> None:
        pass

    needed: Mapping[str, bool] = {
        "settings.get_current_profile_name": hasattr(settings, "get_current_profile_name"),
        "Phase.explain": hasattr(Phase, "explain"),
        "InMemoryExampleDatabase.data": hasattr(InMemoryExampleDatabase(), "data"),
        SETTINGS: isinstance(settings_of(sample), settings),
        EXAMPLES: explicit_examples(sample) == 1,
    }
    return [name for name, there in needed.items() if not there]


if missing := _missing():
    raise ImportError(
        f"the installed hypothesis {hypothesis.__version__} has no {', '.join(missing)}, which the examiner uses: "
        "install one of the versions that pyproject.toml allows"
    )
