"""Examines an assignment's own notebooks before a class is graded with them."""
