"""Links between devices, and how long an all-reduce over one takes.

A ring of N devices reduces n bytes in 2·(N - 1) steps, in which each device sends n/N bytes:

    seconds = latency + 2·(N - 1)·hop + 2·(N - 1)/N · n / bandwidth

Source: Thakur et al. 2005 (doi 10.1177/1094342005051521), section 4.5; NCCL chooses its algorithm by the same form.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlsysim.checks import one_number
from mlsysim.data import read_data
from mlsysim.data.entries import Entry, parse_entries
from mlsysim.errors import check_name
from mlsysim.specs.spec import Cited, check_citations, check_spec

__all__ = ["Link", "find_link"]

FILE = "links.toml"
NUMBERS = ("bandwidth_gb_s", "latency_us", "hop_us")


@dataclass(frozen=True, slots=True)
class Link(Cited):
    """What joins the devices of a group.

    Attributes:
        bandwidth_bytes_s: what one device sends to the others, byte/s, in one direction.
        latency_s: what starting a collective operation costs, seconds.
        hop_s: what each step of a ring adds, seconds.
        source, sources: citation of the numbers, and of those that have another.
        checked, note: second sources by group of numbers, and where they disagree.
    """

    name: str
    bandwidth_bytes_s: float
    latency_s: float = 0.0
    hop_s: float = 0.0
    title: str = ""
    source: str = field(repr=False, default="")
    sources: Mapping[str, str] = field(repr=False, hash=False, default_factory=dict)
    checked: Mapping[str, str] = field(repr=False, hash=False, default_factory=dict)
    note: str = field(repr=False, default="")
    numbers: ClassVar[tuple[str, ...]] = NUMBERS
    groups: ClassVar = {"bandwidth": NUMBERS[:1], "latency": NUMBERS[1:]}

    def __post_init__(self) -> None:
        check_spec(self, "name", "title", "source")
        one_number("bandwidth_bytes_s", self.bandwidth_bytes_s, 0, open_low=True)
        one_number("latency_s", self.latency_s, 0)
        one_number("hop_s", self.hop_s, 0)

    def all_reduce_s(self, message_bytes: Any, devices: Any) -> Any:
        """Seconds in which a ring of *devices* reduces *message_bytes*; nothing for one device.

        >>> f"{find_link('nvlink4').all_reduce_s(1e6, 2) * 1e6:.1f} µs"
        '10.0 µs'
        """
        sent = 2 * (devices - 1) / devices * message_bytes / self.bandwidth_bytes_s
        return (devices > 1) * self.latency_s + 2 * (devices - 1) * self.hop_s + sent


@functools.cache
def _links() -> dict[str, Link]:
    found = {}
    for name, row in parse_entries(read_data(FILE), FILE).items():
        r = Entry(row, ("title", *NUMBERS, "source", "sources", "checked", "note"))
        found[name] = Link(
            name,
            r.number("bandwidth_gb_s", 0, open_low=True) * 1e9,
            r.number("latency_us", 0) * 1e-6,
            r.number("hop_us", 0) * 1e-6,
            r.text("title"),
            r.text("source"),
            dict(r.table("sources")),
            dict(r.table("checked")),
            r.text("note", ""),
        )
        check_citations(found[name])
    return found


def find_link(link: str | Link) -> Link:
    """The link called so, of ``data/links.toml``; a :class:`Link` passes through.

    Raises:
        UnknownNameError: no such link; the message names those there are.
    """
    if isinstance(link, Link):
        return link
    known = _links()
    return known[check_name("link", link, known)]
