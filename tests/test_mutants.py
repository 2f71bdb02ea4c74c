"""Wrong work loses marks: right answers with one thing changed lose them in the tests of their own function.

``THOROUGH=1`` tries every mutant of every function; otherwise a part of them is drawn. The rate is printed (``pytest -s``).
"""

from __future__ import annotations

import copy
import functools
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from autograder.notebook.cells import strip_solution_marks
from autograder.tutor.compare import same
from tests.answer_inputs import drawn_inputs
from tests.assignments import ASSIGNMENTS, functions_of, notebooks_of, sources
from tests.models import holding, own_tests, solution
from tests.mutants import limited, mutants
from tests.test_carried import handed_in, lost
from tests.thorough import THOROUGH

BAR = 0.995  # of the mutants that are wrong
SAMPLE = 60  # mutants of each assignment
INPUTS = 4000  # on which a mutant that keeps its marks is compared with the right function


@pytest.fixture(autouse=True)
def no_shrinking():
    """Whether a test fails is all that is asked here."""
    before = settings.get_current_profile_name()
    settings.register_profile(
        "mutants",
        settings.get_profile(before),
        phases=[Phase.explicit, Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")
    yield
    settings.load_profile(before)


def every_mutant(assignment: str) -> Iterator[tuple[str, str, str]]:
    """(notebook, function, answer) for each."""
    for notebook in notebooks_of(assignment):
        answers = dict(strip_solution_marks(sources(assignment, notebook)))
        for function, key in functions_of(assignment, notebook).items():
            yield from ((notebook, function, text) for text in mutants(answers[key]))


def scope_with(assignment: str, notebook: str, text: str) -> dict[str, Any]:
    """What a student has defined whose answers are right but for one cell."""
    scope = holding(assignment, notebook, {})
    limited(text, scope)
    return scope


@functools.cache
def compiled(assignment: str, notebook: str, key: str) -> list[Any]:
    known = sources(assignment, notebook).by_grade_id()
    return [compile(known[test]["source"], test, "exec") for test in own_tests(assignment, notebook, key)]


def loses(assignment: str, notebook: str, function: str, text: str) -> bool:
    key = functions_of(assignment, notebook)[function]
    try:
        for test in compiled(assignment, notebook, key):
            exec(test, scope_with(assignment, notebook, text))
    except Exception:
        return True
    return False


def outcome(function: Any, arguments: tuple[Any, ...]) -> Any:
    try:
        return function(*copy.deepcopy(arguments))
    except Exception as error:
        return type(error).__name__


def differs(assignment: str, notebook: str, function: str, text: str) -> tuple[Any, ...] | None:
    """Arguments on which the mutant gives something else than the right function; None where there are none such."""
    right = solution(assignment, notebook)[function]
    wrong = scope_with(assignment, notebook, text)[function]
    return next(
        (
            arguments
            for arguments in drawn_inputs(function, INPUTS)
            if not same(outcome(right, arguments), outcome(wrong, arguments), 1e-5)
        ),
        None,
    )


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_right_work_with_one_thing_changed_loses_marks(assignment):
    known = list(every_mutant(assignment))
    tried = known if THOROUGH else random.Random(assignment).sample(known, SAMPLE)
    kept = [one for one in tried if not loses(assignment, *one)]
    passed = [(*one, found) for one in kept if (found := differs(assignment, *one)) is not None]
    wrong = len(tried) - len(kept) + len(passed)
    rate = 1 - len(passed) / wrong
    print(
        f"\n{assignment}: {len(tried)} of {len(known)} mutants, {wrong} of them wrong, {100 * rate:.2f} % of these lose marks"
    )
    report = "\n\n".join(f"{notebook}, {arguments}\n{text}" for notebook, _, text, arguments in passed)
    assert rate >= BAR, report
    assert wrong > 0.8 * len(tried)  # most changes are no other spelling of the same


WALK = """
def crossover_batch(model, device, runtime, context, threshold, max_batch, weight_bits, kv_bits):
    last = 0
    for batch in {batches}:
        gain = speedup_at(model, device, runtime, batch, context, {bits})
        if gain < threshold:
            return batch
        {more}
    return None
"""
RIGHT_WALK = {"batches": "range(1, max_batch + 1)", "bits": "weight_bits, kv_bits", "more": "last = gain"}


def test_the_walk_that_these_are_made_of_is_right():
    assert not loses("quantization", "2_crossover", "crossover_batch", WALK.format(**RIGHT_WALK))


@pytest.mark.parametrize(
    "change",
    [
        {"batches": "range(1, max_batch)"},
        {"batches": "range(1, 257)"},
        {"batches": "range(1, min(max_batch, 256) + 1)"},
        {"batches": "range(2, max_batch + 1)"},
        {"more": "if gain > last > 0:\n            return None\n        last = gain"},
        {"more": "if batch > 1 and gain > last:\n            return 1\n        last = gain"},
        {"bits": "4, kv_bits"},
        {"bits": "weight_bits, 16"},
        {"bits": "weight_bits, weight_bits"},
    ],
)
def test_a_walk_over_the_wrong_batches_or_curves_loses(change):
    assert loses("quantization", "2_crossover", "crossover_batch", WALK.format(**RIGHT_WALK | change))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('study(case["llm_params"], deltas_llm)', 'study(case["cnn_params"], deltas_llm)'),
        ('study(case["cnn_params"], deltas_cnn)', 'study(case["llm_params"], deltas_cnn)'),
        ('case["group_size"], case["scale_bits"]', 'case["group_size"], 8'),
        ("return table,", "return table[:3],"),
    ],
)
def test_a_table_that_is_not_made_of_its_own_case_loses(right, wrong):
    answer = dict(strip_solution_marks(sources("quantization", "3_frontier")))["compute"]
    assert answer.count(right) == 1
    content = handed_in("quantization", "3_frontier", {"compute": answer.replace(right, wrong)})
    assert lost("quantization", "3_frontier", content) == {"test_compute": 2}
