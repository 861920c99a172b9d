"""How a change of the framework document is begun and finished, and what is asked of one.

`begin` copies the document and dates it; `finish` refuses what is malformed, and gives it the
version that says what kind of change it was. What lies between is in `documents`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from core.decision import Deny
from core.errors import Conflict, InvalidInput, NotFound
from governance.differences import differences, level_of
from governance.engine import Issue, decide
from governance.entry import Entry
from governance.formats import FORMAT, in_this_format, is_signed_format
from governance.model import Framework
from governance.parsing import parse_framework
from governance.reasons import DenyReason
from governance.signing import digest_of
from governance.timestamps import format_time, parse_time
from governance.versions import following

type Document = dict[str, Any]

# a copy that nobody can refresh, on a phone without a network, is not believed for longer
MOST_DAYS = 366


def packaged_rules() -> Document:
    """The rules that come with Haven, without participants."""
    data = files("governance").joinpath("framework", "rules.json").read_bytes()
    rules: Document = json.loads(data)
    return rules


def serialise(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 JSON, in the order of its fields; `parse_framework` reads it."""
    text = json.dumps(dict(document), ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode() + b"\n"


def signatures_needed(before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    """How many have to sign what comes after `before`: by its list, and by the new one's."""
    return max(parse(each).signers.threshold for each in (before, after))


def is_fresh(document: Mapping[str, Any], at: datetime) -> bool:
    """Whether it is signed, and more than a third of its time is left."""
    if not is_signed_format(Entry(dict(document))):
        return False
    issued, expires = moment(document["issued_at"]), moment(document["expires_at"])
    return expires - at > (expires - issued) / 3


def parse(document: Mapping[str, Any]) -> Framework:
    """The document as the engine reads it. Raises InvalidInput."""
    try:
        data = serialise(document)
    except (TypeError, ValueError) as error:
        raise InvalidInput("the framework document is not JSON") from error
    return parse_framework(data)


def sound(document: Document) -> Document:
    """The document itself; InvalidInput if a part of it is malformed and would be ignored."""
    faults = parse(document).faults
    if faults:
        raise InvalidInput(f"the framework document is malformed: {'; '.join(faults)}")
    return document


def begin(document: Mapping[str, Any], at: datetime) -> Document:
    """A copy to change; of an unsigned document of the first format, in today's format."""
    before = _in_todays_format(sound(copy.deepcopy(dict(document))))
    issued_at = format_time(at)
    if moment(issued_at) < moment(before["issued_at"]):
        raise Conflict("the framework was changed after this time")
    before.pop("proof", None)
    return before | {"sequence": before["sequence"] + 1, **times(at, before)}


def _in_todays_format(document: Document) -> Document:
    entry = Entry(document)
    if is_signed_format(entry):
        return document
    days = packaged_rules()["validity_days"]
    return in_this_format(entry).values | {"format": FORMAT, "validity_days": days}


def finish(before: Mapping[str, Any], changed: Document) -> Document:
    """The next version whole: what kind of change it is says its number."""
    old = parse(before)
    new = parse(sound(changed))
    version = following(old.version, level_of(differences(old, new)))
    return changed | {
        "version": version,
        "version_id": version_id(new.authority, version),
        "previous": {"version": old.version, "digest": digest_of(before)},
    }


def version_id(authority: str, version: str) -> str:
    """A DID URL under the authority's DID (did:webvh 1.0, section 3.8.1, path resolution)."""
    return f"{authority}/framework/{version}.json"


def times(at: datetime, rules: Mapping[str, Any]) -> dict[str, str]:
    """When a version is made and how long it is good, by the rules' `validity_days`."""
    days = Entry(dict(rules)).integer("validity_days", least=1, most=MOST_DAYS)
    return {"issued_at": format_time(at), "expires_at": format_time(at + timedelta(days=days))}


def period(starts: datetime, until: datetime | None) -> dict[str, str | None]:
    """From and until, as the document has them. Raises InvalidInput if they do not go on."""
    if until is not None and until <= starts:
        raise InvalidInput("until must be later than from")
    return {"from": format_time(starts), "until": None if until is None else format_time(until)}


def moment(text: str) -> datetime:
    """A time of the document."""
    return parse_time(text, "time")


def entries_of(document: Document, did: str) -> list[dict[str, Any]]:
    """The entries of one participant."""
    return [each for each in document["participants"] if each["did"] == did]


def is_open(entry: Mapping[str, Any], at: datetime) -> bool:
    """Whether an entry goes on after `at`."""
    return entry["until"] is None or moment(entry["until"]) > max(at, moment(entry["from"]))


def is_same_time(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two entries are in force at one time."""

    def begins_before_end(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
        return second["until"] is None or moment(first["from"]) < moment(second["until"])

    return begins_before_end(one, other) and begins_before_end(other, one)


def grant_of(document: Document, grant_id: str) -> dict[str, Any]:
    """A grant by its id. Raises NotFound."""
    for grant in document["grants"]:
        if grant["id"] == grant_id:
            return Entry.of(grant).values
    raise NotFound("the framework has no such grant")


def require_entitled(document: Document, did: str, credential: str, at: datetime) -> None:
    """Raises NotFound or Conflict unless the role of `did` may issue this at that time."""
    decision = decide(parse(document), Issue(did, credential, None), as_of=at)
    if not isinstance(decision, Deny):
        return
    if decision.reason in (DenyReason.UNKNOWN_PARTICIPANT, DenyReason.UNKNOWN_CREDENTIAL):
        raise NotFound(decision.explanation)
    raise Conflict(decision.explanation, reason=decision.reason)
