"""The solvers of the published tutorial: ``ServingModel``, ``SingleNodeModel``, ``Engine``, ``CompressionModel``."""

from __future__ import annotations

import inspect
from typing import Any

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_flag, check_number
from mlsysim.compression import CompressionModel
from mlsysim.errors import InputError, check_name, shown
from mlsysim.hardware import Device, find_device
from mlsysim.models import TransformerModel, VisionModel, find_model
from mlsysim.results import NodeResult, ServingResult
from mlsysim.runtimes import Runtime, find_runtime
from mlsysim.schemes import resolve
from mlsysim.training import TrainingResult, find_optimizer, training_scheme

__all__ = ["CompressionModel", "Engine", "ServingModel", "SingleNodeModel"]


class ServingModel:
    """LLM serving on one device: time to first token, inter-token latency, memory."""

    def solve(
        self,
        model: TransformerModel | str,
        hardware: Device | str,
        seq_len: Numbers = 2048,
        batch_size: Numbers = 1,
        precision: str = "fp16",
        *,
        kv_precision: str | None = None,
        group_size: Numbers | None = None,
        runtime: str | Runtime = "tutorial",
    ) -> ServingResult:
        """Solve one decode step, or arrays of them.

        Args:
            model: a transformer, or its name.
            hardware: a device, or its name.
            seq_len: context, tokens; a number or an array.
            batch_size: sequences decoded together; a number or an array.
            precision: scheme of weights and compute: ``fp32``, ``tf32``, ``bf16``, ``fp16``, ``fp8``, ``int8`` (W8A8),
                ``w8a16``, ``int4`` (W4A16), ``nf4``, ``w4a8``, ``w4a4`` or ``fp4``; see :mod:`mlsysim.schemes`.
            kv_precision: scheme whose bits the KV cache takes; by default the scheme's own.
            group_size: weights that share one stored scale (128 for GPTQ and AWQ), a number or an array; by default
                scales are left out, as in the tutorial. Weights of 16 bits and more have none.
            runtime: what software costs, by name or as a :class:`mlsysim.runtimes.Runtime`.

        Raises:
            InputError: a name is unknown, a number out of range, or arrays do not broadcast.

        >>> r = ServingModel().solve("Llama3_8B", "H100", seq_len=2048, precision="int4")
        >>> f"{r.itl.to('ms'):.2f~P}"
        '4.49 ms'
        """
        batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
        seq_len = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
        found: TransformerModel = find_model(model, TransformerModel, "ServingModel")
        device = find_device(hardware)
        scheme = resolve(precision, kv_precision, device, group_size)
        return ServingResult(found, device, scheme, find_runtime(runtime), batch_size, seq_len)


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
            model: a vision model; with ``is_training`` also a transformer (:mod:`mlsysim.training`).
            precision: training runs floating-point schemes of 8 bits and more as they are; any other runs in fp16,
                and the result's ``notes`` say so: short weights are for inference.
            seq_len: tokens of a sequence, for training a transformer alone; 2048 unless given.
            optimizer: ``adam`` (unless given) or ``sgd`` (with momentum), for training alone.

        Raises:
            InputError: a name is unknown, a number out of range, arrays do not broadcast, or an argument is not used.

        >>> p = SingleNodeModel().solve("ResNet50", "A100", batch_size=256)
        >>> f"{p.throughput:.0f} img/s, {p.bottleneck}"
        '21800 img/s, Compute'
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
            return NodeResult(vision, device, scheme, software, batch_size, False)
        if group_size is not None:
            raise InputError(f"group_size = {shown(group_size)} is not used: training stores no group scales")
        scheme = training_scheme(precision, device)
        state = find_optimizer("adam" if optimizer is None else optimizer)
        if reads:
            seq_len = check_number(
                "seq_len", 2048 if seq_len is None else seq_len, 1, MAX_CONTEXT, integer=True
            )
            return TrainingResult(found, device, scheme, software, batch_size, seq_len, state)
        vision = find_model(found, VisionModel, "SingleNodeModel")
        return NodeResult(vision, device, scheme, software, batch_size, True, state.bytes_per_parameter)


class Engine:
    """One call for any workload: transformers decode, vision models run forward, and ``is_training`` trains either."""

    @staticmethod
    def solve(
        model: TransformerModel | VisionModel | str,
        hardware: Device | str,
        *,
        is_training: bool = False,
        **arguments: Any,
    ) -> ServingResult | NodeResult | TrainingResult:
        """``ServingModel`` or ``SingleNodeModel`` by the kind of *model*; the arguments are theirs.

        Raises:
            InputError: as they do, or an argument is not one of the solver's.
        """
        found = find_model(model)
        if check_flag("is_training", is_training) or isinstance(found, VisionModel):
            solve: Any = SingleNodeModel().solve
            arguments["is_training"] = is_training
        else:
            solve = ServingModel().solve
        known = inspect.signature(solve).parameters
        for name in arguments:
            check_name(f"argument of the solver for {found.title}", name, known)
        result: ServingResult | NodeResult | TrainingResult = solve(found, hardware, **arguments)
        return result
