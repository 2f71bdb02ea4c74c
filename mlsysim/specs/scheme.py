"""A precision scheme: bits of the weights, bits of the KV cache, and the rate that computes.

A name says what is short. A number format (``fp16``, ``fp8``, ``int8``, ``int4``, ``fp4``) is that of weights and KV
cache alike, as in the published tutorial, so that the cache of ``int4`` is counted at 4 bits. A name of weights and
activations (``w4a16``, ``w8a8``) or of a weight format (``nf4``, ``nvfp4``, ``mxfp4``) says nothing of the cache, which
stays at 16 bits. One name means the same to every function; ``kv_precision`` sets the cache by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlsysim.checks import check_number, check_shapes
from mlsysim.errors import InputError, shown
from mlsysim.specs.spec import same_fields

__all__ = ["GROUP_SIZES", "Scheme"]

GROUP_SIZES = (2, 2**20)


@dataclass(frozen=True, slots=True, eq=False)
class Scheme:
    """How numbers are stored and computed.

    Attributes:
        weight_bits: bits of a stored weight, with its share of the group's scale where there is one.
        kv_bits, activation_bits: bits of a stored value.
        computes_at: the device peak that the matmuls run at.
        weight_only_without: on a device without that peak, load the short weights but compute in 16 bits.
        either_16_bit: activations may be fp16 or bf16, whichever of the two the device has.
        scale_bits: bits of one group's scale.
        group_size: weights that share a scale (a number or an array), or None where scales are left out of account.
        packed: the scales of the format's own blocks are part of ``weight_bits`` already.
        note: what a result must say about how the scheme ran, or "".
        cache_note: what a result with a KV cache must say about its bits, or "".
        source: who defines it.
    """

    name: str
    title: str
    weight_bits: Any
    kv_bits: float
    activation_bits: float
    computes_at: str
    weight_only_without: bool = False
    either_16_bit: bool = False
    scale_bits: float = 16
    group_size: Any = None
    packed: bool = False
    note: str = ""
    cache_note: str = ""
    source: str = ""

    def __eq__(self, other: object) -> bool:
        return same_fields(self, other)

    def __hash__(self) -> int:
        return hash((Scheme, self.name))

    def with_weight_bits(self, weight_bits: Any) -> Scheme:
        """The scheme with another width of the stored weights; they compute as before.

        >>> from mlsysim.specs import find_scheme
        >>> find_scheme("w4a16").with_weight_bits(3.5).weight_bits
        3.5
        """
        bits = check_number("weight_bits", weight_bits, 1, 32)
        shown_bits = f"an array {np.shape(bits)} of" if np.ndim(bits) else f"{bits:g}"
        return replace(self, weight_bits=bits, title=f"{self.title}, weights at {shown_bits} bits")

    def with_groups(self, group_size: Any) -> Scheme:
        """The scheme with a scale stored for every *group_size* weights; 16-bit and wider weights have none.

        >>> from mlsysim.specs import find_scheme
        >>> find_scheme("int4").with_groups(128).weight_bits
        4.125
        """
        if self.packed:
            raise InputError(
                f"group_size = {shown(group_size)} is not used: {self.name} has {shown(self.weight_bits)} bits a weight, "
                "with the scales of its own blocks"
            )
        size = check_number("group_size", group_size, *GROUP_SIZES, integer=True)
        check_shapes(weight_bits=self.weight_bits, group_size=size)
        wide = self.weight_bits >= 16  # such weights have no scales
        if np.all(wide):
            return self
        share = np.where(wide, 0.0, self.scale_bits / size) if np.ndim(wide) else self.scale_bits / size
        return replace(self, weight_bits=self.weight_bits + share, group_size=size)
