"""The list of plans: short, soon there, and nobody can fill it for the others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from officer_hands import EVERYTHING, signed_in_at

from controllers.dataspace import plan_list
from controllers.dataspace.console.texts import say_in
from controllers.dataspace.node import Node
from controllers.dataspace.standing import PlanState
from controllers.dataspace.views import Views
from core import proof
from core.canonical import Json
from core.errors import NotFound
from dataspace.agreeing import signatures
from dataspace.agreeing.negotiating import Agreement, State
from dataspace.agreeing.signatures import proof_of, sign
from dataspace.planning.plan import Plan
from dataspace.planning.statements import Approval, Duty, Refusal, Withdrawal, fresh_tag
from tests.support.space import Space, running_space

SAY = say_in("en")


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path) as made:
        yield made


async def told(space: Space, by: int, title: str, to: Node, **changed: Any) -> Plan:
    """A plan of a node, brought to one other."""
    who, now = space.nodes[by].books.identity, space.outside.clock.now()
    usual: dict[str, Any] = {
        "operation": "counts",
        "title": title,
        "agreement": space.nodes[by].books.agreements.agreement.terms.digest,
        "asker": who.did,
        "analyst": who.analyst.multikey,
        "purpose": "prevalence",
        "groups": ({"column": "gender"},),
        "receivers": (who.did,),
        "expires": (now + timedelta(days=2)).replace(microsecond=0),
    }
    plan = Plan(**(usual | changed))
    document = {**plan.document(), "proof": proof_of(plan.digest, who.signer, who.did, now)}
    return await to.plans.take_plan(document)


def said(space: Space, by: int, plan: Plan, kind: str, *, before: float = 0) -> Json:
    """A decision of a node, signed so many seconds ago."""
    who, at = space.nodes[by].books.identity, space.outside.clock.now()
    at -= timedelta(seconds=before)
    about: dict[str, Any] = {"plan": plan.digest, "organisation": who.did, "made": at}
    made: Approval | Refusal | Withdrawal
    if kind == "yes":
        until = at + timedelta(days=1)
        made = Approval(**about, duty=Duty.DATA, until=until, nonce=fresh_tag())
    elif kind == "no":
        made = Refusal(**about, duty=Duty.DATA, reason="later")
    else:
        made = Withdrawal(**about)
    return sign(made, who.signer, who.did, at)


async def test_a_list_verifies_nothing_and_reads_decisions_again_only_if_there_are_more(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = space.nodes[1]
    plans = [await told(space, 0, f"Plan {number}", node) for number in range(3)]
    for plan in plans:
        for number in range(20):
            await node.plans.take_decision(said(space, 0, plan, "no", before=number))
    verified: list[str] = []
    read: list[str] = []
    really, decisions = proof.verify_proof_over, node.books.keeping.decisions

    def counting(*given: Any) -> None:
        verified.append("one")
        really(*given)

    async def reading(digest: str) -> Any:
        read.append(digest)
        return await decisions(digest)

    monkeypatch.setattr(signatures, "verify_proof_over", counting)
    monkeypatch.setattr(node.books.keeping, "decisions", reading)
    views = Views(node)
    first = await views.plans()
    # of the agreement alone, once
    assert len(verified) <= len(space.terms.participants)
    assert sorted(read) == sorted(each.digest for each in plans)
    verified.clear()
    read.clear()
    assert await views.plans() == first
    assert (verified, read) == ([], [])
    await node.plans.take_decision(said(space, 0, plans[1], "stop"))
    verified.clear()
    again = await views.plans()
    assert (verified, read) == ([], [plans[1].digest])
    assert _states(again)["Plan 1"] == PlanState.WITHDRAWN
    # approving and running still believe no list
    await views.plan(plans[0].digest)
    assert len(verified) >= 20


def _states(listed: Json) -> dict[str, str]:
    return {each["title"]: each["state"] for each in listed["items"]}


async def test_the_list_says_what_the_plans_own_page_says(space: Space) -> None:
    node, holders = space.nodes[0], range(len(space.holders))
    yes = ("yes",)
    words: dict[str, dict[int, tuple[str, ...]]] = {
        "nobody": {},
        "one": {0: yes},
        "all": dict.fromkeys(holders, yes),
        "refused": {**dict.fromkeys(holders, yes), 1: ("yes", "no")},
        "again": {**dict.fromkeys(holders, yes), 1: ("no", "yes")},
        "withdrawn": {**dict.fromkeys(holders, yes), 1: ("yes", "stop")},
        "last": {**dict.fromkeys(holders, yes), 1: ("yes", "stop", "no")},
    }
    views, plans = Views(node), {}
    for title, decided in words.items():
        plan = plans[title] = await told(space, 1, title, node)
        for by, kinds in decided.items():
            for at, kind in enumerate(kinds):
                ago = 10.0 - at
                await node.plans.take_decision(said(space, by, plan, kind, before=ago))
    listed = await views.plans()
    pages = {title: (await views.plan(plan.digest))["state"] for title, plan in plans.items()}
    assert _states(listed) == pages
    assert set(pages.values()) == {"waiting", "approved", "refused", "withdrawn"}
    assert [each["title"] for each in listed["waiting"]] == ["nobody"]


async def test_an_approval_that_ends_is_over_in_the_list_too(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await space.approved(space.draft(), days=1)
    assert not (await Views(space.nodes[0]).plans())["waiting"]
    views, clock = Views(space.nodes[0]), space.outside.clock
    assert (await views.plans())["items"][0]["state"] == PlanState.APPROVED
    later = clock.now() + timedelta(days=1, hours=1)
    monkeypatch.setattr(type(clock), "now", lambda _: later)
    assert (await views.plans())["items"][0]["state"] == PlanState.WAITING
    assert (await views.plan(digest))["state"] == PlanState.WAITING
    (again,) = (await views.plans())["waiting"]  # and has to be given anew
    assert again["waits"]


async def test_plans_are_leafed_through_and_of_each_asker_some_wait_on_top(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_list, "PAGE", 4)
    newest = plan_list._NEWEST.limit(5)
    monkeypatch.setattr(plan_list, "_NEWEST", newest)
    monkeypatch.setattr(plan_list, "_BEFORE", plan_list._BEFORE.limit(5))
    node = space.nodes[2]
    await told(space, 1, "Of another", node)
    for number in range(plan_list.MOST_WAITING + 3):
        await told(space, 0, f"Plan {number:02}", node)
    views, seen, before = Views(node), [], None
    for _ in range(10):
        listed = await views.plans(before)
        assert len(listed["items"]) <= 4
        seen += [each["title"] for each in listed["items"]]
        waiting = [each["title"] for each in listed["waiting"]]
        assert waiting[-1] == "Of another"  # on every page, whatever the other asks
        assert len(waiting) == plan_list.MOST_WAITING + 1
        before = listed["older"]
        if before is None:
            break
    number = plan_list.MOST_WAITING + 3
    assert seen == [*(f"Plan {each:02}" for each in reversed(range(number))), "Of another"]
    with pytest.raises(NotFound):
        await views.plans("zUnknown")
    assert not (await Views(space.nodes[-1]).plans())["waiting"]  # it decides nothing


async def test_a_line_holds_what_a_list_shows(space: Space) -> None:
    await told(space, 0, "Plan", space.nodes[1])
    (line,) = (await Views(space.nodes[1]).plans())["items"]
    shown = {"digest", "title", "asker", "question", "state", "waits", "results"}
    assert set(line) == shown


async def test_a_question_that_is_not_known_any_more_does_not_end_the_desk(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = space.nodes[1]
    await told(space, 0, "Of then", node)
    known = dict(node.gate._questions)
    del known["counts"]
    monkeypatch.setattr(node.gate, "_questions", known)
    states = _states(await Views(node).plans())
    assert states["Of then"] == PlanState.UNKNOWN
    async with signed_in_at(space, node, *EVERYTHING) as browser:
        for path in ("/", "/at/own"):
            assert (await browser.open(path)).status_code == 200
            assert SAY("state.unknown") in browser.shown


async def test_a_new_version_that_is_not_signed_yet_does_not_end_the_list(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = space.nodes[0]
    await space.approved(space.draft())
    agreements = node.books.agreements
    offered = Agreement(agreements.agreement.terms, State.OFFERED)
    monkeypatch.setattr(agreements, "_current", offered)
    (line,) = (await Views(node).plans())["items"]
    assert line["state"] == PlanState.WAITING


async def test_a_plan_waits_until_every_duty_of_the_organisation_is_done(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = space.nodes[1]
    plan = await told(space, 0, "Of links", node)
    await node.plans.take_decision(said(space, 1, plan, "yes"))
    assert not (await Views(node).plans())["waiting"]
    monkeypatch.setattr(node.plans, "duties", lambda _: (Duty.DATA, Duty.LEGAL))
    (line,) = (await Views(node).plans())["waiting"]
    assert (line["title"], line["waits"]) == ("Of links", True)
