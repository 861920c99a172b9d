"""Going over to the next registry, also when the agent fell in the middle of it.

ACA-Py announces that a registry is full with its last two entries, and keeps a second one ready
to take its place. An agent that is killed in between leaves a full registry in use, or a second
one without its list, or none; nothing announces it again, and nobody could be issued to any
more. So whoever is refused an entry, and was some time ago, begins the roll-over anew:

1. If the registry in use has entries left, there is nothing to do: it was something else.
2. A second one whose making broke off is put aside.
3. One that is ready takes the place of the one in use; ACA-Py then makes the next.
4. Where none is ready one is asked for; it takes its place the next time.
"""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from acapy_agent.anoncreds.models.revocation import RevRegDef, RevRegDefState
from acapy_agent.anoncreds.revocation import AnonCredsRevocation, AnonCredsRevocationError
from acapy_agent.anoncreds.revocation.revocation import CATEGORY_REV_LIST, CATEGORY_REV_REG_DEF

# a roll-over that goes well takes a second or two
PATIENCE = 5.0
_MOST = 1_000

_useless_since: OrderedDict[tuple[str, str | None], float] = OrderedDict()
_plain_create = AnonCredsRevocation._create_credential
_plain_active = AnonCredsRevocation.get_or_create_active_registry


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry in the issuer's store: in use, meant to be issued from, what is left of it."""

    name: str
    active: bool
    finished: bool
    has_list: bool
    entries_left: bool
    definition: Any


def install() -> None:
    """Put ours around ACA-Py's; doing it twice changes nothing."""
    AnonCredsRevocation._create_credential = _create_credential
    AnonCredsRevocation.get_or_create_active_registry = _active_registry


async def _create_credential(
    self: AnonCredsRevocation, credential_definition_id: str, *told: Any, **more: Any
) -> tuple[str, str | None]:
    try:
        signed, index = await _plain_create(self, credential_definition_id, *told, **more)
    except AnonCredsRevocationError:
        await begin_again(self, credential_definition_id, time.monotonic())
        raise  # ACA-Py tries again in two seconds, some times
    return signed, index


async def _active_registry(self: AnonCredsRevocation, cred_def_id: str) -> Any:
    try:
        return await _plain_active(self, cred_def_id)
    except AnonCredsRevocationError:
        await begin_again(self, cred_def_id, time.monotonic())
        raise


async def begin_again(issuing: AnonCredsRevocation, definition_id: str, at: float) -> None:
    """Begin a roll-over that seems to be lost. `at`: seconds of a clock that only goes on."""
    registries = await registries_of(issuing, definition_id)
    active = next((each for each in registries if each.active), None)
    if not registries or (active is not None and active.entries_left):
        return
    if not _for_some_time((definition_id, active.name if active else None), at):
        return
    waiting = [each for each in registries if each.finished and not each.active]
    for each in waiting:
        if not each.has_list:
            await issuing.set_rev_reg_state(each.name, RevRegDefState.STATE_FULL)
    ready = next((each for each in waiting if each.entries_left), None)
    if ready is None:
        await _ask_for_another(issuing, registries[0].definition)
    else:
        await _take_its_place(issuing, definition_id, active, ready)


async def registries_of(issuing: AnonCredsRevocation, definition_id: str) -> Sequence[Registry]:
    """What the store knows of a definition's registries."""
    async with issuing.profile.session() as session:
        wanted = {"cred_def_id": definition_id}
        entries = await session.handle.fetch_all(CATEGORY_REV_REG_DEF, wanted)
        lists = {
            entry.name: await session.handle.fetch(CATEGORY_REV_LIST, entry.name)
            for entry in entries
        }
    return [_registry(entry, lists[entry.name]) for entry in entries]


def _registry(entry: Any, listed: Any) -> Registry:
    definition = RevRegDef.deserialize(entry.value_json)
    most = definition.value.max_cred_num
    return Registry(
        name=entry.name,
        active=entry.tags.get("active") == "true",
        finished=entry.tags.get("state") == RevRegDefState.STATE_FINISHED,
        has_list=listed is not None,
        entries_left=listed is not None and listed.value_json["next_index"] <= most,
        definition=definition,
    )


def _for_some_time(which: tuple[str, str | None], at: float) -> bool:
    since = _useless_since.setdefault(which, at)
    if len(_useless_since) > _MOST:
        _useless_since.popitem(last=False)
    if at - since < PATIENCE:
        return False
    _useless_since[which] = at
    return True


async def _take_its_place(
    issuing: AnonCredsRevocation, definition_id: str, active: Registry | None, ready: Registry
) -> None:
    """As ACA-Py does it with a registry that is announced to be full."""
    if active is not None:
        await issuing.set_rev_reg_state(active.name, RevRegDefState.STATE_FULL)
    await issuing.emit_set_active_registry_event(
        rev_reg_def_id=ready.name,
        options={
            "request_id": str(uuid.uuid4()),
            "cred_def_id": definition_id,
            "old_rev_reg_def_id": (active or ready).name,
        },
    )


async def _ask_for_another(issuing: AnonCredsRevocation, like: Any) -> None:
    await issuing.emit_create_revocation_registry_definition_event(
        issuer_id=like.issuer_id,
        cred_def_id=like.cred_def_id,
        registry_type=like.type,
        tag=str(uuid.uuid4()),
        max_cred_num=like.value.max_cred_num,
        options={"request_id": str(uuid.uuid4())},
    )
