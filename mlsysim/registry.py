"""Named collections of specs, loaded from the TOML files in ``mlsysim/data``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any, Generic, TypeVar

from mlsysim.errors import unknown_name

__all__ = ["Registry", "load_toml"]

T = TypeVar("T")


def load_toml(name: str) -> dict[str, Any]:
    """The parsed content of ``mlsysim/data/<name>``."""
    return tomllib.loads(resources.files("mlsysim").joinpath("data", name).read_text("utf-8"))


class Registry(Generic[T]):
    """Specs by name, in groups: ``Hardware.Cloud.H100``, or the shortcut ``Hardware.H100``.

    Iterating gives the specs; ``registry["H100"]`` and tab completion work too.
    """

    def __init__(self, kind: str, load: Callable[[], dict[str, dict[str, T]]]) -> None:
        self._kind = kind
        self._load = load
        self._groups: dict[str, dict[str, T]] | None = None

    def _by_group(self) -> dict[str, dict[str, T]]:
        if self._groups is None:
            self._groups = self._load()
        return self._groups

    def _by_name(self) -> dict[str, T]:
        return {name: spec for group in self._by_group().values() for name, spec in group.items()}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        group = self._by_group().get(name)
        if group is not None:
            view: Registry[T] = Registry(f"{self._kind} in {name}", lambda: {name: group})
            return view
        return self[name]

    def __getitem__(self, name: str) -> T:
        specs = self._by_name()
        if name not in specs:
            raise unknown_name(self._kind, name, specs)
        return specs[name]

    def __dir__(self) -> list[str]:
        return [*self._by_group(), *self._by_name()]

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_name().values())

    def __len__(self) -> int:
        return len(self._by_name())

    def __repr__(self) -> str:
        lines = [f"{group}: {', '.join(specs)}" for group, specs in self._by_group().items()]
        return "\n".join(lines)
