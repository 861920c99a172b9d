"""One network cannot use up what is for all; a busy front desk is never refused."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from controllers.limits import Limited, Limiter, Limits, Networks, kind_of, limiter_of
from controllers.settings import Settings
from controllers.words import languages, words
from core.errors import ConfigurationError

SMALL = dict.fromkeys(Limited, 1.0)  # ten at once, then one a second


class Time:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Time:
    return Time()


def caller(limiter: Limiter, trusted: str | None = None) -> Callable[..., httpx.AsyncClient]:
    app = FastAPI()
    app.add_middleware(Limits, limiter=limiter, networks=Networks(trusted))

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def anything(path: str) -> JSONResponse:
        return JSONResponse({}, 401 if path.endswith("guess") else 200)

    def client(address: str = "203.0.113.7", **headers: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://h", headers=headers)

    return client


async def statuses(client: httpx.AsyncClient, path: str, times: int) -> list[int]:
    async with client:
        return [(await client.get(path)).status_code for _ in range(times)]


def test_a_bucket_empties_and_fills_again(clock: Time) -> None:
    limiter = Limiter(SMALL, clock)
    assert [limiter.take(Limited.LINKS, "a") for _ in range(12)] == [0] * 10 + [1, 1]
    assert limiter.take(Limited.LINKS, "b") == 0
    assert limiter.take(Limited.WALLETS, "a") == 0
    clock.now += 1
    assert [limiter.take(Limited.LINKS, "a") for _ in range(2)] == [0, 1]
    clock.now += 3600
    assert [limiter.take(Limited.LINKS, "a") for _ in range(11)] == [0] * 10 + [1]


def test_a_rate_of_nought_is_no_limit(clock: Time) -> None:
    limiter = Limiter(dict.fromkeys(Limited, 0.0), clock)
    assert not any(limiter.take(Limited.LINKS, "a") for _ in range(1000))


def test_a_slow_rate_says_how_long_to_wait(clock: Time) -> None:
    limiter = Limiter(dict.fromkeys(Limited, 0.05), clock)
    assert [limiter.take(Limited.WALLETS, "a") for _ in range(2)] == [0, 20]


def test_memory_is_bounded_and_holds_no_address(clock: Time) -> None:
    limiter = Limiter(SMALL, clock, most=50)
    for number in range(500):
        limiter.take(Limited.LINKS, f"203.0.113.{number}")
    assert len(limiter._buckets) == 50
    assert "203.0.113" not in repr(vars(limiter))


@pytest.mark.parametrize(
    ("peer", "forwarded", "network"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # not a proxy: its word counts nothing
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # the first is anybody's word
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),  # two proxies of ours
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "127.0.0.1", None),
        ("127.0.0.1", "198.51.100.1", None),
        ("::1", "", None),
        ("::ffff:203.0.113.7", "", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("", "", "unknown"),
    ],
)
def test_where_a_request_comes_from(peer: str, forwarded: str, network: str | None) -> None:
    assert Networks("10.0.0.0/8").of(peer, forwarded) == network


def test_a_proxy_that_is_no_network_stops_the_start() -> None:
    with pytest.raises(ConfigurationError):
        Networks("the proxy")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/api/wallet/wallets", Limited.WALLETS),
        ("POST", "/api/wallet/wallets/1/sessions", Limited.SESSIONS),
        ("POST", "/api/wallet/wallets/1/destroy", Limited.SESSIONS),
        ("POST", "/api/wallet/devices/unlock", Limited.SESSIONS),
        ("POST", "/api/wallet/devices/forget", Limited.SESSIONS),
        ("POST", "/api/wallet/recovery/open", Limited.SESSIONS),
        ("POST", "/api/wallet/devices", None),  # with a session
        ("GET", "/l/abc", Limited.LINKS),
        ("POST", "/l/abc/accept", Limited.LINKS),
        ("POST", "/moves", Limited.LINKS),
        ("GET", "/api/wallet/history", None),
        ("POST", "/api/issuer/issuances", None),
    ],
)
def test_what_is_counted(method: str, path: str, kind: Limited | None) -> None:
    assert kind_of(method, path) is kind


async def test_too_much_is_refused_in_words_with_a_time(clock: Time) -> None:
    client = caller(Limiter(SMALL, clock))
    assert await statuses(client(), "/l/token", 12) == [200] * 10 + [429, 429]
    for language in languages():
        said = {"accept-language": language, "accept": "application/json"}
        async with client(**said) as one:
            answer = await one.get("/l/token")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"] == "urn:haven:problem:too-many-requests"
        assert answer.json()["detail"] == words(language, "limit.wait")
        async with client(**{"accept-language": language}) as one:
            page = await one.get("/l/token")
        assert page.status_code == 429
        assert words(language, "limit.wait") in page.text
    assert await statuses(client("198.51.100.1"), "/l/token", 1) == [200]


async def test_guessing_keys_is_slowed_down(clock: Time) -> None:
    client = caller(Limiter(SMALL, clock))
    assert await statuses(client(), "/api/guess", 12) == [401] * 10 + [429, 429]
    assert await statuses(client(), "/o/did", 1) == [200], "what is public stays public"
    clock.now += 1
    assert await statuses(client(), "/api/other", 3) == [200, 200, 200]


async def test_this_machine_s_own_wallets_are_not_limited(clock: Time) -> None:
    client = caller(Limiter(SMALL, clock))
    assert set(await statuses(client("127.0.0.1"), "/l/token", 50)) == {200}


async def test_behind_a_proxy_each_client_counts(clock: Time) -> None:
    client = caller(Limiter(SMALL, clock), trusted="127.0.0.1/32")
    first = client("127.0.0.1", **{"x-forwarded-for": "203.0.113.7"})
    other = client("127.0.0.1", **{"x-forwarded-for": "203.0.113.8"})
    assert (await statuses(first, "/l/token", 11))[-1] == 429
    assert await statuses(other, "/l/token", 1) == [200]


def test_a_hundred_phones_behind_one_address_are_no_problem(clock: Time) -> None:
    """Each makes and opens a wallet and looks at a link a few times, all at once."""
    usual = limiter_of(Settings())
    for kind, times in ((Limited.WALLETS, 1), (Limited.SESSIONS, 2), (Limited.LINKS, 4)):
        assert not any(usual.take(kind, "desk") for _ in range(100 * times))
