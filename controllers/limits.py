"""How much one network may ask of what costs us something before anybody is known.

1. Each kind of request has a bucket for each network: it holds ten seconds' worth of the kind's
   rate and fills again at that rate. An empty one is answered with 429 and when to come back.
2. A refused key or session (401) takes from a bucket of its own, which is looked at before the
   next request: guessing is hopeless, but it costs us a look into the database.
3. A network is an IPv4 address or the /64 of an IPv6 address. It is kept in memory only, as a
   digest under a key of this process, and never logged.
4. This machine itself is not limited: its wallets open their links over loopback. Behind a
   proxy the client is who the proxy says, if the proxy is one that we trust; nobody else's word
   for it is taken.
"""

from __future__ import annotations

import hashlib
import ipaddress
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controllers.links.page import message_page
from controllers.problems import problem
from controllers.settings import Settings
from controllers.words import preferred, words
from core.errors import ConfigurationError, TooManyRequests

_SECONDS_HELD = 10
_MOST_BUCKETS = 20_000  # a few megabytes; the one that was used longest ago goes first

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Limited(StrEnum):
    """What is counted."""

    WALLETS = "wallets"
    SESSIONS = "sessions"
    LINKS = "links"
    REFUSED = "refused"
    REGISTRY = "registry"


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Limiter:
    """Buckets by kind and network. A rate of 0 lets everything pass."""

    def __init__(
        self,
        per_second: Mapping[Limited, float],
        clock: Callable[[], float] = time.monotonic,
        most: int = _MOST_BUCKETS,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._most = most
        self._key = secrets.token_bytes(32)
        self._buckets: OrderedDict[bytes, _Bucket] = OrderedDict()

    def take(self, kind: Limited, network: str) -> int:
        """Take one; 0, or the whole seconds after which there is one to take."""
        wait = self.wait(kind, network)
        if not wait and self._per_second[kind]:
            self._bucket(kind, network).tokens -= 1
        return wait

    def wait(self, kind: Limited, network: str) -> int:
        """The same without taking."""
        rate = self._per_second[kind]
        if not rate:
            return 0
        missing = 1 - self._bucket(kind, network).tokens
        return math.ceil(missing / rate) if missing > 0 else 0

    def _bucket(self, kind: Limited, network: str) -> _Bucket:
        rate, now = self._per_second[kind], self._clock()
        full = max(1.0, rate * _SECONDS_HELD)
        name = hashlib.blake2b(f"{kind}:{network}".encode(), key=self._key).digest()
        bucket = self._buckets.setdefault(name, _Bucket(full, now))
        self._buckets.move_to_end(name)
        bucket.tokens = min(full, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket


class Networks:
    """Which network a request comes from. Raises ConfigurationError."""

    def __init__(self, trusted_proxies: str | None) -> None:
        listed = (trusted_proxies or "").split(",")
        try:
            named = [each.strip() for each in listed if each.strip()]
            self._trusted = [ipaddress.ip_network(each) for each in named]
        except ValueError as err:
            raise ConfigurationError("HAVEN_TRUSTED_PROXIES has to list networks") from err

    def of(self, peer: str, forwarded: str) -> str | None:
        """The network; None for this machine itself. `forwarded` is X-Forwarded-For."""
        address = _address(peer)
        for named in reversed(forwarded.split(",") if forwarded else []):
            if address is None or not self._is_trusted(address):
                break
            address = _address(named) or address
        if address is None:
            return "unknown"
        if address.is_loopback:
            return None
        return str(address) if address.version == 4 else _prefix(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


class Limits:
    """Around the public app: refuses what is too much, before anything is done for it."""

    def __init__(self, app: ASGIApp, limiter: Limiter, networks: Networks) -> None:
        self._app = app
        self._limiter = limiter
        self._networks = networks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request, or refuse it."""
        network = self._network(scope) if scope["type"] == "http" else None
        if network is None:
            await self._app(scope, receive, send)
            return
        kind = kind_of(scope["method"], scope["path"])
        wait = self._limiter.wait(Limited.REFUSED, network) if _keyed(scope) else 0
        wait = wait or (self._limiter.take(kind, network) if kind else 0)
        if wait:
            await _refusal(scope, wait)(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 401:
                self._limiter.take(Limited.REFUSED, network)
            await send(message)

        await self._app(scope, receive, noted)

    def _network(self, scope: Scope) -> str | None:
        peer = scope["client"][0] if scope.get("client") else ""
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for"))
        return self._networks.of(peer, forwarded)


def limiter_of(settings: Settings) -> Limiter:
    """The limiter that the settings ask for."""
    return Limiter(
        {
            Limited.WALLETS: settings.limit_wallets,
            Limited.SESSIONS: settings.limit_sessions,
            Limited.LINKS: settings.limit_links,
            Limited.REFUSED: settings.limit_refused,
            Limited.REGISTRY: settings.limit_registry,
        }
    )


def kind_of(method: str, path: str) -> Limited | None:
    """What a request is counted as, if it is."""
    if path.startswith("/l/") or path == "/moves":
        return Limited.LINKS
    if path.startswith("/trqp/"):
        return Limited.REGISTRY
    if method != "POST":
        return None
    if path == "/api/wallet/wallets":
        return Limited.WALLETS
    return Limited.SESSIONS if path.startswith(_OPENING) else None


# what opens or ends something by a secret that is sent along
_OPENING = (
    "/api/wallet/wallets",
    "/api/wallet/devices/unlock",
    "/api/wallet/devices/forget",
    "/api/wallet/recovery/open",
    "/desk/sign-in/",
    "/desk/enrol/",
)


def _keyed(scope: Scope) -> bool:
    return str(scope["path"]).startswith("/api/")


def _refusal(scope: Scope, wait: int) -> Response:
    """In words, in the language of the one who waits; for a person at a link as a page."""
    headers = Headers(scope=scope)
    language = preferred(headers.get("accept-language", "")[:200])
    if scope["path"].startswith("/l/") and "application/json" not in headers.get("accept", ""):
        page = message_page(language, "limit.wait")
        answer: Response = HTMLResponse(page, TooManyRequests.status)
    else:
        answer = problem(TooManyRequests(words(language, "limit.wait")))
    answer.headers["Retry-After"] = str(wait)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None  # a socket of another kind, or a proxy that says nonsense
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _prefix(address: Address) -> str:
    return str(ipaddress.ip_network((address, 64), strict=False))
