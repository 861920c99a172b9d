"""The framework document as it grows: every change is a new document, one version higher.

All functions are pure but `packaged_rules`, which reads the file shipped with this package.
A change that contradicts what is there is refused: NotFound (there is no such thing), Conflict
(the state does not allow it), InvalidInput (it cannot be meant).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.resources import files
from typing import Any

from core.decision import Deny
from core.errors import Conflict, InvalidInput, NotFound, VerificationError
from governance.engine import Issue, decide
from governance.entry import Entry
from governance.model import Framework, Names
from governance.parsing import parse_framework
from governance.reasons import DenyReason
from governance.timestamps import format_time, parse_time

type Document = dict[str, Any]


def packaged_rules() -> Document:
    """The rules that come with Haven, without participants."""
    data = files("governance").joinpath("framework", "rules.json").read_bytes()
    rules: Document = json.loads(data)
    return rules


def serialise(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 JSON, in the order of its fields; `parse_framework` reads it."""
    text = json.dumps(dict(document), ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode() + b"\n"


def new_framework(
    rules: Mapping[str, Any],
    authority_did: str,
    at: datetime,
    *,
    framework_id: str | None = None,
) -> Document:
    """Version 1 of a framework: the rules, an authority, and nobody in it yet.

    Raises InvalidInput if any part of the rules is malformed; the message names the parts.
    """
    document = copy.deepcopy(dict(rules)) | {
        "id": framework_id or authority_did,
        "version": 1,
        "issued_at": format_time(at),
        "authority": authority_did,
        "schemas": {},
        "participants": [],
        "grants": [],
    }
    return _sound(document)


def with_credential(
    document: Mapping[str, Any], credential: str, issued_by: Iterable[str], at: datetime
) -> Document:
    """A credential that the rules did not know, and the roles that may issue it.

    Raises Conflict for one that is known, NotFound for an unknown role.
    """
    changed = _next(document, at)
    if credential in changed["credentials"]:
        raise Conflict("the framework has this credential already")
    changed["credentials"].append(credential)
    for role in issued_by:
        if role not in changed["roles"]:
            raise NotFound("the framework has no such role")
        changed["roles"][role]["issue"].append(credential)
    return _sound(changed)


def with_schema(
    document: Mapping[str, Any], credential: str, schema_id: str, at: datetime
) -> Document:
    """The credential is made on this schema. A credential keeps its schema for good."""
    changed = _next(document, at)
    if credential not in changed["credentials"]:
        raise NotFound("the framework has no such credential")
    if credential in changed["schemas"]:
        raise Conflict("this credential has a schema already")
    if schema_id in changed["schemas"].values():
        raise Conflict("this schema belongs to another credential")
    changed["schemas"][credential] = schema_id
    return _sound(changed)


def with_participant(
    document: Mapping[str, Any],
    *,
    did: str,
    role: str,
    name: Names,
    at: datetime,
    starts: datetime | None = None,
    until: datetime | None = None,
) -> Document:
    """The organisation takes part in `role` from `starts` (or `at`) to before `until`."""
    changed = _next(document, at)
    if role not in changed["roles"]:
        raise NotFound("the framework has no such role")
    entry = {
        "did": did,
        "role": role,
        "name": name if isinstance(name, str) else dict(name),
        **_period(starts or at, until),
    }
    if any(_is_same_time(entry, each) for each in _of(changed, did) if each["role"] == role):
        raise Conflict("this organisation has this role at that time already")
    changed["participants"].append(entry)
    return _sound(changed)


def end_participant(
    document: Mapping[str, Any], did: str, at: datetime, *, role: str | None = None
) -> Document:
    """The organisation leaves at `at`, from one role or from all; what it issued stays good."""
    changed = _next(document, at)
    entries = [each for each in _of(changed, did) if role in (None, each["role"])]
    if not entries:
        raise NotFound("the framework has no such participant")
    open_entries = [each for each in entries if _is_open(each, at)]
    if not open_entries:
        raise Conflict("this organisation has left already")
    for entry in open_entries:
        entry["until"] = max(format_time(at), entry["from"], key=_moment)
    return _sound(changed)


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
    changed = _next(document, at)
    _require_entitled(changed, did, credential, starts or at)
    for field, value in (("id", grant_id), ("definition_id", definition_id)):
        if any(grant[field] == value for grant in changed["grants"]):
            raise Conflict(f"there is a grant with this {field} already")
    changed["grants"].append(
        {
            "id": grant_id,
            "participant": did,
            "credential": credential,
            "definition_id": definition_id,
            **_period(starts or at, until),
            "withdrawn_from": None,
        }
    )
    return _sound(changed)


def end_grant(document: Mapping[str, Any], grant_id: str, at: datetime) -> Document:
    """Nothing new under this grant from `at`; what was issued stays good."""
    changed = _next(document, at)
    grant = _grant(changed, grant_id)
    if not _is_open(grant, at):
        raise Conflict("this grant has ended already")
    grant["until"] = max(format_time(at), grant["from"], key=_moment)
    return _sound(changed)


def withdraw_grant(document: Mapping[str, Any], grant_id: str, at: datetime) -> Document:
    """Everything under this grant's definition is refused from `at`; there is no way back."""
    changed = _next(document, at)
    grant = _grant(changed, grant_id)
    withdrawn = grant["withdrawn_from"]
    if withdrawn is not None and _moment(withdrawn) <= at:
        raise Conflict("this grant is withdrawn already")
    grant["withdrawn_from"] = format_time(at)
    return _sound(changed)


def check_newer(current: Mapping[str, Any], candidate: Mapping[str, Any]) -> None:
    """Raises VerificationError unless `candidate` may replace `current`.

    Steps: `document` (both can be read), `framework` (same id and authority), `version`
    (higher: no roll-back, no second document of one version), `time` (not issued earlier). The
    authority's signature is to be checked before this, once documents are signed.
    """
    try:
        old, new = _parse(current), _parse(candidate)
    except InvalidInput as error:
        raise VerificationError(error.detail, step="document") from error
    if (old.id, old.authority) != (new.id, new.authority):
        raise VerificationError("this is the document of another framework", step="framework")
    if new.version <= old.version:
        raise VerificationError("the version of the framework must go up", step="version")
    if new.issued_at < old.issued_at:
        raise VerificationError("the framework was issued before the current one", step="time")


# --- helpers --------------------------------------------------------------------------------


def _parse(document: Mapping[str, Any]) -> Framework:
    try:
        data = serialise(document)
    except (TypeError, ValueError) as error:
        raise InvalidInput("the framework document is not JSON") from error
    return parse_framework(data)


def _sound(document: Document) -> Document:
    """The document itself; InvalidInput if a part of it is malformed and would be ignored."""
    faults = _parse(document).faults
    if faults:
        raise InvalidInput(f"the framework document is malformed: {'; '.join(faults)}")
    return document


def _next(document: Mapping[str, Any], at: datetime) -> Document:
    changed = _sound(copy.deepcopy(dict(document)))
    issued_at = format_time(at)
    if _moment(issued_at) < _moment(changed["issued_at"]):
        raise Conflict("the framework was changed after this time")
    return changed | {"version": changed["version"] + 1, "issued_at": issued_at}


def _period(starts: datetime, until: datetime | None) -> dict[str, str | None]:
    if until is not None and until <= starts:
        raise InvalidInput("until must be later than from")
    return {"from": format_time(starts), "until": None if until is None else format_time(until)}


def _moment(text: str) -> datetime:
    return parse_time(text, "time")


def _of(document: Document, did: str) -> list[dict[str, Any]]:
    return [each for each in document["participants"] if each["did"] == did]


def _is_open(entry: Mapping[str, Any], at: datetime) -> bool:
    return entry["until"] is None or _moment(entry["until"]) > max(at, _moment(entry["from"]))


def _is_same_time(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    def begins_before_end(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
        return second["until"] is None or _moment(first["from"]) < _moment(second["until"])

    return begins_before_end(one, other) and begins_before_end(other, one)


def _grant(document: Document, grant_id: str) -> dict[str, Any]:
    for grant in document["grants"]:
        if grant["id"] == grant_id:
            return Entry.of(grant).values
    raise NotFound("the framework has no such grant")


def _require_entitled(document: Document, did: str, credential: str, at: datetime) -> None:
    decision = decide(_parse(document), Issue(did, credential, None), as_of=at)
    if not isinstance(decision, Deny):
        return
    if decision.reason in (DenyReason.UNKNOWN_PARTICIPANT, DenyReason.UNKNOWN_CREDENTIAL):
        raise NotFound(decision.explanation)
    raise Conflict(decision.explanation, reason=decision.reason)
