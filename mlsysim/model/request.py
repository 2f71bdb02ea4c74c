"""A whole request: the prefill of its prompt, then one decode step for each further token, while the context grows.

With a prompt of S tokens and N tokens of output, for B requests at once,

    latency = TTFT(S) + Σ ITL(S + i) for i = 1 … N - 1

as the prefill gives the first token, and step i reads a cache of S + i tokens. A step is a straight line in the tokens
of its cache, so the sum is N - 1 times the step at the mean context, S + N/2; a sliding window bends the line once, and
then there is a mean on either side. Source of the form: Agrawal et al. 2024, Sarathi-Serve (arXiv 2403.02310), section 2.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from mlsysim.checks import MAX_CONTEXT, Numbers, check_number, check_shapes
from mlsysim.intervals import WithIntervals, interval_end
from mlsysim.model.passes import cache_share
from mlsysim.model.serving import ServingModel, ServingResult
from mlsysim.render import cell, html_facts
from mlsysim.specs import Device, Link, Runtime, TransformerModel
from mlsysim.units import quantity

__all__ = ["RequestResult", "solve_request"]


class RequestResult(WithIntervals):
    """Whole requests: how long they take, and the memory that they need when their last token is there.

    With ``runtime="measured"`` the times have intervals, such as ``latency_low`` to ``latency_high``.

    Attributes:
        first: the result at the end of the prompt, with its prefill and its first decode step.
        output_tokens: tokens of the answer, the first one included.
        shape: the broadcast shape; ``()`` for plain numbers.
    """

    __slots__ = ("decode_s", "first", "output_tokens", "shape", "ttft_s")
    figures = ("latency", "ttft", "itl")
    latency_low, latency_high = interval_end("latency", 0, "s"), interval_end("latency", 1, "s")
    table_columns: ClassVar[tuple[str, ...]] = ("latency_s", "ttft_s", "itl_s", "throughput", "feasible")

    def __init__(self, first: ServingResult, output_tokens: Any) -> None:
        self.first = first
        self.output_tokens = output_tokens
        self.ttft_s: Any = first.ttft_s
        self.decode_s: Any = self._steps()
        self.shape: tuple[int, ...] = np.shape(self.latency_s)

    def _steps(self) -> Any:
        """Seconds of all decode steps."""
        r, steps, shape = self.first, self.output_tokens - 1, self.first.model.architecture
        within = steps
        if shape is not None and shape.window:
            within = np.clip(shape.window - r.seq_len, 0, steps)
        start, total = r.seq_len, 0.0
        for count in (within, steps - within):
            if np.any(count):
                total = total + count * self._step(start + (count + 1) / 2)
            start = start + count
        return total

    def _step(self, context: Any) -> Any:
        r = self.first
        return r.deployment.decode(r.batch_size, context, r.devices, r.link).total

    @property
    def latency_s(self) -> Any:
        """From the prompt to the last token, seconds."""
        return self.ttft_s + self.decode_s

    @property
    def latency(self) -> Any:
        """From the prompt to the last token, s."""
        return quantity(self.latency_s, "s")

    @property
    def runtime(self) -> Runtime:  # type: ignore[override]
        """What software costs."""
        return self.first.runtime

    @property
    def ttft(self) -> Any:
        """Time to the first token, ms."""
        return quantity(self.ttft_s, "s", "ms")

    @property
    def itl_s(self) -> Any:
        """Mean time between two tokens, seconds; 0 where there is one token only."""
        return self.decode_s / np.maximum(self.output_tokens - 1, 1)

    @property
    def itl(self) -> Any:
        """Mean time between two tokens, ms."""
        return quantity(self.itl_s, "s", "ms")

    @property
    def throughput_per_s(self) -> Any:
        """Tokens of output per second, of all requests together, a plain number."""
        return self.first.batch_size * self.output_tokens / self.latency_s

    @property
    def throughput(self) -> Any:
        """Tokens of output per second, of all requests together, as a quantity in 1/s."""
        return quantity(self.throughput_per_s, "1/s")

    @property
    def memory_needed_bytes(self) -> Any:
        """Weights and the whole KV cache, bytes; what each device needs where several share the model."""
        r = self.first
        whole = r.deployment.kernels.cache_bytes(r.seq_len + self.output_tokens, r.batch_size)
        return r.weights_bytes / r.devices + whole * cache_share(r.model, r.devices)

    @property
    def memory_needed(self) -> Any:
        """Weights and the whole KV cache, GB."""
        return quantity(self.memory_needed_bytes, "byte", "GB")

    @property
    def feasible(self) -> Any:
        """Whether it fits in device memory to the last token."""
        return self.memory_needed_bytes <= self.first.hardware.memory_bytes

    @property
    def notes(self) -> str:
        """What ran otherwise than the precision's name says, and what the name counts beside the weights."""
        return self.first.notes

    def _repr_html_(self) -> str:
        if self.shape:
            return html_facts(self.first.title, {"Shape": str(self.shape), "Notes": self.notes})
        facts = {
            "Latency": cell(self.latency),
            "First token": cell(self.ttft),
            "Between tokens": cell(self.itl),
            "Throughput": f"{cell(self.throughput_per_s)} per second",
            "Memory": cell(self.memory_needed),
            "Fits": str(self.feasible),
        }
        return html_facts(self.first.title, {**facts, "Notes": self.notes})

    def __repr__(self) -> str:
        notes = f"; {self.notes}" if self.notes else ""
        if self.shape:
            return f"<RequestResult {self.first.title}, shape {self.shape}{notes}>"
        fits = "" if self.feasible else f"; does NOT fit: needs {self.memory_needed_bytes / 1e9:.1f} GB"
        return (
            f"<RequestResult {self.first.title}: {self.latency_s:.2f} s"
            f"{self.runtime.interval_told('latency', self.latency_s, 's')} for {self.first.seq_len} tokens and "
            f"{self.output_tokens} more, first after {self.ttft_s * 1e3:.1f} ms{fits}{notes}>"
        )


