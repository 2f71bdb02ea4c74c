"""CSV files that people save from a spreadsheet or open in one."""

from __future__ import annotations

import csv
import io
from pathlib import Path

__all__ = ["TableError", "as_meant", "defused", "read_table"]

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def defused(text: str) -> str:
    """*text* that no spreadsheet takes for a formula.

    >>> defused("=1+1"), defused("ada")
    ("'=1+1", 'ada')
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def as_meant(text: str) -> str:
    """What :func:`defused` made *text* of.

    >>> as_meant(defused("=1+1")), as_meant("'t was")
    ('=1+1', "'t was")
    """
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


class TableError(Exception):
    """A table cannot be read; the message names the file and says why."""


def read_table(file: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and the rows of a CSV file as spreadsheets save it, with commas or semicolons; what a short row lacks is empty.

    Raises:
        TableError: it cannot be read.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")  # with the line breaks that stand in it
        delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
        table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
        columns = [name for name in table.fieldnames or () if name]
        return columns, [{name: row[name] for name in columns} for row in table]
    except UnicodeDecodeError:
        raise TableError(f"{file} is not in UTF-8: save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise TableError(f"{file} cannot be read: {why}") from None
