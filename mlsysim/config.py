"""A model from the ``config.json`` that Hugging Face's hub keeps beside its weights."""

from __future__ import annotations

import datetime
import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlsysim.checks import check_flag, one_number
from mlsysim.errors import InputError, check_name, shown
from mlsysim.specs import Architecture, TransformerModel

__all__ = ["from_config"]

MOST = 10**9
Row = dict[str, Any]


class _Config:
    """A config's entries, read one by one with errors that name the file, the entry and what is allowed."""

    def __init__(self, entries: Mapping[str, Any], file: str) -> None:
        self.entries = entries
        self.file = file

    def number(self, *keys: str, default: int | None = None) -> int:
        """A whole number under the first of *keys* that there is and that is not null."""
        for key in keys:
            value = self.entries.get(key)
            if value is not None:
                return int(self._checked(functools.partial(one_number, key, value, 0, MOST, integer=True)))
        if default is None:
            raise InputError(f"{self.file}: {keys[0]} is missing: give a whole number")
        return default

    def flag(self, key: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self.entries.get(key)
        return default if value is None else bool(self._checked(functools.partial(check_flag, key, value)))

    def _checked(self, check: Callable[[], Any]) -> Any:
        try:
            return check()
        except InputError as error:
            raise InputError(f"{self.file}: {error}") from None


def _llama(c: _Config) -> Row:
    return {"biases": "qkv" if c.flag("attention_bias", False) else "none"}


def _windowed(c: _Config, every: int = 1) -> Row:
    """A sliding window in all layers but each *every*-th; 1 for all of them."""
    window, layers = c.number("sliding_window", default=0), c.number("num_hidden_layers")
    listed = c.entries.get("layer_types")
    if isinstance(listed, list):
        count = sum(kind in ("sliding_attention", "chunked_attention") for kind in listed)
    else:
        count = layers if every == 1 else layers - layers // every
    return {"window": window, "window_layers": count} if window and count else {}


def _qwen2(c: _Config) -> Row:
    return {"biases": "qkv"} | (_windowed(c) if c.flag("use_sliding_window", False) else {})


def _qwen3(c: _Config) -> Row:
    return _llama(c) | {"qk_norm": True} | (_windowed(c) if c.flag("use_sliding_window", False) else {})


def _mixtral(c: _Config) -> Row:
    experts = {"experts": c.number("num_local_experts"), "active_experts": c.number("num_experts_per_tok")}
    return experts | _windowed(c)


def _qwen3_moe(c: _Config) -> Row:
    experts = {"experts": c.number("num_experts"), "active_experts": c.number("num_experts_per_tok")}
    return _qwen3(c) | experts | {"expert_ffn": c.number("moe_intermediate_size")}


def _deepseek(c: _Config) -> Row:
    width = c.number("moe_intermediate_size")
    return {
        "experts": c.number("n_routed_experts"),
        "active_experts": c.number("num_experts_per_tok"),
        "expert_ffn": width,
        "shared_ffn": width * c.number("n_shared_experts", default=0),
        "dense_layers": c.number("first_k_dense_replace", default=0),
        "kv_rank": c.number("kv_lora_rank"),
        "rope_dim": c.number("qk_rope_head_dim"),
        "q_rank": c.number("q_lora_rank", default=0),
        "value_dim": c.number("v_head_dim"),
    }


def _gpt_oss(c: _Config) -> Row:
    experts = {"experts": c.number("num_local_experts"), "active_experts": c.number("num_experts_per_tok")}
    return experts | _windowed(c, every=2) | {"biases": "linear", "sinks": True}


def _llama4(c: _Config) -> Row:
    layers, step = c.number("num_hidden_layers"), c.number("interleave_moe_layer_step", default=1)
    width = c.number("intermediate_size")
    chunk = c.number("attention_chunk_size", default=0)
    experts = {"experts": c.number("num_local_experts"), "active_experts": c.number("num_experts_per_tok")}
    windows = {"window": chunk, "window_layers": layers - layers // 4} if chunk else {}
    dense = {"ffn": c.number("intermediate_size_mlp"), "dense_layers": layers - layers // max(step, 1)}
    return experts | windows | dense | {"expert_ffn": width, "shared_ffn": width}


def _gemma(c: _Config, norms: int, every: int, qk_norm: bool) -> Row:
    every = c.number("sliding_window_pattern", "_sliding_window_pattern", default=every)
    windows = _windowed(c, every) if every > 1 else {}
    return windows | {"norms": norms, "qk_norm": qk_norm, "tied": c.flag("tie_word_embeddings", True)}


def _gpt2(c: _Config) -> Row:
    hidden = c.number("n_embd")
    return {
        "hidden": hidden,
        "ffn": c.number("n_inner", default=4 * hidden),
        "positions": c.number("n_positions"),
        "gated": False,
        "tied": True,
        "biases": "all",
    }


#: What each kind of model has beside the common entries, by the config's ``model_type``.
KINDS: dict[str, Callable[[_Config], Row]] = {
    "llama": _llama,
    "mistral": _windowed,
    "mixtral": _mixtral,
    "qwen2": _qwen2,
    "qwen3": _qwen3,
    "qwen3_moe": _qwen3_moe,
    "deepseek_v2": _deepseek,
    "deepseek_v3": _deepseek,
    "kimi_k2": _deepseek,
    "gpt_oss": _gpt_oss,
    "llama4_text": _llama4,
    "gemma2": lambda c: _gemma(c, 4, 2, False),
    "gemma3_text": lambda c: _gemma(c, 4, 6, True),
    "phi3": _windowed,
    "smollm3": _llama,
    "gpt2": _gpt2,
}


def from_config(path: str | os.PathLike[str], name: str | None = None) -> TransformerModel:
    """The model that a ``config.json`` of Hugging Face's hub describes, with its exact parameter count.

    Args:
        path: the file, or the folder that holds it. Of a model that also takes images, the text part is read.
        name: what to call it; by default the name of the folder.

    Raises:
        InputError: no such file, no JSON, a kind of model that is not known (the message lists those that are), or an
            entry that is missing or cannot be.
    """
    file, entries = _read(path)
    kind = entries.get("model_type")
    inner = entries.get("text_config")
    if isinstance(inner, Mapping):
        entries = {**{k: entries[k] for k in ("tie_word_embeddings",) if k in entries}, **inner}
        kind = inner.get("model_type", kind)
    c = _Config(entries, str(file))
    try:
        row = KINDS[check_name("model_type", kind, KINDS)](c)
        layers = c.number("num_hidden_layers", "n_layer")
        heads = c.number("num_attention_heads", "n_head")
        common = {
            "hidden": c.number("hidden_size", "n_embd"),
            "ffn": row["ffn"] if "ffn" in row else c.number("intermediate_size"),
            "vocab": c.number("vocab_size"),
            "tied": c.flag("tie_word_embeddings", False),
        }
        shape = Architecture(**{**common, **row})
        kv_heads = c.number("num_key_value_heads", default=heads)
        head_dim = c.number("qk_nope_head_dim", "head_dim", default=shape.hidden // max(heads, 1))
        called = name if name is not None else _called(file)
        year = datetime.date.fromtimestamp(file.stat().st_mtime).year
        return TransformerModel(
            called,
            parameters=shape.parameters(layers, heads, kv_heads, head_dim),
            layers=layers,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            architecture=shape,
            source=f"{file.name} of {called} ({year})",
        )
    except InputError as error:
        said = str(error)
        raise InputError(said if said.startswith(str(file)) else f"{file}: {said}") from None


def _called(file: Path) -> str:
    """The folder's name as an identifier."""
    text = file.resolve().parent.name or "model"
    made = "".join(letter if letter.isalnum() else "_" for letter in text)
    return made if made[:1].isalpha() else f"model_{made}"


def _read(path: Any) -> tuple[Path, Mapping[str, Any]]:
    try:
        file = Path(path)
        file = file / "config.json" if file.is_dir() else file
        entries = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"path = {shown(path)} is not allowed: give a config.json ({error})") from None
    if not isinstance(entries, dict):
        raise InputError(f"{file}: the file is no JSON object of entries by name")
    return file, entries
