"""Parties that attack, die or stall: a clear end everywhere in time, nothing released."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from computing_runs import program, run_all
from hypothesis import given
from hypothesis import strategies as st

from core.errors import RunFailed
from core.secret import Secret
from dataspace.computing import messages
from dataspace.computing.certificates import make_certificate
from dataspace.computing.job import Job
from dataspace.computing.launch import compute
from dataspace.computing.measuring import make_jobs

TABLES = [{"gate": [7, 1], "present": [1, 1]}] * 3


def jobs_of(seconds: float = 60.0, **parameters: int) -> list[Job]:
    return make_jobs(
        "gated-sums", {"cells": 2, "most": 9, **parameters}, TABLES, seconds=seconds
    )


async def steps_of(jobs: list[Job], bad: int, attack: Sequence[str]) -> set[str]:
    """Where the honest parties stopped; fails if one of them got an outcome."""
    ended = await run_all(jobs, {bad: attack})
    honest = [each for number, each in enumerate(ended) if number != bad]
    assert all(isinstance(each, RunFailed) for each in honest)
    assert all("7" not in str(each) for each in honest)
    return {each.step for each in honest}


async def test_a_crafted_pickle_runs_nowhere(tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    assert await steps_of(jobs_of(), 1, program("pickles", str(marker))) <= {"computing"}
    assert not marker.exists()


@pytest.mark.parametrize("attacker", [0, 2])  # who connects to the others, and who listens
async def test_a_valid_certificate_in_anothers_place(tmp_path: Path, attacker: int) -> None:
    jobs = jobs_of(seconds=20)
    other = 2 - attacker
    files = tmp_path / "other.crt", tmp_path / "other.key"
    files[0].write_bytes(jobs[other].parties[other].certificate)
    files[1].write_text(jobs[other].key.reveal())
    attack = program("poses", *map(str, files))
    # the one whose place is taken does not run: its key is in other hands
    honest = [job for job in jobs if job.me == 1]
    ended = await run_all([jobs[attacker], *honest], {attacker: attack})
    assert isinstance(ended[1], RunFailed)
    assert ended[1].step == "identities"


async def test_a_certificate_that_nobody_agreed_on(tmp_path: Path) -> None:
    key, certificate = make_certificate(2, "another run")
    files = tmp_path / "stranger.crt", tmp_path / "stranger.key"
    files[0].write_bytes(certificate)
    files[1].write_bytes(key)
    steps = await steps_of(jobs_of(seconds=20), 2, program("poses", *map(str, files)))
    assert steps == {"identities"}


async def test_parties_that_were_told_different_things(tmp_path: Path) -> None:
    jobs = jobs_of(seconds=20)
    jobs[1] = replace(jobs[1], parameters={**jobs[1].parameters, "threshold": 1})
    ended = await run_all(jobs)
    assert [each.step for each in ended] == ["agreeing"] * 3


async def test_an_endless_message_is_not_waited_for() -> None:
    assert await steps_of(jobs_of(seconds=20), 1, program("floods")) == {"messages"}


@pytest.mark.parametrize("phase", ["connected", "computing", "answering"])
async def test_a_party_that_dies_is_noticed_at_once(phase: str) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    steps = await steps_of(jobs_of(seconds=120), 1, program("fails", "dies", phase))
    assert loop.time() - started < 110
    assert steps <= {"computing", "answering", "connecting"}


async def test_a_party_that_stalls_costs_the_deadline_and_no_more() -> None:
    stalling = (
        steps_of(jobs_of(seconds=12), 2, program("fails", "stalls", phase))
        for phase in ("connected", "computing", "answering")
    )
    # on a slow machine the deadline may come before all are connected
    steps = set().union(*await asyncio.gather(*stalling))
    assert steps <= {"connecting", "computing", "answering"}


async def test_a_party_that_never_starts_and_a_second_try() -> None:
    jobs = jobs_of(seconds=4)
    with pytest.raises(RunFailed, match="is each of them running") as failed:
        await compute(jobs[0])
    assert failed.value.step == "connecting"
    again = [replace(job, seconds=60.0) for job in jobs]
    outcomes = await run_all(again)
    assert outcomes[0].opened == {"released": [1, 0], "gate": [21, 0]}


async def test_an_address_that_is_taken() -> None:
    job = jobs_of(seconds=20)[1]
    taken = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", job.parties[1].port)
    async with taken:
        with pytest.raises(RunFailed) as failed:
            await compute(job)
    assert failed.value.step == "listening"


@pytest.mark.parametrize(
    ("says", "step"),
    [
        ("", "start"),
        ("no json", "start"),
        ('{"step": "computing"}', "computing"),
        ('{"step": "everything"}', "start"),
        ('{"outcome": {"opened": 1}}', "answering"),
        ('{"failed": "messages", "kind": "ValueError"}', "messages"),
        ("[1]", "start"),
    ],
)
async def test_a_process_that_answers_nonsense(says: str, step: str) -> None:
    job = jobs_of(seconds=20)[0]
    with pytest.raises(RunFailed) as failed:
        await compute(job, program=("/bin/echo", says))
    assert failed.value.step == step


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(RunFailed) as failed:
        await compute(jobs_of()[0], program=("/no/such/program",))
    assert failed.value.step == "start"


async def test_a_job_is_checked_again_in_its_process() -> None:
    jobs = jobs_of(seconds=20)
    broken = replace(jobs[0], key=Secret("x"))
    with pytest.raises(Exception, match="private key cannot be read"):
        await compute(broken)


@given(values=st.lists(st.integers(0, 2**200)))
def test_messages_come_back_as_they_were_sent(values: list[int]) -> None:
    listed = np.empty(len(values), dtype=object)
    listed[:] = values
    back = messages.loads(messages.dumps(listed))
    assert back.tolist() == values
    assert all(type(each) is int for each in back.tolist())


@given(data=st.binary(max_size=200) | st.builds(pickle.dumps, st.integers() | st.text()))
def test_any_bytes_are_numbers_or_malformed(data: bytes) -> None:
    try:
        found = messages.loads(data)
    except messages.MalformedMessage:
        return
    assert all(type(each) is int and each >= 0 for each in found.tolist())


@pytest.mark.parametrize("bad", [[[1, 2], [3, 4]], [2**2000]])
def test_what_is_no_flat_array_of_our_fields_is_not_sent(bad: Any) -> None:
    with pytest.raises(messages.MalformedMessage):
        messages.dumps(bad)
