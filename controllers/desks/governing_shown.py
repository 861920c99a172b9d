"""What the pages about the rules show: who takes part, what each may do, what a draft means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from controllers.desks.entry import Desk
from controllers.governance.drafts import Draft, Signatures, State
from controllers.governance.printing import state_of
from controllers.governance.showing import level_of, signers_of
from controllers.governance.telling import Naming, Told, day, told
from controllers.organisations.service import did_of
from core.decision import Permit
from core.errors import NotFound
from governance.engine import Act, Framework, Issue, decide
from governance.model import Grant
from governance.signing import digest_of

_KEY_LENGTH = 16
_EFFECTS = ("gains", "loses", "changes")


def key_of(did: str) -> str:
    """What a participant's page is called: a DID is too long for an address, and says more."""
    return sha256(did.encode()).hexdigest()[:_KEY_LENGTH]


def did_behind(framework: Framework, key: str) -> str:
    """Raises NotFound."""
    for did in framework.participants:
        if key_of(did) == key:
            return did
    raise NotFound("There is no such participant")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an organisation: a role for a time."""

    key: str
    name: str
    role: str
    starts: str
    until: str
    state: str
    is_current: bool
    ended_because: str


def parts_of(framework: Framework, language: str, at: datetime) -> list[Part]:
    """Of everybody, in the framework's order."""
    return [
        part
        for did in framework.participants
        for part in parts_of_one(framework, did, language, at)
    ]


def parts_of_one(framework: Framework, did: str, language: str, at: datetime) -> list[Part]:
    """Of one organisation."""
    naming = Naming((framework,), language)
    return [
        Part(
            key=key_of(did),
            name=naming.who(did),
            role=naming.role(entry.role),
            starts=day(entry.starts),
            until="" if entry.until is None else day(entry.until),
            state=state_of(entry, at),
            is_current=entry.is_current(at),
            ended_because=entry.ended_because or "",
        )
        for entry in framework.participants.get(did, ())
    ]


def can_come_back(framework: Framework, did: str, at: datetime) -> bool:
    """Whether one of its roles ended by a suspension, and it does not have that role now."""
    latest = {each.role: each for each in framework.participants.get(did, ())}
    return any(
        each.ended_because == "suspended" and not each.is_current(at)
        for each in latest.values()
    )


def roles_now(framework: Framework, did: str, at: datetime) -> list[str]:
    """The roles that it has, or will have."""
    entries = framework.participants.get(did, ())
    return [each.role for each in entries if each.until is None or each.until > at]


# --- what it may do -------------------------------------------------------------------------


def may_now(framework: Framework, did: str, language: str, at: datetime) -> list[str]:
    """In sentences, each decided by the engine."""
    naming = Naming((framework,), language)
    found: list[str] = []
    for action in ("issue", "ask", "compute"):
        for resource in sorted(framework.resources(action) or ()):
            if isinstance(decide(framework, Act(did, action, resource), as_of=at), Permit):
                key = f"governing.may.{action}"
                if action == "issue" and not _has_grant(framework, did, resource, at):
                    key += "-not-yet"
                found.append(naming.say(key, what=naming.resource(action, resource)))
    return found


def _has_grant(framework: Framework, did: str, credential: str, at: datetime) -> bool:
    queries = [
        Issue(did, credential, each.definition_id)
        for each in framework.grants.values()
        if (each.participant, each.credential) == (did, credential)
    ]
    return any(isinstance(decide(framework, each, as_of=at), Permit) for each in queries)


@dataclass(frozen=True, slots=True)
class GrantShown:
    """An authority to issue, and what can be done about it."""

    id: str
    name: str
    starts: str
    state: str
    can_end: bool
    can_withdraw: bool


def grants_of(framework: Framework, did: str, language: str, at: datetime) -> list[GrantShown]:
    """Those of one organisation."""
    naming = Naming((framework,), language)
    return [
        GrantShown(
            id=each.id,
            name=naming.credential(each.credential),
            starts=day(each.starts),
            state=f"governing.grant.{_state_of_grant(each, at)}",
            can_end=not each.is_withdrawn(at) and not each.has_ended(at),
            can_withdraw=not each.is_withdrawn(at),
        )
        for each in framework.grants.values()
        if each.participant == did
    ]


def grant_of(framework: Framework, grant_id: str) -> Grant:
    """Raises NotFound."""
    for each in framework.grants.values():
        if each.id == grant_id:
            return each
    raise NotFound("There is no such grant")


def _state_of_grant(grant: Grant, at: datetime) -> str:
    if grant.is_withdrawn(at):
        return "withdrawn"
    if grant.has_ended(at):
        return "ended"
    return "good" if grant.starts <= at else "not-yet"


# --- drafts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A draft in a list."""

    id: str
    what: str
    first: str
    given: int
    needed: int


async def waiting(desk: Desk) -> list[Waiting]:
    """Those that wait for signatures."""
    return [await _waiting(desk, each) for each in await desk.house.drafts.open()]


async def _waiting(desk: Desk, draft: Draft) -> Waiting:
    found = await desk.house.drafts.differences(draft)
    signatures = await desk.house.drafts.signatures(draft)
    texts = told(found, desk.language)
    needed = max(signatures.needed_before, signatures.needed_own)
    return Waiting(
        id=draft.id,
        what=desk.say(f"governing.kind.{draft.operation.kind}"),
        first=texts[0].text if texts else "",
        given=max(0, needed - signatures.missing),
        needed=needed,
    )


async def draft_in_words(desk: Desk, draft: Draft) -> dict[str, Any]:
    """All that the page of one draft shows."""
    drafts, own = desk.house.drafts, did_of(desk.organisation)
    found, signatures = await drafts.differences(draft), await drafts.signatures(draft)
    naming = Naming((found.after, found.before), desk.language)
    is_open = draft.state is State.OPEN
    makes = draft.organisation_id == desk.organisation.id or own == found.before.authority
    maker = await desk.house.organisations.get(draft.organisation_id)
    return {
        "draft": draft,
        "digest": digest_of(draft.document),
        "what": desk.say(f"governing.kind.{draft.operation.kind}"),
        "by": naming.who(did_of(maker)),
        "groups": _groups(told(found, desk.language)),
        "cards": [naming.credential(each) for each in found.credentials],
        "level": desk.say(f"governing.level.{level_of(found)}", version=found.after.version),
        "version": found.after.version,
        "signers": signers_of(signatures, naming),
        "missing": signatures.missing,
        "can_sign": is_open and _is_awaited(signatures, own),
        "can_drop": is_open and makes,
        "can_repeat": draft.state is State.OUTDATED,
    }


def _is_awaited(signatures: Signatures, did: str) -> bool:
    return did in signatures.who and did not in signatures.given


def _groups(texts: list[Told]) -> list[tuple[str, list[str]]]:
    """By what they do to somebody; nothing of what does not come about."""
    found = [
        (effect, [each.text for each in texts if each.effect == effect]) for effect in _EFFECTS
    ]
    return [(f"governing.{effect}", each) for effect, each in found if each]
