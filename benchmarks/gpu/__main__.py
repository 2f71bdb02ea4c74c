"""Time decode steps on this machine's NVIDIA GPU, and print them beside what the library predicts.

    python -m benchmarks.gpu                        # the largest of three Llama models that fits, within ten minutes
    python -m benchmarks.gpu --batches 1,32 --context 2048 --minutes 3
    python -m benchmarks.gpu --rehearse             # every step with a tiny model on the CPU; its times mean nothing

It needs PyTorch with CUDA, and nothing else that the kit does not need. Weights are random: a time does not depend on
their values. Each format of the weights is timed eager and as a CUDA graph, a whole decode step and its matrix products
alone. Rows are written to ``build/gpu/`` in the form of ``benchmarks/data/decode_measured.csv``.

INT8 is PyTorch's own ``_weight_int8pack_mm``, whose CUDA kernel (since 2.9) computes in FP32 without tensor cores, so
that it is no measure of what INT8 can do at larger batches; INT4 is ``_weight_int4pack_mm``, which needs BF16.

No row of this script is in the kit's data yet: it was written where there is no GPU, and its model, its products and
its files were tried on a CPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.gpu.formats import GROUP_SIZES, KINDS
from mlsysim import InputError

ROOT = Path(__file__).parents[2]
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
MOST_MINUTES = 600


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    p = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Time Llama-shaped decode steps on this machine's NVIDIA GPU, beside what the library predicts.",
    )
    p.add_argument(
        "--model", help="a model of the library, such as Llama3_8B; by default the largest that fits"
    )
    p.add_argument(
        "--device", help="the library's name of this card, if it is not found by itself, such as H100"
    )
    p.add_argument(
        "--batches",
        type=_numbers,
        default=list(BATCHES),
        metavar="N,N",
        help="batch sizes; by default those from 1 to 128",
    )
    p.add_argument("--context", type=_number, default=512, help="tokens in the cache (512)")
    p.add_argument(
        "--formats", type=_kinds, default=list(KINDS), metavar="NAME,NAME", help="of " + ", ".join(KINDS)
    )
    p.add_argument(
        "--group-size", type=int, choices=GROUP_SIZES, default=64, help="INT4 weights that share a scale (64)"
    )
    p.add_argument("--minutes", type=_minutes, default=9.0, help="after which nothing more is begun (9)")
    p.add_argument(
        "--out", type=Path, default=ROOT / "build" / "gpu", help="the folder of the rows (build/gpu)"
    )
    p.add_argument(
        "--rehearse", action="store_true", help="every step with a tiny model on the CPU; no rows are written"
    )
    return p  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; 0 if something was measured, else 1 with a sentence why not."""
    options = parser().parse_args(arguments)
    try:
        import torch
    except (ImportError, OSError) as error:
        reason = "" if isinstance(error, ModuleNotFoundError) else f" ({str(error).splitlines()[0]})"
        return _nothing(f"it needs PyTorch, which is not installed here{reason}: pip install torch")
    if not options.rehearse and not (torch.version.cuda and torch.cuda.is_available()):
        return _nothing(
            f"it needs an NVIDIA GPU that PyTorch can use, and PyTorch {torch.__version__} finds none here; "
            "--rehearse tries every step with a tiny model on the CPU"
        )
    if not options.rehearse and (why := _unwritable(options.out)):
        return _nothing(why)
    from benchmarks.gpu.session import measure_all, prepare

    try:
        setup = prepare(options)
    except (InputError, ValueError) as error:
        return _nothing(str(error))
    measured = measure_all(setup, options.minutes * 60)
    if not measured:
        return _nothing("no format could be timed; the lines above say why")
    from benchmarks.gpu.rows import comparison, write_rows

    print()
    print(comparison(setup.card, setup.model, setup.context, measured))
    if setup.card.device is None:
        print(
            f"\nThe library knows no device like {setup.card.name}, so nothing is predicted: give --device NAME."
        )
    if options.rehearse:
        print(
            "\nThis was a rehearsal on the CPU with a tiny model: the times mean nothing, and no rows are written."
        )
        return 0
    source = f"python -m benchmarks.gpu ({datetime.now(UTC):%Y-%m})"
    paths = write_rows(options.out, setup.card, setup.model, setup.context, measured, source, setup.note)
    print("\nwritten: " + ", ".join(str(path) for path in paths))
    return 0


def _unwritable(folder: Path) -> str:
    """Why no rows can be written into *folder*, found before minutes are spent on measuring them; or ""."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"--out {folder} is not allowed: give a folder that can be written ({error.strerror or error})"


def _nothing(why: str) -> int:
    print(f"Nothing was measured: {why}.", file=sys.stderr)
    return 1


def _number(text: str) -> int:
    return _one(text, 1, 2**20)


def _one(text: str, low: int, high: int) -> int:
    if not (text.strip().isascii() and text.strip().isdigit()) or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed: give a whole number from {low} to {high}")
    return int(text)


def _numbers(text: str) -> list[int]:
    return sorted({_one(part, 1, 2**16) for part in text.split(",")})


def _kinds(text: str) -> list[str]:
    names = [part.strip() for part in text.split(",")]
    for name in names:
        if name not in KINDS:
            raise argparse.ArgumentTypeError(f"{name!r} is not allowed: give some of {', '.join(KINDS)}")
    return names


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not allowed: give minutes above 0, up to {MOST_MINUTES}"
        )
    return value


if __name__ == "__main__":
    sys.exit(main())
