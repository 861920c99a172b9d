"""The guided tour: what a computation shows and does not, with attacks to try for real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from controllers.dataspace.console.attacks import ATTACKS, NEED_ALL, Hand, Said
from controllers.dataspace.console.entry import AtConsole, Sent, SpaceRoute, Visitor
from controllers.dataspace.console.leafing import last_entries
from controllers.dataspace.console.shares import MOST, PRIME, Shared, by_hand
from controllers.dataspace.console.words import minute
from core.errors import HavenError, InvalidInput, NotFound

router = APIRouter(prefix="/tour", route_class=SpaceRoute, include_in_schema=False)

STEPS = (
    "stays",
    "shares",
    "one-person",
    "two-plans",
    "low-threshold",
    "changed-plan",
    "evaluator",
    "limits",
)
_OWN_NUMBERS = (12, 30, 7)
_MOST_ENTRIES = 20

Step = Annotated[str, Path(pattern=r"^[a-z-]{1,32}$")]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the evaluator's node has: how many cases, and its log's last entries."""

    name: str
    cases: int
    entries: list[dict[str, object]]


@router.get("")
async def tour(visitor: AtConsole) -> HTMLResponse:
    """All steps."""
    return await visitor.page("tour.html", steps=STEPS)


@router.get("/{step}")
async def step(visitor: AtConsole, step: Step) -> HTMLResponse:
    """One step: what it is about, and what can be tried."""
    return await _step(visitor, step)


@router.post("/{step}")
async def tried(visitor: AtConsole, step: Step, fields: Sent) -> HTMLResponse:
    """Try it."""
    if step == "shares":
        return await _step(
            visitor, step, shared=by_hand([_number(fields.one(n)) for n in "abc"])
        )
    attack = ATTACKS.get(step)
    if attack is None or (visitor.console.is_hosted and step in NEED_ALL):
        raise NotFound("There is nothing to try here")
    return await _step(visitor, step, said=await attack(await Hand.of(visitor)))


async def _step(
    visitor: Visitor,
    step: str,
    *,
    said: list[Said] | None = None,
    shared: Shared | None = None,
) -> HTMLResponse:
    if step not in STEPS:
        raise NotFound("The tour has no such step")
    at = STEPS.index(step)
    return await visitor.page(
        "tour_step.html",
        step=step,
        number=at + 1,
        steps=STEPS,
        before=STEPS[at - 1] if at else None,
        after=STEPS[at + 1] if at + 1 < len(STEPS) else None,
        can_try=step in ATTACKS and not (visitor.console.is_hosted and step in NEED_ALL),
        needs_all=step in NEED_ALL and visitor.console.is_hosted,
        said=said,
        shared=shared or (by_hand(_OWN_NUMBERS) if step == "shares" else None),
        most=MOST,
        prime=PRIME,
        seen=await _evaluator(visitor) if step == "evaluator" else None,
        minute=minute,
    )


async def _evaluator(visitor: Visitor) -> Seen | None:
    """What the node without data holds, where the visitor may stand at it."""
    for place in visitor.session.places:
        node = visitor.node(place)
        try:
            about = await node.get("/node")
            if about["holds_data"]:
                continue
            entries = await last_entries(node, about, 0, _MOST_ENTRIES)
        except HavenError:
            continue
        return Seen(about["name"], about.get("cases") or 0, entries)
    return None


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) > MOST or len(text) > 6:
        raise InvalidInput("This is not a number that can be shared here")
    return int(text)
