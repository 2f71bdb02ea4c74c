"""Wheels for those who get no repository: the library alone, or the library with the examiner and its exam."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path

from autograder.tutor.misconceptions import PACKED

__all__ = ["WheelError", "kit_wheel", "library_wheel"]

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
EPOCH = "315532800"  # 1980, the first date that a zip file can hold: the bytes depend on the content alone
# The class of the demonstration is made of answers, right and wrong ones.
ANSWERS = ("kinds.toml",)


class WheelError(Exception):
    """The wheel cannot be built; the message says why."""


def library_wheel(target: Path) -> Path:
    """Build the wheel of ``mlsysim`` alone into the folder *target*; returns its path.

    Raises:
        WheelError: setuptools is missing or failed.
    """
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        stage = Path(name) / "mlsysim"  # the folder above it takes what setuptools leaves behind
        _copy("mlsysim", stage)
        return _build(stage, target)


def kit_wheel(target: Path) -> Path:
    """Build the wheel of the library and the examiner, with its exam and no solutions, into the folder *target*.

    The right functions that explain wrong answers are in it, compressed.

    Raises:
        WheelError: this is no repository of the kit, or setuptools is missing or failed.
    """
    project = Path(str(resources.files("autograder"))).resolve().parent / "pyproject.toml"
    if not project.is_file():
        raise WheelError("the wheel with the examiner can only be built in a repository of the kit")
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        stage = Path(name)
        _copy("mlsysim", stage / "mlsysim")
        _copy("autograder", stage / "autograder", *ANSWERS)
        for path in [stage / "autograder" / "data" / name for name in PACKED]:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
            path.unlink()
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copyfile(project.with_name(file), stage / file)
        return _build(stage, target)


def _copy(package: str, target: Path, *left_out: str) -> None:
    """Copy the installed *package* to the new folder *target*, with the same rights everywhere."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", ".*", *left_out)
    shutil.copytree(Path(str(resources.files(package))), target, ignore=ignored)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _build(stage: Path, target: Path) -> Path:
    """Build the project in the folder *stage*; its wheel in the folder *target*."""
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(target.resolve())],
        cwd=stage,
        env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH},
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise WheelError(f"setuptools could not build the wheel: {lines[-1]}")
    return target / done.stdout.split()[-1]
