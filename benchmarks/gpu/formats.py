"""The formats that are timed: bits as stored, and what the library calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["GROUP_SIZES", "KINDS", "Format", "formats"]

KINDS = ("fp16", "int8", "int4")  # in the order in which they are timed: the baseline first
GROUP_SIZES = (32, 64, 128, 256)  # that core PyTorch's INT4 product takes
SCALE_AND_ZERO_BITS = 32  # of a group of INT4 weights: two values of 16 bits


@dataclass(frozen=True, slots=True)
class Format:
    """How the weights of the layers are stored; embedding, output head, activations and KV cache have 16 bits.

    Attributes:
        kind: fp16 (any float of 16 bits), int8 or int4.
        name: as in the column ``precision`` of ``decode_measured.csv``.
        stored_bits: bits of a weight with its share of scales.
        scheme: the library's name for it.
        kernel: the function of core PyTorch that multiplies.
        group_size: INT4 weights that share a scale; 0 for the other kinds.
    """

    kind: str
    name: str
    stored_bits: float
    scheme: str
    kernel: str
    group_size: int = 0

    @property
    def bits(self) -> int:
        """Bits of a weight without scales."""
        return {"fp16": 16, "int8": 8, "int4": 4}[self.kind]


def formats(kinds: Sequence[str], group_size: int, half: str) -> list[Format]:
    """The formats of these *kinds* in the order of :data:`KINDS`, with *half*, ``bf16`` or ``fp16``, as 16-bit float."""
    known = {
        "fp16": Format("fp16", half, 16, "fp16", "linear"),
        "int8": Format("int8", "int8wo", 8, "w8a16", "_weight_int8pack_mm"),
        "int4": Format(
            "int4",
            f"int4wo-g{group_size}",
            4 + SCALE_AND_ZERO_BITS / group_size,
            "w4a16",
            "_weight_int4pack_mm",
            group_size,
        ),
    }
    return [known[kind] for kind in KINDS if kind in kinds]
