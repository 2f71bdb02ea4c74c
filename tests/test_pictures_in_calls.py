"""What a function shows while a test calls it is thrown away, so it is never drawn; what a cell shows is."""

from __future__ import annotations

import pytest

from tests.sessions import run_test, session

CELL = """
import matplotlib.pyplot as plt
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg

drawn = []
really = FigureCanvasAgg.draw


def draw(canvas):
    drawn.append(len(drawn))
    return really(canvas)


FigureCanvasAgg.draw = draw


class Shown:
    def _repr_png_(self):
        drawn.append("png")

    def _repr_html_(self):
        drawn.append("html")
        return "<p>shown</p>"


class ShowsItself:
    def _ipython_display_(self):
        print("shown by itself")


def count():
    return len(drawn)


def open_figures():
    return len(plt.get_fignums())


def act(how):
    SHOW
    return how
"""
WAYS = {
    "plt.show": "plt.plot([1, how]); plt.show()",
    "display of a figure": "display(plt.figure())",
    "display of an object": "display(Shown())",
    "display of several": "display(Shown(), plt.figure(), Shown())",
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_drawn_for_a_call_and_the_cell_s_own_pictures_are(way):
    with session(CELL.replace("SHOW", WAYS[way])) as made:
        run_test(made, "for n in range(30):\n    assert act(n) == n\nassert count() == 0")
        made.run(1, "act(1);")
        run_test(made, "assert count() > 0")
        assert [item["output_type"] for item in made.outputs[1]][:1] == ["display_data"]


def test_plt_show_still_closes_its_figures():
    with session(CELL.replace("SHOW", WAYS["plt.show"])) as made:
        run_test(made, "for n in range(30):\n    act(n)\nassert open_figures() == 0")


def test_a_call_within_a_call_and_one_that_raises_leave_pictures_to_the_next_cell():
    with session(CELL.replace("SHOW", "display(Shown()); how() if callable(how) else 1 / how")) as made:
        run_test(
            made,
            "act(lambda: act(1))\ntry:\n    act(0)\nexcept ZeroDivisionError:\n    pass\nassert count() == 0",
        )
        made.run(1, "act(1);")
        run_test(made, "assert count() == 2")


def test_what_an_object_prints_that_shows_itself_is_still_seen_by_the_test():
    test = """
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()) as said:
    act(1)
assert said.getvalue() == "shown by itself\\n"
"""
    with session(CELL.replace("SHOW", "display(ShowsItself())")) as made:
        run_test(made, test)
