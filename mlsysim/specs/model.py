"""Kinds of workload: transformers that decode, vision models, and models with sizes alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlsysim.checks import one_number
from mlsysim.errors import InputError, shown
from mlsysim.render import number
from mlsysim.specs.architecture import SHAPE, Architecture
from mlsysim.specs.spec import Cited, check_spec
from mlsysim.units import quantity

__all__ = ["MOST", "Model", "SizeOnlyModel", "TransformerModel", "VisionModel"]

MOST = 10**6  # layers, heads or dimensions
HEADS = ("layers", "heads", "kv_heads", "head_dim")


def _keep_checked(spec: object, *attributes: str, high: float = math.inf, integer: bool = False) -> None:
    """Check numbers of a frozen spec, and keep them as plain Python numbers."""
    for attribute in attributes:
        value = one_number(attribute, getattr(spec, attribute), 1, high, integer=integer)
        object.__setattr__(spec, attribute, value)


@dataclass(frozen=True, slots=True, repr=False)
class _Sized(Cited):
    """What every model has: a name, parameters, layers, citations."""

    name: str
    title: str = ""
    group: str = "Custom"
    year: int | None = None
    parameters: float = field(kw_only=True)
    layers: int = field(kw_only=True)
    family: str = ""
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(kw_only=True, default_factory=dict)
    note: str = field(kw_only=True, default="")

    def __post_init__(self) -> None:
        check_spec(self, "name", "title", "group", "family", "source")
        _keep_checked(self, "parameters")
        _keep_checked(self, "layers", high=MOST, integer=True)
        object.__setattr__(self, "title", self.title or self.name)

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def cells(self) -> dict[str, str]:
        """A table row: column title to text."""
        return {
            "Name": self.name,
            "Year": str(self.year or ""),
            "Parameters M": number(self.parameters / 1e6),
            "FP16 GB": number(self.parameters * 2e-9, 4),
            "Layers": f"{self.layers}",
            "Accuracy curve": self.family,
        }

    def _head(self) -> str:
        year = f" ({self.year})" if self.year else ""
        count = self.parameters
        size = f"{number(count / 1e9, 4)} billion" if count >= 1e9 else f"{number(count / 1e6, 4)} million"
        fp16 = number(self.parameters * 2e-9, 4)
        return f"{self.name}: {self.title}{year}, {size} parameters ({fp16} GB at FP16), {self.layers} layers"


# To give a class slots, dataclass makes it anew: super() would look for the first one, and an inherited __hash__ is dropped.


@dataclass(frozen=True, slots=True, repr=False)
class _Transformer(_Sized):
    heads: int = field(kw_only=True)
    kv_heads: int = field(kw_only=True)
    head_dim: int = field(kw_only=True)
    architecture: Architecture | None = None
    published: str = ""
    groups: ClassVar = {"shape": ("parameters", *HEADS, *SHAPE)}
    __hash__ = _Sized.__hash__

    def __post_init__(self) -> None:
        _Sized.__post_init__(self)
        check_spec(self, "published")
        if not isinstance(self.architecture, Architecture | None):
            given = shown(self.architecture)
            raise InputError(f"architecture = {given} is not allowed: give an Architecture")
        _keep_checked(self, "heads", "kv_heads", "head_dim", high=MOST, integer=True)
        if self.architecture:
            self.architecture.check_count(self.parameters, self.layers)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers held, as the data files and :meth:`source_of` call them."""
        shape = SHAPE if self.architecture else ()
        return ("year", "parameters", *HEADS, *shape)

    def shape(self) -> Architecture:
        """The architecture.

        Raises:
            InputError: the model was given without one.
        """
        if self.architecture is None:
            raise InputError(f"{self.name} has no architecture: give hidden, ffn and vocab to have one")
        return self.architecture

    @property
    def exact_parameters(self) -> int:
        """The parameter count that the architecture gives, to the unit.

        >>> from mlsysim import Models
        >>> Models.Llama3_8B.parameters, Models.Llama3_8B.exact_parameters
        (8030000000.0, 8030261248)
        """
        return self.shape().parameters(self.layers, self.heads, self.kv_heads, self.head_dim)

    @property
    def active_parameters(self) -> int:
        """The exact count of the weights that one token goes through; less than all for a mixture of experts."""
        return self.shape().parameters(self.layers, self.heads, self.kv_heads, self.head_dim, active=True)

    @property
    def routed_parameters(self) -> int:
        """Entries of the experts that a router chooses among; 0 for a dense model."""
        return self.architecture.routed_parameters(self.layers) if self.architecture else 0

    @property
    def inference_flops(self) -> Any:
        """FLOPs for one token without attention, two for each parameter that it goes through."""
        idle = 1 - self.architecture.active_experts / self.architecture.experts if self.architecture else 0
        return quantity(2 * (self.parameters - self.routed_parameters * idle), "flop", "Gflop")

    @property
    def embedding_parameters(self) -> int:
        """Entries of the token embedding (and of the output head); 0 where the architecture is not known."""
        return self.architecture.embedding_parameters if self.architecture else 0

    @property
    def tied_embedding(self) -> bool:
        """Whether the output head is the token embedding."""
        return self.architecture is not None and self.architecture.tied

    def cells(self) -> dict[str, str]:
        """A table row: column title to text."""
        return {
            **_Sized.cells(self),
            "Heads": f"{self.heads}/{self.kv_heads}",
            "Head dim": f"{self.head_dim}",
            "Solved by": "ServingModel",
        }

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self._head()}, "
            f"{self.heads} query and {self.kv_heads} key/value heads of {self.head_dim}>"
        )


