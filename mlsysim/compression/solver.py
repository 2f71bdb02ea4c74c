"""Compression: size, storage overheads, accuracy and speed of quantized, pruned and distilled models."""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsysim.checks import MAX_BATCH, MAX_CONTEXT, Numbers, check_number, check_shapes
from mlsysim.compression.accuracy import combine, estimate, find_student
from mlsysim.compression.accuracy_curves import PATTERNS
from mlsysim.compression.result import CompressionResult
from mlsysim.compression.speedup import Workload, compressed_speedup
from mlsysim.compression.storage import stored_bits
from mlsysim.errors import InputError, check_name, shown
from mlsysim.specs import (
    Device,
    Model,
    Runtime,
    TransformerModel,
    find_device,
    find_model,
    find_runtime,
    find_scheme,
)
from mlsysim.specs.scheme import GROUP_SIZES

__all__ = ["CompressionModel"]

METHODS = ("quantization", "pruning", "combined", "distillation")
N_M_SPARSITY = 0.5


class CompressionModel:
    """What quantization, pruning or distillation does to a model's size, accuracy and speed."""

    def solve(
        self,
        model: Model | str,
        hardware: Device | str,
        method: str = "quantization",
        target_bitwidth: Numbers | None = None,
        sparsity: Numbers | None = None,
        sparsity_type: str = "unstructured",
        *,
        recipe: str | None = None,
        pruning_recipe: str | None = None,
        group_size: Numbers | None = 128,
        sparse_format: str | None = None,
        baseline_bits: Numbers = 16,
        batch_size: Numbers = 1,
        seq_len: Numbers = 2048,
        kv_precision: str | None = None,
        runtime: str | Runtime = "tutorial",
    ) -> CompressionResult:
        """Compress *model* by *method*; numbers may be arrays that broadcast.

        Args:
            method: ``quantization`` (uses *target_bitwidth*), ``pruning`` (uses *sparsity*), ``combined``
                (both) or ``distillation`` (published students only, chosen by *recipe*).
            target_bitwidth: bits of a weight, up to 16; 8 unless given (4 for ``combined``).
            sparsity: share of the weights that is zero, 0 to below 1; 0.5 for ``n_m`` unless given.
            sparsity_type: ``unstructured``, ``structured`` (whole channels go) or ``n_m`` (2:4).
            recipe: how it was done (:func:`mlsysim.compression.accuracy_curves.find_curve`); by default the family's first.
            pruning_recipe: the same for the pruning half of ``combined``.
            group_size: weights that share one FP16 scale in the file, below 8 bits; None for one scale a channel.
            sparse_format: of the file, see :mod:`mlsysim.compression.storage`; by default the smallest that fits the pattern.
            baseline_bits: bits of a weight in the checkpoint that sizes and ratios are relative to.
            batch_size, seq_len, kv_precision, runtime: what the speed-up is given for, as in
                :class:`mlsysim.solvers.ServingModel` (transformers decode, vision models run forward).
                Group scales do not slow it down, as in a solver without ``group_size``.

        The accuracy of ``combined`` is the product of the two recoveries: an assumption (errors add up
        independently), not a measurement. The one such measurement known, 2:4 with distillation and INT4, is a
        ``distillation`` recipe.

        Raises:
            InputError: an unknown name, a number out of range, an argument that *method* does not use, arrays
                that do not broadcast, or a family for which nothing was measured.

        >>> c = CompressionModel().solve("Llama3_8B", "H100", target_bitwidth=4)
        >>> f"{c.compressed_size_gb:.2f~P} {c.compression_ratio:.1f}x {c.estimated_accuracy_delta:+.1%} {c.speedup:.1f}x"
        '4.02 GB 4.0x -1.2% 1.9x'
        """
        found, device = _checked(model, hardware, kv_precision)
        check_name("method", method, METHODS)
        check_name("sparsity_type", sparsity_type, PATTERNS)
        _refuse_unused(method, target_bitwidth, sparsity, sparsity_type, pruning_recipe)
        bits, zeros, pattern = 16.0, 0.0, None
        if method == "distillation":
            student = find_student(found.family, recipe)
            bits, zeros, pattern = student.bits, student.sparsity, student.pattern
        if method in ("quantization", "combined"):
            given = (8 if method == "quantization" else 4) if target_bitwidth is None else target_bitwidth
            bits = check_number("target_bitwidth", given, 1, 16)
        if method in ("pruning", "combined"):
            zeros, pattern = _sparsity(sparsity, sparsity_type), sparsity_type
        baseline = check_number("baseline_bits", baseline_bits, 1, 64)
        batch_size = check_number("batch_size", batch_size, 1, MAX_BATCH, integer=True)
        seq_len = check_number("seq_len", seq_len, 1, MAX_CONTEXT, integer=True)
        group = (
            None if group_size is None else check_number("group_size", group_size, *GROUP_SIZES, integer=True)
        )
        shape = check_shapes(
            target_bitwidth=bits,
            sparsity=zeros,
            group_size=1 if group is None else group,
            baseline_bits=baseline,
            batch_size=batch_size,
            seq_len=seq_len,
        )

        if method == "distillation":
            accuracy = student.estimate
        elif method == "quantization":
            accuracy = estimate(found.family, "quantization", bits, recipe)
        elif method == "pruning":
            accuracy = estimate(found.family, "pruning", zeros, recipe, sparsity_type)
        else:
            accuracy = combine(
                estimate(found.family, "quantization", bits, recipe),
                estimate(found.family, "pruning", zeros, pruning_recipe, sparsity_type),
            )
        notes = []
        if accuracy.basis == "upper bound":
            notes.append(
                f"no accuracy was measured for {pattern} zeros: an upper bound, from unstructured ones"
            )
        stored, storage_format = stored_bits(bits, zeros, pattern or "unstructured", sparse_format, group)
        work = Workload(found, device, find_runtime(runtime), batch_size, seq_len, kv_precision)
        speedup: Any
        try:
            speedup, more = compressed_speedup(work, bits, zeros, pattern)
        except InputError as error:  # size and accuracy do not depend on the speed
            speedup, more = error, [f"no speed-up: {error}"]
        else:
            speedup = np.broadcast_to(speedup, shape) if shape else float(speedup)

        def shaped(value: Any) -> Any:
            return np.broadcast_to(value, shape) if shape else float(value)

        return CompressionResult(
            original_bytes=shaped(found.parameters * baseline / 8),
            compression_ratio=shaped(baseline / (bits * (1 - zeros))),
            storage_ratio=shaped(baseline / stored),
            storage_format=np.broadcast_to(storage_format, shape) if shape else storage_format,
            estimated_accuracy_delta=shaped(accuracy.recovery - 1),
            accuracy_low=shaped(accuracy.low - 1),
            accuracy_high=shaped(accuracy.high - 1),
            accuracy_at_chance=accuracy.chance - 1,
            accuracy_basis=accuracy.basis,
            accuracy_sources=accuracy.sources,
            notes="; ".join(notes + more),
            _speedup=speedup,
        )


