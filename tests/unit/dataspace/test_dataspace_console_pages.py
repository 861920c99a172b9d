"""The console's pages on nodes in memory: from a question to its answer, and the attacks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from console_hands import Hands, hands_at, own_console

from controllers.dataspace.console.asking import plan_of
from controllers.dataspace.console.entry import Fields
from controllers.dataspace.console.questions import read_question
from controllers.dataspace.console.texts import say_in
from controllers.dataspace.console.words import Words
from tests.fakes.dataspace_nodes import PLACES, QUESTIONS, FakeSpace, _Node, did_of


@pytest.fixture
def space() -> FakeSpace:
    return FakeSpace()


@pytest.fixture
async def hands(space: FakeSpace) -> AsyncIterator[Hands]:
    async with hands_at(space, own_console(space)) as made:
        yield made


async def propose(hands: Hands, name: str = "counts", *changed: tuple[str, str]) -> str:
    """Ask a question as its form opens; the path of the plan's page."""
    form = f"/at/shelter-a/ask/{name}"
    await hands.open(form)
    await hands.send(form, *changed, ("step", "look"))
    await hands.send(form, ("step", "send"))
    return str(hands.answer.url.path)


async def test_the_start_names_who_takes_part_and_every_question(hands: Hands) -> None:
    await hands.open("/")
    for name, _ in PLACES.values():
        assert name in hands.shown
    for each in QUESTIONS:
        assert f"/at/shelter-a/ask/{each['name']}" in hands.text
    assert say_in("en")("limit.cell", number=11) in hands.shown


async def test_from_a_question_to_its_answer(hands: Hands) -> None:
    plan = await propose(hands)
    assert say_in("en")("plan.own") in hands.shown
    for place in PLACES:
        if place != "evaluator":
            await hands.open(plan.replace("shelter-a", place))
            await hands.send(f"{plan.replace('shelter-a', place)}/approve")
    await hands.open(plan)
    await hands.send(f"{plan}/run")
    run = str(hands.answer.url.path)
    while "/results/" not in hands.text:
        await hands.open(f"{run}?part=1")
    await hands.open(run.replace("/runs/", "/results/"))
    assert "Phnom Penh" in hands.text
    assert say_in("en")("result.hidden") in hands.shown
    assert "441" in hands.shown
    for kind, media in (("csv", "text/csv"), ("json", "application/json")):
        answer = await hands.open(f"{run.replace('/runs/', '/results/')}/{kind}")
        assert answer.headers["content-type"].startswith(media)
        assert "attachment" in answer.headers["content-disposition"]
    report = await hands.open(f"{run.replace('/runs/', '/results/')}/report")
    assert "sandbox" in report.headers["content-security-policy"]


async def test_a_look_sends_nothing(hands: Hands, space: FakeSpace) -> None:
    form = "/at/shelter-a/ask/counts"
    await hands.open(form)
    await hands.send(form, ("step", "look"))
    assert say_in("en")("look.cells", cells=12, threshold=11) in hands.shown
    assert not space.plans
    await hands.send(form, ("step", "change"))
    assert hands.fields(form)  # the form again, as it was
    assert not space.plans


async def test_what_was_ticked_is_what_is_asked(hands: Hands, space: FakeSpace) -> None:
    await propose(
        hands,
        "counts",
        ("group", "registered_on"),
        ("period.registered_on", "quarter"),
        ("codes.region", "kh-siem-reap"),
        ("codes.region", "kh-phnom-penh"),
        ("last.registered_on", "2025-12-31"),
        ("receiver", did_of("police")),
        ("option.counted", "people"),
        ("threshold", "20"),
    )
    (kept,) = space.plans.values()
    assert kept.plan["groups"] == [{"column": "registered_on", "period": "quarter"}]
    assert {"column": "region", "codes": ["kh-siem-reap", "kh-phnom-penh"]} in kept.plan[
        "filters"
    ]
    assert {"column": "registered_on", "last": "2025-12-31"} in kept.plan["filters"]
    assert kept.plan["receivers"] == [did_of("police")]
    assert kept.plan["options"] == {"counted": "people", "missing": 0}
    assert kept.plan["threshold"] == 20


