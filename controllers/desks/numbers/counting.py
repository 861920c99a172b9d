"""Counting what an organisation issued and checked, by week and by place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select

from controllers.desks.numbers.publishing import Counts
from controllers.issuer.rows import State
from controllers.moment import now
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import Check, Issuance

_ISSUED, _CHECK = table_of(Issuance), table_of(Check)
_GIVEN = (State.ISSUED.value, State.SENT.value)
_CARDS = select(
    _ISSUED.c.credential, _ISSUED.c.state, _ISSUED.c.place_id, _ISSUED.c.created_at
).where(
    _ISSUED.c.organisation_id == bindparam("organisation"),
    _ISSUED.c.created_at >= bindparam("since"),
    _ISSUED.c.created_at < bindparam("until"),
)
_WITHDRAWN = select(_ISSUED.c.revoked_at).where(
    _ISSUED.c.organisation_id == bindparam("organisation"),
    _ISSUED.c.revoked_at >= bindparam("since"),
    _ISSUED.c.revoked_at < bindparam("until"),
)
_CHECKS = select(
    _CHECK.c.name, _CHECK.c.verdict, _CHECK.c.result, _CHECK.c.place_id, _CHECK.c.created_at
).where(
    _CHECK.c.organisation_id == bindparam("organisation"),
    _CHECK.c.created_at >= bindparam("since"),
    _CHECK.c.created_at < bindparam("until"),
    _CHECK.c.verdict.is_not(None),
)


class Numbers:
    """Counts for one organisation; only whole weeks that are past."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, organisation_id: str, weeks: int) -> Counts:
        """The last so many weeks, Monday to Sunday (UTC)."""
        mondays = last_weeks(now(), weeks)
        asked = {
            "organisation": organisation_id,
            "since": _midnight(mondays[0]),
            "until": _midnight(mondays[-1] + timedelta(weeks=1)),
        }

        def read(steps: Steps) -> tuple[Sequence[Row[Any]], ...]:
            return tuple(steps.rows(each, **asked) for each in (_CARDS, _WITHDRAWN, _CHECKS))

        cards, withdrawn, checks = await self._database.read(read)
        given = [each for each in cards if each.state in _GIVEN]
        return Counts(
            weeks=mondays,
            issued={
                name: _by_week(mondays, (each.created_at for each in of_name))
                for name, of_name in _grouped(given, "credential").items()
            },
            withdrawn=_by_week(mondays, (each.revoked_at for each in withdrawn)),
            checks={
                (name, verdict): _by_week(mondays, (each.created_at for each in of_verdict))
                for name, of_name in _grouped(checks, "name").items()
                for verdict, of_verdict in _grouped(of_name, "verdict").items()
            },
            reasons=dict(sorted(_reasons(checks).items())),
            places=_places(given, checks),
        )


def last_weeks(at: datetime, weeks: int) -> tuple[date, ...]:
    """The Mondays of the last whole weeks before a moment, oldest first."""
    this = at.date() - timedelta(days=at.weekday())
    return tuple(this - timedelta(weeks=back) for back in range(weeks, 0, -1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _grouped(rows: Iterable[Row[Any]], column: str) -> dict[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row._mapping[column]].append(row)
    return dict(sorted(found.items()))


def _by_week(mondays: Sequence[date], moments: Iterable[datetime]) -> tuple[int, ...]:
    counted = Counter(each.date() - timedelta(days=each.weekday()) for each in moments)
    return tuple(counted[monday] for monday in mondays)


def _reasons(checks: Iterable[Row[Any]]) -> Counter[str]:
    """Why checks were refused; a reason counts once for each check."""
    return Counter(
        reason
        for check in checks
        for reason in {
            each["reason"] for each in check.result or [] if each["outcome"] == "failed"
        }
    )


def _places(
    cards: Iterable[Row[Any]], checks: Iterable[Row[Any]]
) -> dict[str | None, tuple[int, int]]:
    given = Counter(each.place_id for each in cards)
    made = Counter(each.place_id for each in checks)
    return {place: (given[place], made[place]) for place in {**given, **made}}
