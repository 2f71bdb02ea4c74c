"""A case of its own for each student id, as hard as the published one.

A case is drawn from the lists in ``data/personal_cases.toml`` with SHA-256 of the notebook, the id and the number of the try, so it depends on
nothing but those: not on the machine, the process, or Python's version. It is no secret. A draw that is not fair is drawn again.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from mlsysim import step
from mlsysim.compression import CompressionModel
from mlsysim.errors import InputError
from mlsysim.hardware import Device, Hardware
from mlsysim.models import Models, TransformerModel
from mlsysim.registry import load_toml
from mlsysim.runtimes import find_runtime
from mlsysim.schemes import resolve
from mlsysim.storage import stored_bits

__all__ = ["clean_id", "personal_row"]

T = TypeVar("T")
Row = dict[str, Any]
TRIES = 10_000
ROOM = 1e-4  # how far, relatively, an answer must stay from where it would tip over
CLEAR = 1.25  # how much larger the culprit's share is than the next one's, and a short context's crossover than a long one's
NEAREST = 0.09  # between two sparsities of a frontier
BATCHES = range(4, 257)  # where the crossovers lie; the sweep of the notebook goes as far


def clean_id(student: object) -> str:
    """*student* as it is drawn with: without surrounding space, in lower case; empty for none.

    Raises:
        InputError: it is no text and no whole number, or it is longer than 200 characters.

    >>> clean_id(" S01 ")
    's01'
    """
    if student is None:
        return ""
    if isinstance(student, bool) or not isinstance(student, (str, int)) or len(str(student)) > 200:
        shown = repr(student)[:60]
        raise InputError(f'student = {shown} is not allowed: give your id as a text, such as "s01"')
    return str(student).strip().casefold()


class _Draw:
    """Choices of one try, each by its name."""

    def __init__(self, notebook: str, student: str, number: int) -> None:
        self._seed = f"{notebook}\n{student}\n{number}\n"

    def whole(self, name: str, low: int, high: int) -> int:
        digest = hashlib.sha256((self._seed + name).encode("utf-8", "surrogatepass")).digest()
        return low + int.from_bytes(digest[:8], "big") % (high - low + 1)

    def one(self, name: str, options: Sequence[T]) -> T:
        return options[self.whole(name, 0, len(options) - 1)]


@functools.cache
def _data() -> tuple[Row, Row]:
    return load_toml("personal_cases.toml"), load_toml("cases.toml")


def personal_row(notebook: str, student: str) -> Row:
    """What *student* (cleaned, not empty) gets in *notebook*, to replace entries of its row in ``cases.toml``."""
    choices, published = _data()
    for number in range(TRIES):
        row = MAKERS[notebook](_Draw(notebook, student, number), choices[notebook], published[notebook])
        if row is not None and any(value != published[notebook][key] for key, value in row.items()):
            return copy.deepcopy(row)
    raise RuntimeError(f"no case for {student!r} in {notebook} after {TRIES} tries")


def _self_check(draw: _Draw, choices: Row, published: Row) -> Row | None:
    """A kernel left of the ridge that crosses it: it gains, and less than its bytes shrink."""
    device = draw.one("device", choices["device"])
    peaks = Hardware[device].plain()
    shrink = 16 / draw.one("bits", choices["bits"])
    gain = draw.whole("gain", *choices["gain_percent"]) / 100
    ridge = float(round(peaks["peak_flops"] / peaks["bandwidth"]))
    intensity = round(ridge / gain, 1)
    if gain > 0.9 * shrink:
        return None
    return {"device": device, "shrink": shrink, "ridge": ridge, "intensity": intensity}


def _gain(terms: tuple[step.StepTerms, step.StepTerms]) -> Any:
    return terms[0].total / terms[1].total


def _both(
    model: TransformerModel, device: Device, runtime: str, batch: Any, context: int, kv: str | None
) -> tuple[step.StepTerms, step.StepTerms]:
    """The FP16 step and the INT4 step."""
    schemes = resolve("fp16", kv, device), resolve("int4", kv, device)
    slow, fast = (step.decode_step(model, device, s, find_runtime(runtime), batch, context) for s in schemes)
    return slow, fast


def _transformer(name: str) -> TransformerModel:
    model = Models[name]
    assert isinstance(model, TransformerModel)
    return model


def _bytes(model: TransformerModel, batch: int, context: int, bits: int) -> float:
    cache = step.kv_cache_bytes(model, context, batch, bits)
    return float(step.weight_bytes(model.parameters, bits) + cache)


def _predict(draw: _Draw, choices: Row, published: Row) -> Row | None:
    """The large model gains clearly more; in FP16 it does not fit and in INT4 it does, while the small one always does."""
    row = {name: draw.one(name, choices[name]) for name in ("device", "small", "large", "context")}
    device, small, large = Hardware[row["device"]], _transformer(row["small"]), _transformer(row["large"])
    context, batch = row["context"], published["batch"]
    gains = [
        float(_gain(_both(m, device, published["runtime"], batch, context, None))) for m in (small, large)
    ]
    memory = device.memory_bytes
    fair = (
        gains[0] > 1.15
        and gains[1] > 1.15 * gains[0]
        and _bytes(small, batch, context, 16) < 0.8 * memory
        and _bytes(large, batch, context, 4) < 0.9 * memory
        and _bytes(large, batch, context, 16) > 1.1 * memory
    )
    return row if fair else None


def _shares(terms: step.StepTerms, at: int) -> dict[str, float]:
    """Seconds of a step by culprit, at index *at* of the batches."""
    mm_c, mm_m, at_c, at_m = (float(np.broadcast_to(term, np.shape(terms.total))[at]) for term in terms[:4])
    return {
        "compute ceiling": (mm_c if mm_c >= mm_m else 0.0) + (at_c if at_c > at_m else 0.0),
        "weight traffic": 0.0 if mm_c >= mm_m else mm_m,
        "KV traffic": 0.0 if at_c > at_m else at_m,
        "overhead": float(terms.overhead),
    }


def _crossover(draw: _Draw, choices: Row, published: Row) -> Row | None:
    """Four crossovers well inside the sweep; ended by the compute ceiling at the short context and by KV traffic at the long one."""
    names = ("model", "device", "context_short", "context_long")
    row = {name: draw.one(name, choices[name]) for name in names}
    row["thresholds"] = [draw.one("first", choices["first"]), draw.one("second", choices["second"])]
    model, device = _transformer(row["model"]), Hardware[row["device"]]
    batches = np.arange(1, BATCHES[-1] + 1)
    found = []
    for context, culprit in ((row["context_short"], "compute ceiling"), (row["context_long"], "KV traffic")):
        terms = _both(model, device, published["runtime"], batches, context, "fp16")
        gain = _gain(terms)
        for threshold in row["thresholds"]:
            below = np.flatnonzero(gain < threshold)
            if not below.size or below[0] + 1 not in BATCHES:
                return None
            at = int(below[0])
            if not gain[at] * (1 + ROOM) < threshold < gain[at - 1] * (1 - ROOM):
                return None
            found.append(at + 1)
        shares = _shares(terms[1], at)
        rest = max(share for name, share in shares.items() if name != culprit)
        if shares[culprit] < CLEAR * rest or _bytes(model, at + 1, context, 16) > device.memory_bytes:
            return None
    first_short, second_short, first_long, second_long = found
    apart = (
        CLEAR * first_long < first_short < second_short
        and first_long < second_long
        and CLEAR * second_long < second_short
    )
    return row if apart else None


def _frontier(draw: _Draw, choices: Row, published: Row) -> Row | None:
    """Quantization is best for the language model and pruning for the vision model, neither by a hair, and some options are dominated."""
    row = {name: draw.one(name, choices[name]) for name in ("device", "llm", "cnn", "group_size")}
    row["max_loss"] = draw.whole("max_loss", *choices["max_loss_percent"]) / 1000
    middle = draw.one("bits", choices["bits"])
    zeros = sorted({draw.one(f"sparsity {i}", choices["sparsity"]) for i in range(3)})
    if len(zeros) < 3 or min(b - a for a, b in itertools.pairwise(zeros)) < NEAREST:
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
        points = [_point(row[kind], row, option) for option in row["options"]]
        if any(abs(row["max_loss"] + delta) < 1e-3 for _, delta in points):
            return None
        best = max((point, i) for i, point in enumerate(points) if -point[1] <= row["max_loss"])[1]
        if row["options"][best]["method"] != method or best == 0:
            return None
        if not 3 <= _front_size(points) < len(points):
            return None
    return row


def _front_size(points: Sequence[tuple[float, float]]) -> int:
    """How many of the (ratio, change in accuracy) are on the front: from the highest ratio down, each that beats all before it."""
    size, best = 0, -np.inf
    for _, delta in sorted(set(points), reverse=True):
        if delta > best:
            size, best = size + 1, delta
    return size


def _point(model: str, row: Row, option: Row) -> tuple[float, float]:
    pattern = ("bitmask", None) if option["sparsity"] else ("dense", row["group_size"])
    stored, _ = stored_bits(option["bits"], option["sparsity"], "unstructured", *pattern)
    return 16 / float(stored), _loss(model, option["method"], option["bits"], option["sparsity"])


@functools.cache
def _loss(model: str, method: str, bits: int, sparsity: float) -> float:
    result = CompressionModel().solve(model, "H100", method, target_bitwidth=bits, sparsity=sparsity)
    return float(result.estimated_accuracy_delta)  # which no device changes


MAKERS: dict[str, Callable[[_Draw, Row, Row], Row | None]] = {
    "0_self_check": _self_check,
    "1_predict": _predict,
    "2_crossover": _crossover,
    "3_frontier": _frontier,
}
