"""The shape of a transformer, and its exact parameter count."""

from __future__ import annotations

from dataclasses import dataclass

from mlsysim.checks import check_flag, one_number
from mlsysim.errors import check_name

__all__ = ["SHAPE", "Architecture"]

SHAPE = ("hidden", "ffn", "vocab", "positions", "experts", "active_experts")  # its numbers
BIASES = ("none", "qkv", "all")
SEGMENTS = 2  # BERT tells two sentences apart by an embedding of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a transformer's weights are made of, beside its layers and heads.

    Attributes:
        hidden: width of the residual stream.
        ffn: width of the feed-forward layer (of each expert).
        vocab: rows of the token embedding.
        positions: rows of a learned position embedding, 0 for rotary.
        gated: three feed-forward matrices (SwiGLU) instead of two.
        tied: the output head is the token embedding.
        biases: which linear layers have one: ``none``, ``qkv`` or ``all``; with ``all`` the norms have one too.
        experts: feed-forward networks per layer; above 1 there is a router.
        active_experts: how many of them a token goes through.
        encoder: BERT's extras: segment embedding, norm after the embeddings instead of at the end, pooler.
    """

    hidden: int
    ffn: int
    vocab: int
    positions: int = 0
    gated: bool = True
    tied: bool = False
    biases: str = "none"
    experts: int = 1
    active_experts: int = 1
    encoder: bool = False

    def __post_init__(self) -> None:
        for attribute, low in (("hidden", 1), ("ffn", 1), ("vocab", 1), ("positions", 0), ("experts", 1)):
            value = one_number(attribute, getattr(self, attribute), low, 10**9, integer=True)
            object.__setattr__(self, attribute, value)
        one_number("active_experts", self.active_experts, 1, self.experts, integer=True)
        for attribute in ("gated", "tied", "encoder"):
            check_flag(attribute, getattr(self, attribute))
        check_name("biases", self.biases, BIASES)

    @property
    def embedding_parameters(self) -> int:
        """Entries of the token embedding, which a decode step looks up and does not read whole."""
        return self.vocab * self.hidden

    def parameters(
        self, layers: int, heads: int, kv_heads: int, head_dim: int, *, active: bool = False
    ) -> int:
        """The exact count, embeddings and norms included; with *active*, of the weights one token goes through.

        >>> Architecture(hidden=4096, ffn=14336, vocab=128256).parameters(32, 32, 8, 128)
        8030261248
        """
        h, queries, keys = self.hidden, heads * head_dim, kv_heads * head_dim
        bias_all, bias_qkv = self.biases == "all", self.biases != "none"
        norm = h * (1 + bias_all)
        attention = 2 * h * queries + 2 * h * keys + bias_qkv * (queries + 2 * keys) + bias_all * h
        expert = (3 if self.gated else 2) * h * self.ffn
        expert += bias_all * ((2 if self.gated else 1) * self.ffn + h)
        used = self.active_experts if active else self.experts
        router = h * self.experts if self.experts > 1 else 0
        layer = attention + used * expert + router + 2 * norm
        embedding = self.embedding_parameters * (1 if self.tied else 2) + self.positions * h
        extras = SEGMENTS * h + h * h + bias_all * h if self.encoder else 0
        return layers * layer + embedding + extras + norm
