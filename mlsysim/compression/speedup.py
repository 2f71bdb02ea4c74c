"""How much faster a compressed model runs, from the kernels' times and never from the compression ratio."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from mlsysim.compression.storage import N_M_INDEX_BITS
from mlsysim.errors import InputError
from mlsysim.model.kernels import weight_bytes
from mlsysim.model.passes import Deployment
from mlsysim.model.single_node import vision_timing
from mlsysim.model.timing import Timing
from mlsysim.specs import Device, Runtime, Scheme, TransformerModel, VisionModel, resolve

__all__ = ["Workload", "compressed_speedup"]

NAMED_BITS = {16: "fp16", 8: "int8", 4: "int4"}  # every other width is weight-only, computed in fp16
SPARSE_COMPUTE = 0.5  # 2:4 tensor cores do a matmul in half the time (arXiv 2104.08378)
N_M_KEPT = 0.5  # of the values, by 2:4


class Workload:
    """A model on a device at a batch and a context: what a speed-up is measured on.

    Transformers decode one token for each sequence; vision models run one forward pass.
    """

    __slots__ = ("batch_size", "device", "kv_precision", "model", "runtime", "seq_len")

    def __init__(
        self,
        model: Any,
        device: Device,
        runtime: Runtime,
        batch_size: Any,
        seq_len: Any,
        kv_precision: str | None,
    ) -> None:
        self.model = model
        self.device = device
        self.runtime = runtime
        self.batch_size = batch_size
        self.seq_len = seq_len
        self.kv_precision = kv_precision

    def seconds(self, scheme: Scheme, weight_bits: Any, compute: Any = 1.0) -> Any:
        """Seconds with weights of *weight_bits* each, whose matmuls do *compute* of their work."""
        scheme = replace(scheme, weight_bits=weight_bits)
        if isinstance(self.model, TransformerModel):
            work = Deployment(self.model, self.device, scheme, self.runtime)
            timing = work.decode(self.batch_size, self.seq_len)
        elif isinstance(self.model, VisionModel):
            timing = vision_timing(self.model, self.device, scheme, self.runtime, self.batch_size, False)
        else:
            raise InputError(f"there are no equations for the speed of {self.model.title}")
        matmuls, *others = timing.kernels
        less = matmuls._replace(
            flops_each=matmuls.flops_each * compute, unpacking_s=matmuls.unpacking_s * compute
        )
        return Timing((less, *others), timing.rates, timing.overhead).total

    def scheme(self, bits: int) -> Scheme:
        """The scheme of that many bits (16, 8 or 4), as the device runs it."""
        name = self.device.half_precision if bits == 16 else NAMED_BITS[bits]
        decodes = isinstance(self.model, TransformerModel)
        return resolve(name, self.kv_precision, self.device, without_peak=decodes)

    def weight_only(self, bits: Any) -> Scheme:
        """Weights (and, unless overridden, the KV cache) of *bits*, computed in fp16."""
        base = self.scheme(16)
        kv_bits = bits if self.kv_precision is None else base.kv_bits
        return replace(base, name="weight_only", title="weight-only", weight_bits=bits, kv_bits=kv_bits)


def compressed_speedup(
    work: Workload, bits: Any, sparsity: Any, pattern: str | None
) -> tuple[Any, list[str]]:
    """Speed-up over the dense FP16 model on the same device, and what a reader must know about it.

    * 16, 8 and 4 bits run as the schemes fp16, int8 and int4; other widths are weight-only at the fp16 rate. The KV
      cache follows the weights, as in those schemes, unless ``kv_precision`` says otherwise, and a note says so.
    * ``unstructured`` zeros change nothing: GPU kernels load and multiply them.
    * ``n_m`` (2:4), where the device has it: half the values and 2-bit positions are loaded, matmuls take half the time.
    * ``structured``: the parameters are gone, from the bytes and from the FLOPs of the matmuls; activations and
      KV cache stay.

    Raises:
        InputError: the device cannot run the scheme, or there are no equations for the model.
    """
    notes: list[str] = []
    kept: Any = 1.0
    index: Any = 0.0
    compute: Any = 1.0
    if pattern == "structured":
        kept = compute = 1 - sparsity
    elif pattern == "n_m" and work.device.sparse_2_4:
        kept, index, compute = N_M_KEPT, N_M_KEPT * N_M_INDEX_BITS, SPARSE_COMPUTE
    elif pattern == "n_m":
        notes.append(f"{work.device.name} has no 2:4 sparse tensor cores: the zeros speed up nothing")
    elif pattern == "unstructured" and np.any(np.asarray(sparsity) > 0):
        notes.append("unstructured zeros speed up nothing on a GPU: kernels load and multiply them")

    def seconds(scheme: Scheme, width: Any) -> Any:
        return work.seconds(scheme, width * kept + index, compute)

    named = [width for width in NAMED_BITS if np.any(np.equal(bits, width))]
    schemes = {width: work.scheme(width) for width in named}
    notes += [scheme.note for scheme in schemes.values() if scheme.note]
    if isinstance(work.model, TransformerModel):
        notes += [scheme.cache_note for scheme in schemes.values() if scheme.cache_note]
        if work.kv_precision is None and not np.isin(bits, tuple(NAMED_BITS)).all():
            notes.append(
                "the KV cache is counted at the bits of the weights, so the speed-up need not fall as the batch grows; most "
                'serving engines keep it at 16 bits: give kv_precision="fp16"'
            )
    if np.ndim(bits) == 0 and named:
        fast = seconds(schemes[named[0]], bits)
    else:
        fast = seconds(work.weight_only(bits), bits)
        for width, scheme in schemes.items():
            fast = np.where(np.equal(bits, width), seconds(scheme, width), fast)
    baseline_bytes = weight_bytes(work.model.parameters, 16)
    if baseline_bytes > work.device.memory_bytes:
        notes.append(
            f"the FP16 baseline ({baseline_bytes / 1e9:.1f} GB) does not fit {work.device.name} "
            f"({work.device.memory_bytes / 1e9:.1f} GB)"
        )
    slow = work.seconds(work.scheme(16), 16)
    return slow / fast, notes
