"""Fit ``runtime="measured"``, write its numbers and the report."""

from __future__ import annotations

import re
from pathlib import Path

from rich.progress import track

from benchmarks.measured.report import Study, report, runtime_table

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write docs/measured.md and the ``[measured]`` table of runtimes.toml."""
    study = Study(lambda devices: track(devices, "fitting without each device", transient=True))
    (ROOT / "docs" / "measured.md").write_text(report(study), "utf-8")
    path = ROOT / "mlsysim" / "data" / "runtimes.toml"
    # The table reaches to the next one, or to the end.
    others = re.sub(r"^\[measured\]\n(?:(?!\[).*\n?)*", "", path.read_text("utf-8"), flags=re.MULTILINE)
    path.write_text(f"{others.rstrip()}\n\n{runtime_table(study)}", "utf-8")
    print(runtime_table(study))
    for name, error in study.after.errors.items():
        print(f"{name:60} n={error.count:<4} {100 * error.mape:5.1f}%")


if __name__ == "__main__":
    main()