@pytest.mark.parametrize("value", ["", "eleven", "-1", "1e3", "９", "9" * 40])
async def test_a_number_that_is_none_is_asked_for_again(
    hands: Hands, space: FakeSpace, value: str
) -> None:
    form = "/at/shelter-a/ask/counts"
    await hands.open(form)
    answer = await hands.send(form, ("threshold", value), ("step", "send"))
    assert answer.status_code == 422
    assert say_in("en")("error.invalid-input") in hands.shown
    assert not space.plans


async def test_a_refusal_is_in_words_with_the_checks(hands: Hands) -> None:
    form = "/at/shelter-a/ask/counts"
    await hands.open(form)
    answer = await hands.send(form, ("threshold", "5"), ("step", "send"))
    assert answer.status_code == 422
    assert say_in("en")("refused.threshold-too-low") in hands.shown
    assert say_in("en")("check.thresholds") in hands.shown


async def test_a_decision_can_be_no_and_be_taken_back(hands: Hands) -> None:
    plan = await propose(hands)
    await hands.send(f"{plan}/approve")
    await hands.send(f"{plan}/withdraw")
    assert say_in("en")("state.withdrawn") in hands.shown
    another = await propose(hands, "counts", ("runs", "2"))
    await hands.send(f"{another}/refuse", ("reason", "law"))
    assert say_in("en")("state.refused") in hands.shown


async def test_all_other_desks_of_ones_own_sandbox_approve_at_once(
    hands: Hands, space: FakeSpace
) -> None:
    plan = await propose(hands)
    await hands.send(f"{plan}/approve-all")
    (kept,) = space.plans.values()
    assert set(kept.decided.values()) == {"approved"}


async def test_estimates_stand_side_by_side_with_what_speaks_against_them(hands: Hands) -> None:
    plan = await propose(hands, "total")
    await hands.send(f"{plan}/approve-all")
    await hands.send(f"{plan}/run")
    run = str(hands.answer.url.path)
    for _ in range(8):
        await hands.open(run)
    await hands.open(run.replace("/runs/", "/results/"))
    for each in ("stepwise", "independence", "bayesian-average"):
        assert say_in("en")(f"value.{each}") in hands.shown
    assert "11,430 (9,800–13,640)" in hands.shown
    assert say_in("en")("value.no-estimate") in hands.shown
    assert say_in("en")("finding.sparse-pairs") in hands.shown


@pytest.mark.parametrize("agree", [True, False])
async def test_logs_are_compared(hands: Hands, space: FakeSpace, agree: bool) -> None:
    space.logs_agree = agree
    await propose(hands)
    await hands.open("/at/labour/log")
    assert say_in("en")("entry.plan-received") in hands.shown
    await hands.send("/at/labour/log/compare")
    assert say_in("en")("log.agree" if agree else "log.disagree") in hands.shown


async def test_a_node_that_is_down_is_told_and_the_others_go_on(
    hands: Hands, space: FakeSpace
) -> None:
    space.down.add("police")
    answer = await hands.open("/at/police")
    assert answer.status_code == 503
    assert say_in("en")("error.unavailable") in hands.shown
    assert (await hands.open("/at/labour")).status_code == 200


@pytest.mark.parametrize(
    ("step", "refusal"),
    [
        ("one-person", "list-too-short"),
        ("low-threshold", "threshold-too-low"),
        ("two-plans", "differencing-few"),
        ("changed-plan", "approval-approved"),
    ],
)
async def test_an_attack_shows_what_the_nodes_said(
    hands: Hands, space: FakeSpace, step: str, refusal: str
) -> None:
    await hands.open(f"/tour/{step}")
    before = len(space.asked)
    await hands.send(f"/tour/{step}")
    assert say_in("en")(f"refused.{refusal}") in hands.shown
    sent = [each for each in space.asked[before:] if each.endswith("POST /plans")]
    assert sent  # it was tried for real


