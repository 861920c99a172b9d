"""Short links (docs/adr, decision 7).

1. A link is unguessable (256 bits) and short-lived; only digests of it are kept.
2. Opening it consumes nothing: messengers preview links.
3. The first acceptance binds it to the claim that the wallet sends along; the same claim may
   ask again (an answer can get lost on the way), another one is told that the link was used.
4. An offer's link needs the short code shown at the desk; after five wrong codes it is dead.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update

from controllers.moment import now
from controllers.store.brief import Steps, filled, table_of
from controllers.store.database import Database
from controllers.store.models import Link
from core.errors import Forbidden, Gone, NotFound, TooManyTries

_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # nothing that is read as something else
_CODE_LENGTH = 6
_TRIES = 5

_LINK = table_of(Link)
_NEW = insert(_LINK)
_BY_TOKEN = select(_LINK).where(_LINK.c.token_digest == bindparam("wanted"))
_LOCKED = _BY_TOKEN.with_for_update()
_PAST = delete(_LINK).where(_LINK.c.expires_at < bindparam("until"))
_SET = update(_LINK).where(_LINK.c.token_digest == bindparam("wanted"))


class LinkKind(StrEnum):
    """What a link leads to."""

    OFFER = "offer"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class FreshLink:
    """A link as it is handed out, once: `token` goes into the URL, `code` is said aloud."""

    token: str
    code: str | None


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that exists and has not ended."""

    kind: LinkKind
    subject_id: str
    needs_code: bool
    expires_at: datetime


def digest(text: str) -> str:
    """How secrets of a link are kept: by this alone can they be recognised."""
    return hashlib.sha256(text.encode()).hexdigest()


def _code_digest(token: str, code: str) -> str:
    # bound to the unguessable token, so that a short code cannot be found from its digest alone
    return digest(f"{token}:{code.strip().upper()}")


def issue_link(
    steps: Steps, kind: LinkKind, subject_id: str, expires_at: datetime
) -> FreshLink:
    """Add a link to the caller's unit of work."""
    token = secrets.token_urlsafe(32)
    code = None
    if kind is LinkKind.OFFER:
        code = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH))
    steps.change(
        _NEW,
        token_digest=digest(token),
        kind=kind.value,
        subject_id=subject_id,
        code_digest=_code_digest(token, code) if code else None,
        tries_left=_TRIES,
        expires_at=expires_at,
    )
    return FreshLink(token, code)


class LinkService:
    """Opens and binds links."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, token: str) -> OpenLink:
        """What the link leads to; changes nothing. Raises NotFound, Gone."""
        return _opened(_alive(await self._database.row(_BY_TOKEN, wanted=digest(token))))

    async def bind(self, token: str, claim: str, code: str | None) -> OpenLink:
        """Bind the link to a claim. Raises NotFound, Gone, Forbidden, TooManyTries."""

        def bind(steps: Steps) -> tuple[Link, Forbidden | TooManyTries | None]:
            # locked: wrong codes that come at once are each counted
            link = _alive(steps.row(_LOCKED, wanted=digest(token)))
            outcome = _try_code(steps, link, token, code)
            if outcome is None:
                _claim(steps, link, digest(claim))
            return link, outcome

        link, outcome = await self._database.write(bind)
        if outcome is not None:
            raise outcome
        return _opened(link)

    async def purge(self) -> None:
        """Remove the links whose time is over."""
        await self._database.change(_PAST, until=now())


def _opened(link: Link) -> OpenLink:
    needs_code = link.code_digest is not None
    return OpenLink(LinkKind(link.kind), link.subject_id, needs_code, link.expires_at)


def _alive(row: Row[Any] | None) -> Link:
    if row is None:
        raise NotFound(
            "This link leads nowhere. Please check that it is complete.", code="link-nowhere"
        )
    link = filled(Link, row)
    if link.expires_at <= now():
        raise Gone(
            "The time of this link is over. Please ask the desk for a new one.",
            code="link-ended",
        )
    return link


def _claim(steps: Steps, link: Link, wanted: str) -> None:
    """The first claim is kept; another one is told that it comes too late."""
    if link.claim_digest is None:
        steps.change(_SET, wanted=link.token_digest, claim_digest=wanted)
    elif link.claim_digest != wanted:
        raise Gone(
            "This link was used already. Please ask the desk for a new one.", code="link-used"
        )


def _try_code(
    steps: Steps, link: Link, token: str, code: str | None
) -> Forbidden | TooManyTries | None:
    """Count a wrong code. The error is handed back, so that the count is committed first."""
    if link.code_digest is None:
        return None
    if link.tries_left <= 0:
        return TooManyTries(
            "Too many wrong codes. Please ask the desk for a new link.", code="too-many-codes"
        )
    if code and secrets.compare_digest(link.code_digest, _code_digest(token, code)):
        return None
    if code:
        steps.change(_SET, wanted=link.token_digest, tries_left=link.tries_left - 1)
    return Forbidden(
        "Please enter the code that the desk showed you.",
        code="wrong-code" if code else "code-needed",
    )
