"""``python -m mlsysim.measure record FILE`` measures this computer; ``draw FILE PICTURE`` draws what a file recorded."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mlsysim.errors import InputError, shown
from mlsysim.measure.lab import record
from mlsysim.measure.picture import draw
from mlsysim.measure.recording_file import load, try_to_write

__all__ = ["main"]

PICTURES = (".svg", ".png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 if it did what was asked, 1 with a sentence on standard error if not."""
    parser = argparse.ArgumentParser(prog="python -m mlsysim.measure", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    recorder = commands.add_parser("record", help="measure this computer, in under a minute")
    recorder.add_argument("file", type=Path, help="the recording to write (JSON)")
    drawer = commands.add_parser("draw", help="draw the measured and the predicted speed-ups")
    drawer.add_argument("file", type=Path, help="the recording to read (JSON)")
    drawer.add_argument("picture", type=Path, help=f"the picture to write ({' or '.join(PICTURES)})")
    options = parser.parse_args(arguments)
    try:
        if options.command == "record":
            try_to_write(options.file)
            found = record()
            found.save(options.file)
        else:
            found = load(options.file)
            _write_picture(found, options.picture)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(found)
    for note in found.notes:
        print(note)
    return 0


def _write_picture(found: object, path: Path) -> None:
    """Write the picture, the same bytes from the same recording, and print its alt text."""
    import matplotlib

    if path.suffix not in PICTURES:
        raise InputError(
            f"picture = {shown(str(path))} is not allowed: give a name that ends in {' or '.join(PICTURES)}"
        )
    plot = draw(found)  # type: ignore[arg-type]
    try:
        with matplotlib.rc_context({"svg.hashsalt": "measured", "svg.fonttype": "path"}):
            if path.suffix == ".png":
                path.write_bytes(plot.png())
            else:
                plot.figure.savefig(path, metadata={"Date": None})
    except OSError as error:
        raise InputError(f"the picture {shown(str(path))} cannot be written: {error.strerror}") from None
    print(f"Alt text: {plot.alt}")


if __name__ == "__main__":
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    sys.exit(status)
