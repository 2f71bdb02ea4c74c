"""The file of a recording: written, and read as data that a stranger may have made up."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from mlsysim.errors import InputError, shown
from mlsysim.measure.bench import Measured
from mlsysim.measure.host import NAME_LENGTH, Host, printable
from mlsysim.measure.machines import PEAK, UNPACK, Machine, batch_name
from mlsysim.measure.matmuls import BITS, GROUP, SHORT
from mlsysim.measure.recordings import Recording
from mlsysim.measure.slices import Changed

__all__ = ["from_text", "load", "path_of", "to_text", "try_to_write", "write"]

FORMAT = "mlsysim recording 1"
KEYS = (
    *("format", "measured_on", "runtime", "host"),
    *("bandwidth", "peak", "unpack", "matmuls", "batches", "seconds"),
)
CHANGED = "changed"  # an entry that a recording need not have
LARGEST_FILE = 64 * 1024  # bytes
MOST_BATCHES, LARGEST_BATCH = 64, 2**16


def to_text(recording: Recording) -> str:
    """The JSON text of a recording."""
    machine, host = recording.machine, recording.host
    content = {
        "format": FORMAT,
        "measured_on": recording.measured_on,
        "runtime": recording.runtime,
        "host": {name: getattr(host, name) for name in Host.__slots__},
        "bandwidth": list(machine.bandwidth),
        "peak": {str(bits): list(machine.peak[bits]) for bits in BITS},
        "unpack": {str(bits): list(machine.unpack[bits]) for bits in SHORT},
        "matmuls": {"side": recording.side, "layers": recording.layers},
        "batches": recording.batches.tolist(),
        "seconds": {str(bits): [list(time) for time in recording.times[bits]] for bits in BITS},
    }
    if machine.changed:
        content[CHANGED] = dataclasses.asdict(machine.changed)
    lines = json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False)
    # A list of numbers stays on one line, for whoever reads the file.
    return re.sub(r"\[[^\[\]{}\"]*\]", lambda found: " ".join(found[0].split()), lines) + "\n"


def path_of(path: Any) -> Path:
    """Return *path* as a path.

    Raises:
        InputError: it is none.
    """
    if not isinstance(path, (str, Path)) or "\0" in str(path):
        raise InputError(f"path = {shown(path)} is not allowed: give the name of a file")
    return Path(path)


def write(recording: Recording, path: str | Path) -> None:
    """Write *recording* to *path*.

    Raises:
        InputError: that is not possible.
    """
    file = path_of(path)
    with _told(file):
        file.write_text(to_text(recording), "utf-8")


def try_to_write(path: str | Path) -> None:
    """Find out whether a recording can be written to *path*, before a minute is spent on it; nothing is changed.

    Raises:
        InputError: that is not possible.
    """
    file = path_of(path)
    with _told(file):
        there = file.exists()
        file.open("ab").close()
        if not there:
            file.unlink()


@contextlib.contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"the recording {shown(str(file))} cannot be written: {error.strerror}") from None


def load(path: str | Path) -> Recording:
    """The recording in a file.

    Raises:
        InputError: there is no such file, it is larger than 64 KB, or something in it is not what a recording holds.
    """
    file = path_of(path)
    name = shown(file.name or str(file))
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"the recording {name} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise InputError(
            f"the recording {name} is larger than {LARGEST_FILE // 1024} KB, which no recording is"
        )
    try:
        return from_text(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(f"the recording {name} is not a text in UTF-8") from None
    except InputError as error:
        raise InputError(f"the recording {name}: {error}") from None


def from_text(text: str) -> Recording:
    """The recording that a JSON text holds.

    Raises:
        InputError: it holds none; the message names the entry, its value and what is allowed.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("it is not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f'it does not begin with "format": {json.dumps(FORMAT)}')
    _entries("the recording", content, (*KEYS, CHANGED) if CHANGED in content else KEYS)
    day = _text("measured_on", content["measured_on"])
    if not re.fullmatch(r"\d{4}-[01]\d-[0-3]\d", day):
        raise _wrong("measured_on", day, "give a day, such as 2026-11-28")
    batches = _batches(content["batches"])
    machine = Machine(
        host=_host(content["host"]),
        bandwidth=_measured("bandwidth", content["bandwidth"], 1e6, 1e15),
        peak={bits: _measured(*entry, 1e6, 1e18) for bits, entry in _by_bits("peak", content, BITS)},
        unpack={bits: _measured(*entry, 1e-18, 1e-3) for bits, entry in _by_bits("unpack", content, SHORT)},
        year=int(day[:4]),
        changed=_changed(content[CHANGED], batches) if CHANGED in content else None,
    )
    sizes = _entries("matmuls", content["matmuls"], ("side", "layers"))
    side = _whole("side", sizes["side"], GROUP, 2**16)
    times = {bits: _times(*entry, len(batches)) for bits, entry in _by_bits("seconds", content, BITS)}
    return Recording(
        machine=machine,
        side=side,
        layers=_whole("layers", sizes["layers"], 1, 1000),
        batches=np.array(batches),
        times=times,
        measured_on=day,
        runtime=_text("runtime", content["runtime"]),
    )


def _host(value: Any) -> Host:
    entries = _entries("host", value, Host.__slots__)
    return Host(
        processor=_text("processor", entries["processor"]),
        system=_text("system", entries["system"]),
        cores=_whole("cores", entries["cores"], 1, 2**14),
        memory_bytes=_number("memory_bytes", entries["memory_bytes"], 1, 1e18),
        cache_bytes=_number("cache_bytes", entries["cache_bytes"], 0, 1e15),
    )


def _changed(value: Any, batches: list[int]) -> Changed:
    entries = _entries(CHANGED, value, [field.name for field in dataclasses.fields(Changed)])
    known, only = [PEAK, UNPACK, *map(batch_name, batches)], entries["only"]
    if not isinstance(only, list) or any(name not in known for name in only) or len(set(only)) < len(only):
        raise _wrong("changed only", only, f"give a list of names, such as {known[-1]!r}")
    return Changed(
        time=_number("changed time", entries["time"], 0, 1),
        bandwidth=_measured("changed bandwidth", entries["bandwidth"], 1e6, 1e15),
        peak=_measured("changed peak", entries["peak"], 1e6, 1e18),
        cores=_number("changed cores", entries["cores"], 0, 100),
        only=tuple(only),
    )


def _batches(value: Any) -> list[int]:
    if not isinstance(value, list) or not 2 <= len(value) <= MOST_BATCHES:
        raise _wrong("batches", value, f"give a list of 2 to {MOST_BATCHES} batches")
    batches = [_whole("a batch", batch, 1, LARGEST_BATCH) for batch in value]
    if any(later <= earlier for earlier, later in pairwise(batches)):
        raise _wrong("batches", value, "each must be larger than the one before")
    return batches


def _times(name: str, value: Any, many: int) -> tuple[Measured, ...]:
    if not isinstance(value, list) or len(value) != many:
        raise _wrong(name, value, f"give a list of {many} times, one a batch")
    return tuple(_measured(name, time, 1e-9, 1e6) for time in value)


def _measured(name: str, value: Any, low: float, high: float) -> Measured:
    """A value with its range; all three within *low* and *high*, and in order."""
    if not isinstance(value, list) or len(value) != 3:
        raise _wrong(name, value, "give a list of a value, its low and high end")
    result = Measured(*(_number(name, number, low, high) for number in value))
    if not result.low <= result.value <= result.high:
        raise _wrong(name, value, "the value must lie between low and high end")
    return result


def _by_bits(name: str, content: dict[str, Any], known: tuple[int, ...]) -> list[tuple[int, tuple[str, Any]]]:
    """For each of the *known* bits what an entry is called, and what stands there."""
    entries = _entries(name, content[name], [str(bits) for bits in known])
    return [(bits, (f"{name} {bits}", entries[str(bits)])) for bits in known]


def _entries(name: str, value: Any, keys: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(keys):
        given = sorted(value) if isinstance(value, dict) else value
        raise InputError(f"{name} has the entries {shown(given)}; give {', '.join(keys)}")
    return value


def _number(name: str, value: Any, low: float, high: float) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or not low <= value <= high:  # NaN is in no range
        raise _wrong(name, value, f"give a number from {low:g} to {high:g}")
    return float(value)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _wrong(name, value, f"give a whole number from {low} to {high}")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value or value != printable(value):
        raise _wrong(name, value, f"give 1 to {NAME_LENGTH} letters, digits, spaces and .,()@+-/_")
    return value


def _wrong(name: str, value: Any, wanted: str) -> InputError:
    return InputError(f"{name} = {shown(value)} is not allowed: {wanted}")
