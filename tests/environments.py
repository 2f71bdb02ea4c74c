"""Fresh environments: what is installed works with nothing of the repository around it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def fresh_environment(folder: Path, *wheels: Path) -> Path:
    """A virtual environment with *wheels* installed, and this environment's packages (but not its editable ones); its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*install, "--disable-pip-version-check", *wheels], check=True)
    (site,) = folder.glob("lib/*/site-packages")
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "dependencies.pth").write_text(f"{ours}\n")
    return python
