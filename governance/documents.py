"""The framework document as it grows: every change is a new document, one version higher.

All functions are pure. A change that contradicts what is there is refused: NotFound (there is
no such thing), Conflict (the state does not allow it), InvalidInput (it cannot be meant).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.errors import Conflict, InvalidInput, NotFound
from governance.editing import (
    Document,
    begin,
    entries_of,
    finish,
    grant_of,
    is_fresh,
    is_open,
    is_same_time,
    moment,
    packaged_rules,
    parse,
    period,
    require_entitled,
    serialise,
    signatures_needed,
    sound,
    times,
    version_id,
)
from governance.model import EndedBecause, Names
from governance.timestamps import format_time
from governance.versions import FIRST_VERSION

__all__ = [
    "Document",
    "is_fresh",
    "packaged_rules",
    "serialise",
    "signatures_needed",
]


def new_framework(
    rules: Mapping[str, Any],
    authority_did: str,
    at: datetime,
    *,
    framework_id: str | None = None,
) -> Document:
    """Version 1.0.0 of a framework: the rules, an authority that signs, and nobody in it yet.

    Raises InvalidInput if any part of the rules is malformed; the message names the parts.
    """
    signer = {"did": authority_did, "from": format_time(at), "until": None}
    document = copy.deepcopy(dict(rules)) | {
        "id": framework_id or authority_did,
        "version_id": version_id(authority_did, FIRST_VERSION),
        "version": FIRST_VERSION,
        "sequence": 1,
        **times(at, rules),
        "previous": None,
        "authority": authority_did,
        "signers": {"threshold": 1, "members": [signer]},
        "documents": [],
        "schemas": {},
        "participants": [],
        "grants": [],
        "endorsements": [],
    }
    return sound(document)


def refreshed(document: Mapping[str, Any], at: datetime) -> Document:
    """The same rules, good for another while."""
    return finish(document, begin(document, at))


def with_rules(document: Mapping[str, Any], rules: Mapping[str, Any], at: datetime) -> Document:
    """Other rules for the same participants, grants and signers: all that `rules` names.

    Raises InvalidInput if they are malformed, or name what a change never touches.
    """
    owned = {"id", "authority", "sequence", "version", "previous", "proof", "grants"}
    if owned & rules.keys():
        raise InvalidInput("these rules name what only the authority's changes may touch")
    return finish(document, begin(document, at) | copy.deepcopy(dict(rules)))


def with_documents(
    document: Mapping[str, Any], controlled: Iterable[Mapping[str, str]], at: datetime
) -> Document:
    """The controlled documents of this version: `name`, `kind`, `language` and `digest`."""
    listed = [dict(each) for each in controlled]
    return finish(document, begin(document, at) | {"documents": listed})


def with_credential(
    document: Mapping[str, Any], credential: str, issued_by: Iterable[str], at: datetime
) -> Document:
    """A credential that the rules did not know, and the roles that may issue it.

    Raises Conflict for one that is known, NotFound for an unknown role.
    """
    changed = begin(document, at)
    if credential in changed["credentials"]:
        raise Conflict("the framework has this credential already")
    changed["credentials"].append(credential)
    for role in issued_by:
        if role not in changed["roles"]:
            raise NotFound("the framework has no such role")
        changed["roles"][role]["issue"].append(credential)
    return finish(document, changed)


def with_schema(
    document: Mapping[str, Any], credential: str, schema_id: str, at: datetime
) -> Document:
    """The credential is made on this schema. A credential keeps its schema for good."""
    changed = begin(document, at)
    if credential not in changed["credentials"]:
        raise NotFound("the framework has no such credential")
    if credential in changed["schemas"]:
        raise Conflict("this credential has a schema already")
    if schema_id in changed["schemas"].values():
        raise Conflict("this schema belongs to another credential")
    changed["schemas"][credential] = schema_id
    return finish(document, changed)


def with_participant(
    document: Mapping[str, Any],
    *,
    did: str,
    role: str,
    name: Names,
    at: datetime,
    starts: datetime | None = None,
    until: datetime | None = None,
    jurisdictions: Iterable[str] = (),
) -> Document:
    """The organisation takes part in `role` from `starts` (or `at`) to before `until`."""
    changed = begin(document, at)
    if role not in changed["roles"]:
        raise NotFound("the framework has no such role")
    entry = {
        "did": did,
        "role": role,
        "name": name if isinstance(name, str) else dict(name),
        "jurisdictions": sorted(jurisdictions),
        **period(starts or at, until),
        "ended_because": None,
    }
    if any(
        is_same_time(entry, each) for each in entries_of(changed, did) if each["role"] == role
    ):
        raise Conflict("this organisation has this role at that time already")
    changed["participants"].append(entry)
    return finish(document, changed)


def end_participant(
    document: Mapping[str, Any],
    did: str,
    at: datetime,
    *,
    role: str | None = None,
    because: EndedBecause = "left",
) -> Document:
    """The organisation leaves at `at`, from one role or from all; what it issued stays good.

    A suspension is an end like any other: it takes part again by `with_participant`.
    """
    changed = begin(document, at)
    entries = [each for each in entries_of(changed, did) if role in (None, each["role"])]
    if not entries:
        raise NotFound("the framework has no such participant")
    open_entries = [each for each in entries if is_open(each, at)]
    if not open_entries:
        raise Conflict("this organisation has left already")
    for entry in open_entries:
        entry["until"] = max(format_time(at), entry["from"], key=moment)
        entry["ended_because"] = because
    return finish(document, changed)


def suspend_participant(
    document: Mapping[str, Any], did: str, at: datetime, *, withdraw_grants: bool = False
) -> Document:
    """The organisation takes no part from `at`; with `withdraw_grants`, because its key was
    stolen, everything under its grants is refused as well, and there is no way back for it."""
    changed = end_participant(document, did, at, because="suspended")
    if withdraw_grants:
        for grant in changed["grants"]:
            withdrawn = grant["withdrawn_from"]
            if grant["participant"] == did and (withdrawn is None or moment(withdrawn) > at):
                grant["withdrawn_from"] = format_time(at)
    return finish(document, changed)


def readmit_participant(
    document: Mapping[str, Any], did: str, at: datetime, *, until: datetime | None = None
) -> Document:
    """Whoever was suspended takes part again from `at`, in the roles that ended by that.

    Its grants stand as they did. Raises NotFound, Conflict (it is not suspended).
    """
    changed = begin(document, at)
    entries = entries_of(changed, did)
    if not entries:
        raise NotFound("the framework has no such participant")
    held = {each["role"] for each in entries if is_open(each, at)}
    latest = {each["role"]: each for each in entries if each["role"] not in held}
    back = [each for each in latest.values() if each["ended_because"] == "suspended"]
    if not back:
        raise Conflict("this organisation is not suspended")
    for each in back:
        starts = max(at, moment(each["until"]))
        again = period(starts, until)
        changed["participants"].append(each | again | {"ended_because": None})
    return finish(document, changed)


def with_signers(
    document: Mapping[str, Any], dids: Iterable[str], threshold: int, at: datetime
) -> Document:
    """Who has to sign from the version after this one on, and how many of them.

    The authority stays one of them. Raises InvalidInput (fewer members than the threshold).
    """
    changed = begin(document, at)
    wanted = dict.fromkeys((changed["authority"], *dids))
    members = changed["signers"]["members"]
    for member in members:
        if member["did"] not in wanted and member["until"] is None:
            member["until"] = format_time(at)
    current = {member["did"] for member in members if member["until"] is None}
    members += [
        {"did": did, "from": format_time(at), "until": None}
        for did in wanted
        if did not in current
    ]
    if not 1 <= threshold <= len(wanted):
        raise InvalidInput("so many signatures are more than there are signers")
    changed["signers"]["threshold"] = threshold
    return finish(document, changed)


def with_endorsement(
    document: Mapping[str, Any],
    *,
    endorsement_id: str,
    authority: str,
    name: Names,
    endpoint: str,
    scope: Mapping[str, Iterable[str]],
    until: datetime,
    at: datetime,
) -> Document:
    """Recognise another ecosystem for stated actions and resources of ours, until a date.

    Raises Conflict (the id is taken; it is our own authority), NotFound (no such action or
    resource), InvalidInput.
    """
    changed = begin(document, at)
    if authority == changed["authority"]:
        raise Conflict("a framework does not recognise itself")
    if any(each["id"] == endorsement_id for each in changed["endorsements"]):
        raise Conflict("there is a recognition with this id already")
    known = parse(changed)
    for action, resources in scope.items():
        if not set(resources) <= (known.resources(action) or frozenset()):
            raise NotFound("the framework has no such action or resource")
    changed["endorsements"].append(
        {
            "id": endorsement_id,
            "authority": authority,
            "name": name if isinstance(name, str) else dict(name),
            "endpoint": endpoint,
            "scope": {action: sorted(resources) for action, resources in scope.items()},
            **period(at, until),
        }
    )
    return finish(document, changed)


def end_endorsement(document: Mapping[str, Any], endorsement_id: str, at: datetime) -> Document:
    """Nothing of that ecosystem is recognised by this entry from `at`."""
    changed = begin(document, at)
    for each in changed["endorsements"]:
        if each["id"] == endorsement_id and is_open(each, at):
            each["until"] = max(format_time(at), each["from"], key=moment)
            return finish(document, changed)
    raise NotFound("the framework has no such recognition in force")


def with_grant(
    document: Mapping[str, Any],
    *,
    grant_id: str,
    did: str,
    credential: str,
    definition_id: str,
    at: datetime,
    starts: datetime | None = None,
    until: datetime | None = None,
) -> Document:
    """The participant may issue `credential` under this definition from `starts` (or `at`).

    Its role must allow it then: NotFound if participant or credential are not known, Conflict
    if the role or its period does not allow it, or the id or definition has a grant already.
    """
    changed = begin(document, at)
    require_entitled(changed, did, credential, starts or at)
    for field, value in (("id", grant_id), ("definition_id", definition_id)):
        if any(grant[field] == value for grant in changed["grants"]):
            raise Conflict(f"there is a grant with this {field} already")
    changed["grants"].append(
        {
            "id": grant_id,
            "participant": did,
            "credential": credential,
            "definition_id": definition_id,
            **period(starts or at, until),
            "withdrawn_from": None,
        }
    )
    return finish(document, changed)


def end_grant(document: Mapping[str, Any], grant_id: str, at: datetime) -> Document:
    """Nothing new under this grant from `at`; what was issued stays good."""
    changed = begin(document, at)
    grant = grant_of(changed, grant_id)
    if not is_open(grant, at):
        raise Conflict("this grant has ended already")
    grant["until"] = max(format_time(at), grant["from"], key=moment)
    return finish(document, changed)


def withdraw_grant(document: Mapping[str, Any], grant_id: str, at: datetime) -> Document:
    """Everything under this grant's definition is refused from `at`; there is no way back."""
    changed = begin(document, at)
    grant = grant_of(changed, grant_id)
    withdrawn = grant["withdrawn_from"]
    if withdrawn is not None and moment(withdrawn) <= at:
        raise Conflict("this grant is withdrawn already")
    grant["withdrawn_from"] = format_time(at)
    return finish(document, changed)
