"""The forms of the real questions, with every box of theirs ticked, are taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import pytest
from console_hands import Hands, hands_at, own_console

from controllers.dataspace.console.questions import read_question
from controllers.dataspace.console.texts import say_in
from controllers.sent import _MOST_FIELDS
from dataspace.questions.catalogue import catalogue
from dataspace.vocabulary.model import cases
from tests.fakes import dataspace_nodes
from tests.fakes.dataspace_nodes import FakeSpace

VOCABULARY = cases()
QUESTIONS: list[dict[str, Any]] = [
    {
        "name": name,
        "title": dict(each.titles),
        "engine": each.engine.value,
        "leak": {"en": each.leak},
        **each.describe(VOCABULARY).document(),
    }
    for name, each in catalogue().items()
]
FORMS = [each for each in QUESTIONS if read_question(each).is_for_forms]


@pytest.fixture
async def hands(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hands]:
    """At nodes that have the built-in vocabulary, and ask what nodes ask."""
    monkeypatch.setattr(dataspace_nodes, "VOCABULARY", VOCABULARY.model_dump(mode="json"))
    monkeypatch.setattr(dataspace_nodes, "QUESTIONS", FORMS)
    space = FakeSpace()
    async with hands_at(space, own_console(space)) as made:
        yield made


class _Boxes(HTMLParser):
    """Every box there is to tick."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and given.get("type") == "checkbox":
            self.found.append((given["name"], given["value"]))


async def all_ticked(hands: Hands, form: str) -> list[tuple[str, str]]:
    """What the form sends with every box ticked."""
    await hands.open(form)
    boxes = _Boxes(hands.text).found
    names = {name for name, _ in boxes}
    return [pair for pair in hands.fields(form) if pair[0] not in names] + boxes


@pytest.mark.parametrize("name", [each["name"] for each in FORMS])
async def test_a_form_with_every_box_ticked_is_taken(hands: Hands, name: str) -> None:
    form = f"/at/shelter-a/ask/{name}"
    pairs = await all_ticked(hands, form)
    answer = await hands.post(form, [*pairs, ("step", "look")])
    assert answer.status_code == 200
    kept = hands.fields(form)  # the page to look at sends the same again
    assert {pair for pair in pairs if pair[0] != "csrf"} <= set(kept)
    for step in ("change", "send"):
        await hands.send(form, ("step", step))
        assert say_in("en")("error.not-the-form") not in hands.shown


async def test_the_largest_form_is_well_below_the_bound(hands: Hands) -> None:
    """Columns and codes that are added later are to fit as well."""
    sizes = [
        len(await all_ticked(hands, f"/at/shelter-a/ask/{each['name']}")) for each in FORMS
    ]
    assert 200 < max(sizes) < _MOST_FIELDS * 3 / 4


async def test_more_fields_than_any_form_has_are_refused(hands: Hands) -> None:
    pairs = [("group", "gender")] * (_MOST_FIELDS + 1)
    answer = await hands.post("/at/shelter-a/ask/counts", pairs)
    assert answer.status_code == 422
