"""Any name that a file system can hold is shown as a text of its own, and found again by it."""

from __future__ import annotations

import os

from hypothesis import example, given
from hypothesis import strategies as st

from autograder.files.names import original_name, shown_name

file_names = st.one_of(
    st.binary(min_size=1, max_size=40),
    st.lists(
        st.sampled_from([b"\\", b"x", b"u", b"U", b"e9", b"00e9", b"\xe9", b"\n", b"0001f600", b"ann"]),
        min_size=1,
        max_size=8,
    ).map(b"".join),
    st.text(min_size=1, max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")),
)


@given(file_names)
@example(b"\\xe9")
@example(b"\xe9")
@example("\U0001f600\U000e0001".encode())
def test_a_name_leads_back_to_its_folder_and_can_be_shown_and_stored(raw):
    name = os.fsdecode(raw)
    shown = shown_name(name)
    assert original_name(shown) == name and os.fsencode(original_name(shown)) == raw
    assert shown.isprintable() and shown.encode("utf-8").decode("utf-8") == shown
    assert not set('<>"') & set(shown)


@given(file_names, file_names)
def test_two_names_are_never_shown_alike(one, other):
    assert (shown_name(os.fsdecode(one)) == shown_name(os.fsdecode(other))) == (one == other)


@given(st.text(min_size=1).filter(lambda text: text.isprintable() and not set(text) & set('\\<>"$')))
def test_an_ordinary_name_is_itself(name):
    assert shown_name(name) == name


@given(st.text())
def test_anything_may_be_typed_for_a_name(typed):
    original_name(typed)


def test_a_backslash_alone_needs_no_escape():
    assert shown_name("a\\b") == "a\\b" and shown_name("a\\x4") == "a\\x4"
    assert [shown_name(os.fsdecode(b"Jos\xe9")), shown_name("Jos\\xe9")] == ["Jos\\xe9", "Jos\\\\xe9"]
