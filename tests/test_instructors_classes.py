"""A student's class that is derived from one of the instructor's is one here too, and all of it is asked for over there."""

from __future__ import annotations

import pytest

from tests.test_context import exam, messages, scores

SOURCE = """
# %% locked
class Shape:
    sides = 0
    def area(self):
        raise NotImplementedError
    def describe(self):
        return f"area {self.area():.2f}"
    def __len__(self):
        return 7
    def __int__(self):
        return 5
    def __eq__(self, other):
        return True
class Other:
    pass
# %% answer
class Square(Shape):
    sides = 4
    def __init__(self, side):
        self.side = side
    def area(self):
        return self.side ** 2
    def describe(self):
        return "a square: " + super().describe()
    def __len__(self):
        return self.sides
# %% test
one = Square(3)
assert isinstance(one, Shape) and issubclass(Square, Shape)
assert not isinstance(one, Other) and not isinstance(Shape(), Square)
# %% test
one = Square(3)
assert one.describe() == "a square: area 9.00"
assert one.area() == 9 and one.side == 3
one.side = 2
assert one.area() == 4
# %% test
assert Square.sides == 4 and Square(1).sides == 4 and len(Square(1)) == 4
"""
WORKS = {
    "not derived": (
        "class Square:\n    sides = 4\n    def __init__(self, side): self.side = side\n    def area(self): return self.side ** 2\n"
        "    def describe(self): return f'a square: area {self.area():.2f}'\n    def __len__(self): return 4",
        [0, 1, 1],
    ),
    "of a class that looks so": (
        "def make():\n    class Shape: pass\n    return Shape\nclass Square(make()):\n    sides = 3\n"
        "    def __init__(self, side): pass",
        [0, 0, 0],
    ),
    "nothing of its own": ("class Square(Shape):\n    def __init__(self, side): self.side = side", [1, 0, 0]),
    "everything overridden": (
        "class Square(Shape):\n    sides = 5\n    def __init__(self, side): self.side = side\n    def area(self): return 1\n"
        "    def describe(self): return 'x'\n    def __len__(self): return 1",
        [1, 0, 0],
    ),
    "what says that it is one": (
        "class Square:\n    __class__ = Shape\n    def __init__(self, side): pass",
        [0, 0, 0],
    ),
}


def test_right_work_has_full_marks(tmp_path):
    result = exam(tmp_path, SOURCE)
    assert scores(result) == [1, 1, 1], messages(result)


@pytest.mark.parametrize("name", WORKS)
def test_other_work_has_the_marks_of_a_kernel(name, tmp_path):
    work, marks = WORKS[name]
    assert scores(exam(tmp_path, SOURCE, [work])) == marks


@pytest.mark.parametrize(
    "test", ["assert int(Square(1)) == 5", "assert Square(1) == Square(2)", "assert Square(1) == 3"]
)
def test_no_method_of_the_instructor_s_class_runs_in_the_place_of_the_student_s(test, tmp_path):
    """Here the student's process alone knows which of them there is."""
    source = SOURCE + f"# %% test\n{test}\n"
    assert (
        scores(exam(tmp_path, source, ["class Square(Shape):\n    def __init__(self, side): pass"]))[-1] == 0
    )
