"""Prints which idioms the examiner marks as a stock kernel does."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.idioms import Idiom, load_idioms, recorded
from tests.idioms.marks import examined, record


def main() -> int:
    """Exit status 0 if every chosen idiom agrees with a kernel."""
    parser = argparse.ArgumentParser(prog="python -m tests.idioms", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="only idioms and families of these names")
    parser.add_argument("--kernel", action="store_true", help="record a stock kernel's marks of what changed")
    parser.add_argument("--all", action="store_true", help="with --kernel: of everything")
    parser.add_argument("-v", action="store_true", help="also say why works differ")
    options = parser.parse_args()
    chosen = [i for i in load_idioms() if not options.words or {i.name, i.family} & set(options.words)]
    if options.kernel:
        lines = record(load_idioms(), options.all)
        print("\n".join(lines) or "Every work is what it claims to be.")
        return int(bool(lines))
    known = recorded()
    passed = 0
    for idiom in chosen:
        differing, generous = _compare(idiom, known[idiom.name]["marks"], options.v)
        word = "FALSE MARKS" if generous else "differs" if differing else "ok"
        passed += not differing
        print(f"{idiom.family:<11}{idiom.name:<34}{word}")
        for line in differing if options.v or generous else ():
            print(f"    {line}")
        sys.stdout.flush()
    print(f"{passed} of {len(chosen)} idioms are marked as in a stock kernel.")
    return int(passed < len(chosen))


def _compare(idiom: Idiom, kernel: dict[str, list[float]], why: bool) -> tuple[list[str], bool]:
    """A line for each work that is marked otherwise than in a kernel, and whether one gets marks that it would not get there."""
    lines, generous = [], False
    with tempfile.TemporaryDirectory() as place:
        found = examined(idiom, Path(place))
    for work in idiom.works:
        ours, messages = found[work.label]
        theirs = kernel[work.label]
        if ours != theirs:
            generous |= any(mine > other for mine, other in zip(ours, theirs, strict=True))
            said = "; ".join(dict.fromkeys(message for message in messages if message)) if why else ""
            lines.append(
                f"{work.label}: {ours}, a kernel gives {theirs}" + (f": {said[:300]}" if said else "")
            )
    return lines, generous


if __name__ == "__main__":
    raise SystemExit(main())
