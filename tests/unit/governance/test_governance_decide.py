"""Decision tables: every reason of the engine, each with a case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from governance_sample import (
    ASKERS,
    ENDED,
    NOW,
    START,
    TODAY,
    VARIANTS,
    ask_query,
    changed,
    definition,
    did,
    framework,
    one,
    plan_ask,
    schema,
)

from core.decision import Deny, Permit
from core.errors import InvalidInput
from core.presentation import Predicate, PresentationAsk
from governance.engine import Act, Ask, Issue, Query, Recognise, Rely, decide
from governance.reasons import DenyReason

BEFORE = START - timedelta(days=1)
ELIGIBILITY = schema("service-eligibility")


def issue(name: str, credential: str, grant: str | None) -> Issue:
    return Issue(did(name), credential, definition(grant) if grant else None)


def rely(name: str, credential: str, grant: str) -> Rely:
    return Rely(did(name), schema(credential), definition(grant))


def payment(ask: PresentationAsk) -> Ask:
    return ask_query("payment", ask)


SHELTER = plan_ask("shelter", "plain")
PERMITTED: list[tuple[Query, datetime, tuple[str, ...]]] = [
    (issue("harbour", "identity", None), NOW, ("participants/1", "roles/shelter/issue")),
    (
        issue("harbour", "service-eligibility", "good"),
        NOW,
        ("participants/1", "roles/shelter/issue", "grants/good"),
    ),
    (issue("harbour", "service-eligibility", "over"), ENDED - timedelta(seconds=1), ()),
    (issue("harbour", "service-eligibility", "stolen"), ENDED - timedelta(seconds=1), ()),
    (
        rely("harbour", "service-eligibility", "good"),
        NOW,
        ("participants/1", "schemas/service-eligibility", "grants/good"),
    ),
    (rely("harbour", "service-eligibility", "over"), NOW, ()),
    (rely("closed", "service-eligibility", "old"), NOW, ()),
    (rely("harbour", "service-eligibility", "stolen"), ENDED - timedelta(seconds=1), ()),
    (
        ask_query("shelter", SHELTER),
        NOW,
        ("participants/1", "roles/shelter/ask", "checks/shelter/plain"),
    ),
    (
        payment(one("entitlement", "support-entitlement", limit_minor=(">=", 2**31 - 1))),
        NOW,
        (),
    ),
]
DENIED: list[tuple[Query, datetime, str, str]] = [
    (issue("nobody", "identity", None), NOW, "participants", "unknown-participant"),
    (issue("closed", "identity", None), NOW, "participants/2", "participant-not-current"),
    (issue("harbour", "identity", None), BEFORE, "participants/1", "participant-not-current"),
    (issue("harbour", "passport", None), NOW, "credentials", "unknown-credential"),
    (issue("court", "identity", None), NOW, "roles/court/issue", "credential-not-allowed"),
    (issue("harbour", "identity", "none"), NOW, "grants", "not-granted"),
    (issue("harbour", "identity", "good"), NOW, "grants", "not-granted"),
    (issue("harbour", "service-eligibility", "old"), NOW, "grants", "not-granted"),
    (issue("harbour", "identity", "future"), NOW, "grants/future", "not-yet-valid"),
    (issue("harbour", "service-eligibility", "over"), ENDED, "grants/over", "grant-ended"),
    (issue("harbour", "service-eligibility", "stolen"), ENDED, "grants/stolen", "withdrawn"),
    (rely("nobody", "service-eligibility", "good"), NOW, "participants", "unknown-issuer"),
    (rely("harbour", "passport", "good"), NOW, "schemas", "unknown-schema"),
    (rely("harbour", "service-eligibility", "none"), NOW, "grants", "not-granted"),
    (rely("harbour", "identity", "good"), NOW, "grants", "not-granted"),
    (rely("closed", "service-eligibility", "good"), NOW, "grants", "not-granted"),
    (rely("harbour", "service-eligibility", "stolen"), ENDED, "grants/stolen", "withdrawn"),
    (rely("harbour", "service-eligibility", "good"), BEFORE, "participants/1", "not-yet-valid"),
    (rely("harbour", "identity", "future"), NOW, "grants/future", "not-yet-valid"),
    (Ask(did("nobody"), "shelter-intake", SHELTER), NOW, "participants", "unknown-participant"),
    (
        Ask(did("closed"), "shelter-intake", SHELTER),
        NOW,
        "participants/2",
        "participant-not-current",
    ),
    (Ask(did("harbour"), "curiosity", SHELTER), NOW, "checks", "unknown-purpose"),
    (
        Ask(did("payer"), "shelter-intake", SHELTER),
        NOW,
        "roles/payment-provider/ask",
        "purpose-not-allowed",
    ),
    (ask_query("shelter", PresentationAsk(asks=())), NOW, "checks", "empty-request"),
    (
        ask_query("shelter", one("eligibility", "service-eligibility")),
        NOW,
        "checks",
        "empty-request",
    ),
    (
        ask_query("shelter", PresentationAsk(asks=SHELTER.asks * 2)),
        NOW,
        "checks",
        "repeated-credential",
    ),
    (
        ask_query("shelter", one("eligibility", "passport", "region")),
        NOW,
        "schemas",
        "unknown-credential",
    ),
    (
        ask_query("shelter", one("eligibility", "identity", "region")),
        NOW,
        "checks/shelter/plain",
        "credential-not-allowed",
    ),
    (
        ask_query("shelter", one("other", "service-eligibility", "region")),
        NOW,
        "checks/shelter/plain",
        "credential-not-allowed",
    ),
    (
        ask_query("shelter", one("eligibility", "service-eligibility", "region", "status")),
        NOW,
        "checks/shelter/plain",
        "attribute-not-allowed",
    ),
]
PREDICATES = [
    # (check, label, credential, attribute, operator, value, allowed)
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">=", TODAY, True),
    (
        "shelter",
        "eligibility",
        "service-eligibility",
        "shelter_until",
        ">=",
        TODAY - 1,
        False,
    ),  # 0 July
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">=", TODAY + 1, True),
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">=", 20260630, True),
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">=", TODAY + 2, False),
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">=", 20260629, False),
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">=", -TODAY, False),
    ("shelter", "eligibility", "service-eligibility", "shelter_until", ">", TODAY, False),
    ("shelter", "eligibility", "service-eligibility", "held_for_other", "<=", 0, True),
    ("shelter", "eligibility", "service-eligibility", "held_for_other", ">=", 1, True),
    ("shelter", "eligibility", "service-eligibility", "held_for_other", "<=", 1, False),
    ("shelter", "eligibility", "service-eligibility", "household_size", ">=", 3, False),
    ("court", "identity", "identity", "assurance_level", ">=", 2, True),
    ("court", "identity", "identity", "assurance_level", ">=", 3, False),
    ("payment", "entitlement", "support-entitlement", "limit_minor", ">=", 1, True),
    ("payment", "entitlement", "support-entitlement", "limit_minor", ">=", 0, False),
    ("payment", "entitlement", "support-entitlement", "limit_minor", "<=", 100, False),
]


PERMITTED += [
    (Act(did("harbour"), "issue", "identity"), NOW, ()),
    (Act(did("court"), "ask", "court-proceeding"), NOW, ()),
    (Act(did("police"), "compute", "overlap"), NOW, ()),
    (Recognise(did("neighbour"), "issue", "identity"), NOW, ("endorsements/neighbour",)),
]
_PAST = "endorsements/past"
DENIED += [
    (Act(did("harbour"), "dance", "identity"), NOW, "actions", "unknown-action"),
    (Act(did("harbour"), "issue", "nothing"), NOW, "actions", "unknown-credential"),
    (Act(did("harbour"), "ask", "nothing"), NOW, "actions", "unknown-purpose"),
    (Act(did("harbour"), "compute", "nothing"), NOW, "actions", "unknown-computation"),
    (Act(did("nobody"), "issue", "identity"), NOW, "participants", "unknown-participant"),
    (
        Act(did("court"), "compute", "overlap"),
        NOW,
        "roles/court/compute",
        "computation-not-allowed",
    ),
    (
        Recognise(did("nobody"), "issue", "identity"),
        NOW,
        "endorsements",
        "not-recognised",
    ),
    (Recognise(did("past"), "issue", "identity"), NOW, _PAST, "recognition-not-current"),
    (
        Recognise(did("neighbour"), "issue", "guardianship"),
        NOW,
        "endorsements/neighbour",
        "outside-recognition",
    ),
]


@pytest.mark.parametrize(("query", "moment", "rule_ids"), PERMITTED)
def test_permitted(query: Query, moment: datetime, rule_ids: tuple[str, ...]) -> None:
    decision = decide(framework(), query, as_of=moment)
    assert isinstance(decision, Permit)
    assert not rule_ids or decision.rule_ids == rule_ids


@pytest.mark.parametrize(("query", "moment", "rule_id", "reason"), DENIED)
def test_denied(query: Query, moment: datetime, rule_id: str, reason: str) -> None:
    decision = decide(framework(), query, as_of=moment)
    assert isinstance(decision, Deny)
    assert (decision.rule_id, decision.reason) == (rule_id, reason)
    assert decision.explanation.endswith(".")
    assert "did:" not in decision.explanation


@pytest.mark.parametrize(
    ("check", "label", "credential", "attribute", "operator", "value", "allowed"), PREDICATES
)
def test_predicates(
    *,
    check: str,
    label: str,
    credential: str,
    attribute: str,
    operator: str,
    value: int,
    allowed: bool,
) -> None:
    ask = one(label, credential, **{attribute: (operator, value)})
    decision = decide(framework(), ask_query(check, ask), as_of=NOW)
    if allowed:
        assert isinstance(decision, Permit)
    else:
        assert isinstance(decision, Deny)
        assert decision.reason == DenyReason.PREDICATE_NOT_ALLOWED


def test_a_limit_cannot_be_measured_by_many_bounds_in_one_request() -> None:
    ask = one("entitlement", "support-entitlement", limit_minor=(">=", 100))
    more = Predicate(attribute="limit_minor", operator=">=", value=200)
    asked = ask.asks[0].model_copy(update={"predicates": (*ask.asks[0].predicates, more)})
    decision = decide(framework(), payment(PresentationAsk(asks=(asked,))), as_of=NOW)
    assert isinstance(decision, Deny)
    assert decision.reason == DenyReason.PREDICATE_NOT_ALLOWED


@pytest.mark.parametrize(("check", "variant"), VARIANTS)
def test_the_checks_own_requests_are_allowed_to_its_role_and_to_no_other(
    check: str, variant: str
) -> None:
    for other, (name, purpose) in ASKERS.items():
        for asker, asked_for in ((name, ASKERS[check][1]), (ASKERS[check][0], purpose)):
            query = Ask(did(asker), asked_for, plan_ask(check, variant))
            assert isinstance(decide(framework(), query, as_of=NOW), Permit) == (other == check)


def test_parts_of_two_variants_do_not_add_up() -> None:
    plain = plan_ask("shelter", "plain").asks[0]
    mixed = plain.model_copy(update={"reveal": (*plain.reveal, "link_shelter")})
    decision = decide(
        framework(), ask_query("shelter", PresentationAsk(asks=(mixed,))), as_of=NOW
    )
    assert isinstance(decision, Deny)


def test_the_day_is_that_of_the_moments_own_time_zone() -> None:
    night = datetime(2026, 7, 1, 23, tzinfo=timezone(timedelta(hours=-8)))
    ask = one("eligibility", "service-eligibility", shelter_until=(">=", 20260630))
    assert isinstance(decide(framework(), ask_query("shelter", ask), as_of=night), Permit)


def test_a_moment_needs_a_time_zone() -> None:
    with pytest.raises(InvalidInput):
        decide(framework(), issue("harbour", "identity", None), as_of=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("participants", 1, "from"), "2026-01-01"),
        (("participants", 1, "from"), None),
        (("participants", 1, "until"), "never"),
        (("participants", 1, "did"), "harbour"),
        (("participants", 1, "role"), "astronaut"),
        (("participants", 1, "name"), 7),
        (("participants", 1), "harbour"),
        (("grants", 0, "from"), "2026-01-01T00:00:00+00:00"),
        (("grants", 0, "withdrawn_from"), False),
        (("grants", 0, "credential"), ["service-eligibility"]),
        (("grants", 0), None),
        (("roles", "shelter"), []),
        (("roles", "shelter", "issue"), "service-eligibility"),
    ],
)
def test_a_malformed_entry_allows_nothing(path: tuple[Any, ...], value: Any) -> None:
    read = framework(changed(*path, to=value))
    query = issue("harbour", "service-eligibility", "good")
    assert isinstance(decide(read, query, as_of=NOW), Deny)
    others = rely("office", "guardianship", "wards")
    assert isinstance(decide(read, others, as_of=NOW), Permit)


def test_every_reason_has_a_case() -> None:
    covered = {reason for *_, reason in DENIED} | {DenyReason.PREDICATE_NOT_ALLOWED.value}
    assert covered == {reason.value for reason in DenyReason}


def test_issue_at_the_last_second_and_not_at_the_next() -> None:
    last = datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC)
    query = issue("harbour", "service-eligibility", "over")
    assert isinstance(decide(framework(), query, as_of=last), Permit)
    assert isinstance(decide(framework(), query, as_of=ENDED), Deny)
