"""Priorities and reveal: told to the owner alone, and about nothing but what was approved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from questions_world import DIDS, lists, plan, read
from ring_world import HOLDERS, ranked, terms

from core.errors import InvalidInput, VerificationError
from dataspace.questions.base import Use
from dataspace.questions.links import KINDS
from dataspace.questions.priorities import QUESTION as PRIORITIES
from dataspace.questions.reveal import QUESTION as REVEAL
from dataspace.questions.reveal import StatedCases, state
from dataspace.ring.priorities import Ranked, Reason
from dataspace.ring.terms import Answer

ALL = plan("priorities", link=list(KINDS), options={"detail": "level"})

MINE = [
    {"case_reference": "p-1", "trafficker": "Big Man", "phone": "+855 12 345 678"},
    {"case_reference": "p-2", "place": "The Mill"},
    {"case_reference": "p-3"},
    {"case_reference": "p-4", "trafficker": "Nobody Else"},
]
OTHERS = {
    "shelter": [{"case_reference": "s-1", "trafficker": "man big", "place": "the mill"}],
    "labour": [{"case_reference": "l-1", "trafficker": "BIG MAN", "phone": "+85512345678"}],
}


def world() -> dict[str, Any]:
    return {"police": read(MINE), **{name: read(rows) for name, rows in OTHERS.items()}}


async def test_own_cases_come_ranked_with_reasons() -> None:
    own = world()
    of = terms(keys=PRIORITIES.kinds(ALL), answer=Answer(PRIORITIES.detail(ALL)))
    told = await ranked(of, {n: PRIORITIES.records(ALL, own[n]) for n in HOLDERS})
    found = PRIORITIES.rank(ALL, own["police"], told["police"])
    assert found.columns == ("rank", "case", "kind", "others")
    assert found.rows == (
        (1, "p-1", "trafficker", "two-or-more"),
        (1, "p-1", "phone", "one"),
        (2, "p-2", "place", "one"),
    )
    assert PRIORITIES.answered(ALL) == (DIDS["police"],)


def test_equal_reasons_have_one_rank_and_any_is_no_number() -> None:
    """With `any` a 1 stands for one or more; it is not written as a number."""
    by_place = Ranked(0, (Reason("place", 1),))
    ties = [replace(by_place, case=at) for at in (1, 0)]
    first = Ranked(2, (Reason("trafficker", 1), Reason("phone", 1)))
    other = Ranked(3, (Reason("phone", 1),))
    rows = [{"case_reference": f"c-{n}", "place": f"Mill {n}"} for n in range(4)]
    asked = plan("priorities", link=list(KINDS))
    found = PRIORITIES.rank(asked, read(rows), [first, *ties, other])
    assert [(row[0], row[1]) for row in found.rows] == [
        (1, "c-2"), (1, "c-2"), (2, "c-1"), (2, "c-0"), (4, "c-3"),
    ]  # fmt: skip
    assert {row[3] for row in found.rows} == {"any"}


async def test_reveal_names_who_shares_a_stated_case() -> None:
    own, stated = world(), state(["p-2"])
    asked = plan("reveal", link=list(KINDS), options=stated.options)
    REVEAL.check(asked)
    mine = StatedCases(stated)
    cases = {n: REVEAL.records(asked, own[n]) for n in HOLDERS if n != "police"}
    cases["police"] = mine.records(asked, own["police"])
    assert len(cases["police"]) == 1
    of = terms(keys=REVEAL.kinds(asked), answer=Answer(REVEAL.detail(asked)))
    told = await ranked(of, cases)
    found = mine.rank(asked, own["police"], told["police"])
    assert found.columns == ("rank", "case", "kind", "others", "who")
    assert found.rows == ((1, "p-2", "place", 1, "shelter"),)
    with pytest.raises(InvalidInput, match="only the asker"):
        REVEAL.rank(asked, own["shelter"], told["shelter"])
    assert REVEAL.answered(asked) == (asked.asker,)


def test_other_cases_than_those_approved_are_refused() -> None:
    stated, others = state(["p-2"]), state(["p-1"])
    asked = plan("reveal", link=["place"], options=stated.options)
    with pytest.raises(VerificationError) as refused:
        StatedCases(others).records(asked, world()["police"])
    assert refused.value.step == "stated-cases"
    more = plan("reveal", link=["place"], options={**stated.options, "how_many": 2})
    with pytest.raises(VerificationError):
        StatedCases(stated).records(more, world()["police"])


def test_a_plan_says_nothing_of_the_cases_that_it_is_about() -> None:
    one, again = state(["p-2"]), state(["p-2"])
    assert one.commitment != again.commitment, "a fresh salt each time"
    assert "p-2" not in str(one.options) + repr(one)
    assert one.salt not in repr(one)


def test_a_case_that_is_not_there_is_not_named() -> None:
    stated = state(["p-9"])
    asked = plan("reveal", link=["place"], options=stated.options)
    with pytest.raises(InvalidInput) as refused:
        StatedCases(stated).records(asked, world()["police"])
    assert "p-9" not in refused.value.detail


@pytest.mark.parametrize("references", [[], ["a", "a"], [str(n) for n in range(101)]])
def test_what_cannot_be_stated(references: list[str]) -> None:
    with pytest.raises(InvalidInput):
        state(references)


def test_only_revealing_needs_the_law() -> None:
    assert {each.use for each in PRIORITIES.uses(ALL)} == {Use.LINK_COUNT}
    asked = plan("reveal", link=["phone"], options=state(["x"]).options)
    assert {each.use for each in REVEAL.uses(asked)} == {Use.LINK_REVEAL}


@pytest.mark.parametrize("link", [[], ["national_id"], ["phone", "phone"], ["given_name"]])
@pytest.mark.parametrize("question", [PRIORITIES, REVEAL])
def test_a_persons_own_identifiers_never_link_cases(question: Any, link: list[str]) -> None:
    options = state(["x"]).options if question is REVEAL else {}
    with pytest.raises(InvalidInput):
        question.check(plan(question.name, link=link, options=options))


@pytest.mark.parametrize(
    "members",
    [
        {"receivers": [DIDS["police"], DIDS["shelter-a"]]},
        {"receivers": [DIDS["shelter-a"]]},
        {"runs": 2},
        {"filters": [{"column": "region", "codes": ["x"]}]},
        {"options": {}},
        {"options": {"cases": "short", "how_many": 1}},
    ],
)
def test_plans_that_reveal_nothing(members: dict[str, Any]) -> None:
    usual = {"link": ["phone"], "options": state(["x"]).options}
    with pytest.raises(InvalidInput):
        REVEAL.check(plan("reveal", **{**usual, **members}))


def test_an_empty_list_has_no_links_and_a_wrong_answer_is_refused() -> None:
    nobody = read([])
    assert PRIORITIES.records(ALL, nobody) == []
    assert PRIORITIES.rank(ALL, nobody, []).rows == ()
    wrong: Any = type("Ranked", (), {"case": 0, "reasons": ()})()
    with pytest.raises(InvalidInput):
        PRIORITIES.rank(ALL, nobody, [wrong])
    assert PRIORITIES.records(ALL, lists()[2]), "the police's made-up cases have links"
