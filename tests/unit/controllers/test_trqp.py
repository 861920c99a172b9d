"""The trust registry over HTTP: TRQP v2.0 against its own schemas, and who asks strangely."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from controllers_house import House

from controllers.governance.service import GovernanceService
from controllers.organisations.service import did_of
from core.errors import NotFound
from core.jwt import key_id, verify_jwt
from core.proof import assertion_key
from governance import documents
from governance.faces.trust_list import may

SCHEMAS = Path(__file__).parents[4] / "shared" / "data" / "trqp"
QUERY = {"action": "issue", "resource": "identity"}


def schema(kind: str, part: str) -> dict[str, Any]:
    path = SCHEMAS / f"trqp_{kind}_{part}.schema.json"
    if not path.exists():
        pytest.skip("the protocol's schemas are not in this checkout")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def valid(kind: str, body: Mapping[str, Any], part: str = "response") -> None:
    checker = jsonschema.FormatChecker()
    jsonschema.validate(body, schema(kind, part), format_checker=checker)


async def names(house: House) -> dict[str, str]:
    framework = await house.haven.governance.current()
    return {
        "entity_id": did_of(house.of("harbour")),
        "authority_id": framework.authority,
        **QUERY,
    }


async def test_every_answer_keeps_to_the_protocols_schemas(small_house: House) -> None:
    query = await names(small_house)
    valid("authorization", query, "request")
    async with small_house.client() as client:
        yes = await client.post("/trqp/authorization", json=query)
        no = await client.post("/trqp/authorization", json=query | {"resource": "guardianship"})
    for answer, expected in ((yes, True), (no, False)):
        assert answer.status_code == 200
        valid("authorization", answer.json())
        assert answer.json()["authorized"] is expected
        assert query.items() - {("resource", "identity")} <= answer.json().items()
        assert answer.json()["time_evaluated"].endswith("Z")


async def test_recognition_keeps_to_the_schema(small_house: House) -> None:
    neighbour = "did:webvh:QmNeighbour:other.example:o:neighbour1"
    await small_house.haven.governance.change(
        lambda document, at: documents.with_endorsement(
            document,
            endorsement_id="neighbour",
            authority=neighbour,
            name="Neighbour",
            endpoint="https://registry.other.example",
            scope={"issue": ["identity"]},
            until=at + timedelta(days=30),
            at=at,
        )
    )
    query = await names(small_house) | {"entity_id": neighbour}
    async with small_house.client() as client:
        yes = await client.post("/trqp/recognition", json=query)
        no = await client.post("/trqp/recognition", json=query | {"resource": "guardianship"})
        listed = await client.get(f"/trqp/ecosystems/{query['authority_id']}/recognitions")
    assert (yes.json()["recognized"], no.json()["recognized"]) == (True, False)
    valid("recognition", yes.json())
    valid("recognition", no.json())
    assert [each["entity_id"] for each in listed.json()] == [neighbour]


# body or change of a good query, status
TABLE: list[tuple[bytes | dict[str, Any], int]] = [
    ({}, 200),
    ({"context": {}}, 200),
    ({"context": {"time": ""}}, 200),
    ({"context": {"time": "2026-11-29T10:00:00Z"}}, 200),
    ({"context": {"time": "2026-11-29T10:00:00.123456789Z"}}, 200),
    ({"context": {"colour": "blue", "nested": {"a": 1}}}, 200),
    ({"flavour": "sour"}, 200),
    ({"context": {"time": "1999-01-01T00:00:00Z"}}, 200),
    ({"context": {"time": "2026-11-29T10:00:00+00:00"}}, 400),
    ({"context": {"time": "2026-11-29T10:00:00+02:00"}}, 400),
    ({"context": {"time": "2026-11-29"}}, 400),
    ({"context": {"time": "2026-13-29T10:00:00Z"}}, 400),
    ({"context": {"time": "٢٠٢٦-11-29T10:00:00Z"}}, 400),
    ({"context": {"time": 5}}, 400),
    ({"context": "now"}, 400),
    ({"entity_id": None}, 400),
    ({"entity_id": ""}, 400),
    ({"entity_id": 7}, 400),
    ({"entity_id": ["a"]}, 400),
    ({"entity_id": "x" * 3000}, 400),
    ({"action": {}}, 400),
    (b"", 400),
    (b"{", 400),
    (b"[]", 400),
    (b'"x"', 400),
    (b"\xff\xfe", 400),
    (b"[" * 100_000, 400),
    ({"entity_id": "did:webvh:nobody"}, 404),
    ({"authority_id": "did:webvh:nobody"}, 404),
    ({"action": "dance"}, 404),
    ({"resource": "passport"}, 404),
]


@pytest.mark.parametrize(("change", "status"), TABLE)
async def test_the_table_of_requests(
    small_house: House, change: bytes | dict[str, Any], status: int
) -> None:
    good = await names(small_house)
    body = change if isinstance(change, bytes) else json.dumps(good | change).encode()
    async with small_house.client() as client:
        answer = await client.post("/trqp/authorization", content=body)
    assert answer.status_code == status
    if status == 200:
        valid("authorization", answer.json())
        assert set(answer.json().get("context", {})) <= {"time"}
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == status
        assert {"type", "title", "detail"} <= problem.keys()


@pytest.mark.parametrize("name", ["entity_id", "authority_id", "action", "resource"])
async def test_a_missing_field_is_a_400(small_house: House, name: str) -> None:
    query = await names(small_house)
    del query[name]
    async with small_house.client() as client:
        for kind in ("authorization", "recognition"):
            assert (await client.post(f"/trqp/{kind}", json=query)).status_code == 400


async def test_a_key_that_is_not_known_is_a_401(small_house: House) -> None:
    async with small_house.client("hvn_nobody_nothing") as client:
        answer = await client.post("/trqp/authorization", json=await names(small_house))
    assert answer.status_code == 401


async def test_what_the_profile_has_and_we_do_not_is_a_501(small_house: House) -> None:
    async with small_house.client() as client:
        answer = await client.get("/trqp/lookups/assuranceLevels")
        nowhere = await client.get("/trqp/nowhere")
    assert (answer.status_code, nowhere.status_code) == (501, 404)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_profile_lists_what_the_framework_says(small_house: House) -> None:
    harbour = did_of(small_house.of("harbour"))
    async with small_house.client() as client:
        metadata = (await client.get("/trqp/metadata")).json()
        entities = (await client.get("/trqp/entities")).json()
        entity = (await client.get(f"/trqp/entities/{harbour}")).json()
        rights = (await client.get(f"/trqp/entities/{harbour}/authorizations")).json()
        before = await client.get(
            f"/trqp/entities/{harbour}/authorizations", params={"time": "1999-01-01T00:00:00Z"}
        )
        wrong = await client.get(
            f"/trqp/entities/{harbour}/authorizations", params={"time": "yesterday"}
        )
        lookup = (await client.get("/trqp/lookups/authorizations")).json()
        ours = (await client.get(f"/trqp/ecosystems/{metadata['default_egf_did']}")).json()
    assert {"id", "name", "description", "controllers"} <= metadata.keys()
    assert ours["id"] == metadata["id"]
    assert harbour in [each["id"] for each in entities["entities"]]
    assert entity["roles"][0]["role"] == "shelter"
    assert {(each["action"], each["resource"]) for each in rights} >= {("issue", "identity")}
    assert before.json() == []
    assert wrong.status_code == 400
    assert ("ask", "court-proceeding") in [(e["action"], e["resource"]) for e in lookup]


# --- suspension, and answers of the past ----------------------------------------------------


async def test_a_suspension_is_answered_at_once_by_every_process(small_house: House) -> None:
    haven, query = small_house.haven, await names(small_house)
    other = GovernanceService(haven.database, haven.governance._signatory)
    harbour = did_of(small_house.of("harbour"))
    assert (await other.recent()).participants[harbour]
    await haven.governance.change(
        lambda document, at: documents.end_participant(
            document, harbour, at, because="suspended"
        )
    )
    async with small_house.client() as client:
        answer = await client.post("/trqp/authorization", json=query)
    assert answer.json()["authorized"] is False
    await asyncio.sleep(1.1)  # another process looks once a second
    assert (await other.recent()).participants[harbour][0].ended_because == "suspended"


async def test_an_answer_of_the_past_is_by_the_rules_of_then(small_house: House) -> None:
    haven, query = small_house.haven, await names(small_house)
    before = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    small_house.pass_time(days=2)

    def without(document: dict[str, Any], at: datetime) -> dict[str, Any]:
        rules = json.loads(json.dumps(document["roles"]))
        rules["shelter"]["issue"].remove("identity")
        return documents.with_rules(document, {"roles": rules}, at)

    changed = await haven.governance.change(without)
    assert changed.version.startswith("2.")  # a right is gone: a major change
    async with small_house.client() as client:
        now = await client.post("/trqp/authorization", json=query)
        then = await client.post(
            "/trqp/authorization", json=query | {"context": {"time": before}}
        )
    assert (now.json()["authorized"], then.json()["authorized"]) == (False, True)
    assert then.json()["time_requested"] == before


# --- discovery and the other faces ----------------------------------------------------------


async def test_the_authoritys_did_document_leads_to_all_of_it(small_house: House) -> None:
    framework = await small_house.haven.governance.current()
    document = small_house.network.did_documents[framework.authority]
    services = {each["id"].partition("#")[2]: each for each in document["service"]}
    assert services["trust-registry"]["serviceEndpoint"]["uri"].endswith("/trqp")
    base = small_house.haven.settings.base_url
    async with small_house.client() as client:
        listed = await client.get(services["trust-list"]["serviceEndpoint"].removeprefix(base))
    token = listed.text
    payload = verify_jwt(token, assertion_key(document, key_id(token)))
    harbour = did_of(small_house.of("harbour"))
    assert may(payload, harbour, "issue", "identity", datetime.now(UTC))
    assert payload["author"] == framework.authority


async def test_cedar_and_the_profile_are_published(small_house: House) -> None:
    async with small_house.client() as client:
        for name in ("framework.cedar", "framework.cedarschema", "framework.cedar.json"):
            assert (await client.get(f"/governance/{name}")).status_code == 200
        profile = await client.get("/governance/trust-list.schema.json")
    jsonschema.Draft202012Validator.check_schema(profile.json())


async def test_before_the_first_version_nobody_was_there(small_house: House) -> None:
    first = await small_house.haven.governance.in_force(datetime(1999, 1, 1, tzinfo=UTC))
    assert first.sequence == 1
    with pytest.raises(NotFound):
        await small_house.haven.governance.by_version("99.0.0")
