"""Workloads: dense transformers that decode, and vision models that run once an image."""

from __future__ import annotations

from dataclasses import dataclass, field

from mlsysim.registry import Registry, load_toml

__all__ = ["Models", "TransformerModel", "VisionModel"]


@dataclass(frozen=True, slots=True)
class TransformerModel:
    """A dense decoder: P parameters, L layers, H query heads, G key/value heads of dimension d.

    ``family`` names the accuracy curves that apply to it (:mod:`mlsysim.accuracy`). ``embedding_parameters``
    is the size of the input embedding table, and of the output head, which is the same table if
    ``tied_embedding``; 0 means not known, and then nothing is told apart from the other weights.
    """

    name: str
    title: str
    group: str
    year: int
    parameters: float
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    family: str
    embedding_parameters: float = 0
    tied_embedding: bool = False
    source: str = field(repr=False, default="")

    def plain(self) -> dict[str, float]:
        """The numbers that a roofline needs, as a plain dict."""
        return {
            "params": self.parameters,
            "layers": self.layers,
            "heads": self.heads,
            "kv_heads": self.kv_heads,
            "head_dim": self.head_dim,
        }


@dataclass(frozen=True, slots=True)
class VisionModel:
    """An image model: one forward pass an image, taken as one kernel.

    ``flops_per_image`` counts a multiply-add as two; ``activations_per_image`` counts elements.
    """

    name: str
    title: str
    group: str
    year: int
    parameters: float
    layers: int
    flops_per_image: float
    activations_per_image: float
    family: str
    source: str = field(repr=False, default="")


def _load() -> dict[str, dict[str, TransformerModel | VisionModel]]:
    groups: dict[str, dict[str, TransformerModel | VisionModel]] = {}
    for name, row in load_toml("models.toml").items():
        kind = VisionModel if "flops_per_image" in row else TransformerModel
        groups.setdefault(row["group"], {})[name] = kind(name=name, **row)
    return groups


Models: Registry[TransformerModel | VisionModel] = Registry("model", _load)
