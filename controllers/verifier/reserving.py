"""Once in each period: what an accepted check reserves, and gives back.

The reference itself is not kept, only a keyed digest of it. A reservation is made in the
transaction of the verdict; the desk gives it back when its till failed after the verdict.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.models import Check, Reservation
from controllers.verifier.judging import Case, Judgement
from core.errors import Conflict
from governance.checks import CheckResult

_KEPT = timedelta(days=32)  # longer than the longest period, a month
_USED = "This was used already in this period."
_RESERVED = "Reserved now; it can be used once in this period."


async def reserve(
    session: AsyncSession, seal: Seal, check: Check, case: Case, judgement: Judgement
) -> tuple[CheckResult, ...]:
    """Reserve once per reference and period, in the transaction of the verdict."""
    once, shown = case.plan.once, judgement.shown
    if once is None or shown is None or not judgement.in_order:
        return ()
    by_label = {each.label: each.revealed for each in shown.credentials}
    reservation = Reservation(
        pseudonym=seal.pseudonym(by_label[once.by.label][once.by.attribute]),
        period=once.period(case.answered_at),
        check_id=check.id,
        amount=once.amount or 0,
        period_ends=now() + _KEPT,
    )
    try:
        async with session.begin_nested():
            session.add(reservation)
    except IntegrityError:
        return (_result("failed", "used-already", _USED),)
    return (_result("passed", "ok", _RESERVED),)


async def release(session: AsyncSession, check_id: str) -> None:
    """Give back what a check reserved. Raises Conflict if it holds nothing."""
    released = await session.execute(
        delete(Reservation).where(Reservation.check_id == check_id)
    )
    if not released.rowcount:  # type: ignore[attr-defined] # a DELETE has one
        raise Conflict("This check has reserved nothing, or it was released already")


async def forget_past(session: AsyncSession) -> None:
    """Remove the reservations whose period is over."""
    await session.execute(delete(Reservation).where(Reservation.period_ends < now()))


def _result(outcome: Any, reason: str, explanation: str) -> CheckResult:
    return CheckResult(name="once", outcome=outcome, reason=reason, explanation=explanation)
