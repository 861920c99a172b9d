"""Making a check, and judging what was shown: one case for every finding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from governance_sample import (
    DOCUMENT,
    NOW,
    PAYMENT,
    TODAY,
    VARIANTS,
    changed,
    framework,
    schema,
)

from core.errors import ConfigurationError, InvalidInput, NotFound
from core.presentation import PresentationAsk, ShownCredential, ShownPresentation
from governance.checks import (
    CHECK_NAMES,
    CheckPlan,
    Once,
    assess,
    check_for_purpose,
    describe,
    instantiate,
)
from governance.model import Reference
from governance.reasons import CheckReason


def plan(check: str = "payment", variant: str = "representative") -> CheckPlan:
    parameters = PAYMENT if check == "payment" else {}
    return instantiate(framework(), check, variant, parameters, as_of=NOW)


VALUES = {"currency": "USD", "link_payment": "r4nd0m", "link_shelter": "r4nd0m"}


def honest(made: CheckPlan) -> ShownPresentation:
    """What an honest holder shows for a plan."""
    return ShownPresentation(
        credentials=tuple(
            ShownCredential(
                label=ask.label,
                schema_id=ask.schema_id,
                definition_id="definition",
                issuer_id="did:example:issuer",
                registry_id=None,
                status_time=None,
                sub_proofs=(index,) * (len(ask.reveal) + len(ask.predicates)),
                revealed={name: VALUES.get(name, "1") for name in ask.reveal},
                predicates=ask.predicates,
            )
            for index, ask in enumerate(made.ask.asks)
        )
    )


def findings(
    made: CheckPlan, shown: ShownPresentation, sent: PresentationAsk | None
) -> dict[str, tuple[str, str]]:
    return {each.name: (each.outcome, each.reason) for each in assess(made, shown, sent)}


# --- instantiate ----------------------------------------------------------------------------


@pytest.mark.parametrize(("check", "variant"), VARIANTS)
def test_a_plan_is_resolved_and_survives_storing(check: str, variant: str) -> None:
    made = plan(check, variant)
    assert CheckPlan.model_validate_json(made.model_dump_json()) == made
    assert "$" not in made.model_dump_json()
    assert all(len(ask.predicates) <= 3 for ask in made.ask.asks)


def test_a_plan_holds_parameters_and_the_day() -> None:
    made = plan()
    ask = made.ask.asks[1]
    assert ask.schema_id == schema("support-entitlement")
    assert {p.attribute: p.value for p in ask.predicates} == {
        "limit_minor": 2500,
        "support_until": TODAY,
        "held_for_other": 1,
    }
    assert made.once == Once(
        by=Reference("entitlement", "payment_ref"), per="month", amount=2500
    )
    assert [(e.reference.attribute, e.value) for e in made.expect] == [("currency", "USD")]
    assert plan("court", "plain").retention_seconds == 90 * 24 * 3600
    assert plan("shelter", "plain").retention_seconds == made.retention_seconds == 0


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"amount_minor": 2500}, "currency"),
        ({"currency": "USD"}, "amount_minor"),
        (PAYMENT | {"amount_minor": 0}, "amount_minor"),
        (PAYMENT | {"amount_minor": 2**31}, "amount_minor"),
        (PAYMENT | {"amount_minor": "2500"}, "amount_minor"),
        (PAYMENT | {"amount_minor": True}, "amount_minor"),
        (PAYMENT | {"currency": "usd"}, "currency"),
        (PAYMENT | {"currency": "USD\n"}, "currency"),
        (PAYMENT | {"currency": 840}, "currency"),
        (PAYMENT | {"memo": "for-maria"}, "unknown parameter"),
    ],
)
def test_a_bad_parameter_is_named_and_its_value_is_not(
    parameters: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInput, match=named) as caught:
        instantiate(framework(), "payment", "plain", parameters, as_of=NOW)
    for value in ("usd", "for-maria", "840", "memo"):
        assert value not in caught.value.detail


@pytest.mark.parametrize(
    ("check", "variant"), [("library", "plain"), ("court", "representative")]
)
def test_an_unknown_check_or_variant(check: str, variant: str) -> None:
    with pytest.raises(NotFound):
        instantiate(framework(), check, variant, {}, as_of=NOW)


PLAIN = ("checks", "payment", "variants", "plain")
REPRESENTATIVE = ("checks", "payment", "variants", "representative")
ENTITLEMENT = ("credentials", "entitlement")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*PLAIN, *ENTITLEMENT, "predicates", 2), ["held_for_other", "<="]),
        ((*PLAIN, *ENTITLEMENT, "predicates", 2), ["held_for_other", "==", 0]),
        ((*PLAIN, *ENTITLEMENT, "predicates", 2), ["held_for_other", "<=", 2**31]),
        ((*PLAIN, *ENTITLEMENT, "predicates", 0), ["limit_minor", ">=", "$price"]),
        ((*PLAIN, *ENTITLEMENT, "predicates", 0), ["limit_minor", ">=", "$currency"]),
        ((*PLAIN, *ENTITLEMENT, "reveal", 0), None),
        ((*PLAIN, *ENTITLEMENT), {}),
        ((*PLAIN, "credentials"), {}),
        ((*PLAIN, "expect"), {"entitlement.iban": "$currency"}),
        ((*PLAIN, "expect"), {"entitlement.currency": "$money"}),
        ((*PLAIN, "once", "per"), "year"),
        ((*PLAIN, "once", "amount"), "$currency"),
        ((*PLAIN, "once", "by"), "entitlement.name"),
        ((*PLAIN, "equal"), [["entitlement.currency"]]),
        ((*PLAIN, "representative"), {"credential": "entitlement"}),
        ((*REPRESENTATIVE, "equal"), []),
        ((*REPRESENTATIVE, "credentials", "guardianship", "predicates"), []),
        ((*REPRESENTATIVE, "representative", "credential"), "nobody"),
        (("checks", "payment", "parameters", "amount_minor"), {"type": "integer", "min": 1}),
        (("checks", "payment", "parameters", "currency", "pattern"), "["),
        (("checks", "payment", "parameters", "currency", "type"), "date"),
        (("checks", "payment", "parameters", "today"), {"type": "text", "pattern": "."}),
        (("schemas", "support-entitlement"), ""),
        (("credentials",), ["identity"]),
    ],
)
def test_a_rule_that_lost_a_part_makes_no_check(path: tuple[Any, ...], value: Any) -> None:
    read = framework(changed(*path, to=value))
    variant = "representative" if path[:4] == REPRESENTATIVE else "plain"
    with pytest.raises((ConfigurationError, InvalidInput)):
        instantiate(read, "payment", variant, PAYMENT, as_of=NOW)


def test_four_predicates_make_the_document_unusable() -> None:
    rules = [["a", ">=", 1], ["b", ">=", 1], ["c", ">=", 1], ["d", ">=", 1]]
    path = (*PLAIN, *ENTITLEMENT, "predicates")
    assert framework(changed(*path, to=rules[:3]))
    with pytest.raises(InvalidInput, match="3 predicates"):
        framework(changed(*path, to=rules))


@pytest.mark.parametrize(
    ("per", "period"), [("day", "2027-01-01"), ("week", "2026-W53"), ("month", "2027-01")]
)
def test_periods(per: Any, period: str) -> None:
    once = Once(by=Reference("a", "b"), per=per, amount=None)
    assert once.period(datetime(2027, 1, 1, tzinfo=UTC)) == period


# --- describe -------------------------------------------------------------------------------


@pytest.mark.parametrize("check", list(DOCUMENT["checks"]))
def test_every_check_is_described_in_every_language(check: str) -> None:
    described = describe(framework(), check)
    languages = set(framework().languages)
    assert set(described.title) == set(described.description) == languages == {"en", "es", "km"}
    assert check_for_purpose(framework(), described.purpose) == check
    assert described.words(["fr", "km"]) == (described.title["km"], described.description["km"])
    assert described.words(["fr"])[0] in described.title.values()


def test_unknown_descriptions() -> None:
    with pytest.raises(NotFound):
        describe(framework(), "library")
    with pytest.raises(NotFound):
        check_for_purpose(framework(), "curiosity")


# --- assess ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("check", "variant"), VARIANTS)
def test_an_honest_presentation_passes(check: str, variant: str) -> None:
    made = plan(check, variant)
    found = assess(made, honest(made), made.ask)
    assert tuple(each.name for each in found) == CHECK_NAMES
    assert all(each.outcome != "failed" for each in found)
    absent = {each.name for each in found if each.outcome == "not-applicable"}
    assert ("representative" in absent) == ("links" in absent) == (variant == "plain")
    assert ("necessaries" in found[-1].explanation) == (variant == "representative")


type Change = Callable[[tuple[ShownCredential, ...]], tuple[ShownCredential, ...]]


def edit(index: int, **update: Any) -> Change:
    def change(shown: tuple[ShownCredential, ...]) -> tuple[ShownCredential, ...]:
        edited = shown[index].model_copy(update=update)
        return (*shown[:index], edited, *shown[index + 1 :])

    return change


ALL = {"payment_ref": "1", "currency": "USD", "link_payment": "r4nd0m"}
UNPROVEN = {"predicates": ()}
DISHONEST: list[tuple[Change, dict[str, str]]] = [
    (
        lambda shown: shown[1:],
        {
            "complete": "missing-credential",
            "one-credential-each": "missing-credential",
            "schema": "missing-credential",
            "predicates": "missing-credential",
            "links": "missing-attribute",
            "representative": "permission-not-shown",
        },
    ),
    (
        lambda shown: (*shown, shown[1]),
        {
            "complete": "repeated-credential",
            "one-credential-each": "missing-credential",
            "schema": "missing-credential",
            "predicates": "missing-credential",
            "links": "missing-attribute",
            "expected-values": "missing-attribute",
        },
    ),
    (
        edit(1, revealed={"currency": "USD", "link_payment": "r4nd0m"}),
        {"complete": "missing-attribute"},
    ),
    (edit(1, revealed=ALL | {"name": "x"}), {"complete": "unasked-disclosure"}),
    (
        lambda shown: (*shown, shown[0].model_copy(update={"label": "extra"})),
        {"complete": "unasked-disclosure"},
    ),
    (edit(1, sub_proofs=(1, 2, 1)), {"one-credential-each": "mixed-credentials"}),
    (edit(1, sub_proofs=()), {"one-credential-each": "mixed-credentials"}),
    (edit(1, sub_proofs=(0, 0)), {"one-credential-each": "shared-credential"}),
    (edit(1, schema_id="another"), {"schema": "wrong-schema"}),
    (edit(1, **UNPROVEN), {"predicates": "missing-predicate"}),
    (
        edit(0, **UNPROVEN),
        {"predicates": "missing-predicate", "representative": "permission-not-shown"},
    ),
    (edit(1, revealed=ALL | {"link_payment": "other"}), {"links": "values-differ"}),
    (edit(1, revealed=ALL | {"link_payment": " "}), {"links": "missing-attribute"}),
    (edit(1, revealed=ALL | {"currency": "KHR"}), {"expected-values": "unexpected-value"}),
    (edit(1, revealed=ALL | {"currency": ""}), {"expected-values": "missing-attribute"}),
]


@pytest.mark.parametrize(("change", "expected"), DISHONEST)
def test_a_dishonest_presentation_fails_where_it_should(
    change: Change, expected: dict[str, str]
) -> None:
    made = plan()
    shown = ShownPresentation(credentials=change(honest(made).credentials))
    results = assess(made, shown, made.ask)
    assert {r.name: r.reason for r in results if r.outcome == "failed"} == expected
    for result in results:
        assert not any(value in result.explanation for value in ("USD", "KHR", "r4nd0m"))


def test_two_empty_links_do_not_match() -> None:
    made = plan("shelter")
    shown = honest(made)
    empty = tuple(
        each.model_copy(update={"revealed": each.revealed | {"link_shelter": ""}})
        for each in shown.credentials
    )
    found = findings(made, ShownPresentation(credentials=empty), made.ask)
    assert found["links"] == ("failed", "missing-attribute")


def test_an_unanswered_referent_is_not_complete() -> None:
    made = plan()
    shown = honest(made).model_copy(update={"missing": ("entitlement_names",)})
    assert findings(made, shown, made.ask)["complete"] == ("failed", "missing-attribute")


def test_another_request_than_the_plans() -> None:
    made = plan()
    weaker = PresentationAsk(asks=made.ask.asks[1:])
    name = "request-matches-policy"
    assert findings(made, honest(made), weaker)[name] == ("failed", "request-differs")
    assert findings(made, honest(made), None)[name] == ("failed", "request-unknown")
    turned = PresentationAsk(asks=made.ask.asks[::-1])
    assert findings(made, honest(made), turned)[name] == ("passed", "ok")


def test_every_finding_has_a_case() -> None:
    covered = {reason for _, expected in DISHONEST for reason in expected.values()}
    covered |= {"ok", "not-applicable", "request-differs", "request-unknown"}
    assert covered == {reason.value for reason in CheckReason}
