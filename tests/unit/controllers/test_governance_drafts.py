"""Drafts: whole next versions that wait for signatures, on both databases."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from controllers_house import House
from governing_hands import as_two, drafted, in_force, published, voice
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from controllers.desks.texts import LANGUAGES, say_in
from controllers.governance.consequences import Consequences
from controllers.governance.drafts import State
from controllers.governance.operations import _TABLE, KINDS, apply, operation_of
from controllers.governance.service import GovernanceService
from controllers.governance.signatory import OrganisationsSign
from controllers.governance.telling import told
from controllers.organisations.service import did_of
from core.decision import Deny, Permit
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, VerificationError
from core.proof import SeedSigner
from governance.documents import packaged_rules
from governance.engine import Issue
from governance.signing import proofs_of, sign

JOIN = {"role": "court", "name": {"en": "River Court"}}


def definition_of(house: House, framework: Any, slug: str, credential: str) -> str:
    grant = house.grants[slug, credential]
    (found,) = [each.definition_id for each in framework.grants.values() if each.id == grant]
    return str(found)


def kinds_of(found: Consequences) -> list[str]:
    """All but how long it is good, which is the same if nothing but a second has passed."""
    return [each.kind for each in found.differences if each.kind != "good-until"]


async def test_a_draft_is_nothing_until_it_is_signed(house: House) -> None:
    before = await in_force(house)
    made = await drafted(house, "join", organisation="river", **JOIN)
    assert made.state is State.OPEN
    assert await in_force(house) == before
    assert [each.id for each in await house.haven.drafts.open()] == [made.id]
    found = await house.haven.drafts.differences(made)
    assert kinds_of(found) == ["participant-joins"]
    done = await house.haven.drafts.sign(made.id, voice(house))
    assert done.state is State.PUBLISHED
    framework = await house.haven.governance.current()
    assert (framework.sequence, framework.version) == (before + 1, done.framework.version)
    roles = [each.role for each in framework.participants[did_of(house.of("river"))]]
    assert roles == ["shelter", "court"]
    assert await house.haven.drafts.open() == []


async def test_two_have_to_sign_where_two_are_wanted(house: House) -> None:
    await as_two(house, "river")
    made = await drafted(house, "suspend", organisation="harbour")
    before = await in_force(house)
    once = await house.haven.drafts.sign(made.id, voice(house))
    again = await house.haven.drafts.sign(made.id, voice(house))
    assert (once.state, again.proofs) == (State.OPEN, once.proofs)
    assert (await house.haven.drafts.signatures(again)).missing == 1
    with pytest.raises(Forbidden, match="does not count"):
        await house.haven.drafts.sign(made.id, voice(house, "court"))
    assert await in_force(house) == before
    done = await house.haven.drafts.sign(made.id, voice(house, "river"))
    assert done.state is State.PUBLISHED
    document = await house.haven.governance.newest_document()
    assert len(proofs_of(document)) == 2
    still = await house.haven.drafts.sign(made.id, voice(house, "river"))
    assert still.state is State.PUBLISHED
    with pytest.raises(Conflict, match="decided"):
        await house.haven.drafts.sign(made.id, voice(house, "court"))


async def test_a_new_signer_signs_by_the_drafts_own_list(house: House) -> None:
    made = await drafted(house, "signers", signers=["authority", "river"], threshold=2)
    river = voice(house, "river")
    assert await house.haven.drafts.has_voice(river.did)
    assert not await house.haven.drafts.has_voice(did_of(house.of("court")))
    await house.haven.drafts.sign(made.id, voice(house))
    assert (await house.haven.drafts.one(made.id)).state is State.OPEN
    assert (await house.haven.drafts.sign(made.id, river)).state is State.PUBLISHED


async def test_who_is_removed_still_counts_for_the_list_before(house: House) -> None:
    await as_two(house, "river")
    made = await drafted(house, "signers", signers=["authority"], threshold=1)
    once = await house.haven.drafts.sign(made.id, voice(house))
    assert once.state is State.OPEN
    done = await house.haven.drafts.sign(made.id, voice(house, "river"))
    assert done.state is State.PUBLISHED
    assert not await house.haven.drafts.has_voice(did_of(house.of("river")))


async def test_two_who_sign_at_once_are_both_kept(house: House) -> None:
    await as_two(house, "river", "court", threshold=3)
    made = await drafted(house, "suspend", organisation="harbour")
    before = await in_force(house)
    await asyncio.gather(
        *(
            house.haven.drafts.sign(made.id, voice(house, slug))
            for slug in ("authority", "river", "court", "authority", "river")
        )
    )
    done = await house.haven.drafts.one(made.id)
    assert done.state is State.PUBLISHED
    assert len(done.signed_by) == 3
    assert await in_force(house) == before + 1


async def test_a_draft_whose_base_moved_on_is_outdated(house: House) -> None:
    first = await drafted(house, "join", organisation="river", **JOIN)
    second = await drafted(house, "suspend", organisation="harbour")
    await house.haven.drafts.sign(second.id, voice(house))
    assert (await house.haven.drafts.one(first.id)).state is State.OUTDATED
    before = await in_force(house)
    with pytest.raises(Conflict) as refused:
        await house.haven.drafts.sign(first.id, voice(house))
    assert refused.value.code == "draft-outdated"
    assert await in_force(house) == before
    await house.haven.drafts.finish()
    assert [each.id for each in await house.haven.drafts.open()] == []
    again = await house.haven.drafts.make(first.operation, voice(house))
    done = await house.haven.drafts.sign(again.id, voice(house))
    assert done.state is State.PUBLISHED


async def test_of_two_drafts_signed_at_once_one_comes_into_force(house: House) -> None:
    made = [
        await drafted(house, "join", organisation="river", **JOIN),
        await drafted(house, "suspend", organisation="harbour"),
    ]
    before = await in_force(house)
    await asyncio.gather(
        *(house.haven.drafts.sign(each.id, voice(house)) for each in made),
        return_exceptions=True,
    )
    states = {(await house.haven.drafts.one(each.id)).state for each in made}
    assert states == {State.PUBLISHED, State.OUTDATED}
    assert await in_force(house) == before + 1


@pytest.mark.parametrize("by", ["asking again", "sweep"])
async def test_killed_between_signing_and_publishing_nothing_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    made = await drafted(house, "suspend", organisation="harbour")
    before = await in_force(house)
    publish, failed = GovernanceService.publish, []

    async def fails_once(self: GovernanceService, document: Any) -> Any:
        if not failed:
            failed.append(1)
            raise OperationalError("gone", None, Exception("gone"))
        return await publish(self, document)

    monkeypatch.setattr(GovernanceService, "publish", fails_once)
    with pytest.raises(OperationalError):
        await house.haven.drafts.sign(made.id, voice(house))
    left = await house.haven.drafts.one(made.id)
    assert (left.state, len(left.proofs)) == (State.OPEN, 1)
    assert await in_force(house) == before
    if by == "sweep":
        await house.haven.drafts.finish()
    else:
        await house.haven.drafts.sign(made.id, voice(house))
    assert (await house.haven.drafts.one(made.id)).state is State.PUBLISHED
    assert await in_force(house) == before + 1


async def test_killed_after_publishing_the_history_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await drafted(house, "suspend", organisation="harbour")

    async def killed(*_given: object) -> None:
        raise OperationalError("gone", None, Exception("gone"))

    with monkeypatch.context() as patched:
        patched.setattr(type(house.haven.drafts), "_write_down", killed)
        with pytest.raises(OperationalError):
            await house.haven.drafts.sign(made.id, voice(house))
    sequence = await in_force(house)
    assert (await house.haven.drafts.one(made.id)).state is State.PUBLISHED
    with pytest.raises(Conflict):
        await house.haven.drafts.drop(made.id, voice(house))
    await house.haven.drafts.sign(made.id, voice(house))
    await house.haven.drafts.finish()
    assert await in_force(house) == sequence
    async with house.database.reading() as session:
        states = (await session.execute(text("SELECT state FROM framework_draft"))).scalars()
        assert list(states) == ["published"]


async def test_a_signature_made_elsewhere_is_verified_before_it_is_kept(house: House) -> None:
    await as_two(house, "river")
    made = await drafted(house, "suspend", organisation="harbour")
    other = await drafted(house, "leave", organisation="harbour")
    drafts, river = house.haven.drafts, voice(house, "river")

    async def proof_over(document: dict[str, Any]) -> dict[str, Any]:
        signed = await house.haven.governance.sign(document, river.did)
        return proofs_of(signed)[0]

    wrong = await proof_over(other.document)
    stranger = sign(
        made.document,
        SeedSigner(b"s" * 32),
        method=wrong["verificationMethod"],
        created=datetime.now(UTC),
    )
    for bad in (wrong, stranger, {**wrong, "proofValue": "z"}):
        with pytest.raises(VerificationError) as refused:
            await drafts.add_proof(made.id, bad, voice(house))
        assert refused.value.code == "proof-does-not-hold"
    method = f"{did_of(house.of('court'))}#key-1"
    with pytest.raises(Forbidden):
        await drafts.add_proof(made.id, {**wrong, "verificationMethod": method}, voice(house))
    assert (await drafts.one(made.id)).proofs == ()
    right = await proof_over(made.document)
    for _ in range(2):
        kept = await drafts.add_proof(made.id, right, voice(house))
        assert kept.signed_by == {river.did}
    assert (await drafts.sign(made.id, voice(house))).state is State.PUBLISHED


async def test_who_made_it_and_the_authority_drop_it(house: House) -> None:
    await as_two(house, "river", "court")
    made = await drafted(house, "suspend", organisation="harbour", by="river")
    await house.haven.drafts.sign(made.id, voice(house, "river"))
    with pytest.raises(Forbidden):
        await house.haven.drafts.drop(made.id, voice(house, "court"))
    for _ in range(2):
        dropped = await house.haven.drafts.drop(made.id, voice(house, "river"))
        assert dropped.state is State.DROPPED
    for slug in ("authority", "river"):
        with pytest.raises(Conflict) as refused:
            await house.haven.drafts.sign(made.id, voice(house, slug))
        assert refused.value.code == "draft-decided"
    with pytest.raises(NotFound):
        await house.haven.drafts.one("00000000-0000-4000-8000-000000000000")


async def test_a_draft_does_not_wait_for_ever(small_house: House) -> None:
    made = await drafted(small_house, "suspend", organisation="harbour")
    small_house.pass_time(days=15)
    assert (await small_house.haven.drafts.one(made.id)).state is State.OUTDATED
    with pytest.raises(Conflict):
        await small_house.haven.drafts.sign(made.id, voice(small_house))


async def test_rules_whose_time_is_over_are_renewed(small_house: House) -> None:
    small_house.pass_time(days=91)
    made = await drafted(small_house, "renew")
    done = await small_house.haven.drafts.sign(made.id, voice(small_house))
    assert done.state is State.PUBLISHED
    await small_house.haven.governance.current()


# --- what operations do ---------------------------------------------------------------------


async def test_a_suspension_is_seen_by_every_process_at_once(house: House) -> None:
    haven = house.haven
    signatory = OrganisationsSign(haven.organisations, haven.org, haven.did_logs)
    other = GovernanceService(haven.database, signatory)
    did = did_of(house.of("harbour"))
    definition = definition_of(house, await other.current(), "harbour", "identity")
    query = Issue(did, "identity", definition)
    assert isinstance(await other.decide(query), Permit)
    await published(house, "suspend", organisation="harbour")
    denied = await other.decide(query)
    assert isinstance(denied, Deny)
    assert denied.reason == "participant-not-current"
    await published(house, "come-back", organisation="harbour")
    assert isinstance(await other.decide(query), Permit)


async def test_a_stolen_key_takes_its_grants_along(small_house: House) -> None:
    made = await drafted(small_house, "suspend", organisation="harbour", withdraw_grants=True)
    found = await small_house.haven.drafts.differences(made)
    assert sorted(kinds_of(found)) == [
        "grant-withdrawn",
        "grant-withdrawn",
        "participant-suspended",
    ]
    assert found.credentials == ("identity", "service-eligibility")
    before = await in_force(small_house)
    await small_house.haven.drafts.sign(made.id, voice(small_house))
    framework = await small_house.haven.governance.current()
    assert framework.sequence == before + 1  # one version, not three
    did = did_of(small_house.of("harbour"))
    assert all(
        each.withdrawn_from for each in framework.grants.values() if each.participant == did
    )
    await published(small_house, "come-back", organisation="harbour")
    definition = definition_of(small_house, framework, "harbour", "identity")
    denied = await small_house.haven.governance.decide(Issue(did, "identity", definition))
    assert isinstance(denied, Deny)
    assert denied.reason == "withdrawn"


async def test_a_suspension_names_the_cards_it_touches(small_house: House) -> None:
    made = await drafted(small_house, "suspend", organisation="harbour")
    found = await small_house.haven.drafts.differences(made)
    assert found.credentials == ("identity", "service-eligibility")


async def test_six_months_end_by_themselves(small_house: House) -> None:
    until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
    await published(small_house, "join", organisation="river", until=until, **JOIN)
    governance = small_house.haven.governance
    (_, entry) = (await governance.current()).participants[did_of(small_house.of("river"))]
    assert entry.until is not None
    small_house.pass_time(days=61)
    assert not entry.is_current(small_house.clock.now())


async def test_nothing_is_undone_that_was_not_done(small_house: House) -> None:
    for kind, given, error in (
        ("come-back", {"organisation": "harbour"}, Conflict),
        ("end-recognition", {"id": "nobody"}, NotFound),
        ("end-grant", {"grant": "g-unknown"}, NotFound),
        ("join", {"organisation": "river", "role": "shelter", "name": "x"}, Conflict),
        ("join", {"organisation": "river", "role": "no-role", "name": "x"}, NotFound),
        ("join", {"organisation": "nobody-here", "role": "court", "name": "x"}, NotFound),
        ("signers", {"signers": ["river"], "threshold": 3}, InvalidInput),
        ("rules", {"rules": {"roles": {"shelter": "none"}}}, InvalidInput),
        ("rules", {"rules": {"validity_days": 1.5}}, InvalidInput),
    ):
        with pytest.raises(error):
            await drafted(small_house, kind, **given)
    assert await small_house.haven.drafts.open() == []


async def test_what_is_malformed_is_named_without_what_was_sent(small_house: House) -> None:
    with pytest.raises(InvalidInput) as refused:
        await drafted(small_house, "rules", rules={"roles": {"planted": {"issue": "no"}}})
    assert refused.value.code == "malformed-change"
    assert "roles" in refused.value.detail
    assert "planted" not in refused.value.detail


async def test_rules_that_take_a_right_away_are_a_major_version(small_house: House) -> None:
    roles = packaged_rules()["roles"]
    roles["court"]["ask"] = []
    made = await drafted(small_house, "rules", rules={"roles": roles})
    found = await small_house.haven.drafts.differences(made)
    assert found.level.name == "MAJOR"
    assert found.after.version == "2.0.0" or found.after.version.endswith(".0.0")
    texts = [each.text for each in told(found, "en") if each.effect == "loses"]
    assert texts == ["In the role court one may no longer ask: For a court."]


async def test_others_are_recognised_for_a_while(small_house: House) -> None:
    until = (datetime.now(UTC) + timedelta(days=60)).isoformat()
    given = {
        "id": "neighbour",
        "authority": "did:webvh:QmX:neighbour.example:a",
        "name": {"en": "The neighbours"},
        "endpoint": "https://registry.neighbour.example",
        "scope": {"issue": ["identity"]},
        "until": until,
    }
    made = await published(small_house, "recognise", **given)
    first = told(await small_house.haven.drafts.differences(made), "es")[0]
    assert first.text == "Aquí se reconoce a otros: The neighbours."
    assert made.state is State.PUBLISHED
    await published(small_house, "end-recognition", id="neighbour")


def test_every_kind_of_operation_has_its_function_and_its_words() -> None:
    assert set(KINDS) == _TABLE.keys()
    for language in LANGUAGES:
        for kind in KINDS:
            assert say_in(language)(f"governing.kind.{kind}")


@pytest.mark.parametrize(
    "wrong",
    [
        '{"kind": "nothing"}',
        '{"kind": "leave"}',
        '{"kind": "leave", "organisation": "a b"}',
        '{"kind": "leave", "organisation": "harbour", "more": 1}',
        '{"kind": "join", "organisation": "harbour", "role": "court", "name": {}}',
        '{"kind": "join", "organisation": "harbour", "role": "court", "name": "a\\u0000"}',
        '{"kind": "come-back", "organisation": "harbour", "until": "2027-01-01T00:00:00"}',
        '{"kind": "come-back", "organisation": "x-y", "until": "9999-12-31T23:59:59-12:00"}',
        '{"kind": "rules", "rules": {"participants": []}}',
        '{"kind": "rules", "rules": {}}',
        '{"kind": "rules", "rules": {"roles": ' + "[" * 40 + "]" * 40 + "}}",
    ],
)
def test_what_is_no_operation_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        operation_of(wrong)


async def test_applying_changes_nothing_that_it_was_given(small_house: House) -> None:
    base = await small_house.haven.governance.newest_document()
    kept = repr(base)
    operation = operation_of('{"kind": "leave", "organisation": "harbour"}')
    did = did_of(small_house.of("harbour"))
    apply(operation.model_copy(update={"organisation": did}), base, datetime.now(UTC))
    assert repr(base) == kept


async def test_deeds_are_noted_without_names(small_house: House) -> None:
    made = await published(small_house, "suspend", organisation="harbour")
    deeds = await small_house.haven.desks.deeds.latest(small_house.of("authority").id)
    assert [(each.what, each.subject_id) for each in deeds[:3]] == [
        (f"framework-{what}", made.id) for what in ("published", "signed", "drafted")
    ]
    for each in deeds[:3]:
        assert re.fullmatch(r"[0-9a-f-]{36}", each.subject_id or "")
        assert say_in("en")(f"deed.{each.what}")
    assert say_in("en")("deed.framework-dropped")
