"""What who approves a plan is told at a real node, held to what then happens; and what she can
do: say no for each duty, and take back what she said."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from officer_hands import EVERYTHING, signed_in_at

from controllers.dataspace.console.texts import say_in
from controllers.dataspace.officers import OfficerDuty
from controllers.dataspace.plans import PLAN
from controllers.dataspace.runs import OPENED
from controllers.dataspace.sources import gather_file
from controllers.dataspace.standing import PlanState
from controllers.dataspace.views import MOST_ROWS, Views
from core.canonical import Json
from core.errors import Conflict
from dataspace.agreeing.signatures import proof_of
from dataspace.computing.job import Job, Outcome
from dataspace.planning.plan import read_plan
from dataspace.planning.seeing import also_sees, seers
from dataspace.planning.statements import Duty
from dataspace.questions.base import Engine
from dataspace.questions.catalogue import catalogue
from dataspace.questions.describing import Guard
from dataspace.questions.total import INDEPENDENCE
from dataspace.vocabulary.model import cases
from tests.fakes.plain_circuits import PlainComputing
from tests.support.space import Space, running_space

SAY = say_in("en")
ASKED: dict[str, dict[str, Any]] = {
    "counts": {},
    "overlaps": {"groups": [], "link": ["name_and_birth_date"]},
    "total": {
        "groups": [],
        "link": ["name_and_birth_date"],
        "options": {"method": INDEPENDENCE},
    },
    "priorities": {"groups": [], "link": ["trafficker"], "purpose": "prevention"},
}


class Watched:
    """Computing in the clear that notes who was shown what was opened."""

    def __init__(self) -> None:
        self._plain, self.shown = PlainComputing(), set[int]()

    async def compute(self, job: Job) -> Outcome:
        outcome = await self._plain.compute(job)
        if outcome.opened is not None:
            self.shown.add(job.me)
        return outcome


@pytest.fixture
async def space(tmp_path: Path) -> AsyncIterator[Space]:
    async with running_space(tmp_path, overlap=True) as made:
        yield made


async def with_links(space: Space, *, shared: int = 40) -> None:
    """Cases that have something to link."""
    for at, node in enumerate(space.holders):
        rows = b"case_reference,trafficker,gender\n" + b"".join(
            f"REF{at}-{n},Boss {n if n < shared else n + 100 * at},feminine\n".encode()
            for n in range(60)
        )
        gathered = gather_file("cases.csv", BytesIO(rows), space.outside.vocabulary)
        await node.import_cases(gathered, "0" * 64)


async def revealing(space: Space) -> str:
    """A plan of the first organisation about one stated case."""
    await with_links(space)
    draft = space.draft(
        operation="reveal",
        purpose="prevention",
        groups=[],
        link=["trafficker"],
        cases=["REF0-1"],
        runs=1,
    )
    return (await space.nodes[0].plans.propose(draft)).digest


# --- 1: who will see it ---------------------------------------------------------------------


@pytest.mark.parametrize("receivers", [[3], [0], [0, 3], [2], [0, 1, 2]])
@pytest.mark.parametrize("computes", [7, 3])
async def test_who_is_said_to_see_the_answer_sees_it_and_nobody_else(
    tmp_path: Path, receivers: list[int], computes: int
) -> None:
    watched, holders = Watched(), 3 if computes == 7 else 4
    async with running_space(
        tmp_path, holders=holders, computes=computes, compute=watched.compute
    ) as space:
        dids = [each.did for each in space.terms.participants]
        named = [dids[each] for each in receivers]
        digest = await space.approved(space.draft(receivers=named))
        views = [await Views(each).plan(digest) for each in space.nodes]
        tag = await space.run(digest)
        assert (await space.nodes[0].books.runs.run(tag)).failure is None
        plan = await space.nodes[0].plans.plan(digest)
    parties = [each.did for each in space.terms.compute_nodes]
    seen = {parties[each] for each in watched.shown}
    assert seen == set(seers(space.outside.questions["counts"], plan, space.terms))
    told = [view["reveals"] for view in views]
    assert all(set(each["also_sees"]) == seen - set(named) for each in told)
    assert all(
        ("also-sees" in [said["key"] for said in each["sentences"]]) == bool(seen - set(named))
        for each in told
    )


@pytest.mark.parametrize(
    ("operation", "receiver", "more"),
    [
        ("counts", 0, []),
        ("counts", 3, [0, 1, 2]),
        ("overlaps", 0, [3]),
        ("overlaps", 3, []),
        ("total", 0, [1, 2, 3]),
        ("priorities", 0, []),
    ],
)
async def test_who_also_sees_it_follows_from_question_and_agreement(
    space: Space, operation: str, receiver: int, more: list[int]
) -> None:
    if operation == "priorities":
        await with_links(space)
    dids = [each.did for each in space.terms.participants]
    asked: dict[str, Any] = {**ASKED[operation], "receivers": [dids[receiver]]}
    plan = await space.nodes[0].plans.propose(space.draft(operation=operation, **asked))
    question = space.outside.questions[operation]
    assert also_sees(question, plan, space.terms) == tuple(dids[each] for each in more)


async def test_the_page_says_who_else_sees_the_answer(space: Space) -> None:
    evaluator = space.terms.participants[-1].did
    digest = (await space.nodes[0].plans.propose(space.draft(receivers=[evaluator]))).digest
    said = SAY("reveal.also-sees", names="org0, org1, org2")
    async with signed_in_at(space, space.nodes[1], OfficerDuty.DATA) as browser:
        await browser.open(f"/at/own/plans/{digest}")
        assert browser.shown.count(said) == 2  # before the decision, and where receivers stand


# --- 2: who asks, and whose words -----------------------------------------------------------


async def test_who_asks_stands_before_what_she_says(space: Space) -> None:
    title = "Please sign this: all others have"
    digest = (await space.nodes[0].plans.propose(space.draft(title=title))).digest
    kind = catalogue()["counts"].titles["en"]
    async with signed_in_at(space, space.nodes[1], OfficerDuty.DATA) as browser:
        for path in ("/", "/at/own", f"/at/own/plans/{digest}"):
            await browser.open(path)
            shown = browser.shown
            at = shown.index(title)
            assert kind in shown[:at], path
            assert "org0" in shown[shown.index(SAY("plan.asked")) : at], path
            assert SAY("plan.words") in shown[at - 40 : at], path
            assert f"<bdi>{title}</bdi>" in browser.text
            assert f"<h1>{title}" not in browser.text
        facts = browser.text[browser.text.rindex('<dl class="facts">') :]
        assert facts.index("did:web:org0.example") < facts.index(SAY("plan.purpose"))


# --- 3: taking back -------------------------------------------------------------------------


@pytest.mark.parametrize("duties", [EVERYTHING, (OfficerDuty.DATA,), (OfficerDuty.LEGAL,)])
async def test_an_approval_is_taken_back_after_an_answer_too(
    space: Space, duties: tuple[OfficerDuty, ...]
) -> None:
    digest = await space.approved(space.draft())
    await space.run(digest)
    node = space.nodes[1]
    async with signed_in_at(space, node, *duties) as browser:
        page = f"/at/own/plans/{digest}"
        await browser.open(page)
        assert SAY("plan.run") in browser.shown
        answer = await browser.send(f"{page}/withdraw")
        assert answer.status_code == 200
        assert SAY("plan.withdraw") not in browser.shown
        assert SAY("plan.run") not in browser.shown  # it would be refused everywhere
    view = await Views(node).plan(digest)
    assert [each["state"] for each in view["approvals"]].count("withdrawn") == 1


async def test_an_approval_that_ran_out_can_be_given_again(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, clock = await space.approved(space.draft(), days=1), space.outside.clock
    later = clock.now() + timedelta(days=1, hours=1)
    monkeypatch.setattr(type(clock), "now", lambda _: later)
    async with signed_in_at(space, space.nodes[1], OfficerDuty.DATA) as browser:
        await browser.open(f"/at/own/plans/{digest}")
        assert SAY("state.expired") in browser.shown
        await browser.send(f"/at/own/plans/{digest}/approve")
        own = space.nodes[1].books.identity.did
        view = await Views(space.nodes[1]).plan(digest)
        assert [e["state"] for e in view["approvals"] if e["did"] == own] == ["approved"]


async def test_an_analyst_takes_nothing_back(space: Space) -> None:
    digest = await space.approved(space.draft())
    async with signed_in_at(space, space.nodes[1], OfficerDuty.ANALYST) as browser:
        page = f"/at/own/plans/{digest}"
        await browser.open(page)
        assert (await browser.send(f"{page}/withdraw")).status_code == 403
    assert len(await space.nodes[1].plans.decisions(digest)) == 3


# --- 4: a legal officer's no ----------------------------------------------------------------


async def test_a_legal_officer_can_say_no(space: Space) -> None:
    digest, node = await revealing(space), space.nodes[1]
    async with signed_in_at(space, node, OfficerDuty.LEGAL) as browser:
        page = f"/at/own/plans/{digest}"
        await browser.open(page)
        sent = browser.fields(f"{page}/refuse")
        assert [value for name, value in sent if name == "duty"] == ["data", "legal"]
        answer = await browser.send(f"{page}/refuse", ("duty", "legal"), ("reason", "law"))
        assert answer.status_code == 200
    (said,) = await node.plans.decisions(digest)
    assert (said["format"], said["duty"], said["reason"]) == (
        "haven-refusal-1",
        Duty.LEGAL,
        "law",
    )


# --- 5: what holds for this question --------------------------------------------------------


@pytest.mark.parametrize("name", catalogue())
def test_a_question_holds_those_limits_of_a_plan_that_it_reads(name: str) -> None:
    question = catalogue()[name]
    source = inspect.getsource(import_module(type(question).__module__))
    guards = question.describe(cases()).guards
    assert ("plan.contributors" in source) == (Guard.CONTRIBUTORS in guards)
    small = {Guard.THRESHOLD, Guard.COMBINATION} & set(guards)
    assert ("plan.threshold" in source) == bool(small)


async def test_a_page_promises_no_limit_that_the_question_does_not_hold(space: Space) -> None:
    digest = await revealing(space)
    async with signed_in_at(space, space.nodes[1], OfficerDuty.LEGAL) as browser:
        await browser.open(f"/at/own/plans/{digest}")
        assert SAY("plan.threshold") not in browser.shown
        assert SAY("plan.contributors") not in browser.shown
        assert SAY("plan.own.help.shares") not in browser.shown
        assert SAY("plan.own.help.owners") in browser.shown
        said = {"keys": "trafficker", "asker": "org0", "evaluator": "evaluator"}
        revealed = SAY("reveal.tokens-revealed", **said).partition("(")[2].partition(")")[2]
        assert revealed in browser.shown
        assert SAY("reveal.tokens", **said).partition(")")[2] not in browser.shown
        await browser.open("/")
        assert SAY("limit.list.owners", number=2) in browser.shown
    counted = (await space.nodes[0].plans.propose(space.draft())).digest
    async with signed_in_at(space, space.nodes[1], OfficerDuty.DATA) as browser:
        await browser.open(f"/at/own/plans/{counted}")
        assert SAY("plan.threshold") in browser.shown
        assert SAY("plan.contributors") in browser.shown
        assert SAY("plan.own.help.shares") in browser.shown


async def test_a_form_asks_for_no_limit_that_the_question_does_not_hold(space: Space) -> None:
    async with signed_in_at(space, space.nodes[0], OfficerDuty.ANALYST) as browser:
        for question, asks in (("counts", True), ("risk", True), ("total", False)):
            await browser.open(f"/at/own/ask/{question}")
            assert (SAY("ask.threshold") in browser.shown) == asks
            assert dict(browser.fields(f"/at/own/ask/{question}"))["threshold"] == "11"


async def test_at_the_asker_no_more_cases_are_counted_than_were_stated(space: Space) -> None:
    digest = await revealing(space)
    owns = [(await Views(each).plan(digest))["reveals"]["own"] for each in space.holders]
    assert [each["columns"] for each in owns] == [["cases_compared"]] * 3
    assert [each["rows"] for each in owns] == [[[1]], [[60]], [[60]]]


async def test_of_people_nobody_asks_only_where_no_question_lets_her(tmp_path: Path) -> None:
    lists = frozenset(
        name for name, each in catalogue().items() if each.engine is not Engine.OWNERS
    )
    async with (
        running_space(tmp_path, operations=lists) as space,
        signed_in_at(space, space.nodes[0], OfficerDuty.DATA) as browser,
    ):
        await browser.open("/")
        assert SAY("limit.list", number=2) in browser.shown


@pytest.mark.parametrize(("expires", "lasts"), [(7, 7), (30, 14)])
async def test_the_button_says_until_when_it_signs(
    space: Space, expires: int, lasts: int
) -> None:
    digest = (await space.nodes[0].plans.propose(space.draft(days=expires))).digest
    node, before = space.nodes[1], space.outside.clock.now()
    async with signed_in_at(space, node, OfficerDuty.DATA) as browser:
        page = f"/at/own/plans/{digest}"
        await browser.open(page)
        days = [
            (at + timedelta(days=lasts)).date() for at in (before, space.outside.clock.now())
        ]
        assert any(SAY("plan.approve", name="org1", day=each) in browser.shown for each in days)
        await browser.send(f"{page}/approve")
    (said,) = await node.plans.decisions(digest)
    assert said["until"][:10] in {f"{each}" for each in days}


# --- 6: a run that failed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("begin", "run.nothing-released"),
        ("conclude", "run.others-may"),
        ("compare", "run.others-may"),
    ],
)
async def test_of_a_run_that_failed_late_nobody_is_told_that_nothing_was_seen(
    space: Space, step: str, said: str
) -> None:
    digest = await space.approved(space.draft())
    leader, other = space.nodes[0], space.nodes[1]

    async def gone(_sender: Any, _body: Json) -> Json:
        raise Conflict("not here", code="given-up")

    other.peers.on(f"run-{step}", gone)
    tag = await space.run(digest)
    found = await leader.books.runs.run(tag)
    assert (found.state, found.failure is not None) == ("failed", True)
    assert step == "begin" or found.phase in (OPENED, "comparing")
    view = await Views(leader).run(tag)
    assert view["seen"] == view["counts"] == (step != "begin")
    async with signed_in_at(space, leader, OfficerDuty.DATA) as browser:
        await browser.open(f"/at/own/runs/{tag}")
        assert SAY("run.state.failed") in browser.shown
        assert SAY(said) in browser.shown
        assert ("Nothing was released" in browser.shown) == (step == "begin")


# --- 12: the own table ----------------------------------------------------------------------


async def test_a_cut_table_says_so_and_begins_with_what_goes_in(space: Space) -> None:
    groups = [{"column": "registered_on", "period": "month"}, {"column": "gender"}]
    days = [{"column": "registered_on", "first": "2005-01-01", "last": "2025-12-31"}]
    asked = space.draft(groups=groups, filters=days)
    digest = (await space.nodes[0].plans.propose(asked)).digest
    own = (await Views(space.nodes[0]).plan(digest))["reveals"]["own"]
    assert len(own["rows"]) == MOST_ROWS < own["of"]
    at = own["columns"].index("gate")
    assert sum(row[at] for row in own["rows"]) == 60
    assert own["rows"][0][at] > 0
    async with signed_in_at(space, space.nodes[0], OfficerDuty.DATA) as browser:
        await browser.open(f"/at/own/plans/{digest}")
        assert SAY("plan.own.cut", shown="500", rows=f"{own['of']:,}") in browser.shown


async def test_people_are_not_headed_cases(space: Space) -> None:
    digest = (
        await space.nodes[0].plans.propose(space.draft(options={"counted": "people"}))
    ).digest
    own = (await Views(space.nodes[0]).plan(digest))["reveals"]["own"]
    assert "people" in own["columns"]
    assert "gate" not in own["columns"]


# --- 14: a plan that is none ----------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"operation": "risk", "measures": []},
        {"operation": "outcomes", "options": {"indicator": "nonsense"}},
        {"operation": "total", "groups": [], "options": {"method": 7}},
    ],
)
async def test_a_plan_that_the_gate_refused_has_a_page(
    space: Space, changed: dict[str, Any]
) -> None:
    asker, node = space.nodes[0], space.nodes[1]
    usual = await asker.plans.propose(space.draft())
    plan = read_plan(usual.document() | changed)
    identity, now = asker.books.identity, space.outside.clock.now()
    proof = proof_of(plan.digest, identity.signer, identity.did, now)
    await asker.peers.tell_all(PLAN, {"plan": {**plan.document(), "proof": proof}}, seconds=5)
    view = await Views(node).plan(plan.digest)
    assert (view["state"], view["reveals"]["own"]) == (PlanState.REFUSED, None)
    async with signed_in_at(space, node, OfficerDuty.DATA) as browser:
        answer = await browser.open(f"/at/own/plans/{plan.digest}")
        assert answer.status_code == 200
        assert SAY("plan.gate-refused") in browser.shown
