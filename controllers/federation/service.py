"""Asking another ecosystem's registry about its own participants (TRQP v2.0), one hop.

1. Our framework has to recognise that ecosystem for the action and the resource now; whatever
   its registry says beyond that counts for nothing, and its own recognitions are never asked.
2. Its registry is asked at the address in our signed framework, over HTTPS, at a public host,
   with a limit on time and size and without following redirects.
3. An answer counts if it is about exactly what was asked, and of now. No record is a no.
4. An answer is kept as long as it says (`Cache-Control: max-age`), an hour at most, and never
   beyond the recognition. What cannot be asked is no answer: Unavailable, and not a yes.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from agent.network import PublicHostsOnly
from controllers.moment import now
from core.decision import Decision, Deny, Permit
from core.errors import Unavailable
from governance.engine import Framework, Recognise, decide

_SECONDS, _MOST_BYTES, _MOST_KEPT = 5.0, 64 * 1024, 10_000
_LONGEST = 3_600
_OF_NOW = timedelta(minutes=10)
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])")


class Governing(Protocol):
    """What is asked here of the governance service."""

    async def recent(self) -> Framework:
        """The newest framework."""
        ...


@dataclass(frozen=True, slots=True)
class Foreign:
    """May `entity`, of another authority's ecosystem, do this?"""

    authority: str
    entity: str
    action: str
    resource: str

    def body(self) -> dict[str, str]:
        """As the protocol asks it."""
        return {
            "entity_id": self.entity,
            "authority_id": self.authority,
            "action": self.action,
            "resource": self.resource,
        }


@dataclass(frozen=True, slots=True)
class _Kept:
    permitted: bool
    until: float


class Federation:
    """Asks, and remembers for as long as it may."""

    def __init__(
        self,
        governance: Governing,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._governance = governance
        self._transport = transport
        self._clock = clock
        self._kept: dict[Foreign, _Kept] = {}

    async def decide(self, question: Foreign) -> Decision:
        """The answer. Raises Unavailable if that registry cannot be asked."""
        framework, at = await self._governance.recent(), now()
        recognised = decide(
            framework,
            Recognise(question.authority, question.action, question.resource),
            as_of=at,
        )
        if isinstance(recognised, Deny):
            return recognised
        rule, endpoint, until = _entry(framework, recognised)
        kept = self._kept.get(question)
        if kept is None or kept.until <= self._clock():
            kept = await self._ask(question, endpoint, (until - at).total_seconds())
        if kept.permitted:
            return Permit((rule,))
        return Deny(rule, "not-authorised-there", "Its own ecosystem does not allow this.")

    async def _ask(self, question: Foreign, endpoint: str, left: float) -> _Kept:
        status, headers, body = await self._post(f"{endpoint}/authorization", question.body())
        if status not in (200, 404):
            raise _unavailable()
        permitted = status == 200 and _says_yes(body, question)
        seconds = min(_max_age(headers), left, _LONGEST)
        kept = _Kept(permitted, self._clock() + seconds)
        if seconds > 0:
            self._keep(question, kept)
        return kept

    def _keep(self, question: Foreign, kept: _Kept) -> None:
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()  # all of it can be asked again
        self._kept[question] = kept

    async def _post(
        self, url: str, body: Mapping[str, str]
    ) -> tuple[int, httpx.Headers, bytes]:
        parts = urlsplit(url)
        if parts.scheme != "https" or parts.username or parts.query or parts.fragment:
            raise _unavailable()
        transport = self._transport or PublicHostsOnly(())
        try:
            async with (
                asyncio.timeout(_SECONDS),
                httpx.AsyncClient(transport=transport, trust_env=False) as client,
                client.stream("POST", url, json=dict(body)) as answer,
            ):
                return answer.status_code, answer.headers, await _limited(answer)
        except (TimeoutError, httpx.HTTPError) as error:
            raise _unavailable() from error


def _entry(framework: Framework, permit: Permit) -> tuple[str, str, datetime]:
    """The endorsement that a recognition rests on."""
    (rule,) = permit.rule_ids
    for several in framework.endorsements.values():
        for each in several:
            if each.rule_id == rule:
                return rule, each.endpoint.rstrip("/"), each.until
    raise _unavailable()


async def _limited(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise _unavailable()
    return bytes(body)


def _says_yes(body: bytes, question: Foreign) -> bool:
    try:
        answer: Any = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(answer, dict) or answer.get("authorized") is not True:
        return False
    same = all(answer.get(name) == value for name, value in question.body().items())
    return same and _is_of_now(answer.get("time_evaluated"))


def _is_of_now(text: object) -> bool:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return False
    return moment.tzinfo is not None and abs(moment.astimezone(UTC) - now()) <= _OF_NOW


def _max_age(headers: httpx.Headers) -> float:
    said = headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(said)
    return 0 if "no-store" in said or found is None else float(found[1])


def _unavailable() -> Unavailable:
    return Unavailable("The registry of that ecosystem cannot be asked at the moment")
