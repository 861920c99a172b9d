"""Attacks that a visitor tries for real: plans that nodes refuse, and what each node says.

Nothing is played: each is sent to the sandbox's nodes by the officer API like any plan, and
what is shown is what they answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from controllers.dataspace.console.asking import filled, plan_of
from controllers.dataspace.console.deciding import approve_at
from controllers.dataspace.console.entry import Visitor, words_of
from controllers.dataspace.console.nodes import NodeClient
from controllers.dataspace.console.questions import Offered, questions_at
from controllers.dataspace.console.routes import UNFINISHED, words_at
from controllers.dataspace.console.words import Words
from core.errors import HavenError, NodeRefused, NotFound

_DAYS = 7
_RUN_SECONDS = 60
_LOOK_SECONDS = 0.3
_FEW_DAYS = 3
_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Said:
    """What one node (or, of a run, all) answered. `refused` is None where nothing was."""

    who: str
    what: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class Hand:
    """A visitor at the node that the attack starts from."""

    visitor: Visitor
    node: NodeClient
    about: Mapping[str, Any]
    words: Words

    @classmethod
    async def of(cls, visitor: Visitor) -> Hand:
        """At the first place of the visitor's that holds data."""
        for place in visitor.session.places:
            node = visitor.node(place)
            about = await node.get("/node")
            if about["holds_data"]:
                return cls(visitor, node, about, await words_at(visitor, node))
        raise NotFound("There is no organisation with cases here")

    async def plan(self, title: str, *engines: str) -> tuple[Offered, dict[str, Any]]:
        """The example of the first question of one of these engines, as a plan's body."""
        for each in await questions_at(self.node):
            if each.engine in engines and each.filters.names:
                body = plan_of(filled(each, self.about, self.words), each, self.words)
                purpose = body["purpose"] or next(iter(self._purposes()), "")
                return each, {**body, "title": self.visitor.say(title), "purpose": purpose}
        raise NotFound("There is no such question here")

    def _purposes(self) -> list[str]:
        found: list[str] = list(self.about["agreement"].get("purposes") or ())
        return found

    async def send(self, plan: Mapping[str, Any], what: str) -> tuple[Said, str | None]:
        """Send it: what the own node says, and the plan's digest if it took it."""
        name = str(self.about["name"])
        try:
            view = await self.node.post("/plans", plan)
        except NodeRefused as err:
            return Said(name, what, words_of(self.visitor.language, err)), None
        if not view["gate"]["admitted"]:
            return Said(name, what, self.refusal(view["gate"]["refused"])), None
        return Said(name, what, None), str(view["digest"])

    def refusal(self, code: str) -> str:
        """A gate's code in words."""
        return self.words.said("refused", code)

    async def others(self, digest: str, what: str) -> list[Said]:
        """What the gates of the other nodes that this visitor may look at said."""
        said = []
        for place, name in await self.visitor.desks():
            if place == self.node.place:
                continue
            view = await self.visitor.node(place).get(f"/plans/{digest}")
            gate = view["gate"]
            refused = None if gate["admitted"] else self.refusal(gate["refused"])
            said.append(Said(name, what, refused))
        return said

    async def approve_everywhere(self, digest: str) -> None:
        """At each desk of the visitor's own."""
        for place in self.visitor.session.places:
            await approve_at(self.visitor.node(place), digest, _DAYS)


type Attack = Callable[[Hand], Awaitable[list[Said]]]


async def one_person(hand: Hand) -> list[Said]:
    """A list that can name a few people at most: those of one week."""
    say = hand.visitor.say
    question, plan = await hand.plan("tour.one-person.plan", "ring", "owners")
    first = _sample_day(hand)
    last = first + timedelta(days=_A_WEEK - 1)
    column = _date_column(hand, question)
    plan["filters"] = [{"column": column, "first": first.isoformat(), "last": last.isoformat()}]
    said, digest = await hand.send(plan, say("tour.sent"))
    return [said, *(await hand.others(digest, say("tour.received")) if digest else [])]


def _sample_day(hand: Hand) -> date:
    day = hand.visitor.console.sample_day
    if day is None:
        raise NotFound("Only made-up cases are attacked")
    return day


