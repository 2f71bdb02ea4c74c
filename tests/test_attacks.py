"""Attacks from inside a notebook: none earns a mark that the answers do not deserve, and every message stands in a golden file."""

from __future__ import annotations

import pytest

from tests.attack_cases import examined, limits_now, load_attacks, seen

ATTACKS = load_attacks()


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_earns_what_its_answers_deserve(name, tmp_path):
    attack = ATTACKS[name]
    limits = limits_now()
    result = examined(attack, tmp_path, limits)
    marks, messages, notes = seen(result, limits)
    assert marks == attack.marks
    assert "STOLEN" not in str(result.outputs)  # what an attack prints when it got at something
    assert messages == attack.messages
    assert notes == attack.notes
    assert result.sandbox == "namespaces"


def test_there_are_many_attacks_and_each_says_what_it_tries():
    assert len(ATTACKS) >= 60
    assert len({attack.tries for attack in ATTACKS.values()}) == len(ATTACKS)
