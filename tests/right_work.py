"""Right notebooks, composed at random from answers in many styles (``right/*.toml``) and the model answers.

In an answer ``@(2 * P * B / C)`` stands for the product of its factors in an order of its own: each right order rounds differently.
"""

from __future__ import annotations

import functools
import random
import re
import tomllib
from pathlib import Path

from autograder.notebook.cells import strip_solution_marks
from tests.assignments import sources

__all__ = ["composed", "reordered", "styles"]

PRODUCT = re.compile(r"@\(([^()]*)\)")
FACTOR = re.compile(r"([*/]?)\s*([^*/]+)")


@functools.cache
def styles(assignment: str) -> dict[str, dict[str, dict[str, str]]]:
    """By notebook and grade_id the answers in each style, by its name."""
    text = (Path(__file__).parent / "right" / f"{assignment}.toml").read_text("utf-8")
    return tomllib.loads(text)


def composed(assignment: str, notebook: str, draw: random.Random) -> dict[str, str]:
    """Answers by grade_id, each in a style that is drawn."""
    made = dict(strip_solution_marks(sources(assignment, notebook)))
    for key, known in styles(assignment).get(notebook, {}).items():
        made[key] = reordered(draw.choice([made[key], *known.values()]), draw)
    return made


def reordered(text: str, draw: random.Random) -> str:
    """*text* with the factors of each ``@( )`` in another order."""
    return PRODUCT.sub(lambda found: _product(found.group(1), draw), text)


def _product(text: str, draw: random.Random) -> str:
    factors = [(sign or "*", factor.strip()) for sign, factor in FACTOR.findall(text)]
    draw.shuffle(factors)
    top = next(i for i, (sign, _) in enumerate(factors) if sign == "*")
    factors.insert(0, factors.pop(top))
    made = factors[0][1]
    for sign, factor in factors[1:]:
        # Now and then what was computed so far is divided by, or a factor is turned into its inverse.
        match draw.randrange(4):
            case 0 if sign == "*":
                made = f"{factor} * ({made})"
            case 1 if sign == "/":
                made = f"({made}) * (1 / {factor})"
            case _:
                made = f"{made} {sign} {factor}"
    return f"({made})"
