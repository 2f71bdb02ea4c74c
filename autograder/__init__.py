"""Grades the notebooks of any nbgrader course."""
