"""A roll-over that was lost with a killed agent is begun again, and no other one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from acapy_agent.anoncreds.revocation import AnonCredsRevocation, AnonCredsRevocationError
from acapy_agent.anoncreds.revocation.revocation import AnonCredsRevocationRegistryFullError
from acapy_agent.askar.profile_anon import AskarAnonCredsProfile, AskarAnonProfileManager
from acapy_agent.config.injection_context import InjectionContext
from aries_askar import Store

from agent.plugins.webvh import rollover
from agent.plugins.webvh.rollover import PATIENCE, begin_again

MOST = 32
DEFINITION = {
    "issuerId": "did:a",
    "credDefId": "definition",
    "revocDefType": "CL_ACCUM",
    "tag": "t",
    "value": {
        "publicKeys": {"accumKey": {"z": "1"}},
        "maxCredNum": MOST,
        "tailsLocation": "https://a/tails",
        "tailsHash": "hash",
    },
}


@pytest.fixture
async def profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AskarAnonCredsProfile]:
    monkeypatch.setenv("ACAPY_HOME", str(tmp_path))
    rollover._useless_since.clear()
    for name in ("_create_credential", "get_or_create_active_registry"):
        monkeypatch.setattr(AnonCredsRevocation, name, getattr(AnonCredsRevocation, name))
    config = {"name": "over", "key": Store.generate_raw_key(), "key_derivation_method": "RAW"}
    context = InjectionContext(settings={"ledger.disabled": True})
    opened = await AskarAnonProfileManager().provision(context, config)
    yield opened
    await opened.close()


class Issuing:
    """The part of ACA-Py that issues, over a real store; what it is asked for is noted."""

    def __init__(self, profile: AskarAnonCredsProfile) -> None:
        self.profile = profile
        self.put_aside: list[str] = []
        self.placed: list[str] = []
        self.asked_for: list[dict[str, Any]] = []

    async def set_rev_reg_state(self, name: str, state: str) -> None:
        assert state == "full"
        self.put_aside.append(name)

    async def emit_set_active_registry_event(
        self, rev_reg_def_id: str, options: dict[str, str]
    ) -> None:
        # by these two ACA-Py knows that the next one is to be made
        assert {"cred_def_id", "old_rev_reg_def_id"} <= options.keys()
        self.placed.append(rev_reg_def_id)

    async def emit_create_revocation_registry_definition_event(self, **asked: Any) -> None:
        self.asked_for.append(asked)

    @property
    def did_nothing(self) -> bool:
        return not (self.put_aside or self.placed or self.asked_for)


async def registry(
    profile: AskarAnonCredsProfile,
    name: str,
    *,
    active: bool = False,
    state: str = "finished",
    next_index: int | None = 1,
) -> None:
    """A registry in the store; without `next_index` one without a list."""
    tags = {"cred_def_id": "definition", "active": json.dumps(active), "state": state}
    async with profile.session() as session:
        await session.handle.insert(
            "revocation_reg_def", name, value_json=DEFINITION, tags=tags
        )
        if next_index is not None:
            value = {"next_index": next_index, "rev_list": {}}
            await session.handle.insert("revocation_list", name, value_json=value)


async def twice(issuing: Issuing) -> None:
    """Refused now, and when the patience is over."""
    await begin_again(issuing, "definition", 0.0)
    assert issuing.did_nothing
    await begin_again(issuing, "definition", PATIENCE)


async def test_nothing_is_done_while_the_one_in_use_has_entries_left(
    profile: AskarAnonCredsProfile,
) -> None:
    await registry(profile, "first", active=True, next_index=MOST)
    await registry(profile, "second")
    issuing = Issuing(profile)
    await twice(issuing)
    assert issuing.did_nothing


async def test_nothing_is_done_for_a_definition_without_registries(
    profile: AskarAnonCredsProfile,
) -> None:
    issuing = Issuing(profile)
    await twice(issuing)
    assert issuing.did_nothing


@pytest.mark.parametrize("left", [MOST + 1, None], ids=["full", "without-a-list"])
async def test_one_that_is_ready_takes_the_place_of_a_useless_one(
    profile: AskarAnonCredsProfile, left: int | None
) -> None:
    await registry(profile, "first", active=True, next_index=left)
    await registry(profile, "full", state="full", next_index=MOST + 1)
    await registry(profile, "second")
    issuing = Issuing(profile)
    await twice(issuing)
    assert (issuing.put_aside, issuing.placed) == (["first"], ["second"])
    assert issuing.asked_for == []
    # and, should that be lost as well, again only after some time
    await begin_again(issuing, "definition", PATIENCE + 1)
    assert issuing.placed == ["second"]
    await begin_again(issuing, "definition", 2 * PATIENCE)
    assert issuing.placed == ["second", "second"]


async def test_where_none_is_in_use_one_that_is_ready_is_taken(
    profile: AskarAnonCredsProfile,
) -> None:
    await registry(profile, "second")
    issuing = Issuing(profile)
    await twice(issuing)
    assert (issuing.put_aside, issuing.placed) == ([], ["second"])


async def test_where_none_is_ready_one_is_asked_for(profile: AskarAnonCredsProfile) -> None:
    await registry(profile, "first", active=True, next_index=MOST + 1)
    await registry(profile, "half-made", next_index=None)
    issuing = Issuing(profile)
    await twice(issuing)
    assert (issuing.put_aside, issuing.placed) == (["half-made"], [])
    (asked,) = issuing.asked_for
    assert asked.pop("tag")
    assert asked.pop("options")
    assert asked == {
        "issuer_id": "did:a",
        "cred_def_id": "definition",
        "registry_type": "CL_ACCUM",
        "max_cred_num": MOST,
    }


async def test_each_registry_that_becomes_useless_has_its_own_patience(
    profile: AskarAnonCredsProfile,
) -> None:
    await registry(profile, "first", active=True, next_index=MOST + 1)
    await registry(profile, "second")
    issuing = Issuing(profile)
    await begin_again(issuing, "definition", 0.0)
    async with profile.session() as session:
        await session.handle.remove("revocation_reg_def", "first")
    await registry(profile, "third", active=True, next_index=MOST + 1)
    await begin_again(issuing, "definition", PATIENCE + 1)
    assert issuing.did_nothing


@pytest.mark.parametrize("name", ["_create_credential", "get_or_create_active_registry"])
async def test_whoever_is_refused_begins_it_and_is_told_all_the_same(
    profile: AskarAnonCredsProfile, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    begun: list[str] = []
    outcomes: list[Any] = [
        AnonCredsRevocationRegistryFullError("full"),
        AnonCredsRevocationError("no list"),
        ValueError("something else"),
        ("signed", "1"),
    ]

    async def work(self: Any, definition_id: str, *told: Any) -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def begin(issuing: Any, definition_id: str, at: float) -> None:
        begun.append(definition_id)

    for plain in ("_plain_create", "_plain_active"):
        monkeypatch.setattr(rollover, plain, work)
    monkeypatch.setattr(rollover, "begin_again", begin)
    rollover.install()
    ask = getattr(AnonCredsRevocation, name)
    for refused in (AnonCredsRevocationRegistryFullError, AnonCredsRevocationError, ValueError):
        with pytest.raises(refused):
            await ask(None, "definition")
    assert await ask(None, "definition") == ("signed", "1")
    assert begun == ["definition"] * 2
