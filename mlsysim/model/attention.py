"""Attention: what it computes for each cached token, and how many tokens a cache holds.

A decode step of L layers at context S, for one sequence:

    full attention     S tokens in each layer's cache
    sliding window w   min(S, w) tokens in the cache of a layer that has one (Mistral 7B, arXiv 2310.06825)

and for each cached token of each layer, with H query heads, G key/value heads of dimension d:

    grouped queries    4·H·d FLOPs            2·G·d values      (Ainslie et al. 2023, arXiv 2305.13245)
    latent attention   2·H·(2·r + p) FLOPs    r + p values      (DeepSeek-V2, arXiv 2405.04434, table 1)

where r is the rank of the latent vector and p the size of the rotary key. A decode step with latent attention works on
the latent vectors themselves: the matrices that would make keys and values of them are multiplied into queries and
outputs (section 2.1.2 there). A prefill makes keys and values once, of d + p and v entries a head.

A prefill of S tokens under a causal mask looks at S²/2 pairs, as FlashAttention-2 counts (arXiv 2307.08691, section 4.1),
and with a window of w < S at w·S - w²/2 of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlsysim.specs import TransformerModel

__all__ = ["causal_pairs", "context_kept", "decode_flops", "prefill_flops", "values_kept"]


def context_kept(model: TransformerModel, seq_len: Any) -> Any:
    """Tokens in a layer's cache at context *seq_len*, the mean over the layers."""
    shape = model.architecture
    if shape is None or not shape.window:
        return seq_len
    return seq_len - _windowed(model) * _above(seq_len - shape.window)


def causal_pairs(model: TransformerModel, seq_len: Any) -> Any:
    """Pairs of tokens that a causal prefill of *seq_len* tokens looks at in a layer, the mean over the layers."""
    shape = model.architecture
    pairs = seq_len * (seq_len / 2)
    if shape is None or not shape.window:
        return pairs
    beyond = _above(seq_len - float(shape.window))
    return pairs - _windowed(model) * (beyond * (beyond / 2))


def _above(value: Any) -> Any:
    """*value* where it is above 0, else 0."""
    return np.maximum(value, 0) if isinstance(value, np.ndarray) else max(value, 0)


def _windowed(model: TransformerModel) -> float:
    """The share of the layers that have a window."""
    assert model.architecture
    return min(model.architecture.window_layers / model.layers, 1.0)


def values_kept(model: TransformerModel) -> int:
    """Values that a layer caches for each token."""
    shape = model.architecture
    if shape is not None and shape.kv_rank:
        return shape.kv_rank + shape.rope_dim
    return 2 * model.kv_heads * model.head_dim


def decode_flops(model: TransformerModel) -> float:
    """FLOPs of a layer's attention for each new token and each cached one."""
    shape = model.architecture
    if shape is not None and shape.kv_rank:
        return 2.0 * model.heads * (2 * shape.kv_rank + shape.rope_dim)
    return 4.0 * model.heads * model.head_dim


def prefill_flops(model: TransformerModel) -> float:
    """FLOPs of a layer's attention for each pair of tokens of a prompt."""
    shape = model.architecture
    if shape is not None and shape.kv_rank:
        return 2.0 * model.heads * (model.head_dim + shape.rope_dim + (shape.value_dim or model.head_dim))
    return 4.0 * model.heads * model.head_dim
