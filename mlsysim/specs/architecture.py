"""The shape of a transformer, and its exact parameter count.

Beside dense transformers with full attention there are:

* mixtures of experts (Shazeer et al. 2017, arXiv 1701.06538): a layer has many feed-forward networks, and a router sends
  each token through a few of them; some models add a shared one (DeepSeekMoE, arXiv 2401.06066) or keep dense layers;
* sliding windows (Beltagy et al. 2020, arXiv 2004.05150; Mistral 7B, arXiv 2310.06825): a layer looks back a fixed
  number of tokens only, so its cache stops growing;
* multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): all heads' keys and values are made from one
  short vector for each token, and only that vector and one rotary key are cached.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mlsysim.checks import check_flag, one_number
from mlsysim.errors import InputError, check_name, shown

__all__ = ["SHAPE", "SWITCHES", "Architecture"]

EXPERTS = ("experts", "active_experts", "expert_ffn", "shared_ffn", "dense_layers")
WINDOWS = ("window", "window_layers")
LATENT = ("kv_rank", "rope_dim", "q_rank", "value_dim")
SHAPE = ("hidden", "ffn", "vocab", "positions", *EXPERTS, *WINDOWS, *LATENT, "norms")  # its numbers
SWITCHES = ("gated", "tied", "encoder", "qk_norm", "sinks")
AT_LEAST_1 = ("hidden", "ffn", "vocab", "experts")
BIASES = ("none", "qkv", "linear", "all")
SEGMENTS = 2  # BERT tells two sentences apart by an embedding of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a transformer's weights are made of, beside its layers and heads.

    Attributes:
        hidden: width of the residual stream.
        ffn: width of the feed-forward layer (of each expert, unless ``expert_ffn`` says otherwise).
        vocab: rows of the token embedding.
        positions: rows of a learned position embedding, 0 for rotary.
        experts: feed-forward networks per layer; above 1 there is a router.
        active_experts: how many of them a token goes through.
        expert_ffn: width of an expert; 0 for ``ffn``.
        shared_ffn: width of what every token goes through beside its experts, all shared experts together.
        dense_layers: layers that have one feed-forward layer of width ``ffn`` and no experts.
        window: tokens that a layer with a sliding window looks back; 0 without one.
        window_layers: how many layers have one.
        kv_rank: entries of the latent vector that keys and values are made from; 0 without latent attention.
        rope_dim: entries of the rotary key that is cached with it, and of each query's rotary part.
        q_rank: entries of the vector that queries are made from; 0 if they are made from the residual stream.
        value_dim: entries of a head's value with latent attention; 0 for the head dimension.
        norms: norms in a layer.
        gated: three feed-forward matrices (SwiGLU) instead of two.
        tied: the output head is the token embedding.
        biases: which linear layers have one: ``none``, ``qkv``, ``linear`` (every layer's, the router's too), or
            ``all``, with which the norms have one too.
        encoder: BERT's extras: segment embedding, norm after the embeddings instead of at the end, pooler.
        qk_norm: queries and keys are normed, with a weight for each entry of a head.
        sinks: each head has a learned logit that takes attention from all tokens.
        dense: whether it is a dense transformer with full attention; follows from the others.
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
    expert_ffn: int = 0
    shared_ffn: int = 0
    dense_layers: int = 0
    window: int = 0
    window_layers: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    q_rank: int = 0
    value_dim: int = 0
    norms: int = 2
    encoder: bool = False
    qk_norm: bool = False
    sinks: bool = False
    dense: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for attribute in SHAPE:
            low = 1 if attribute in AT_LEAST_1 else 0
            value = one_number(attribute, getattr(self, attribute), low, 10**9, integer=True)
            object.__setattr__(self, attribute, value)
        one_number("active_experts", self.active_experts, 1, self.experts, integer=True)
        for attribute in SWITCHES:
            check_flag(attribute, getattr(self, attribute))
        check_name("biases", self.biases, BIASES)
        if bool(self.window) != bool(self.window_layers):
            raise InputError(
                f"window = {self.window} with window_layers = {self.window_layers} is not allowed: "
                "give both, the tokens and how many layers look back no further, or neither"
            )
        unused = [n for n in ("rope_dim", "q_rank", "value_dim") if getattr(self, n) and not self.kv_rank]
        unused += [n for n in EXPERTS[2:] if getattr(self, n) and self.experts == 1]
        if unused:
            needed = "kv_rank" if unused[0] in LATENT else "experts"
            raise InputError(f"{unused[0]} = {getattr(self, unused[0])} is not used: give {needed} with it")
        dense = self.experts == 1 and not self.window and not self.kv_rank
        object.__setattr__(self, "dense", dense)

    @property
    def embedding_parameters(self) -> int:
        """Entries of the token embedding, which a decode step looks up and does not read whole."""
        return self.vocab * self.hidden

    def check_count(self, parameters: float, layers: int) -> None:
        """Raise unless a stated count has room for the tables and the experts that the equations take out of it."""
        tables = self.embedding_parameters * (1 if self.tied else 2)
        least = tables + self.routed_parameters(layers)
        if parameters < least:
            raise InputError(
                f"parameters = {shown(parameters)} is not allowed: the embedding, the output head and the experts of its "
                f"architecture alone have {least}"
            )

    def routed_parameters(self, layers: int) -> int:
        """Entries of the experts that a router chooses among, of all *layers*; 0 without experts."""
        if self.experts == 1:
            return 0
        return (
            max(layers - self.dense_layers, 0)
            * self.experts
            * self._feed_forward(self.expert_ffn or self.ffn)
        )

    def parameters(
        self, layers: int, heads: int, kv_heads: int, head_dim: int, *, active: bool = False
    ) -> int:
        """The exact count, embeddings and norms included; with *active*, of the weights one token goes through.

        >>> Architecture(hidden=4096, ffn=14336, vocab=128256).parameters(32, 32, 8, 128)
        8030261248
        """
        h, bias_all = self.hidden, self.biases == "all"
        norm = h * (1 + bias_all)
        layer = self._attention(heads, kv_heads, head_dim) + self.norms * norm
        with_experts = max(layers - self.dense_layers, 0) if self.experts > 1 else 0
        feed_forward = (layers - with_experts) * self._feed_forward(self.ffn)
        router = h * self.experts + (self.biases in ("linear", "all")) * self.experts
        feed_forward += with_experts * (
            router + (self._feed_forward(self.shared_ffn) if self.shared_ffn else 0)
        )
        routed = self.routed_parameters(layers)
        if active:
            routed = routed * self.active_experts // self.experts
        embedding = self.embedding_parameters * (1 if self.tied else 2) + self.positions * h
        extras = SEGMENTS * h + h * h + bias_all * h if self.encoder else 0
        return layers * layer + feed_forward + routed + embedding + extras + norm

    def _feed_forward(self, width: int) -> int:
        """Entries of one feed-forward network."""
        matrices = (3 if self.gated else 2) * self.hidden * width
        if self.biases not in ("linear", "all"):
            return matrices
        return matrices + (2 if self.gated else 1) * width + self.hidden

    def _attention(self, heads: int, kv_heads: int, head_dim: int) -> int:
        """Entries of a layer's attention."""
        h, queries, keys = self.hidden, heads * head_dim, kv_heads * head_dim
        if self.kv_rank:
            values = heads * (self.value_dim or head_dim)
            queries = heads * (head_dim + self.rope_dim)
            made = h * self.q_rank + self.q_rank + self.q_rank * queries if self.q_rank else h * queries
            latent = h * (self.kv_rank + self.rope_dim) + self.kv_rank
            return made + latent + self.kv_rank * (heads * head_dim + values) + values * h
        bias = (self.biases != "none") * (queries + 2 * keys) + (self.biases in ("linear", "all")) * h
        return 2 * h * queries + 2 * h * keys + bias + self.qk_norm * 2 * head_dim + self.sinks * heads
