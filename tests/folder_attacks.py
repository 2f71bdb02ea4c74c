"""Attacks with what a file system can hold where a student's folders, notebooks and files should be."""

from __future__ import annotations

import copy
import gzip
import json
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.attack_cases import NOTEBOOK
from tests.file_attacks import ATTACKS, FileAttack, notebook, on_content, on_folder, on_student

Attack = Callable[[Path], None]


def course(student: Path) -> Path:
    return student.parent.parent


def named(name: str) -> Callable[[Attack], Attack]:
    """Gives an attack that is made by generation a name of its own."""

    def give(attack: Attack) -> Attack:
        attack.__name__ = name
        return attack

    return give


def put_socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


def sparse(path: Path, megabytes: int) -> None:
    path.touch()
    os.truncate(path, megabytes << 20)


# --- folders that are no folders ---------------------------------------------------------------------------------------

FOLDERS: dict[str, Callable[[Path], Path]] = {
    "the_solutions": lambda student: course(student) / "solutions",
    "a_classmate": lambda student: student.parent / "a_first",
    "itself": lambda student: student,
    "nothing": lambda student: student.parent / "nobody",
    "the_root": lambda student: Path("/"),
}

for _name, _target in FOLDERS.items():

    @on_student(0, base="right")
    @named(f"a_student_s_folder_that_is_a_link_to_{_name}")
    def _attack(student, target=_target):
        shutil.rmtree(student)
        student.symlink_to(os.path.relpath(target(student), student.parent))

    @on_student(0, base="right")
    @named(f"an_assignment_s_folder_that_is_a_link_to_{_name}")
    def _attack(student, target=_target):
        shutil.rmtree(student / "quantization")
        (student / "quantization").symlink_to(target(student) / "quantization")


@on_student(0, base="right")
def an_assignment_s_folder_behind_a_chain_of_links(student):
    shutil.rmtree(student / "quantization")
    (student / "quantization").symlink_to("second")
    (student / "second").symlink_to(student / "third")
    (student / "third").symlink_to("../a_first/quantization")


for _what, _put in {
    "a_file": lambda path: path.write_text("my work"),
    "a_pipe": os.mkfifo,
    "a_socket": put_socket,
}.items():

    @on_student(0, base="right")
    @named(f"an_assignment_s_folder_that_is_{_what}")
    def _attack(student, put=_put):
        shutil.rmtree(student / "quantization")
        put(student / "quantization")

    @on_folder(0, base="right")
    @named(f"a_notebook_that_is_{_what}")
    def _attack(folder, put=_put):
        (folder / NOTEBOOK).unlink()
        put(folder / NOTEBOOK)


@on_student(0, base="right")
def an_empty_folder(student):
    (student / "quantization" / NOTEBOOK).unlink()


# Nothing was handed in: there is no notebook to say so in.
ATTACKS["an_empty_folder"] = replace(ATTACKS["an_empty_folder"], unreadable=False)


# --- notebooks that are no notebooks of their own ----------------------------------------------------------------------

NOTEBOOKS: dict[str, Callable[[Path], str | Path]] = {
    "a_classmate_s": lambda student: student.parent / "a_first" / "quantization" / NOTEBOOK,
    "itself": lambda student: NOTEBOOK,
    "zeros_without_end": lambda student: "/dev/zero",
    "its_own_process": lambda student: "/proc/self/mem",
}

for _name, _to in NOTEBOOKS.items():

    @on_folder(0, base="right")
    @named(f"a_notebook_that_is_a_link_to_{_name}")
    def _attack(folder, target=_to):
        (folder / NOTEBOOK).unlink()
        (folder / NOTEBOOK).symlink_to(target(folder.parent))


@on_folder(0, base="right")
def a_notebook_that_is_the_solution_by_a_hard_link(folder):
    (folder / NOTEBOOK).unlink()
    os.link(course(folder.parent) / "solutions" / "quantization" / NOTEBOOK, folder / NOTEBOOK)


@on_folder(1)
def the_solution_beside_the_notebook_by_a_hard_link(folder):
    os.link(course(folder.parent) / "solutions" / "quantization" / NOTEBOOK, folder / "notes.txt")


