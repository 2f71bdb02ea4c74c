"""Puts the examiner into a course by one line of its ``nbgrader_config.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from autograder.files.source import KIT
from autograder.notebook.cells import HIDDEN_TESTS, SOLUTION

__all__ = ["use_examiner"]

DOOR = "autograder.nbgrader_plugin"
MODEL_ANSWERS = f"{DOOR}.ModelAnswers"
# nbgrader's own steps, by name: to ask nbgrader for them would take seconds, whenever the configuration is read.
STEPS = [
    "nbgrader.preprocessors.Execute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# Beside the source notebooks: what the grader knows, and what is left where somebody ran a property test.
NOT_RELEASED = (KIT, ".hypothesis")
# What the setting of each mark has to hold.
MARKS = {
    "ClearSolutions": {
        "begin_solution_delimeter": SOLUTION[0],
        "end_solution_delimeter": SOLUTION[1],
    },
    "ClearHiddenTests": {
        "begin_test_delimeter": HIDDEN_TESTS[0],
        "end_test_delimeter": HIDDEN_TESTS[1],
    },
}


def use_examiner(config: Config) -> None:
    """Have a course graded by the examiner: *config* is the ``c`` of its ``nbgrader_config.py``.

    It may stand anywhere in the file: what is set before is taken over, and what is set after it cannot undo it.

    * ``Autograde``: :class:`~autograder.nbgrader_plugin.Examine` takes the place of ``Execute`` among the preprocessors, and
      :class:`~autograder.nbgrader_plugin.Late` that of ``AssignLatePenalties``; submissions are read by
      :class:`~autograder.nbgrader_plugin.SubmissionExporter`, which also sets aside what nbgrader must not copy.
    * ``GenerateAssignment``: a release says what a notebook may use when it is graded, unless the course has an exporter of its own.
    * ``GenerateFeedback``: pages show answers, marks and messages, not the hidden tests, and are complete in themselves.
    * ``HTMLExporter``: by :class:`~autograder.nbgrader_plugin.ModelAnswers` Formgrader, and nothing else, shows the rubric and the model answer beside
      each answer that people mark.
    * ``CourseDirectory``: folders ``kit`` and ``.hypothesis`` beside the source notebooks are not released.

    Raises:
        ValueError: the settings say other marks of solutions or hidden tests than nbgrader's own, which the examiner does not know.
    """
    for section in (
        _Autograde,
        _GenerateAssignment,
        _GenerateFeedback,
        _HTMLExporter,
        _CourseDirectory,
        _ClearSolutions,
        _ClearHiddenTests,
    ):
        name = section.__name__.removeprefix("_")
        kept = section()
        for key, value in config[name].items():
            kept[key] = value
        config[name] = kept
        kept.begin()


class _Kept(Config):
    """A section of the settings in which some values are corrected whenever they are set."""

    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def begin(self) -> None:
        """Set what is to be there even if nothing was set."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, self.corrections.get(key, lambda given: given)(value))


def _listed(value: Any, default: list[Any]) -> list[Any]:
    """A setting that is a list, or that says what to do to the default."""
    return list(value.get_value(list(default)) if isinstance(value, LazyConfigValue) else value)


def _examined(value: Any) -> list[Any]:
    steps = _listed(value, STEPS)
    examine, late = f"{DOOR}.Examine", f"{DOOR}.Late"
    names = [step if isinstance(step, str) else f"{step.__module__}.{step.__name__}" for step in steps]
    made: list[Any] = []
    for step, name in zip(steps, names, strict=True):
        if name.rpartition(".")[2] in ("Execute", "Examine"):
            if examine not in made:
                made.append(examine)
        elif name.rpartition(".")[2] in ("AssignLatePenalties", "Late"):
            made.append(late)
        else:
            made.append(step)
    return made if examine in made else [examine, *made]


def _with_model_answers(value: Any) -> list[Any]:
    # A list, and no addition to one: nbgrader's server reads a configuration twice.
    steps = [step for step in _listed(value, []) if step != MODEL_ANSWERS]
    return [*steps, MODEL_ANSWERS]


def _ignored(value: Any) -> Any:
    if isinstance(value, LazyConfigValue):
        value.extend(name for name in NOT_RELEASED if name not in value.to_dict().get("extend", []))
        return value
    return [*value, *(name for name in NOT_RELEASED if name not in value)]


def _usual(section: str, key: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if MARKS[section][key] not in value:
            raise ValueError(
                f"c.{section}.{key} = {value!r} cannot be honoured by use_examiner(c): it must hold {MARKS[section][key]!r}"
            )
        return value

    return check


class _Autograde(_Kept):
    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "exporter_class": lambda value: f"{DOOR}.SubmissionExporter",
        "autograde_preprocessors": _examined,
    }

    def begin(self) -> None:
        self["exporter_class"] = None
        if "autograde_preprocessors" not in self:
            self["autograde_preprocessors"] = LazyConfigValue()


class _GenerateAssignment(_Kept):
    def begin(self) -> None:
        if "exporter_class" not in self:
            self["exporter_class"] = "autograder.nbgrader_compat.release.ReleaseExporter"


class _GenerateFeedback(_Kept):
    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {
        "exporter_class": lambda value: "autograder.pages.feedback.FeedbackExporter",
        "preprocessors": lambda value: [],
    }

    def begin(self) -> None:
        self["exporter_class"] = None
        self["preprocessors"] = None


class _HTMLExporter(_Kept):
    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {"preprocessors": _with_model_answers}

    def begin(self) -> None:
        if "preprocessors" not in self:
            self["preprocessors"] = []


class _CourseDirectory(_Kept):
    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {"ignore": _ignored}

    def begin(self) -> None:
        if "ignore" not in self:
            self["ignore"] = LazyConfigValue()


class _ClearSolutions(_Kept):
    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {
        key: _usual("ClearSolutions", key) for key in MARKS["ClearSolutions"]
    }


class _ClearHiddenTests(_Kept):
    corrections: ClassVar[dict[str, Callable[[Any], Any]]] = {
        key: _usual("ClearHiddenTests", key) for key in MARKS["ClearHiddenTests"]
    }
