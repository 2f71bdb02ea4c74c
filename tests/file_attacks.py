"""Attacks with the files that are handed in: what each does to a submission, and the points that the submission then has.

A submission is the first notebook alone, with the answers of ``attacks/wrong.txt`` (worth 1 point, for the prediction) unless said otherwise.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.notebook.cells import grading, read_notebook
from tests.attack_cases import NOTEBOOK, RELEASE, ROOT, answers

__all__ = ["ATTACKS", "FileAttack"]

Cells = list[dict[str, Any]]
SOLUTIONS = ROOT / "solutions" / "quantization"


@dataclass(frozen=True)
class FileAttack:
    """One way to hand something in.

    Attributes:
        marks: the points that it must have.
        apply: writes the submission into the folder of the assignment, which is there and empty.
        student: the name of the student's folder, if that is the attack.
        unreadable: whether nothing of it can be graded, so that it gets zeros with a reason.
    """

    marks: float
    apply: Callable[[Path], None]
    student: str = ""
    unreadable: bool = False


ATTACKS: dict[str, FileAttack] = {}


def notebook(base: str = "wrong") -> dict[str, Any]:
    """The first notebook, filled in."""
    made = read_notebook(RELEASE)
    for grade_id, text in answers(base).items():
        made.by_grade_id()[grade_id]["source"] = text
    return made.content


def on_folder(
    marks: float, base: str = "wrong"
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """An attack that works on the folder, in which the notebook lies already."""

    def register(attack: Callable[[Path], None]) -> Callable[[Path], None]:
        def apply(folder: Path) -> None:
            (folder / NOTEBOOK).write_text(json.dumps(notebook(base)), "utf-8")
            attack(folder)

        ATTACKS[attack.__name__] = FileAttack(marks, apply, unreadable=marks == 0)
        return attack

    return register


def on_content(marks: float, base: str = "wrong") -> Callable[..., Callable[..., None]]:
    """An attack that changes the notebook's JSON."""

    def register(attack: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
        def apply(folder: Path) -> None:
            content = notebook(base)
            attack(content)
            (folder / NOTEBOOK).write_text(json.dumps(content), "utf-8")

        ATTACKS[attack.__name__] = FileAttack(marks, apply)
        return attack

    return register


def on_student(
    marks: float, base: str = "wrong"
) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """An attack that works on the student's folder, in which the one of the assignment lies already, with the notebook."""

    def register(attack: Callable[[Path], None]) -> Callable[[Path], None]:
        def apply(folder: Path) -> None:
            (folder / NOTEBOOK).write_text(json.dumps(notebook(base)), "utf-8")
            attack(folder.parent)

        ATTACKS[attack.__name__] = FileAttack(marks, apply, unreadable=marks == 0)
        return attack

    return register


def tests(cells: Cells) -> Cells:
    return [c for c in cells if grading(c).get("grade") and not grading(c)["solution"]]


def by_id(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {grading(c)["grade_id"]: c for c in content["cells"] if grading(c)}


# --- test cells ----------------------------------------------------------------------------------------------------


@on_content(1)
def tests_deleted(content):
    gone = tests(content["cells"])
    content["cells"] = [c for c in content["cells"] if c not in gone]


@on_content(1)
def tests_duplicated_with_nothing_in_them(content):
    content["cells"] += [copy.deepcopy(c) | {"source": "pass"} for c in tests(content["cells"])]


@on_content(1)
def tests_emptied(content):
    for cell in tests(content["cells"]):
        cell["source"] = "100.0"


@on_content(1)
def tests_retyped(content):
    for cell in tests(content["cells"]):
        cell["cell_type"] = "markdown"


@on_content(1)
def tests_first(content):
    found = tests(content["cells"])
    content["cells"] = found + [c for c in content["cells"] if c not in found]


@on_content(1)
def tests_all_named_like_the_one_that_passes(content):
    for cell in tests(content["cells"]):
        grading(cell)["grade_id"] = "test_predict"


@on_content(1)
def answers_named_like_tests(content):
    for name in ("ridge_point", "regime"):
        grading(by_id(content)[name])["grade_id"] = f"{name}_hidden"


@on_content(1)
def points_raised(content):
    for cell in tests(content["cells"]):
        grading(cell)["points"] = 1000


@on_content(1)
def tests_marked_as_answers(content):
    for cell in tests(content["cells"]):
        grading(cell).update(solution=True, locked=False)


@on_content(1)
def tests_not_for_grading(content):
    for cell in tests(content["cells"]):
        grading(cell).update(grade=False)


@on_content(1)
def answers_marked_for_grading(content):
    for cell in by_id(content).values():
        grading(cell).update(grade=True, points=50)


@on_content(1)
def checksums_forged(content):
    for cell in by_id(content).values():
        grading(cell)["checksum"] = "0" * 32


@on_content(1)
def results_saved_in_the_file(content):
    for cell in tests(content["cells"]):
        cell["outputs"] = [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "1"},
                "metadata": {},
                "execution_count": 1,
            }
        ]


