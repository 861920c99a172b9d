"""The plugin's admin routes, over ACA-Py's own authentication and a wallet in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from acapy_agent.admin.request_context import AdminRequestContext
from acapy_agent.utils.testing import create_test_profile
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agent.plugins.webvh.config import WebvhConfig
from agent.plugins.webvh.routes import register
from agent.plugins.webvh.runtime import WebvhRuntime
from agent.webvh.reader import WebvhReader
from tests.fakes.registry import DOMAIN, Issuer, MemoryRegistry

KEY = {"x-api-key": "key"}
OPAQUE = "abcdefgh12"


@pytest.fixture
async def profile() -> Any:
    return await create_test_profile(
        {"wallet.type": "askar-anoncreds", "admin.admin_api_key": "key"}
    )


@pytest.fixture
async def client(profile: Any) -> AsyncIterator[Any]:
    registry = MemoryRegistry()
    config = WebvhConfig(DOMAIN, {}, "http://registry", "k" * 16)
    runtime = WebvhRuntime(config, registry, WebvhReader(registry), registry)
    profile.context.injector.bind_instance(WebvhRuntime, runtime)

    @web.middleware
    async def context(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        request["context"] = AdminRequestContext(profile)
        return await handler(request)

    app = web.Application(middlewares=[context])
    await register(app)
    async with TestClient(TestServer(app)) as client:
        yield client


async def ask(client: Any, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = await client.request(method, path, json=body, headers=KEY)
    return answer.status, await answer.json()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/haven/identity"),
        ("GET", "/haven/identity"),
        ("POST", "/haven/rotate"),
        ("POST", "/haven/statements/sign"),
        ("POST", "/haven/statements/verify"),
        ("POST", "/haven/revocations"),
        ("GET", "/haven/revocation-lists/latest"),
    ],
)
async def test_every_route_needs_the_key(client: Any, method: str, path: str) -> None:
    answer = await client.request(method, path, json={})
    assert answer.status == 401


async def test_an_identity_signs_and_its_statements_verify(client: Any) -> None:
    assert (await ask(client, "GET", "/haven/identity"))[0] == 404
    status, made = await ask(client, "POST", "/haven/identity", {"path": OPAQUE})
    assert status == 200
    assert (await ask(client, "POST", "/haven/identity", {"path": OPAQUE}))[1] == made
    assert (await ask(client, "GET", "/haven/identity"))[1] == made
    assert (await ask(client, "POST", "/haven/rotate"))[1] == made

    statement = {"purpose": "shelter"}
    _, signed = await ask(client, "POST", "/haven/statements/sign", {"statement": statement})
    status, verified = await ask(
        client, "POST", "/haven/statements/verify", {"statement": signed}
    )
    assert (status, verified) == (200, {"issuer": made["did"], "statement": signed})

    changed = {**signed, "purpose": "payment"}
    status, problem = await ask(
        client, "POST", "/haven/statements/verify", {"statement": changed}
    )
    assert (status, problem["slug"], problem["step"]) == (422, "verification-failed", "proof")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/haven/identity", {}, 422),
        ("POST", "/haven/identity", {"path": "Haven House"}, 422),
        ("POST", "/haven/identity", [], 422),
        ("POST", "/haven/statements/sign", {"statement": {}}, 404),
        ("POST", "/haven/statements/sign", {"statement": 1}, 422),
        ("POST", "/haven/statements/verify", {"statement": {"issuer": "did:web:x"}}, 422),
        ("POST", "/haven/statements/verify", {"statement": {"issuer": Issuer(9).did}}, 404),
        ("POST", "/haven/revocations", {"rev_reg_id": "x"}, 422),
        ("POST", "/haven/revocations", {"rev_reg_id": "x", "cred_rev_ids": ["1"]}, 422),
        ("POST", "/haven/revocations", {"rev_reg_id": "x", "cred_rev_ids": [True]}, 422),
        ("POST", "/haven/revocations", {"rev_reg_id": "x", "cred_rev_ids": [1]}, 404),
        ("GET", "/haven/revocation-lists/latest?rev_reg_id=x&at=now", None, 422),
        ("GET", "/haven/revocation-lists/latest?rev_reg_id=x&at=1", None, 422),
        ("GET", "/haven/revocation-lists/latest", None, 422),
    ],
)
async def test_what_cannot_be_meant_is_answered_with_its_problem(
    client: Any, method: str, path: str, body: Any, status: int
) -> None:
    answered, problem = await ask(client, method, path, body)
    assert answered == status
    assert {"slug", "title", "detail"} <= problem.keys()


async def test_a_wallet_that_fails_is_unavailable(client: Any, profile: Any) -> None:
    await profile.opened.store.close()
    status, problem = await ask(client, "GET", "/haven/identity")
    assert (status, problem["slug"]) == (503, "unavailable")
