"""What each notebook asks about: the published case, or a case of its own for each student id, as hard as the published one.

``case("1_predict")`` is the published case, from ``cases.toml``. ``case("1_predict", "s01")`` is the case of student
s01, drawn from the lists in ``personal_cases.toml``. A draw that would make the exercise easier or harder is not fair
and is drawn again; each function below says when that is.
"""

from __future__ import annotations

import functools
import itertools
import sys
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
ROOM = 1e-4  # how far, relatively, an answer must stay from where it would tip over
CLEAR = 1.25  # how much larger the culprit's share is than the next one's, and a short context's crossover than a long one's
NEAREST = 0.09  # between two sparsities of a frontier
BATCHES = range(4, 257)  # where the crossovers lie; the sweep of the notebook goes as far


def draw_self_check(draw: Any, choices: Row, published: Row) -> Row | None:
    """A kernel left of the ridge that crosses it: it gains, and less than its bytes shrink."""
    device = draw.one("device", choices["device"])
    peaks = Hardware[device].plain()
    shrink = 16 / draw.one("bits", choices["bits"])
    gain = draw.whole("gain", *choices["gain_percent"]) / 100
    ridge = peaks["peak_flops"] / peaks["bandwidth"]
    intensity = round(ridge / gain, 1)
    if gain > 0.9 * shrink:
        return None
    return {"device": device, "shrink": shrink, "ridge": ridge, "intensity": intensity}


def fp16_and_int4(
    model: str, device: str, runtime: str, batch: Any, context: int, kv: str | None
) -> tuple[Any, Any]:
    """The decode step at both precisions."""
    slow, fast = (
        ServingModel().solve(model, device, context, batch, precision, kv_precision=kv, runtime=runtime)
        for precision in ("fp16", "int4")
    )
    return slow, fast


def draw_predict(draw: Any, choices: Row, published: Row) -> Row | None:
    """The large model gains clearly more; in FP16 it does not fit and in INT4 it does, while the small one always does."""
    row = {name: draw.one(name, choices[name]) for name in ("device", "small", "large", "context")}
    memory = Hardware[row["device"]].memory_bytes
    where = row["device"], published["runtime"], published["batch"], row["context"], None
    (small, small_int4), (large, large_int4) = (
        fp16_and_int4(row[size], *where) for size in ("small", "large")
    )
    gains = small.itl_s / small_int4.itl_s, large.itl_s / large_int4.itl_s
    fair = (
        gains[0] > 1.15
        and gains[1] > 1.15 * gains[0]
        and small.memory_needed_bytes < 0.8 * memory
        and large_int4.memory_needed_bytes < 0.9 * memory
        and large.memory_needed_bytes > 1.1 * memory
    )
    return row if fair else None


def draw_crossover(draw: Any, choices: Row, published: Row) -> Row | None:
    """Four crossovers well inside the sweep; ended by the compute ceiling at the short context and by KV traffic at the long one."""
    names = ("model", "device", "context_short", "context_long")
    row = {name: draw.one(name, choices[name]) for name in names}
    row["thresholds"] = [draw.one("first", choices["first"]), draw.one("second", choices["second"])]
    batches = np.arange(1, BATCHES[-1] + 1)
    found = []
    for context, culprit in ((row["context_short"], "compute ceiling"), (row["context_long"], "KV traffic")):
        slow, fast = fp16_and_int4(
            row["model"], row["device"], published["runtime"], batches, context, "fp16"
        )
        gain = slow.itl_s / fast.itl_s
        for threshold in row["thresholds"]:
            below = np.flatnonzero(gain < threshold)
            if not below.size or below[0] + 1 not in BATCHES:
                return None
            at = int(below[0])
            if not gain[at] * (1 + ROOM) < threshold < gain[at - 1] * (1 - ROOM):
                return None
            found.append(at + 1)
        shares = {part: seconds[at] for part, seconds in fast.parts.items()}
        rest = max(share for part, share in shares.items() if part != culprit)
        if shares[culprit] < CLEAR * rest or not slow.feasible[at]:
            return None
    first_short, second_short, first_long, second_long = found
    apart = (
        CLEAR * first_long < first_short < second_short
        and first_long < second_long
        and CLEAR * second_long < second_short
    )
    return row if apart else None


