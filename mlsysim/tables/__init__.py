"""Tables of results: swept, printed, and cut down to the rows that no other row beats."""

from mlsysim.tables.pareto import pareto_front
from mlsysim.tables.sweeps import sweep
from mlsysim.tables.table import Table

__all__ = ["Table", "pareto_front", "sweep"]
