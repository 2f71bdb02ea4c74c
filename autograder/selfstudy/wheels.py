"""Wheels for those who get no repository: of a package that says itself how it is built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

__all__ = ["WheelError", "package_wheel"]

BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
EPOCH = "315532800"  # 1980, the first date that a zip file can hold: the bytes depend on the content alone


class WheelError(Exception):
    """The wheel cannot be built; the message says why."""


def package_wheel(package: str, target: Path) -> Path:
    """Build the wheel of the installed *package* alone into the folder *target*; returns its path.

    Raises:
        WheelError: it is not installed, or has no ``pyproject.toml`` of its own, or setuptools is missing or failed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise WheelError(f"the package {package!r} is not installed")
    home = Path(spec.origin).parent
    if not (home / "pyproject.toml").is_file():
        raise WheelError(
            f"no wheel can be made of the package {package!r}: it has no pyproject.toml of its own"
        )
    with tempfile.TemporaryDirectory(prefix="wheel-") as name:
        stage = Path(name) / package  # the folder above it takes what setuptools leaves behind
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", ".*")
        shutil.copytree(home, stage, ignore=ignored)
        for path in stage.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        return _build(stage, target)


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
