"""A roll-over that was lost with a killed agent is begun again, and no other one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from acapy_agent.anoncreds.revocation import AnonCredsRevocation, AnonCredsRevocationError
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocationRegistryFullError

from agent.plugins.webvh import rollover
from agent.plugins.webvh.rollover import PATIENCE, begin_again

LIKE = SimpleNamespace(
    issuer_id="did:a",
    cred_def_id="definition",
    type="CL_ACCUM",
    value=SimpleNamespace(max_cred_num=32),
)


class Issuing:
    """The part of ACA-Py that issues: which registry is in use, whether one is ready."""

    def __init__(self, *, ready: bool) -> None:
        self.ready, self.active = ready, "first"
        self.announced: list[tuple[str, str]] = []
        self.asked_for: list[dict[str, Any]] = []

    async def get_or_create_active_registry(self, definition_id: str) -> Any:
        return SimpleNamespace(rev_reg_def_id=self.active, rev_reg_def=LIKE)

    async def _get_backup_registry_id(self, definition_id: str) -> str:
        if not self.ready:
            raise AnonCredsRevocationError("none")
        return "second"

    async def emit_full_registry_event(self, registry_id: str, definition_id: str) -> None:
        self.announced.append((registry_id, definition_id))

    async def emit_create_revocation_registry_definition_event(self, **asked: Any) -> None:
        self.asked_for.append(asked)


@pytest.fixture(autouse=True)
def nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    rollover._full_since.clear()
    name = "_create_credential"
    monkeypatch.setattr(AnonCredsRevocation, name, getattr(AnonCredsRevocation, name))


async def test_one_that_goes_on_is_left_alone() -> None:
    issuing = Issuing(ready=True)
    for at in (0.0, 2.0, PATIENCE - 0.1):
        await begin_again(issuing, "definition", at)
    issuing.active = "second"  # and full already: its own time begins now
    await begin_again(issuing, "definition", PATIENCE + 1)
    assert (issuing.announced, issuing.asked_for) == ([], [])


async def test_a_registry_that_stays_full_is_announced_again_now_and_then() -> None:
    issuing = Issuing(ready=True)
    for at in (0.0, 2.0, PATIENCE, PATIENCE + 2, 2 * PATIENCE):
        await begin_again(issuing, "definition", at)
    assert issuing.announced == [("first", "definition")] * 2
    assert issuing.asked_for == []


async def test_where_none_is_ready_one_is_asked_for() -> None:
    issuing = Issuing(ready=False)
    for at in (0.0, PATIENCE):
        await begin_again(issuing, "definition", at)
    issuing.ready = True
    await begin_again(issuing, "definition", 2 * PATIENCE)
    assert issuing.announced == [("first", "definition")]
    (asked,) = issuing.asked_for
    assert asked.pop("tag")
    assert asked == {
        "issuer_id": "did:a",
        "cred_def_id": "definition",
        "registry_type": "CL_ACCUM",
        "max_cred_num": 32,
    }


async def test_only_a_full_registry_begins_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    outcomes: list[Any] = [
        AnonCredsRevocationRegistryFullError("full"),
        AnonCredsRevocationError("else"),
        ("signed", "1"),
    ]

    async def create(self: Any, definition_id: str, *told: Any) -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def begin(issuing: Any, definition_id: str, at: float) -> None:
        begun.append(definition_id)

    monkeypatch.setattr(rollover, "_plain_create", create)
    monkeypatch.setattr(rollover, "begin_again", begin)
    rollover.install()
    sign = AnonCredsRevocation._create_credential
    with pytest.raises(AnonCredsRevocationRegistryFullError):
        await sign(None, "definition", [])
    with pytest.raises(AnonCredsRevocationError):
        await sign(None, "definition", [])
    assert await sign(None, "definition", []) == ("signed", "1")
    assert begun == ["definition"]
