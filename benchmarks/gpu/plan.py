"""Which model, and which points of it, a card's memory holds; and when the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from benchmarks.gpu.formats import Format
from mlsysim import Models, TransformerModel

__all__ = ["CANDIDATES", "Budget", "bytes_needed", "choose_model", "fitting_batches", "timed_model"]

CANDIDATES = ("Llama3_8B", "Llama3_2_3B", "Llama3_2_1B")  # the first that fits is timed
VALUE = 2  # bytes of activations, cache, embedding and head
WORKSPACE = 1.5e9  # of matrix products, of CUDA graphs, and of a matrix while it is quantized


def bytes_needed(model: TransformerModel, stored_bits: float, batch: int, context: int) -> float:
    """Bytes on the card while a decode step is timed: weights, cache, activations and workspace."""
    shape = model.shape()
    tables = shape.embedding_parameters * (1 if shape.tied else 2)
    body = (model.exact_parameters - tables) * stored_bits / 8
    cache = 2.0 * model.layers * model.kv_heads * model.head_dim * context * batch * VALUE
    # A step holds the logits as they are and as floats, and a few times the widest activations.
    activations = batch * (3.0 * shape.vocab + 8.0 * shape.ffn + 8.0 * shape.hidden) * VALUE
    return body + tables * VALUE + cache + activations + WORKSPACE


def fitting_batches(
    model: TransformerModel, form: Format, batches: Iterable[int], context: int, memory: float
) -> list[int]:
    """The *batches* that fit into so many bytes of *memory*, in rising order."""
    fit = {b for b in batches if bytes_needed(model, form.stored_bits, b, context) <= memory}
    return sorted(fit)


def timed_model(name: str) -> TransformerModel:
    """The model called *name*, if this benchmark has its equations.

    Raises:
        InputError: no such model.
        ValueError: its layers are of another kind; the message says what is allowed.
    """
    model = Models[name]
    shape = model.architecture if isinstance(model, TransformerModel) else None
    plain = (
        isinstance(model, TransformerModel)
        and shape is not None
        and not isinstance(shape, str)
        and shape.dense
        and shape.gated
        and not (shape.positions or shape.encoder or shape.qk_norm or shape.sinks)
        and (shape.biases, shape.norms) == ("none", 2)
    )
    if not plain or not isinstance(model, TransformerModel):
        raise ValueError(
            f"model = {name} is not allowed: give one whose layers are those of Llama 3, such as {', '.join(CANDIDATES)}"
        )
    return model


def choose_model(memory: float, forms: Sequence[Format], batch: int, context: int) -> str | None:
    """The largest of :data:`CANDIDATES` that fits at *batch* in every one of the formats, or None."""
    widest = max(form.stored_bits for form in forms)
    for name in CANDIDATES:
        if bytes_needed(timed_model(name), widest, batch, context) <= memory:
            return name
    return None


class Budget:
    """Seconds that may be used, shared evenly among what is still to come.

    >>> now = iter([0.0, 0.0])
    >>> Budget(90, lambda: next(now)).share(3)
    30.0
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.end = clock() + seconds

    def share(self, parts: int) -> float:
        """When the first of so many *parts* must end, as the clock says it, so that each has as long."""
        now = self.clock()
        return now + max(self.end - now, 0.0) / parts

    def in_time(self, batches: Iterable[int], until: float) -> Iterator[int]:
        """The *batches*, as long as there is time until *until* for the next, which may take twice as long as the last."""
        longest = 0.0
        for batch in batches:
            start = self.clock()
            if start + 2 * longest >= until:
                return
            yield batch
            longest = max(longest, self.clock() - start)