@dataclass(frozen=True, slots=True, repr=False)
class TransformerModel(_Transformer):
    """A decoder: P parameters, L layers, H query heads, G key/value heads of dimension d.

    Attributes:
        parameters: the count that the equations take; a published rounded count stays as published
            (:attr:`exact_parameters` has the other).
        family: the accuracy curves that apply to it (:mod:`mlsysim.compression.accuracy_curves`), "" for none.
        architecture: its shape, with experts, windows or latent attention; None where only sizes are known: dense.
        published: the rounded count as the publisher prints it, ``8.03B``.
        source, sources: citation of the numbers, with its year in brackets, and by number where it is another.
        checked, note: second sources by group of numbers, and where they disagree, as for a device.
    """

    __hash__ = _Transformer.__hash__

    def plain(self) -> dict[str, float]:
        """The numbers that a roofline needs, as a plain dict."""
        return {"params": self.parameters, **{n: getattr(self, n) for n in HEADS}}


@dataclass(frozen=True, slots=True, repr=False)
class SizeOnlyModel(_Transformer):
    """A transformer that there are no equations for; its sizes can be compressed, it cannot be solved.

    Attributes:
        reason: why not, for the error that a solver raises.
    """

    reason: str = field(kw_only=True)
    __hash__ = _Transformer.__hash__

    def cells(self) -> dict[str, str]:
        """A table row: column title to text."""
        return {**_Transformer.cells(self), "Solved by": "none (sizes only)"}


@dataclass(frozen=True, slots=True, repr=False)
class VisionModel(_Sized):
    """An image model: one forward pass an image, taken as one kernel.

    ``flops_per_image`` counts a multiply-add as two; ``activations_per_image`` counts the elements that the
    convolutions and matrix products put out. The rest is as in :class:`TransformerModel`.
    """

    flops_per_image: float = field(kw_only=True)
    activations_per_image: float = field(kw_only=True)
    groups: ClassVar = {n: (n,) for n in ("parameters", "flops_per_image", "activations_per_image")}
    __hash__ = _Sized.__hash__

    def __post_init__(self) -> None:
        _Sized.__post_init__(self)
        _keep_checked(self, "flops_per_image", "activations_per_image")

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers held, as the data files and :meth:`source_of` call them."""
        return ("year", "parameters", "layers", "flops_per_image", "activations_per_image")

    @property
    def architecture(self) -> str:
        """The kind of its family, in a word."""
        return self.family.upper() or "vision"

    @property
    def inference_flops(self) -> Any:
        """FLOPs for one image; a multiply-add counts as two."""
        return quantity(self.flops_per_image, "flop", "Gflop")

    def cells(self) -> dict[str, str]:
        """A table row: column title to text."""
        return {
            **_Sized.cells(self),
            "GFLOP/image": number(self.flops_per_image / 1e9, 4),
            "Activations/image M": number(self.activations_per_image / 1e6, 4),
            "Solved by": "SingleNodeModel",
        }

    def __repr__(self) -> str:
        return (
            f"<VisionModel {self._head()}, {number(self.flops_per_image / 1e9, 4)} GFLOP "
            f"and {number(self.activations_per_image / 1e6, 4)} M activations an image>"
        )


Model = TransformerModel | VisionModel | SizeOnlyModel
