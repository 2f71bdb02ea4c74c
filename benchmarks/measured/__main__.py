"""Fit the ``measured`` runtimes, write their numbers and the report."""

from __future__ import annotations

import re
from pathlib import Path

from rich.progress import track

from benchmarks.measured.report import report, runtime_tables
from benchmarks.measured.study import BARS, Study

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write docs/measured.md and the ``[measured…]`` tables of runtimes.toml."""
    study = Study(lambda forms: track(forms, "fitting without each source", transient=True))
    (ROOT / "docs" / "measured.md").write_text(report(study), "utf-8")
    path = ROOT / "mlsysim" / "data" / "runtimes.toml"
    # A table reaches to the next one, or to the end.
    others = re.sub(r"^\[measured\w*\]\n(?:(?!\[).*\n?)*", "", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(f"{others.rstrip()}\n\n{runtime_tables(study)}", "utf-8")
    print(runtime_tables(study))
    for name, error in study.errors.items():
        print(f"{name:20} n={error.count:<4} {100 * error.mape:5.1f}%  bar {100 * BARS[name]:.0f}%")
    for name, share in study.coverage.items():
        print(f"{name:30} {share:.0%} within")


if __name__ == "__main__":
    main()
