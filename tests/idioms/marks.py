"""Marks of works: from the examiner, and from a stock kernel."""

from __future__ import annotations

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from autograder.bounds.limits import Limits
from autograder.exam.examine import examine
from autograder.files.source import data_files
from autograder.lint.kernel import KernelFailed, stock_outcomes
from autograder.notebook.assemble import assemble
from autograder.tutor.owner import Owner
from tests.idioms import RECORD, Idiom, Work, recorded, submission, test_ids

__all__ = ["examined", "in_a_kernel", "record"]

LIMITS = Limits(cell_seconds=10, call_seconds=2, total_seconds=30)


def examined(idiom: Idiom, folder: Path) -> dict[str, tuple[list[float], list[str]]]:
    """The examiner's marks and messages for each work, by its label; *folder* is empty."""
    path = idiom.write(folder)
    found = {}
    for work in idiom.works:
        notebook = assemble(path, submission(idiom, work).dumps().encode())
        result = examine(notebook, LIMITS, data_files(folder), (), Owner(idiom.name), source=folder)
        verdicts = [result.verdicts[grade_id] for grade_id in test_ids(idiom.notebook())]
        found[work.label] = ([v.score for v in verdicts], [v.detail or v.message for v in verdicts])
    return found


def in_a_kernel(idiom: Idiom, work: Work) -> list[float]:
    """The marks of *work* in a stock kernel."""
    with tempfile.TemporaryDirectory() as place:
        idiom.write(Path(place))
        outcomes = stock_outcomes(submission(idiom, work), Path(place), 20)
    return [outcomes[grade_id].score for grade_id in test_ids(idiom.notebook())]


def record(idioms: list[Idiom], everything: bool = False) -> list[str]:
    """Record the marks of the *idioms* that changed since, or of all; returns a line for each work that is not what it claims to be."""
    known = recorded()
    wanted = [i for i in idioms if everything or known.get(i.name, {}).get("fingerprint") != i.fingerprint]
    jobs = [(idiom, work) for idiom in wanted for work in idiom.works]
    with ThreadPoolExecutor(2) as pool:
        marks = list(pool.map(lambda job: _marks(*job), jobs))
    for idiom in wanted:
        known[idiom.name] = {"fingerprint": idiom.fingerprint, "marks": {}}
    for (idiom, work), scores in zip(jobs, marks, strict=True):
        known[idiom.name]["marks"][work.label] = scores
    names = {idiom.name for idiom in idioms}
    lines = [
        f" {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(known.items()) if name in names
    ]
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    return [
        f"{idiom.name}: {work.label} gets {known[idiom.name]['marks'][work.label]} in a kernel"
        for idiom in idioms
        for work in idiom.works
        if (known[idiom.name]["marks"][work.label] == idiom.points) != work.right
    ]


def _marks(idiom: Idiom, work: Work) -> list[float]:
    try:
        return in_a_kernel(idiom, work)
    except KernelFailed as failure:
        raise KernelFailed(f"{idiom.name}, {work.label}: {failure}") from failure
