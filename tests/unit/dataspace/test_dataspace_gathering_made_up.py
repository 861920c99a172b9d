"""Made-up cases: the same every time, with the overlaps that were asked for."""

from __future__ import annotations

import io
from collections import Counter
from functools import cache

import numpy as np
import pytest
from dataspace_vocabulary_sample import bricks, script
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from dataspace.gathering.coding import Gathered, gather
from dataspace.gathering.dimensions import Codes
from dataspace.gathering.made_up import MadeUp, coded_sample, from_overlaps, made_up
from dataspace.gathering.matchkeys import PERSON_KEYS
from dataspace.gathering.reading import read_csv
from dataspace.gathering.script import built_in
from dataspace.gathering.writing import write_csv
from dataspace.vocabulary.mapping import same_names
from dataspace.vocabulary.model import Role, Use, Vocabulary, cases


def through_csv(made: MadeUp, vocabulary: Vocabulary) -> dict[str, Gathered]:
    """The lists as their organisations would read them."""
    found = {}
    for each in made.lists:
        out = io.BytesIO()
        write_csv(each.rows, tuple(vocabulary.columns), out)
        out.seek(0)
        found[each.name] = gather(read_csv(out), same_names(vocabulary), vocabulary)
    return found


def seen(lists: dict[str, Gathered], key: int) -> Counter[frozenset[str]]:
    """On which lists each key is: what the ring counts."""
    everywhere: dict[bytes, set[str]] = {}
    for name, each in lists.items():
        for person in each.people:
            if (one := person[key]) is not None:
                everywhere.setdefault(one, set()).add(name)
    return Counter(frozenset(names) for names in everywhere.values())


@cache
def sandbox() -> MadeUp:
    return made_up(cases())


def test_five_organisations_with_some_hundred_cases_each() -> None:
    made = sandbox()
    names = [each.name for each in made.lists]
    assert names == [
        "shelter-a", "shelter-b", "police", "labour-inspectorate", "health-service",
    ]  # fmt: skip
    assert all(200 <= len(each.rows) <= 500 for each in made.lists)
    for pattern in ({"shelter-a", "police"}, {"shelter-b", "health-service"}):
        assert sum(n for names, n in made.overlaps.items() if pattern <= names) >= 11


def test_the_same_seed_gives_the_same_cases_and_another_does_not() -> None:
    sizes = dict.fromkeys((each.name for each in built_in().organisations), 20)
    one = [each.rows for each in made_up(cases(), 7, sizes).lists]
    assert one == [each.rows for each in made_up(cases(), 7, sizes).lists]
    assert one != [each.rows for each in made_up(cases(), 8, sizes).lists]


def test_lenient_keys_find_more_of_the_true_overlap() -> None:
    lists = through_csv(sandbox(), cases())
    truth = sum(n for names, n in sandbox().overlaps.items() if len(names) > 1)
    found = [
        sum(n for names, n in seen(lists, key).items() if len(names) > 1)
        for key in range(len(PERSON_KEYS))
    ]
    number, name, sound = found
    assert number < name < sound
    assert 0.8 * truth < sound <= truth * 1.05


def test_people_with_two_cases_are_known_in_their_list() -> None:
    lists = through_csv(sandbox(), cases())
    for each in lists.values():
        table = each.table
        assert 0.9 < (int(table.persons.max()) + 1) / len(table) < 1


def test_traffickers_places_and_telephones_are_shared() -> None:
    lists = through_csv(sandbox(), cases())
    for role in (Role.TRAFFICKER, Role.PLACE, Role.PHONE):
        one, other = (set(lists[name].links[role]) - {None} for name in ("police", "shelter-a"))
        assert len(one & other) >= 5


def test_the_risk_is_there_to_be_found() -> None:
    lists = through_csv(sandbox(), cases())
    codes = cases().levels("means_of_control")
    outcomes = cases().levels("outcome")
    again = outcomes.index("exploited-again")
    debt = codes.index("debt-bondage")
    total = sum(
        each.table.tabulate([Codes("means_of_control"), Codes("outcome")]).reshape(
            len(codes), len(outcomes)
        )
        for each in lists.values()
    )
    others = np.delete(total, debt, axis=0).sum(axis=0)
    odds = [row[again] / (row.sum() - row[again]) for row in (total[debt], others)]
    assert odds[0] > 1.5 * odds[1]


