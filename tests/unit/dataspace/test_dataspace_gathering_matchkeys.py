"""Match keys: which spellings are one person or thing, and which are not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataspace.gathering.matchkeys import (
    KEY_BYTES,
    Person,
    link_key,
    normal,
    person_keys,
    phone_number,
    sound,
)
from dataspace.gathering.persons import number_persons
from dataspace.vocabulary.model import Role

BORN = date(1999, 3, 7)


def keys(
    given: str, family: str, born: date | None = BORN, number: str = ""
) -> tuple[bytes | None, ...]:
    return person_keys(Person(given, family, born, number))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("María-José  O’Neill", "maria jose oneill"),
        ("MÜLLER", "muller"),
        ("Straße", "strasse"),
        ("Nguyễn Thị Đào", "nguyen thi dao"),
        ("Łukasz Þór Ørsted", "lukasz thor orsted"),
        ("  a.b,c ", "a b c"),
        ("Ａｎａ", "ana"),
        ("ស្រី មុំ", "ស្រី មុំ"),
        ("ស្រី\u200bមុំ", "ស្រីមុំ"),
        ("លេខ ១២៣", "លេខ 123"),
        ("", ""),
        ("---", ""),
    ],
)
def test_names_lose_what_desks_write_differently(written: str, plain: str) -> None:
    assert normal(written) == plain


@given(st.text(max_size=40))
def test_normalising_twice_is_normalising_once(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(st.text(st.characters(max_codepoint=127), max_size=20))
def test_the_short_way_for_ascii_is_the_long_one(text: str) -> None:
    assert normal(f"{text} ស") == f"{normal(text)} ស".strip()


@given(st.text("abcdefghijklmnopqrstuvwxyz", max_size=20))
def test_case_and_accents_never_matter(text: str) -> None:
    accented = "".join(each + "\u0301" for each in text).upper()
    assert normal(accented) == normal(text)
    assert person_keys(Person(text, "x", BORN)) == person_keys(Person(accented, "X", BORN))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("philippe", "filip"),
        ("catherine", "katarina"),
        ("sofia", "zofia"),
        ("hannah", "hana"),
        ("jasmin", "yasmine"),
        ("gonzalez", "gonsales"),
    ],
)
def test_spellings_that_sound_alike(one: str, other: str) -> None:
    assert sound(one) == sound(other)


def test_other_scripts_have_their_spelling_for_a_sound() -> None:
    assert sound("ស្រី") == "ស្រី"
    assert sound("") == ""


def test_keys_go_from_strict_to_lenient() -> None:
    one = keys("Avela", "Brandell", BORN, "A 123-4")
    assert all(key is not None and len(key) == KEY_BYTES for key in one)
    assert len(set(one)) == 3
    assert keys("avéla", "BRANDELL", BORN, "a1234") == one
    swapped = keys("Brandell", "Avela", BORN)
    assert (swapped[0], swapped[1] == one[1], swapped[2]) == (None, False, one[2])
    day_and_month = keys("Avela", "Brandell", date(1999, 7, 3))
    assert day_and_month[1] != one[1]
    assert day_and_month[2] == one[2]
    assert keys("Avela", "Brandell", date(2000, 3, 7))[1:] != one[1:]


@pytest.mark.parametrize(
    ("person", "known"),
    [
        (Person(), (False, False, False)),
        (Person(national_id="1"), (True, False, False)),
        (Person(national_id="-"), (False, False, False)),
        (Person("Avela", "Brandell"), (False, False, False)),
        (Person("Avela", "", BORN), (False, False, False)),
        (Person("Avela", "Brandell", BORN), (False, True, True)),
    ],
)
def test_no_key_is_made_of_too_little(person: Person, known: tuple[bool, ...]) -> None:
    assert tuple(key is not None for key in person_keys(person)) == known


def test_equal_words_in_different_parts_give_different_keys() -> None:
    assert keys("ab", "c")[1] != keys("a", "bc")[1]
    assert link_key(Role.PLACE, "x") != link_key(Role.TRAFFICKER, "x")
    assert person_keys(Person(national_id="x"))[0] != link_key(Role.PLACE, "x")


@pytest.mark.parametrize(
    ("written", "code", "number"),
    [
        ("+855 12 345 678", None, "+85512345678"),
        ("00855-12-345-678", None, "+85512345678"),
        ("012 345 678", "855", "+85512345678"),
        ("12 345 678", "855", "+85512345678"),
        ("855 12 345 678", "855", "+85512345678"),
        ("០១២ ៣៤៥ ៦៧៨", "855", "+85512345678"),
        ("(541) 555-0123", "1", "+15415550123"),
        ("1-541-555-0123", "1", "+15415550123"),
        ("+1 (541) 555-0123 ext. 4", None, "+15415550123"),
        ("(+34) 600 000 000", None, "+34600000000"),
        ("012 345 678", None, None),
        ("12", "855", None),
        ("unknown", "855", None),
        ("+" + "1" * 16, None, None),
        ("", "855", None),
        ("x" * 60_000 + "1a", "855", None),
    ],
)
def test_telephone_numbers(written: str, code: str | None, number: str | None) -> None:
    assert phone_number(written, code) == number


def test_links_match_as_far_as_they_should() -> None:
    assert link_key(Role.TRAFFICKER, "Grey Heron") == link_key(Role.TRAFFICKER, "heron, GREY")
    assert link_key(Role.PLACE, "Road 5 House 2") != link_key(Role.PLACE, "Road 2 House 5")
    assert link_key(Role.PHONE, "012 345 678", "855") == link_key(Role.PHONE, "+85512345678")
    assert link_key(Role.PHONE, "none") is None
    assert link_key(Role.PLACE, " . ") is None


def test_identifiers_are_in_no_repr() -> None:
    assert "Avela" not in repr(Person("Avela", "Brandell", BORN))


def test_rows_of_one_person_have_one_number() -> None:
    people = [
        keys("Avela", "Brandell", BORN, "1"),
        keys("", "", None),
        keys("Jorvik", "Selolt", BORN),
        keys("Avella", "Brandel", BORN, "1"),
        keys("Avella", "Brandel", BORN),
        keys("Brandell", "Avela", BORN),
    ]
    numbers = number_persons([(each[0], each[1], each[2]) for each in people])
    assert numbers.tolist() == [0, -1, 1, 0, 0, 2]
    assert number_persons([]).tolist() == []
    assert number_persons([(None, None, None)]).tolist() == [-1]
