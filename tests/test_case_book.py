"""A case book: what an assignment's notebooks ask about, from its own files."""

from __future__ import annotations

import pytest

import mlsysim
from mlsysim.cases import Draw, clean_id

CASES = """
[1_small]
device = "H100"
model = "Llama3_8B"
runtime = "compiled"
vision = "ResNet50"
rival = "A100"
bits = [4, 8]

[2_other]
answer = 42
"""
PERSONAL = """
[1_small]
device = ["H100", "A100", "L40S"]
bits = [[4], [8], [2, 3]]
"""
KINDS = {"devices": ["device", "rival"], "sizes": ["vision"]}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cases.toml").write_text(CASES, "utf-8")
    (tmp_path / "personal_cases.toml").write_text(PERSONAL, "utf-8")
    return tmp_path


def test_names_become_plain_numbers_with_the_name_beside_them(folder):
    case = mlsysim.CaseBook(folder, **KINDS).case("1_small")
    assert case["device_name"] == "H100" and case["device"] == mlsysim.Hardware.H100.plain()
    assert case["rival_name"] == "A100" and case["rival"] == mlsysim.Hardware.A100.plain()
    assert case["model_name"] == "Llama3_8B" and case["model"] == mlsysim.Models.Llama3_8B.plain()
    assert case["runtime_name"] == "compiled" and case["runtime"]["layer_overhead"] == 10e-6
    assert case["vision_name"] == "ResNet50" and case["vision_params"] == mlsysim.Models.ResNet50.parameters
    assert "vision" not in case and case["bits"] == [4, 8]


def test_a_device_may_have_a_name_and_numbers_of_its_own(folder):
    device = '{ name = "round", peak_flops = 300e12, bandwidth = 2e12 }'
    (folder / "cases.toml").write_text(CASES.replace('device = "H100"', f"device = {device}"), "utf-8")
    case = mlsysim.CaseBook(folder, **KINDS).case("1_small")
    assert case["device_name"] == "round" and case["device"] == {"peak_flops": 300e12, "bandwidth": 2e12}


def test_a_folder_or_any_file_in_it_says_where_the_book_is(folder):
    books = [mlsysim.CaseBook(where, **KINDS) for where in (folder, str(folder), folder / "cases.py")]
    assert len({repr(book.case("1_small", "s01")) for book in books}) == 1


def test_without_a_maker_a_student_gets_one_option_of_each_list(folder):
    book = mlsysim.CaseBook(folder, **KINDS)
    published = book.case("1_small")
    drawn = [book.case("1_small", f"s{number}") for number in range(60)]
    assert {case["device_name"] for case in drawn} == {"H100", "A100", "L40S"}
    assert {str(case["bits"]) for case in drawn} == {"[4]", "[8]", "[2, 3]"}
    assert all(case != published and case["model_name"] == "Llama3_8B" for case in drawn)


def test_a_notebook_that_nothing_is_drawn_for_asks_everyone_the_same(folder):
    assert mlsysim.CaseBook(folder).case("2_other", "s01") == {"answer": 42}


def test_a_maker_draws_until_it_is_fair_and_not_the_published_case(folder):
    def other(draw, choices, published):
        number = draw.whole("answer", 41, 50)
        return {"answer": number} if number % 2 == 0 else None

    book = mlsysim.CaseBook(folder, {"2_other": other})
    drawn = {book.case("2_other", f"s{number}")["answer"] for number in range(80)}
    assert drawn == {44, 46, 48, 50}


def test_a_maker_that_is_never_content_is_an_error_with_the_notebook_s_name(folder):
    book = mlsysim.CaseBook(folder, {"2_other": lambda draw, choices, published: None})
    with pytest.raises(mlsysim.InputError, match=r"no case for student 's01' in 2_other after 10000 draws"):
        book.case("2_other", "s01")


def test_what_is_done_to_a_case_does_not_last(folder):
    book = mlsysim.CaseBook(folder)
    for student in ("", "s01"):
        before = repr(book.case("1_small", student))
        book.case("1_small", student)["bits"].append(1)
        book.case("1_small", student)["device"].clear()
        assert repr(book.case("1_small", student)) == before


def test_the_files_are_read_when_the_book_is_made_and_never_again(folder):
    book = mlsysim.CaseBook(folder)
    for path in folder.iterdir():
        path.unlink()
    assert book.case("1_small", "s01")["device"] and book.case("2_other")["answer"] == 42


@pytest.mark.parametrize("wrong", ["1_smal", "3_none", 7, None])
def test_an_unknown_notebook_is_an_error_that_names_those_there_are(folder, wrong):
    with pytest.raises(mlsysim.InputError, match=r"unknown notebook .*1_small"):
        mlsysim.CaseBook(folder).case(wrong)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("cases.toml", None, r"cases.toml cannot be read .*put it beside the notebooks"),
        ("cases.toml", "[1_small\n", r"cases.toml is not valid TOML"),
        ("cases.toml", "device = 3\n", r"cases.toml: device = 3 is not allowed: every entry is a table"),
        ("cases.toml", '[1_small]\ndevice = "H10"\n', r"cases.toml, \[1_small\]: device: unknown device 'H10'; .*H100"),
        ("cases.toml", '[1_small]\ndevice = { name = "x", bandwidth = 1.0 }\n', r"device: .* has no peak_flops: a device of its own has"),
        ("cases.toml", '[1_small]\ndevice = { name = "x", bandwidth = 1.0, peak_flops = "1" }\n', r"device: peak_flops = '1' is not allowed"),
        ("cases.toml", '[1_small]\nmodel = "ResNet50"\n', r"\[1_small\]: model: .* a case takes a TransformerModel"),
        ("cases.toml", "[1_small]\nruntime = 3\n", r"\[1_small\]: runtime: runtime = 3 is not allowed"),
        ("personal_cases.toml", '[1_small]\ndevice = ["H100", "B9"]\n', r"personal_cases.toml, \[1_small\]: .*'B9'"),
        ("personal_cases.toml", "[2_another]\nx = [1]\n", r"unknown notebook with personal cases '2_another'; .*2_other"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_when_the_book_is_made(folder, file, text, said):
    (folder / file).unlink()
    if text is not None:
        (folder / file).write_text(text, "utf-8")
    with pytest.raises(mlsysim.InputError, match=said):
        mlsysim.CaseBook(folder, **KINDS)


def test_a_draw_depends_on_its_notebook_student_try_and_name_alone():
    seeds = [("a", "s01", 0), ("b", "s01", 0), ("a", "s02", 0), ("a", "s01", 1)]
    drawn = [[Draw(*seed).whole(name, 0, 10**12) for name in "xy"] for seed in seeds]
    assert len({number for pair in drawn for number in pair}) == 8
    assert drawn == [[Draw(*seed).whole(name, 0, 10**12) for name in "xy"] for seed in seeds]


@pytest.mark.parametrize("wrong", [1.5, True, ["s01"], b"s01", "x" * 201])
def test_what_is_no_id_is_refused_by_name(wrong):
    with pytest.raises(mlsysim.InputError, match=r"student = .* is not allowed"):
        clean_id(wrong)
