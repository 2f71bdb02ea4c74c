"""Opens what a student handed in: below a folder that is trusted, nothing is followed, nothing blocks, and no more is read than the limits allow.

Each level is opened from the one above it, so that no folder or file can be exchanged for a link in between. A fault of this machine (a full disk,
too many open files) is an ``OSError``; whatever else keeps a file from being read is the file's own, and comes back as :class:`Unreadable`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ABSENT", "Unreadable", "file_ids", "is_machine_fault", "open_below", "open_folder", "read_file"]

MACHINE_FAULTS = {
    getattr(errno, name)
    for name in "EIO EMFILE ENFILE ENOMEM ENOSPC EDQUOT EROFS ESTALE ETIMEDOUT EAGAIN EFBIG".split()  # noqa: SIM905
    if hasattr(errno, name)
}
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in the place of what cannot be read or graded; *why* is the end of a sentence."""

    why: str


ABSENT = Unreadable("it was not handed in")


def is_machine_fault(error: BaseException) -> bool:
    """Whether *error* is a fault of this machine, and not of the file that was being worked on."""
    return isinstance(error, OSError) and error.errno in MACHINE_FAULTS


def kind_of(mode: int) -> str:
    """What a file is that is no regular one."""
    names = {
        stat.S_IFLNK: "a symbolic link",
        stat.S_IFDIR: "a folder",
        stat.S_IFREG: "a file",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
    }
    return names.get(stat.S_IFMT(mode), "a device")


def open_below(folder: int, name: str, wanted: str = "a file") -> int | Unreadable:
    """A descriptor of *name* in the opened *folder*, if it is what is *wanted* (``a file`` or ``a folder``) itself."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        # Asked first, because to open a device may do something.
        found = kind_of(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
        if found == wanted:
            opened = os.open(name, flags, dir_fd=folder)
            found = kind_of(os.fstat(opened).st_mode)
            if found == wanted:
                return opened
            os.close(opened)
    except FileNotFoundError:
        return ABSENT
    except OSError as error:
        if is_machine_fault(error):
            raise
        return Unreadable(f"it cannot be opened: {error.strerror}")
    return Unreadable(f"it is {found}, not {wanted}")


@contextlib.contextmanager
def open_folder(root: Path, *names: str) -> Iterator[int | Unreadable]:
    """A descriptor of the folder that *names* lead to, one below the other, from *root*, which is trusted."""
    opened: list[int] = []
    try:
        try:
            opened.append(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except (FileNotFoundError, NotADirectoryError):
            yield ABSENT
            return
        for name in names:
            found = open_below(opened[-1], name, "a folder")
            if isinstance(found, Unreadable):
                yield found if found is ABSENT else Unreadable(found.why.replace("it ", "its folder ", 1))
                return
            opened.append(found)
        yield opened[-1]
    finally:
        for descriptor in opened:
            os.close(descriptor)


def read_chunks(descriptor: int, most: int) -> Iterator[bytes]:
    """The first *most* bytes of an opened file."""
    while most > 0 and (chunk := os.read(descriptor, min(CHUNK, most))):
        most -= len(chunk)
        yield chunk


def read_file(
    folder: int, name: str, largest: int, not_these: Collection[tuple[int, int]] = ()
) -> bytes | Unreadable:
    """The content of the regular file *name* in the opened *folder*.

    Args:
        largest: bytes; a larger file is not read.
        not_these: files (see :func:`file_ids`) that it must not be, under whatever name.
    """
    opened = open_below(folder, name)
    if isinstance(opened, Unreadable):
        return opened
    try:
        status = os.fstat(opened)
        if (status.st_dev, status.st_ino) in not_these:
            return Unreadable("it is the course's own file, by another name")
        content = b"".join(read_chunks(opened, largest + 1)) if status.st_size <= largest else None
    except OSError as error:
        if is_machine_fault(error):
            raise
        return Unreadable(f"it cannot be read: {error.strerror}")
    finally:
        os.close(opened)
    if content is None or len(content) > largest:
        return Unreadable(f"it is larger than {largest / (1 << 20):.4g} MB")
    return content


def file_ids(folder: Path) -> frozenset[tuple[int, int]]:
    """Device and number of every file in *folder* and below, which is trusted: what a hard link to one of them has too."""
    found = (path.stat() for path in folder.rglob("*") if path.is_file())
    return frozenset((status.st_dev, status.st_ino) for status in found)
