"""Once in each period: what an accepted check reserves, and gives back.

The reference itself is not kept, only a keyed digest of it. A reservation is made in the
transaction of the verdict; the desk gives it back when its till failed after the verdict.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, delete

from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.brief import Steps, table_of
from controllers.store.models import Check, Reservation
from controllers.verifier.judging import Case, Judgement
from core.errors import Conflict
from governance.checks import CheckResult

_ROW = table_of(Reservation)
_RELEASE = delete(_ROW).where(_ROW.c.check_id == bindparam("of_check"))
_PAST = delete(_ROW).where(_ROW.c.period_ends < bindparam("until"))
_KEPT = timedelta(days=32)  # longer than the longest period, a month
_USED = "This was used already in this period."
_RESERVED = "Reserved now; it can be used once in this period."


def reserve(
    steps: Steps, seal: Seal, check: Check, case: Case, judgement: Judgement
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
    if not steps.add_unless_there(reservation):
        return (_result("failed", "used-already", _USED),)
    return (_result("passed", "ok", _RESERVED),)


def release(steps: Steps, check_id: str) -> None:
    """Give back what a check reserved. Raises Conflict if it holds nothing."""
    if not steps.change(_RELEASE, of_check=check_id):
        raise Conflict("This check has reserved nothing, or it was released already")


def forget_past(steps: Steps) -> None:
    """Remove the reservations whose period is over."""
    steps.change(_PAST, until=now())


def _result(outcome: Any, reason: str, explanation: str) -> CheckResult:
    return CheckResult(name="once", outcome=outcome, reason=reason, explanation=explanation)
