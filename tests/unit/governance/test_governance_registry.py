"""The trust registry over HTTP answers as the engine, for generated frameworks."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, cast

import httpx
from framework_worlds import documents, questions, read
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from controllers.trqp.routes import routes
from core.decision import Permit
from core.errors import Unavailable
from governance.engine import Act, Framework, Recognise, decide

WHOLE = {"entity_id": "E", "authority_id": "A", "action": "issue", "resource": "identity"}


class Fixed:
    """A registry that governs by one framework."""

    def __init__(self, framework: Framework | None) -> None:
        self._framework = framework

    async def recent(self) -> Framework:
        if self._framework is None:
            raise Unavailable("planted")
        return self._framework

    async def in_force(self, moment: datetime) -> Framework:
        return await self.recent()


def over(framework: Framework | None) -> httpx.AsyncClient:
    """Talks TRQP to a registry that governs by this framework, in this process."""
    router = routes(Fixed(framework), cast(Any, None), "https://haven.example")
    app = Starlette()
    app.mount("/trqp", router)
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="https://registry.example/trqp")


async def test_our_failing_is_a_500_and_says_nothing_of_why() -> None:
    async with over(None) as client:
        answer = await client.post("/authorization", json=WHOLE)
    assert answer.status_code == 500
    assert "planted" not in answer.text


@settings(max_examples=120, deadline=None)
@given(document=documents(), asked=st.lists(questions(), min_size=6, max_size=12))
def test_the_registry_answers_as_the_engine(
    document: dict[str, Any], asked: list[tuple[Act | Recognise, datetime]]
) -> None:
    framework = read(document)

    async def answers() -> list[bool]:
        async with over(framework) as client:
            return [await _permitted(client, framework, *each) for each in asked]

    expected = [isinstance(decide(framework, q, as_of=at), Permit) for q, at in asked]
    assert asyncio.run(answers()) == expected


async def _permitted(
    client: httpx.AsyncClient, framework: Framework, query: Act | Recognise, at: datetime
) -> bool:
    kind = "authorization" if isinstance(query, Act) else "recognition"
    body = {
        "entity_id": query.entity if isinstance(query, Act) else query.authority,
        "authority_id": framework.authority,
        "action": query.action,
        "resource": query.resource,
        "context": {"time": at.isoformat().replace("+00:00", "Z")},
    }
    answer = await client.post(f"/{kind}", json=body)
    if answer.status_code == 404:
        return False
    return bool(answer.json()["authorized" if kind == "authorization" else "recognized"])
