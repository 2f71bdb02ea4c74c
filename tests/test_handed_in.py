"""Whatever tree of files is handed in: reading it never fails, never leaves it, never reads more than the limits, and says what it leaves out."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.bounds.limits import Limits
from autograder.files import read as files
from autograder.files.names import original_name, shown_name
from autograder.files.read import Unreadable, file_ids, open_folder, read_file
from autograder.files.submissions import Inbox, Wanted, students_in
from autograder.files.tree import walk
from autograder.nbgrader_compat.tidy import tidy_submission
from tests.folder_attacks import put_socket

MB = 1 << 20
LIMITS = Limits(file_mb=2, files_mb=5, files=12, depth=3)
SECRET = b"what only the course knows"
IGNORE = [".ipynb_checkpoints", "*.pyc"]

names = st.one_of(
    st.sampled_from(
        [
            b"a",
            b"b.txt",
            b"n.ipynb",
            b"m.ipynb",
            b"timestamp.txt",
            b"x.pyc",
            b".ipynb_checkpoints",
            b"a\n",
            b"\xe9",
            b"\\xe9",
            b"-rf",
            b"n" * 255,
        ]
    ),
    st.binary(min_size=1, max_size=8).filter(
        lambda raw: not {0, ord("/")} & set(raw) and raw not in (b".", b"..")
    ),
)
sizes = st.sampled_from([0, 1, MB, 2 * MB - 1, 2 * MB, 2 * MB + 1, 3000 * MB])
leaves = st.one_of(
    st.tuples(st.just("file"), sizes),
    st.tuples(
        st.just("link"),
        st.sampled_from(["/", "..", ".", "a", "nowhere", "../../secret.txt", "../../secret", "/dev/zero"]),
    ),
    st.tuples(st.sampled_from(["pipe", "socket", "hard link"]), st.none()),
)
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(st.just("folder"), st.dictionaries(names, inner, max_size=8)),
    max_leaves=25,
)


def make(path: bytes, tree: tuple, secret: Path) -> None:
    """Put *tree* at *path*."""
    kind, detail = tree
    if kind == "folder":
        os.mkdir(path)
        for name, inner in detail.items():
            make(path + b"/" + name, inner, secret)
    elif kind == "file":
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        os.truncate(path, detail)
    elif kind == "link":
        os.symlink(detail, path)
    elif kind == "hard link":
        os.link(secret, path)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        put_socket(Path(os.fsdecode(path)))


def count(folder: Path) -> int:
    """How much there is in *folder* that is no folder."""
    return sum(not stat.S_ISDIR(path.lstat().st_mode) for path in folder.rglob("*"))


class Place:
    """A course's folders, in which a tree is handed in as the folder of a student or of an assignment."""

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="handed-in-"))
        (self.root / "source").mkdir()
        (self.root / "submitted").mkdir()
        (self.root / "submitted" / "secret").mkdir()
        self.secret = self.root / "source" / "n.ipynb"
        for path in (
            self.secret,
            self.root / "submitted" / "secret.txt",
            self.root / "submitted" / "secret" / "n.ipynb",
        ):
            path.write_bytes(SECRET)
        self.student = self.root / "submitted" / "ann"
        wanted = Wanted({"n": {"a", "b"}, "m": {"c"}})
        self.inbox = Inbox(
            self.root / "submitted", "hw", LIMITS, file_ids(self.root / "source"), IGNORE, wanted
        )

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.root)


@pytest.fixture
def read_bytes(monkeypatch):
    """Counts what is read."""
    counted = [0]

    def read(descriptor: int, count: int) -> bytes:
        found = os_read(descriptor, count)
        counted[0] += len(found)
        return found

    os_read = os.read
    monkeypatch.setattr(files.os, "read", read)
    return counted


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(tree=trees, whole=st.booleans())
def test_any_tree_is_read_within_the_limits_and_nothing_outside_it(tree, whole, read_bytes):
    with Place() as place:
        if not whole:
            place.student.mkdir()
        make(os.fsencode(place.student if whole else place.student / "hw"), tree, place.secret)
        read_bytes[0] = 0
        digest = hashlib.sha256()
        place.inbox.add_to_digest("ann", ["n", "m"], digest)
        # The notebooks, what may be one under another name, and what lies beside them.
        assert read_bytes[0] <= 2 * (2 * MB + 1) + 5 * MB + 5 * MB
        notebooks = place.inbox.notebooks("ann", ["n", "m"])
        assert all(
            content != SECRET and (isinstance(content, Unreadable) or len(content) <= 2 * MB)
            for content in notebooks.values()
        )
        notes = place.inbox.notes("ann")
        assert all(note.isprintable() for note in notes) and len(notes) <= 8
        triage = place.inbox.notebooks_and_triage("ann", ["n", "m"])[1]
        assert len(triage) <= 5 and all(item.says.isprintable() for item in triage)
        target = place.root / "copy"
        target.mkdir()
        place.inbox.copy_others("ann", target)
        copied = [path for path in target.rglob("*") if not path.is_dir()]
        assert len(copied) <= LIMITS.files and sum(path.stat().st_size for path in copied) <= 5 * MB
        for path in copied:
            assert (
                not path.is_symlink() and path.is_file() and str(path).isprintable() and path.suffix != ".pyc"
            )
            assert path.stat().st_size > 100 or SECRET not in path.read_bytes()
        again = hashlib.sha256()
        place.inbox.add_to_digest("ann", ["n", "m"], again)
        assert again.digest() == digest.digest()


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(tree=trees)
def test_after_tidying_nbgrader_finds_only_plain_files_within_the_limits_and_nothing_is_lost(tree):
    with Place() as place:
        place.student.mkdir()
        folder = place.student / "hw"
        make(os.fsencode(folder), tree, place.secret)
        before = count(place.student)
        tidy_submission("hw", "*", [str(folder / "n.ipynb")], LIMITS, place.root / "source")
        if not folder.is_dir():  # a file or a pipe in the place of the folder: nbgrader does not get so far
            return
        assert not folder.is_symlink()
        kept = folder / "n.ipynb"  # nbgrader looks neither at a notebook that is a folder nor into it
        others = [
            path for path in folder.rglob("*") if not path.is_dir() and kept not in [path, *path.parents]
        ]
        assert len(others) <= LIMITS.files and sum(path.lstat().st_size for path in others) <= 5 * MB
        for path in others:
            assert (
                path.is_file()
                and not path.is_symlink()
                and str(path).isprintable()
                and path.stat().st_ino != place.secret.stat().st_ino
            )
        if tree[0] == "folder":
            assert count(place.student) == before