@on_folder(0, base="right")
def a_notebook_of_three_gigabytes(folder):
    sparse(folder / NOTEBOOK, 3 << 10)


# --- what lies beside the notebook -------------------------------------------------------------------------------------


@on_folder(13, base="right")
def a_file_of_three_gigabytes(folder):
    sparse(folder / "data.bin", 3 << 10)


@on_folder(13, base="right")
def files_that_are_large_together(folder):
    for number in range(6):
        sparse(folder / f"data{number}.bin", 60)


@on_folder(13, base="right")
def three_thousand_files(folder):
    for number in range(3000):
        (folder / f"{number}.txt").touch()


@on_folder(13, base="right")
def three_thousand_files_in_folders(folder):
    for number in range(3000):
        (folder / f"{number % 7}" / f"{number % 11}").mkdir(parents=True, exist_ok=True)
        (folder / f"{number % 7}" / f"{number % 11}" / f"{number}.txt").touch()


@on_folder(13, base="right")
def folders_120_deep(folder):
    below = folder.joinpath(*["f"] * 120)
    below.mkdir(parents=True)
    (below / "bottom.txt").write_text("here")


@on_folder(13, base="right")
def pipes_sockets_and_links_in_folders(folder):
    (folder / "more" / "and more").mkdir(parents=True)
    for at in (folder, folder / "more", folder / "more" / "and more"):
        os.mkfifo(at / "pipe")
        put_socket(at / "socket")
        (at / "up").symlink_to("..")
        (at / "everything").symlink_to("/")
        (at / "0_other.ipynb").symlink_to("/dev/zero")


@on_folder(13, base="right")
def file_names_that_are_no_text(folder):
    for name in (
        b"\xff\xfe\xfd",
        b"Jos\xe9.txt",
        b"\xed\xa0\x80",
        b"x" * 255,
        b"\xe9" * 100,
        b"\x1b[2J",
        b"a\nb",
        b"\xc2\x85",
        b"\\xe9",
    ):
        with open(os.fsencode(folder) + b"/" + name, "w") as file:
            file.write("odd")
        os.makedirs(os.fsencode(folder) + b"/in " + name[:200])
        with open(os.fsencode(folder) + b"/in " + name[:200] + b"/file", "w") as file:
            file.write("odd")


@on_folder(13, base="right")
def notebook_names_that_are_no_text(folder):
    for name in (b"\xff.ipynb", b"two\nlines.ipynb", b"\x1b[2J.ipynb"):
        shutil.copy(folder / NOTEBOOK, os.fsencode(folder) + b"/" + name)


@on_folder(13, base="right")
def folders_where_the_course_has_files_and_files_where_it_has_folders(folder):
    (folder / "table.csv").mkdir()
    (folder / "table.csv" / "mine.txt").write_text("mine")
    (folder / "tables").write_text("mine")


@on_folder(13, base="right")
def a_folder_of_left_out_files_that_is_a_link(folder):
    (folder.parent / "quantization.left-out").symlink_to(course(folder.parent) / "solutions")
    sparse(folder / "data.bin", 3 << 10)


for _what, _write in {
    "a_link": lambda path: path.symlink_to("/etc/hostname"),
    "a_pipe": os.mkfifo,
    "a_socket": put_socket,
    "a_gigabyte": lambda path: sparse(path, 1 << 10),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe2026"),
    "nul": lambda path: path.write_text("2026-01-01 00:00:00\0 UTC"),
    "another_file": lambda path: path.write_text("2026-01-01 00:00:00 ../../../../etc/passwd"),
    "numbers_without_end": lambda path: path.write_text("9" * 1000),
}.items():

    @on_folder(13, base="right")
    @named(f"a_timestamp_of_{_what}")
    def _attack(folder, write=_write):
        write(folder / "timestamp.txt")

    @on_folder(13, base="right")
    @named(f"a_progress_file_of_{_what}")
    def _attack(folder, write=_write):
        write(folder / "autograder-progress.json")


# --- bytes that are no notebook, or an odd one -------------------------------------------------------------------------


