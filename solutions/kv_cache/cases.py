"""What each notebook asks about: the published case, or a case of its own for each student id, as hard as the published one.

``case("1_users")`` is the published case, from ``cases.toml``. ``case("1_users", "s01")`` is the case of student s01,
drawn from the lists in ``personal_cases.toml``. A draw that would make the exercise easier or harder is not fair and is
drawn again; each function below says when that is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


# This stands here and not in the library, because it is for a Python that does not have the library.
class CourseLibraryMissing(ImportError):
    """The course's library is not installed; a notebook shows the sentence alone."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


try:
    from mlsysim import CaseBook, CompressionModel, Hardware, ServingModel
except ImportError as error:
    if error.name != "mlsysim":  # it is the course's, and lacks a package that it needs
        raise
    do = "install the mlsysim wheel that your course handed out (%pip install FILE.whl in a cell)"
    has = "has no mlsysim" if isinstance(error, ModuleNotFoundError) else "has another package called mlsysim"
    if sys.version_info < (3, 11):  # noqa: UP036 (the wheel cannot be installed there)
        has, do = "is older than 3.11", "make the environment of your course again with a newer Python"
    raise CourseLibraryMissing(
        f"This notebook cannot start because this Python {has}: {do}, and restart the kernel.",
        name="mlsysim",
    ) from None

import numpy as np  # noqa: E402 (mlsysim brings it)

__all__ = ["BOOK", "case"]

Row = dict[str, Any]
MOST = 1 << 22  # tokens that are counted to
USERS = np.arange(1, 902)  # the sweep of the notebook goes a little further
ROOM = 0.02  # how far, as a share of one user or token, a count must stay from the next whole number
NEAR = 1e-4  # how far, relatively, a step must stay from the limit that it is compared with
CLEAR = 1.25  # how much more users the better of two plans lets in, and how far apart two limits are
PRECISIONS = {16: "fp16", 8: "w8a16"}  # of weights, by bits; both compute at the 16-bit rate
CACHES = {16: "fp16", 8: "fp8"}  # of cached values


def is_decided(last: float, there_is: float, next_one: float) -> bool:
    """Whether what there is lies clearly between what a count takes and what one more would take."""
    return bool(ROOM < (there_is - last) / (next_one - last) < 1 - ROOM)


def count_within(taken: Callable[[int], float], there_is: float) -> int | None:
    """The largest number that takes no more than there is, or None if there is none or little decides it.

    *taken* says what a number of tokens takes, which grows with the number.
    """
    low, high = 1, MOST
    if not taken(low) <= there_is < taken(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if taken(middle) <= there_is else (low, middle)
    return low if is_decided(taken(low), there_is, taken(high)) else None


def solved(model: str, device: str, context: Any, users: Any, plan: list[int], runtime: str = "ideal") -> Any:
    """What the library says about one step of all users, with the *plan*'s bits of a weight and of a cached value."""
    weight_bits, kv_bits = plan
    return ServingModel().solve(
        model, device, context, users, PRECISIONS[weight_bits], kv_precision=CACHES[kv_bits], runtime=runtime
    )


def fitting_users(model: str, device: str, context: int, plan: list[int]) -> int | None:
    """How many users fit, or None if there is none, too many for the sweep, or little decides it."""
    memory = Hardware[device].memory_bytes
    needed = solved(model, device, context, USERS, plan).memory_needed_bytes
    users = int(np.searchsorted(needed, memory, side="right"))
    if not 0 < users < USERS[-1] or not is_decided(needed[users - 1], memory, needed[users]):
        return None
    return users


def draw_bytes(draw: Any, choices: Row, published: Row) -> Row | None:
    """The users' 16-bit cache outweighs the 16-bit weights, the quantized one does not, and neither by a hair."""
    row = {name: draw.one(name, options) for name, options in choices.items()}
    # A scale and a zero point for a group take what two scales take, each for half of it.
    shrinks = CompressionModel().solve(
        row["model"], "H100", "quantization", row["quantized_bits"], group_size=row["group_size"] // 2
    )
    one = solved(row["model"], "H100", 1, 1, [16, 16])
    counts = []
    for token in (one.kv_bytes, one.kv_bytes / shrinks.storage_ratio):
        tokens = count_within(lambda n, token=token: n * token, one.weights_bytes)
        users = count_within(lambda n, token=token: n * row["context"] * token, one.weights_bytes)
        if tokens is None or users is None:
            return None
        counts.append(users)
    fair = counts[0] >= 4 and CLEAR * counts[0] < row["users"] < counts[1] / CLEAR
    return row if fair else None


def draw_users(draw: Any, choices: Row, published: Row) -> Row | None:
    """One device where a shorter cache lets in more users, one where shorter weights do, and two limits.

    At the roomy device a shorter cache hardly helps one user and helps a full house a lot; of the two limits the
    strict one is reached before the memory is full, and the lax one is not.
    """
    row = {name: draw.one(name, options) for name, options in choices.items() if not name.endswith("_ms")}
    row["limits"] = [draw.one(name, choices[name]) / 1000 for name in ("strict_ms", "lax_ms")]
    found: dict[str, list[Any]] = {}
    for size, fewest in (("tight", 3), ("roomy", 8)):
        where = row[size], row[f"{size}_device"], row[f"{size}_context"]
        found[size] = []
        for plan in published["plans"]:
            users = fitting_users(*where, plan)
            if users is None or users < fewest:
                return None
            found[size].append(users)
    full, weights, cache, _ = found["roomy"]
    if cache < CLEAR * weights or found["tight"][1] < CLEAR * found["tight"][2]:
        return None
    counts = np.arange(1, cache + 1)
    steps = {bits: solved(*where, counts, [16, bits], published["runtime"]).itl_s for bits in (16, 8)}
    gain_one, gain_same = steps[16][0] / steps[8][0], steps[16][full - 1] / steps[8][full - 1]
    gain_full = cache / full * steps[16][full - 1] / steps[8][-1]
    if gain_one > 1.2 or gain_same < 1.25 or gain_full < 1.6:
        return None
    strict, lax = row["limits"]
    within = int((steps[8] <= strict).sum())
    decided = np.abs(steps[8] / strict - 1).min() > NEAR
    if not decided or not 4 <= within < cache / CLEAR or steps[8][-1] > lax / CLEAR:
        return None
    memory = Hardware[row["roomy_device"]].memory_bytes
    for plan in ([16, 16], [16, 8]):
        if count_within(lambda n, plan=plan: shared_bytes(row, n, plan), memory) is None:
            return None
    return row


def shared_bytes(row: Row, context: int, plan: list[int]) -> float:
    """Bytes that the users of the longest context need with a context of this length."""
    needed = solved(row["roomy"], row["roomy_device"], context, row["sharing"], plan).memory_needed_bytes
    return float(needed)


BOOK = CaseBook(
    __file__,
    {"0_bytes": draw_bytes, "1_users": draw_users},
    devices=["roomy_device", "tight_device"],
    models=["model", "roomy", "tight"],
)
case = BOOK.case
