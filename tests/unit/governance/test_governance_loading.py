"""Taking in a signed framework: each check of governance.loading, and who tries to get past."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from governance_sample import DOCUMENT, NOW, changed, did
from hypothesis import given
from hypothesis import strategies as st
from signing_hands import AUTHORITY, COUNCIL, HANDS, MINISTRY, Hand, documents_of

from core.errors import VerificationError
from governance.documents import (
    end_participant,
    refreshed,
    serialise,
    with_participant,
    with_signers,
)
from governance.loading import MOST_BYTES, Accepted, Trust, load_framework, load_past
from governance.signing import digest_of, with_proof

type Document = dict[str, Any]

SIGNED = AUTHORITY.signs(DOCUMENT, NOW)
PINNED = did("authority")


def load(
    document: Document | bytes, last: Accepted | None = None, at: datetime = NOW
) -> Accepted:
    data = document if isinstance(document, bytes) else serialise(document)
    return load_framework(data, Trust(PINNED, last), documents_of(), now=at)


FIRST = load(SIGNED)


def step_of(
    document: Document | bytes, last: Accepted | None = None, at: datetime = NOW
) -> str:
    with pytest.raises(VerificationError) as caught:
        load(document, last, at)
    return caught.value.step


def joined(document: Document = DOCUMENT, name: str = "new") -> Document:
    return with_participant(document, did=did(name), role="shelter", name="New", at=NOW)


def signed(document: Document, *hands: Hand) -> Document:
    for hand in hands or (AUTHORITY,):
        document = hand.signs(document, NOW)
    return document


def test_a_signed_framework_is_taken_and_so_is_the_next() -> None:
    assert FIRST.framework.sequence == DOCUMENT["sequence"]
    following = load(signed(joined()), FIRST)
    assert following.framework.sequence == FIRST.framework.sequence + 1
    assert following.framework.previous_digest == FIRST.digest
    assert load(SIGNED, FIRST).digest == FIRST.digest  # the same again


def test_fields_that_nobody_knows_are_kept() -> None:
    more = signed({**DOCUMENT, "colour": "blue"})
    assert load(more).framework.document["colour"] == "blue"


# --- one check after the other --------------------------------------------------------------

NESTED: Any = []
for _ in range(70):
    NESTED = [NESTED]


def deep(levels: int) -> bytes:
    whole = serialise(SIGNED).rstrip().removesuffix(b"}")
    return whole + b',"deep":' + b"[" * levels + b"]" * levels + b"}"


FORMS: list[tuple[str, bytes]] = [
    ("size", b"[" + b" " * MOST_BYTES + b"]"),
    ("json", b"{"),
    ("json", b"[]"),
    ("json", b'{"a":1,"a":1}'),
    ("json", b'{"a":1.5}'),
    ("json", b'{"a":9007199254740992}'),
    ("json", b'{"a":' + b"9" * 100_000 + b"}"),
    ("json", '{"ä":1}'.encode()),
    ("json", deep(70)),
    ("json", deep(1_000_000)),
    ("format", serialise({**SIGNED, "format": "3.0"})),
    (
        "form",
        serialise({name: value for name, value in SIGNED.items() if name != "expires_at"}),
    ),
    ("form", serialise({**SIGNED, "version": "1.0"})),
    ("form", serialise({**SIGNED, "signers": {"threshold": 2, "members": []}})),
    ("framework", serialise({**SIGNED, "authority": did("other")})),
    ("framework", serialise({**SIGNED, "id": did("other")})),
]


@pytest.mark.parametrize(("step", "data"), FORMS)
def test_what_is_no_framework_of_ours_is_told_by_its_step(step: str, data: bytes) -> None:
    assert step_of(data) == step


def test_fifty_megabytes_are_not_even_read() -> None:
    assert step_of(b" " * 50_000_000) == "size"


def test_an_unsigned_one_after_a_signed_one_is_refused() -> None:
    assert step_of({**joined(), "format": "1.0", "version": 99}, FIRST) == "format"


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it | {"sequence": FIRST.framework.sequence - 1},
        lambda it: it | {"version": FIRST.framework.version},
        lambda it: it | {"version": "0.9.0"},
        lambda it: it | {"previous": None},
        lambda it: it | {"previous": {"version": "1.0.0", "digest": "0" * 64}},
    ],
)
def test_what_does_not_follow_is_refused(change: Callable[[Document], Document]) -> None:
    assert step_of(signed(change(joined())), FIRST) == "version"


def test_an_old_version_served_again_is_refused() -> None:
    second = load(signed(joined()), FIRST)
    assert step_of(SIGNED, second) == "version"


def test_one_version_has_one_content() -> None:
    assert step_of(signed(changed("revocation", "max_age_seconds", to=9)), FIRST) == "version"


def test_a_version_says_what_kind_of_change_it_is() -> None:
    document = copy.deepcopy(joined())
    document["roles"]["shelter"]["issue"].remove("identity")
    assert step_of(signed(document), FIRST) == "version"  # a right is gone: major, not patch
    document["version"] = "99.0.0"
    assert load(signed(document), FIRST).framework.version == "99.0.0"


# --- who signed -----------------------------------------------------------------------------


def test_nobody_elses_signature_counts() -> None:
    assert step_of(DOCUMENT) == "signatures"
    assert step_of(signed(DOCUMENT, MINISTRY)) == "signatures"
    impostor = Hand("authority", seed="stolen name, own key")
    assert step_of(signed(DOCUMENT, impostor)) == "signatures"


def test_a_signature_is_over_the_whole_document() -> None:
    assert step_of({**SIGNED, "languages": []}) == "signatures"


def test_a_replaced_did_log_changes_nothing_for_a_reader_who_verifies_it() -> None:
    """The DID is the hash of its log's first entry: a document that is not behind it is not
    given at all, and the signature counts for nobody."""
    with pytest.raises(VerificationError) as caught:
        load_framework(serialise(SIGNED), Trust(PINNED), documents_of(MINISTRY), now=NOW)
    assert caught.value.step == "signatures"


SEVERAL = with_signers(DOCUMENT, [MINISTRY.did, COUNCIL.did], 2, NOW)


@pytest.mark.parametrize(
    ("hands", "enough"),
    [
        ((AUTHORITY, MINISTRY), True),
        ((AUTHORITY, MINISTRY, COUNCIL), True),
        ((AUTHORITY,), False),
        ((AUTHORITY, AUTHORITY), False),
        ((MINISTRY, COUNCIL), False),  # nobody who counted before
    ],
)
def test_a_new_list_of_signers_is_signed_by_the_old_and_the_new(
    hands: tuple[Hand, ...], enough: bool
) -> None:
    document = signed(SEVERAL, *hands)
    if enough:
        assert load(document, FIRST).framework.signers.threshold == 2
    else:
        assert step_of(document, FIRST) == "signatures"


def test_one_signer_twice_is_one() -> None:
    twice = signed(SEVERAL, AUTHORITY)
    again = AUTHORITY.signs(SEVERAL, NOW + timedelta(seconds=1))["proof"][0]
    doubled = {**twice, "proof": [*twice["proof"], again]}
    assert step_of(doubled, FIRST) == "signatures"


def test_a_bad_proof_spoils_nothing_and_counts_for_nothing() -> None:
    good = signed(SEVERAL, AUTHORITY, MINISTRY)
    noise = [{"type": "x"}, {**good["proof"][0], "proofValue": "z1"}]
    assert load({**good, "proof": [*noise, *good["proof"]]}, FIRST)
    assert step_of({**good, "proof": noise}, FIRST) == "signatures"


def test_a_signer_who_was_let_go_signs_nothing_more() -> None:
    second = load(signed(SEVERAL, AUTHORITY, MINISTRY), FIRST)
    before = json.loads(serialise(second.framework.document))
    third_document = with_signers(before, [COUNCIL.did], 2, NOW)
    third = load(signed(third_document, AUTHORITY, MINISTRY, COUNCIL), second)
    fourth = joined(json.loads(serialise(third.framework.document)))
    assert step_of(signed(fourth, AUTHORITY, MINISTRY), third) == "signatures"
    assert load(signed(fourth, AUTHORITY, COUNCIL), third)


def test_at_first_sight_the_authority_itself_has_signed() -> None:
    assert step_of(signed(SEVERAL, MINISTRY, COUNCIL)) == "signatures"
    assert load(signed(SEVERAL, AUTHORITY, COUNCIL))


# --- time, rules ----------------------------------------------------------------------------


def test_it_expires_and_is_renewed() -> None:
    late = FIRST.framework.expires_at
    assert step_of(SIGNED, at=late) == "time"
    assert load(SIGNED, at=late - timedelta(seconds=1))
    renewed = signed(refreshed(DOCUMENT, late))
    assert load(renewed, FIRST, late).framework.version > FIRST.framework.version


def test_the_future_is_not_signed_for() -> None:
    ahead = AUTHORITY.signs(refreshed(DOCUMENT, NOW + timedelta(minutes=6)), NOW)
    assert step_of(ahead, FIRST) == "time"
    assert load(ahead, FIRST, NOW + timedelta(minutes=2))


def test_a_rule_that_is_malformed_is_refused_whole() -> None:
    wrong = signed(changed("roles", "shelter", "issue", to=None))
    assert step_of(wrong) == "rules"


def test_history_is_read_after_its_time() -> None:
    long_after = FIRST.framework.expires_at + timedelta(days=365)
    past = load_past(serialise(SIGNED), Trust(PINNED), documents_of(), now=long_after)
    assert past.digest == FIRST.digest
    with pytest.raises(VerificationError):
        load_past(serialise(DOCUMENT), Trust(PINNED), documents_of(), now=long_after)


def test_a_suspension_is_an_end_with_its_reason() -> None:
    document = end_participant(DOCUMENT, did("harbour"), NOW, because="suspended")
    entry = load(signed(document), FIRST).framework.participants[did("harbour")][0]
    assert (entry.ended_because, entry.is_current(NOW)) == ("suspended", False)


# --- what holds of every signature ----------------------------------------------------------


@given(hands=st.lists(st.sampled_from(list(HANDS.values())), max_size=5))
def test_the_order_of_signatures_does_not_matter(hands: list[Hand]) -> None:
    document = SEVERAL
    for hand in hands:
        document = hand.signs(document, NOW)
    assert digest_of(document) == digest_of(SEVERAL)
    assert len(document.get("proof", [])) == len(set(hands))
    wanted = {AUTHORITY.did} < {hand.did for hand in hands}
    if wanted:
        assert load(document, FIRST)
    else:
        assert step_of(document, FIRST) == "signatures"


def test_a_second_signature_of_one_signer_replaces_the_first() -> None:
    proof = AUTHORITY.signs(DOCUMENT, NOW + timedelta(days=1))["proof"][0]
    assert with_proof(SIGNED, proof)["proof"] == [proof]
