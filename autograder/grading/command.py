"""``autograder grade``: what is shown while a class is graded, and what Ctrl-C does."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograder.grading.interrupt import CtrlC
from autograder.grading.plan import Failed
from autograder.grading.run import Grader, Listener, Summary, grade_course
from autograder.nbgrader_compat.course import Course, CourseError
from autograder.terminal import some, terminal
from autograder.triage.lines import triage_lines

__all__ = ["Bar", "local_grader", "print_summary", "run_grade"]


def local_grader(processes: int | None = None) -> Grader:
    """Grading on this machine, in as many processes as it has cores unless told otherwise."""
    from autograder.grading.pool import grade_locally

    return lambda plan, jobs: grade_locally(plan, jobs, processes or _cores())


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Bar(Listener):
    """A progress bar with rate and time left, and a line for each thing to know."""

    def __init__(self, console: Any) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Shown

        self._console = console
        self._shown = Shown(
            TextColumn("Grading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("elapsed,"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
        )
        self._task: Any = None

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self._shown.stop()

    def begin(self, total: int, before: int) -> None:
        """Show the bar."""
        if before:
            self._console.print(f"{before} already graded and unchanged (--force grades them again)")
        self._task = self._shown.add_task("grade", total=total, rate="")
        self._shown.start()

    def say(self, sentence: str) -> None:
        """A line of its own, above the bar if it is shown."""
        self._console.print(sentence, markup=False)

    def step(self, student: str, trouble: str, notes: Sequence[str]) -> None:
        """Move the bar on."""
        from rich.markup import escape

        for line in notes:
            self._console.print(f"[yellow]{escape(student)}[/]: {escape(line)}")
        if trouble:
            self._console.print(f"[red]{escape(student)}[/]: not graded: {escape(trouble)}")
        self._shown.update(self._task, advance=1)
        task = self._shown.tasks[0]
        if task.elapsed:
            self._shown.update(self._task, rate=f"{60 * task.completed / task.elapsed:.0f} a minute")


def print_summary(summary: Summary, console: Any) -> None:
    """What the run did, in a line or two, and what a person should look at."""
    from rich.markup import escape

    rate = 60 * len(summary.graded) / summary.seconds if summary.seconds else 0.0
    console.print(
        f"Graded {len(summary.graded)} in {summary.seconds:.1f} s ({rate:.0f} a minute), "
        f"{len(summary.before)} were graded before, {len(summary.trouble)} are not graded.",
    )
    if summary.again:
        console.print(
            f"[yellow]{len(summary.again)} of them got zeros because a grading process was lost; the next run grades them again[/].",
        )
    if summary.penalties:
        console.print(
            f"The penalty for lateness is another one now for {len(summary.penalties)}: {some(summary.penalties)}. "
            "Write their pages again with autograder feedback.",
            markup=False,
        )
    if summary.graded:
        own, forkserver = summary.peak_mb
        console.print(
            f"Memory of a grading process: at most {own:.0f} MB, and {forkserver:.0f} MB that its candidates share.",
        )
    if summary.stopped:
        console.print(
            f"[red]Stopped early[/]: {escape(summary.stopped)}. What is graded is recorded; run the same command again for the rest.",
        )
    for line in triage_lines(summary.triage, "autograder report lists all of them, in a page."):
        console.print(line, markup=False, emoji=False, soft_wrap=True)


def run_grade(
    root: Path,
    assignment: str,
    students: Sequence[str] | None = None,
    *,
    jobs: int | None = None,
    force: bool = False,
    only: str = "",
    db_url: str | None = None,
    scheduler: str | None = None,
    check: Callable[[Course], None] = lambda course: None,
    report: Callable[[Course, Summary], None] = lambda course, summary: None,
) -> int:
    """Grade the submissions of *assignment* in the course at *root*.

    Args:
        only: grade this notebook alone, of everyone; the others keep their marks.
        check: raises CourseError if the assignment is not fit to be graded.
        report: tells of the class at the end, if nothing stopped the run.

    Returns:
        The exit status: 0 if everything is recorded, 1 if not, 2 if grading could not begin, 130 after Ctrl-C.
    """
    import sys

    console = terminal()
    try:
        with console.status("Reading the course"):
            course = Course(root, assignment, db_url)
            check(course)
            if scheduler:
                from autograder.grading.cluster import cluster_grader

                grader = cluster_grader(scheduler)
            else:
                grader = local_grader(jobs)
        with CtrlC() as ctrl_c, Bar(console) as bar:
            summary = grade_course(
                course, grader, students, force=force, progress=bar, ctrl_c=ctrl_c, only=only
            )
    except (CourseError, Failed) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"autograder: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("autograder: stopped by Ctrl-C before anything was graded", file=sys.stderr)
        return 130
    print_summary(summary, console)
    if summary.interrupted:
        return 130
    if not summary.stopped:  # what is left to grade is not known
        with console.status("Writing the report"):
            report(course, summary)
    return 1 if summary.trouble or summary.stopped or summary.again else 0
