"""Live parts of pages: a stream that says *that* something moved, and the part asked for anew.

A part is told which event it already knows, and listens for those after it; when there is
nothing more to come, it listens no longer. A connection that was lost comes back by itself, and
events that were missed are replayed: what the page shows is read anew, with the reader's own
authority, each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from fastapi.responses import StreamingResponse

from controllers.desks.entry import Desk

_STREAM = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_TO_HANG_UP = 5.0  # seconds
_MOVED = "event: moved\ndata: \n\n"


def follow(desk: Desk, subject_id: str, after: int, last: frozenset[str]) -> StreamingResponse:
    """What happens to a subject after an event, until one of `last` was told."""
    after = max(after, _last_seen(desk.request))
    events = desk.house.events.follow(subject_id, after, last)
    return StreamingResponse(_told(events), media_type="text/event-stream", headers=_STREAM)


def _last_seen(request: Request) -> int:
    """What a browser that comes back says that it saw last."""
    told = request.headers.get("last-event-id", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0


async def _told(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """Each event by its id alone; a comment as it is. The page hangs up when it has read of
    the end: a stream that ended first would count as lost, and be opened again."""
    async for event in events:
        identifier = event.partition("\n")[0]
        yield f"{identifier}\n{_MOVED}" if identifier.startswith("id: ") else event
    await asyncio.sleep(_TO_HANG_UP)