async def low_threshold(hand: Hand) -> list[Said]:
    """A threshold of two, which the agreement does not allow."""
    _, plan = await hand.plan("tour.low-threshold.plan", "shares")
    plan["threshold"] = 2
    return [(await hand.send(plan, hand.visitor.say("tour.sent")))[0]]


async def two_plans(hand: Hand) -> list[Said]:
    """An answer about all until a day, and then all but those of the last few days before."""
    say = hand.visitor.say
    question, plan = await hand.plan("tour.two-plans.plan", "shares")
    column, last = _date_column(hand, question), _sample_day(hand)
    plan["filters"] = [{"column": column, "last": last.isoformat()}]
    plan["groups"] = _other_groups(hand, question)
    first, digest = await hand.send(plan, say("tour.two-plans.first"))
    if digest is None:
        return [first]
    await hand.approve_everywhere(digest)
    run = await _run(hand, digest)
    if run.refused:
        return [first, run]
    before = (last - timedelta(days=_FEW_DAYS)).isoformat()
    changed = {**plan, "filters": [{"column": column, "last": before}]}
    second, digest = await hand.send(changed, say("tour.two-plans.second"))
    others = await hand.others(digest, say("tour.two-plans.second")) if digest else []
    return [first, run, second, *others]


def _other_groups(hand: Hand, question: Offered) -> list[dict[str, str]]:
    """Not the example's: a visitor has asked that before, and the first question of an attack
    would be refused already."""
    usual = {each["column"] for each in question.example.get("groups") or ()}
    codes = [each for each in question.groups.names if hand.words.kind(each) == "code"]
    return [{"column": each} for each in codes if each not in usual][:1]


async def changed_plan(hand: Hand) -> list[Said]:
    """A plan is approved; the run that is asked for is of another one."""
    say = hand.visitor.say
    _, plan = await hand.plan("tour.changed-plan.plan", "shares")
    first, digest = await hand.send(plan, say("tour.changed-plan.first"))
    if digest is None:
        return [first]
    await hand.approve_everywhere(digest)
    changed = {**plan, "runs": plan["runs"] + 1}
    second, other = await hand.send(changed, say("tour.changed-plan.second"))
    if other is None:
        return [first, second]
    given = _approved(await hand.node.get(f"/plans/{digest}"))
    carried = _approved(await hand.node.get(f"/plans/{other}"))
    counted = say("tour.changed-plan.counted", given=given, carried=carried)
    try:
        await hand.node.post(f"/plans/{other}/run")
        tried = Said(str(hand.about["name"]), counted, None)
    except HavenError as err:
        tried = Said(str(hand.about["name"]), counted, words_of(hand.visitor.language, err))
    return [first, second, tried]


ATTACKS: Mapping[str, Attack] = {
    "one-person": one_person,
    "two-plans": two_plans,
    "low-threshold": low_threshold,
    "changed-plan": changed_plan,
}
NEED_ALL = frozenset(("two-plans",))  # somebody has to approve at every organisation


async def _run(hand: Hand, digest: str) -> Said:
    """Run the first plan to its end, so that there is an answer to hold another against."""
    say, name = hand.visitor.say, str(hand.about["name"])
    what = say("tour.two-plans.run")
    try:
        tag = (await hand.node.post(f"/plans/{digest}/run"))["tag"]
        async with asyncio.timeout(_RUN_SECONDS):
            run = await _ended(hand.node, tag)
    except HavenError as err:
        return Said(name, what, words_of(hand.visitor.language, err))
    except TimeoutError:
        return Said(name, what, say("tour.too-long"))
    if run["state"] != "failed":
        return Said(name, what, None)
    return Said(name, what, hand.refusal((run.get("failure") or {}).get("code", "internal")))


async def _ended(node: NodeClient, tag: str) -> Mapping[str, Any]:
    while True:
        run: Mapping[str, Any] = await node.get(f"/runs/{tag}")
        if run["state"] not in UNFINISHED:
            return run
        await asyncio.sleep(_LOOK_SECONDS)


def _approved(view: Mapping[str, Any]) -> int:
    return sum(each["state"] == "approved" for each in view["approvals"])


def _date_column(hand: Hand, question: Offered) -> str:
    for column in question.filters.names:
        if hand.words.kind(column) == "date":
            return column
    raise NotFound("This question cannot be narrowed to days")
