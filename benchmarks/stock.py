"""Makes a course directory grade as stock nbgrader does: every test inside the student's own kernel."""

__all__ = ["STOCK"]

STOCK = """
del c.Autograde  # with all that use_examiner(c) has put there
c.ExecutePreprocessor.timeout = 6
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"]
"""