def _checked(model: Any, hardware: Any, kv_precision: str | None) -> tuple[Any, Device]:
    found, device = find_model(model), find_device(hardware)
    if kv_precision is not None:
        find_scheme(kv_precision, "kv_precision")
        if not isinstance(found, TransformerModel):
            raise InputError(f"kv_precision = {kv_precision!r} is not allowed: {found.title} has no KV cache")
    return found, device


def _refuse_unused(method: str, bits: Any, sparsity: Any, pattern: str, pruning_recipe: str | None) -> None:
    """Refuse what *method* would otherwise ignore without a word."""
    unused: dict[str, Any] = {}
    if method in ("pruning", "distillation") and bits is not None and not _all(bits, 16):
        unused["target_bitwidth"] = bits  # 16 says what a pruned model keeps anyway
    if method in ("quantization", "distillation"):
        if sparsity is not None and not _all(sparsity, 0):
            unused["sparsity"] = sparsity
        if pattern != "unstructured":
            unused["sparsity_type"] = pattern
    if method != "combined" and pruning_recipe is not None:
        unused["pruning_recipe"] = pruning_recipe
    for name, value in unused.items():
        raise InputError(
            f"{name} = {shown(value)} is not used by method {method!r}; 'combined' quantizes and prunes"
        )


def _all(value: Any, number: float) -> bool:
    """Whether *value* is that number, or an array of nothing else."""
    try:
        return bool(np.size(value) and np.all(np.equal(value, number)))
    except (TypeError, ValueError):  # no numbers at all
        return False


def _sparsity(sparsity: Any, pattern: str) -> Any:
    if sparsity is None and pattern != "n_m":
        raise InputError("sparsity is missing: give the share of the weights that is zero, from 0 to below 1")
    zeros = check_number("sparsity", N_M_SPARSITY if sparsity is None else sparsity, 0, 1, open_high=True)
    if pattern == "n_m" and not np.all(np.equal(zeros, N_M_SPARSITY)):
        raise InputError(f"sparsity = {shown(sparsity)} is not allowed with n_m: 2:4 sparsity is 0.5")
    return zeros
