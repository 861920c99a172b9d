"""People of a hosted sandbox: invited to one organisation each, and known by a passkey after.

The file holds digests of invitations, public keys, and the names that people were invited by;
it is written anew as a whole, by this process only, with mode 0600.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from webauthn.helpers import base64url_to_bytes

from controllers.dataspace.console.sessions import digest
from controllers.staff.relying import CHALLENGE, RelyingParty, not_known
from core.errors import Conflict, Gone

INVITED_DAYS = 3
_DAY = 24 * 3600
_CEREMONY_SECONDS = 300
_MOST_CEREMONIES = 1000
_MOST_INVITATIONS = 500


@dataclass(frozen=True, slots=True)
class Invitation:
    """To one organisation, until `until` (seconds of the epoch)."""

    place: str
    name: str
    until: float


@dataclass(slots=True)
class Member:
    """Somebody of one organisation, and her passkey."""

    id: str
    place: str
    name: str
    public_key: str = field(repr=False)  # base64
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Ceremony:
    challenge: bytes
    invitation: str | None
    until: float


class Members:
    """Who may sign in to a hosted console."""

    def __init__(
        self, file: Path, party: RelyingParty, clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self._party, self._clock = file, party, clock
        self._ceremonies: dict[str, _Ceremony] = {}
        kept = json.loads(file.read_text()) if file.exists() else {}
        self._invited = {
            key: Invitation(**each) for key, each in kept.get("invitations", {}).items()
        }
        self._members = {key: Member(**each) for key, each in kept.get("members", {}).items()}

    def of(self, place: str) -> tuple[str, ...]:
        """The names of an organisation's people."""
        return tuple(each.name for each in self._members.values() if each.place == place)

    def invite(self, place: str, name: str) -> str:
        """The secret of a new invitation; the link is good once and for three days."""
        secret = secrets.token_urlsafe(32)
        self._forget_past()
        self._invited[digest(secret)] = Invitation(
            place, name, self._clock() + INVITED_DAYS * _DAY
        )
        while len(self._invited) > _MOST_INVITATIONS:
            del self._invited[min(self._invited, key=lambda each: self._invited[each].until)]
        self._keep()
        return secret

    def begin_enrolment(self, secret: str) -> dict[str, Any]:
        """What to make a passkey for; uses nothing up. Raises Gone."""
        wanted = digest(secret)
        invited = self._invitation(wanted)
        ceremony, challenge = self._ask(wanted)
        user = uuid.uuid4()
        options = self._party.to_make(
            user.bytes, f"{self._party.shown_as} {str(user)[:4]}", challenge
        )
        return {"ceremony": ceremony, "options": options, "name": invited.name}

    def finish_enrolment(
        self, secret: str, ceremony: str, credential: dict[str, Any]
    ) -> Member:
        """Keep the passkey and use the invitation up. Raises Conflict, Gone, InvalidInput."""
        wanted = digest(secret)
        asked = self._answered(ceremony)
        if asked is None or asked.invitation != wanted:
            raise _ended()
        made = self._party.made(credential, asked.challenge)
        known = digest(made.credential_id.hex())
        if known in self._members:  # a device chooses the id: it would push another one out
            raise Conflict("This passkey is in use already", code="passkey-in-use")
        invited = self._invitation(wanted)
        del self._invited[wanted]
        member = Member(
            str(uuid.uuid4()),
            invited.place,
            invited.name,
            base64.b64encode(made.credential_public_key).decode(),
            made.sign_count,
        )
        self._members[known] = member
        self._keep()
        return member

    def begin_sign_in(self) -> dict[str, Any]:
        """A question for whichever passkey of ours a device has."""
        ceremony, challenge = self._ask(None)
        return {"ceremony": ceremony, "options": self._party.to_answer(challenge)}

    def finish_sign_in(self, ceremony: str, credential: dict[str, Any]) -> Member:
        """Who answered. Raises NotAuthenticated, the same for every reason."""
        asked = self._answered(ceremony)
        member = self._members.get(_key_of(credential))
        if asked is None or asked.invitation is not None or member is None:
            raise not_known()
        key = base64.b64decode(member.public_key)
        answer = self._party.answered(credential, asked.challenge, key, member.count)
        member.count = answer.new_sign_count
        self._keep()
        return member

    def _invitation(self, wanted: str) -> Invitation:
        self._forget_past()
        found = self._invited.get(wanted)
        if found is None:
            raise _ended()
        return found

    def _forget_past(self) -> None:
        at = self._clock()
        self._invited = {key: each for key, each in self._invited.items() if each.until > at}

    def _ask(self, invitation: str | None) -> tuple[str, bytes]:
        named, challenge = str(uuid.uuid4()), secrets.token_bytes(CHALLENGE)
        self._ceremonies[named] = _Ceremony(
            challenge, invitation, self._clock() + _CEREMONY_SECONDS
        )
        while len(self._ceremonies) > _MOST_CEREMONIES:
            del self._ceremonies[next(iter(self._ceremonies))]
        return named, challenge

    def _answered(self, named: str) -> _Ceremony | None:
        """The question that is answered now; whatever comes of it, it is not asked again."""
        asked = self._ceremonies.pop(named, None)
        return asked if asked is not None and asked.until > self._clock() else None

    def _keep(self) -> None:
        kept = {
            "invitations": {key: asdict(each) for key, each in self._invited.items()},
            "members": {key: asdict(each) for key, each in self._members.items()},
        }
        new = self._file.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(kept, file)
        new.replace(self._file)


def _key_of(credential: dict[str, Any]) -> str:
    """Which passkey an answer says that it is of; of what cannot be read, none."""
    named = credential.get("rawId")
    try:
        return digest(base64url_to_bytes(named).hex()) if isinstance(named, str) else ""
    except ValueError:
        return ""


def _ended() -> Gone:
    return Gone("This link has ended. Please ask for a new one.", code="invitation-ended")
