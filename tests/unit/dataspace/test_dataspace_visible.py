"""Free text of others that people decide by: what cannot be read is taken from nobody."""

from __future__ import annotations

from typing import Any

import pytest
from agreement_world import plan, terms

from controllers.dataspace.judging import plan_in
from core.errors import InvalidInput
from core.visible import looks, visible
from dataspace.agreeing.agreement import read_terms
from dataspace.planning.plan import read_plan

PLAN, TERMS = plan(), terms()
GOOD = (
    "Cases by gender",
    "x",
    "¿Cuántas personas?",
    "ក្រុម\u200bនៃ\u200bករណី",  # Khmer: zero-width spaces between words
    "क्\u200dष",
    "می\u200cخواهم",
    "فريق المأوى",
    "👩\u200d👧",
    "7",
)
BAD = (
    " ",
    "\u00a0",
    "\u200b",
    "\u200b \u200d",
    "\u3164",
    "\u2800",
    "\u0301",
    "a\u202etxet",
    "a\u2066b\u2069",
    "a\u200fb",
    "two\nlines",
    "two\u2028lines",
    "nul\x00",
    "bell\x07",
    "\ufeffname",
    "so\u00adft",
    "private\ue000",
    "tag\U000e0041",
    "\ud800x",
)


@pytest.mark.parametrize("text", GOOD)
def test_what_can_be_read_is_taken_as_it_is(text: str) -> None:
    assert visible(text) == text
    assert read_plan({**PLAN.document(), "title": text}).title == text


@pytest.mark.parametrize("text", BAD, ids=ascii)
def test_what_cannot_be_read_is_no_title_and_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be seen|no visible word") as told:
        visible(text)
    assert text.strip() == "" or text not in str(told.value)
    with pytest.raises(InvalidInput, match="title"):
        read_plan({**PLAN.document(), "title": text})
    for changed in ({"title": text}, {"participants": named(text)}):
        with pytest.raises(InvalidInput):
            read_terms(TERMS.document() | changed)


def named(*names: str) -> list[dict[str, Any]]:
    """The participants of the terms, the first ones with other names."""
    listed = TERMS.document()["participants"]
    return [{**each, "name": name} for each, name in zip(listed, names, strict=False)] + listed[
        len(names) :
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Harbour House", "Harbour House"),
        ("Harbour House", "harbour  HOUSE "),
        ("Harbour House", "Harbour\u200b House"),
        ("Harbour House", "Ｈarbour House"),
    ],
)
def test_no_two_participants_are_called_the_same(first: str, second: str) -> None:
    assert looks(first) == looks(second)
    with pytest.raises(InvalidInput, match="called the same"):
        read_terms({**TERMS.document(), "participants": named(first, second)})
    assert read_terms({**TERMS.document(), "participants": named(first, "Another house")})


def test_what_was_taken_in_before_is_read_as_it_was() -> None:
    """A rule of today must not keep a node from its own agreement, or from any plan at all:
    the gate holds each new one against all that ran."""
    old = {**PLAN.document(), "title": "so\u00adft"}
    assert read_plan(old, kept=True).title == old["title"]
    assert plan_in(old).title == old["title"]
    with pytest.raises(InvalidInput):
        plan_in(old, kept=False)
    kept = TERMS.document() | {"title": "two\nlines", "participants": named("One", "one")}
    assert read_terms(kept, kept=True).title == "two\nlines"


@pytest.mark.parametrize("when", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
def test_a_plan_ends_at_a_time_that_can_be_kept(when: str) -> None:
    with pytest.raises(InvalidInput, match="expires"):
        read_plan({**PLAN.document(), "expires": when})
