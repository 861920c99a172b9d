"""The page of an organisation's numbers, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from controllers.desks.csvs import csv_answer
from controllers.desks.entry import AtAdministering, Desk, DeskRoute
from controllers.desks.issued import title_of
from controllers.desks.numbers.charts import Series, chart
from controllers.desks.numbers.counting import Numbers
from controllers.desks.numbers.publishing import Figures, Shown, published
from controllers.desks.texts import is_said

router = APIRouter(prefix="/desk/numbers", route_class=DeskRoute, include_in_schema=False)

SPANS = (4, 13, 26, 52)
Weeks = Annotated[Literal["4", "13", "26", "52"], Query()]


@router.get("")
async def numbers(desk: AtAdministering, weeks: Weeks = "13") -> HTMLResponse:
    """Charts, and a table beside each."""
    figures = await _figures(desk, int(weeks))
    cards = [Series(title_of(name, desk.language), row) for name, row in figures.issued.items()]
    checks = [Series(_check(desk, *name), row) for name, row in sorted(figures.checks.items())]
    withdrawn = Series(desk.say("numbers.withdrawn"), figures.withdrawn)
    parts = [("numbers.issued", cards), ("numbers.checks", checks)]
    if any(each != 0 for each in figures.withdrawn):
        parts.append(("numbers.withdrawn", [withdrawn]))
    return desk.page(
        "numbers.html",
        figures=figures,
        parts=[
            (key, series, chart(desk.say(key), figures.weeks, series) if series else None)
            for key, series in parts
        ],
        reasons=[(_reason(desk, name), count) for name, count in figures.reasons.items()],
        places=await _places(desk, figures),
        spans=SPANS,
        weeks=int(weeks),
        few=few,
    )


@router.get("/file")
async def file(desk: AtAdministering, weeks: Weeks = "13") -> Response:
    """The same numbers as CSV, one row for each."""
    figures = await _figures(desk, int(weeks))
    await desk.house.desks.deeds.note(desk.organisation.id, desk.who.person_id, "numbers-saved")
    head = [desk.say(f"numbers.column.{each}") for each in ("what", "kind", "week", "number")]
    places: list[list[object]] = []
    for name, cards, checks in await _places(desk, figures):
        places.append([desk.say("numbers.places.cards"), name, "", few(cards)])
        places.append([desk.say("numbers.places.checks"), name, "", few(checks)])
    return csv_answer("numbers", [head, *_rows(desk, figures), *places])


def few(value: Shown) -> str:
    """How a number is written."""
    return "<5" if value is None else str(value)


async def _figures(desk: Desk, weeks: int) -> Figures:
    return published(await Numbers(desk.house.database).of(desk.organisation.id, weeks))


def _rows(desk: Desk, figures: Figures) -> Iterator[list[object]]:
    say = desk.say
    by_week: list[tuple[str, str, tuple[Shown, ...]]] = [
        *(
            (say("numbers.issued"), title_of(name, desk.language), row)
            for name, row in figures.issued.items()
        ),
        (say("numbers.withdrawn"), "", figures.withdrawn),
        *(
            (say("numbers.checks"), _check(desk, *name), row)
            for name, row in sorted(figures.checks.items())
        ),
    ]
    for what, kind, row in by_week:
        for week, value in zip(figures.weeks, row, strict=True):
            yield [what, kind, week.isoformat(), few(value)]
    for name, value in figures.reasons.items():
        yield [say("numbers.reasons"), _reason(desk, name), "", few(value)]


async def _places(desk: Desk, figures: Figures) -> list[tuple[str, Shown, Shown]]:
    names = await desk.house.desks.places.names(desk.organisation.id)
    nowhere = desk.say("people.no-place")
    listed = [
        (names.get(place or "", nowhere), cards, checks)
        for place, (cards, checks) in figures.places.items()
    ]
    return sorted(listed, key=lambda each: each[0])


def _check(desk: Desk, name: str, verdict: str) -> str:
    key = f"checking.title.{name}"
    title = desk.say(key) if is_said("en", key) else name
    return f"{title} · {desk.say(f'checking.{verdict}')}"


def _reason(desk: Desk, reason: str) -> str:
    words = f"made.reason.{reason}"
    return desk.say(words if is_said("en", words) else "made.failed")
