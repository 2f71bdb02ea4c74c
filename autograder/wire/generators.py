"""How generators of random numbers cross: by their state, which is checked, as NumPy believes any position in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.wire.checks import raw_bytes
from autograder.wire.errors import Refused, WireError
from autograder.wire.plain import Reader, Writer
from autograder.wire.registry import reads, writes

__all__ = ["changed_states", "follow", "follow_globally", "global_marks", "set_global_state"]

WORDS = 624  # of a Mersenne twister's state
WORD = np.dtype("<u4")

# What the student's code puts in place of these functions changes nothing here.
_getstate, _setstate = random.getstate, random.setstate
_get_state: Callable[[], Any] = np.random.get_state
_set_state = np.random.set_state


def _twister(words: Any, place: int, gauss: float | None) -> list[Any]:
    return [np.asarray(words, WORD).tobytes(), int(place), gauss]


def _read_twister(rest: list[Any]) -> tuple[Any, int, float | None]:
    raw, place, gauss = rest
    if len(raw_bytes([raw])) != WORD.itemsize * WORDS or type(place) is not int or not 0 <= place <= WORDS:
        raise WireError("not a message: no state")
    if gauss is not None and type(gauss) is not float:
        raise WireError("not a message: no state")
    return np.frombuffer(raw, WORD), place, gauss


def _global_states() -> list[list[Any]]:
    """The states of ``random`` and of ``numpy.random``, as what a message holds."""
    _, words, gauss = _getstate()
    _, key, place, has_gauss, cached = _get_state()[:5]
    return [
        _twister(words[:-1], words[-1], gauss),
        _twister(key, place, float(cached) if has_gauss else None),
    ]


def global_marks() -> list[Any]:
    """What tells two states of ``random`` and of ``numpy.random`` apart, at less cost than their whole trees."""
    _, key, *rest = _get_state()
    return [_getstate(), (key.tobytes(), *rest)]


def changed_states(before: list[Any], now: list[Any]) -> list[list[Any]]:
    """Which of the two has other marks than before, 0 for ``random`` and 1 for ``numpy.random``, and its state as what a message holds."""
    changed = [which for which, (old, new) in enumerate(zip(before, now, strict=True)) if old != new]
    states = _global_states() if changed else []
    return [[which, states[which]] for which in changed]


def set_global_state(which: int, tree: list[Any]) -> None:
    """Put ``random`` (0) or ``numpy.random`` (1) into a state.

    Raises:
        WireError: it is none.
    """
    words, place, gauss = _read_twister(tree)
    if which == 0:
        _setstate((random.Random.VERSION, (*words.tolist(), place), gauss))
    else:
        _set_state(("MT19937", words, place, int(gauss is not None), gauss or 0.0))


@writes(random.Random, mutable=True)
def _write_random(writer: Writer, value: Any, depth: int) -> list[Any]:
    _, words, gauss = random.Random.getstate(value)
    return ["random", *_twister(words[:-1], words[-1], gauss)]


@reads("random", mutable=True)
def _read_random(reader: Reader, rest: list[Any], depth: int) -> random.Random:
    words, place, gauss = _read_twister(rest)
    made = random.Random()
    made.setstate((random.Random.VERSION, (*words.tolist(), place), gauss))
    reader.grow(WORDS)
    return made


@writes(np.random.RandomState, mutable=True)
def _write_legacy(writer: Writer, value: Any, depth: int) -> list[Any]:
    name, key, place, has_gauss, cached = value.get_state()[:5]
    if name != "MT19937":
        raise Refused(f"a RandomState that uses {name}")
    return ["RandomState", *_twister(key, place, float(cached) if has_gauss else None)]


@reads("RandomState", mutable=True)
def _read_legacy(reader: Reader, rest: list[Any], depth: int) -> Any:
    words, place, gauss = _read_twister(rest)
    made = np.random.RandomState(0)
    made.set_state(("MT19937", words, place, int(gauss is not None), gauss or 0.0))
    reader.grow(WORDS)
    return made


@writes(np.random.Generator, mutable=True)
def _write_generator(writer: Writer, value: Any, depth: int) -> list[Any]:
    bits = value.bit_generator
    if type(bits) is not np.random.PCG64:
        raise Refused(f"a Generator that uses {type(bits).__name__}")
    state = bits.state
    words = [format(state["state"][name], "x") for name in ("state", "inc")]
    return ["Generator", *words, int(state["has_uint32"]), int(state["uinteger"])]


@reads("Generator", mutable=True)
def _read_generator(reader: Reader, rest: list[Any], depth: int) -> Any:
    state, step, waiting, word = rest
    if any(type(digits) is not str or len(digits) > 32 for digits in (state, step)):
        raise WireError("not a message: no state")
    if waiting not in (0, 1) or type(word) is not int or not 0 <= word < 2**32 or not int(step, 16) % 2:
        raise WireError("not a message: no state")
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": int(state, 16), "inc": int(step, 16)},
        "has_uint32": int(waiting),
        "uinteger": word,
    }
    reader.grow(16)
    return np.random.Generator(bits)


# A test may draw from a generator that the student's function drew from: it goes on from there. But only drawing leads there:
# a state that was made up would let a student choose what the test draws.
MAX_WORDS = 1 << 17
MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645  # of PCG64
MASK = (1 << 128) - 1


def follow(target: Any, there: Any) -> None:
    """Let a generator draw until its state is that of *there*; if no drawing leads to it, *target* stays as it is."""
    if isinstance(target, np.random.Generator):
        _follow_pcg(target.bit_generator, there.bit_generator.state)
        return
    legacy = isinstance(target, np.random.RandomState)
    mine, other = (
        (_write_legacy if legacy else _write_random, target),
        (_write_legacy if legacy else _write_random, there),
    )
    (_, raw, place, _), (_, there_raw, there_place, _) = (
        write(Writer(), one, 0) for write, one in (mine, other)
    )
    count = _distance(raw, place, there_raw, there_place)
    if not count:
        return
    if legacy:
        target.bytes(4 * count)
    else:
        target.getrandbits(32 * count)


def follow_globally(which: int, tree: list[Any]) -> None:
    """The same for ``random`` (0) or ``numpy.random`` (1), whose state over there is *tree*.

    Raises:
        WireError: it is no state.
    """
    words, place, _ = _read_twister(tree)
    raw, here, _ = _global_states()[which]
    count = _distance(raw, here, words.tobytes(), place)
    if count and which == 0:
        random.getrandbits(32 * count)
    elif count:
        np.random.bytes(4 * count)


def _distance(raw: bytes, place: int, there: bytes, there_place: int) -> int:
    """How many words a Mersenne twister gives between two states; 0 if it does not get there soon."""
    key, count = raw, 0
    if key == there and there_place >= place:
        return there_place - place
    bits = np.random.MT19937(0)
    bits.state = {"bit_generator": "MT19937", "state": {"key": np.frombuffer(raw, WORD), "pos": place}}
    while count < MAX_WORDS:
        step = WORDS - place + 1
        bits.random_raw(step, output=False)
        count, place = count + step, 1
        if bits.state["state"]["key"].astype(WORD).tobytes() == there:
            return count + there_place - 1
    return 0


def _follow_pcg(bits: Any, there: dict[str, Any]) -> None:
    here = bits.state
    state, plus = here["state"]["state"], here["state"]["inc"]
    wanted = there["state"]["state"]
    if plus != there["state"]["inc"]:
        return
    # The distance of two states of a linear congruential generator, bit by bit (Brown, "Random number generation with arbitrary strides").
    count, bit, multiplier, increment = 0, 1, MULTIPLIER, plus
    while state != wanted and bit <= MAX_WORDS:
        if (state ^ wanted) & bit:
            state = (state * multiplier + increment) & MASK
            count |= bit
        increment = (multiplier + 1) * increment & MASK
        multiplier = multiplier * multiplier & MASK
        bit <<= 1
    if state != wanted or (not count and here["has_uint32"] == there["has_uint32"]):
        return
    if count:
        bits.advance(count - 1)
        last = int(bits.random_raw())
    now = bits.state
    # A draw of 32 bits leaves the other half of a word for the next.
    now["has_uint32"] = int(bool(there["has_uint32"]) and bool(count) and there["uinteger"] == last >> 32)
    now["uinteger"] = last >> 32 if now["has_uint32"] else 0
    bits.state = now
