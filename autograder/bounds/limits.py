"""What a submission may use. Each limit is declared here and nowhere else: the settings of :class:`autograder.nbgrader_plugin.Examine` are made from these."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["Limits"]


def _limit(default: float, says: str) -> Any:
    return field(default=default, metadata={"says": says})


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one notebook's processes, and of the files that it comes with; what each means stands in its field's metadata, under ``says``."""

    cell_seconds: float = _limit(20.0, "wall time of one cell, s")
    call_seconds: float = _limit(5.0, "wall time of one call of a student's function, s")
    total_seconds: float = _limit(120.0, "wall time of a whole notebook, tests included, s")
    memory_mb: int = _limit(
        2048, "memory of all processes of a notebook together, and of each, beyond what one starts with, MB"
    )
    output_kb: int = _limit(1024, "text and figures kept of one cell, KB")
    processes: int = _limit(64, "processes and threads at one time")
    disk_mb: int = _limit(64, "files written, MB")
    inodes: int = _limit(10_000, "number of files and folders written")
    answer_kb: int = _limit(8192, "size of one value that a test gets from the student's code, KB")
    render_seconds: float = _limit(60.0, "wall time to read a notebook and to write what it shows, s")
    file_mb: int = _limit(64, "size of one file that is handed in, MB")
    files_mb: int = _limit(256, "size of all files beside the notebooks, MB")
    own_mb: int = _limit(
        16,
        "size of a student's own files that their code finds beside the notebook, MB",
    )
    files: int = _limit(1000, "number of files and folders beside the notebooks")
    depth: int = _limit(20, "folders inside one another beside the notebooks")

    def __post_init__(self) -> None:
        for limit in fields(self):
            value = getattr(self, limit.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
                raise ValueError(f"{limit.name} = {value!r} is not allowed: give a number above 0")
