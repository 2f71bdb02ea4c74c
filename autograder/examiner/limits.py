"""What a candidate may use."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one notebook's process.

    Attributes:
        cell_seconds: wall time of one cell.
        call_seconds: wall time of one call of a student's function.
        total_seconds: wall time of the whole notebook, tests included.
        memory_mb: address space of a process, MB beyond what the interpreter starts with.
        output_kb: text and figures kept of one cell, KB.
        processes: processes and threads at one time.
        disk_mb: files written, MB.
        answer_kb: size of one value that crosses to the examiner, KB.
    """

    cell_seconds: float = 20.0
    call_seconds: float = 5.0
    total_seconds: float = 120.0
    memory_mb: int = 2048
    output_kb: int = 1024
    processes: int = 64
    disk_mb: int = 64
    answer_kb: int = 8192

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
                raise ValueError(f"{field.name} = {value!r} is not allowed: give a number above 0")
