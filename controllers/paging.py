"""Cursor pages: newest first, steady while new rows arrive, and not to be guessed at."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from controllers.store.database import Database
from core.errors import InvalidInput

PageSize = Annotated[int, Query(ge=1, le=200, description="How many on one page")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next` of the page before this one")
]

# what a row can be called; anything else never reaches the database
RowId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,64}$")]
_ROW_ID = re.compile(r"[0-9a-f-]{1,36}")


async def page[Row](
    database: Database,
    row_type: type[Row],
    organisation_id: str,
    size: int,
    cursor: str | None,
    *,
    only: Sequence[ColumnElement[bool]] = (),
) -> tuple[list[Row], str | None]:
    """Rows of one organisation, `only` those that fit, and the cursor of the next page.

    Raises InvalidInput.
    """
    table: Any = row_type
    created: InstrumentedAttribute[datetime] = table.created_at
    query: Select[Any] = (
        select(row_type)
        .where(table.organisation_id == organisation_id, *only)
        .order_by(created.desc(), table.id.desc())
        .limit(size + 1)
    )
    if cursor is not None:
        at, row_id = _decode(cursor)
        query = query.where(or_(created < at, and_(created == at, table.id < row_id)))
    async with database.reading() as session:
        rows = list(await session.scalars(query))
    more = len(rows) > size
    return rows[:size], _encode(rows[size - 1]) if more else None


def _encode(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()}|{row.id}".encode()).decode()


def _decode(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not _ROW_ID.fullmatch(row_id):
            raise ValueError("no moment or no id")
        return moment.astimezone(UTC), row_id
    except (ValueError, OverflowError) as err:
        raise InvalidInput("This cursor is not one of ours") from err
