"""What this process may use of the computer: cores, memory, cache, and what the processor calls itself.

A container or a batch system gives a process fewer cores and less memory than the machine has; timing with more threads
than cores would measure the waiting.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Host", "this_host", "usable_cores", "usable_memory"]

ROOT = Path("/")
UNKNOWN_MEMORY = 4e9  # bytes, where the system does not say
NAME_LENGTH = 80  # characters of a processor's name


@dataclass(frozen=True, slots=True)
class Host:
    """A computer as its recording describes it: nothing in it names a person, a network or a path.

    Attributes:
        processor: what the processor calls itself.
        system: operating system and architecture, ``Linux x86_64``.
        cores: cores that this process may use.
        memory_bytes: memory that this process may use, bytes.
        cache_bytes: last-level cache, bytes; 0 where the system does not say.
    """

    processor: str
    system: str
    cores: int
    memory_bytes: float
    cache_bytes: float


def this_host() -> Host:
    """The computer that this process runs on."""
    return Host(
        processor=printable(_processor()) or "unknown processor",
        system=printable(f"{platform.system()} {platform.machine()}") or "unknown system",
        cores=usable_cores(),
        memory_bytes=usable_memory(),
        cache_bytes=_cache(ROOT),
    )


def printable(text: str) -> str:
    """*text* on one line, without what is no letter, digit or common sign, and not longer than a name."""
    return " ".join(re.sub(r"[^\w .,()@+/-]", " ", text, flags=re.ASCII).split())[:NAME_LENGTH].strip()


def usable_cores(root: Path = ROOT) -> int:
    """Cores that this process may use: those it is bound to, and no more than its control group's quota pays for."""
    bound: Callable[[int], object] | None = getattr(os, "sched_getaffinity", None)
    cores = len(bound(0)) if bound else os.cpu_count() or 1  # type: ignore[arg-type]
    quotas = [quota for folder in _control_groups(root, "cpu") if (quota := _quota(folder))]
    return max(1, min([cores, *map(int, quotas)]))


def usable_memory(root: Path = ROOT) -> float:
    """Bytes that this process may still take: what the system says is available, or what its control group leaves."""
    free = _meminfo(root) or _physical_memory() / 2
    left = [_memory_left(folder) for folder in _control_groups(root, "memory")]
    return min([free, *(value for value in left if value is not None)])


def _control_groups(root: Path, controller: str) -> list[Path]:
    """Folders of this process's control groups, of version 2 or 1, up to the top: each may set a limit."""
    text = _read(root / "proc/self/cgroup") or ""
    top = root / "sys/fs/cgroup"
    found = [top]
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, name = rest.partition(":")
        base = top if not controllers else top / controller if controller in controllers.split(",") else None
        if base is None:
            continue
        folder = base / name.strip("/")
        while folder != base and base in folder.parents and ".." not in folder.parts:
            found.append(folder)
            folder = folder.parent
        found.append(base)
    return found


def _quota(folder: Path) -> float | None:
    """Cores that a control group pays for, or None where it sets no limit."""
    words = (_read(folder / "cpu.max") or "").split()
    if len(words) != 2:
        words = [_read(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    quota, period = (_whole(word) for word in words)
    return quota / period if quota and period else None


def _memory_left(folder: Path) -> float | None:
    """Bytes that a control group leaves, or None where it sets no limit."""
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        most = _whole(_read(folder / limit))
        if most:
            return max(0.0, most - (_whole(_read(folder / used)) or 0))
    return None


def _meminfo(root: Path) -> float | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _read(root / "proc/meminfo") or "", re.MULTILINE)
    return int(found[1]) * 1024.0 if found else None


def _physical_memory() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return 2 * UNKNOWN_MEMORY


def _processor() -> str:
    found = re.search(r"^model name\s*:(.*)$", _read(ROOT / "proc/cpuinfo") or "", re.MULTILINE)
    name = found[1] if found else _sysctl("machdep.cpu.brand_string")
    return name.strip() or platform.processor() or platform.machine()


def _cache(root: Path) -> float:
    """Bytes of the last cache before memory; 0 where the system does not say."""
    sizes = []
    for path in (root / "sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        found = re.fullmatch(r"(\d+)([KM]?)", (_read(path) or "").strip())
        if found:
            sizes.append(int(found[1]) * {"": 1.0, "K": 2.0**10, "M": 2.0**20}[found[2]])
    return max(sizes, default=_whole(_sysctl("hw.l3cachesize") or _sysctl("hw.l2cachesize")) or 0.0)


def _sysctl(name: str) -> str:
    """What macOS says of itself; empty elsewhere."""
    if platform.system() != "Darwin":
        return ""
    import subprocess

    command = ["/usr/sbin/sysctl", "-n", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _whole(text: str | None) -> float | None:
    """A count in a system file; None for ``max``, ``-1`` or a file that is not there."""
    return float(text) if text and text.strip().isdigit() else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return None