@on_content(1)
def metadata_of_a_graded_notebook(content):
    content["metadata"]["autograder"] = {"sandbox": "namespaces", "notes": []}
    content["metadata"]["autograder_problem"] = ""
    content["metadata"]["kernelspec"] = {"name": "python3", "argv": ["/bin/true"], "env": {"X": "1"}}


@on_content(1)
def a_task_cell_of_one_s_own(content):
    content["cells"].append(
        {
            "cell_type": "markdown",
            "source": "Done.",
            "metadata": {
                "nbgrader": {
                    "grade_id": "task",
                    "task": True,
                    "grade": False,
                    "solution": False,
                    "locked": False,
                    "points": 50,
                    "schema_version": 3,
                }
            },
        }
    )


@on_content(1)
def cells_of_another_notebook(content):
    other = read_notebook(ROOT / "assignments" / "quantization" / "1_predict.ipynb")
    content["cells"] += other.cells


# --- formats -------------------------------------------------------------------------------------------------------


@on_content(13, base="right")
def schema_version_1(content):
    for cell in by_id(content).values():
        grading(cell)["schema_version"] = 1


@on_content(13, base="right")
def schema_version_99(content):
    for cell in by_id(content).values():
        grading(cell)["schema_version"] = 99


@on_content(13, base="right")
def nbformat_99(content):
    content["nbformat"] = 99


@on_content(13, base="right")
def ids_repeated(content):
    for cell in content["cells"]:
        cell["id"] = "the same"


@on_content(13, base="right")
def another_kernel(content):
    content["metadata"] = {
        "kernelspec": {"name": "ir", "display_name": "R", "language": "R"},
        "language_info": {"name": "R"},
    }


@on_content(13, base="right")
def attachments_and_outputs_of_no_form(content):
    for cell in content["cells"]:
        cell["outputs"], cell["attachments"], cell["execution_count"] = 7, [1], "x"


@on_folder(0)
def corrupt_json(folder):
    path = folder / NOTEBOOK
    path.write_text(path.read_text("utf-8")[:-50], "utf-8")


@on_folder(0)
def empty_file(folder):
    (folder / NOTEBOOK).write_bytes(b"")


@on_folder(0)
def binary_file(folder):
    (folder / NOTEBOOK).write_bytes(bytes(range(256)) * 64)


@on_folder(0)
def no_notebook_in_the_json(folder):
    (folder / NOTEBOOK).write_text('"a string"')


@on_folder(0)
def json_nested_deeply(folder):
    (folder / NOTEBOOK).write_text('{"cells":' + "[" * 100_000)


@on_folder(0)
def a_number_of_a_million_digits(folder):
    (folder / NOTEBOOK).write_text('{"cells": [' + "9" * 1_000_000 + "]}")


# --- files ---------------------------------------------------------------------------------------------------------


@on_folder(0)
def a_link_to_the_solution(folder):
    (folder / NOTEBOOK).unlink()
    (folder / NOTEBOOK).symlink_to(SOLUTIONS / NOTEBOOK)


@on_folder(1)
def links_to_what_must_not_be_copied(folder):
    (folder / "solution.txt").symlink_to(SOLUTIONS / NOTEBOOK)
    (folder / "endless.txt").symlink_to("/dev/zero")
    (folder / "everything").symlink_to("/")
    (folder / "nowhere").symlink_to("does-not-exist")


@on_folder(1)
def a_pipe_that_never_ends(folder):
    os.mkfifo(folder / "pipe")


