"""A run of the benchmark: which card and model, and every point that fits into memory and time."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.gpu.decoder import Decoder
from benchmarks.gpu.formats import Format, formats
from benchmarks.gpu.plan import CANDIDATES, Budget, choose_model, fitting_batches, timed_model
from benchmarks.gpu.products import check_product
from benchmarks.gpu.rows import Card, Measured, find_card
from benchmarks.gpu.timing import MODES, graphed, time_of
from mlsysim import Architecture, TransformerModel

__all__ = ["Setup", "measure_all", "prepare", "tiny_model"]

BF16_SINCE = (8, 0)  # the first compute capability whose tensor cores have it
KEPT_FREE = 0.05  # of the memory, which no plan uses


@dataclass(frozen=True, slots=True)
class Setup:
    """What is measured, on what; ``memory`` is what may be used of it, in bytes."""

    card: Card
    model: TransformerModel
    forms: list[Format]
    batches: list[int]
    context: int
    device: Any
    dtype: Any
    memory: float
    note: str


def tiny_model() -> TransformerModel:
    """A model with every part of a large one, small enough for a rehearsal on a CPU."""
    shape = Architecture(hidden=256, ffn=512, vocab=1024)
    count = shape.parameters(2, 4, 2, 64)
    return TransformerModel(
        "tiny", parameters=count, layers=2, heads=4, kv_heads=2, head_dim=64, architecture=shape
    )


def prepare(options: argparse.Namespace) -> Setup:
    """The set-up that the command's *options* ask for on this machine.

    Raises:
        InputError: an unknown model or device.
        ValueError: a model of another kind, or too little memory for any; the message says which.
    """
    versions = f"PyTorch {torch.__version__}"
    if options.rehearse:
        device, dtype, card, memory = torch.device("cpu"), torch.bfloat16, Card("this CPU", None), 8e9
    else:
        device = torch.device("cuda")
        torch.cuda.set_device(0)
        dtype = torch.bfloat16 if torch.cuda.get_device_capability() >= BF16_SINCE else torch.float16
        free, total = torch.cuda.mem_get_info()
        card = find_card(torch.cuda.get_device_name(), total, options.device)
        memory = free - KEPT_FREE * total
        versions += f", CUDA {torch.version.cuda}"
    half = "bf16" if dtype is torch.bfloat16 else "fp16"
    forms = formats(options.formats, options.group_size, half)
    if options.rehearse:
        model = tiny_model()
    else:
        name = options.model or choose_model(memory, forms, options.batches[0], options.context)
        if name is None:
            raise ValueError(
                f"{card.name} has {memory / 1e9:.1f} GB free, too little for {CANDIDATES[-1]} at batch "
                f"{options.batches[0]} and {options.context} tokens"
            )
        model = timed_model(name)
    note = f"{versions}; random weights, head and KV cache at 16 bits"
    return Setup(card, model, forms, options.batches, options.context, device, dtype, memory, note)


def measure_all(setup: Setup, seconds: float, say: Callable[[str], object] = print) -> list[Measured]:
    """Every point that fits, format by format, each format with an even share of the *seconds*; *say* tells what is left out."""
    say(
        f"{setup.card.name}: {setup.model.title}, {setup.context} tokens in the cache, {seconds / 60:g} minutes at most"
    )
    budget, measured = Budget(seconds), list[Measured]()
    for number, form in enumerate(setup.forms):
        until = budget.share(len(setup.forms) - number)
        fit = fitting_batches(setup.model, form, setup.batches, setup.context, setup.memory)
        why = "" if fit else f"{form.name} is left out: it does not fit at batch {setup.batches[0]}"
        if why := why or check_product(form, setup.device, setup.dtype):
            say(f"{why}.")
            continue
        done: set[int] = set()
        decoder: Decoder | None = None
        try:
            decoder = Decoder(setup.model, form, setup.device, setup.dtype)
            for batch in budget.in_time(fit, until):
                measured += _timed(setup, decoder, form, batch, until, say)
                done.add(batch)
        except torch.cuda.OutOfMemoryError:
            say(f"{form.name}: the memory was too short after batch {max(done, default=0)}.")
        left = [b for b in setup.batches if b not in done]
        if left:
            reasons = "do not fit" if not set(left) & set(fit) else "do not fit, or there is no time for them"
            say(f"{form.name}: batches {', '.join(map(str, left))} {reasons}.")
        decoder = None  # so that its memory is free for the next
        if setup.device.type == "cuda":
            torch.cuda.empty_cache()
    return measured


def _timed(
    setup: Setup, decoder: Decoder, form: Format, batch: int, until: float, say: Callable[[str], object]
) -> list[Measured]:
    """A decode step and its products at *batch*, in each mode that there is."""
    found = []
    with torch.inference_mode():
        cache = decoder.cache(batch, setup.context)
        for what, run in (("step", lambda: decoder.step(cache)), ("products", decoder.products(batch))):
            for mode in MODES if setup.device.type == "cuda" else MODES[:1]:
                try:
                    call = run if mode == MODES[0] else graphed(run)
                    took = time_of(call, setup.device, until)
                except torch.cuda.OutOfMemoryError:
                    raise
                except RuntimeError as error:
                    say(
                        f"{form.name}, batch {batch}, {what}, {mode}: left out ({str(error).splitlines()[0][:200]})."
                    )
                    continue
                found.append(Measured(what, form, mode, batch, took.median, took.low, took.high))
    steps = [f"{m.mode} {m.median_s * 1e3:.3f} ms" for m in found if m.what == "step"]
    say(f"  {form.name:>12}  batch {batch:>4}  {', '.join(steps)}")
    return found