def test_regions_lie_in_their_countries() -> None:
    for each in sandbox().lists:
        pairs = {(row["country_of_exploitation"], row["region"]) for row in each.rows}
        known = {(country, region) for country, region in pairs if country and region}
        assert not any(
            (country == "KH") != region.startswith("kh-")
            for country, region in known
            if country in {"KH", "US"}
        )


UK = {
    frozenset(names.split(".")): count
    for names, count in {
        "LA": 54, "NG": 463, "PFNCA": 995, "GO": 695, "GP": 316, "LA.NG": 15, "LA.PFNCA": 19,
        "LA.GO": 3, "NG.PFNCA": 62, "NG.GO": 19, "NG.GP": 1, "PFNCA.GO": 76, "PFNCA.GP": 11,
        "GO.GP": 8, "LA.NG.PFNCA": 1, "LA.NG.GO": 1, "NG.PFNCA.GO": 4, "LA.NG.PFNCA.GO": 1,
    }.items()
}  # fmt: skip


def test_the_uk_table_is_in_the_lists_under_every_key() -> None:
    made = from_overlaps(UK, cases())
    assert made.overlaps == UK
    assert made.population == sum(UK.values()) == 2744
    lists = through_csv(made, cases())
    for key in range(len(PERSON_KEYS)):
        assert seen(lists, key) == UK


patterns = st.frozensets(st.sampled_from("ABC"), min_size=1)


@settings(max_examples=20)
@given(st.dictionaries(patterns, st.integers(0, 8)))
def test_any_overlaps_come_out_as_they_went_in(wanted: dict[frozenset[str], int]) -> None:
    made = from_overlaps(wanted, cases(), seed=3)
    some = Counter({names: n for names, n in wanted.items() if n})
    assert made.overlaps == some
    assert seen(through_csv(made, cases()), 1) == some


def test_another_country_has_its_own_cases() -> None:
    made = made_up(bricks(), script=script())
    lists = through_csv(made, bricks())
    assert set(lists) == {"igreja", "fiscais"}
    table = lists["igreja"].table
    assert table.tabulate([Codes("olaria")]).sum() == len(table) >= 30
    assert seen(lists, 0) == made.overlaps


@pytest.mark.parametrize(
    "ask",
    [
        lambda: made_up(cases(), sizes={"nobody": 3}),
        lambda: made_up(cases(), sizes={"police": -1}),
        lambda: made_up(cases(), sizes={"police": 10**6}),
        lambda: made_up(bricks(), sizes={"igreja": 5_000}, script=script()),
        lambda: from_overlaps({frozenset(): 3}, cases()),
        lambda: from_overlaps({frozenset("A"): -1}, cases()),
        lambda: from_overlaps({frozenset("A"): 10**6}, cases()),
    ],
)
def test_what_cannot_be_made_up_is_refused(ask: object) -> None:
    with pytest.raises(InvalidInput):
        ask()  # type: ignore[operator] # a table of calls


def test_nobody_is_nobody() -> None:
    assert from_overlaps({}, cases()).lists == ()
    sizes = dict.fromkeys((each.name for each in built_in().organisations), 0)
    assert all(each.rows == () for each in made_up(cases(), sizes=sizes).lists)


def test_a_sample_for_measuring_has_every_column_that_is_tabulated() -> None:
    table = coded_sample(cases(), 1_000)
    expected = {name for name, each in cases().columns.items() if each.allows(Use.TABULATE)}
    assert set(table.columns) == expected
    assert len(table) == 1_000
    assert table.tabulate([Codes("gender")]).sum() == 1_000
    again = coded_sample(cases(), 1_000)
    assert all((table.columns[name] == again.columns[name]).all() for name in expected)


def test_a_row_with_a_column_that_is_not_written_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in fieldnames"):
        write_csv([{"a": "1", "b": "2"}], ("a",), io.BytesIO())
