"""The numbers of the library, one file for each kind of thing, and how they are read."""

from __future__ import annotations

import csv
import tomllib
from importlib import resources
from typing import Any

__all__ = ["load_csv", "load_toml", "read_data"]


def read_data(file: str) -> str:
    """The text of ``mlsysim/data/<file>``."""
    return resources.files(__name__).joinpath(file).read_text("utf-8")


def load_toml(file: str) -> dict[str, Any]:
    """The parsed content of a TOML file of this folder."""
    return tomllib.loads(read_data(file))


def load_csv(file: str) -> list[dict[str, str]]:
    """The rows of a CSV file of this folder, by the names in its header."""
    return list(csv.DictReader(read_data(file).splitlines()))
