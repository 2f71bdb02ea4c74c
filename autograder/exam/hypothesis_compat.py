"""All that the examiner uses of Hypothesis beyond its documentation. Importing this module checks that the installed version has it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest.mock import patch

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings, strategies
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

__all__ = ["explicit_examples", "fixed_draws", "run_phases", "settings_of"]

SETTINGS = "_hypothesis_internal_use_settings"
EXAMPLES = "hypothesis_explicit_examples"
LOCAL_CONSTANTS = "_get_local_constants"


def settings_of(test: Callable[..., Any]) -> Any:
    """The settings of a property test."""
    return vars(test).get(SETTINGS)


def explicit_examples(test: Callable[..., Any]) -> int:
    """How many examples a property test has from ``@example``."""
    return len(vars(test).get(EXAMPLES, ()))


def run_phases(test: Callable[..., Any], *phases: Phase) -> None:
    """Run a property test for these *phases* only, from its own seed."""
    usual = dict(vars(test))
    vars(test)[SETTINGS] = settings(usual[SETTINGS], phases=phases)
    try:
        test()
    finally:
        vars(test).clear()
        vars(test).update(usual)


@contextlib.contextmanager
def _no_local_constants() -> Iterator[None]:
    """Hypothesis draws constants of all loaded modules that it takes for the user's own: which those are depends on the machine and on what ran before."""
    nothing = Constants()
    with patch.object(providers, LOCAL_CONSTANTS, lambda: nothing):
        providers.CONSTANTS_CACHE.cache.clear()
        yield
    providers.CONSTANTS_CACHE.cache.clear()


@contextlib.contextmanager
def fixed_draws() -> Iterator[None]:
    """Draws depend on the test alone: not on the clock, a database, the speed of this machine, or what else is installed there."""
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
        with _no_local_constants():
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
        f"providers.{LOCAL_CONSTANTS}": hasattr(providers, LOCAL_CONSTANTS),
        "providers.CONSTANTS_CACHE": hasattr(getattr(providers, "CONSTANTS_CACHE", None), "cache"),
        SETTINGS: isinstance(settings_of(sample), settings),
        EXAMPLES: explicit_examples(sample) == 1,
    }
    return [name for name, there in needed.items() if not there]


if missing := _missing():
    raise ImportError(
        f"the installed hypothesis {hypothesis.__version__} has no {', '.join(missing)}, which the examiner uses: "
        "install one of the versions that pyproject.toml allows"
    )
