"""The bench's clients wait on streams, come back where they were cut off, and count losses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from controllers.bench.core import Options
from controllers.bench.exchanges import Batch, run
from controllers.bench.people import Line, Lost
from controllers.story.people import Refused

ENDS = frozenset({"issued"})


@pytest.fixture
async def asked() -> list[str]:
    """What the server was asked: the last event that a reader had seen, or a bearer."""
    return []


@pytest.fixture
async def line(asked: list[str]) -> AsyncIterator[Line]:
    async def events(request: web.Request) -> web.Response:
        last = request.headers["Last-Event-ID"]
        asked.append(last)
        events = {"0": "id: 3\nevent: sent\ndata: {}\n\n", "3": ": still here\n\n"}
        text = events.get(last, "") if len(asked) < 3 else "id: 4\nevent: issued\ndata: {}\n\n"
        return web.Response(text=text)

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"type": "x:conflict", "title": "no"}, status=409)

    app = web.Application()
    app.add_routes([web.get("/events", events), web.post("/refused", refuse)])
    async with TestServer(app) as server, Line([str(server.make_url("")).rstrip("/")]) as line:
        yield line


async def test_a_stream_that_breaks_is_taken_up_where_it_was(
    line: Line, asked: list[str]
) -> None:
    assert await line.until("/events", "key", ENDS) == "issued"
    assert asked == ["0", "3", "3"]


async def test_a_refusal_is_raised_with_its_reason(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        await line.call("POST", "/refused", "key")
    assert refused.value.why == "conflict"


def test_an_open_wallet_stays_with_one_of_the_controllers() -> None:
    line = object.__new__(Line)
    line._base_urls, line._turns = ("a", "b"), iter(["a", "b", "a"])
    assert {line._url("/api/wallet/links", "one") for _ in range(5)} < {
        "a/api/wallet/links",
        "b/api/wallet/links",
    }
    turns = [line._url("/api/issuer/issuances", "one")[0] for _ in range(3)]
    assert turns == ["a", "b", "a"]


async def test_losses_are_counted_and_described() -> None:
    async def work(number: int) -> int:
        if number % 2:
            raise Lost("desk: no end")
        return number

    batch: Batch[int] = await run([lambda n=n: work(n) for n in range(5)], at_once=2)  # type: ignore[misc]
    assert sorted(batch.done) == [0, 2, 4]
    assert batch.why == "2 x desk: no end"


@pytest.mark.parametrize(
    ("only", "name", "wanted"),
    [
        ((), "memory", True),
        (("issue",), "issue.fresh", True),
        (("issue.fresh.cpu_ratio",), "issue.fresh", True),
        (("issue",), "throughput.issue.fresh", False),
        (("check", "crowd"), "crowd.one_wallet", True),
    ],
)
def test_sections_are_chosen_by_the_beginning_of_their_names(
    only: tuple[str, ...], name: str, wanted: bool, tmp_path: object
) -> None:
    assert Options(tmp_path, only).wants(name) is wanted  # type: ignore[arg-type]
