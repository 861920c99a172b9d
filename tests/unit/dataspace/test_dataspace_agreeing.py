"""How an agreement comes about, who has signed it, and how it ends."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agreement_world import (
    DAY,
    EVERYBODY,
    HOLDERS,
    NOW,
    all_sign,
    did,
    participant,
    signed,
    signer,
    terms,
)
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, Forbidden, Gone, InvalidInput, VerificationError
from dataspace.agreeing.agreement import Environment, Limits, read_terms
from dataspace.agreeing.keys import require_listed_keys
from dataspace.agreeing.negotiating import (
    TRANSITIONS,
    Agreement,
    By,
    Message,
    State,
    begin,
    move,
    replaced_by,
    require_all_signed,
    require_environment,
    require_in_force,
    sign_termination,
    sign_terms,
    terminate,
    who_signed,
    with_signature,
)
from dataspace.agreeing.rendering import as_odrl
from dataspace.agreeing.signatures import method_of, proof_of

ROOT = Path(__file__).resolve().parents[3]
ASSIGNER = did("shelter-a")
ASSIGNEES = [did(name) for name in EVERYBODY if did(name) != ASSIGNER]


def offered() -> Agreement:
    return begin(terms(), ASSIGNER)


# --- states -------------------------------------------------------------------------------


def test_a_negotiation_goes_through_the_protocols_states() -> None:
    talks = offered()
    assert talks.state is State.OFFERED
    for each in ASSIGNEES:
        assert talks.state is State.OFFERED
        talks = move(talks, Message.ACCEPT, each)
    assert talks.state is State.ACCEPTED
    talks = move(sign_terms(talks, signer("shelter-a"), ASSIGNER, NOW), Message.AGREE, ASSIGNER)
    assert talks.state is State.AGREED
    for name in EVERYBODY[1:]:
        talks = sign_terms(talks, signer(name), did(name), NOW)
        talks = move(talks, Message.VERIFY, did(name))
    assert talks.state is State.VERIFIED
    talks = move(talks, Message.FINALIZE, ASSIGNER)
    assert talks.state is State.FINALIZED
    assert require_all_signed(talks).terms == terms()


def test_terms_are_talked_about_until_they_are_accepted() -> None:
    talks = begin(terms(), did("police"))
    assert talks.state is State.REQUESTED
    talks = move(talks, Message.OFFER, ASSIGNER, terms(title="Another"))
    assert (talks.state, talks.terms.title) == (State.OFFERED, "Another")
    talks = sign_terms(talks, signer("health"), did("health"), NOW)
    talks = move(talks, Message.REQUEST, did("health"), terms(title="A third"))
    assert (talks.state, talks.proofs) == (State.REQUESTED, ())


def test_every_other_message_is_refused_in_every_state() -> None:
    allowed = {(each.source, each.message) for each in TRANSITIONS}
    for state in State:
        for message in Message:
            if message is Message.TERMINATE or (state, message) in allowed:
                continue
            brought = terms() if message in {Message.OFFER, Message.REQUEST} else None
            with pytest.raises(Conflict):
                move(replace(offered(), state=state), message, ASSIGNER, brought)


def test_who_may_send_what() -> None:
    wrong = {By.ASSIGNER: did("police"), By.AN_ASSIGNEE: ASSIGNER, By.EVERY_ASSIGNEE: ASSIGNER}
    for each in TRANSITIONS:
        if each.source is None or each.by not in wrong:
            continue
        brought = terms() if each.message in {Message.OFFER, Message.REQUEST} else None
        for by in (wrong[each.by], did("stranger")):
            with pytest.raises(Forbidden):
                move(replace(offered(), state=each.source), each.message, by, brought)


def test_a_signature_comes_before_the_word_that_needs_it() -> None:
    for state, message, by in (
        (State.ACCEPTED, Message.AGREE, ASSIGNER),
        (State.AGREED, Message.VERIFY, did("police")),
        (State.VERIFIED, Message.FINALIZE, ASSIGNER),
    ):
        with pytest.raises(Conflict, match="signature"):
            move(replace(offered(), state=state), message, by)


@given(st.lists(st.tuples(st.sampled_from(Message), st.sampled_from(EVERYBODY)), max_size=40))
def test_no_order_of_messages_finalizes_without_signatures(
    said: list[tuple[Message, str]],
) -> None:
    talks = offered()
    for message, name in said:
        try:
            talks = move(talks, message, did(name))
        except (Conflict, Forbidden):
            continue
    assert talks.state in {State.OFFERED, State.ACCEPTED}


# --- signatures ---------------------------------------------------------------------------


def test_all_have_to_sign() -> None:
    talks = offered()
    for name in EVERYBODY:
        with pytest.raises(VerificationError) as caught:
            require_all_signed(talks)
        assert caught.value.step == "agreement-signatures"
        talks = sign_terms(talks, signer(name), did(name), NOW)
    assert require_all_signed(talks).since == NOW


def test_the_state_alone_proves_nothing() -> None:
    with pytest.raises(VerificationError):
        require_all_signed(replace(offered(), state=State.FINALIZED))


def test_a_signature_of_other_terms_counts_for_nobody() -> None:
    other = all_sign(begin(terms(title="Other"), ASSIGNER))
    forged = replace(offered(), proofs=other.proofs)
    assert who_signed(forged) == frozenset()
    with pytest.raises(VerificationError):
        require_all_signed(forged)
    with pytest.raises(VerificationError) as caught:
        with_signature(offered(), other.proofs[0])
    assert caught.value.step == "agreement-signature"


@pytest.mark.parametrize("name", ["health", "stranger"])
def test_nobody_signs_for_another(name: str) -> None:
    with pytest.raises(VerificationError) as caught:
        sign_terms(offered(), signer(name), did("police" if name == "health" else name), NOW)
    assert caught.value.step == "agreement-signature"


def test_one_participants_proof_many_times_is_one() -> None:
    proof = proof_of(terms().digest, signer("police"), did("police"), NOW)
    assert who_signed(replace(offered(), proofs=(proof,) * 6)) == {did("police")}


def test_the_digest_is_the_same_however_sets_are_written() -> None:
    one = terms(operations=["b", "a", "c"], columns=["y", "x"])
    other = terms(operations=["c", "b", "a"], columns=["x", "y"])
    assert one.digest == other.digest
    assert read_terms(one.document()) == one
    assert read_terms(one.document()).digest == one.digest


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Another"},
        {"version": 2},
        {"environment": "production"},
        {"purposes": {"public-statistics", "policing"}},
        {"columns": {"region"}},
        {"ends": NOW + DAY},
        {"participants": tuple(participant(n, no_linkage=False) for n in EVERYBODY)},
    ],
)
def test_any_change_is_other_terms(changed: dict[str, Any]) -> None:
    assert terms(**changed).digest != terms().digest


@pytest.mark.parametrize(
    "participants",
    [
        tuple(participant(name) for name in HOLDERS[:2]),
        tuple(participant(name, holds_data=name in HOLDERS[:2]) for name in HOLDERS),
        tuple(participant(name, computes=name in HOLDERS[:2]) for name in HOLDERS),
        (*(participant(name) for name in HOLDERS), participant("police")),
        (*(participant(n) for n in HOLDERS), participant("x", key=signer("police").multikey)),
    ],
    ids=["two", "two-hold", "two-compute", "twice", "one-key-for-two"],
)
def test_terms_that_protect_nobody_are_none(participants: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInput):
        read_terms(
            {**terms().document(), "participants": [p.model_dump() for p in participants]}
        )


def test_malformed_terms_name_the_place_and_no_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_terms({**terms().document(), "environment": "Maria"})
    assert "environment" in caught.value.detail
    assert "Maria" not in caught.value.detail


def test_keys_of_the_terms_stand_in_the_did_documents() -> None:
    def documents(shown: str) -> dict[str, Any]:
        name = shown.removeprefix("did:web:").removesuffix(".example")
        key = signer(name).multikey
        method = {"id": "#k1", "type": "Multikey", "controller": shown}
        return {
            "id": shown,
            "verificationMethod": [{**method, "publicKeyMultibase": key}],
            "assertionMethod": ["#k1"],
        }

    require_listed_keys(terms(), documents)
    swapped = [participant(n, key=signer("evil").multikey) if n == "police" else participant(n)
               for n in EVERYBODY]  # fmt: skip
    with pytest.raises(VerificationError) as caught:
        require_listed_keys(terms(participants=tuple(swapped)), documents)
    assert caught.value.step == "agreement-key"


# --- versions, ends, environments ---------------------------------------------------------


def test_a_next_version_replaces_the_one_before_when_all_signed_it() -> None:
    old = all_sign(offered())
    ended = replaced_by(old, signed(version=2))
    assert ended.state is State.TERMINATED
    with pytest.raises(Gone) as caught:
        require_all_signed(ended)
    assert caught.value.code == "agreement-replaced"
    with pytest.raises(Gone):
        replaced_by(ended, signed(version=2))
    lacking = begin(terms(version=2), ASSIGNER)
    with pytest.raises(VerificationError):  # of which nobody can make a SignedAgreement
        require_all_signed(replace(lacking, proofs=old.proofs))


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 1},
        {"version": 3},
        {"version": 2, "environment": Environment.PRODUCTION},
        {"version": 2, "id": "urn:uuid:00000000-6f1c-4c57-8b3e-2f1d5a7c9e10"},
    ],
)
def test_nothing_else_replaces_it(changed: dict[str, Any]) -> None:
    with pytest.raises(Conflict) as caught:
        replaced_by(all_sign(offered()), signed(**changed))
    assert caught.value.code == "agreement-version"


@pytest.mark.parametrize("state", [state for state in State if state is not State.TERMINATED])
@pytest.mark.parametrize("name", ["shelter-b", "evaluator"])
def test_any_participant_ends_it_in_any_state_at_once(state: State, name: str) -> None:
    talks = replace(all_sign(offered()), state=state)
    ended = terminate(
        talks, sign_termination(talks, signer(name), did(name), NOW, "law-changed")
    )
    assert ended.state is State.TERMINATED
    with pytest.raises(Gone) as caught:
        require_all_signed(ended)
    assert caught.value.code == "agreement-terminated"
    assert (
        terminate(ended, sign_termination(talks, signer("police"), did("police"), NOW)) == ended
    )


def test_a_forged_end_is_none() -> None:
    talks = all_sign(offered())
    forged = sign_termination(talks, signer("health"), did("police"), NOW)
    other = sign_termination(
        begin(terms(version=2), ASSIGNER), signer("police"), did("police"), NOW
    )
    stranger = sign_termination(talks, signer("stranger"), did("stranger"), NOW)
    changed = {**sign_termination(talks, signer("police"), did("police"), NOW), "reason": "x"}
    for document, step in (
        (forged, "agreement-signature"),
        (other, "agreement-other"),
        (stranger, "agreement-signature"),
        (changed, "agreement-signature"),
        ({"format": "haven-termination-1"}, "form"),
    ):
        with pytest.raises(VerificationError) as caught:
            terminate(talks, document)
        assert caught.value.step == step


@pytest.mark.parametrize("own", list(Environment))
@pytest.mark.parametrize("found", [*Environment, "SANDBOX", "", None])
def test_the_other_environment_is_refused(own: Environment, found: Any) -> None:
    if found == own:
        require_environment(found, own)
        return
    with pytest.raises(VerificationError) as caught:
        require_environment(found, own)
    assert caught.value.step == "environment"


def test_an_agreement_has_a_beginning_and_an_end() -> None:
    made = signed()
    require_in_force(made, made.terms.starts)
    for moment in (made.terms.starts - DAY, made.terms.ends):
        with pytest.raises(Gone):
            require_in_force(made, moment)


# --- as ODRL ------------------------------------------------------------------------------

# ODRL Vocabulary & Expression 2.2: what is used here without a prefix
CORE = {"isAnyOf", "gteq", "lteq", "lt", "purpose", "dateTime", "count", "distribute"}


def test_terms_as_an_odrl_agreement() -> None:
    made = terms(columns={"region"})
    policy = as_odrl(made)
    assert policy["@context"][0] == "http://www.w3.org/ns/odrl.jsonld"
    assert (policy["@type"], policy["uid"]) == ("Agreement", made.id)
    assert policy["assigner"] == ASSIGNER
    assert sorted(policy["assignee"]) == sorted(ASSIGNEES)
    (permission,) = policy["permission"]
    assert permission["action"] == ["haven:cross-table", "haven:overlaps"]
    assert policy["target"]["haven:vocabulary"] == made.vocabulary
    found = {
        (c["leftOperand"], c["operator"]): c["rightOperand"] for c in permission["constraint"]
    }
    assert found["purpose", "isAnyOf"] == ["haven:public-statistics"]
    assert found["haven:leastCell", "gteq"] == made.limits.least_cell
    assert found["haven:epsilonThousandths", "lteq"] == made.limits.epsilon_milli
    assert found["count", "lteq"] == 5
    assert found["dateTime", "lt"]["@value"] == made.ends.isoformat()
    named = {word for pair in found for word in pair} | {
        p["action"] for p in policy["prohibition"]
    }
    assert all(word in CORE or word.startswith("haven:") for word in named)


def test_every_limit_is_rendered() -> None:
    (permission,) = as_odrl(terms())["permission"]
    others = 3  # the purpose, the beginning, the end
    assert len(permission["constraint"]) == others + len(Limits.model_fields)


# --- what only one function makes ---------------------------------------------------------

MADE_IN = {
    "SignedAgreement": "dataspace/agreeing/negotiating.py",
    "ApprovedPlan": "dataspace/planning/approvals.py",
    "VerifiedLog": "dataspace/recording/log.py",
    "Admitted": "dataspace/gating/gate.py",
}


def test_what_was_verified_is_made_by_what_verifies() -> None:
    for path in [*(ROOT / "dataspace").rglob("*.py"), *(ROOT / "controllers").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                where = MADE_IN.get(node.func.id)
                assert where in {None, path.relative_to(ROOT).as_posix()}, path


def test_a_verification_method_is_the_dids() -> None:
    assert method_of("did:web:a.example", "z6Mk") == "did:web:a.example#z6Mk"
