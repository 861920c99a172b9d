"""Real parties over mutual TLS: the same result as plain Python, and only that."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from computing_runs import program, run_all

from core.errors import InvalidInput, RunFailed
from core.secret import Secret
from dataspace.computing import measuring
from dataspace.computing.certificates import fingerprint, make_certificate
from dataspace.computing.job import field_modulus, require_consistent
from dataspace.computing.launch import compute
from dataspace.computing.measuring import make_jobs, plain_table, with_shares
from dataspace.computing.shares import combine, split

CELLS = {"cells": 4, "most": 1000, "values": 1, "largest": 2**40}
TABLES: list[dict[str, Any]] = [
    {"gate": [5, 5, 1000, 0], "present": [1, 1, 1, 0], "values_0": [-7, 1, 2**40, 0]},
    {"gate": [5, 6, 1000, 0], "present": [1, 1, 1, 0], "values_0": [9, 1, 2**40, 0]},
    {"gate": [0, 0, 1000, 40], "present": [0, 0, 1, 1], "values_0": [0, 0, 2**40, 5]},
]
OPENED = {
    # ten cases; eleven of two organisations; the largest values; forty of one organisation
    "released": [0, 1, 1, 0],
    "gate": [0, 11, 3000, 0],
    "values_0": [0, 2, 3 * 2**40, 0],
}


def opened_of(outcomes: list[Any]) -> list[Any]:
    assert not [each for each in outcomes if isinstance(each, RunFailed)]
    return [each.opened for each in outcomes]


async def test_receivers_and_only_they_get_the_table() -> None:
    outcomes = await run_all(make_jobs("gated-sums", CELLS, TABLES, receivers=[0, 2]))
    assert opened_of(outcomes) == [OPENED, None, OPENED]
    assert {(each.parties, each.threshold) for each in outcomes} == {(3, 1)}
    assert {each.openings for each in outcomes} == {(("bits and gated sums", 12),)}
    assert all(each.bytes_sent > 0 for each in outcomes)
    assert str(3 * 2**40) not in repr(outcomes[0])


async def test_fifteen_organisations_of_which_three_compute() -> None:
    random = np.random.default_rng(3)
    tables = [
        {"gate": random.integers(0, 3, 40), "present": random.integers(0, 2, 40)}
        for _ in range(15)
    ]
    parameters = {"cells": 40, "most": 2, "organisations": 15, "contributors": 7}
    jobs = with_shares(make_jobs("gated-sums", parameters, tables[:3]), tables[3:])
    expected = plain_table(tables, 11, 7)
    assert 0 < sum(expected["released"]) < 40
    assert opened_of(await run_all(jobs)) == [expected] * 3


async def test_five_lists_and_an_evaluator() -> None:
    measured = await measuring.independence()  # compares with plain Python itself
    assert measured.parties == 6


async def test_a_long_line_and_proxies_that_accept_before_anybody_listens() -> None:
    measured = await measuring.table(cells=5, delay=0.05)
    assert measured.seconds > 0.05


@pytest.mark.parametrize(("contributors", "enough"), [(2, 1), (3, 0)])
async def test_regression_over_three_organisations(contributors: int, enough: int) -> None:
    random = np.random.default_rng(5)
    inputs = [
        {
            "design": random.integers(0, 1001, (rows, 2)),
            "labels": random.integers(0, 2, rows),
            "counts": [rows, rows // 2, 0],
        }
        for rows in (70, 0, 40)
    ]
    parameters = {"features": 2, "iterations": 3, "crossed": 2, "most_rows": 200}
    parameters |= {"contributors": contributors, "levels": 3, "least": 100}
    outcomes = await run_all(make_jobs("logistic", parameters, inputs))
    assert {each.opened["enough"][0] for each in outcomes} == {enough}
    assert len({tuple(each.opened["weights"]) for each in outcomes}) == 1
    assert outcomes[0].opened["levels"] == ([1, 0, 0] if enough else [])


async def recorded(folder: Path, tables: list[dict[str, Any]]) -> dict[str, Any]:
    """All that party 0 receives and opens in one run."""
    file = folder / "seen.json"
    jobs = make_jobs("gated-sums", CELLS, tables)
    opened_of(await run_all(jobs, {0: program("records", str(file))}))
    seen: dict[str, Any] = json.loads(file.read_text())
    return seen


async def test_a_party_receives_nothing_that_tells_equal_sums_apart(tmp_path: Path) -> None:
    def moved(table: dict[str, Any], by: int) -> dict[str, Any]:
        return {
            **table,
            "gate": [5 + by, 6 - by, 900 + by, 20 + by],
            "values_0": [by, 0, -by, 5],
        }

    first = await recorded(tmp_path, [TABLES[0], moved(TABLES[1], 0), moved(TABLES[2], 0)])
    second = await recorded(tmp_path, [TABLES[0], moved(TABLES[1], 4), moved(TABLES[2], -4)])
    # what the docstring says is opened, once, and the same for the same sums
    assert [label for label, _ in first["opened"]] == ["bits and gated sums"]
    assert first["opened"] == second["opened"]
    # MPyC opens masked values inside its comparison: as many, none of them the same
    *inside, last = first["outputs"]
    *inside_second, last_second = second["outputs"]
    assert sorted(map(len, inside)) == sorted(map(len, inside_second))
    assert sorted(last) == sorted(last_second) or len(last) != len(last_second)
    wide = {value for each in inside for value in each if value > 2**32}
    assert wide
    assert wide.isdisjoint(value for each in inside_second for value in each)
    # and the shares that arrive are as many bytes, which differ
    assert {who: len(data) for who, data in first["received"].items()} == {
        who: len(data) for who, data in second["received"].items()
    }
    assert all(first["received"][who] != second["received"][who] for who in ("1", "2"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inputs": {**TABLES[0], "gate": [1, 2, 3, 1001]}}, "gate has another shape"),
        ({"inputs": {**TABLES[0], "gate": [1, 2, 3, -1]}}, "gate has another shape"),
        ({"inputs": {**TABLES[0], "gate": [1, 2, 3]}}, "gate has another shape"),
        ({"inputs": {**TABLES[0], "gate": [1, 2, 3, 0.5]}}, "gate has another shape"),
        ({"inputs": {**TABLES[0], "gate": [1, 2, 3, 2**70]}}, "gate has another shape"),
        ({"inputs": {**TABLES[0], "present": [1, 2, 1, 1]}}, "present has another shape"),
        ({"inputs": {"gate": [1, 2, 3, 4]}}, "brings these inputs: gate, present, values_0"),
        ({"circuit": "everything"}, "no such computation"),
        ({"parameters": {**CELLS, "treshold": 1}}, "unknown parameter"),
        ({"parameters": {**CELLS, "threshold": 0}}, "threshold is missing or out of bounds"),
        ({"parameters": {**CELLS, "threshold": True}}, "threshold is missing or out of bounds"),
        ({"parameters": {"cells": 4}}, "most is missing"),
        ({"parameters": {**CELLS, "contributors": 4}}, "more contributors"),
        ({"receivers": ()}, "at least one receiver"),
        ({"receivers": (0, 0)}, "named once"),
        ({"receivers": (3,)}, "parties of the computation"),
        ({"seconds": 0.0}, "may take up to"),
        ({"me": 3}, "this party is one of them"),
        ({"me": 1}, "not the one of this party's certificate"),
        ({"key": Secret("no key")}, "private key cannot be read"),
        ({"residues": {"gate": [1, 2, 3]}}, "another length"),
        ({"residues": {"gate": [1, 2, 3, 2**90]}}, "no residue"),
        ({"residues": {"other": [1, 2, 3, 4]}}, "no shares can be added"),
    ],
)
async def test_a_job_that_cannot_be_meant_starts_nothing(
    changes: dict[str, Any], words: str
) -> None:
    job = replace(make_jobs("gated-sums", CELLS, TABLES)[0], **changes)
    with pytest.raises(InvalidInput, match=words):
        await compute(job, program=("a program that must not be started",))


@pytest.mark.parametrize("count", [1, 2, 8])
async def test_too_few_and_too_many_parties_are_refused(count: int) -> None:
    jobs = make_jobs("gated-sums", {**CELLS, "organisations": 8}, [TABLES[0]] * count)
    with pytest.raises(InvalidInput, match="3 to 7 parties"):
        await compute(jobs[0])


def test_who_goes_by_the_result_receives_it() -> None:
    inputs = [{"totals": [1, 2], "distinct": [2]}] * 3
    jobs = make_jobs("independence", {"lists": 2, "largest": 10}, inputs, receivers=[0])
    with pytest.raises(InvalidInput, match="every party is a receiver"):
        require_consistent(jobs[0])


def test_a_job_shows_neither_its_key_nor_its_inputs() -> None:
    job = make_jobs("gated-sums", CELLS, TABLES)[0]
    assert "PRIVATE" not in repr(job)
    assert "1099511627776" not in repr(replace(job, parameters={}))


async def test_a_run_given_up_leaves_no_process_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def keys() -> list[Path]:
        return list(tmp_path.glob("*/.config/party_0.key"))

    alone = asyncio.ensure_future(compute(make_jobs("gated-sums", CELLS, TABLES)[0]))
    async with asyncio.timeout(20):
        while not keys():  # noqa: ASYNC110  # nobody tells that a file is there
            await asyncio.sleep(0.01)
    (key,) = keys()
    modes = [each.stat().st_mode & 0o77 for each in (key, *key.parents[:2])]
    alone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await alone
    assert modes == [0, 0, 0]
    assert keys() == []


def test_shares_add_up_and_are_uniform() -> None:
    modulus = field_modulus("gated-sums", CELLS, 3)
    values = [0, 1, -5, 2**40, -(2**40)]
    shares = split(values, modulus, 5)
    assert combine(shares, modulus) == [value % modulus for value in values]
    assert combine(split([], modulus, 3), modulus) == []
    # every set of shares but all is drawn afresh
    ones = split([1] * 2000, modulus, 3)
    assert all(len(set(each)) == 2000 for each in ones)
    assert all(0.45 < sum(r < modulus // 2 for r in each) / 2000 < 0.55 for each in ones)


@pytest.mark.parametrize(("values", "nodes"), [([1], 2), ([2**200], 3), ([-(2**200)], 3)])
def test_what_cannot_be_split_is_refused(values: list[int], nodes: int) -> None:
    with pytest.raises(InvalidInput):
        split(values, field_modulus("gated-sums", CELLS, 3), nodes)


@pytest.mark.parametrize("shares", [[[1], [1, 2]], [[-1]], [[2**200]]])
def test_shares_that_do_not_fit_are_refused(shares: list[list[int]]) -> None:
    with pytest.raises(InvalidInput):
        combine(shares, field_modulus("gated-sums", CELLS, 3))


def test_certificates_are_fresh_and_named() -> None:
    (key, first), (_, second) = make_certificate(4, "run-1"), make_certificate(4, "run-1")
    assert fingerprint(first) != fingerprint(second)
    assert b"PRIVATE KEY" in key
    with pytest.raises(InvalidInput):
        fingerprint(b"no certificate")
    with pytest.raises(InvalidInput):
        make_certificate(-1, "run-1")
