"""The solvers of the published tutorial: ``ServingModel``, ``SingleNodeModel``, ``Engine``, ``CompressionModel``."""

from __future__ import annotations

from typing import Any

from mlsysim.compression import CompressionModel
from mlsysim.errors import InputError, check_number
from mlsysim.hardware import Device, Hardware
from mlsysim.models import Models, TransformerModel, VisionModel
from mlsysim.results import NodeResult, ServingResult
from mlsysim.runtimes import Runtime, find_runtime
from mlsysim.schemes import resolve
from mlsysim.training import TrainingResult, find_optimizer, training_scheme

__all__ = ["CompressionModel", "Engine", "ServingModel", "SingleNodeModel"]

MAX_BATCH = 2**31
MAX_CONTEXT = 2**31


def _find_model(model: Any, kind: type, solver: str) -> Any:
    found = Models[model] if isinstance(model, str) else model
    if not isinstance(found, kind):
        name = getattr(found, "title", repr(found))
        reason = getattr(found, "reason", "")
        because = f" ({reason})" if reason else ""
        raise InputError(f"model = {name} is not allowed: {solver} takes a {kind.__name__}{because}")
    return found


def _find_device(hardware: Any) -> Device:
    found = Hardware[hardware] if isinstance(hardware, str) else hardware
    if not isinstance(found, Device):
        raise InputError(f"hardware = {found!r} is not allowed: give a Device or the name of one")
    return found


class ServingModel:
    """LLM serving on one device: time to first token, inter-token latency, memory."""

    def solve(
        self,
        model: TransformerModel | str,
        hardware: Device | str,
        seq_len: Any = 2048,
        batch_size: Any = 1,
        precision: str = "fp16",
        *,
        kv_precision: str | None = None,
        group_size: int | None = None,
        runtime: str | Runtime = "tutorial",
    ) -> ServingResult:
        """Solve one decode step, or arrays of them.

        Args:
            model: a transformer, or its name.
            hardware: a device, or its name.
            seq_len: context, tokens; a number or an array.
            batch_size: sequences decoded together; a number or an array.
            precision: scheme of weights and compute (``fp16``, ``int8``, ``int4`` …).
            kv_precision: scheme whose bits the KV cache takes; by default the scheme's own.
            group_size: weights that share one stored scale (128 for GPTQ and AWQ); by default scales are left out, as
                in the tutorial. Weights of 16 bits and more have none.
            runtime: what software costs, by name or as a :class:`~mlsysim.runtimes.Runtime`.

        Raises:
            InputError: a name is unknown, a number out of range, or arrays do not broadcast.

        >>> r = ServingModel().solve("Llama3_8B", "H100", seq_len=2048, precision="int4")
        >>> f"{r.itl.to('ms'):.2f~P}"
        '4.49 ms'
        """
        batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
        seq_len = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
        found: TransformerModel = _find_model(model, TransformerModel, "ServingModel")
        device = _find_device(hardware)
        scheme = resolve(precision, kv_precision, device, group_size)
        return ServingResult(found, device, scheme, find_runtime(runtime), batch_size, seq_len)


class SingleNodeModel:
    """One pass of a vision model on one device, or a training step of any model."""

    def solve(
        self,
        model: TransformerModel | VisionModel | str,
        hardware: Device | str,
        batch_size: Any = 1,
        precision: str = "fp16",
        *,
        group_size: int | None = None,
        runtime: str | Runtime = "tutorial",
        is_training: bool = False,
        seq_len: Any = 2048,
        optimizer: str = "adam",
    ) -> NodeResult | TrainingResult:
        """Solve a forward pass (or, with ``is_training``, a training step) of *batch_size* images or sequences.

        Args:
            model: a vision model; with ``is_training`` also a transformer (:mod:`mlsysim.training`).
            precision: training runs floating-point schemes of 8 bits and more as they are; any other runs in fp16,
                and the result's ``notes`` say so: short weights are for inference.
            seq_len: tokens of a sequence, for training a transformer.
            optimizer: ``adam`` or ``sgd`` (with momentum), for training.

        Raises:
            InputError: a name is unknown, a number out of range, or arrays do not broadcast.

        >>> p = SingleNodeModel().solve("ResNet50", "A100", batch_size=256)
        >>> f"{p.throughput:.0f} img/s, {p.bottleneck}"
        '21800 img/s, Compute'
        """
        batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
        found = Models[model] if isinstance(model, str) else model
        device, software = _find_device(hardware), find_runtime(runtime)
        if not is_training:
            vision = _find_model(found, VisionModel, "SingleNodeModel without is_training=True")
            return NodeResult(
                vision, device, resolve(precision, None, device, group_size), software, batch_size, False
            )
        scheme, state = training_scheme(precision, device), find_optimizer(optimizer)
        if isinstance(found, TransformerModel):
            seq_len = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
            return TrainingResult(found, device, scheme, software, batch_size, seq_len, state)
        vision = _find_model(found, VisionModel, "SingleNodeModel")
        return NodeResult(vision, device, scheme, software, batch_size, True, state.bytes_per_parameter)


class Engine:
    """One call for any workload: transformers decode, vision models run forward, and ``is_training`` trains either."""

    @staticmethod
    def solve(model: Any, hardware: Any, **arguments: Any) -> ServingResult | NodeResult | TrainingResult:
        """``ServingModel`` or ``SingleNodeModel`` by the kind of *model*; the arguments are theirs."""
        found: Any = Models[model] if isinstance(model, str) else model
        training = arguments.pop("is_training", False)
        if training or isinstance(found, VisionModel):
            return SingleNodeModel().solve(found, hardware, is_training=training, **arguments)
        return ServingModel().solve(found, hardware, **arguments)
