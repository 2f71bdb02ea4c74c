"""What a course is refused for."""

__all__ = ["CourseError"]


class CourseError(Exception):
    """A course cannot be used as it is, or nbgrader could not do a step; the message says why."""
