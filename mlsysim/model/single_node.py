"""One pass on one device: a forward pass of a vision model, or a training step of any model."""

from __future__ import annotations

from functools import partial
from typing import Any

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_flag, check_number
from mlsysim.errors import InputError, shown
from mlsysim.model.kernels import vision_kernel
from mlsysim.model.result import SolverResult
from mlsysim.model.timing import Timing, kernel_rates, overhead_seconds, timing_of_points
from mlsysim.model.training import Optimizer, TrainingResult, find_optimizer, training_scheme, training_timing
from mlsysim.specs import (
    Device,
    Runtime,
    Scheme,
    TransformerModel,
    VisionModel,
    find_device,
    find_model,
    find_runtime,
    resolve,
)

__all__ = ["NodeResult", "SingleNodeModel", "vision_timing"]


def vision_timing(
    model: VisionModel, device: Device, scheme: Scheme, runtime: Runtime, batch: Any, training: bool
) -> Timing:
    """A forward pass of *batch* images, or a training step, as one kernel in one dispatch."""
    return Timing(
        (vision_kernel(model, scheme, runtime, batch, training),),
        kernel_rates(device, scheme.computes_at, runtime),
        overhead_seconds(model.layers, device, runtime, dispatched=True),
    )


class NodeResult(SolverResult):
    """One forward pass (or training step) of a vision model on one device."""

    __slots__ = ("optimizer_bytes", "training")
    model: VisionModel

    def __init__(
        self,
        model: VisionModel,
        hardware: Device,
        scheme: Scheme,
        runtime: Runtime,
        batch_size: Any,
        timing: Timing,
        training: bool,
        optimizer_bytes: float = 0,
    ) -> None:
        super().__init__(model, hardware, scheme, runtime, batch_size, timing)
        self.training = training
        self.optimizer_bytes = optimizer_bytes

    @property
    def memory_needed_bytes(self) -> Any:
        """Weights and activations, bytes; training keeps every activation, inference one layer's share.

        Training also keeps ``optimizer_bytes`` for each parameter: weights, gradient, master copy and moments.
        """
        activations = self.batch_size * (self.model.activations_per_image * self.scheme.activation_bits / 8)
        kept = activations if self.training else activations / self.model.layers
        weights = self.model.parameters * self.optimizer_bytes if self.training else self.weights_bytes
        return self._shaped(weights + kept)

    def __repr__(self) -> str:
        return self._told(lambda: f"{self.latency_s * 1e3:.2f} ms, bound by {self.binding}")


class SingleNodeModel:
    """One pass of a vision model on one device, or a training step of any model."""

    def solve(
        self,
        model: TransformerModel | VisionModel | str,
        hardware: Device | str,
        batch_size: Numbers = 1,
        precision: str = "fp16",
        *,
        group_size: Numbers | None = None,
        runtime: str | Runtime = "tutorial",
        is_training: bool = False,
        seq_len: Numbers | None = None,
        optimizer: str | None = None,
    ) -> NodeResult | TrainingResult:
        """Solve a forward pass (or, with ``is_training``, a training step) of *batch_size* images or sequences.

        Args:
            model: a vision model; with ``is_training`` also a transformer (:mod:`mlsysim.model.training`).
            precision: training runs floating-point schemes of 8 bits and more as they are; any other runs in fp16,
                and the result's ``notes`` say so: short weights are for inference.
            seq_len: tokens of a sequence, for training a transformer alone; 2048 unless given.
            optimizer: ``adam`` (unless given) or ``sgd`` (with momentum), for training alone.

        Raises:
            InputError: a name is unknown, a number out of range, arrays do not broadcast, or an argument is not used.

        >>> p = SingleNodeModel().solve("ResNet50", "A100", batch_size=256)
        >>> f"{p.throughput:.0f}, {p.bottleneck}"
        '21800 / second, Compute'
        """
        batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
        found = find_model(model)
        device, software = find_device(hardware), find_runtime(runtime)
        is_training = check_flag("is_training", is_training)
        reads = is_training and isinstance(found, TransformerModel)
        if seq_len is not None and not reads:
            raise InputError(f"seq_len = {shown(seq_len)} is not used: only training a transformer takes it")
        if optimizer is not None and not is_training:
            raise InputError(f"optimizer = {shown(optimizer)} is not used without is_training=True")
        if not is_training:
            vision = find_model(found, VisionModel, "SingleNodeModel without is_training=True")
            scheme = resolve(precision, None, device, group_size)
            return _pass(vision, device, scheme, software, batch_size, None)
        if group_size is not None:
            raise InputError(f"group_size = {shown(group_size)} is not used: training stores no group scales")
        scheme = training_scheme(precision, device)
        state = find_optimizer("adam" if optimizer is None else optimizer)
        if reads:
            if found.architecture is not None and not found.architecture.dense:
                raise InputError(
                    f"model = {found.title} is not allowed with is_training=True: the equations of training are for dense "
                    "transformers with full attention"
                )
            seq_len = check_number(
                "seq_len", 2048 if seq_len is None else seq_len, 1, MAX_CONTEXT, integer=True
            )
            equations = partial(training_timing, state, found, device, scheme, software)
            counts = ("batch_size", "seq_len")
            timing = timing_of_points(equations, (device, scheme, software), counts, batch_size, seq_len)
            return TrainingResult(found, device, scheme, software, batch_size, seq_len, state, timing)
        return _pass(
            find_model(found, VisionModel, "SingleNodeModel"), device, scheme, software, batch_size, state
        )


def _pass(
    model: VisionModel,
    device: Device,
    scheme: Scheme,
    runtime: Runtime,
    batch_size: Any,
    optimizer: Optimizer | None,
) -> NodeResult:
    """A training step with *optimizer*, or a forward pass without one."""
    training = optimizer is not None
    equations = partial(vision_timing, model, device, scheme, runtime, training=training)
    timing = timing_of_points(equations, (device, scheme, runtime), ("batch_size",), batch_size)
    kept = optimizer.bytes_per_parameter if optimizer else 0
    return NodeResult(model, device, scheme, runtime, batch_size, timing, training, kept)