@pytest.mark.parametrize(
    "handed_in",
    ["folder", "file", "pipe", "link", "dangling link", "nothing for this assignment", "odd name"],
)
def test_who_handed_in(tmp_path, handed_in):
    (tmp_path / "secret" / "hw").mkdir(parents=True)
    path = tmp_path / ("J\udce9" if handed_in == "odd name" else "ann")
    {
        "folder": lambda: (path / "hw").mkdir(parents=True),
        "odd name": lambda: (path / "hw").mkdir(parents=True),
        "file": path.touch,
        "pipe": lambda: os.mkfifo(path),
        "link": lambda: path.symlink_to("secret"),
        "dangling link": lambda: path.symlink_to("nowhere"),
        "nothing for this assignment": lambda: (path / "other").mkdir(parents=True),
    }[handed_in]()
    theirs = [] if handed_in in ("file", "pipe", "nothing for this assignment") else [shown_name(path.name)]
    assert students_in(tmp_path, "hw") == sorted([*theirs, "secret"])
    assert [original_name(name) for name in theirs] in ([], [path.name])
    marked_before = handed_in != "nothing for this assignment"
    assert (shown_name(path.name) in students_in(tmp_path, "hw", [shown_name(path.name)])) == marked_before


def test_a_large_file_is_not_read_into_memory(tmp_path):
    (tmp_path / "n.ipynb").touch()
    os.truncate(tmp_path / "n.ipynb", 3 << 30)
    tracemalloc.start()
    with open_folder(tmp_path) as folder:
        assert read_file(folder, "n.ipynb", 64 * MB) == Unreadable("it is larger than 64 MB")
        assert [entry.left_out for entry in walk(folder, Limits(), ())] == ["it is larger than 64 MB"]
    assert tracemalloc.get_traced_memory()[1] < MB
    tracemalloc.stop()


def test_a_file_that_grows_while_it_is_read_is_not_read_further(tmp_path, monkeypatch):
    (tmp_path / "n.ipynb").write_bytes(b"x")
    original = os.fstat

    def grow(descriptor):
        found = original(descriptor)
        os.truncate(tmp_path / "n.ipynb", 3 * MB)
        return found

    monkeypatch.setattr(files.os, "fstat", grow)
    with open_folder(tmp_path) as folder:
        assert read_file(folder, "n.ipynb", 2 * MB) == Unreadable("it is larger than 2 MB")


def test_a_file_that_becomes_a_link_while_it_is_opened_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "n.ipynb").write_bytes(b"x")
    original = os.open

    def exchange(name, *arguments, **keywords):
        if name == "n.ipynb":
            (tmp_path / "n.ipynb").unlink()
            (tmp_path / "n.ipynb").symlink_to("secret")
        return original(name, *arguments, **keywords)

    with open_folder(tmp_path) as folder:
        monkeypatch.setattr(files.os, "open", exchange)
        assert read_file(folder, "n.ipynb", MB) == Unreadable(
            "it cannot be opened: Too many levels of symbolic links"
        )


@pytest.mark.parametrize("number", sorted(files.MACHINE_FAULTS))
def test_a_fault_of_the_machine_is_no_fault_of_the_file(tmp_path, monkeypatch, number):
    (tmp_path / "n.ipynb").write_bytes(b"x")

    def fail(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "read", fail)
    with open_folder(tmp_path) as folder, pytest.raises(OSError):
        read_file(folder, "n.ipynb", MB)


def test_no_descriptor_is_left_open(tmp_path):
    for name in ("a/b/c/d", "e"):
        (tmp_path / "ann" / "hw" / name).mkdir(parents=True)
        (tmp_path / "ann" / "hw" / name / "file").write_text("x")
    before = len(os.listdir("/proc/self/fd"))
    inbox = Inbox(tmp_path, "hw", LIMITS)
    for _ in range(3):
        inbox.notes("ann")
        inbox.add_to_digest("ann", ["n"], hashlib.sha256())
        inbox.notes("nobody")
    assert len(os.listdir("/proc/self/fd")) == before
