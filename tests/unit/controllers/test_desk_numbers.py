"""An organisation's numbers: what is counted, and that no small number can be worked out."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from xml.etree import ElementTree

import pytest
from controllers_house import House
from desk_hands import hands_of
from hypothesis import example, given
from hypothesis import strategies as st

from controllers.desks.numbers.charts import Series, chart
from controllers.desks.numbers.counting import Numbers, last_weeks
from controllers.desks.numbers.publishing import BASE, published, shown
from controllers.moment import now
from controllers.staff.people import Duty
from controllers.store.models import Check, Issuance

type Cube = dict[tuple[int, int, int], int]  # (week, kind, place) -> count

SMALL = st.dictionaries(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1)),
    st.integers(0, 12),
    min_size=1,
    max_size=8,
)


type Key = tuple[str, ...]
CELLS = [(week, kind, place) for week in range(3) for kind in range(2) for place in range(2)]
DEEPEST = 5  # changes that make up for each other


def keys_of(cell: tuple[int, int, int]) -> tuple[Key, Key]:
    """The published numbers that a cell is part of: by week and kind, and by place."""
    week, kind, place = cell
    return ("week", str(week), str(kind)), ("place", str(place))


def numbers(cube: Cube) -> dict[Key, int]:
    """Every number that there is of it."""
    found = dict.fromkeys((key for cell in CELLS for key in keys_of(cell)), 0)
    for cell, count in cube.items():
        for key in keys_of(cell):
            found[key] += count
    return found


def seen(cube: Cube) -> dict[Key, object]:
    """The same as it is published."""
    return {key: shown(count) for key, count in numbers(cube).items()}


def another(cube: Cube, fixed: Key, published_: dict[Key, object], left: int) -> bool:
    """Whether a world that is published alike is near, without touching `fixed` again: what a
    change upset is made up for by another one, and so on, at most `left` times."""
    now_ = numbers(cube)
    upset = next((key for key in now_ if shown(now_[key]) != published_[key]), None)
    if upset is None:
        return True
    if not left or upset == fixed:
        return False
    least = published_[upset] or 0
    step = -1 if now_[upset] > int(str(least)) else 1
    for cell in CELLS:
        if upset in keys_of(cell) and fixed not in keys_of(cell):
            changed = {**cube, cell: cube.get(cell, 0) + step}
            if changed[cell] >= 0 and another(changed, fixed, published_, left - 1):
                return True
    return False


@given(SMALL)
@example({(1, 0, 0): 3, (1, 0, 1): 1})  # the one moves only if another one does
def test_no_small_number_can_be_worked_out_from_the_tables(cube: Cube) -> None:
    """For each number that is hidden there is another world, published alike, in which it is
    another one."""
    published_ = seen(cube)
    for key, value in published_.items():
        if value is None:
            starts = [
                {**cube, cell: cube.get(cell, 0) + step}
                for cell in CELLS
                if key in keys_of(cell)
                for step in (-1, 1)
                if cube.get(cell, 0) + step >= 0
            ]
            tries = ((start, left) for left in range(DEEPEST + 1) for start in starts)
            assert any(another(start, key, published_, left) for start, left in tries), key


@given(st.integers(0, 10**6))
def test_a_number_is_nothing_or_few_or_a_multiple_of_five(count: int) -> None:
    value = shown(count)
    assert (value is None) == (0 < count < BASE)
    assert value is None or (value % BASE == 0 and value <= count < value + BASE)


def test_the_running_week_is_not_counted() -> None:
    at = datetime(2026, 11, 29, 23, 59, tzinfo=UTC)  # a Sunday
    assert last_weeks(at, 2) == (date(2026, 11, 9), date(2026, 11, 16))


async def filled(house: House) -> None:
    """Seven cards two weeks ago at one place, one at no place; checks; and one of today."""
    monday = last_weeks(now(), 2)[0]
    at = datetime(monday.year, monday.month, monday.day, 10, tzinfo=UTC)
    harbour = house.of("harbour").id
    place = await house.haven.desks.places.add(harbour, "=Planted", by=None)
    async with house.database.transaction() as session:
        for number in range(9):
            created = now() if number == 8 else at
            session.add(
                Issuance(
                    id=f"i{number}",
                    organisation_id=harbour,
                    credential="identity",
                    definition_id="d",
                    state="issued",
                    place_id=place.id if number < 7 else None,
                    created_at=created,
                    updated_at=created,
                    expires_at=created,
                )
            )
        for number in range(6):
            session.add(
                Check(
                    id=f"c{number}",
                    organisation_id=harbour,
                    name="shelter",
                    parameters={},
                    framework_version=1,
                    state="done",
                    verdict="refused",
                    result=[
                        {"name": "revocation", "outcome": "failed", "reason": "revoked"},
                        {"name": "issuer", "outcome": "passed", "reason": "ok"},
                    ],
                    created_at=at,
                    updated_at=at,
                    expires_at=at,
                )
            )


async def test_cards_and_checks_are_counted_by_week_and_place(house: House) -> None:
    await filled(house)
    counts = await Numbers(house.database).of(house.of("harbour").id, 4)
    assert counts.issued == {"identity": (0, 0, 8, 0)}
    assert counts.checks == {("shelter", "refused"): (0, 0, 6, 0)}
    assert counts.reasons == {"revoked": 6}
    assert sorted(counts.places.values()) == [(1, 6), (7, 0)]
    nothing = await Numbers(house.database).of(house.of("river").id, 4)
    assert (nothing.issued, nothing.checks, nothing.places) == ({}, {}, {})


async def test_the_page_and_the_file_show_the_same_and_no_small_number(
    small_house: House,
) -> None:
    await filled(small_house)
    hands = await hands_of(small_house, Duty.ADMINISTER)
    page = await hands.open("/desk/numbers?weeks=4")
    assert "<svg" in page.text
    assert "&lt;5" in page.text
    assert "=Planted" in page.shown
    file = await hands.client.get("/desk/numbers/file?weeks=4")
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    numbers = {row[3] for row in rows[1:]}
    assert numbers == {"0", "5", "<5"}
    assert "'=Planted" in {row[1] for row in rows}
    for language in ("es", "km"):
        other = await hands_of(small_house, Duty.ADMINISTER, language=language)
        assert other.says("numbers.rounded") in (await other.open("/desk/numbers")).shown


async def test_only_an_administrator_sees_numbers(small_house: House) -> None:
    hands = await hands_of(small_house, Duty.ISSUE, Duty.CHECK, Duty.REVOKE)
    for path in ("/desk/numbers", "/desk/numbers/file"):
        assert (await hands.open(path)).status == 403
    administrator = await hands_of(small_house, Duty.ADMINISTER)
    assert (await administrator.open("/desk/numbers?weeks=5")).status == 422


@pytest.mark.parametrize("values", [[], [(0, None, 5)], [(5, 1000, None), (0, 0, 0)]])
def test_a_chart_is_a_picture_and_nothing_else(values: list[tuple[int | None, ...]]) -> None:
    weeks = last_weeks(datetime(2026, 11, 29, tzinfo=UTC), 3)
    series = [Series(f"<b>{number}", each) for number, each in enumerate(values)]
    drawn = ElementTree.fromstring(chart("<script>", weeks, series))
    names = {each.tag for each in drawn.iter()}
    assert names <= {"svg", "title", "path", "text", "rect"}
    assert all("style" not in each.attrib for each in drawn.iter())
    assert published  # what a chart is given has gone through it
