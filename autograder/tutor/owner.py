"""Whose exam it is, and so which case it asks about."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CASE_NAME", "Owner", "WrongCaseError"]

CASE_NAME = "student_id"  # what notebooks and their test cells call the id


LONGEST = 200  # characters of an id


def clean_id(written: object) -> str:
    """An id as cases are drawn with: without surrounding space, in lower case; empty for none.

    Raises:
        ValueError: it is no text and no whole number, or it is too long.
    """
    if written is None:
        return ""
    if isinstance(written, bool) or not isinstance(written, (str, int)) or len(str(written)) > LONGEST:
        raise ValueError("an id is a text of at most 200 characters")
    return str(written).strip().casefold()


class WrongCaseError(Exception):
    """The notebook is about a case that its owner was not given; the text is a sentence for the student."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What is known about a notebook besides its cells.

    Attributes:
        notebook: its name, without the suffix; empty if it is none of the lesson's, and then wrong answers are not explained.
        student: the id of whoever handed it in; None if nobody knows, and then the id in the notebook is believed.
        personal: whether everyone must work on a case of their own.
        others: ids of the rest of the class, to recognise an answer that belongs to one of their cases.
    """

    notebook: str = ""
    student: str | None = None
    personal: bool = False
    others: tuple[str, ...] = ()

    def case_id(self, written: object) -> str:
        """The id whose case a test asks about, given the one *written* in the notebook.

        Raises:
            WrongCaseError: it is somebody else's, or there is none although there must be one, or it is no id.
        """
        try:
            found = clean_id(written)
        except ValueError:
            raise WrongCaseError(
                f'{CASE_NAME} must be your id as a text between quotes, such as "s01".'
            ) from None
        if not found and self.personal:
            wanted = f'"{self.student}"' if self.student else "your id"
            raise WrongCaseError(
                f"In this course everyone has a case of their own: set {CASE_NAME} = {wanted} at the top and run the notebook again."
            )
        if found and self.student is not None and found != clean_id(self.student):
            raise WrongCaseError(
                f"These answers are for the case of {str(written).strip()[:60]!r}, but {self.student!r} handed them in: "
                f"set {CASE_NAME} to your own id and run the notebook again."
            )
        return found
