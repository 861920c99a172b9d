"""Who may call what, and what the API says about itself."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from controllers_house import ELIGIBILITY, House, MovedClock
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from controllers.access import Role, authenticate, create_key, is_authority
from controllers.governance.service import GovernanceService
from controllers.moment import now
from controllers.organisations.service import OrganisationService, did_of
from controllers.store.database import Database
from controllers.store.models import ApiKey
from core.errors import Forbidden, NotAuthenticated
from tests.fakes.agents import FakeOrganisations
from tests.fakes.signatory import FakeSignatory

ISSUER, VERIFIER = frozenset({Role.ISSUE}), frozenset({Role.CHECK})
GOVERNOR, OPERATOR = frozenset({Role.GOVERN, Role.OPERATE}), frozenset({Role.OPERATE})
OPEN: frozenset[Role] = frozenset()
WALLET = frozenset({"wallet"})

# every route of the public API: (method, path) -> who may call it
MATRIX: Mapping[tuple[str, str], frozenset[Any]] = {
    ("post", "/api/issuer/issuances"): ISSUER,
    ("get", "/api/issuer/issuances"): ISSUER,
    ("get", "/api/issuer/issuances/{issuance_id}"): ISSUER,
    ("get", "/api/issuer/issuances/{issuance_id}/events"): ISSUER,
    ("post", "/api/issuer/issuances/{issuance_id}/cancel"): ISSUER,
    ("post", "/api/issuer/revocations"): ISSUER,
    ("post", "/api/verifier/checks"): VERIFIER,
    ("get", "/api/verifier/checks"): VERIFIER,
    ("get", "/api/verifier/checks/{check_id}"): VERIFIER,
    ("get", "/api/verifier/checks/{check_id}/disclosed"): VERIFIER,
    ("get", "/api/verifier/checks/{check_id}/events"): VERIFIER,
    ("post", "/api/verifier/checks/{check_id}/cancel"): VERIFIER,
    ("post", "/api/verifier/checks/{check_id}/release"): VERIFIER,
    ("post", "/api/governance/authority"): OPERATOR,
    ("post", "/api/governance/schemas"): OPERATOR,
    ("post", "/api/governance/organisations"): GOVERNOR,
    ("get", "/api/governance/organisations"): GOVERNOR,
    ("post", "/api/governance/organisations/{slug}/administrators"): OPERATOR,
    ("post", "/api/governance/organisations/{slug}/keys"): OPERATOR,
    ("get", "/api/governance/organisations/{slug}/keys"): OPERATOR,
    ("post", "/api/governance/organisations/{slug}/keys/{key_id}/end"): OPERATOR,
    ("post", "/api/governance/grants"): GOVERNOR,
    ("post", "/api/governance/grants/{grant_id}/end"): GOVERNOR,
    ("post", "/api/governance/grants/{grant_id}/withdraw"): GOVERNOR,
    ("post", "/api/governance/drafts"): GOVERNOR,
    ("get", "/api/governance/drafts"): GOVERNOR,
    ("get", "/api/governance/drafts/{draft_id}"): GOVERNOR,
    ("post", "/api/governance/drafts/{draft_id}/sign"): GOVERNOR,
    ("post", "/api/governance/drafts/{draft_id}/proofs"): GOVERNOR,
    ("post", "/api/governance/drafts/{draft_id}/drop"): GOVERNOR,
    ("get", "/api/governance/history"): GOVERNOR,
    ("post", "/api/governance/decide"): GOVERNOR,
    ("post", "/api/governance/elsewhere"): frozenset(Role),
    ("get", "/api/governance/framework"): OPEN,
    ("post", "/api/wallet/wallets"): OPEN,
    ("post", "/api/wallet/wallets/{wallet_id}/sessions"): OPEN,
    ("post", "/api/wallet/wallets/{wallet_id}/destroy"): OPEN,
    ("post", "/api/wallet/session/close"): WALLET,
    ("post", "/api/wallet/links"): WALLET,
    ("post", "/api/wallet/offers/{offer_id}/accept"): WALLET,
    ("post", "/api/wallet/offers/{offer_id}/decline"): WALLET,
    ("post", "/api/wallet/requests/{request_id}/accept"): WALLET,
    ("post", "/api/wallet/requests/{request_id}/decline"): WALLET,
    ("get", "/api/wallet/credentials"): WALLET,
    ("delete", "/api/wallet/credentials/{credential_id}"): WALLET,
    ("get", "/api/wallet/moves"): WALLET,
    ("post", "/api/wallet/credentials/{credential_id}/move"): WALLET,
    ("get", "/api/wallet/history"): WALLET,
    ("delete", "/api/wallet/history/{entry_id}"): WALLET,
    ("post", "/api/wallet/devices"): WALLET,
    ("post", "/api/wallet/devices/unlock"): OPEN,
    ("post", "/api/wallet/devices/slot"): WALLET,
    ("post", "/api/wallet/devices/forget"): OPEN,
    ("post", "/api/wallet/devices/others/forget"): WALLET,
    ("post", "/api/wallet/devices/cards/forget"): WALLET,
    ("put", "/api/wallet/recovery"): WALLET,
    ("post", "/api/wallet/recovery/tried"): WALLET,
    ("post", "/api/wallet/recovery/open"): OPEN,
    ("get", "/api/wallet/setup"): WALLET,
    ("get", "/api/wallet/pending"): WALLET,
    ("get", "/api/wallet/rules"): WALLET,
    ("get", "/api/wallet/requests/{request_id}/evidence"): WALLET,
    ("get", "/api/wallet/offers/{offer_id}/evidence"): WALLET,
    ("get", "/l/{token}"): OPEN,
    ("get", "/l/{token}/statement"): OPEN,
    ("post", "/l/{token}/accept"): OPEN,
    ("post", "/l/{token}"): OPEN,
    ("post", "/moves"): OPEN,
    ("get", "/governance/framework.json"): OPEN,
    ("get", "/governance/framework/{version}.json"): OPEN,
    ("get", "/governance/framework.cedar"): OPEN,
    ("get", "/governance/framework.cedarschema"): OPEN,
    ("get", "/governance/framework.cedar.json"): OPEN,
    ("get", "/governance/trust-list.jwt"): OPEN,
    ("get", "/governance/trust-list.schema.json"): OPEN,
}
METHODS = ("get", "post", "put", "patch", "delete")


def routes(document: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if method in METHODS
    }


def described(house: House) -> dict[str, Any]:
    document: dict[str, Any] = house.haven.public_app.openapi()
    return document


def filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "x" * 24, path)


def test_the_matrix_names_every_route(small_house: House) -> None:
    ours = {key for key in routes(described(small_house)) if not _is_registry(key)}
    assert ours == MATRIX.keys()


def _is_registry(key: tuple[str, str]) -> bool:
    return not key[1].startswith(("/api/", "/l/", "/moves", "/governance/"))


async def test_every_route_takes_its_own_roles_and_no_other(small_house: House) -> None:
    """Who is let in gets past the door: to 422, 404 or 409, never to 401 or 403."""
    keys = {role: await small_house.key("authority", role) for role in Role}
    keys[Role.OPERATE] = (await create_key(small_house.database, None, Role.OPERATE)).reveal()
    for (method, path), allowed in MATRIX.items():
        if not allowed:
            continue
        for role, key in keys.items():
            async with small_house.client(key) as client:
                answer = await client.request(method, filled(path), json=[])
            expected = 401 if allowed == WALLET else 403
            let_in = role in allowed
            where = f"{method} {path} as {role}"
            assert (answer.status_code not in (401, 403)) is let_in, where
            assert let_in or answer.status_code == expected, where


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer nonsense",
        "Bearer hvn_",
        "Bearer hvn__",
        f"Bearer hvn_{'0' * 16}_{'x' * 43}",
        "Basic aHZuOng=",
        "bearer hvw_nothing",
    ],
)
async def test_without_a_key_every_closed_route_says_so(
    small_house: House, header: str | None
) -> None:
    headers = {"Authorization": header} if header else {}
    for (method, path), allowed in MATRIX.items():
        async with small_house.client() as client:
            answer = await client.request(method, filled(path), json=[], headers=headers)
        assert (answer.status_code == 401) is bool(allowed), f"{method} {path}"
        if allowed:
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["type"] == "urn:haven:problem:not-authenticated"


async def test_a_key_with_one_wrong_letter_or_another_id_is_no_key(database: Database) -> None:
    first = (await create_key(database, None, Role.OPERATE)).reveal()
    second = (await create_key(database, None, Role.OPERATE)).reveal()
    assert (await authenticate(database, first)).role == Role.OPERATE
    _, first_id, first_secret = first.split("_", 2)
    _, second_id, _ = second.split("_", 2)
    changed = "A" if first_secret[-1] != "A" else "B"
    for wrong in (
        f"hvn_{second_id}_{first_secret}",
        f"hvn_{first_id}_{first_secret[:-1]}{changed}",
        f"hvn_{first_id}_",
        f"hvx_{first_id}_{first_secret}",
        first.upper(),
    ):
        with pytest.raises(NotAuthenticated):
            await authenticate(database, wrong)


async def test_a_key_that_was_ended_opens_nothing(database: Database) -> None:
    key = (await create_key(database, None, Role.OPERATE)).reveal()
    async with database.transaction() as session:
        await session.execute(update(ApiKey).values(ended_at=now()))
    with pytest.raises(NotAuthenticated):
        await authenticate(database, key)


async def test_a_key_without_an_organisation_speaks_for_none(database: Database) -> None:
    key = await create_key(database, None, Role.ISSUE)
    with pytest.raises(Forbidden):
        _ = (await authenticate(database, key.reveal())).tenant


async def test_the_database_holds_no_key(small_house: House) -> None:
    key = await small_house.key("harbour", Role.ISSUE)
    rows = await small_house.raw_rows()
    assert key not in rows
    assert key.split("_", 2)[2] not in rows
    assert small_house.haven.secrets.operator_key.reveal() not in rows


async def test_the_operators_key_comes_from_the_installation(small_house: House) -> None:
    async with small_house.client(small_house.haven.secrets.operator_key.reveal()) as client:
        assert (await client.get("/api/governance/organisations")).status_code == 200
        assert (await client.get("/api/issuer/issuances")).status_code == 403


async def test_only_the_authority_and_the_operator_govern(small_house: House) -> None:
    callers = {
        ("harbour", Role.GOVERN): 403,
        ("harbour", Role.OPERATE): 403,
        ("authority", Role.OPERATE): 403,
        ("authority", Role.GOVERN): 200,
    }
    before = (await small_house.haven.governance.current()).sequence
    grant = small_house.grants["harbour", "identity"]
    for (slug, role), status in callers.items():
        async with small_house.client(await small_house.key(slug, role)) as client:
            listed = await client.get("/api/governance/organisations")
            assert listed.status_code == status, f"{role} of {slug}"
            if status == 403:
                changes = [
                    await client.post(f"/api/governance/grants/{grant}/withdraw"),
                    await client.post(
                        "/api/governance/grants",
                        json={"organisation": "harbour", "credential": "identity"},
                    ),
                    await client.post("/api/governance/organisations/harbour/keys", json={}),
                ]
                assert {each.status_code for each in changes} == {403}
    assert (await small_house.haven.governance.current()).sequence == before


async def test_before_the_founding_nobody_but_the_operator_governs(
    database: Database, clock: MovedClock
) -> None:
    organisations = OrganisationService(database, FakeOrganisations())
    early = await organisations.create("early", "Early")
    governance = GovernanceService(database, FakeSignatory())
    assert not await is_authority(governance, early)
    await governance.found(did_of(early))
    assert await is_authority(governance, early)
    assert not await is_authority(governance, await organisations.create("late", "Late"))


@pytest.mark.parametrize(
    ("slug", "role", "status"),
    [
        ("harbour", Role.ISSUE, 201),
        ("harbour", Role.CHECK, 201),
        ("harbour", Role.GOVERN, 403),
        ("harbour", Role.OPERATE, 422),
        ("authority", Role.GOVERN, 201),
        ("authority", Role.OPERATE, 422),
    ],
)
async def test_which_keys_an_organisation_gets(
    small_house: House, slug: str, role: Role, status: int
) -> None:
    async with small_house.client(small_house.haven.secrets.operator_key.reveal()) as client:
        path = f"/api/governance/organisations/{slug}/keys"
        before = len((await client.get(path)).json())
        made = await client.post(path, json={"role": role.value})
        after = len((await client.get(path)).json())
    assert made.status_code == status
    assert after - before == (status == 201)


async def test_other_organisations_things_are_not_there(small_house: House) -> None:
    """The same answer as for an id that never was, so that nobody can probe."""
    issuance = await small_house.issue(await small_house.new_wallet())
    check, _ = await small_house.check("river", "shelter")
    issuer = await small_house.key("fund", Role.ISSUE)
    checker = await small_house.key("court", Role.CHECK)
    for key, method, path, existing in (
        (issuer, "GET", "/api/issuer/issuances/{}", issuance.id),
        (issuer, "GET", "/api/issuer/issuances/{}/events", issuance.id),
        (issuer, "POST", "/api/issuer/issuances/{}/cancel", issuance.id),
        (checker, "GET", "/api/verifier/checks/{}", check.id),
        (checker, "GET", "/api/verifier/checks/{}/disclosed", check.id),
        (checker, "GET", "/api/verifier/checks/{}/events", check.id),
        (checker, "POST", "/api/verifier/checks/{}/cancel", check.id),
        (checker, "POST", "/api/verifier/checks/{}/release", check.id),
    ):
        async with small_house.client(key) as client:
            theirs = await client.request(method, path.format(existing))
            nobodys = await client.request(method, path.format(uuid.uuid4()))
        assert theirs.status_code == nobodys.status_code == 404
        # all but the number of the request, which says nothing
        assert theirs.json() | {"request_id": ""} == nobodys.json() | {"request_id": ""}
    async with small_house.client(issuer) as client:
        body = {"issuance_ids": [issuance.id]}
        assert (await client.post("/api/issuer/revocations", json=body)).status_code == 404
        assert (await client.get("/api/issuer/issuances")).json()["items"] == []


async def test_over_http_an_issuance_and_its_answers_hold_no_value(small_house: House) -> None:
    async with small_house.client(await small_house.key("harbour", Role.ISSUE)) as client:
        body = {"credential": "service-eligibility", "values": dict(ELIGIBILITY)}
        made = await client.post(
            "/api/issuer/issuances", json=body, headers={"Idempotency-Key": "a-key-of-a-desk"}
        )
        again = await client.post(
            "/api/issuer/issuances", json=body, headers={"Idempotency-Key": "a-key-of-a-desk"}
        )
        listed = await client.get("/api/issuer/issuances")
    assert made.status_code == 201
    assert again.json() == made.json()
    assert len(listed.json()["items"]) == 1
    assert "KH-12" not in made.text + listed.text
    assert made.json()["link"].removeprefix(small_house.address("")) not in (
        await small_house.raw_rows()
    )


@pytest.mark.parametrize("path", ["/api/issuer/issuances/%00", "/api/verifier/checks/%00"])
async def test_no_id_breaks_the_database(house: House, path: str) -> None:
    role = Role.ISSUE if "issuer" in path else Role.CHECK
    async with house.client(await house.key("harbour", role)) as client:
        assert (await client.get(path)).status_code in (404, 422)


@pytest.mark.parametrize("last", ["9" * 30, "-1", "x"])
async def test_no_last_event_breaks_the_database(house: House, last: str) -> None:
    check, _ = await house.check("river", "shelter")
    key = await house.key("river", Role.CHECK)
    async with house.client(key, timeout=5) as client:
        headers = {"Last-Event-ID": last}
        path = f"/api/verifier/checks/{check.id}/events"
        assert (await client.get(path, headers=headers)).status_code == 422


# --- what the API says about itself ---------------------------------------------------------


def test_every_route_says_what_it_does(small_house: House) -> None:
    silent = [
        key
        for key, operation in routes(described(small_house)).items()
        if not _is_registry(key) and not operation.get("description", "").strip()
    ]
    assert silent == []


def test_every_route_documents_its_problems(small_house: House) -> None:
    document = described(small_house)
    for key, operation in routes(document).items():
        if _is_registry(key) or "/health/" in str(key):
            continue
        problems = {code: each for code, each in operation["responses"].items() if code >= "4"}
        assert {"422", "429", "503"} <= set(problems), key
        for problem in problems.values():
            assert list(problem["content"]) == ["application/problem+json"], key
            assert _schema(problem)["title"] == "Problem", key


def _schema(problem: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = problem["content"]["application/problem+json"]["schema"]
    return schema


def test_every_body_has_fields_that_are_described_or_shown(small_house: House) -> None:
    document = described(small_house)
    schemas = document["components"]["schemas"]
    for key, operation in routes(document).items():
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            name = media["schema"].get("$ref", "").rpartition("/")[2]
            found = schemas[name]
            shown = found.get("description") or found.get("examples")
            assert shown, f"{key}: {name}"


def test_no_route_takes_a_token_in_the_query(small_house: House) -> None:
    taken = {
        parameter["name"]
        for operation in routes(described(small_house)).values()
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    }
    assert taken <= {
        *("size", "cursor", "version", "variant", "state", "lang", "language", "asked"),
        "have",  # the sequence of a public document
    }


async def test_a_key_in_the_query_opens_nothing(small_house: House) -> None:
    key = await small_house.key("harbour", Role.ISSUE)
    async with small_house.client() as client:
        for name in ("token", "access_token", "key", "api_key"):
            answer = await client.get("/api/issuer/issuances", params={name: key})
            assert answer.status_code == 401


def test_closed_routes_are_marked_as_such(small_house: House) -> None:
    for key, operation in routes(described(small_house)).items():
        if not _is_registry(key):
            assert bool(operation.get("security")) is bool(MATRIX[key]), key


def test_the_description_is_json_and_names_no_machine(small_house: House) -> None:
    text = json.dumps(described(small_house))
    assert str(small_house.haven.settings.data_dir) not in text


@settings(max_examples=10)
@given(st.binary(max_size=40))
async def test_any_key_is_known_or_not(raw: bytes) -> None:
    """Whatever a header can hold is refused in the same way."""
    database = Database("sqlite+aiosqlite://")
    await database.migrate()
    try:
        with pytest.raises(NotAuthenticated):
            await authenticate(database, raw.decode("latin-1"))
    finally:
        await database.close()
