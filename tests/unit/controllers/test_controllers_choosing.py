"""Choosing credentials: exactly the combinations that answer, for any small wallet."""

from __future__ import annotations

from itertools import product
from operator import ge, gt, le, lt

from hypothesis import given
from hypothesis import strategies as st

from controllers.wallet.choosing import choose_credentials
from core.ports import HeldCredential
from core.presentation import CredentialAsk, Predicate, PresentationAsk
from governance.model import Reference

COMPARE = {">=": ge, ">": gt, "<=": le, "<": lt}
LABELS = ("one", "two")
ATTRIBUTES = ("region", "until", "link")

_values = st.dictionaries(
    st.sampled_from(ATTRIBUTES),
    st.sampled_from(["0", "1", "2", "-1", "20270101", "word", ""]),
)
_held = st.lists(st.tuples(st.sampled_from(["schema-one", "schema-two"]), _values), max_size=4)
_predicates = st.lists(
    st.builds(
        Predicate,
        attribute=st.sampled_from(ATTRIBUTES),
        operator=st.sampled_from(sorted(COMPARE)),
        value=st.integers(-2, 3),
    ),
    max_size=2,
)
_parts = st.tuples(st.lists(st.sampled_from(ATTRIBUTES), unique=True), _predicates)
_asks = st.lists(_parts, min_size=1, max_size=2)


def wallet(held: list[tuple[str, dict[str, str]]]) -> list[HeldCredential]:
    return [
        HeldCredential(f"c{number}", schema, "definition", None, None, values)
        for number, (schema, values) in enumerate(held)
    ]


def request(parts: list[tuple[list[str], list[Predicate]]]) -> PresentationAsk:
    return PresentationAsk(
        asks=tuple(
            CredentialAsk(
                label=label,
                schema_id=f"schema-{label}",
                reveal=tuple(reveal),
                predicates=tuple(predicates),
            )
            for label, (reveal, predicates) in zip(LABELS, parts, strict=False)
        )
    )


def answers(one: CredentialAsk, credential: HeldCredential) -> bool:
    """The plain definition that the choice is compared with."""
    values = credential.values
    return (
        credential.schema_id == one.schema_id
        and all(name in values for name in one.reveal)
        and all(
            values.get(p.attribute, "").lstrip("-").isdigit()
            and COMPARE[p.operator](int(values[p.attribute]), p.value)
            for p in one.predicates
        )
    )


def linked(chosen: dict[str, HeldCredential]) -> bool:
    return len({each.values.get("link") for each in chosen.values()}) == 1


@given(_held, _asks, st.booleans())
def test_exactly_the_combinations_that_answer_are_found(
    held: list[tuple[str, dict[str, str]]],
    parts: list[tuple[list[str], list[Predicate]]],
    link: bool,
) -> None:
    credentials, ask = wallet(held), request(parts)
    link = link and len(ask.asks) == 2
    equal = ((Reference("one", "link"), Reference("two", "link")),) if link else ()
    expected = [
        dict(zip(LABELS, (each.credential_id for each in combination), strict=False))
        for combination in product(credentials, repeat=len(ask.asks))
        if all(answers(one, each) for one, each in zip(ask.asks, combination, strict=True))
        and (not link or linked(dict(zip(LABELS, combination, strict=True))))
    ]
    choice = choose_credentials(ask, credentials, equal)
    found = [dict(each) for each in choice.combinations]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert bool(choice.obstacles) is not bool(found)


@given(_held, _asks)
def test_what_stands_in_the_way_holds_no_value(
    held: list[tuple[str, dict[str, str]]],
    parts: list[tuple[list[str], list[Predicate]]],
) -> None:
    choice = choose_credentials(request(parts), wallet(held), ())
    for obstacle in choice.obstacles:
        assert obstacle.kind in ("none", "missing", "too-low", "too-high", "not-linked")
        assert obstacle.attribute in (None, *ATTRIBUTES)


def test_a_wallet_with_very_many_cards_is_still_answered() -> None:
    held = wallet([(f"schema-{label}", {"link": "1"}) for label in LABELS for _ in range(60)])
    equal = ((Reference("one", "link"), Reference("two", "link")),)
    choice = choose_credentials(request([([], []), ([], [])]), held, equal)
    assert 0 < len(choice.combinations) <= 500
