"""Changing the framework over HTTP: drafts, signatures, history, decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from controllers_house import House
from governing_hands import as_two, drafted, in_force, published
from sqlalchemy import update

from controllers.access import Role
from controllers.organisations.service import did_of
from controllers.store.models import FrameworkDraft
from governance.documents import serialise
from governance.signing import digest_of, proofs_of

DRAFTS, DECIDE = "/api/governance/drafts", "/api/governance/decide"
JOIN = {"kind": "join", "organisation": "river", "role": "court", "name": {"en": "River"}}
SUSPEND = {"kind": "suspend", "organisation": "harbour"}


def operator(house: House) -> httpx.AsyncClient:
    return house.client(house.haven.secrets.operator_key.reveal())


async def made(client: httpx.AsyncClient, operation: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(DRAFTS, json={"operation": operation})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def signs(client: httpx.AsyncClient, draft_id: str) -> httpx.Response:
    """What it shows."""
    shown = await client.get(f"{DRAFTS}/{draft_id}")
    body = {"digest": shown.json().get("digest", "0" * 64)}
    return await client.post(f"{DRAFTS}/{draft_id}/sign", json=body)


async def test_from_a_draft_to_a_version(small_house: House) -> None:
    before = await in_force(small_house)
    async with operator(small_house) as client:
        draft = await made(client, JOIN)
        assert (draft["state"], draft["signatures_missing"]) == ("open", 1)
        assert (draft["level"], draft["sequence"]) == ("patch", before + 1)
        spanish = await client.get(f"{DRAFTS}/{draft['id']}", params={"language": "es"})
        texts = [each["text"] for each in spanish.json()["differences"]]
        assert "River participa como tribunal, sin fecha final." in texts
        assert digest_of(spanish.json()["document"])
        listed = await client.get(DRAFTS)
        assert [each["id"] for each in listed.json()] == [draft["id"]]
        signed = await signs(client, draft["id"])
        again = await signs(client, draft["id"])
    assert signed.json()["state"] == again.json()["state"] == "published"
    assert await in_force(small_house) == before + 1


async def test_a_second_signer_signs_with_a_key_of_its_own(small_house: House) -> None:
    await as_two(small_house, "river")
    key = await small_house.key("river", Role.GOVERN)
    async with operator(small_house) as client, small_house.client(key) as river:
        draft = await made(river, SUSPEND)
        once = await signs(client, draft["id"])
        assert (once.json()["state"], once.json()["signatures_missing"]) == ("open", 1)
        done = await signs(river, draft["id"])
        assert done.json()["state"] == "published"
        signers = {each["did"]: each["has_signed"] for each in done.json()["signers"]}
    assert signers == {did_of(small_house.of(slug)): True for slug in ("authority", "river")}


async def test_who_does_not_sign_sees_nothing_of_it(small_house: House) -> None:
    draft = await drafted(small_house, **SUSPEND)
    async with small_house.client(await small_house.key("court", Role.GOVERN)) as client:
        answers = [
            await client.post(DRAFTS, json={"operation": SUSPEND}),
            await client.get(DRAFTS),
            await client.get(f"{DRAFTS}/{draft.id}"),
            await signs(client, draft.id),
            await client.post(f"{DRAFTS}/{draft.id}/drop"),
            await client.get("/api/governance/history"),
        ]
    assert {each.status_code for each in answers} == {403}
    assert {each.json()["code"] for each in answers} == {"not-a-signer"}


async def test_a_future_signer_gets_a_key_while_a_draft_names_it(small_house: House) -> None:
    path = "/api/governance/organisations/river/keys"
    async with operator(small_house) as client:
        refused = await client.post(path, json={"role": "govern"})
        await drafted(small_house, "signers", signers=["authority", "river"], threshold=2)
        given = await client.post(path, json={"role": "govern"})
    assert (refused.status_code, given.status_code) == (403, 201)


async def test_a_signature_made_elsewhere_comes_as_a_proof(small_house: House) -> None:
    await as_two(small_house, "river")
    draft = await drafted(small_house, **SUSPEND)
    signed = await small_house.haven.governance.sign(
        draft.document, did_of(small_house.of("river"))
    )
    (proof,) = proofs_of(signed)
    async with operator(small_house) as client:
        path = f"{DRAFTS}/{draft.id}/proofs"
        wrong = await client.post(path, json={"proof": {**proof, "proofValue": "z1"}})
        kept = await client.post(path, json={"proof": proof})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "proof-does-not-hold")
    assert kept.json()["signatures_missing"] == 1


async def test_what_was_not_shown_is_not_signed(small_house: House) -> None:
    draft = await drafted(small_house, **SUSPEND)
    other = await drafted(small_house, "renew")
    async with operator(small_house) as client:
        shown = (await client.get(f"{DRAFTS}/{draft.id}")).json()
        async with small_house.database.transaction() as session:
            await session.execute(
                update(FrameworkDraft)
                .where(FrameworkDraft.id == draft.id)
                .values(document=serialise(other.document).decode(), digest=other.digest)
            )
        body = {"digest": shown["digest"]}
        refused = await client.post(f"{DRAFTS}/{draft.id}/sign", json=body)
        nothing = await client.post(f"{DRAFTS}/{draft.id}/sign")
    assert (refused.status_code, refused.json()["code"]) == (409, "draft-differs")
    assert nothing.status_code == 422
    assert (await small_house.haven.drafts.one(draft.id)).proofs == ()


async def test_what_is_outdated_dropped_or_not_there_says_so(small_house: House) -> None:
    async with operator(small_house) as client:
        first, second = await made(client, SUSPEND), await made(client, JOIN)
        await signs(client, second["id"])
        outdated = await signs(client, first["id"])
        third = await made(client, SUSPEND)
        dropped = await client.post(f"{DRAFTS}/{third['id']}/drop")
        decided = await signs(client, third["id"])
        unknown = await signs(client, "nothing")
        kept = await client.get(f"{DRAFTS}/{first['id']}")
    assert dropped.json()["state"] == "dropped"
    assert kept.json()["state"] == "outdated"
    codes = [(each.status_code, each.json()["code"]) for each in (outdated, decided, unknown)]
    assert codes == [(409, "draft-outdated"), (409, "draft-decided"), (404, "no-such-draft")]


async def test_making_a_draft_can_be_repeated(small_house: House) -> None:
    headers = {"Idempotency-Key": "the-same-draft"}
    async with operator(small_house) as client:
        answers = [
            await client.post(DRAFTS, json={"operation": SUSPEND}, headers=headers)
            for _ in range(2)
        ]
        other = await client.post(DRAFTS, json={"operation": JOIN}, headers=headers)
    assert answers[0].json() == answers[1].json()
    assert other.status_code == 422
    assert len(await small_house.haven.drafts.open()) == 1


async def test_the_history_says_what_each_version_changed(small_house: House) -> None:
    await published(small_house, **SUSPEND)
    async with operator(small_house) as client:
        newest = (await client.get("/api/governance/history", params={"size": 3})).json()
        whole: list[dict[str, Any]] = []
        begin: int | None = None
        while begin is None or begin > 0:
            params = {"size": 10} | ({"version": begin} if begin else {})
            page = (await client.get("/api/governance/history", params=params)).json()
            whole += page
            begin = page[-1]["sequence"] - 1
    assert newest[0]["differences"][0]["kind"] == "participant-suspended"
    assert newest[0]["signed_by"] == ["The authority"]
    assert [each["sequence"] for each in whole] == list(range(whole[0]["sequence"], 0, -1))
    assert (whole[-1]["level"], whole[-1]["version"]) == (None, "1.0.0")


async def test_a_decision_as_of_a_date_names_its_rules_and_its_version(
    small_house: House,
) -> None:
    issue = {"kind": "issue", "who": "harbour", "credential": "identity"}
    begun = datetime.now(UTC)
    small_house.pass_time(hours=1)
    await published(small_house, **SUSPEND)
    small_house.pass_time(hours=1)
    newest = await in_force(small_house)
    async with operator(small_house) as client:

        async def asked(query: dict[str, Any], **times: str) -> dict[str, Any]:
            answer = await client.post(DECIDE, json={"query": query, **times})
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            return found

        today = await asked(issue)
        before = await asked(issue, as_of=(begun + timedelta(minutes=1)).isoformat())
        then = await asked(issue, in_force_at=(begun + timedelta(minutes=1)).isoformat())
        act = await asked(
            {"kind": "act", "who": "court", "action": "ask", "resource": "court-proceeding"}
        )
        other = await asked(
            {"kind": "recognise", "who": "did:webvh:QmX:x.example:a", "action": "issue",
             "resource": "identity"}
        )  # fmt: skip
        rely = await asked(
            {"kind": "rely", "who": "harbour", "schema_id": "did:x", "definition_id": "did:y"}
        )
        ask = await asked(
            {"kind": "ask", "who": "court", "purpose": "court-proceeding", "ask": {"asks": []}}
        )
        early = await asked(issue, in_force_at="2001-01-01T00:00:00Z")
    assert (today["allowed"], today["reason"]) == (False, "participant-not-current")
    assert (today["sequence"], before["sequence"]) == (newest, newest)
    assert before["allowed"]
    assert (then["allowed"], then["sequence"]) == (True, newest - 1)
    assert then["rules"][1] == "roles/shelter/issue"
    assert act["allowed"]
    assert (other["reason"], rely["reason"]) == ("not-recognised", "unknown-schema")
    assert (ask["reason"], ask["rules"]) == ("empty-request", ["checks"])
    assert (early["allowed"], early["sequence"]) == (False, 1)  # nobody had begun


@pytest.mark.parametrize("language", ["fr", "", "en; DROP"])
async def test_there_are_words_in_three_languages(small_house: House, language: str) -> None:
    async with operator(small_house) as client:
        answer = await client.get(DRAFTS, params={"language": language})
    assert answer.status_code == 422


async def test_where_two_sign_a_grant_waits_for_both(small_house: House) -> None:
    await as_two(small_house, "river")
    body = {"organisation": "harbour", "credential": "identity"}
    before = await in_force(small_house)
    async with operator(small_house) as client:
        given = (await client.post("/api/governance/grants", json=body)).json()
        refused = await client.post(
            f"/api/governance/grants/{small_house.grants['harbour', 'identity']}/end"
        )
        await signs(client, given["draft_id"])
    assert refused.json()["code"] == "signatures-needed"
    assert await in_force(small_house) == before
    key = await small_house.key("river", Role.GOVERN)
    async with small_house.client(key) as river:
        done = await signs(river, given["draft_id"])
    assert done.json()["state"] == "published"
    grants = (await small_house.haven.governance.current()).grants
    assert grants[given["definition_id"]].id == given["grant_id"]
