"""Taking in a signed framework: numbered checks in a fixed order, each with its own step.

1. `size`: at most 16 MB
2. `json`: one JSON object; no name twice, integers only, ASCII names, at most 64 levels
3. `format`: a signed format; an unsigned one only before any signed one was seen
4. `form`: every field is there
5. `framework`: the framework and the authority that this reader has pinned
6. `version`: goes up in number and sequence, by as much as the change means; a version that
   was seen has the content that it had; what it says came before is what was seen before
7. `signatures`: enough of those whose signatures count: by the version before if one is
   known; and by its own list, among which the authority is and has signed at first sight
8. `time`: not issued in the future, nor before the one before, and not expired
9. `rules`: nothing in it is malformed or unknown to its own rules

Whoever fails one is told which; nothing of the document is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.errors import InvalidInput, VerificationError
from governance.differences import differences, level_of
from governance.entry import Entry, load_object
from governance.formats import in_this_format, is_signed_format
from governance.model import Framework
from governance.parsing import read_framework
from governance.signing import DidDocuments, digest_of, require_signed
from governance.versions import step

MOST_BYTES = 16 * 1024 * 1024
MOST_LEVELS = 64
_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A framework that passed, and the digest that its content is known by."""

    framework: Framework
    digest: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What a reader holds on to: the authority, and the last version that it accepted."""

    authority: str
    last: Accepted | None = None


def load_framework(
    data: bytes, trust: Trust, did_documents: DidDocuments, *, now: datetime
) -> Accepted:
    """The framework in `data`, if every check passes.

    `did_documents` gives the verified DID document of a signer. Raises VerificationError with
    the step that failed.
    """
    accepted = read_signed(data, trust)
    framework, last = accepted.framework, trust.last
    _check_signatures(framework, last, did_documents)
    _check_time(framework, last, now)
    _check_rules(framework)
    return accepted


def load_past(
    data: bytes, trust: Trust, did_documents: DidDocuments, *, now: datetime
) -> Accepted:
    """A version of the history: as `load_framework`, but it may have expired since."""
    accepted = read_signed(data, trust)
    framework = accepted.framework
    if is_signed_format(Entry(dict(framework.document))):
        _check_signatures(framework, trust.last, did_documents)
    if framework.issued_at > now + _CLOCKS_DIFFER:
        raise VerificationError("the framework is dated in the future", step="time")
    _check_rules(framework)
    return accepted


def read_signed(data: bytes, trust: Trust) -> Accepted:
    """Checks 1 to 6: all that needs neither keys nor a clock. Raises VerificationError."""
    if len(data) > MOST_BYTES:
        raise VerificationError("the framework is larger than 16 MB", step="size")
    top = _object(data)
    signed = _is_signed(top)
    if not signed and trust.last is not None and _was_signed(trust.last):
        raise VerificationError("an unsigned framework after a signed one", step="format")
    framework = _form(top)
    if {framework.authority, framework.id} != {trust.authority}:
        raise VerificationError("this is the framework of another authority", step="framework")
    accepted = Accepted(framework, digest_of(top.values))
    if trust.last is not None:
        _check_version(accepted, trust.last)
    return accepted


def _object(data: bytes) -> Entry:
    try:
        top = load_object(data, integers_only=True)
    except InvalidInput as error:
        raise VerificationError(error.detail, step="json") from error
    if is_deeper(top.values, MOST_LEVELS):
        raise VerificationError("the framework is nested too deeply", step="json")
    return top


def is_deeper(value: Any, most: int) -> bool:
    """Whether a value has more levels, found one level after the other, without recursion."""
    level = [value]
    for _ in range(most):
        level = [
            member
            for each in level
            if isinstance(each, dict | list)
            for member in (each.values() if isinstance(each, dict) else each)
            if isinstance(member, dict | list)
        ]
        if not level:
            return False
    return True


def _is_signed(top: Entry) -> bool:
    try:
        in_this_format(top)
        return is_signed_format(top)
    except InvalidInput as error:
        raise VerificationError(error.detail, step="format") from error


def _was_signed(last: Accepted) -> bool:
    return is_signed_format(Entry(dict(last.framework.document)))


def _form(top: Entry) -> Framework:
    try:
        return read_framework(top)
    except InvalidInput as error:
        raise VerificationError(error.detail, step="form") from error


def _check_version(accepted: Accepted, last: Accepted) -> None:
    new, old = accepted.framework, last.framework
    if new.sequence == old.sequence:
        if accepted.digest != last.digest:
            raise VerificationError("this version was another one before", step="version")
        return
    if new.sequence < old.sequence:
        raise VerificationError("an older version of the framework", step="version")
    meant = step(old.version, new.version)
    if meant is None:
        raise VerificationError("the version of the framework must go up", step="version")
    if new.sequence == old.sequence + 1:
        if new.previous_digest != last.digest:
            raise VerificationError("this does not follow the version before", step="version")
        if meant < level_of(differences(old, new)):
            raise VerificationError("the version says less than was changed", step="version")


def _check_signatures(
    framework: Framework, last: Accepted | None, did_documents: DidDocuments
) -> None:
    document: Mapping[str, Any] = framework.document
    own = require_signed(document, framework.signers, framework.issued_at, did_documents)
    members = {each.did for each in framework.signers.members}
    if framework.authority not in members:
        raise VerificationError("the authority is not among the signers", step="signatures")
    if last is not None and _was_signed(last):
        require_signed(document, last.framework.signers, framework.issued_at, did_documents)
    elif framework.authority not in own:
        raise VerificationError("the authority has not signed this", step="signatures")


def _check_time(framework: Framework, last: Accepted | None, now: datetime) -> None:
    if framework.issued_at > now + _CLOCKS_DIFFER:
        raise VerificationError("the framework is dated in the future", step="time")
    if last is not None and framework.issued_at < last.framework.issued_at:
        raise VerificationError("the framework is older than the one before", step="time")
    if framework.expires_at <= now:
        raise VerificationError("the framework has expired", step="time")


def _check_rules(framework: Framework) -> None:
    if framework.faults:
        raise VerificationError(
            f"a rule of the framework is malformed: {framework.faults[0]}", step="rules"
        )
