"""Grades the assignment's notebooks."""
