"""A decoder with the layers of Llama 3 and random weights, one decode step at a time.

Each layer: norm, queries, keys and values in one product, rotary positions, the cache written and read, attention,
output product, norm, gate and up in one product, SwiGLU, down. Then a norm, the output head and the likeliest token.
Grouped queries (Ainslie et al. 2023, arXiv 2305.13245) go to attention as several positions of their key head, which
without a mask is the same sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from benchmarks.gpu.formats import Format
from benchmarks.gpu.products import Product, product
from mlsysim import TransformerModel

__all__ = ["Cache", "Decoder"]

THETA = 500_000.0  # of the rotary positions, as in Llama 3's config.json
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Layer:
    """The four products of a layer, and its norms' weights."""

    qkv: Product
    output: Product
    gate_up: Product
    down: Product
    norm_1: Any
    norm_2: Any


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys and values of each layer, (batch, key heads, context, head dimension), and the tokens that come next."""

    keys: list[Any]
    values: list[Any]
    tokens: Any
    cosine: Any
    sine: Any


class Decoder:
    """The *model* with random weights, those of its layers stored as *form* says.

    Attributes:
        model, device, dtype: what it is, where it is, and the float of 16 bits.
    """

    def __init__(self, model: TransformerModel, form: Format, device: Any, dtype: Any) -> None:
        self.model, self.device, self.dtype = model, device, dtype
        shape = model.shape()
        hidden, heads, narrow = shape.hidden, model.heads * model.head_dim, model.kv_heads * model.head_dim

        def weights(rows: int, columns: int) -> Product:
            return product(rows, columns, form, device, dtype)

        def ones() -> Any:
            return torch.ones(hidden, device=device, dtype=dtype)

        self.layers = [
            Layer(
                weights(heads + 2 * narrow, hidden),
                weights(hidden, heads),
                weights(2 * shape.ffn, hidden),
                weights(hidden, shape.ffn),
                ones(),
                ones(),
            )
            for _ in range(model.layers)
        ]
        self.embedding = self._table()
        self.head = self.embedding if shape.tied else self._table()
        self.norm = ones()

    def _table(self) -> Any:
        shape = self.model.shape()
        table = torch.empty(shape.vocab, shape.hidden, device=self.device, dtype=self.dtype)
        return table.normal_(std=shape.hidden**-0.5)

    def cache(self, batch: int, context: int) -> Cache:
        """A full cache of *batch* sequences of *context* tokens; a step writes its last place."""
        model = self.model
        size = (batch, model.kv_heads, context, model.head_dim)

        def filled() -> list[Any]:
            empty = [torch.empty(size, device=self.device, dtype=self.dtype) for _ in range(model.layers)]
            return [one.normal_() for one in empty]

        frequencies = THETA ** -(torch.arange(0, model.head_dim, 2) / model.head_dim)
        angles = (context - 1) * frequencies
        cosine, sine = (f(angles).to(self.device, self.dtype) for f in (torch.cos, torch.sin))
        tokens = torch.randint(model.shape().vocab, (batch,), device=self.device)
        return Cache(filled(), filled(), tokens, cosine, sine)

    def step(self, cache: Cache) -> Any:
        """One decode step: the next token of each sequence, whose tokens are those of the *cache*."""
        x = F.embedding(cache.tokens, self.embedding)
        for number, layer in enumerate(self.layers):
            x = x + layer.output(self._attention(layer.qkv(self._normed(x, layer.norm_1)), cache, number))
            gate, up = layer.gate_up(self._normed(x, layer.norm_2)).chunk(2, dim=-1)
            x = x + layer.down(F.silu(gate) * up)
        return F.linear(self._normed(x, self.norm), self.head).argmax(dim=-1)

    def products(self, batch: int) -> Any:
        """What calls the matrix products of a step alone, those of all layers and the output head."""
        shape, model = self.model.shape(), self.model
        wide, heads, inner = (
            torch.empty(batch, size, device=self.device, dtype=self.dtype).normal_()
            for size in (shape.hidden, model.heads * model.head_dim, shape.ffn)
        )

        def run() -> Any:
            for layer in self.layers:
                layer.qkv(wide)
                layer.output(heads)
                layer.gate_up(wide)
                layer.down(inner)
            return F.linear(wide, self.head)

        return run

    def _normed(self, x: Any, weight: Any) -> Any:
        return F.rms_norm(x, (x.shape[-1],), weight, EPSILON)

    def _attention(self, qkv: Any, cache: Cache, number: int) -> Any:
        """Attention of layer *number* for one new token of each sequence, whose keys and values go into the cache."""
        model, batch = self.model, len(qkv)
        groups, d = model.kv_heads, model.head_dim
        heads = qkv.view(batch, model.heads + 2 * groups, d)
        queries, new_keys, new_values = heads.split([model.heads, groups, groups], dim=1)
        keys, values = cache.keys[number], cache.values[number]
        keys[:, :, -1] = _turned(new_keys, cache)
        values[:, :, -1] = new_values
        grouped = _turned(queries, cache).reshape(batch, groups, model.heads // groups, d)
        return F.scaled_dot_product_attention(grouped, keys, values).reshape(batch, model.heads * d)


def _turned(heads: Any, cache: Cache) -> Any:
    """*heads* with rotary positions (Su et al. 2021, arXiv 2104.09864), first half against second."""
    first, second = heads.chunk(2, dim=-1)
    cosine, sine = cache.cosine, cache.sine
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)
