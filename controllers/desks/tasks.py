"""What waits: for a colleague's agreement, for a holder who wants to move, for a wallet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse

from controllers.desks.entry import Desk, DeskRoute, Sent, with_duty
from controllers.desks.issued import Line, lines_of, title_of, withdraw_now
from controllers.desks.issuing import issue_agreed, values_in_words
from controllers.issuer.moving import MOVE_ASKED
from controllers.issuer.rows import OPEN
from controllers.paging import RowId, page
from controllers.staff.kinds import RESTS_ON
from controllers.staff.options import Option
from controllers.staff.people import Duty
from controllers.staff.proposals import Kind, Proposed, State, agree_within
from controllers.store.brief import Steps
from controllers.store.models import Issuance
from core.errors import Forbidden
from credential_defs import load_all

router = APIRouter(prefix="/desk/tasks", route_class=DeskRoute, include_in_schema=False)

AtTasks = Annotated[Desk, Depends(with_duty(Duty.ISSUE, Duty.REVOKE, Duty.ADMINISTER))]

_MOST = 50


@dataclass(frozen=True, slots=True)
class Task:
    """A proposal as the list shows it."""

    proposed: Proposed
    by: str
    about: str
    is_own: bool
    can_agree: bool


@router.get("")
async def tasks(desk: AtTasks) -> HTMLResponse:
    """Everything that waits and that this person has to do with."""
    moving: list[Issuance] = []
    waiting: list[Issuance] = []
    if {Duty.ISSUE, Duty.REVOKE} & desk.who.duties:
        database, organisation = desk.house.database, desk.organisation.id
        moving, _ = await page(database, Issuance, organisation, _MOST, None, only=MOVE_ASKED)
        still = (Issuance.state.in_(sorted(state.value for state in OPEN)),)
        waiting, _ = await page(database, Issuance, organisation, _MOST, None, only=still)
    moves = [each for each in await lines_of(desk, moving) if each.replaced_by is None]
    return desk.page(
        "tasks.html",
        tasks=await _tasks(desk),
        moves=moves,
        waiting=await lines_of(desk, waiting),
    )


@router.get("/{proposal_id}")
async def one(desk: AtTasks, proposal_id: RowId) -> HTMLResponse:
    """What is asked for, exactly; only who may agree to it sees what stands in it."""
    proposed = await desk.house.desks.proposals.one(desk.organisation.id, proposal_id)
    task = await _task(desk, proposed, await _names(desk))
    involved = task.is_own or RESTS_ON[proposed.kind] in desk.who.duties
    if not involved:
        raise Forbidden("This is for somebody with another task", code="duty-needed")
    return desk.page(
        "tasks_one.html",
        task=task,
        is_open=proposed.content is not None,
        is_agreeing=proposed.state is State.AGREEING,
        told=_told(desk, proposed),
        reference=(proposed.content or {}).get("reference"),
        line=await _subject(desk, proposed),
    )


@router.post("/{proposal_id}/agree")
async def agree(desk: AtTasks, proposal_id: RowId, _sent: Sent) -> Response:
    """Agree, and do it at once. Raises Forbidden, Conflict."""
    proposals, organisation = desk.house.desks.proposals, desk.organisation.id
    proposed = await proposals.one(organisation, proposal_id)
    desk.who.needs(RESTS_ON[proposed.kind])
    person = desk.who.person_id
    proposed = await proposals.to_agree(organisation, proposal_id, by=person)
    match proposed.kind:
        case Kind.ISSUE:
            return await issue_agreed(desk, proposed)
        case Kind.OPTION:
            return await _turn_agreed(desk, proposed)
        case Kind.WITHDRAW:
            await proposals.begin(proposed)
            because = str((proposed.content or {})["because"])
            answer = await withdraw_now(desk, proposed.subject_id or "", because)
            await proposals.agree(organisation, proposal_id, by=person)
            return answer


@router.post("/{proposal_id}/decline")
async def decline(desk: AtTasks, proposal_id: RowId, _sent: Sent) -> Response:
    """Do not do it; or take back what one asked for oneself."""
    proposals, organisation = desk.house.desks.proposals, desk.organisation.id
    proposed = await proposals.one(organisation, proposal_id)
    if proposed.proposed_by != desk.who.person_id:
        desk.who.needs(RESTS_ON[proposed.kind])
    await proposals.decline(organisation, proposal_id, by=desk.who.person_id)
    return desk.go("/desk/tasks")


async def _turn_agreed(desk: Desk, proposed: Proposed) -> Response:
    """Turn an option off, in one unit of work with the agreement."""
    content, organisation, by = proposed.content or {}, desk.organisation.id, desk.who.person_id

    def agreed(steps: Steps, _option: str) -> None:
        agree_within(steps, organisation, proposed, by=by)

    await desk.house.desks.options.turn(
        organisation, Option(content["option"]), on=bool(content["on"]), by=by, beside=agreed
    )
    return desk.go("/desk/organisation")


async def _tasks(desk: Desk) -> list[Task]:
    names = await _names(desk)
    found = [
        await _task(desk, each, names)
        for each in await desk.house.desks.proposals.open(desk.organisation.id)
    ]
    return [
        each for each in found if each.is_own or RESTS_ON[each.proposed.kind] in desk.who.duties
    ]


async def _task(desk: Desk, proposed: Proposed, names: dict[str, str]) -> Task:
    is_own = proposed.proposed_by == desk.who.person_id
    return Task(
        proposed=proposed,
        by=names.get(proposed.proposed_by, ""),
        about=_about(desk, proposed),
        is_own=is_own,
        can_agree=not is_own and RESTS_ON[proposed.kind] in desk.who.duties,
    )


def _about(desk: Desk, proposed: Proposed) -> str:
    content: dict[str, Any] = proposed.content or {}
    match proposed.kind:
        case Kind.ISSUE:
            return title_of(str(content.get("credential", "")), desk.language)
        case Kind.WITHDRAW:
            because = content.get("because")
            return desk.say(f"issued.because.{because}") if because else ""
        case Kind.OPTION:
            option = content.get("option")
            return desk.say(f"organisation.option.{option}") if option else ""


def _told(desk: Desk, proposed: Proposed) -> list[Any]:
    """The values that somebody is to agree to."""
    content = proposed.content or {}
    definition = load_all().get(str(content.get("credential", "")))
    if proposed.kind is not Kind.ISSUE or definition is None:
        return []
    return values_in_words(definition, content["values"], desk.language)


async def _subject(desk: Desk, proposed: Proposed) -> Line | None:
    """The card that would be withdrawn: by itself, or because a new one takes its place."""
    about = proposed.subject_id or (proposed.content or {}).get("replaces")
    if not about:
        return None
    issuance = await desk.house.issuer.get(desk.organisation, str(about))
    return (await lines_of(desk, [issuance]))[0]


async def _names(desk: Desk) -> dict[str, str]:
    people = await desk.house.desks.people.all(desk.organisation.id)
    return {each.id: each.name for each in people}
