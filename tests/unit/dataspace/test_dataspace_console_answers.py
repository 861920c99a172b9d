"""What a page says of an answer: why there is no number, what a number is, and its picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from console_hands import Hands, hands_at, own_console

from controllers.dataspace import console
from controllers.dataspace.console.answers import (
    asked_in,
    findings_of,
    has_models,
    meaning_of,
)
from controllers.dataspace.console.charts import chart_of
from controllers.dataspace.console.texts import LANGUAGES, is_said, say_in
from controllers.dataspace.console.words import Words
from dataspace.estimating.loglinear import Fault
from dataspace.questions.outcomes import INDICATORS
from dataspace.questions.priorities import OTHERS
from dataspace.releasing.absent import Absent
from dataspace.vocabulary.model import cases
from tests.fakes import dataspace_nodes
from tests.fakes.dataspace_nodes import FakeSpace

VOCABULARY = cases()
SAY = say_in("en")
WORDS = Words(VOCABULARY.model_dump(mode="json"), "en")
FORM, REGION = "form_of_exploitation", VOCABULARY.levels("region")


def table(columns: str, *rows: list[Any], **members: Any) -> dict[str, Any]:
    return {
        "columns": columns.split(),
        "rows": list(rows),
        "decimals": {},
        "suppressed": 0,
        "notes": [],
        "extra": {},
        **members,
    }


def plan(**members: Any) -> dict[str, Any]:
    return {"groups": [], "filters": [], "measures": [], "options": {}, **members}


TOTAL = table(
    "model people low high",
    ["independence", 8120, 7400, 8990],
    ["stepwise", None, None, None],
    ["bayesian-average", 10980, 9100, None],
)
ODDS = table(
    "factor level odds_ratio",
    ["region", REGION[1], 2000],
    ["region", REGION[2], 500],
    ["region", REGION[3], 1000],
    decimals={"odds_ratio": 3},
    extra={"base": {"region": REGION[0]}},
)


def shown(released: dict[str, Any]) -> list[list[str]]:
    places = range(len(released["columns"]))
    return [[WORDS.shown(released, row, at) for at in places] for row in released["rows"]]


def test_what_never_was_there_is_not_called_hidden() -> None:
    assert [row[1:] for row in shown(TOTAL)] == [
        ["8,120", "7,400", "8,990"],
        ["no estimate"] * 3,
        ["10,980", "9,100", "no upper end"],
    ]
    alone = table("model people low high", ["independence", 8120, None, None])
    assert shown(alone)[0][2:] == ["no interval"] * 2
    small = table("region cases", [REGION[0], None], suppressed=1)
    assert shown(small)[0][1] == SAY("result.hidden")


def test_levels_are_in_words_and_numbers_have_their_decimals() -> None:
    first = shown(ODDS)[0]
    assert first == [WORDS.column("region"), WORDS.code("region", REGION[1]), "2.000"]
    days = table("region mean_days", [REGION[0], 1234], decimals={"mean_days": 1})
    assert shown(days)[0][1] == "123.4"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "key",
    [
        *(f"value.{each}" for each in Absent if each is not Absent.SUPPRESSED),
        *(f"fault.{each.value}" for each in Fault),
        *(f"choice.{name}" for name in INDICATORS),
        *(f"value.{code}" for codes in OTHERS.values() for code in codes.values()),
    ],
)
def test_each_code_of_an_answer_has_words(language: str, key: str) -> None:
    assert is_said(language, key)


def test_a_models_own_fault_is_not_that_of_a_pair() -> None:
    """An empty list: no pair seemed to matter, and none was left out."""
    models = [
        {"model": "independence", "fault": "does-not-exist", "why": "It has none."},
        {"model": "stepwise", "fault": None, "why": None},
    ]
    findings = [{"code": "no-estimate", "words": "-"}, {"code": "new-one", "words": "As said."}]
    found = table("model", extra={"estimates": {"models": models, "findings": findings}})
    said = findings_of(found, WORDS)
    assert said == [
        SAY("finding.no-estimate"),
        "As said.",
        f"independence: {SAY('fault.does-not-exist')}",
    ]
    assert "pair" not in said[-1]
    assert has_models(found)
    assert not has_models(TOTAL)
    assert not findings_of(TOTAL, WORDS)


def test_a_number_says_what_it_is() -> None:
    outcome = VOCABULARY.levels("outcome")[:2]
    asked = plan(measures=["outcome"], options={"codes": outcome})
    percent = table("percent", [421], extra={"indicator": "outcome-share"})
    in_words = ", ".join(WORDS.code("outcome", each) for each in outcome)
    assert meaning_of(percent, asked, WORDS) == [
        (SAY("result.indicator"), SAY("choice.outcome-share")),
        (SAY("result.counts-as"), in_words),
    ]
    forms = plan(
        groups=[{"column": "region"}],
        measures=[FORM],
        options={"codes": VOCABULARY.levels(FORM)[:1]},
    )
    (of, compared) = meaning_of(ODDS, forms, WORDS)
    assert of == (SAY("result.outcome"), WORDS.code(FORM, VOCABULARY.levels(FORM)[0]))
    base = f"{WORDS.column('region')}: {WORDS.code('region', REGION[0])}"
    assert compared == (SAY("result.base"), base)
    noisy = table("cases", [40], extra={"standard_error_milli": 126_491})
    ((_, noise),) = meaning_of(noisy, None, WORDS)
    assert "126.5" in noise
    assert "± 253.0" in noise
    assert meaning_of(table("cases", [40]), asked, WORDS) == []
    models = {"estimates": {"models": [{"model": "stepwise", "fault": None}]}}
    interval = (SAY("result.interval"), SAY("result.interval.is"))
    assert meaning_of({**TOTAL, "extra": models}, None, WORDS) == [interval]


def test_what_was_asked_is_in_words() -> None:
    asked = plan(
        groups=[
            {"column": "registered_on", "period": "quarter"},
            {"column": "cost_amount", "cuts": [10, 20]},
            {"column": "region"},
        ],
        filters=[
            {"column": "region", "codes": [REGION[0]]},
            {"column": "registered_on", "first": "2025-01-01", "last": None},
        ],
    )
    groups, filters = (text for _, text in asked_in(asked, WORDS))
    assert groups == (
        f"{WORDS.column('registered_on')} (quarter) · {WORDS.column('cost_amount')} (10, 20) · "
        f"{WORDS.column('region')}"
    )
    assert filters == (
        f"{WORDS.column('region')}: {WORDS.code('region', REGION[0])} · "
        f"{WORDS.column('registered_on')}: 2025-01-01 – …"
    )


def test_codes_of_options_are_those_of_their_column() -> None:
    """`return` is a service as well as a key figure."""
    of = plan(
        groups=[{"column": "region"}], measures=["service"], options={"codes": ["return"]}
    )
    service = WORDS.code("service", "return")
    assert service not in ("return", SAY("choice.return"))
    assert WORDS.option(of, "codes", 0, "return") == service
    assert WORDS.option(of, "base", 0, REGION[0]) == WORDS.code("region", REGION[0])
    assert WORDS.option(of, "base", 1, "x_y") == "x_y"
    assert WORDS.option(of, "codes", 0, "no-such_code") == "no-such_code"
    assert WORDS.option(of, "cases", 0, "zQ-m_1") == "zQ-m_1"
    assert WORDS.option(of, "counted", 0, "people") == SAY("choice.people")


# --- pictures -----------------------------------------------------------------------------


def test_less_than_nothing_is_drawn_to_the_other_side() -> None:
    found = chart_of(table("region percent", ["a", -60], ["b", 60], ["c", 0]), WORDS)
    assert found
    below, above, nothing = found.rows
    assert (below.start, below.end) == (0, 500)
    assert (above.start, above.end) == (500, 1000)
    assert (nothing.start, nothing.end) == (500, 500)
    assert {each.mark for each in found.rows} == {500}
    assert found.marked == SAY("chart.zero")


def test_all_below_nothing_is_drawn_from_the_right() -> None:
    found = chart_of(table("region percent", ["a", -50], ["b", -100]), WORDS)
    assert found
    assert [(each.start, each.end, each.mark) for each in found.rows] == [
        (500, 1000, 1000),
        (0, 1000, 1000),
    ]


def test_counts_are_drawn_from_the_left_without_a_mark() -> None:
    released = table("region cases", ["a", 50], ["b", 100], ["c", None], suppressed=1)
    found = chart_of(released, WORDS)
    assert found
    assert [(each.start, each.end) for each in found.rows] == [(0, 500), (0, 1000), (0, 0)]
    assert {each.mark for each in found.rows} == {None}
    assert found.rows[2].value == SAY("result.hidden")
    assert not found.marked


def test_odds_of_half_are_as_far_from_one_as_those_of_twice() -> None:
    found = chart_of(ODDS, WORDS)
    assert found
    twice, half, even = found.rows
    assert (twice.start, twice.end) == pytest.approx((500, 1000))
    assert (half.start, half.end) == pytest.approx((0, 500))
    assert (even.start, even.end) == pytest.approx((500, 500))
    assert {each.mark for each in found.rows} == {500}
    assert found.marked == SAY("chart.one")
    tiny = {**ODDS, "rows": [["region", REGION[1], 0], ["region", REGION[2], None]]}
    assert chart_of(tiny, WORDS)
    slight = chart_of({**ODDS, "rows": [["region", REGION[1], 1050]]}, WORDS)
    assert slight
    assert slight.rows[0].end < 540


def test_an_interval_without_an_end_goes_to_the_edge_and_says_so() -> None:
    found = chart_of(TOTAL, WORDS)
    assert found
    assert found.rows[1].value == "no estimate"
    assert found.rows[2].value == "10,980 (9,100–no upper end)"
    assert found.rows[2].end == 1000


# --- pages --------------------------------------------------------------------------------


@pytest.fixture
async def hands() -> AsyncIterator[Hands]:
    space = FakeSpace()
    async with hands_at(space, own_console(space)) as made:
        yield made


async def result_of(hands: Hands, name: str, language: str = "en") -> None:
    form = f"/at/shelter-a/ask/{name}"
    await hands.open(form)
    await hands.send(form, ("step", "send"))
    page = str(hands.answer.url.path)
    await hands.send(f"{page}/approve-all")
    await hands.send(f"{page}/run")
    run = str(hands.answer.url.path)
    for _ in range(8):
        await hands.open(run)
    await hands.open(f"{run.replace('/runs/', '/results/')}?lang={language}")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_interval_is_called_one_of_95_percent(hands: Hands, language: str) -> None:
    """`At least 10,000` would be read as proven."""
    await result_of(hands, "total", language)
    say = say_in(language)
    assert "95 %" in say("column.low")
    assert "95 %" in say("column.high")
    assert "95 %" in say("chart.interval")
    for key in ("column.low", "column.high", "chart.interval", "result.models.help"):
        assert say(key) in hands.shown, key
    assert say("fault.does-not-exist") in hands.shown
    assert say("finding.does-not-exist") not in hands.shown
    assert "hidden-cell" not in hands.text
    assert say("value.no-upper-end") in hands.shown


async def test_several_models_are_given_all_or_none_also_without_findings(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = [{"model": "independence", "fault": None}, {"model": "stepwise", "fault": None}]
    estimates = {"findings": [], "models": models}
    released = {**dataspace_nodes.RELEASED["total"], "extra": {"estimates": estimates}}
    monkeypatch.setitem(dataspace_nodes.RELEASED, "total", released)
    await result_of(hands, "total")
    assert SAY("result.models.help") in hands.shown
    assert SAY("result.none-suppressed") in hands.shown


async def test_an_answer_shows_what_was_asked(hands: Hands) -> None:
    await result_of(hands, "counts")
    assert SAY("result.asked") in hands.shown
    assert SAY("plan.groups") in hands.shown
    assert SAY("result.models.help") not in hands.shown


async def test_ranked_cases_come_with_what_speaks_against_them(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {**dataspace_nodes._PRIORITIES, "decimals": {}, "notes": ["intelligence"]}
    monkeypatch.setattr(dataspace_nodes, "_PRIORITIES", kept)
    await result_of(hands, "counts")
    (tag,) = hands.space.runs
    await hands.open(f"/at/shelter-a/priorities/{tag}")
    assert SAY("note.intelligence") in hands.shown
    assert SAY("value.any") in hands.shown


def test_no_answer_says_that_nothing_was_hidden() -> None:
    """Cases are left out of many, also where no number was withheld."""
    folder = Path(console.__file__).parent / "languages"
    assert "Nothing was hidden" not in "".join(p.read_text() for p in folder.glob("*.en.json"))
