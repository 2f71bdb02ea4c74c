"""What the grader knows of one assignment: its folder ``kit/`` beside the source notebooks."""

from autograder.kit.entries import KitError, in_form
from autograder.kit.kit import Kit, load_kit

__all__ = ["Kit", "KitError", "in_form", "load_kit"]
