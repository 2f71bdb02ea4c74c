"""Makes a course directory grade as stock nbgrader does: every test inside the student's own kernel."""

__all__ = ["STOCK"]

STOCK = """
c.Autograde.exporter_class = "nbconvert.exporters.NotebookExporter"
c.Autograde.pre_convert_hook = None
c.Autograde.autograde_preprocessors[0] = "nbgrader.preprocessors.Execute"
c.ExecutePreprocessor.timeout = 6
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--log-level=ERROR"]
"""
