"""How long the report of a large class takes to write, and to open in a browser.

    python benchmarks/bench_report.py [STUDENTS]

A class of 40 is graded and then copied, marks and notebooks, until there are as many STUDENTS (5,000 if none are given). Beside the report, in the
same run, for a class of 200: ``nbgrader export``, which writes one line for each student. Bars are printed with PASS or MISS; a miss makes the exit
status 1.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from autograder.simulate.demo import run_demo

WRITE_SECONDS, OPEN_SECONDS = 20.0, 2.0  # bars
PEERS = 200  # students for whom nbgrader is asked too: it takes minutes for thousands
ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = "quantization"
# Each with the column that names its parent, from the student down to the marks.
ROWS = {
    "student": "id",
    "submitted_assignment": "student_id",
    "submitted_notebook": "assignment_id",
    "grade": "notebook_id",
    "comment": "notebook_id",
}


def copied(course: Path, students: int) -> None:
    """Copy everyone in the *course* until there are so many."""
    with sqlite3.connect(course / "gradebook.db") as book:
        known = [row[0] for row in book.execute("SELECT id FROM student")]
        owned = {who: _rows_of(book, who) for who in known}
        for number in range(students - len(known)):
            who = known[number % len(known)]
            ids = {who: f"copy{len(known) + number:05}"}
            for table, key, rows in owned[who]:
                for row in rows:
                    ids.setdefault(row[key], uuid.uuid4().hex)
                    made = [ids.get(value, value) for value in row]
                    book.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(made))})", made)
            for kind in ("submitted", "autograded"):
                shutil.copytree(course / kind / who, course / kind / ids[who], copy_function=os.link)


def _rows_of(book: sqlite3.Connection, who: str) -> list[tuple[str, int, list[Any]]]:
    """Each table with the place of its key, and the rows of one student."""
    found, owners = [], {who}
    for table, parent in ROWS.items():
        columns = [row[1] for row in book.execute(f"PRAGMA table_info({table})")]
        at = columns.index(parent)
        rows = [row for row in book.execute(f"SELECT * FROM {table}") if row[at] in owners]
        owners |= {row[columns.index("id")] for row in rows}
        found.append((table, columns.index("id"), rows))
    return found


def seconds(*command: str, course: Path) -> float:
    """Wall-clock seconds of a command in the *course*."""
    began = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).parent / command[0], *command[1:]],
        cwd=course,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return time.perf_counter() - began


def seconds_to_open(page: Path) -> float | None:
    """Wall-clock seconds until a browser has laid out the *page* and run its script; None where there is no browser."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        tab = browser.new_page()
        began = time.perf_counter()
        tab.goto(page.as_uri(), wait_until="load")
        tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        took = time.perf_counter() - began
        browser.close()
    return took


def main() -> int:
    students = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder) / "course"
        run_demo(ROOT, course, [ASSIGNMENT], students=40)
        copied(course, PEERS)
        peer = (
            seconds("nbgrader", "export", course=course),
            seconds("autograder", "report", ASSIGNMENT, course=course),
        )
        copied(course, students)
        page = course / f"report-{ASSIGNMENT}.html"
        write = seconds("autograder", "report", ASSIGNMENT, course=course)
        opened = seconds_to_open(page)
        size = page.stat().st_size / 1e6
    met = write < WRITE_SECONDS and (opened is None or opened < OPEN_SECONDS)
    print(
        f"report of {students} students ({size:.1f} MB): {write:.1f} s, bar {WRITE_SECONDS:g} s: {'PASS' if write < WRITE_SECONDS else 'MISS'}"
    )
    print(
        f"class of {PEERS}: nbgrader export {peer[0]:.1f} s, report {peer[1]:.1f} s: {peer[0] / peer[1]:.2f}x"
    )
    if opened is None:
        print("opened in a browser: not measured, no chromium is installed")
    else:
        print(
            f"opened in a browser: {opened:.2f} s, bar {OPEN_SECONDS:g} s: {'PASS' if opened < OPEN_SECONDS else 'MISS'}"
        )
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
