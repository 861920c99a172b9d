"""Sessions of people at desks: what a browser's cookie stands for.

1. The cookie is 256 random bits; its digest is kept. The page's token against forged forms is
   a keyed digest of the cookie, so that nothing more has to be kept.
2. A session ends after 15 minutes without a touch and after ten hours at the latest.
3. It is good in the browser and the network that it was opened in. Anywhere else it ends: a
   cookie that was stolen is worth nothing there, and its owner notices.
4. Duties, and whether somebody still works here, are read each time. A page that looks by
   itself touches nothing, and a touch is written at most once a minute.
5. A counter's session can make its one check and nothing else; it ends when the one who left
   the device there may not check any more.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update

from controllers.moment import now
from controllers.sealing import Seal
from controllers.staff.deeds import hold, note
from controllers.staff.passkeys import Proven
from controllers.staff.people import Duty, digest
from controllers.store.brief import Steps, table_of
from controllers.store.database import Database
from controllers.store.models import (
    Organisation,
    Passkey,
    StaffDuty,
    StaffMember,
    StaffSession,
)
from core.errors import Forbidden, NotAuthenticated

_IDLE, _LONGEST = timedelta(minutes=15), timedelta(hours=10)
_TOUCHED_EVERY = timedelta(minutes=1)

_SESSION, _MEMBER = table_of(StaffSession), table_of(StaffMember)
_KEY = table_of(Passkey)
_DUTY, _ORGANISATION = table_of(StaffDuty), table_of(Organisation)
_FOUND = (
    select(_SESSION)
    .add_columns(
        _MEMBER.c.organisation_id,
        _MEMBER.c.sealed_name,
        _MEMBER.c.place_id,
        _MEMBER.c.dismissed_at,
    )
    .join_from(_SESSION, _MEMBER, _SESSION.c.member_id == _MEMBER.c.id)
    .where(_SESSION.c.session_digest == bindparam("its_digest"))
)
_DUTIES = select(_DUTY.c.duty).where(
    _DUTY.c.member_id == bindparam("its_member"), _DUTY.c.ended_at.is_(None)
)
_OF = select(_ORGANISATION).where(_ORGANISATION.c.id == bindparam("its_id"))
_PERSON = (
    select(_MEMBER.c.organisation_id)
    .join_from(_MEMBER, _KEY, _KEY.c.member_id == _MEMBER.c.id)
    .where(
        _MEMBER.c.id == bindparam("its_id"),
        _MEMBER.c.dismissed_at.is_(None),
        _KEY.c.credential_digest == bindparam("its_key"),
        _KEY.c.ended_at.is_(None),
    )
)
_TOUCH = update(_SESSION).where(
    _SESSION.c.session_digest == bindparam("its_digest"),
    _SESSION.c.seen_at < bindparam("before"),
    _SESSION.c.ended_at.is_(None),
)
_END = update(_SESSION).where(
    _SESSION.c.session_digest == bindparam("its_digest"), _SESSION.c.ended_at.is_(None)
)
_PAST = delete(_SESSION).where(_SESSION.c.expires_at < bindparam("until"))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whoever a request comes from. `kiosk` names a counter's one check; then there are no
    duties."""

    session_digest: str
    person_id: str
    name: str
    place_id: str | None
    organisation: Organisation
    duties: frozenset[Duty]
    kiosk: str | None
    csrf: str

    def needs(self, *duties: Duty) -> None:
        """One of these. Raises Forbidden."""
        if not self.duties.intersection(duties):
            raise Forbidden("This is not one of your tasks here", code="duty-needed")


