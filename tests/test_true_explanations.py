"""An explanation is true: where a wrong model is named, the function gives what that model gives on nearly all inputs, which no probe asked for.

``THOROUGH=1`` tries every mutant of every answer; otherwise a part of them is drawn.
"""

from __future__ import annotations

import itertools
import random

import pytest

from autograder.tutor.compare import same
from tests.answer_inputs import drawn_inputs
from tests.assignments import ASSIGNMENTS
from tests.models import diagnosis, holding, tutor_of
from tests.mutants import limited
from tests.test_mutants import every_mutant, outcome
from tests.thorough import THOROUGH

SAMPLE = 80  # mutants of each assignment
INPUTS = 200
MOST = 0.9  # of the inputs: who forgets the limit but where it is met exactly has forgotten it
HALVED = {  # notebook, function, answer
    "quantization": (
        "1_predict",
        "step_bytes",
        """
def step_bytes(model, batch, context, weight_bits, kv_bits):
    cache = 2 * model["layers"] * (model["heads"] // 2) * model["head_dim"] * context * batch * kv_bits / 8
    return model["params"] * weight_bits / 8, cache
""",
    ),
    "kv_cache": (
        "0_bytes",
        "cache_bytes",
        """
def cache_bytes(model, users, context, bits):
    return bytes_per_token(model["layers"], model["heads"] // 2, model["head_dim"], bits) * users * context
""",
    ),
}


def named_for(assignment: str, notebook: str, function: str, text: str) -> list[tuple[str, ...]]:
    """The sets of wrong models that explain the answer."""
    scope = holding(assignment, notebook, {})
    limited(text, scope)
    matches = diagnosis(assignment, scope, notebook).of_function(function).matches
    return [tuple(one.name for one in match) for match in matches]


def holds(assignment: str, notebook: str, function: str, text: str, names: tuple[str, ...]) -> bool:
    """Whether the answer gives what the lesson with these wrong models gives, in one of the ways to hold each."""
    tutor = tutor_of(assignment)
    scope = holding(assignment, notebook, {})
    limited(text, scope)
    asked = drawn_inputs(function, INPUTS)
    theirs = [outcome(scope[function], arguments) for arguments in asked]
    for ways in itertools.product(*(tutor.bank[name].changes for name in names)):
        model = tutor.lesson.model(tuple(itertools.chain(*ways)))
        if model is not None:
            ours = [outcome(model[function], arguments) for arguments in asked]
            if sum(same(a, b, 1e-5) for a, b in zip(ours, theirs, strict=True)) >= MOST * INPUTS:
                return True
    return False


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_what_a_wrong_answer_is_explained_by_is_what_it_computes(assignment):
    known = list(every_mutant(assignment))
    tried = known if THOROUGH else random.Random(f"{assignment} explained").sample(known, SAMPLE)
    named = [(one, names) for one in tried for names in named_for(assignment, *one)]
    untrue = [(*one, names) for one, names in named if not holds(assignment, *one, names)]
    print(f"\n{assignment}: {len(named)} explanations of {len(tried)} mutants, {len(untrue)} untrue")
    assert named and not untrue, "\n\n".join(f"{names}\n{text}" for _, _, text, names in untrue)


@pytest.mark.parametrize("assignment", HALVED)
def test_half_of_the_query_heads_is_explained_by_that_and_nothing_else(assignment):
    assert named_for(assignment, *HALVED[assignment]) == [("half_the_query_heads",)]
