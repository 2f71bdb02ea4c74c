"""How the class did, and what its questions and its misunderstandings say."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autograder.report.marks import ClassMarks, Question
from autograder.tutor.misconceptions import Misconception

__all__ = [
    "Distribution",
    "Item",
    "Misunderstanding",
    "correlation",
    "distribution",
    "distributions",
    "items",
    "misunderstandings",
]

BINS = 10
FEW = 5  # students: of fewer nothing is said about a question
SOME = 12  # students: from here on the best third is compared with the weakest


@dataclass(frozen=True, slots=True)
class Distribution:
    """Marks of the class as shares of what is marked, from 0 to 1.

    Attributes:
        counts: students in each tenth; the last holds full marks too.
        lower, median, upper: quartiles, which lie between two students' marks if need be; None for nobody.
    """

    name: str
    shares: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float | None
    lower: float | None
    median: float | None
    upper: float | None


def distribution(name: str, pairs: Iterable[tuple[float, float]]) -> Distribution:
    """The distribution of (points, maximum); those without anything that is marked are left out."""
    shares = tuple(points / most for points, most in pairs if most)
    counts = [0] * BINS
    for share in shares:
        counts[min(max(int(share * BINS + 1e-9), 0), BINS - 1)] += 1
    if not shares:
        return Distribution(name, shares, tuple(counts), None, None, None, None)
    ends = [shares[0]] * 3 if len(shares) == 1 else statistics.quantiles(shares, n=4, method="inclusive")
    return Distribution(name, shares, tuple(counts), statistics.fmean(shares), *ends)


def distributions(marks: ClassMarks) -> list[Distribution]:
    """Of the whole assignment, for everyone who handed in, and of each notebook, for those who have marks there."""
    whole = distribution(marks.assignment, (marks.points(student) for student in marks.marks))
    parts = [
        distribution(
            name, (marks.points(student, name) for student in marks.marks if marks.has(student, name))
        )
        for name in marks.notebooks
    ]
    return [whole, *parts]


@dataclass(frozen=True, slots=True)
class Item:
    """What a question says of the class.

    Attributes:
        students: how many have a mark for it.
        difficulty: the mean share of its points, from 0 (nobody) to 1 (everybody); None if nobody has a mark.
        discrimination: the correlation of its points with the points of all other questions; None where either never differs, or of fewer than three.
        untouched: the share of those whose answer is as it was handed out; None where nobody knows.
        waiting: answers that wait for a person.
        word: what looks broken, or an empty string.
    """

    question: Question
    students: int
    difficulty: float | None
    discrimination: float | None
    untouched: float | None
    waiting: int
    word: str


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float | None:
    """Pearson's; None where it is not defined.

    >>> correlation([1, 2, 3], [2, 4, 6])
    1.0
    >>> correlation([1, 1, 1], [2, 4, 6]) is None
    True
    """
    if len(xs) < 3 or len(set(xs)) == 1 or len(set(ys)) == 1:
        return None
    try:
        return min(1.0, max(-1.0, statistics.correlation(xs, ys)))
    except statistics.StatisticsError:  # they differ by less than can be squared
        return None


def items(marks: ClassMarks) -> list[Item]:
    """Each question in turn. The points of the other questions are those of notebooks that were handed in and are marked."""
    totals = {
        student: sum(mark.score for mark in found.values() if mark.score is not None)
        for student, found in marks.marks.items()
    }
    return [_item(marks, at, totals) for at in range(len(marks.questions))]


def _item(marks: ClassMarks, at: int, totals: Mapping[str, float]) -> Item:
    question = marks.questions[at]
    found = dict(marks.of_question(at))
    scores = {student: mark.score for student, mark in found.items() if mark.score is not None}
    own = list(scores.values())
    rest = [round(totals[student] - score, 9) for student, score in scores.items()]
    difficulty = statistics.fmean(own) / question.maximum if own and question.maximum else None
    known = [mark.untouched for mark in found.values() if mark.untouched is not None]
    return Item(
        question,
        len(scores),
        difficulty,
        correlation(own, rest),
        statistics.fmean(known) if known else None,
        sum(mark.waits for mark in found.values()),
        _word(difficulty, own, rest),
    )


def _word(difficulty: float | None, own: Sequence[float], rest: Sequence[float]) -> str:
    if difficulty is None or len(own) < FEW:
        return ""
    if not any(own):
        return "nobody has a point: is the test right?"
    if len(own) >= SOME:
        ranked = [score for _, score in sorted(zip(rest, own, strict=True), key=lambda pair: pair[0])]
        third = len(ranked) // 3
        weak, best = statistics.fmean(ranked[:third]), statistics.fmean(ranked[-third:])
        correlated = correlation(own, rest)
        if best < weak and correlated is not None and correlated < 0:
            return "those who do well elsewhere fail it more than the weakest: is it asked clearly?"
    return ""


@dataclass(slots=True)
class Misunderstanding:
    """A wrong model that students hold.

    Attributes:
        says: ends "This is what you get when …"; empty if the kit no longer knows it.
        hint: what to think about next.
        students: who, each once.
        questions: where, each once.
        sentence: what those who have it read.
    """

    name: str
    says: str = ""
    hint: str = ""
    students: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    sentence: str = ""


def misunderstandings(marks: ClassMarks, bank: Mapping[str, Misconception]) -> list[Misunderstanding]:
    """Those that messages named, the most common first. Somebody who has two at once counts for both."""
    found: dict[str, Misunderstanding] = {}
    sentences: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for student, own in marks.marks.items():
        for at, mark in own.items():
            for name in mark.misconceptions:
                known = bank.get(name)
                one = found.setdefault(
                    name, Misunderstanding(name, known.says, known.hint) if known else Misunderstanding(name)
                )
                if student not in one.students[-1:]:
                    one.students.append(student)
                if marks.questions[at] not in one.questions:
                    one.questions.append(marks.questions[at])
                sentences[name][mark.cause] += len(mark.misconceptions) == 1
    for name, one in found.items():
        one.sentence = max(sentences[name], key=lambda text: sentences[name][text])
        one.questions.sort(key=marks.questions.index)
    return sorted(found.values(), key=lambda one: (-len(one.students), one.name))
