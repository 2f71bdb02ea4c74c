"""The models by name, read from the data files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlsysim.data.entries import YEARS, Entry
from mlsysim.errors import InputError, shown
from mlsysim.specs.architecture import SHAPE, SWITCHES, Architecture
from mlsysim.specs.model import MOST, Model, SizeOnlyModel, TransformerModel, VisionModel
from mlsysim.specs.registry import Registry

__all__ = ["Models", "find_model"]

FILES = ("models_language.toml", "models_mixtures.toml", "models_vision.toml")
LARGEST_GAP = 0.01  # between a stated parameter count and the one the architecture gives
COMMON = ("title", "group", "year", "family", "parameters", "layers", "source", "sources", "checked", "note")
VISION = (*COMMON, "flops_per_image", "activations_per_image")
HEADS = ("heads", "kv_heads", "head_dim")
LANGUAGE = (*COMMON, *HEADS, *SHAPE, *SWITCHES, "biases", "published", "size_only")


def _parse(name: str, row: Mapping[str, Any]) -> Model:
    """A model from a row of a data file: a vision model if the row has ``flops_per_image``."""
    r = Entry(row, VISION if "flops_per_image" in row else LANGUAGE)
    common = {
        "name": name,
        "title": r.text("title", name),
        "group": r.text("group", "Custom"),
        "year": r.number("year", *YEARS, integer=True),
        "layers": r.number("layers", 1, MOST, integer=True),
        "family": r.text("family", ""),
        "source": r.text("source"),
        "sources": dict(r.table("sources")),
        "checked": dict(r.table("checked")),
        "note": r.text("note", ""),
    }
    if "flops_per_image" in row:
        return VisionModel(
            **common,
            parameters=r.number("parameters", 1),
            flops_per_image=r.number("flops_per_image", 1),
            activations_per_image=r.number("activations_per_image", 1),
        )
    heads = {key: r.number(key, 1, MOST, integer=True) for key in HEADS}
    architecture = _architecture(r) if "hidden" in r else None
    common |= {
        "architecture": architecture,
        "parameters": _parameters(r, architecture, common["layers"], heads),
        "published": r.text("published", ""),
        **heads,
    }
    if "size_only" in r:
        return SizeOnlyModel(**common, reason=r.text("size_only"))
    return TransformerModel(**common)


def _architecture(r: Entry) -> Architecture:
    given: dict[str, Any] = {key: r.number(key, 0, 10**9, integer=True) for key in SHAPE if key in r}
    for key in ("ffn", "vocab"):
        r.number(key, 1, 10**9, integer=True)
    given |= {key: r.flag(key) for key in SWITCHES if key in r}
    return Architecture(**given, biases=r.text("biases", "none"))


def _parameters(r: Entry, architecture: Architecture | None, layers: int, heads: Mapping[str, int]) -> float:
    """The stated count if there is one, else the exact one; the two must agree."""
    if architecture is None:
        return float(r.number("parameters", 1))
    exact = architecture.parameters(layers, heads["heads"], heads["kv_heads"], heads["head_dim"])
    stated = float(r.number("parameters", 1)) if "parameters" in r else exact
    if abs(stated / exact - 1) > LARGEST_GAP:
        raise InputError(
            f"parameters = {stated:g} is not allowed: the architecture has {exact}, and may differ by {LARGEST_GAP:.0%}"
        )
    return stated


Models: Registry[Model] = Registry("model", (TransformerModel, VisionModel, SizeOnlyModel), _parse, FILES)


def find_model(model: Any, kind: type | None = None, taker: str = "") -> Any:
    """The model called so; a model passes through.

    Args:
        kind: the class that *taker* (a solver's name, for the message) takes; by default any model.

    Raises:
        InputError: no such model, with the nearest known ones, neither a model nor a name, or not of that kind.
    """
    found = Models[model] if isinstance(model, str) else model
    if not isinstance(found, (TransformerModel, VisionModel, SizeOnlyModel)):
        raise InputError(f"model = {shown(model)} is not allowed: give a model or the name of one")
    if kind is not None and not isinstance(found, kind):
        because = f" ({found.reason})" if isinstance(found, SizeOnlyModel) else ""
        raise InputError(f"model = {found.title} is not allowed: {taker} takes a {kind.__name__}{because}")
    return found
