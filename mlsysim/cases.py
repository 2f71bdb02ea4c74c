"""The case of each exercise notebook, as plain numbers."""

from __future__ import annotations

import copy
import functools
from typing import Any

from mlsysim.errors import unknown_name
from mlsysim.hardware import Hardware
from mlsysim.models import Models, TransformerModel
from mlsysim.personal import clean_id, personal_row
from mlsysim.registry import load_toml
from mlsysim.runtimes import find_runtime

__all__ = ["case"]


@functools.cache
def _rows() -> dict[str, dict[str, Any]]:
    return load_toml("cases.toml")


def case(notebook: str, student: object = None) -> dict[str, Any]:
    """What *notebook* asks about: numbers, names, and plain dicts of a model, device or runtime (SI units).

    Args:
        notebook: such as ``"2_crossover"``.
        student: an id, which gives a case of its own (see :mod:`mlsysim.personal`); without one, the published case.

    Raises:
        UnknownNameError: there is no such notebook.
        InputError: the id is no text.

    >>> case("2_crossover")["thresholds"]
    [2.0, 1.5]
    >>> case("2_crossover", "s01") == case("2_crossover", " S01 ")
    True
    """
    rows = _rows()
    if not isinstance(notebook, str) or notebook not in rows:
        raise unknown_name("notebook", notebook, rows)
    row = copy.deepcopy(rows[notebook])
    if name := clean_id(student):
        row |= personal_row(notebook, name)
    made: dict[str, Any] = {}
    for key, value in row.items():
        if key == "device":
            made |= {"device_name": value, "device": Hardware[value].plain()}
        elif key in ("model", "small", "large"):
            model = Models[value]
            assert isinstance(model, TransformerModel)
            made |= {f"{key}_name": value, key: model.plain()}
        elif key in ("llm", "cnn"):
            made |= {f"{key}_name": value, f"{key}_params": Models[value].parameters}
        elif key.endswith("runtime"):
            made |= {f"{key}_name": value, key: find_runtime(value).plain()}
        else:
            made[key] = value
    return made
