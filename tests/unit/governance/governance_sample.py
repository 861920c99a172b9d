"""A realistic framework with every kind of participant and grant, and questions about it."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from core.decision import Decision, Permit
from core.errors import InvalidInput
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from governance.checks import instantiate
from governance.documents import (
    end_grant,
    end_participant,
    new_framework,
    packaged_rules,
    serialise,
    with_endorsement,
    with_grant,
    with_participant,
    with_schema,
    withdraw_grant,
)
from governance.engine import (
    Act,
    Ask,
    Framework,
    Issue,
    Query,
    Recognise,
    Rely,
    decide,
    parse_framework,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = datetime(2026, 6, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TODAY = 20260701


def did(name: str) -> str:
    return f"did:webvh:Qm{name}:haven.localhost:{name}"


def schema(credential: str) -> str:
    return f"{did('authority')}/resources/{credential}"


def definition(name: str) -> str:
    return f"{did('authority')}/resources/definition-{name}"


def document() -> dict[str, Any]:
    made = new_framework(packaged_rules(), did("authority"), START)
    for credential in made["credentials"]:
        made = with_schema(made, credential, schema(credential), START)
    for name, role in (
        ("authority", "governance-authority"),
        ("harbour", "shelter"),
        ("closed", "shelter"),
        ("office", "guardianship-office"),
        ("fund", "support-fund"),
        ("court", "court"),
        ("payer", "payment-provider"),
        ("police", "police"),
    ):
        made = with_participant(made, did=did(name), role=role, name={"en": name}, at=START)
    for grant_id, name, credential in (
        ("good", "harbour", "service-eligibility"),
        ("over", "harbour", "service-eligibility"),
        ("stolen", "harbour", "service-eligibility"),
        ("old", "closed", "service-eligibility"),
        ("wards", "office", "guardianship"),
        ("money", "fund", "support-entitlement"),
    ):
        made = with_grant(
            made,
            grant_id=grant_id,
            did=did(name),
            credential=credential,
            definition_id=definition(grant_id),
            at=START,
        )
    made = with_grant(
        made,
        grant_id="future",
        did=did("harbour"),
        credential="identity",
        definition_id=definition("future"),
        at=START,
        starts=datetime(2026, 12, 1, tzinfo=UTC),
    )
    made = end_grant(made, "over", ENDED)
    made = withdraw_grant(made, "stolen", ENDED)
    made = with_endorsement(
        made,
        endorsement_id="neighbour",
        authority=did("neighbour"),
        name={"en": "The neighbours"},
        endpoint="https://registry.neighbour.example",
        scope={"issue": ["identity"], "ask": ["court-proceeding"]},
        until=datetime(2027, 1, 1, tzinfo=UTC),
        at=ENDED,
    )
    made = with_endorsement(
        made,
        endorsement_id="past",
        authority=did("past"),
        name={"en": "Past"},
        endpoint="https://registry.past.example",
        scope={"issue": ["identity"]},
        until=datetime(2026, 6, 2, tzinfo=UTC),
        at=ENDED,
    )
    return end_participant(made, did("closed"), ENDED)


DOCUMENT = document()


def framework(changed: dict[str, Any] | None = None) -> Framework:
    return parse_framework(serialise(DOCUMENT if changed is None else changed))


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """The sample with the value at `path` replaced."""
    made = copy.deepcopy(DOCUMENT)
    place: Any = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return made


PAYMENT: dict[str, int | str] = {"amount_minor": 2500, "currency": "USD"}


def plan_ask(check: str, variant: str) -> PresentationAsk:
    parameters = PAYMENT if check == "payment" else {}
    return instantiate(framework(), check, variant, parameters, as_of=NOW).ask


ASKERS = {
    "shelter": ("harbour", "shelter-intake"),
    "court": ("court", "court-proceeding"),
    "payment": ("payer", "benefit-payment"),
}
VARIANTS = [
    ("shelter", "plain"),
    ("shelter", "representative"),
    ("court", "plain"),
    ("payment", "plain"),
    ("payment", "representative"),
]


def ask_query(check: str, ask: PresentationAsk) -> Ask:
    name, purpose = ASKERS[check]
    return Ask(did(name), purpose, ask)


def one(label: str, credential: str, *reveal: str, **predicates: Any) -> PresentationAsk:
    """A request for one credential; predicates as attribute=(operator, value)."""
    proofs = tuple(
        Predicate(attribute=name, operator=op, value=value)
        for name, (op, value) in predicates.items()
    )
    asked = CredentialAsk(
        label=label, schema_id=schema(credential), reveal=reveal, predicates=proofs
    )
    return PresentationAsk(asks=(asked,))


ACTS = [
    ("issue", "identity"),
    ("issue", "guardianship"),
    ("ask", "court-proceeding"),
    ("ask", "shelter-intake"),
    ("compute", "overlap"),
    ("compute", "nothing"),
    ("dance", "identity"),
]


def questions() -> Iterator[tuple[Query, datetime]]:
    """Questions of all kinds, some with a yes and some with a no."""
    moments = (START, NOW, datetime(2027, 1, 1, tzinfo=UTC))
    names = ("good", "over", "stolen", "old", "wards", "money", "future")
    owners = ("harbour", "harbour", "harbour", "closed", "office", "fund", "harbour")
    for moment in moments:
        for credential in DOCUMENT["credentials"]:
            for grant, owner in zip(names, owners, strict=True):
                yield Issue(did(owner), credential, definition(grant)), moment
                yield Rely(did(owner), schema(credential), definition(grant)), moment
            for owner in ("harbour", "closed", "court", "nobody"):
                yield Issue(did(owner), credential, None), moment
            for authority in ("neighbour", "past", "nobody"):
                yield Recognise(did(authority), "issue", credential), moment
        for owner in ("harbour", "closed", "police", "court", "nobody"):
            for action, resource in ACTS:
                yield Act(did(owner), action, resource), moment
    for check, variant in VARIANTS:
        ask = plan_ask(check, variant)
        for asked in (ask, *subsets(ask)):
            yield ask_query(check, asked), NOW
            yield Ask(did("court"), "shelter-intake", asked), NOW


def subsets(ask: PresentationAsk) -> Iterator[PresentationAsk]:
    """Each credential alone, and the request without each one of its parts."""
    for index, each in enumerate(ask.asks):
        if len(ask.asks) > 1:
            yield PresentationAsk(asks=(each,))
        smaller = [
            each.model_copy(update={"reveal": tuple(a for a in each.reveal if a != gone)})
            for gone in each.reveal
        ] + [
            each.model_copy(
                update={"predicates": tuple(p for p in each.predicates if p != gone)}
            )
            for gone in each.predicates
        ]
        for part in smaller:
            if part.reveal or part.predicates:
                yield PresentationAsk(asks=(*ask.asks[:index], part, *ask.asks[index + 1 :]))


def permits(data: bytes, asked: list[tuple[Query, datetime]]) -> list[bool]:
    """The answers as yes and no; a document that cannot be used says no to everything."""
    try:
        read = parse_framework(data)
    except InvalidInput:
        return [False] * len(asked)
    return [yes(decide(read, query, as_of=moment)) for query, moment in asked]


def yes(decision: Decision) -> bool:
    return isinstance(decision, Permit)
