"""Speed of grading a class, against stock nbgrader with the same tests and against the least that it could cost, in one run.

    python benchmarks/bench_grading.py [--students 100] [--stock N] [--thousand]

Three figures, all from the same simulated class of honest submissions, taken in turns so that a busy machine slows all of them:

* **stock**: ``nbgrader autograde`` with its own ``Execute``, on a sample, because it takes long: one submission of each kind, as the class
  has as many of one kind as of another. It uses one core, as it always does.
* **autograder grade**: the whole class, as typed: with start-up, on all cores.
* **the floor**: the students' own cells and the property tests as they are written, in plain processes that have everything imported, one
  for each core; no examiner, no confinement, no gradebook. A second floor has what grading a class together saves taken off: examples
  drawn once, and no explanations that nobody reads. What lies between it and us is the price of the examiner and of nbgrader's records.

Each bar is printed with PASS or MISS; a miss makes the exit status 1.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.breakdown import where_time_goes  # noqa: E402
from benchmarks.floor import CORES, floor_seconds  # noqa: E402
from benchmarks.stock import STOCK  # noqa: E402

ASSIGNMENT = "quantization"
SPEEDUP_BAR, FLOOR_BAR, SCALE_BAR = 25.0, 2.0, 10.0
LIMITLESS = {"s12"}  # a loop that never ends costs its time limit, here and there


def honest_kinds() -> list[Any]:
    """The kinds that stock execution marks as they deserve, so that both graders must come to the same marks."""
    from autograder.simulate.kinds import expected_marks
    from tests.assignments import kinds_of

    source = ROOT / "solutions" / "quantization"
    return [
        kind
        for name, kind in kinds_of("quantization").items()
        if name not in LIMITLESS
        and expected_marks(kind, source, carried=False) == expected_marks(kind, source, stock=True)
    ]


def make_course(folder: Path, students: int) -> tuple[Any, dict[str, Any]]:
    """A course with a class, and what each of it must get."""
    from autograder.lint.assignment import check_before_grading
    from autograder.nbgrader_compat.course import Course
    from autograder.simulate.simulated import simulate_class

    course = Course.copy_of(ROOT, folder, ASSIGNMENT)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write("c.Examine.carry_errors_forward = False\n")  # stock nbgrader does not
    course = Course(course.root, ASSIGNMENT)
    course.generate_assignment()
    expected = simulate_class(course, students, seed=1, kinds=honest_kinds())
    # The first grading of an assignment would examine it; that is done once for all classes, and not what is timed.
    if failing := check_before_grading(course):
        raise SystemExit(f"{ASSIGNMENT} must be mended: {failing[0].what}")
    return course, expected


def stock_seconds(course: Any, students: Sequence[str]) -> float:
    """Wall time of stock grading."""
    start = time.perf_counter()
    for student in students:
        course.autograde(student)
    return time.perf_counter() - start


def grade_seconds(course: Any) -> tuple[float, str]:
    """Wall time of ``autograder grade``, and what it said about memory."""
    command = [
        sys.executable,
        "-m",
        "autograder.cli",
        "grade",
        ASSIGNMENT,
        "--course",
        str(course.root),
        "--force",
    ]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"grading failed: {done.stdout}{done.stderr}")
    return seconds, next((line for line in done.stdout.splitlines() if line.startswith("Memory")), "")


def bar(what: str, value: float, limit: float, at_least: bool) -> bool:
    """Print one bar; whether it is met."""
    met = value >= limit if at_least else value <= limit
    print(
        f"{'PASS' if met else 'MISS'}  {what}: {value:.1f}x (bar: {'at least' if at_least else 'at most'} {limit:g}x)"
    )
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description="Speed of grading a class.")
    parser.add_argument("--students", type=int, default=100)
    parser.add_argument("--stock", type=int, help="grade only so many of the sample")
    parser.add_argument("--thousand", action="store_true", help="also grade 1,000 and compare")
    options = parser.parse_args()
    from autograder.nbgrader_compat.course import Course
    from autograder.simulate.simulated import check_marks

    work = Path(tempfile.mkdtemp(prefix="bench-grading-"))
    try:
        ours, expected = make_course(work / "ours", options.students)
        shutil.copytree(ours.root, work / "stock")
        config = work / "stock" / "nbgrader_config.py"
        config.write_text(config.read_text() + STOCK)
        stock = Course(work / "stock", ASSIGNMENT)
        everyone = ours.students()
        first = {about["kind"]: student for student, about in reversed(expected.items())}
        sample = sorted(first.values())[: options.stock]
        half = len(sample) // 2
        kinds = ", ".join(sorted(first))
        notebooks = len(list(ours.release.glob("*.ipynb")))
        print(f"{len(everyone)} submissions of {notebooks} notebooks on {CORES} cores, kinds {kinds}")

        stock_time = stock_seconds(stock, sample[:half])
        floor = floor_seconds(ours, sample, once=False) / len(sample)
        seconds, memory = grade_seconds(ours)
        shared_floor = floor_seconds(ours, sample, once=True) / len(sample)
        stock_time += stock_seconds(stock, sample[half:])
        stock_each = stock_time / len(sample)

        each = seconds / len(everyone)
        print(
            f"stock nbgrader autograde   {60 / stock_each:7.1f} a minute  ({stock_each:.2f} s each; {len(sample)} of the submissions)"
        )
        print(
            f"autograder grade           {60 / each:7.1f} a minute  ({each:.2f} s each; all, with start-up: {seconds:.1f} s)"
        )
        print(f"floor: cells and tests     {60 / floor:7.1f} a minute  ({floor:.2f} s each)")
        print(f"floor, examples drawn once {60 / shared_floor:7.1f} a minute  ({shared_floor:.2f} s each)")
        print(memory)
        taken, calls = where_time_goes(ours, sample)
        whole = sum(taken.values())
        print(
            f"Where it goes ({1000 * whole / len(sample):.0f} ms of one core each, {calls / len(sample):.0f} calls):"
        )
        for label, part in sorted(taken.items(), key=lambda item: -item[1]):
            print(f"  {1000 * part / len(sample):6.0f} ms  {100 * part / whole:3.0f} %  {label}")
        # After that, as it grades the sample once more: its parts are those of a grading that comes to the right marks.
        wrong = check_marks(ours, expected) + check_marks(stock, {s: expected[s] for s in sample})
        met = [
            bar("submissions a minute against stock", stock_each / each, SPEEDUP_BAR, True),
            bar("time against the floor", each / floor, FLOOR_BAR, False),
        ]
        print(f"      time against the floor with examples drawn once: {each / shared_floor:.1f}x (no bar)")
        print(
            f"{'MISS' if wrong else 'PASS'}  marks: {len(wrong)} that are not the right ones, in either gradebook"
        )
        met.append(not wrong)
        if options.thousand:
            many, of_many = make_course(work / "many", 10 * options.students)
            long, memory = grade_seconds(many)
            print(f"{10 * options.students} submissions: {long:.1f} s. {memory}")
            met.append(
                bar(
                    f"{10 * options.students} submissions against {options.students}",
                    long / seconds,
                    SCALE_BAR,
                    False,
                )
            )
            wrong = check_marks(many, of_many)
            print(
                f"{'MISS' if wrong else 'PASS'}  marks of {10 * options.students}: {len(wrong)} are not right"
            )
            met.append(not wrong)
        return 0 if all(met) else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
