"""What a wallet fetches from a link, and what it never reaches for."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.wallet.fetching import LinkFetcher
from core.errors import (
    Forbidden,
    Gone,
    HavenError,
    InvalidInput,
    NotFound,
    TooManyTries,
    Unavailable,
)

OWN, LOCAL = "http://localhost:8020", "http://127.0.0.1:8020"
LINK = f"{OWN}/l/token"
PUBLIC = "https://1.1.1.1/l/token"  # an address: no name is looked up


class Desk:
    """Answers every request with the same, and remembers what was asked."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self.asked: list[httpx.Request] = []
        self._answer = answer
        self.fetcher = LinkFetcher({OWN: LOCAL}, transport=httpx.MockTransport(self._take))

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._answer(request)


def saying(status: int = 200, body: bytes = b"{}", **headers: str) -> Desk:
    return Desk(lambda _: httpx.Response(status, content=body, headers=headers))


@pytest.mark.parametrize(
    ("link", "asked"),
    [
        (LINK, f"{LOCAL}/l/token"),
        (f"{LINK}#code", f"{LOCAL}/l/token"),
        (f"{LINK}?a=b", f"{LOCAL}/l/token"),
        (f"{LINK}/", f"{LOCAL}/l/token"),
        (PUBLIC, PUBLIC),
    ],
)
async def test_our_own_links_and_public_ones_are_fetched(link: str, asked: str) -> None:
    desk = saying(body=b'{"a": 1}')
    assert await desk.fetcher.get(link) == {"a": 1}
    assert [str(request.url) for request in desk.asked] == [asked]
    assert "authorization" not in desk.asked[0].headers
    assert "cookie" not in desk.asked[0].headers


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:8020/l/token",
        "http://localhost:8021/webhooks",
        "http://localhost:80200/l/token",
        "http://example.org/l/token",
        "ftp://1.1.1.1/l/token",
        "file:///etc/passwd",
        "didcomm://invite",
        "https://127.0.0.1/l/token",
        "https://[::1]/l/token",
        "https://[::ffff:127.0.0.1]/l/token",
        "https://10.0.0.1/l/token",
        "https://192.168.1.1/l/token",
        "https://172.16.0.1/l/token",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/l/token",
        "https://0.0.0.0/l/token",
        "https://2130706433/l/token",
        "https://[fe80::1]/l/token",
        "https://[fc00::1]/l/token",
        "https://localhost/l/token",
        "https://user:word@1.1.1.1/l/token",
        "https://1.1.1.1:8443/l/token",
        "https://1.1.1.1:99999/l/token",
        "https://[::1/l/token",
        "https:///l/token",
        f"https://{'a' * 70}.example/l/token",
        "https://1.1.1.1/\x00",
        "not a link at all",
        "",
    ],
)
async def test_what_is_not_for_a_wallet_is_never_asked(link: str) -> None:
    desk = saying()
    for call in (desk.fetcher.get(link), desk.fetcher.accept(link, "claim", None)):
        with pytest.raises((InvalidInput, NotFound)):
            await call
    assert desk.asked == []


@settings(max_examples=60)
@given(st.text(max_size=40).map(lambda text: f"{LINK}{text}"))
async def test_nothing_behind_our_own_address_leads_elsewhere(link: str) -> None:
    desk = saying()
    try:
        await desk.fetcher.get(link)
    except HavenError:
        return
    for request in desk.asked:
        assert (request.url.host, request.url.port) == ("127.0.0.1", 8020)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, Forbidden),
        (404, NotFound),
        (410, Gone),
        (429, TooManyTries),
        (301, NotFound),
        (302, NotFound),
        (500, Unavailable),
        (503, Unavailable),
        (204, NotFound),
    ],
)
async def test_every_other_answer_is_an_error(status: int, error: type[HavenError]) -> None:
    desk = saying(status, b'{"detail": "planted"}', location="http://127.0.0.1:8021/")
    with pytest.raises(error) as raised:
        await desk.fetcher.get(LINK)
    assert "planted" not in raised.value.detail
    assert len(desk.asked) == 1  # no redirect is followed


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (410, "link-used", "link-used"),
        (410, "link-ended", "link-ended"),
        (410, "wrong-code", "link-ended"),  # not what this status can mean
        (403, "code-needed", "code-needed"),
        (403, "may-not-ask", "may-not-ask"),
        (403, "anything", "wrong-code"),
        (404, ["link-used"], "link-nowhere"),
        (409, "offer-not-arrived", "offer-not-arrived"),
        (409, "conflict", "link-not-usable"),
        (429, "too-many-requests", "too-many-requests"),
        (429, None, "too-many-codes"),
        (503, "link-used", "other-side-away"),
        (301, "link-used", "link-not-usable"),
    ],
)
async def test_of_the_other_sides_words_only_a_known_code_is_taken_over(
    status: int, said: object, code: str
) -> None:
    desk = saying(status, json.dumps({"code": said, "detail": "planted"}).encode())
    with pytest.raises(HavenError) as raised:
        await desk.fetcher.get(LINK)
    assert raised.value.code == code
    assert "planted" not in f"{raised.value.detail}{raised.value.extra}"


async def test_an_error_does_not_remember_earlier_ones() -> None:
    """One error object raised again and again would keep every caller's frame alive."""
    desk = saying(404)
    seen = []
    for _ in range(3):
        with pytest.raises(NotFound) as raised:
            await desk.fetcher.get(LINK)
        seen.append(raised.value)
        gc.collect()
    assert len({id(each) for each in seen}) == 3


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"1", b"null", b"{", b"\xff\xfe", b"<html>", b"[" * 100_000],
    ids=["empty", "list", "number", "null", "broken", "bytes", "page", "deep"],
)
async def test_what_is_no_document_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        await saying(body=body).fetcher.get(LINK)


@pytest.mark.parametrize(("size", "fits"), [(128 * 1024, True), (128 * 1024 + 1, False)])
async def test_there_is_a_limit_to_what_is_read(size: int, fits: bool) -> None:
    body = json.dumps({"a": ""}).encode()
    body = body[:-2] + b"x" * (size - len(body)) + body[-2:]
    desk = saying(body=body)
    if fits:
        assert await desk.fetcher.get(LINK)
        return
    with pytest.raises(InvalidInput):
        await desk.fetcher.get(LINK)


async def test_who_does_not_answer_is_unavailable() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("planted")

    with pytest.raises(Unavailable) as raised:
        await Desk(refuse).fetcher.get(LINK)
    assert "planted" not in raised.value.detail


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, NotFound), (422, NotFound), (429, Unavailable), (503, Unavailable)],
)
async def test_asking_for_a_move(status: int, error: type[HavenError]) -> None:
    desk = saying(body=b'{"state": "asked"}')
    assert await desk.fetcher.ask_move(OWN, "claim") == {"state": "asked"}
    (request,) = desk.asked
    assert (request.method, str(request.url)) == ("POST", f"{LOCAL}/moves")
    assert json.loads(request.content) == {"claim": "claim"}
    with pytest.raises(error):
        await saying(status).fetcher.ask_move(OWN, "claim")


async def test_accepting_sends_the_claim_and_the_code_alone() -> None:
    desk = saying()
    await desk.fetcher.accept(LINK, "claim", "CODE12")
    (request,) = desk.asked
    assert (request.method, str(request.url)) == ("POST", f"{LOCAL}/l/token/accept")
    assert json.loads(request.content) == {"claim": "claim", "code": "CODE12"}