async def test_a_log_is_leafed_through_from_its_newest_entry(
    hands: Hands, space: FakeSpace
) -> None:
    for _ in range(120):
        space.note("labour", "approved")
    numbers, seen = re.compile(r'<td class="number"[^>]*>(\d+)</td>'), []
    page: str | None = "/at/labour/log"
    while page is not None:
        await hands.open(page)
        shown = [int(each) for each in numbers.findall(hands.text)]
        assert 0 < len(shown) <= 50
        seen += shown
        older = re.search(r'href="(/at/labour/log\?below=\d+)"', hands.text)
        page = older.group(1) if older else None
    assert seen == [*range(120, 0, -1)]
    assert (await hands.open("/at/labour/log?below=1")).status_code == 200
    assert (await hands.open("/at/labour/log?below=x")).status_code == 422


async def test_older_plans_are_a_link_away(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    await propose(hands)
    whole = _Node._list

    def paged(node: _Node) -> dict[str, Any]:
        return whole(node) | {"older": "zOlder"}

    monkeypatch.setattr(_Node, "_list", paged)
    for path in ("/", "/at/police"):
        await hands.open(path)
        assert f'href="{path}?before=zOlder#plans"' in hands.text
        assert (await hands.open(f"{path}?before=zOlder")).status_code == 200
        assert (await hands.open(f"{path}?before=../node")).status_code == 422


async def test_numbers_are_shared_by_hand(hands: Hands) -> None:
    await hands.open("/tour/shares")
    await hands.send("/tour/shares", ("a", "100000"), ("b", "0"), ("c", "23"))
    assert "<strong>100023</strong>" in hands.text
    refused = await hands.post("/tour/shares", [*hands.fields("/tour/shares"), ("a", "100001")])
    assert refused.status_code == 422


async def test_the_evaluator_has_no_cases(hands: Hands) -> None:
    await propose(hands, "total")
    await hands.open("/tour/evaluator")
    assert say_in("en")("desk.cases", number=0) in hands.shown
    assert say_in("en")("entry.plan-received") in hands.shown


@pytest.mark.parametrize("language", ["en", "es", "km"])
async def test_every_page_is_said_in_every_language(hands: Hands, language: str) -> None:
    plan = await propose(hands)
    pages = [
        "/",
        "/at/police",
        "/at/evaluator",
        plan,
        "/at/police/log",
        "/tour",
        "/tour/shares",
    ]
    pages += [f"/at/shelter-a/ask/{each['name']}" for each in QUESTIONS]
    for path in pages:
        answer = await hands.open(f"{path}?lang={language}")
        assert answer.status_code == 200, path
        assert f'<html lang="{language}">' in hands.text
    assert say_in(language)("frame.tour") in (await hands.open("/")).text  # and it is kept


def test_cases_are_stated_in_lines_and_their_commitment_is_the_nodes() -> None:
    """What the node works out of the cases is asked of nobody."""
    options = {
        "cases": {"kind": "text", "default": None},
        "how_many": {"kind": "number", "default": None, "least": 1, "most": 100},
    }
    known = {"name": "reveal", "stated": True, "options": options, "link": ["phone"]}
    question = read_question(known)
    assert question.is_for_forms
    assert question.options == ()
    numbers = ("threshold", "contributors", "epsilon_milli", "runs", "days")
    sent = Fields(
        (("cases", " A 1 \r\n\r\nB2"), ("link", "phone"), *((each, "1") for each in numbers))
    )
    assert plan_of(sent, question, Words({}, "en"))["cases"] == ["A 1", "B2"]
    assert "cases" not in plan_of(
        sent, read_question({**known, "stated": False}), Words({}, "en")
    )


@pytest.mark.parametrize(
    ("sent_to", "page"),
    [
        ("/at/police/log/compare", "/at/police/log"),
        ("/at/police/plans/zx/approve", "/at/police/plans/zx"),
        ("/at/police/invite", "/at/police"),
    ],
)
async def test_another_language_can_be_chosen_on_a_page_that_a_form_led_to(
    hands: Hands, sent_to: str, page: str
) -> None:
    answer = await hands.client.get(f"{sent_to}?lang=es", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?lang=es")
