"""One exchange of each kind from beginning to end, timed; many at once; who was lost."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

import aiohttp

from controllers.bench.people import Desk, Lost, Phone
from controllers.story.issuing import eligibility, guardianship, new_links, only
from controllers.story.people import Json, Refused, Values

PLAIN, REPRESENTATIVE = "plain", "representative"
_CHECK = "shelter"


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the wallet's yes to its end, and of the whole exchange."""

    answer: float
    whole: float


@dataclass
class Batch[Result]:
    """What became of many exchanges."""

    done: list[Result] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def why(self) -> str:
        """The kinds of loss and how often each came, without personal values."""
        return "; ".join(f"{count} x {kind}" for kind, count in Counter(self.lost).items())


async def issue(desk: Desk, phone: Phone, credential: str, values: Values) -> Timing:
    """From the desk's click to `issued` at the desk. Raises Lost."""
    return (await issue_kept(desk, phone, credential, values))[1]


async def issue_kept(
    desk: Desk, phone: Phone, credential: str, values: Values
) -> tuple[Json, Timing]:
    """The same; the desk keeps the issuance, to withdraw it."""
    began = time.monotonic()
    offer = await _at("desk: offering", desk.offer(credential, values))
    following = asyncio.create_task(desk.issued(offer))
    try:
        offer_id = await _at("wallet: looking", phone.look(offer["link"], offer["code"]))
        accepted = time.monotonic()
        await _at("wallet: accepting", phone.accept_offer(offer_id))
        stored = time.monotonic()
        await _at("desk: waiting for issued", following)
    finally:
        following.cancel()
    return offer, Timing(stored - accepted, time.monotonic() - began)


async def check(
    desk: Desk, phone: Phone, variant: str = PLAIN, expected: str = "accepted"
) -> Timing:
    """From the desk's click to the verdict at the desk. Raises Lost if it is another."""
    began = time.monotonic()
    request_id, asked = await look_at_check(desk, phone, variant)
    timing = await answer(desk, phone, request_id, asked, expected)
    return Timing(timing.answer, time.monotonic() - began)


async def look_at_check(desk: Desk, phone: Phone, variant: str = PLAIN) -> tuple[str, Json]:
    """A check that was asked for and looked at, but not answered."""
    asked = await _at("desk: asking", desk.ask(_CHECK))
    link = asked["link"]
    return await _at("wallet: looking", phone.look(link, variant=variant)), asked


async def answer(
    desk: Desk,
    phone: Phone,
    request_id: str,
    asked: Json,
    expected: str = "accepted",
) -> Timing:
    """The wallet says yes; the desk, which follows the stream, reads the verdict."""
    following = asyncio.create_task(desk.verdict(asked))
    await asyncio.sleep(0)
    began = time.monotonic()
    try:
        await _at("wallet: answering", phone.answer(request_id))
        verdict = await _at("desk: waiting for the verdict", following)
    finally:
        following.cancel()
    if verdict["verdict"] != expected:
        raise Lost(f"desk: {_why(verdict)}")
    passed = time.monotonic() - began
    return Timing(passed, passed)


async def run[Result](
    works: Iterable[Callable[[], Awaitable[Result]]], at_once: int
) -> Batch[Result]:
    """Work through all of it, so many at once; what is lost is counted, not raised."""
    batch: Batch[Result] = Batch()
    waiting = iter(list(works))
    began = time.monotonic()
    await asyncio.gather(*(_worker(waiting, batch) for _ in range(at_once)))
    batch.seconds = time.monotonic() - began
    return batch


async def _worker[Result](
    waiting: Iterator[Callable[[], Awaitable[Result]]], batch: Batch[Result]
) -> None:
    for work in waiting:
        try:
            batch.done.append(await work())
        except Lost as lost:
            batch.lost.append(str(lost))
        except Refused as refused:
            batch.lost.append(f"{refused.problem.get('status')} {refused.why}")
        except (aiohttp.ClientError, TimeoutError) as err:
            batch.lost.append(type(err).__name__)


async def _at[Result](where: str, work: Awaitable[Result]) -> Result:
    try:
        return await work
    except Refused as refused:
        raise Lost(f"{where}: {refused.problem.get('status')} {refused.why}") from refused
    except (aiohttp.ClientError, TimeoutError) as err:
        raise Lost(f"{where}: {type(err).__name__}") from err


def _why(verdict: Json) -> str:
    results = verdict.get("results")
    failed = [
        f"{each['name']}: {each['reason']}"
        for each in (results if isinstance(results, list) else [])
        if each["outcome"] == "failed"
    ]
    return f"{verdict['verdict']} ({', '.join(failed)})"


def own_values() -> Values:
    """An eligibility of the holder's own."""
    return eligibility()


def guardian_values() -> tuple[Values, Values]:
    """A guardianship, and the child's eligibility, held by the guardian."""
    links = new_links()
    child = eligibility(held_for_other=1, household_size=1, **only(links, "shelter", "court"))
    return guardianship(links), child
