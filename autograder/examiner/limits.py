"""What a submission may use."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one notebook's process, and of the files that it comes with.

    Attributes:
        cell_seconds: wall time of one cell.
        call_seconds: wall time of one call of a student's function.
        total_seconds: wall time of the whole notebook, tests included.
        memory_mb: memory of all of the notebook's processes together, and address space of each, MB beyond what the interpreter starts with.
        output_kb: text and figures kept of one cell, KB.
        processes: processes and threads at one time.
        disk_mb: files written, MB.
        inodes: number of files and folders written.
        answer_kb: size of one value that crosses to the examiner, KB.
        render_seconds: wall time for reading a notebook and for writing it with what it shows, beside the examination.
        file_mb: size of one file that is handed in, MB.
        files_mb: size of all files beside the notebooks, MB.
        files: number of files and folders beside the notebooks.
        depth: folders inside one another beside the notebooks.
    """

    cell_seconds: float = 20.0
    call_seconds: float = 5.0
    total_seconds: float = 120.0
    memory_mb: int = 2048
    output_kb: int = 1024
    processes: int = 64
    disk_mb: int = 64
    inodes: int = 10_000
    answer_kb: int = 8192
    render_seconds: float = 60.0
    file_mb: int = 64
    files_mb: int = 256
    files: int = 1000
    depth: int = 20

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
                raise ValueError(f"{field.name} = {value!r} is not allowed: give a number above 0")
