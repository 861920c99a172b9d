"""The framework's versions only go up, and the authority's changes are all made."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest
from controllers_house import CAST, House, MovedClock

from controllers.governance.accreditation import AccreditationService
from controllers.governance.service import GovernanceService, participant_name
from controllers.moment import now
from controllers.organisations.service import OrganisationService, did_of
from controllers.store.database import Database
from core.decision import Deny, Permit
from core.errors import Conflict, GovernanceDenied, NotFound, Unavailable, VerificationError
from credential_defs import load_all
from governance import documents
from governance.engine import Issue
from tests.fakes.agents import FakeOrganisations
from tests.fakes.signatory import FakeSignatory

AUTHORITY = "did:webvh:Qm:haven.localhost:authority"


@pytest.fixture
def governance(database: Database, clock: MovedClock) -> GovernanceService:
    return GovernanceService(database, FakeSignatory())


def admit(number: int) -> Any:
    def change(document: dict[str, Any], at: datetime) -> dict[str, Any]:
        did = f"did:webvh:Qm:haven.localhost:member{number}"
        return documents.with_participant(
            document, did=did, role="shelter", name=str(number), at=at
        )

    return change


async def test_before_it_is_founded_there_is_no_framework(
    governance: GovernanceService,
) -> None:
    for asked in (
        governance.current(),
        governance.version(1),
        governance.decide(Issue("did", "identity", None)),
        governance.change(admit(1)),
    ):
        with pytest.raises(NotFound):
            await asked


async def test_it_is_founded_once(governance: GovernanceService) -> None:
    outcomes = await asyncio.gather(
        *(governance.found(f"{AUTHORITY}{n}") for n in range(3)), return_exceptions=True
    )
    assert sum(isinstance(each, Conflict) for each in outcomes) == 2
    assert (await governance.current()).sequence == 1


async def test_changes_at_once_are_all_made(governance: GovernanceService) -> None:
    await governance.found(AUTHORITY)
    await asyncio.gather(*(governance.change(admit(n)) for n in range(5)))
    current = await governance.current()
    assert (current.sequence, len(current.participants)) == (6, 5)
    for version in range(1, 7):
        assert len((await governance.version(version)).participants) == version - 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda document, at: document,  # the same version again
        lambda document, at: {**admit(2)(document, at), "version": "0.9.0"},
        lambda document, at: {**admit(2)(document, at), "authority": AUTHORITY + "x"},
        lambda document, at: {**admit(2)(document, at), "id": AUTHORITY + "y"},
        lambda document, at: {**admit(2)(document, at), "issued_at": "2020-01-01T00:00:00Z"},
    ],
    ids=["same", "roll-back", "authority", "id", "time"],
)
async def test_no_change_leads_back(governance: GovernanceService, wrong: Any) -> None:
    await governance.found(AUTHORITY)
    await governance.change(admit(1))
    with pytest.raises(VerificationError):
        await governance.change(wrong)
    current = await governance.current()
    assert (current.sequence, len(current.participants)) == (2, 1)


async def test_a_change_that_fails_changes_nothing(governance: GovernanceService) -> None:
    await governance.found(AUTHORITY)
    with pytest.raises(NotFound):
        await governance.change(lambda document, at: documents.end_grant(document, "g", at))
    assert (await governance.current()).sequence == 1


async def test_another_process_sees_the_newest_version(
    governance: GovernanceService, database: Database
) -> None:
    await governance.found(AUTHORITY)
    other = GovernanceService(database, FakeSignatory())
    assert (await other.current()).sequence == 1
    await governance.change(admit(1))
    assert (await other.current()).sequence == 2


async def test_a_version_of_long_ago_is_read_after_many_newer_ones(
    governance: GovernanceService,
) -> None:
    await governance.found(AUTHORITY)
    for number in range(1, 11):
        await governance.change(admit(number))
    for number in (*range(1, 12), 1, 1):
        assert (await governance.version(number)).sequence == number


# --- the authority --------------------------------------------------------------------------


async def test_everybody_is_where_they_belong(small_house: House) -> None:
    framework = await small_house.haven.governance.current()
    assert framework.authority == did_of(small_house.of("authority"))
    assert framework.schemas.keys() == load_all().keys()
    assert all(each.startswith(framework.authority) for each in framework.schemas.values())
    for slug, (role, _) in CAST.items():
        (entry,) = framework.participants[did_of(small_house.of(slug))]
        assert entry.role == role
    definitions = {grant.definition_id for grant in framework.grants.values()}
    assert len(definitions) == len(small_house.grants)


@pytest.mark.parametrize(
    ("slug", "credential", "error"),
    [
        ("harbour", "guardianship", GovernanceDenied),
        ("court", "identity", GovernanceDenied),
        ("authority", "identity", GovernanceDenied),
        ("harbour", "nothing", NotFound),
    ],
)
async def test_nothing_is_granted_against_the_rules(
    small_house: House, slug: str, credential: str, error: type[Exception]
) -> None:
    before = small_house.network.calls["create_definition"]
    with pytest.raises(error):
        await small_house.haven.accreditation.grant(small_house.of(slug), credential)
    assert small_house.network.calls["create_definition"] == before


async def test_a_grant_ends_and_is_withdrawn_once(small_house: House) -> None:
    accreditation = small_house.haven.accreditation
    grant = small_house.grants["harbour", "identity"]
    did = did_of(small_house.of("harbour"))
    framework = await small_house.haven.governance.current()
    (definition,) = [g.definition_id for g in framework.grants.values() if g.id == grant]
    query = Issue(did, "identity", definition)
    assert isinstance(await small_house.haven.governance.decide(query), Permit)
    await accreditation.end_grant(grant)
    denied = await small_house.haven.governance.decide(query)
    assert isinstance(denied, Deny)
    assert denied.reason == "grant-ended"
    await accreditation.withdraw_grant(grant)
    for again in (accreditation.end_grant(grant), accreditation.withdraw_grant(grant)):
        with pytest.raises(Conflict):
            await again
    with pytest.raises(NotFound):
        await accreditation.end_grant("g-unknown")


async def test_grants_at_once_are_all_made(house: House) -> None:
    made = await asyncio.gather(
        *(house.haven.accreditation.grant(house.of("harbour"), "identity") for _ in range(3))
    )
    framework = await house.haven.governance.current()
    ids = {grant.id for grant in framework.grants.values()}
    assert {each.grant_id for each in made} <= ids


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [
        (
            "/api/governance/grants",
            {"organisation": "harbour", "credential": "identity"},
            {"organisation": "harbour", "credential": "service-eligibility"},
        ),
        (
            "/api/governance/organisations",
            {"slug": "late", "label": "Late", "name": "Late", "role": "shelter"},
            {"slug": "later", "label": "Later", "name": "Later"},
        ),
        (
            "/api/governance/authority",
            {"slug": "authority", "label": "Authority", "name": "Authority"},
            {"slug": "authority", "label": "Another", "name": "Authority"},
        ),
        ("/api/governance/organisations/harbour/keys", {"role": "issue"}, {"role": "check"}),
    ],
    ids=["grant", "organisation", "authority", "key"],
)
async def test_the_authoritys_creations_can_be_repeated(
    small_house: House, path: str, body: dict[str, str], other: dict[str, str]
) -> None:
    key = small_house.haven.secrets.operator_key.reveal()
    async with small_house.client(key) as client:
        headers = {"Idempotency-Key": "the-same-request"}
        made = await client.post(path, json=body, headers=headers)
        again = await client.post(path, json=body, headers=headers)
        refused = await client.post(path, json=other, headers=headers)
        elsewhere = await client.post(
            "/api/governance/organisations/river/keys", json={"role": "issue"}, headers=headers
        )
    assert made.status_code == again.status_code == 201
    assert again.json() == made.json()
    assert (refused.status_code, elsewhere.status_code) == (422, 422)
    if "key" in made.json():
        assert made.json()["key"] not in await small_house.raw_rows()


async def test_of_two_grants_at_once_under_one_key_one_is_made(house: House) -> None:
    before = house.network.calls["create_definition"]
    key = house.haven.secrets.operator_key.reveal()
    async with house.client(key) as client:
        asked = [
            client.post(
                "/api/governance/grants",
                json={"organisation": "harbour", "credential": "identity"},
                headers={"Idempotency-Key": "one-grant-at-once"},
            )
            for _ in range(3)
        ]
        answers = await asyncio.gather(*asked)
    assert {each.status_code for each in answers} <= {201, 409}
    assert house.network.calls["create_definition"] == before + 1


@pytest.mark.parametrize("after", [False, True], ids=["not-done", "answer-lost"])
async def test_founding_that_broke_off_is_finished_by_repeating_it(
    database: Database, clock: MovedClock, after: bool
) -> None:
    agent, governance = FakeOrganisations(), GovernanceService(database, FakeSignatory())
    organisations = OrganisationService(database, agent)
    accreditation = AccreditationService(governance, organisations, agent)
    authority = await organisations.create("authority", "Authority")
    if not after:
        agent.network.fail_once("publish_schema")
        with pytest.raises(Unavailable):
            await accreditation.found(authority)
    framework = await accreditation.found(authority)
    assert framework.schemas.keys() == load_all().keys()
    assert len(agent.network.schemas) == len(load_all())
    other = await organisations.create("usurper", "Usurper")
    with pytest.raises(Conflict):
        await accreditation.found(other)


@pytest.mark.parametrize("call", ["create_tenant", "create_identity"])
async def test_an_organisation_that_broke_off_is_finished_by_repeating_it(
    small_house: House, call: str
) -> None:
    organisations = small_house.haven.organisations
    small_house.network.fail_once(call)
    with pytest.raises(Unavailable):
        await organisations.create("late", "Late")
    made = await organisations.create("late", "Late")
    assert made.did
    assert (
        await organisations.create("late", "Late") == made
        or (await organisations.by_slug("late")).did == made.did
    )
    with pytest.raises(Conflict):
        await organisations.create("late", "Another")


async def test_a_did_says_nothing_about_its_house(small_house: House) -> None:
    for slug in CAST:
        did = did_of(small_house.of(slug))
        assert slug not in did
        assert len(did.rpartition(":")[2]) == 20


async def test_names_come_in_the_language_asked_for_or_any(
    governance: GovernanceService,
) -> None:
    await governance.found(AUTHORITY)
    did = "did:webvh:Qm:haven.localhost:named"
    framework = await governance.change(
        lambda document, at: documents.with_participant(
            document, did=did, role="shelter", name={"km": "ផ្ទះ"}, at=at
        )
    )
    assert participant_name(framework, did, "km") == "ផ្ទះ"
    assert participant_name(framework, did, "en") == "ផ្ទះ"
    assert participant_name(framework, "did:webvh:unknown", "en") is None


async def test_anybody_reads_every_version_of_the_framework(small_house: House) -> None:
    newest = (await small_house.haven.governance.current()).sequence
    async with small_house.client() as client:
        for version in (1, newest):
            answer = await client.get("/api/governance/framework", params={"version": version})
            assert json.loads(answer.content)["sequence"] == version
        current = await client.get("/api/governance/framework")
        missing = await client.get("/api/governance/framework", params={"version": newest + 1})
    assert current.json()["sequence"] == newest
    assert missing.status_code == 404
    assert now().year >= 2026


async def test_a_refused_organisation_leaves_nothing_behind(small_house: House) -> None:
    """Found by tests/fuzz: the organisation and its tenant were made before the role was
    looked at, and a second authority before the first one was."""
    before = len(small_house.network.tenants), await small_house.haven.organisations.all()
    body = {"slug": "late", "label": "Late", "role": "no-such-role", "name": "Late"}
    operator = small_house.haven.secrets.operator_key.reveal()
    async with small_house.client(operator) as client:
        unknown = await client.post("/api/governance/organisations", json=body)
        second = await client.post("/api/governance/authority", json=body | {"role": None})
    assert (unknown.status_code, second.status_code) == (404, 409)
    after = len(small_house.network.tenants), await small_house.haven.organisations.all()
    assert len(after[1]) == len(before[1])
    assert after[0] == before[0]