@on_folder(0)
def a_folder_named_like_the_notebook(folder):
    (folder / NOTEBOOK).unlink()
    (folder / NOTEBOOK).mkdir()


@on_folder(1)
def odd_file_names(folder):
    text = (folder / NOTEBOOK).read_text("utf-8")
    for name in (
        "0_self_check (1).ipynb",
        "two\nlines.ipynb",
        "-rf.ipynb",
        "ünïcode.ipynb",
        "..ipynb",
        "{assignment}.ipynb",
        "*.ipynb",
    ):
        (folder / name).write_text(text, "utf-8")


@on_folder(1)
def another_notebook_under_this_name(folder):
    text = (SOLUTIONS / "1_predict.ipynb").read_text("utf-8")
    (folder / "9_extra.ipynb").write_text(text, "utf-8")


@on_folder(1)
def packages_that_shadow(folder):
    for name in ("mlsysim", "hypothesis", "autograder", "numpy"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("def __getattr__(name): return lambda *a, **k: True")
    for name in ("math.py", "sitecustomize.py", "conftest.py"):
        (folder / name).write_text("isclose = lambda *a, **k: True")


@on_folder(1)
def settings_of_one_s_own(folder):
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.Autograde.autograde_preprocessors = []\n")


@on_folder(13, base="right")
def a_timestamp_that_cannot_be_read(folder):
    (folder / "timestamp.txt").write_text("yesterday at noon")


@on_folder(13, base="right")
def a_timestamp_that_is_a_folder(folder):
    (folder / "timestamp.txt").mkdir()


@on_folder(13, base="right")
def a_timestamp_beyond_the_calendar(folder):
    (folder / "timestamp.txt").write_text("99999-13-45 99:99:99 +99")


# --- pages that are shown to someone with rights -------------------------------------------------------------------

SCRIPT = "<script>window.pwned = true</script><img src=x onerror='window.pwned = true'>"


@on_content(1)
def scripts_in_text(content):
    for kind in ("markdown", "raw"):
        metadata = {"raw_mimetype": "text/html"} if kind == "raw" else {}
        content["cells"].append(
            {
                "cell_type": kind,
                "metadata": metadata,
                "source": SCRIPT + "\n[x](javascript:window.pwned=true)",
            }
        )


@on_content(1)
def scripts_in_outputs(content):
    source = f"""
from IPython.display import HTML, SVG, Javascript, Markdown, display
display(HTML({SCRIPT!r}), Markdown({SCRIPT!r}), Javascript("window.pwned = true"))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned = true'><script>window.pwned = true</script></svg>"))
display({{"image/png": '"><script>window.pwned = true</script>', "text/plain": {SCRIPT!r}, "text/latex": {SCRIPT!r}}}, raw=True)
strange = '">' + {SCRIPT!r}
display({{"image/png": "iVBORw0KGgo="}}, raw=True, metadata={{"image/png": {{"alt": strange, "width": strange}}}})
print({SCRIPT!r})
raise ValueError({SCRIPT!r})
"""
    content["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    )


@on_content(1)
def scripts_in_attachments(content):
    content["cells"].append(
        {
            "cell_type": "markdown",
            "metadata": {},
            "source": "![x](attachment:x.png)",
            "attachments": {
                "x.png": {"image/png": '"><script>window.pwned = true</script>', "text/html": SCRIPT}
            },
        }
    )


@on_content(1)
def scripts_in_links(content):
    links = [
        "javascript:window.pwned=true",
        "JaVa\tScript:window.pwned=true",
        "java&#115;cript:window.pwned=true",
        "data:text/html,<b>",
    ]
    source = (
        "\n\n".join(f"[look at my work]({link})" for link in links)
        + "\n\n[ref][r]\n\n[r]: javascript:window.pwned=true"
    )
    content["cells"].append({"cell_type": "markdown", "metadata": {}, "source": source})
    code = f"from IPython.display import Markdown, display\ndisplay(Markdown({source!r}))"
    content["cells"].append(
        {"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}
    )


@on_content(1)
def unrenderable_text(content):
    for source in (
        "![x](attachment:missing.png)",
        ">" * 5000 + " deep",
        "[" * 3000 + "x" + "](y)" * 3000,
        "$" * 999 + "\\" * 999,
    ):
        content["cells"].append({"cell_type": "markdown", "metadata": {}, "source": source})
