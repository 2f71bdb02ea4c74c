"""Speed of grading a class, against stock nbgrader with the same tests and against the least that it could cost, in one run.

    python benchmarks/bench_grading.py [--students 100] [--stock 10] [--thousand]

Three figures, all from the same simulated class of honest submissions, taken in turns so that a busy machine slows all of them:

* **stock**: ``nbgrader autograde`` with its own ``Execute``, on a sample, because it takes long; it uses one core, as it always does.
* **autograder grade**: the whole class, as typed: with start-up, on all cores.
* **the floor**: the students' own cells and the property tests as they are written, in plain processes that have everything imported, one
  for each core; no examiner, no confinement, no gradebook. A second floor has what grading a class together saves taken off: examples
  drawn once, and no explanations that nobody reads. What lies between it and us is the price of the examiner and of nbgrader's records.

Each bar is printed with PASS or MISS; a miss makes the exit status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.stock import STOCK  # noqa: E402

SPEEDUP_BAR, FLOOR_BAR, SCALE_BAR = 25.0, 2.0, 10.0
LIMITLESS = {"s12"}  # a loop that never ends costs its time limit, here and there
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def honest_kinds() -> list[Any]:
    """The kinds that stock execution marks as they deserve, so that both graders must come to the same marks."""
    from autograder.classroom.kinds import expected_marks, load_kinds

    source = ROOT / "solutions" / "quantization"
    return [
        kind
        for name, kind in load_kinds().items()
        if name not in LIMITLESS and expected_marks(kind, source) == expected_marks(kind, source, stock=True)
    ]


def make_course(folder: Path, students: int) -> Any:
    """A course with a class."""
    from autograder.classroom.course import Course
    from autograder.classroom.simulate import simulate_class

    course = Course.copy_of(ROOT, folder)
    course.generate_assignment()
    simulate_class(course, students, seed=1, kinds=honest_kinds())
    return course


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
        "quantization",
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


def run_floor(course: Path, students: Sequence[str], once: bool) -> None:
    """In a process of its own: print the seconds that the cells and the tests of *students* take, imports not counted."""
    import matplotlib

    matplotlib.use("module://matplotlib_inline.backend_inline")
    import hypothesis  # noqa: F401
    import matplotlib.pyplot

    import autograder.examiner.exam as exam
    from autograder.examiner.assemble import assemble, steps
    from autograder.examiner.draws import drawn_once
    from autograder.examiner.shell import make_shell
    from autograder.examiner.warm import warm_up

    said = sys.stdout
    shell = make_shell()
    warm_up(shell)
    source = course / "solutions" / "quantization"
    taken = 0.0
    for number, student in enumerate([students[0], *students] if once else students):
        start = time.perf_counter()
        for path in sorted((course / "submitted" / student / "quantization").glob("*.ipynb")):
            notebook = assemble(source / path.name, path)
            for _, cell, test in steps(notebook):
                if not (test and once):
                    shell.run(cell["source"], 1 << 20)
                    continue
                scope = {"__name__": "exam", **shell.user_ns}
                with (
                    contextlib.suppress(BaseException),
                    exam._fixed_hypothesis(),
                    drawn_once(cell["source"], lambda: 0),
                ):
                    exec(cell["source"], scope)
            shell.reset(new_session=True)
        if not (
            once and number == 0
        ):  # the first time draws the examples, as each of our processes does once
            taken += time.perf_counter() - start
    print(taken, file=said)


def floor_seconds(course: Any, students: Sequence[str], once: bool) -> float:
    """Seconds of wall time that *students* cost on all cores."""
    code = "import sys, json; from pathlib import Path; from benchmarks.bench_grading import run_floor; a = json.loads(sys.argv[1]); run_floor(Path(a[0]), a[1], a[2])"
    parts = [list(students[i::CORES]) for i in range(CORES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, json.dumps([str(course.root), part, once])],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for part in parts
        if part
    ]
    return sum(float(process.communicate()[0].split()[-1]) for process in running) / CORES


@contextlib.contextmanager
def timed(taken: Counter[str], owner: Any, name: str, label: str) -> Iterator[None]:
    """Adds up the time spent in a function, what is timed inside it left out."""
    original = getattr(owner, name)

    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        start, inside = time.perf_counter(), sum(taken.values())
        try:
            return original(*arguments, **keywords)
        finally:
            taken[label] += time.perf_counter() - start - (sum(taken.values()) - inside)

    setattr(owner, name, wrapper)
    try:
        yield
    finally:
        setattr(owner, name, original)


def where_time_goes(course: Any, students: Sequence[str]) -> tuple[Counter[str], int]:
    """Seconds by part of the work, of a single process that grades and records, and the number of calls of students' functions."""
    import nbformat

    from autograder.classroom.grading import grade_course
    from autograder.classroom.marking import Marker
    from autograder.classroom.records import Recorder
    from autograder.examiner import desk, exam, process

    taken: Counter[str] = Counter()
    marker: list[Any] = []
    calls = [0]

    def here(plan: Any, jobs: Any) -> Any:
        marker.append(Marker(plan))
        for number, job in enumerate(jobs):
            if number == 0:
                marker[0].mark(job)  # draws the examples
                taken.clear()
                calls[0] = 0
            yield job, marker[0].mark(job)

    original = process.Candidate.call

    def counted(self: Any, *arguments: Any) -> Any:
        calls[0] += 1
        return original(self, *arguments)

    parts = [
        (desk, "start_candidate", "a confined process for each notebook"),
        (process.Candidate, "run", "the students' cells"),
        (process.Candidate, "call", "calls of the students' functions, both ways over the wire"),
        (exam, "_judge", "the tests themselves: examples, references, comparisons, shrinking"),
        (exam, "explain", "saying why wrong answers are wrong"),
        (nbformat, "writes", "writing the notebooks"),
        (Marker, "mark", "nbgrader's steps, assembling, closing"),
        (Recorder, "record", "gradebook and files, by the one who records"),
    ]
    process.Candidate.call = counted  # type: ignore[method-assign]
    with contextlib.ExitStack() as stack:
        for owner, name, label in parts:
            stack.enter_context(timed(taken, owner, name, label))
        grade_course(course, here, students, force=True)
    process.Candidate.call = original  # type: ignore[method-assign]
    marker[0].close()
    return taken, calls[0]


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
    parser.add_argument("--stock", type=int, default=10, help="submissions that stock nbgrader grades")
    parser.add_argument("--thousand", action="store_true", help="also grade 1,000 and compare")
    options = parser.parse_args()
    from autograder.classroom.course import Course
    from autograder.classroom.simulate import check_marks

    work = Path(tempfile.mkdtemp(prefix="bench-grading-"))
    try:
        ours = make_course(work / "ours", options.students)
        expected = json.loads((ours.root / "simulated.json").read_text())
        shutil.copytree(ours.root, work / "stock")
        config = work / "stock" / "nbgrader_config.py"
        config.write_text(config.read_text() + STOCK)
        stock = Course(work / "stock")
        everyone = ours.students()
        sample = everyone[: max(2, options.stock)]
        half = len(sample) // 2
        kinds = ", ".join(sorted({about["kind"] for about in expected.values()}))
        print(f"{len(everyone)} submissions of four notebooks on {CORES} cores, kinds {kinds}")

        stock_time = stock_seconds(stock, sample[:half])
        floor = floor_seconds(ours, sample, once=False) / len(sample)
        seconds, memory = grade_seconds(ours)
        shared_floor = floor_seconds(ours, sample, once=True) / len(sample)
        stock_time += stock_seconds(stock, sample[half:])
        stock_each = stock_time / len(sample)

        wrong = check_marks(ours, expected) + check_marks(stock, {s: expected[s] for s in sample})
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
        for label, part in taken.most_common():
            print(f"  {1000 * part / len(sample):6.0f} ms  {100 * part / whole:3.0f} %  {label}")
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
            many = make_course(work / "many", 10 * options.students)
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
            wrong = check_marks(many, json.loads((many.root / "simulated.json").read_text()))
            print(
                f"{'MISS' if wrong else 'PASS'}  marks of {10 * options.students}: {len(wrong)} are not right"
            )
            met.append(not wrong)
        return 0 if all(met) else 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