def raw(marks: float, name: str, change: Callable[[bytes], bytes]) -> None:
    @on_folder(marks, base="right")
    @named(name)
    def _attack(folder):
        path = folder / NOTEBOOK
        path.write_bytes(change(path.read_bytes()))


raw(13, "a_byte_order_mark", lambda text: b"\xef\xbb\xbf" + text)
raw(13, "utf_16", lambda text: text.decode().encode("utf-16"))
raw(0, "gzip", gzip.compress)
raw(0, "another_notebook_after_the_end", lambda text: text + text)
raw(0, "nul_bytes", lambda text: b"\0" * 1000 + text)
raw(13, "keys_twice", lambda text: b'{"cells": 7, "cells": [], "metadata": [], ' + text[1:])
raw(13, "numbers_that_are_none", lambda text: b'{"x": [NaN, Infinity, -Infinity, 1e999999], ' + text[1:])
raw(13, "a_float_of_a_million_digits", lambda text: b'{"x": 0.' + b"3" * 1_000_000 + b", " + text[1:])
raw(0, "an_integer_of_a_million_digits", lambda text: b'{"x": ' + b"3" * 1_000_000 + b", " + text[1:])
raw(0, "sixty_megabytes_of_tiny_lists", lambda text: b'{"x": [' + b"[]," * 20_000_000 + b"[]], " + text[1:])
raw(0, "a_key_nested_deeply", lambda text: b'{"x": ' + b"[" * 99_999 + b"]" * 99_999 + b", " + text[1:])

SURROGATE = "\ud800 \udfff \udce9"


@on_content(13, base="right")
def surrogates_everywhere(content):
    content["metadata"][SURROGATE] = {"name": SURROGATE}
    for cell in content["cells"]:
        cell["id"] = SURROGATE
        cell["metadata"][SURROGATE] = SURROGATE
    for kind in ("code", "markdown", "raw"):
        source = f"# {SURROGATE}\n" if kind == "code" else SURROGATE
        grade = {"grade_id": SURROGATE, "grade": True, "solution": True}
        content["cells"].append({"cell_type": kind, "metadata": {"nbgrader": grade}, "source": source})
        content["cells"][-1]["attachments"] = {SURROGATE: {"image/png": SURROGATE}}
    printed = f"print({SURROGATE!r}, chr(0xd800))\nraise ValueError(chr(0xdc80))"
    content["cells"].append({"cell_type": "code", "metadata": {}, "source": printed})


def filler(source: str, count: int) -> list[dict]:
    return [{"cell_type": "code", "metadata": {}, "source": source} for _ in range(count)]


@on_content(13, base="right")
def a_cell_of_nine_megabytes(content):
    content["cells"] += filler("x = 1  #" + "x" * (9 << 20), 1)


@on_content(13, base="right")
def two_thousand_empty_cells_before_the_answers(content):
    content["cells"] = filler("", 2500) + content["cells"]


@on_content(13, base="right")
def two_thousand_copies_of_each_answer(content):
    content["cells"] += [
        copy.deepcopy(cell) | {"source": ""} for cell in content["cells"] for _ in range(300)
    ]


# --- students' names ---------------------------------------------------------------------------------------------------

NAMES = {
    "latin_1": "Jos\udce9",
    "two_lines": "two\nlines",
    "what_a_terminal_obeys": "\x1b[2Jred",
    "an_escape_in_plain_text": "Jos\\xe9",
    "text_from_right_to_left": "ab\u202ecd",
    "an_option": "-rf",
    "a_pattern": "*",
    "a_pattern_of_letters": "[a-z]",
    "a_field": "{assignment_id}",
    "a_format": "%s%n",
    "quotes": 'o\'neil "x"; --',
    "html": "<b onclick=x>",
    "rich_markup": "[",
    "dots": "...",
    "a_space": " ",
    "255_bytes": "n" * 255,
    "many_scripts": "Ωμέγα 学生",
}


def _hand_in(folder: Path) -> None:
    (folder / NOTEBOOK).write_text(json.dumps(notebook("right")), "utf-8")
    (folder / "notes.txt").write_text("mine")


ATTACKS |= {f"a_student_s_name_of_{what}": FileAttack(13, _hand_in, name) for what, name in NAMES.items()}
