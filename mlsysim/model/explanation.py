"""Why something takes the time it takes, and what would help most."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mlsysim.errors import InputError, shown
from mlsysim.model.result import SolverResult, check_one_point
from mlsysim.model.single_node import NodeResult
from mlsysim.model.training import TrainingResult
from mlsysim.render import html_table

__all__ = ["Explanation", "Term", "explain"]

ADVICE = {
    "compute": "a faster rate (int8, fp8), 2:4 sparsity or fewer FLOPs",
    "compute in training": "a faster floating-point rate (bf16, fp8) or fewer FLOPs",
    "unpacking": "kernels that unpack faster, or weights as wide as what computes (fp8, w8a8)",
    "weight traffic": "fewer weight bits or more bandwidth",
    "KV traffic": "fewer KV bits, fewer KV heads, a shorter context or more bandwidth",
    "memory traffic": "fewer activation and weight bits, fused layers or more bandwidth",
    "weight and activation traffic": "a larger batch, fused layers or more bandwidth",
    "attention traffic": "fused attention or more bandwidth",
    "optimizer traffic": "an optimizer with less state, or state sharded over devices",
    "link traffic": "fewer devices, a faster link or a smaller batch",
    "overhead": "CUDA graphs or a compiled runtime, fewer and larger kernels",
}


@dataclass(frozen=True, slots=True)
class Term:
    """One ceiling.

    Attributes:
        seconds: what it adds to the time; 0 if it is hidden behind the other ceiling of its kernel.
        ceiling_s: what it would take alone.
        share: of the time, 0 to 1.
        speedup_if_halved: of the whole, if this ceiling alone took half as long.
        advice: what would lower it.
    """

    name: str
    seconds: float
    ceiling_s: float
    share: float
    speedup_if_halved: float
    advice: str


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """The terms of a time, largest first; printed as a table. ``best`` is the one that is worth most to halve."""

    title: str
    total_s: float
    terms: tuple[Term, ...]

    @property
    def best(self) -> Term:
        """The term whose halving speeds it up most."""
        return max(self.terms, key=lambda term: term.speedup_if_halved)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def _repr_html_(self) -> str:
        titles = ["", "Time", "Share", "Speed-up if halved", "Alone"]
        caption = (
            f"{self.title}: {self.total_s * 1e3:.2f} ms; helps most: {self.best.name} ({self.best.advice})"
        )
        return html_table(titles, [_row(term) for term in self.terms], caption=caption, row_titles=True)

    def __repr__(self) -> str:
        width = max(len(term.name) for term in self.terms)
        lines = [f"{self.title}: {self.total_s * 1e3:.2f} ms"]
        for term in self.terms:
            if term.seconds:
                line = (
                    f"{term.seconds * 1e3:8.2f} ms  {term.share:4.0%}  halved: {term.speedup_if_halved:.2f}x"
                )
            else:
                line = f"{'hidden':>11}  {'':4}  alone: {term.ceiling_s * 1e3:.2f} ms"
            lines.append(f"  {term.name:<{width}}  {line}")
        best = self.best
        lines.append(f"  helps most: {best.name} ({best.advice})")
        return "\n".join(lines)


def _row(term: Term) -> list[str]:
    """A term as the cells of a table."""
    if not term.seconds:
        return [term.name, "hidden", "", "", f"{term.ceiling_s * 1e3:.2f} ms"]
    return [
        term.name,
        f"{term.seconds * 1e3:.2f} ms",
        f"{term.share:.0%}",
        f"{term.speedup_if_halved:.2f}x",
        f"{term.ceiling_s * 1e3:.2f} ms",
    ]


def explain(result: SolverResult) -> Explanation:
    """The terms that make the time of a *result*, largest first, each with what halving it would give.

    A kernel takes the larger of its compute and its traffic, so halving one stops helping where the other begins.

    Raises:
        InputError: not a solver's result, or a result with arrays: explain one point.

    >>> from mlsysim import ServingModel
    >>> explain(ServingModel().solve("Llama3_8B", "H100", precision="int4")).best.name
    'overhead'
    """
    if not isinstance(result, SolverResult):
        raise InputError(
            f"result = {shown(result)} is not allowed: give what ServingModel or SingleNodeModel returns"
        )
    check_one_point(result, "explain")
    total = float(result.latency_s)
    trains = isinstance(result, TrainingResult) or (isinstance(result, NodeResult) and result.training)
    compute = ADVICE["compute in training" if trains else "compute"]
    terms = []
    for kernel, computing, moving in result.timing:
        computes = computing >= moving
        multiplying = kernel.arithmetic_s(result.timing.rates.flops_s)
        ceilings = [(f"{kernel.name} compute", computing, moving, computes)]
        if kernel.unpacking_s > multiplying:
            ceilings = [
                ("unpacking", computing, max(moving, multiplying), computes),
                (f"{kernel.name} compute", multiplying, computing, False),
            ]
        for name, own, other, takes in (*ceilings, (kernel.traffic, moving, computing, not computes)):
            if not own:  # no peak is known, so nothing can be said of this ceiling
                continue
            saved = own - max(own / 2, other) if takes else 0.0
            advice = ADVICE.get(name, compute)
            terms.append(_term(name, own if takes else 0.0, own, total, saved, advice))
    if result.timing.link is not None:
        link = float(result.timing.link)
        terms.append(_term("link traffic", link, link, total, link / 2, ADVICE["link traffic"]))
    overhead = float(result.timing.overhead)
    terms.append(_term("overhead", overhead, overhead, total, overhead / 2, ADVICE["overhead"]))
    terms.sort(key=lambda term: (-term.seconds, -term.ceiling_s))
    return Explanation(result.title, total, tuple(terms))


def _term(name: str, seconds: float, ceiling: float, total: float, saved: float, advice: str) -> Term:
    return Term(name, float(seconds), float(ceiling), seconds / total, total / (total - saved), advice)
