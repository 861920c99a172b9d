"""People of a hosted sandbox: invited to one organisation each, and known by a passkey after.

1. The file holds digests of invitations, public keys, the names that people were invited by,
   and who invited them; it is written anew as a whole, by this process only, with mode 0600.
2. An invitation ends with its inviter's entry in the file: who was taken out lets nobody in.
3. Room is by organisation and by person, and whoever comes too often is refused: nobody pushes
   out what is another one's.
4. A question to a device is not kept: its challenge is a keyed digest of its name, which says
   until when it is good. Kept is which questions a passkey has answered, until they end.
"""

from __future__ import annotations

import base64
import hmac
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
from controllers.staff.relying import RelyingParty, not_known
from core.errors import Conflict, Gone, TooManyRequests

INVITED_DAYS = 3
_SIGN_IN = "sign-in"
_DAY = 24 * 3600
_CEREMONY_SECONDS = 300
_MOST_OPEN = 50  # invitations of one organisation
_MOST_OPEN_OF_ONE = 10  # and of one of its people
_MOST_PEOPLE = 200  # of one organisation
_MOST_ANSWERED = 30  # questions that one passkey answers before they end


@dataclass(frozen=True, slots=True)
class Invitation:
    """To one organisation, until `until` (seconds of the epoch). `by` is the id of the member
    who made it; None: whoever runs the sandbox."""

    place: str
    name: str
    until: float
    by: str | None = None


@dataclass(slots=True)
class Member:
    """Somebody of one organisation, and her passkey. `by` as of her invitation."""

    id: str
    place: str
    name: str
    public_key: str = field(repr=False)  # base64
    count: int = 0
    by: str | None = None


class Members:
    """Who may sign in to a hosted console."""

    def __init__(
        self, file: Path, party: RelyingParty, clock: Callable[[], float] = time.time
    ) -> None:
        self._file, self._party, self._clock = file, party, clock
        self._key = secrets.token_bytes(32)
        self._answered: dict[str, dict[str, int]] = {}  # by member: questions and their ends
        kept = json.loads(file.read_text()) if file.exists() else {}
        self._invited = {
            key: Invitation(**each) for key, each in kept.get("invitations", {}).items()
        }
        self._members = {key: Member(**each) for key, each in kept.get("members", {}).items()}
        self._forget_past()

    def of(self, place: str) -> tuple[str, ...]:
        """The names of an organisation's people."""
        return tuple(each.name for each in self._members.values() if each.place == place)

    def invite(self, place: str, name: str, by: str | None = None) -> str:
        """The secret of a new invitation; the link is good once and for three days.

        Raises TooManyRequests: too many are open; Conflict: the organisation has no room.
        """
        self._forget_past()
        open_here = [each for each in self._invited.values() if each.place == place]
        own = [each for each in open_here if by is not None and each.by == by]
        if len(open_here) >= _MOST_OPEN or len(own) >= _MOST_OPEN_OF_ONE:
            raise TooManyRequests("Too many invitations are open", code="invitations-many")
        if len(self.of(place)) >= _MOST_PEOPLE:
            raise Conflict("There is no room for more people", code="members-many")
        secret = secrets.token_urlsafe(32)
        until = self._clock() + INVITED_DAYS * _DAY
        self._invited[digest(secret)] = Invitation(place, name, until, by)
        self._keep()
        return secret

    def invite_first(self, place: str, name: str) -> str:
        """The same by whoever runs the sandbox; earlier ones of theirs to this organisation
        end."""
        self._invited = {
            key: each
            for key, each in self._invited.items()
            if each.place != place or each.by is not None
        }
        return self.invite(place, name)

    def begin_enrolment(self, secret: str) -> dict[str, Any]:
        """What to make a passkey for; uses nothing up. Raises Gone."""
        wanted = digest(secret)
        invited = self._invitation(wanted)
        ceremony = self._question()
        challenge = self._challenge(ceremony, wanted)
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
        invited = self._invitation(wanted)
        if self._end_of(ceremony) is None:
            raise _ended()
        made = self._party.made(credential, self._challenge(ceremony, wanted))
        known = digest(made.credential_id.hex())
        if known in self._members:  # a device chooses the id: it would push another one out
            raise Conflict("This passkey is in use already", code="passkey-in-use")
        if len(self.of(invited.place)) >= _MOST_PEOPLE:
            raise Conflict("There is no room for more people", code="members-many")
        del self._invited[wanted]
        member = Member(
            str(uuid.uuid4()),
            invited.place,
            invited.name,
            base64.b64encode(made.credential_public_key).decode(),
            made.sign_count,
            invited.by,
        )
        self._members[known] = member
        self._keep()
        return member

    def begin_sign_in(self) -> dict[str, Any]:
        """A question for whichever passkey of ours a device has."""
        ceremony = self._question()
        challenge = self._challenge(ceremony, _SIGN_IN)
        return {"ceremony": ceremony, "options": self._party.to_answer(challenge)}

    def finish_sign_in(self, ceremony: str, credential: dict[str, Any]) -> Member:
        """Who answered. Raises NotAuthenticated, the same for every reason;
        TooManyRequests: she answered too many just now."""
        until, member = self._end_of(ceremony), self._members.get(_key_of(credential))
        if until is None or member is None:
            raise not_known()
        answered = self._answered_by(member)
        if ceremony in answered:
            raise not_known()
        key = base64.b64decode(member.public_key)
        challenge = self._challenge(ceremony, _SIGN_IN)
        answer = self._party.answered(credential, challenge, key, member.count)
        if len(answered) >= _MOST_ANSWERED:
            raise TooManyRequests("This passkey signed in too often", code="sign-ins-many")
        answered[ceremony] = until
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
        """Of invitations also those whose inviter is here no more."""
        at = self._clock()
        here = {(each.place, each.id) for each in self._members.values()}
        self._invited = {
            key: each
            for key, each in self._invited.items()
            if each.until > at and (each.by is None or (each.place, each.by) in here)
        }

    # --- questions to devices -------------------------------------------------------------

    def _question(self) -> str:
        """The name of a new one: when it ends, in hexadecimal digits, and chance."""
        return f"{int(self._clock()) + _CEREMONY_SECONDS:08x}-{secrets.token_hex(14)[:27]}"

    def _challenge(self, named: str, about: str) -> bytes:
        """What a device answers: nobody else can work it out, so nobody can make up a question
        or give it another end. `about`: an invitation's digest, or signing in."""
        return hmac.digest(self._key, f"{named}|{about}".encode(), "sha256")

    def _end_of(self, named: str) -> int | None:
        """When a question ends; None: it has, or none of ours is named so."""
        try:
            until = int(named.partition("-")[0], 16)
        except ValueError:
            return None
        at = self._clock()
        return until if at < until <= at + _CEREMONY_SECONDS else None

    def _answered_by(self, member: Member) -> dict[str, int]:
        """The questions that a member's passkey has answered and that have not ended."""
        at = self._clock()
        kept = self._answered.get(member.id, {})
        kept = {named: until for named, until in kept.items() if until > at}
        self._answered[member.id] = kept
        return kept

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
