"""The engine on the phone answers as governance/engine.py does: same rules, same reasons.

Each example asks both engines hundreds of questions about one framework: a realistic one that
lost something or got nonsense in its place, and small ones put together at random.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision import Decision, Permit
from core.errors import InvalidInput
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from governance.documents import serialise
from governance.engine import Ask, Issue, decide, parse_framework
from tests.support.phone import Json, Phone, asked
from tests.unit.governance.governance_sample import (
    DOCUMENT,
    ENDED,
    NOW,
    START,
    VARIANTS,
    ask_query,
    did,
    plan_ask,
    questions,
    schema,
)

type Asked = tuple[Issue | Ask, datetime]
type Path = tuple[str | int, ...]


def said(decision: Decision) -> Json:
    """A decision as the phone says it."""
    if isinstance(decision, Permit):
        return {"permit": True, "rules": list(decision.rule_ids)}
    return {"permit": False, "rule": decision.rule_id, "reason": decision.reason}


def in_python(text: bytes, queries: list[Asked]) -> Json:
    try:
        framework = parse_framework(text)
    except InvalidInput:
        return {"step": "form", "reason": ""}
    return {"gave": [said(decide(framework, query, as_of=at)) for query, at in queries]}


def put(on_phone: Phone, queries: list[Asked]) -> None:
    """Give the phone the questions that it is to answer from now on."""
    told = [
        {**asked(query), "at": at.isoformat(timespec="milliseconds")} for query, at in queries
    ]
    assert on_phone("questions", questions=told) == {"gave": len(queries)}


def wider(ask: PresentationAsk) -> Iterator[PresentationAsk]:
    """The request with one thing more, or another way round."""
    yield PresentationAsk(asks=ask.asks[::-1])
    yield PresentationAsk(asks=ask.asks * 2)
    yield PresentationAsk(asks=(*ask.asks, CredentialAsk(label="more", schema_id="x")))
    first, *rest = ask.asks
    for more in (
        {"reveal": (*first.reveal, "given_names")},
        {"reveal": first.reveal * 2},
        {"schema_id": schema("guardianship")},
        {"schema_id": "none"},
        {"label": "other"},
        {"predicates": first.predicates * 2},
        {"predicates": tuple(other(each, value=each.value + 1) for each in first.predicates)},
        {"predicates": tuple(other(each, value=each.value + 2) for each in first.predicates)},
        {"predicates": tuple(other(each, operator="<") for each in first.predicates)},
        {"predicates": (*first.predicates, Predicate(attribute="x", operator=">", value=0))},
    ):
        yield PresentationAsk(asks=(first.model_copy(update=more), *rest))


def other(predicate: Predicate, **change: Any) -> Predicate:
    return predicate.model_copy(update=change)


SAMPLE: list[Asked] = [
    (query, at) for query, at in questions() if isinstance(query, Issue | Ask)
] + [
    (ask_query(check, ask), at)
    for check, variant in VARIANTS
    for ask in wider(plan_ask(check, variant))
    for at in (NOW, NOW + timedelta(days=1), ENDED - timedelta(milliseconds=1))
]


def test_the_questions_are_many_and_of_all_kinds(on_phone: Phone) -> None:
    put(on_phone, SAMPLE)
    answers = in_python(serialise(DOCUMENT), SAMPLE)
    assert on_phone("decide", text=serialise(DOCUMENT).decode()) == answers
    reasons = {each.get("reason") for each in answers["gave"]}
    assert len(SAMPLE) > 300
    assert len(reasons) >= 12
    assert sum(each["permit"] for each in answers["gave"]) > 50


# --- a realistic framework, damaged ---------------------------------------------------------


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members.extend(value.items())
    if isinstance(value, list):
        members.extend(enumerate(value))
    for step, member in members:
        yield (*here, step)
        yield from paths(member, (*here, step))


def altered(document: Any, path: Path, *to: Any) -> Any:
    """The document with another value at `path`, or without it."""
    made = copy.deepcopy(document)
    place = made
    for step in path[:-1]:
        place = place[step]
    if to:
        place[path[-1]] = to[0]
    else:
        del place[path[-1]]
    return made


def agree(on_phone: Phone, document: Any, queries: list[Asked]) -> None:
    text = json.dumps(document, ensure_ascii=False)
    assert on_phone("decide", text=text) == in_python(text.encode(), queries)


def test_without_any_one_thing_they_agree(on_phone: Phone) -> None:
    put(on_phone, SAMPLE)
    for path in paths(DOCUMENT):
        agree(on_phone, altered(DOCUMENT, path), SAMPLE)


ODD: list[Any] = [
    None,
    0,
    1,
    -1,
    "",
    "x",
    "$",
    "$today",
    "$amount_minor",
    "$currency",
    [],
    {},
    [[]],
    ["x"],
    {"x": 1},
    {"__proto__": {"en": "x"}},
    True,
    False,
    2**31,
    -(2**31),
    2**53 - 1,
    "1.0",
    "2.0",
    did("harbour"),
    did("harbour") + "\n",
    did("authority") + "/x?y#z",
    schema("identity"),
    "service-eligibility",
    "shelter-intake",
    "shelter",
    "2026-06-01T00:00:00Z",
    "2026-06-31T00:00:00Z",
    "2027-06-01T00:00:00.123456Z",
    "2026-06-01T24:00:00Z",
    "2026-06-01T00:00:00+00:00",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    ["shelter_until", ">=", "$today"],
    ["shelter_until", "==", 0],
    ["held_for_other", "<=", 0],
]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_with_odd_things_in_it_they_agree(on_phone: Phone, data: st.DataObject) -> None:
    put(on_phone, SAMPLE)
    document: Any = DOCUMENT
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([each for each in paths(document) if each[1:]]))
        odd = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        document = altered(document, path, odd)
    agree(on_phone, document, SAMPLE)


@pytest.mark.parametrize("odd", ODD)
def test_with_an_odd_top_they_agree(on_phone: Phone, odd: Any) -> None:
    put(on_phone, SAMPLE[:20])
    for name in DOCUMENT:
        agree(on_phone, altered(DOCUMENT, (name,), odd), SAMPLE[:20])


@pytest.mark.parametrize("name", ["id", "definition_id"])
@pytest.mark.parametrize("value", ["same", "", 7, None])
def test_two_grants_may_not_be_taken_for_one_another(
    on_phone: Phone, name: str, value: Any
) -> None:
    put(on_phone, SAMPLE[:20])
    document = altered(DOCUMENT, ("grants", 0, name), value)
    agree(on_phone, altered(document, ("grants", 1, name), value), SAMPLE[:20])


def test_what_is_no_object_is_no_framework(on_phone: Phone) -> None:
    put(on_phone, SAMPLE[:1])
    for text in ("[]", "null", '"x"', "7"):
        assert on_phone.step("decide", text=text) == "form"


def test_a_signed_framework_is_read_alike(on_phone: Phone) -> None:
    """Format 2 has another version number, and more fields that the engine does not need."""
    put(on_phone, SAMPLE)
    signed = {**DOCUMENT, "format": "2.0", "version": "1.4.0", "more": [1]}
    signed["participants"] = [
        {**each, "jurisdictions": ["KH"], "ended_because": None}
        for each in signed["participants"]
    ]
    expected = in_python(serialise(DOCUMENT), SAMPLE)
    assert on_phone("decide", text=json.dumps(signed)) == expected
    for version in (7, "", "1", "1.2", "01.2.3", "1.2.3 ", None):
        changed = {**signed, "version": version}
        assert on_phone.step("decide", text=json.dumps(changed)) == "form"


# --- frameworks put together at random ------------------------------------------------------

CREDENTIALS = ["one", "two", "toString"]
ROLES = ["maker", "asker", "both"]
PURPOSES = ["help", "court"]
LABELS = ["a", "b"]
ATTRIBUTES = ["name", "until", "count"]
OPERATORS = [">=", ">", "<=", "<"]
DIDS = [did(name) for name in ("first", "second")]
DEFINITIONS = ["d1", "d2", "d3"]
MOMENTS = [START + timedelta(days=days) for days in (0, 1, 2, 3)]
WRITTEN = [moment.isoformat().replace("+00:00", "Z") for moment in MOMENTS]

some = st.sampled_from
until = st.none() | some(WRITTEN)


def several(of: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(some(of), max_size=3, unique=True)


def most(of: list[str]) -> st.SearchStrategy[list[str]]:
    """All, more often than not: with too little in a framework every answer is the same."""
    return st.just(of) | st.just(of[::-1]) | several(of)


roles = st.fixed_dictionaries(
    {"issue": most(CREDENTIALS), "ask": most(PURPOSES), "compute": st.just([])}
)
participants = st.fixed_dictionaries(
    {
        "did": some(DIDS),
        "role": some(ROLES),
        "name": st.just("n"),
        "from": some(WRITTEN[:2]),
        "until": until,
        "jurisdictions": st.just([]),
        "ended_because": some([None, "left", "suspended"]),
    }
)
values = some([0, 1, 2**31, True, "$today", "$n", "$t", "$none", 20260102, "1"])
predicates = st.tuples(some(ATTRIBUTES), some([*OPERATORS, "=="]), values).map(list)
credential_rules = st.fixed_dictionaries(
    {
        "credential": some(CREDENTIALS),
        "reveal": several(ATTRIBUTES),
        "predicates": st.lists(predicates, max_size=3),
    }
)
variants = st.fixed_dictionaries(
    {
        "credentials": st.dictionaries(some(LABELS), credential_rules, max_size=2),
        "equal": st.just([]),
        "expect": st.just({}),
        "representative": st.just(None),
        "once": st.just(None),
    }
)
PARAMETERS = {
    "n": {"type": "integer", "min": 0, "max": 5},
    "t": {"type": "text", "pattern": "x"},
    "today": {"type": "integer", "min": 0, "max": 5},
}
checks = st.fixed_dictionaries(
    {
        "purpose": some(PURPOSES),
        "title": st.just({"en": "t"}),
        "description": st.just({"en": "d"}),
        "parameters": st.just(PARAMETERS),
        "retention_seconds": st.just(0),
        "variants": st.dictionaries(some(["plain", "other"]), variants, min_size=1, max_size=2),
    }
)


@st.composite
def frameworks(draw: st.DrawFn) -> Json:
    grants = [
        {
            "id": f"g{number}",
            "participant": draw(some(DIDS)),
            "credential": draw(some(CREDENTIALS)),
            "definition_id": definition,
            "from": draw(some(WRITTEN)),
            "until": draw(until),
            "withdrawn_from": draw(until),
        }
        for number, definition in enumerate(draw(most(DEFINITIONS)))
    ]
    known = draw(most(CREDENTIALS))
    return {
        "format": "2.0",
        "id": did("authority"),
        "version_id": did("authority") + "/framework/1.0.0.json",
        "version": "1.0.0",
        "sequence": 1,
        "previous": None,
        "issued_at": WRITTEN[0],
        "expires_at": "2099-01-01T00:00:00Z",
        "validity_days": 90,
        "signers": {"threshold": 1, "members": []},
        "jurisdictions": [],
        "documents": [],
        "computations": {},
        "endorsements": [],
        "authority": did("authority"),
        "languages": [],
        "credentials": known,
        "schemas": {each: f"schema-{each}" for each in draw(most(CREDENTIALS))},
        "roles": {each: draw(roles) for each in draw(most(ROLES))},
        "participants": draw(st.lists(participants, min_size=1, max_size=4)),
        "grants": grants,
        "revocation": {"max_age_seconds": 1},
        "checks": draw(st.dictionaries(some(["x", "y", "z"]), checks, min_size=1, max_size=3)),
    }


asked_predicates = st.builds(
    Predicate,
    attribute=some(ATTRIBUTES),
    operator=some(OPERATORS),
    value=some([0, 1, 3, 5, 6, 20251231, 20260101, 20260102, 20260104, 20269999, -1]),
)
asks = st.builds(
    PresentationAsk,
    asks=st.lists(
        st.builds(
            CredentialAsk,
            label=some(LABELS),
            schema_id=some([f"schema-{each}" for each in CREDENTIALS]),
            reveal=several(ATTRIBUTES).map(tuple),
            predicates=st.lists(asked_predicates, max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
)
moments = some(MOMENTS).flatmap(
    lambda moment: some([-1, 0, 1]).map(lambda each: moment + timedelta(milliseconds=each))
)
ALL_ISSUES: list[Asked] = [
    (Issue(issuer, credential, definition), moment)
    for issuer in DIDS
    for credential in (*CREDENTIALS, "constructor")
    for definition in (None, "", "__proto__", *DEFINITIONS)
    for moment in (MOMENTS[1], MOMENTS[2])
]


def fitting(framework: Json) -> Iterator[PresentationAsk]:
    """The requests that just fit each variant, as far as they can be written."""
    for check in framework["checks"].values():
        for variant in check["variants"].values():
            made = [
                CredentialAsk(
                    label=label,
                    schema_id=f"schema-{rule['credential']}",
                    reveal=tuple(rule["reveal"]),
                    predicates=tuple(
                        Predicate(attribute=each[0], operator=each[1], value=wanted(each[2]))
                        for each in rule["predicates"]
                        if each[1] in OPERATORS
                    ),
                )
                for label, rule in variant["credentials"].items()
            ]
            yield PresentationAsk(asks=tuple(made))


def wanted(value: Any) -> int:
    filled = {"$today": 20260103, "$n": 5}
    known = type(value) is int and value < 2**31
    return value if known else filled.get(value, 1) if isinstance(value, str) else 1


@settings(max_examples=400, deadline=None)
@given(
    framework=frameworks(),
    drawn=st.lists(asks, min_size=3, max_size=6),
    moment=moments,
)
def test_about_any_framework_they_agree(
    on_phone: Phone, framework: Json, drawn: list[PresentationAsk], moment: datetime
) -> None:
    queries: list[Asked] = [
        *ALL_ISSUES,
        *((issue, moment) for issue, _ in ALL_ISSUES[:20]),
        *(
            (Ask(asker, purpose, ask), moment)
            for asker in DIDS
            for purpose in (*PURPOSES, "none")
            for ask in (*drawn, *fitting(framework))
        ),
    ]
    put(on_phone, queries)
    agree(on_phone, framework, queries)


def test_days_are_those_of_utc(on_phone: Phone) -> None:
    """A request may name today, or the day before or after."""
    ask = plan_ask("shelter", "plain")
    midnight = datetime(2026, 7, 1, tzinfo=UTC)
    seconds = (-86_401, -86_400, -1, 0, 86_399, 86_400, 2 * 86_400 - 1, 2 * 86_400)
    queries: list[Asked] = [
        (ask_query("shelter", ask), midnight + timedelta(seconds=each)) for each in seconds
    ]
    put(on_phone, queries)
    answers = on_phone("decide", text=serialise(DOCUMENT).decode())["gave"]
    assert [each["permit"] for each in answers] == [False, *[True] * 6, False]
    assert answers == in_python(serialise(DOCUMENT), queries)["gave"]
