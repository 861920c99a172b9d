"""The listener for the agents: routes that have no published description, asked all the same.

Without its key nothing gets in; with it, an agent that is out of its mind writes nothing half.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from described import INSIDE, Operation, operations
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from inhabited import Inhabited
from judged import judge
from rubbish import MARK, RUBBISH, SPOILING
from schemathesis import GenerationMode
from schemathesis.checks import response_schema_conformance

_LONG = settings.get_current_profile_name() == "long"
_SETTINGS = settings(
    max_examples=settings().max_examples if _LONG else 10,
    derandomize=not _LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_WRITES = [each for each in operations(INSIDE) if each.method != "get"]
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_TIMEOUT = 30
TOPICS = ("connections", "issue_credential_v2_0", "%00")


def inside(world: Inhabited) -> str:
    return str(world.swift.settings.internal_url)


def test_the_writing_routes_are_there() -> None:
    assert {(each.method, each.path) for each in _WRITES} >= {
        ("post", "/dids/{opaque}/log"),
        ("put", "/resources"),
        ("post", "/publications"),
        ("put", "/hash/{tails_hash}"),
    }


@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", _WRITES, ids=lambda each: each.label)
@pytest.mark.parametrize("keyed", [True, False])
def test_the_registry_takes_only_what_verifies(
    world: Inhabited,
    http: requests.Session,
    operation: Operation,
    mode: GenerationMode,
    keyed: bool,
) -> None:
    key = world.swift.secrets.registry_write_key.reveal() if keyed else "wrong"

    @_SETTINGS
    @given(case=operation.as_strategy(mode))
    def ask(case: Any) -> None:
        before = world.fingerprint()
        answer = case.call(
            base_url=inside(world),
            session=http,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT,
        )
        judge(answer)
        case.validate_response(answer, checks=[response_schema_conformance])
        assert answer.status_code >= 400, "nothing made up verifies"
        assert world.fingerprint() == before

    try:
        ask()
    except Unsatisfiable:  # nothing is wrong for an operation that takes anything
        assert mode.is_negative


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("agent", ["org", "nobody"])
def test_a_webhook_out_of_its_mind_changes_nothing(
    world: Inhabited, http: requests.Session, agent: str, topic: str
) -> None:
    url = f"{inside(world)}/webhooks/{agent}/topic/{topic}/"
    right = world.swift.secrets.agents["org"].webhook_key.reveal()
    bodies = list(RUBBISH.values())
    for spoilt in SPOILING.values():
        bodies.append(json.dumps(spoilt).encode())
        bodies.append(json.dumps({"nothing": spoilt, "pres_ex_id": [spoilt]}).encode())
        if isinstance(spoilt, str) and spoilt != MARK:  # the mark alone could be an id
            ids = dict.fromkeys(("connection_id", "cred_ex_id", "pres_ex_id"), spoilt)
            bodies.append(json.dumps(ids).encode())
    before = world.fingerprint()
    for key, sent in ((right, bodies), ("wrong", bodies[:2]), ("", bodies[:2])):
        for body in sent:
            answer = http.post(url, data=body, headers={"X-API-Key": key}, timeout=_TIMEOUT)
            judge(answer)
            assert MARK not in answer.text
    assert world.fingerprint() == before