class StaffSessions:
    """Opens, recognises and ends sessions."""

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._seal = seal

    async def open(self, proven: Proven, *, browser: str, network: str) -> str:
        """A session for who has just proved to be somebody: the cookie's value.

        Raises NotAuthenticated if she does not work here any more, or if her passkey ended
        in between.
        """
        value = secrets.token_urlsafe(32)

        def open_session(steps: Steps) -> None:
            person_id = proven.person_id
            hold(steps, person_id)
            person = steps.row(_PERSON, its_id=person_id, its_key=proven.passkey_digest)
            if person is None:
                raise _signed_out()
            steps.add(self._session(value, person_id, browser, network))
            note(steps, person.organisation_id, person_id, "signed-in")

        await self._database.write(open_session)
        return value

    async def recognise(
        self, cookie: str | None, *, browser: str, network: str, touch: bool = True
    ) -> SignedIn:
        """Whose the cookie is, as of now.

        Raises NotAuthenticated: `signed-out`; or `passkey-again` from another browser or
        network, and then the session has ended.
        """
        if not cookie:
            raise _signed_out()
        wanted, at = digest(cookie), now()
        row, who = await self._database.read(lambda steps: self._look(steps, cookie, wanted))
        if row is None or who is None or not _lives(row, at):
            raise _signed_out()
        if not self._is_at_home(row, browser, network):
            await self._end_elsewhere(row)
            raise NotAuthenticated("Please sign in again", code="passkey-again")
        if touch and at - row.seen_at >= _TOUCHED_EVERY:
            before = at - _TOUCHED_EVERY + timedelta(seconds=1)
            await self._database.change(_TOUCH, its_digest=wanted, before=before, seen_at=at)
        return who

    async def to_kiosk(self, cookie: str, check: str, *, browser: str, network: str) -> str:
        """Leave the device at a counter for one check: the cookie's new value. The session
        that was is ended. Raises NotAuthenticated, Forbidden."""
        who = await self.recognise(cookie, browser=browser, network=network)
        who.needs(Duty.CHECK)
        value = secrets.token_urlsafe(32)

        def leave(steps: Steps) -> None:
            hold(steps, who.person_id)
            if not steps.change(_END, its_digest=who.session_digest, ended_at=now()):
                raise _signed_out()
            steps.add(self._session(value, who.person_id, browser, network, kiosk=check))
            note(steps, who.organisation.id, who.person_id, "kiosk-begun")

        await self._database.write(leave)
        return value

    async def end(self, cookie: str) -> None:
        """Sign out; doing it again changes nothing."""
        wanted = digest(cookie)

        def end(steps: Steps) -> None:
            row = steps.row(_FOUND, its_digest=wanted)
            if steps.change(_END, its_digest=wanted, ended_at=now()) and row is not None:
                what = "kiosk-ended" if row.kiosk else "signed-out"
                note(steps, row.organisation_id, row.member_id, what)

        await self._database.write(end)

    def is_meant(self, who: SignedIn, presented: str | None) -> bool:
        """Whether a form carries the token of this session's own pages."""
        return hmac.compare_digest(who.csrf.encode(), (presented or "").encode())

    async def purge(self) -> None:
        """Forget sessions whose longest time is over."""
        await self._database.change(_PAST, until=now())

    def _session(
        self, value: str, person_id: str, browser: str, network: str, kiosk: str | None = None
    ) -> StaffSession:
        at = now()
        return StaffSession(
            session_digest=digest(value),
            member_id=person_id,
            browser_digest=self._seal.pseudonym(f"browser:{browser}"),
            network_digest=self._seal.pseudonym(f"network:{network}"),
            kiosk=kiosk,
            seen_at=at,
            expires_at=at + _LONGEST,
        )

    def _look(
        self, steps: Steps, cookie: str, wanted: str
    ) -> tuple[Row[Any] | None, SignedIn | None]:
        row = steps.row(_FOUND, its_digest=wanted)
        if row is None:
            return None, None
        held = frozenset(
            Duty(each.duty) for each in steps.rows(_DUTIES, its_member=row.member_id)
        )
        if row.kiosk is not None and Duty.CHECK not in held:
            return row, None
        organisation = steps.row(_OF, its_id=row.organisation_id)
        if organisation is None:
            return row, None
        return row, SignedIn(
            session_digest=wanted,
            person_id=row.member_id,
            name=str(self._seal.open(row.sealed_name, row.member_id)),
            place_id=row.place_id,
            organisation=Organisation(**organisation._mapping),
            duties=frozenset() if row.kiosk else held,
            kiosk=row.kiosk,
            csrf=self._seal.pseudonym(f"form:{cookie}"),
        )

    def _is_at_home(self, row: Row[Any], browser: str, network: str) -> bool:
        return hmac.compare_digest(
            row.browser_digest, self._seal.pseudonym(f"browser:{browser}")
        ) and hmac.compare_digest(
            row.network_digest, self._seal.pseudonym(f"network:{network}")
        )

    async def _end_elsewhere(self, row: Row[Any]) -> None:
        def end(steps: Steps) -> None:
            if steps.change(_END, its_digest=row.session_digest, ended_at=now()):
                note(steps, row.organisation_id, row.member_id, "session-elsewhere")

        await self._database.write(end)


def _lives(row: Row[Any], at: datetime) -> bool:
    if row.ended_at is not None or row.dismissed_at is not None or row.expires_at <= at:
        return False
    return row.kiosk is not None or at - row.seen_at < _IDLE


def _signed_out() -> NotAuthenticated:
    return NotAuthenticated("Please sign in", code="signed-out")