def solve_request(
    model: TransformerModel | str,
    hardware: Device | str,
    prompt_tokens: Numbers = 2048,
    output_tokens: Numbers = 256,
    batch_size: Numbers = 1,
    precision: str = "fp16",
    *,
    kv_precision: str | None = None,
    group_size: Numbers | None = None,
    weight_bits: Numbers | None = None,
    devices: Numbers = 1,
    link: str | Link | None = None,
    runtime: str | Runtime = "tutorial",
) -> RequestResult:
    """Whole requests, prefill and decode, of *batch_size* prompts that start together.

    Args:
        prompt_tokens: tokens of each prompt; a number or an array.
        output_tokens: tokens of each answer, the first one included; a number or an array.
        batch_size, precision, kv_precision, group_size, weight_bits, devices, link, runtime: as in
            :meth:`mlsysim.ServingModel.solve`.

    Raises:
        InputError: a name is unknown, a number out of range, or arrays do not broadcast.

    >>> print(solve_request("Llama3_8B", "H100", 2048, 256, runtime="compiled"))
    <RequestResult Llama-3 8B on H100, FP16, compiled: 1.36 s for 2048 tokens and 256 more, first after 30.3 ms>
    """
    output = check_number("output_tokens", output_tokens, 1, MAX_CONTEXT, integer=True)
    prompt = check_number("prompt_tokens", prompt_tokens, 1, MAX_CONTEXT, integer=True)
    first = ServingModel().solve(
        model,
        hardware,
        prompt,
        batch_size,
        precision,
        kv_precision=kv_precision,
        group_size=group_size,
        weight_bits=weight_bits,
        devices=devices,
        link=link,
        runtime=runtime,
    )
    check_shapes(output_tokens=output, result=np.empty(first.shape))
    return RequestResult(first, output)
