"""Where the agents announce changes: on the loopback-only listener, with a key of their own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from agent.announcements import read_announcement
from agent.options import AgentSecrets
from controllers.webhooks.worker import Worker
from core.errors import InvalidInput, NotAuthenticated, NotFound

_FOLLOWED = "org"


def router(worker: Worker, secrets: dict[str, AgentSecrets]) -> APIRouter:
    """The routes ACA-Py posts to: /webhooks/<agent>/topic/<topic>/."""
    routes = APIRouter()

    @routes.post("/webhooks/{agent}/topic/{topic}/", include_in_schema=False)
    async def announce(agent: str, topic: str, request: Request) -> Response:
        if agent not in secrets:
            raise NotFound("There is no such agent")
        if not secrets[agent].webhook_key.matches(request.headers.get("x-api-key", "")):
            raise NotAuthenticated("This is not the agent")
        announcement = read_announcement(topic, await _body(request))
        # wallets are followed by their own open sessions, never by us
        if announcement is not None and agent == _FOLLOWED:
            await worker.hear(announcement)
        return Response(status_code=204)

    return routes


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError) as err:  # the second: nested without an end
        raise InvalidInput("This is not JSON") from err
    return body if isinstance(body, dict) else {}
