"""Reading and changing framework documents: what is refused, and that versions only go up."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from governance_sample import (
    DOCUMENT,
    ENDED,
    NOW,
    START,
    changed,
    definition,
    did,
    framework,
    schema,
)
from hypothesis import given
from hypothesis import strategies as st

from core.decision import Deny, Permit
from core.errors import Conflict, HavenError, InvalidInput, NotFound, VerificationError
from governance.documents import (
    end_grant,
    end_participant,
    new_framework,
    packaged_rules,
    serialise,
    with_grant,
    with_participant,
    with_schema,
    withdraw_grant,
)
from governance.engine import Issue, Rely, decide, parse_framework
from governance.loading import Trust, read_signed
from governance.timestamps import format_time, parse_time

type Document = Mapping[str, Any]


def follows(before: Document, after: Document) -> None:
    """Raises VerificationError unless a reader of the one takes the other."""
    trust = Trust(did("authority"))
    first = read_signed(serialise(before), trust)
    if read_signed(serialise(after), Trust(did("authority"), first)).digest == first.digest:
        raise VerificationError("the same version", step="version")


type Change = Callable[[Document], dict[str, Any]]


def joins(name: str = "new", role: str = "shelter", **period: datetime) -> Change:
    return lambda doc: with_participant(
        doc, did=did(name), role=role, name="New", at=NOW, **period
    )


def grants(
    grant_id: str = "new",
    name: str = "harbour",
    credential: str = "identity",
    definition_name: str = "new",
    **period: datetime,
) -> Change:
    return lambda doc: with_grant(
        doc,
        grant_id=grant_id,
        did=did(name),
        credential=credential,
        definition_id=definition(definition_name),
        at=NOW,
        **period,
    )


CHANGES: list[Change] = [
    joins(),
    joins("harbour", "court"),
    joins("closed"),
    grants(),
    lambda doc: end_grant(doc, "good", NOW),
    lambda doc: withdraw_grant(doc, "good", NOW),
    lambda doc: withdraw_grant(doc, "over", NOW),
    lambda doc: end_participant(doc, did("harbour"), NOW),
]
REFUSED: list[tuple[Change, type[HavenError]]] = [
    (joins("harbour"), Conflict),
    (joins(role="astronaut"), NotFound),
    (joins(until=NOW), InvalidInput),
    (lambda doc: with_participant(doc, did="x", role="court", name="X", at=NOW), InvalidInput),
    (grants("good"), Conflict),
    (grants(definition_name="stolen"), Conflict),
    (grants(credential="guardianship"), Conflict),
    (grants(name="closed"), Conflict),
    (grants(name="nobody"), NotFound),
    (grants(credential="passport"), NotFound),
    (grants(until=NOW - timedelta(days=1)), InvalidInput),
    (lambda doc: with_schema(doc, "identity", "another", NOW), Conflict),
    (lambda doc: with_schema(doc, "passport", "another", NOW), NotFound),
    (lambda doc: end_grant(doc, "over", NOW), Conflict),
    (lambda doc: end_grant(doc, "none", NOW), NotFound),
    (lambda doc: withdraw_grant(doc, "stolen", NOW), Conflict),
    (lambda doc: withdraw_grant(doc, "none", NOW), NotFound),
    (lambda doc: end_participant(doc, did("closed"), NOW), Conflict),
    (lambda doc: end_participant(doc, did("nobody"), NOW), NotFound),
    (lambda doc: end_participant(doc, did("harbour"), NOW, role="court"), NotFound),
    (lambda doc: end_grant(doc, "good", START), Conflict),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_makes_a_newer_document_and_leaves_the_old_one(change: Change) -> None:
    before = copy.deepcopy(DOCUMENT)
    made = change(DOCUMENT)
    assert before == DOCUMENT
    assert made["sequence"] == DOCUMENT["sequence"] + 1
    assert made["issued_at"] == "2026-07-01T12:00:00Z"
    assert parse_framework(serialise(made)).faults == ()
    follows(DOCUMENT, made)


@pytest.mark.parametrize(("change", "error"), REFUSED)
def test_a_contradiction_is_refused(change: Change, error: type[HavenError]) -> None:
    with pytest.raises(error) as caught:
        change(DOCUMENT)
    assert "did:" not in caught.value.detail


@given(steps=st.lists(st.sampled_from(CHANGES), max_size=6))
def test_versions_only_go_up(steps: list[Change]) -> None:
    document: dict[str, Any] = DOCUMENT
    for step in steps:
        try:
            newer = step(document)
        except HavenError:
            continue
        follows(document, newer)
        with pytest.raises(VerificationError):
            follows(newer, document)
        document = newer


def test_ending_and_withdrawing_differ_for_what_was_issued() -> None:
    rely = Rely(did("harbour"), schema("service-eligibility"), definition("good"))
    issue = Issue(did("harbour"), "service-eligibility", definition("good"))
    ended = framework(end_grant(DOCUMENT, "good", NOW))
    assert isinstance(decide(ended, rely, as_of=NOW), Permit)
    assert isinstance(decide(ended, issue, as_of=NOW), Deny)
    withdrawn = framework(withdraw_grant(DOCUMENT, "good", NOW))
    assert isinstance(decide(withdrawn, rely, as_of=NOW), Deny)
    assert isinstance(decide(withdrawn, rely, as_of=NOW - timedelta(seconds=1)), Permit)


def test_what_has_not_begun_can_be_ended() -> None:
    made = end_grant(DOCUMENT, "future", NOW)
    issue = Issue(did("harbour"), "identity", definition("future"))
    decision = decide(framework(made), issue, as_of=datetime(2027, 1, 1, tzinfo=UTC))
    assert isinstance(decision, Deny)
    assert decision.reason == "grant-ended"


def test_a_withdrawal_can_be_brought_forward_and_not_put_off() -> None:
    later = withdraw_grant(DOCUMENT, "good", ENDED + timedelta(days=90))
    assert later["issued_at"] == "2026-08-30T00:00:00Z"
    with pytest.raises(Conflict):
        withdraw_grant(later, "good", ENDED + timedelta(days=91))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b"[" * 100_000,
        serialise(DOCUMENT).replace(b'"withdrawn_from": null', b'"id": "x", "id": "y"', 1),
        serialise(changed("format", to="3.0")),
        serialise(changed("sequence", to=0)),
        serialise(changed("sequence", to=True)),
        serialise(changed("version", to="01.0.0")),
        serialise(changed("id", to="example")),
        serialise(changed("participants", to={})),
        serialise(changed("revocation", to={})),
        serialise(changed("grants", 0, "id", to="over")),
        serialise(changed("grants", 0, "definition_id", to=definition("stolen"))),
    ],
)
def test_a_document_that_is_unusable_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_framework(data)


@pytest.mark.parametrize("field", sorted(set(DOCUMENT)))
def test_every_field_of_the_document_is_required(field: str) -> None:
    with pytest.raises(InvalidInput):
        framework({name: value for name, value in DOCUMENT.items() if name != field})


def test_unknown_fields_are_kept_and_ignored() -> None:
    made = changed("grants", 0, to=DOCUMENT["grants"][0] | {"note": 1})
    made |= {"appeal": "https://haven.example/appeal"}
    later = with_participant(made, did=did("new"), role="court", name="C", at=NOW)
    read = framework(later)
    assert read.document["appeal"] == made["appeal"]
    assert read.document["grants"][0]["note"] == 1
    assert json.loads(serialise(read.document)) == later


def test_a_malformed_entry_is_named_without_its_values() -> None:
    read = framework(changed("participants", 1, "did", to="maria"))
    assert read.faults == ("participants/1: did must be a DID",)
    with pytest.raises(InvalidInput):
        joins()(changed("participants", 1, "did", to="maria"))


def test_new_framework_refuses_malformed_rules() -> None:
    rules = packaged_rules()
    rules["roles"]["court"] = {"issue": []}
    with pytest.raises(InvalidInput, match="roles/court: ask is missing"):
        new_framework(rules, did("authority"), START)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-W01-1T00:00:00Z",
        "２026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        20260101,
        None,
    ],
)
def test_other_times_than_rfc_3339_in_utc_are_refused(text: object) -> None:
    with pytest.raises(InvalidInput, match="from"):
        parse_time(text, "from")


@given(st.datetimes(timezones=st.just(timezone(timedelta(hours=7)))))
def test_a_time_written_and_read_is_the_same_second(moment: datetime) -> None:
    if moment.year in (1, 9999):
        return
    assert parse_time(format_time(moment), "at") == moment.replace(microsecond=0)
