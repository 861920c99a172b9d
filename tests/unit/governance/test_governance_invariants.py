"""What must hold of every framework: less of it never allows more."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from governance_sample import (
    DOCUMENT,
    ENDED,
    NOW,
    VARIANTS,
    ask_query,
    definition,
    did,
    framework,
    permits,
    plan_ask,
    questions,
    schema,
    yes,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision import Deny
from core.presentation import CredentialAsk, PresentationAsk
from governance.documents import serialise
from governance.engine import Rely, decide
from governance.model import Framework

type Path = tuple[str | int, ...]
QUESTIONS = list(questions())


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """The place of every key and every list item, at any depth."""
    members: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        members.extend(value.items())
    if isinstance(value, list):
        members.extend(enumerate(value))
    for step, member in members:
        yield (*here, step)
        yield from paths(member, (*here, step))


def without(document: Any, path: Path) -> Any:
    made = copy.deepcopy(document)
    place = made
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return made


def never_more(before: list[bool], after: list[bool]) -> bool:
    return all(then or not now for then, now in zip(before, after, strict=True))


def test_the_questions_have_both_answers() -> None:
    answers = permits(serialise(DOCUMENT), QUESTIONS)
    assert 20 < sum(answers) < len(answers) - 20


def test_removing_any_one_thing_never_allows_more() -> None:
    before = permits(serialise(DOCUMENT), QUESTIONS)
    for path in paths(DOCUMENT):
        assert never_more(before, permits(serialise(without(DOCUMENT, path)), QUESTIONS)), path


def deep_paths(document: Any) -> list[Path]:
    """Paths that leave something to ask about: whole top-level fields are tried above. Who has
    to sign, and what came before, is read whole or not at all (governance.loading)."""
    whole = ("signers", "previous")
    return [path for path in paths(document) if len(path) > 1 and path[0] not in whole]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_removing_more_and_more_never_allows_more(data: st.DataObject) -> None:
    document: Any = DOCUMENT
    before = permits(serialise(document), QUESTIONS)
    for _ in range(data.draw(st.integers(2, 6))):
        document = without(document, data.draw(st.sampled_from(deep_paths(document))))
        after = permits(serialise(document), QUESTIONS)
        assert never_more(before, after)
        before = after


JUNK: st.SearchStrategy[Any] = st.sampled_from([None, 0, "", "x", [], {}, ["x"], True])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_removing_what_is_malformed_never_allows_more(data: st.DataObject) -> None:
    """Grants, participants, roles and rules may hold nonsense; clearing it opens nothing."""
    document: Any = copy.deepcopy(DOCUMENT)
    path = data.draw(st.sampled_from(deep_paths(document)))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = data.draw(JUNK)
    before = permits(serialise(document), QUESTIONS)
    assert never_more(before, permits(serialise(without(document, path)), QUESTIONS))


@st.composite
def parts(draw: st.DrawFn, ask: PresentationAsk) -> PresentationAsk:
    """A request for some of the credentials, and of each some parts, at least one."""
    chosen = draw(st.lists(st.sampled_from(ask.asks), unique_by=lambda a: a.label))
    made = []
    for each in chosen:
        items = [*each.reveal, *each.predicates]
        kept = draw(st.lists(st.sampled_from(items), min_size=1, unique=True))
        made.append(
            CredentialAsk(
                label=each.label,
                schema_id=each.schema_id,
                reveal=tuple(item for item in kept if isinstance(item, str)),
                predicates=tuple(item for item in kept if not isinstance(item, str)),
            )
        )
    return PresentationAsk(asks=tuple(made))


FRAMEWORK: Framework = framework()
ALLOWED = [(check, plan_ask(check, variant)) for check, variant in VARIANTS]


@given(data=st.data(), allowed=st.sampled_from(ALLOWED))
def test_a_part_of_an_allowed_request_is_allowed(
    data: st.DataObject, allowed: tuple[str, PresentationAsk]
) -> None:
    check, ask = allowed
    part = data.draw(parts(ask))
    assert yes(decide(FRAMEWORK, ask_query(check, part), as_of=NOW)) == bool(part.asks)


@given(
    data=st.data(),
    allowed=st.sampled_from(ALLOWED),
    foreign=st.text(min_size=1) | st.sampled_from(["given_names", "status", "payment_ref"]),
)
def test_one_foreign_attribute_spoils_a_request(
    data: st.DataObject, allowed: tuple[str, PresentationAsk], foreign: str
) -> None:
    check, ask = allowed
    index = data.draw(st.integers(0, len(ask.asks) - 1))
    spoiled = ask.asks[index]
    if foreign in spoiled.reveal:
        return
    spoiled = spoiled.model_copy(update={"reveal": (*spoiled.reveal, foreign)})
    asks = (*ask.asks[:index], spoiled, *ask.asks[index + 1 :])
    decision = decide(FRAMEWORK, ask_query(check, PresentationAsk(asks=asks)), as_of=NOW)
    assert isinstance(decision, Deny)
    assert decision.reason == "attribute-not-allowed"


@given(seconds=st.integers(0, 10**9))
def test_a_withdrawn_definition_is_never_relied_on_again(seconds: int) -> None:
    query = Rely(did("harbour"), schema("service-eligibility"), definition("stolen"))
    decision = decide(FRAMEWORK, query, as_of=ENDED + timedelta(seconds=seconds))
    assert isinstance(decision, Deny)
    assert decision.reason == "withdrawn"
