"""Every public operation, asked what its description allows and what it does not.

The data is schemathesis', made from the app's own OpenAPI document; the ids are partly real,
so that more than "there is nothing here" is heard, and who asks is partly the right one. By
default the same small number of requests each time; many different ones with

    HYPOTHESIS_PROFILE=long .venv/bin/python -m pytest tests/fuzz
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import requests
from described import PUBLIC, WRITING, Operation, operations, streams, vocabulary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from inhabited import Inhabited
from judged import judge
from schemathesis import GenerationMode
from schemathesis.checks import (
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

_LONG = settings.get_current_profile_name() == "long"
_SETTINGS = settings(
    max_examples=settings().max_examples if _LONG else 12,
    derandomize=not _LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_WORDS = vocabulary(PUBLIC)
_OPERATIONS = operations(PUBLIC)
_KINDS = ("operator", "issue", "check", "wallet", "unknown", "nobody")
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_TIMEOUT = 30

each_operation = pytest.mark.parametrize("operation", _OPERATIONS, ids=lambda each: each.label)


@dataclass(frozen=True)
class Choice:
    """What is not in the description: who asks, and about what."""

    kind: str | None  # None: the kind that the operation is for
    which: int | None  # None: the id that was made up


CHOICES = st.builds(
    Choice,
    st.one_of(st.none(), st.none(), st.none(), st.sampled_from(_KINDS)),
    st.one_of(st.integers(0, 8), st.integers(0, 8), st.none()),
)


def name_real_things(world: Inhabited, case: Any, which: int) -> None:
    """Put ids that exist into the path."""
    for name in case.path_parameters or {}:
        prefix = "ended " if streams(case.operation) else ""
        known = world.known.get(prefix + name) or []
        if known:
            case.path_parameters[name] = known[which % len(known)]


def headers_of(world: Inhabited, case: Any, choice: Choice) -> dict[str, str]:
    kind = choice.kind or world.fitting(case.operation.path)
    token = world.bearers().get(kind)
    return {"Authorization": f"Bearer {token}"} if token else {}


def sent_in(case: Any) -> list[Any]:
    """Everything that a refusal must not repeat."""
    headers = list((case.headers or {}).values())
    return [case.path_parameters, case.query, headers, case.body]


@each_operation
@pytest.mark.parametrize("mode", _MODES, ids=lambda mode: mode.value)
def test_every_answer_is_as_described(
    world: Inhabited, http: requests.Session, operation: Operation, mode: GenerationMode
) -> None:
    @_SETTINGS
    @given(case=operation.as_strategy(mode), choice=CHOICES)
    def ask(case: Any, choice: Choice) -> None:
        if choice.which is not None:
            name_real_things(world, case, choice.which)
        writes = operation.method in WRITING
        before = world.fingerprint() if writes else ""
        headers = headers_of(world, case, choice)
        answer = case.call(base_url=world.url, session=http, headers=headers, timeout=_TIMEOUT)
        judge(answer, sent_in(case), _WORDS)
        checks = [response_schema_conformance, status_code_conformance]
        # a real id put in mends what was wrong; and a header more than are known is no error
        if mode.is_negative and choice.which is None and not streams(operation):
            checks.append(negative_data_rejection)
        case.validate_response(answer, checks=checks)
        if writes and answer.status_code >= 400:
            assert world.fingerprint() == before, "a refused request changed something"
        if operation.path.endswith("/session/close") and answer.status_code < 400:
            world.reopen()

    try:
        ask()
    except Unsatisfiable:  # nothing is wrong for an operation that takes anything
        assert operation.tags in (["registry"], ["health"], ["framework"])
