"""The same grading on a Dask cluster: one task for each submission, which goes there as bytes and comes back as plain data.

Nothing but this process needs the course directory or the gradebook. A Dask worker grades in a process of its own for each of its threads,
because the process that candidates are forked from serves one examination at a time.
"""

from __future__ import annotations

import atexit
import hashlib
import pickle
import queue
import re
from collections.abc import Iterable, Iterator
from typing import Any

from autograder.grading.plan import Failed, Job, Marked, Plan
from autograder.grading.process import Attempts, GradingProcess
from autograder.grading.slot import Line, Slot
from autograder.nbgrader_compat.course import CourseError
from autograder.nbgrader_compat.extras import install_command

__all__ = ["cluster_grader", "grade_task"]

AHEAD = 3  # submissions out at one time, for each thread of the cluster
RETRIES = 2  # of a task whose Dask worker was lost
ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx)://[^/\s]+:\d+(/.*)?")
CONNECT_SECONDS = 20
WORKER_SECONDS = 120

_idle: dict[str, queue.SimpleQueue[Slot]] = {}  # on a Dask worker: those that wait, by plan


def grade_task(plan_bytes: bytes, job: Job) -> tuple[Job, Marked | Failed]:
    """Grade one submission; runs on a Dask worker."""
    idle = _idle.setdefault(hashlib.sha256(plan_bytes).hexdigest(), queue.SimpleQueue())
    try:
        slot = idle.get_nowait()
    except queue.Empty:
        plan = pickle.loads(plan_bytes)
        slot = Slot(lambda: GradingProcess(plan), Line(), Attempts())
        atexit.register(slot.close)
    try:
        answer = slot.grade(job)
    except Failed as failure:
        return job, failure
    idle.put(slot)
    return answer


def cluster_grader(address: str) -> Any:
    """A grader on the cluster of the Dask scheduler at *address*.

    Raises:
        CourseError: Dask is not installed, or nobody answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise CourseError(f"--scheduler needs Dask: {install_command('cluster')}") from None
    if not ADDRESS.fullmatch(address):
        raise CourseError(f"{address!r} is not the address of a Dask scheduler, such as tcp://host:8786")
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(f"no Dask scheduler answers at {address}: {str(error).splitlines()[0]}") from None
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        client.close()
        raise CourseError(
            f"the Dask scheduler at {address} has had no worker for {WORKER_SECONDS} s"
        ) from None

    def grader(plan: Plan, jobs: Iterable[Job]) -> Iterator[tuple[Job, Marked | Failed]]:
        try:
            yield from _grade(client, plan, jobs)
        finally:
            client.close()

    return grader


def _grade(client: Any, plan: Plan, jobs: Iterable[Job]) -> Iterator[tuple[Job, Marked | Failed]]:
    from distributed import as_completed

    plan_bytes = pickle.dumps(plan)
    waiting = iter(jobs)
    out: dict[str, Job] = {}
    done = as_completed(loop=client.loop, raise_errors=False)

    def supply() -> None:
        room = AHEAD * max(1, sum(client.nthreads().values())) - len(out)
        for _ in range(room):
            job = next(waiting, None)
            if job is None:
                return
            # A worker may run a task twice, when it was lost: the answer is the same.
            future = client.submit(
                grade_task,
                plan_bytes,
                job,
                key=f"grade-{job.student}-{job.fingerprint}",
                retries=RETRIES,
                pure=False,
            )
            out[future.key] = job
            done.add(future)

    supply()
    while out:
        future = next(done)
        job = out.pop(future.key)
        if future.status == "finished":
            job, answer = future.result()
        elif future.status == "error":
            answer = Failed(str(future.exception()).strip() or type(future.exception()).__name__)
        else:
            raise Failed("the connection to the Dask scheduler was lost")
        future.release()
        supply()
        yield job, answer
