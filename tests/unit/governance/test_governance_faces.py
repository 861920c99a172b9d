"""The framework in other languages answers as the engine does; and what is published is so."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import cedarpy
import jsonschema
import pytest
from framework_worlds import documents, questions, read
from governance_sample import DOCUMENT, NOW, did, framework
from hypothesis import given, settings
from hypothesis import strategies as st

from core.decision import Permit
from core.errors import ConfigurationError
from governance.engine import Act, Framework, Recognise, decide
from governance.faces import cedar, trust_list
from governance.faces.cedar import CedarFace
from governance.faces.trust_list import may, profile_text, recognises

BASE = "https://haven.example"
type Question = tuple[Act | Recognise, datetime]


def in_trust_list(document: dict[str, Any], query: Act | Recognise, at: datetime) -> bool:
    if isinstance(query, Act):
        return may(document, query.entity, query.action, query.resource, at)
    return recognises(document, query.authority, query.action, query.resource, at)


@settings(max_examples=250, deadline=None)
@given(document=documents(), asked=st.lists(questions(), min_size=8, max_size=20))
def test_cedar_and_the_trust_list_answer_as_the_engine(
    document: dict[str, Any], asked: list[Question]
) -> None:
    known = read(document)
    face, listed = CedarFace(known), trust_list.trust_list(known, BASE)
    listed = json.loads(json.dumps(listed))
    for query, at in asked:
        expected = isinstance(decide(known, query, as_of=at), Permit)
        assert isinstance(face.decide(query, as_of=at), Permit) is expected
        assert in_trust_list(listed, query, at) is expected


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_removing_anything_never_turns_a_no_into_a_yes(data: st.DataObject) -> None:
    document = data.draw(documents())
    part = data.draw(st.sampled_from(["participants", "roles", "endorsements", "computations"]))
    if not document[part]:
        return
    asked = data.draw(st.lists(questions(), min_size=8, max_size=20))
    before = read(document)
    keys = list(document[part]) if isinstance(document[part], dict) else None
    gone = data.draw(st.integers(0, len(document[part]) - 1))
    del document[part][keys[gone] if keys else gone]
    after = read(document)
    for query, at in asked:
        allowed = isinstance(decide(before, query, as_of=at), Permit)
        assert allowed or not isinstance(decide(after, query, as_of=at), Permit)


def test_the_trust_list_keeps_to_its_published_profile() -> None:
    schema = json.loads(profile_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    document = trust_list.trust_list(framework(), BASE, [framework()])
    jsonschema.validate(document, schema)
    assert document["author"] == did("authority")


@given(document=documents())
@settings(max_examples=40, deadline=None)
def test_every_trust_list_keeps_to_it(document: dict[str, Any]) -> None:
    jsonschema.validate(trust_list.trust_list(read(document), BASE), json.loads(profile_text()))


def test_a_policy_names_the_rule_that_it_is() -> None:
    face = CedarFace(framework())
    decision = face.decide(Act(did("harbour"), "issue", "identity"), as_of=NOW)
    assert isinstance(decision, Permit)
    assert decision.rule_ids == ("participants/1/issue",)


def test_policies_are_validated_against_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cedar.policies(framework())
    assert cedarpy.validate_policies(whole, cedar.SCHEMA).validation_passed
    misspelt = whole.replace("context.at", "context.att", 1)
    monkeypatch.setattr(cedar, "policies", lambda _: misspelt)
    with pytest.raises(ConfigurationError):
        CedarFace(framework())


def test_what_cedar_does_not_know_is_a_no() -> None:
    face = CedarFace(framework())
    for query in (
        Act(did("harbour"), "dance", "identity"),
        Act(did("harbour"), "issue", "nothing"),
        Act("no did at all\n", "issue", "identity"),
        Recognise(did("nobody"), "issue", "identity"),
    ):
        assert not isinstance(face.decide(query, as_of=NOW), Permit)


def test_names_do_not_become_policy() -> None:
    """A participant or role whose name closes the literal stays a name."""
    evil = 'x"); permit(principal, action, resource); //'
    document = json.loads(json.dumps(DOCUMENT))
    document["roles"][evil] = {"issue": ["identity"], "ask": [], "compute": []}
    document["participants"][1]["role"] = evil
    known: Framework = read(document)
    face = CedarFace(known)
    assert isinstance(face.decide(Act(did("harbour"), "issue", "identity"), as_of=NOW), Permit)
    other = Act(did("court"), "issue", "identity")
    assert not isinstance(face.decide(other, as_of=NOW), Permit)
