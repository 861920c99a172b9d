"""The console's pages where an organisation decides about a plan: read it, say yes or no."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from controllers.dataspace.console.asking import whole
from controllers.dataspace.console.entry import (
    AtConsole,
    Door,
    Fields,
    Sent,
    SpaceRoute,
    Visitor,
    go,
    words_of,
)
from controllers.dataspace.console.nodes import NodeClient
from controllers.dataspace.console.questions import question_or_none
from controllers.dataspace.console.routes import Id, Name, Place, names_of, words_at
from controllers.dataspace.console.words import day, minute
from core.clock import SystemClock
from core.errors import NodeRefused, NotFound

router = APIRouter(route_class=SpaceRoute, include_in_schema=False)

_OPEN = ("waiting", "expired")  # what can be approved, for the first time or again
_REASONS = ("purpose", "too-much", "law", "later")
_APPROVED_DAYS = 14  # that an approval lasts, if the agreement lets it; the button says so


@router.get("/at/{place}/plans/{digest}")
async def plan(visitor: AtConsole, place: Place, digest: Id) -> HTMLResponse:
    """A plan as this organisation sees it: checks, what it would reveal, who has approved."""
    return await plan_page(visitor, place, digest)


async def plan_page(
    visitor: Visitor, place: str, digest: str, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    """The page of a plan, with what went wrong just now, if something did."""
    node = visitor.node(place)
    about = await node.get("/node")
    view = await node.get(f"/plans/{digest}")
    names = names_of(about)
    now, ends = SystemClock().now(), datetime.fromisoformat(view["plan"]["expires"])
    longest = int(about["agreement"]["limits"]["longest_days"])
    # the day on which the plan ends anyhow is the last that means something
    days = max(1, min(_APPROVED_DAYS, longest, (ends - now).days + 1))
    return await visitor.page(
        "plan.html",
        status,
        at=place,
        node=about,
        view=view,
        plan=view["plan"],
        own=[each for each in view["approvals"] if each["did"] == about["did"]],
        waiting=[each for each in view["approvals"] if each["state"] in _OPEN],
        question=await question_or_none(node, view["plan"]["operation"]),
        words=await words_at(visitor, node),
        names=names,
        also_sees=[names.get(each, each) for each in view["reveals"].get("also_sees", ())],
        reasons=_REASONS,
        days=days,
        until=day(min(now + timedelta(days=days), ends) if ends > now else ends),
        problem=problem,
        minute=minute,
        day=day,
    )


@router.post("/at/{place}/plans/{digest}/{step}")
async def step(
    visitor: AtConsole, place: Place, digest: Id, step: Name, fields: Sent
) -> Response:
    """Approve, refuse, withdraw or run."""
    steps = {"approve": _approve, "refuse": _refuse, "withdraw": _withdraw, "run": _run}
    if step == "approve-all":
        await _approve_everywhere(visitor, digest, fields)
        return go(f"/at/{place}/plans/{digest}")
    if step not in steps:
        raise NotFound("There is no such step")
    try:
        return go(await steps[step](visitor.node(place), place, digest, fields))
    except NodeRefused as err:
        problem = words_of(visitor.language, err)
        return await plan_page(visitor, place, digest, problem=problem, status=err.status)


@router.get("/at/{place}/plans/{digest}/{step}")
async def after_step(visitor: AtConsole, place: Place, digest: Id, step: Name) -> Response:
    """The plan, for who chose another language where a step had failed."""
    visitor.node(place)
    return visitor.back(f"/at/{place}/plans/{digest}")


async def _approve(node: NodeClient, place: str, digest: str, fields: Fields) -> str:
    body = {"duty": fields.one("duty", "data"), "days": whole(fields, "days")}
    await node.post(f"/plans/{digest}/approve", body)
    return f"/at/{place}/plans/{digest}"


async def _refuse(node: NodeClient, place: str, digest: str, fields: Fields) -> str:
    body = {"duty": fields.one("duty", "data"), "reason_code": fields.one("reason", "later")}
    await node.post(f"/plans/{digest}/refuse", body)
    return f"/at/{place}/plans/{digest}"


async def _withdraw(node: NodeClient, place: str, digest: str, _fields: Fields) -> str:
    await node.post(f"/plans/{digest}/withdraw")
    return f"/at/{place}/plans/{digest}"


async def _run(node: NodeClient, place: str, digest: str, _fields: Fields) -> str:
    return f"/at/{place}/runs/{(await node.post(f'/plans/{digest}/run'))['tag']}"


async def _approve_everywhere(visitor: Visitor, digest: str, fields: Fields) -> None:
    """At each desk of a sandbox of one's own: each node signs by itself, with its own key."""
    if visitor.console.door is not Door.LINK:
        raise NotFound("Each organisation's own people approve for it")
    for place in visitor.session.places:
        await approve_at(visitor.node(place), digest, whole(fields, "days"))


async def approve_at(node: NodeClient, digest: str, days: int) -> None:
    """Give every approval that waits for this node's organisation. Raises NodeRefused."""
    did = (await node.get("/node"))["did"]
    for each in (await node.get(f"/plans/{digest}"))["approvals"]:
        if each["did"] == did and each["state"] in _OPEN:
            body = {"duty": each["duty"], "days": days}
            await node.post(f"/plans/{digest}/approve", body)