def draw_frontier(draw: Any, choices: Row, published: Row) -> Row | None:
    """Quantization is best for the language model and pruning for the vision model, neither by a hair, and some options are dominated."""
    row = {name: draw.one(name, choices[name]) for name in ("device", "llm", "cnn", "group_size")}
    row["max_loss"] = draw.whole("max_loss", *choices["max_loss_percent"]) / 1000
    middle = draw.one("bits", choices["bits"])
    zeros = three_sparsities(draw, choices["sparsity"])
    if zeros is None:
        return None
    kept = {option["name"]: option for option in published["options"]}
    row["options"] = [
        kept["FP16"],
        {"name": f"INT{middle}", "method": "quantization", "bits": middle, "sparsity": 0.0},
        kept["INT4"],
        *(
            {"name": f"pruned {zero:.0%}", "method": "pruning", "bits": 16, "sparsity": zero}
            for zero in zeros
        ),
    ]
    wanted = {"llm": "quantization", "cnn": "pruning"}
    for kind, method in wanted.items():
        points = [ratio_and_delta(row[kind], row["group_size"], **option) for option in row["options"]]
        if any(abs(row["max_loss"] + delta) < 1e-3 for _, delta in points):
            return None
        best = max((point, i) for i, point in enumerate(points) if -point[1] <= row["max_loss"])[1]
        if row["options"][best]["method"] != method or best == 0:
            return None
        if not 3 <= front_size(points) < len(points):
            return None
    return row


def draw_measure(draw: Any, choices: Row, published: Row) -> Row | None:
    """Other images, groups and sparsities; no accuracy is lost by exactly max_loss."""
    row: Row = {name: draw.one(name, choices[name]) for name in ("group_size", "threshold")}
    row["draw"] = draw.whole("draw", *choices["draw"])
    tenths = draw.whole("max_loss", *choices["max_loss_percent"])
    row["max_loss"] = tenths / 1000
    zeros = three_sparsities(draw, choices["sparsity"])
    if zeros is None or tenths * published["images"] % 1000 == 0:
        return None
    kept = [
        option | ({"group_size": row["group_size"]} if option["group_size"] else {})
        for option in published["options"]
        if option["method"] != "pruning"
    ]
    pruned = published["options"][-1]
    row["options"] = kept + [pruned | {"name": f"pruned {zero:.0%}", "sparsity": zero} for zero in zeros]
    return row


def three_sparsities(draw: Any, choices: list[float]) -> list[float] | None:
    """Three that are far enough apart, in ascending order."""
    zeros = sorted({draw.one(f"sparsity {i}", choices) for i in range(3)})
    if len(zeros) < 3 or min(b - a for a, b in itertools.pairwise(zeros)) < NEAREST:
        return None
    return zeros


def front_size(points: list[tuple[float, float]]) -> int:
    """How many of the (ratio, change in accuracy) are on the front: from the highest ratio down, each that beats all before it."""
    size, best = 0, -np.inf
    for _, delta in sorted(set(points), reverse=True):
        if delta > best:
            size, best = size + 1, delta
    return size


@functools.cache
def ratio_and_delta(
    model: str, group_size: int, *, name: str, method: str, bits: int, sparsity: float
) -> tuple[float, float]:
    """The compression ratio as stored, and the change in accuracy; no device changes either."""
    sparse_format = "bitmask" if method == "pruning" else None
    result = CompressionModel().solve(
        model, "H100", method, bits, sparsity, group_size=group_size, sparse_format=sparse_format
    )
    return result.storage_ratio, result.estimated_accuracy_delta


BOOK = CaseBook(
    __file__,
    {
        "0_self_check": draw_self_check,
        "1_predict": draw_predict,
        "2_crossover": draw_crossover,
        "3_frontier": draw_frontier,
        "4_measure": draw_measure,
    },
    models=["model", "small", "large"],
    runtimes=["runtime", "eager_runtime"],
    sizes=["llm", "cnn"],
)
case = BOOK.case
