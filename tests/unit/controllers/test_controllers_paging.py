"""Pages: put together they are all rows in order, whatever is inserted meanwhile."""

from __future__ import annotations

import base64
import contextlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controllers.paging import page
from controllers.store.database import Database
from controllers.store.models import Check, Organisation
from core.errors import InvalidInput

_UNICODE = st.characters(codec="utf-8")
THEN = datetime(2026, 1, 1, tzinfo=UTC)


async def organisation(database: Database) -> str:
    made = Organisation(
        id=str(uuid.uuid4()),
        slug=f"s-{uuid.uuid4().hex}",
        label="House",
        wallet_id="w",
        token_issued_at=0,
        created_at=THEN,
    )
    async with database.transaction() as session:
        session.add(made)
    return made.id


async def add(database: Database, organisation_id: str, seconds: Sequence[int]) -> list[Check]:
    rows = [
        Check(
            id=str(uuid.uuid4()),
            organisation_id=organisation_id,
            name="shelter",
            parameters={},
            framework_version=1,
            state="waiting",
            created_at=THEN + timedelta(seconds=each),
            updated_at=THEN,
            expires_at=THEN,
        )
        for each in seconds
    ]
    async with database.transaction() as session:
        session.add_all(rows)
    return rows


def newest_first(rows: Sequence[Check]) -> list[str]:
    return [
        row.id for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)
    ]


# the engine of a fixture may be used by many examples: each works on an organisation of its own
@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    seconds=st.lists(st.integers(0, 5), max_size=12),
    size=st.integers(1, 5),
    later=st.lists(st.integers(6, 9), max_size=3),
)
async def test_pages_are_all_rows_in_order_although_newer_ones_arrive(
    database: Database, seconds: list[int], size: int, later: list[int]
) -> None:
    mine, other = await organisation(database), await organisation(database)
    rows = await add(database, mine, seconds)
    await add(database, other, [3])
    found: list[str] = []
    cursor: str | None = None
    while True:
        some, cursor = await page(database, Check, mine, size, cursor)
        assert len(some) <= size
        found += [row.id for row in some]
        if cursor is None:
            break
        await add(database, mine, later)
    assert found == newest_first(rows)


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "é",
        "a" * 5,
        cursor_of("|"),
        cursor_of("2026-01-01T00:00:00|x"),
        cursor_of("yesterday|x"),
        cursor_of("0001-01-01T00:00:00+14:00|0"),
        cursor_of("9999-12-31T23:59:59-14:00|0"),
        cursor_of("2026-01-01T00:00:00+00:00|\x00"),
        cursor_of("2026-01-01T00:00:00+00:00|' OR 1=1 --"),
        cursor_of("2026-01-01T00:00:00+00:00|"),
    ],
)
async def test_a_cursor_that_is_not_ours_is_refused(database: Database, cursor: str) -> None:
    mine = await organisation(database)
    with pytest.raises(InvalidInput):
        await page(database, Check, mine, 5, cursor)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.text(max_size=60) | st.text(_UNICODE, max_size=40).map(cursor_of))
async def test_no_cursor_breaks_the_page(database: Database, cursor: str) -> None:
    with contextlib.suppress(InvalidInput):
        await page(database, Check, "nobody", 5, cursor)
