"""Desks and phones that do what sensible software does when the other side falls: they see an
error that they can act on and try the same again; and what comes to nothing, the desk takes
back and begins anew.

Whatever a person would have been shown on the way is noted, so that a test can ask that none of
it was an error of nobody's making.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from controllers.story.issuing import eligibility
from controllers.story.people import Json, Phone, Refused
from core.errors import Unavailable
from tests.scenarios.small import CREDENTIAL, Small

ENDED = ("issued", "declined", "failed", "expired")
CREATE = "/api/issuer/issuances"
CHECKS = "/api/verifier/checks"
_PAUSE = 0.5
_A_TRY, _A_VERDICT = 45.0, 20.0
# worth another try: nothing answers, or something is on its way
_LATER = {"unavailable", "conflict", "storage-full"}


@dataclass
class Exchange:
    """One issuance or check, as its desk and its phone lived through it."""

    phone: Phone
    attempts: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)
    done: bool = False

    @property
    def foreseen(self) -> bool:
        """Whether every error on the way was one that a person can act on."""
        return not self.told.keys() & {"internal", "blank"}


class People:
    """The desks and phones of one scenario; nobody waits longer than `seconds` in all."""

    def __init__(self, small: Small, seconds: float = 300.0) -> None:
        self._small = small
        self._deadline = time.monotonic() + seconds

    async def receive(self, exchange: Exchange) -> None:
        """Until the credential is in the wallet."""
        while not exchange.done:
            offer = await self._insist(exchange, self._offering())
            exchange.attempts.append(offer["id"])
            exchange.done = await self._taken(exchange, offer)
            if not exchange.done:
                await self._end_issuance(exchange, offer["id"])

    async def answer(self, exchange: Exchange) -> None:
        """Until the desk's check has accepted."""
        while not exchange.done:
            asked = await self._insist(exchange, lambda: self._small.checks.ask("shelter"))
            exchange.attempts.append(asked["id"])
            await self._in_time(exchange, lambda asked=asked: exchange.phone.show(asked))
            exchange.done = await self._accepted(exchange, asked["id"])

    async def ended(self, issuance_id: str) -> Json:
        """An issuance, once it has come to an end."""
        exchange = Exchange(Phone("", "", ""))
        while time.monotonic() < self._deadline:
            found = await self._insist(exchange, lambda: self.issuance(issuance_id))
            if found["state"] in ENDED:
                return found
            await asyncio.sleep(_PAUSE)
        raise Unavailable(f"An issuance did not end, but is {found['state']}")

    async def issuance(self, issuance_id: str) -> Json:
        """Where an issuance stands."""
        return await self._small.issues.get(f"{CREATE}/{issuance_id}")

    # --- one attempt ------------------------------------------------------------------------

    def _offering(self) -> Callable[[], Awaitable[Json]]:
        """One offer, however often it is asked for."""
        key, body = secrets.token_hex(8), {"credential": CREDENTIAL, "values": eligibility()}
        return lambda: self._small.issues.post(CREATE, body, **{"Idempotency-Key": key})

    async def _taken(self, exchange: Exchange, offer: Json) -> bool:
        await self._in_time(exchange, lambda: exchange.phone.take(offer))
        # an answer can get lost: what counts is what the wallet holds
        held = await self._insist(exchange, exchange.phone.credentials)
        return bool(held)

    async def _end_issuance(self, exchange: Exchange, issuance_id: str) -> None:
        """What a desk does with an offer that does not arrive: take it back; if the credential
        has left already, withdraw it."""
        ways = (
            (f"{CREATE}/{issuance_id}/cancel", {}),
            ("/api/issuer/revocations", {"issuance_ids": [issuance_id]}),
        )
        while True:
            found = await self._insist(exchange, lambda: self.issuance(issuance_id))
            if found["revoked_at"] or found["state"] in ("declined", "failed", "expired"):
                return
            path, body = ways[found["state"] in ("sent", "issued")]
            await self._in_time(
                exchange, lambda path=path, body=body: self._small.issues.post(path, body)
            )

    async def _accepted(self, exchange: Exchange, check_id: str) -> bool:
        until = time.monotonic() + _A_VERDICT
        path = f"{CHECKS}/{check_id}"
        while True:
            found = await self._insist(exchange, lambda: self._small.checks.get(path))
            if found["verdict"] is not None:
                break
            if time.monotonic() > until:
                await self._insist(exchange, lambda: self._small.checks.post(f"{path}/cancel"))
            await asyncio.sleep(_PAUSE)
        # a wrong "no" would be a fault; only a list that changed meanwhile is asked about again
        reasons = [each["reason"] for each in found["results"] if each["outcome"] == "failed"]
        assert found["verdict"] != "refused" or reasons == ["old-list"], reasons
        return bool(found["verdict"] == "accepted")

    # --- trying again -----------------------------------------------------------------------

    async def _insist[T](self, exchange: Exchange, work: Callable[[], Awaitable[T]]) -> T:
        """Again and again until it is answered. Raises Unavailable when the time is over."""
        while time.monotonic() < self._deadline:
            answered = await _tried(exchange, work)
            if answered is not None:
                return answered
            await asyncio.sleep(_PAUSE)
        raise Unavailable(f"It never came back: {dict(exchange.told)}")

    async def _in_time[T](
        self, exchange: Exchange, work: Callable[[], Awaitable[T]]
    ) -> T | None:
        """Again and again while that makes sense, and not for longer than a person waits."""
        until = min(self._deadline, time.monotonic() + _A_TRY)
        while time.monotonic() < until:
            try:
                answered = await _tried(exchange, work)
            except Refused:
                return None
            if answered is not None:
                return answered
            await asyncio.sleep(_PAUSE)
        return None


async def _tried[T](exchange: Exchange, work: Callable[[], Awaitable[T]]) -> T | None:
    """The answer; None if it is worth another try. Raises Refused for a no that stays one."""
    try:
        return await work()
    except httpx.TransportError:
        exchange.told["no answer"] += 1
    except Refused as no:
        exchange.told[no.why] += 1
        if no.why not in _LATER:
            raise
    return None
