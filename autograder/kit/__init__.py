"""What the grader knows of one assignment: its folder ``kit/`` beside the source notebooks."""

from autograder.kit.kit import FOLDER, Kit, KitError, load_kit

__all__ = ["FOLDER", "Kit", "KitError", "load_kit"]
