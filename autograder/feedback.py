"""What a student may see of a graded notebook."""

from __future__ import annotations

import re
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

__all__ = ["HideHiddenTests"]

HIDDEN = re.compile(
    r"^ *### BEGIN HIDDEN TESTS.*?^ *### END HIDDEN TESTS[^\n]*$\n?", re.MULTILINE | re.DOTALL
)


class HideHiddenTests(NbGraderPreprocessor):
    """Takes hidden tests out of a test cell's source, and its traceback, which quotes them, out of its outputs."""

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Strip one cell; cells that students write are left alone."""
        if is_grade(cell) and not is_solution(cell) and cell.cell_type == "code":
            cell.source = HIDDEN.sub("", cell.source).rstrip()
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}" if output.evalue else output.ename]
        return cell, resources
