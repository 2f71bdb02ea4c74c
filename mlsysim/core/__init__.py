"""Names of an earlier release: ``mlsysim.core.solver`` is :mod:`mlsysim.solvers`."""
