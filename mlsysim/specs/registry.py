"""Named collections of specs, loaded from the TOML files in ``mlsysim/data``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from mlsysim.data import read_data
from mlsysim.data.entries import parse_entries
from mlsysim.errors import InputError, UnknownNameError, check_name, shown, unknown_name
from mlsysim.render import html_table, text_table
from mlsysim.specs.spec import Spec, check_citations

__all__ = ["Group", "Registry"]

ABSENT = "–"
KEY = f"{ABSENT}: not given, or does not apply"


T = TypeVar("T", bound=Spec)


class _Named(Generic[T]):
    """Specs by name: attributes, items, iteration, and a table as text or HTML."""

    _kind: str

    def _specs(self) -> dict[str, T]:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> T:
        specs = self._specs()
        return specs[check_name(self._kind, name, specs)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._specs()

    def __iter__(self) -> Iterator[T]:
        return iter(self._specs().values())

    def __len__(self) -> int:
        return len(self._specs())

    def __dir__(self) -> list[str]:
        return list(self._specs())

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._specs())

    def _rows(self) -> list[dict[str, str]]:
        return [spec.cells() for spec in self]

    def _caption(self) -> str:
        return f"{len(self)} {self._kind}{'' if len(self) == 1 else 's'}"

    def _table(self) -> tuple[list[str], list[list[str]], str]:
        """Column titles in the order first met, every entry's text by column, and what an empty cell means."""
        rows = self._rows()
        titles = list(dict.fromkeys(title for row in rows for title in row))
        cells = [[row.get(title) or ABSENT for title in titles] for row in rows]
        return titles, cells, KEY if any(ABSENT in row for row in cells) else ""

    def __repr__(self) -> str:
        titles, cells, key = self._table()
        words = [
            i for i in range(len(titles)) if not all(row[i][0].isdigit() or row[i] == ABSENT for row in cells)
        ]
        lines = [self._caption(), text_table(titles, cells, left=words), key]
        return "\n".join(line for line in lines if line)

    def _repr_html_(self) -> str:
        titles, cells, key = self._table()
        caption = f"{self._caption()} ({key})" if key else self._caption()
        return html_table(titles, cells, caption=caption, row_titles=True)

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise InputError(f"{name} cannot be assigned: a {self._kind} comes in by add(...) or load(...)")
        super().__setattr__(name, value)


class Group(_Named[T]):
    """The specs of one group of a registry, such as ``Hardware.Cloud``."""

    def __init__(self, registry: Registry[T], name: str) -> None:
        self._registry = registry
        self._name = name
        self._kind = f"{name} {registry._kind}"

    def _specs(self) -> dict[str, T]:
        return self._registry._groups().get(self._name, {})

    def __getitem__(self, name: str) -> T:
        elsewhere = self._registry._specs().get(name) if isinstance(name, str) else None
        if elsewhere is not None and elsewhere.group != self._name:
            raise UnknownNameError(f"unknown {self._kind} {name!r}; it is in the group {elsewhere.group}")
        return super().__getitem__(name)


class Registry(_Named[T]):
    """Specs by name, in groups: ``Hardware.Cloud.H100``, or the shortcut ``Hardware.H100``.

    Iterating gives the specs; ``registry["H100"]`` and tab completion work too. The data files are read when the
    registry is first used, once.
    """

    def __init__(
        self,
        kind: str,
        types: tuple[type, ...],
        parse: Callable[[str, Mapping[str, Any]], T],
        files: Iterable[str],
    ) -> None:
        self._kind = kind
        self._types = types
        self._parse = parse
        self._files = tuple(files)
        self._loaded: dict[str, T] | None = None
        self._by_group: dict[str, dict[str, T]] = {}

    def _specs(self) -> dict[str, T]:
        if self._loaded is None:
            specs: dict[str, T] = {}
            for file in self._files:
                specs = self._with(specs, self._read(read_data(file), file), file, replace=False)
            self._keep(specs)
            return specs
        return self._loaded

    def _groups(self) -> dict[str, dict[str, T]]:
        self._specs()
        return self._by_group

    def _keep(self, specs: dict[str, T]) -> None:
        by_group: dict[str, dict[str, T]] = {}
        for name, spec in specs.items():
            by_group.setdefault(spec.group, {})[name] = spec
        self._loaded, self._by_group = specs, by_group

    def _read(self, text: str, file: str) -> list[T]:
        specs = []
        for name, row in parse_entries(text, file).items():
            try:
                specs.append(self._parse(name, row))
            except InputError as error:
                raise InputError(f"{file}, [{name}]: {error}") from None
        return specs

    def _with(self, known: dict[str, T], new: list[T], file: str, replace: bool) -> dict[str, T]:
        """*known* and *new* together, once every one of *new* is found good."""
        together = dict(known)
        for spec in new:
            try:
                self._check(spec, together, replace)
            except InputError as error:
                where = f"{file}, [{spec.name}]: " if file else ""
                raise InputError(f"{where}{error}") from None
            together[spec.name] = spec
        groups = {spec.group for spec in together.values()}
        for name in groups & together.keys():
            raise InputError(f"name = {name!r} is not allowed: it is the name of a group")
        return together

    def _check(self, spec: T, known: Mapping[str, T], replace: bool) -> None:
        for what, name in (("name", spec.name), ("group", spec.group)):
            taken = isinstance(name, str) and hasattr(type(self), name)
            if not isinstance(name, str) or not name.isidentifier() or name.startswith("_") or taken:
                raise InputError(
                    f"{what} = {shown(name)} is not allowed: give letters, digits and underscores, beginning with a letter, "
                    "and not a name the registry uses itself (add, load)"
                )
        if spec.name in known and not replace:
            raise InputError(
                f"name = {spec.name!r} is not allowed: there is such a {self._kind} already; replace=True replaces it"
            )
        check_citations(spec)

    def add(self, spec: T, *, replace: bool = False) -> T:
        """Add one spec, and return it.

        Raises:
            InputError: its name is taken and *replace* is false, it has no source with a year, or it is no such spec.
        """
        if not isinstance(spec, self._types):
            allowed = " or a ".join(t.__name__ for t in self._types)
            raise InputError(f"spec = {shown(spec)} is not allowed: give a {allowed}")
        self._keep(self._with(self._specs(), [spec], "", replace))
        return spec

    def load(self, path: str | os.PathLike[str], *, replace: bool = False) -> list[T]:
        """Add every entry of a TOML file laid out as those in ``mlsysim/data``, and return them.

        Nothing is added if anything in the file is wrong.

        Raises:
            InputError: no such file, not TOML, or an entry that is not right; says which and why.
        """
        try:
            file = Path(path)
            text = file.read_text("utf-8")
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"path = {shown(path)} is not allowed: give a TOML file ({error})") from None
        new = self._read(text, file.name)
        self._keep(self._with(self._specs(), new, file.name, replace))
        return new

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        spec = self._specs().get(name)
        if spec is not None:
            return spec
        if name in self._groups():
            return Group(self, name)
        raise unknown_name(self._kind, name, [*self._groups(), *self._specs()])

    def __dir__(self) -> list[str]:
        return [*self._groups(), *self._specs(), "add", "load"]

    def _rows(self) -> list[dict[str, str]]:
        return [{"Name": spec.name, "Group": spec.group, **spec.cells()} for spec in self]
