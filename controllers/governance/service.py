"""The framework of this installation: its versions, and the engine asked with the newest one.

The rules are in `governance/`; here they are kept, given to whoever has to ask, and changed by
the authority, one version at a time. Two changes at once: one of them has to be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from controllers.moment import now
from controllers.store.brief import table_of
from controllers.store.database import Database
from controllers.store.models import FrameworkVersion
from core.decision import Decision, Deny, Permit
from core.errors import Conflict, GovernanceDenied, NotFound
from governance import documents
from governance.engine import Framework, Query, decide, parse_framework

_MOST_TRIES = 10
_KEPT = 8  # parsed versions: checks in flight rest on older ones
_NEWEST = select(func.max(table_of(FrameworkVersion).c.version))

type Document = dict[str, Any]
type Change = Callable[[Document, datetime], Document]


def require(decision: Decision, code: str = GovernanceDenied.slug) -> Permit:
    """The permit, or GovernanceDenied with the rule, the reason, and the problem's code."""
    if isinstance(decision, Deny):
        raise GovernanceDenied(
            decision.explanation,
            rule_id=decision.rule_id,
            reason=decision.reason,
            code=code,
        )
    return decision


class GovernanceService:
    """Keeps the framework's versions and asks the engine."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed: dict[int, Framework] = {}

    async def current(self) -> Framework:
        """The newest version. Raises NotFound before the authority has been founded."""
        newest: int | None = await self._database.value(_NEWEST)
        if newest is None:
            raise NotFound("This installation has no governance framework yet")
        return await self.version(newest)

    async def version(self, number: int) -> Framework:
        """One version, parsed once. Raises NotFound."""
        if number in self._parsed:
            return self._parsed[number]
        framework = parse_framework((await self.document(number)).encode())
        self._parsed[number] = framework
        for old in sorted(self._parsed)[:-_KEPT]:  # perhaps this one: it is given all the same
            del self._parsed[old]
        return framework

    async def document(self, number: int) -> str:
        """The text of one version. Raises NotFound."""
        async with self._database.reading() as session:
            row = await session.get(FrameworkVersion, number)
        if row is None:
            raise NotFound("There is no such version of the framework")
        return row.document

    async def decide(self, query: Query, *, as_of: datetime | None = None) -> Decision:
        """The newest version's decision, as of now unless said otherwise."""
        return decide(await self.current(), query, as_of=as_of or now())

    async def found(self, authority_did: str) -> Framework:
        """Version 1, with the rules that come with Haven. Raises Conflict if there is one."""
        document = documents.new_framework(documents.packaged_rules(), authority_did, now())
        return await self._publish(document)

    async def change(self, change: Change) -> Framework:
        """Publish the next version; made again on the newest one if somebody else was quicker.

        Raises what `change` raises, and Conflict if others keep being quicker.
        """
        for attempt in range(_MOST_TRIES):
            current = await self.current()
            document = json.loads(await self.document(current.version))
            changed = change(document, now())
            documents.check_newer(document, changed)
            try:
                return await self._publish(changed)
            except Conflict:
                if attempt == _MOST_TRIES - 1:
                    raise
        raise Conflict("The framework is being changed by others; please try again")

    async def _publish(self, document: Mapping[str, Any]) -> Framework:
        data = documents.serialise(document)
        framework = parse_framework(data)
        try:
            async with self._database.transaction() as session:
                session.add(
                    FrameworkVersion(
                        version=framework.version, document=data.decode(), created_at=now()
                    )
                )
        except IntegrityError as err:
            raise Conflict("The framework was just changed by somebody else") from err
        return framework


def participant_name(framework: Framework, did: str, language: str) -> str | None:
    """What the framework calls an organisation; None for one that it does not know."""
    entries = framework.participants.get(did, ())
    if not entries:
        return None
    name = entries[-1].name
    if isinstance(name, str):
        return name
    return name.get(language) or next(iter(name.values()), None)
