"""Going out, by whatever door somebody came in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from controllers.dataspace.console.entry import OwnConsole, Sent, SpaceRoute, end_session, go

router = APIRouter(route_class=SpaceRoute, include_in_schema=False)


@router.post("/leave")
async def leave(request: Request, console: OwnConsole, _sent: Sent) -> Response:
    """End the session at once."""
    console.sessions.end(request.cookies.get(console.cookie))
    answer = go(console.door)
    end_session(answer, console)
    return answer
