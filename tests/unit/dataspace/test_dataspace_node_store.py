"""What a node keeps, on both databases: runs, results, cases, log, officers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from controllers.dataspace.cases import Cases
from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.judging import ledger_of
from controllers.dataspace.keeping import Keeping
from controllers.dataspace.officers import (
    Officer,
    OfficerDuty,
    create_officer,
    end_officer,
    recognise,
)
from controllers.dataspace.runs import BEFORE, OPEN, Run, Runs, RunState
from controllers.dataspace.sources import SqlSource, gather_file, gather_source, read_source
from controllers.store.database import Database
from controllers.store.models import DataspaceCase
from core.clock import SystemClock
from core.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    NotAuthenticated,
    NotFound,
    Unavailable,
)
from core.secret import Secret
from dataspace.gating.ledger import Standing
from dataspace.planning.plan import Plan
from dataspace.recording.log import Kind, verify_chain
from dataspace.vocabulary.mapping import Mapping, Source
from dataspace.vocabulary.model import cases as builtin
from tests.support.space import identities, made_up

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEY = Secret("a key for tests")


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return identities(tmp_path / "who", 1)[0]


def a_plan(asker: str = "did:web:x", days: int = 1, title: str = "A") -> Plan:
    return Plan(
        operation="counts",
        title=title,
        agreement="zTerms",
        asker=asker,
        analyst="z" + "6" * 47,
        purpose="prevalence",
        receivers=(asker,),
        expires=NOW + timedelta(days=days),
    )


PLAN = a_plan()


async def with_plan(database: Database) -> Runs:
    await Keeping(database).add_plan(PLAN, {}, {"refused": None}, NOW)
    return Runs(database, KEY)


async def test_what_counts_of_an_askers_plans_and_what_others_are_told(
    database: Database,
) -> None:
    keeping, plans = Keeping(database), [a_plan(days=each, title=f"{each}") for each in (1, 3)]
    for each in (*plans, a_plan("did:web:y")):
        assert await keeping.add_plan(each, {}, {"refused": None}, NOW)
    await keeping.add_decision(plans[0].digest, "did:web:z", "zYes", {"yes": 1}, NOW)

    async def asked(after: timedelta) -> int:
        at = NOW + after
        lately = at - timedelta(days=1)
        return await keeping.asked("zTerms", "did:web:x", now=at, lately=lately)

    hours = [timedelta(hours=each) for each in (1, 23, 25, 71, 73)]
    assert [await asked(each) for each in hours] == [2, 2, 1, 1, 0]
    assert await keeping.known("zTerms", NOW) == (
        {each.digest: each.asker for each in (*plans, a_plan("did:web:y"))},
        {"zYes": "did:web:z"},
    )
    of_x = {plans[1].digest: "did:web:x"}
    assert await keeping.known("zTerms", NOW + hours[2]) == (of_x, {})
    assert await keeping.decided_by("did:web:z", plans[0].digest) == {"zYes"}
    assert await keeping.decided(["zYes", "zNo"]) == [{"yes": 1}]


async def begun(runs: Runs, tag: str, **changed: Any) -> None:
    usual = {
        "plan": PLAN.digest,
        "agreement": "a",
        "coordinator": "did:web:x",
        "epsilon_milli": 0,
    }
    await runs.begin(tag=tag, at=NOW, **usual | changed)


async def brought_to(runs: Runs, tag: str, state: RunState) -> None:
    order = (RunState.COMPUTING, RunState.COMPARING, RunState.RELEASED)
    for each in order[: order.index(state) + 1] if state in order else ():
        if each is RunState.RELEASED:
            await runs.release(tag, NOW, digest="zResult", report={})
        else:
            await runs.move(tag, each)
    if state is RunState.FAILED:
        await runs.fail(tag, Conflict("no"), NOW)


@pytest.mark.parametrize("state", list(RunState))
async def test_a_run_takes_only_the_steps_that_there_are(
    database: Database, state: RunState
) -> None:
    runs = await with_plan(database)
    for to in RunState:
        tag = f"{state}-{to}"
        await begun(runs, tag)
        await brought_to(runs, tag, state)
        allowed = state in BEFORE.get(to, ())
        if to in (RunState.COMPUTING, RunState.COMPARING) and not allowed:
            with pytest.raises(Conflict):
                await runs.move(tag, to)
        elif to is RunState.RELEASED and not allowed:
            with pytest.raises(Conflict):
                await runs.release(tag, NOW, digest="z", report={})
        elif to is RunState.FAILED:
            assert await runs.fail(tag, Conflict("no"), NOW) is allowed
        if (await runs.run(tag)).state in OPEN:
            await runs.fail(tag, Conflict("done with it"), NOW)


async def test_a_tag_is_used_once_and_runs_are_one_at_a_time(database: Database) -> None:
    runs = await with_plan(database)
    await begun(runs, "one")
    with pytest.raises(Conflict) as refused:
        await begun(runs, "two")
    assert refused.value.code == "busy"
    await runs.fail("one", Conflict("no"), NOW)
    with pytest.raises(Conflict) as refused:
        await begun(runs, "one")
    assert refused.value.code == "approval-tag"
    results = await asyncio.gather(
        *(begun(runs, f"race-{n}") for n in range(5)), return_exceptions=True
    )
    assert sum(each is None for each in results) == 1


async def test_nobody_sees_a_result_before_its_release(database: Database) -> None:
    runs = await with_plan(database)
    await begun(runs, "tag")
    await runs.begin_computing("tag", np.array([True, False, True]), b"salt")
    await runs.move("tag", RunState.COMPARING)
    await runs.keep_result("tag", {"rows": [["PLANTED", 12]]})
    with pytest.raises(NotFound):
        await runs.result("tag")
    await runs.release("tag", NOW, digest="zResult", report={"r": 1})
    kept = await runs.result("tag")
    assert (kept.result, kept.report) == ({"rows": [["PLANTED", 12]]}, {"r": 1})
    assert "PLANTED" not in repr(kept)
    assert (await runs.selections())["tag"].tolist() == [True, False, True]
    await begun(runs, "bad")
    await brought_to(runs, "bad", RunState.COMPARING)
    await runs.keep_result("bad", {"rows": []})
    await runs.fail("bad", Conflict("no"), NOW)
    assert await runs.with_results(["tag", "bad"]) == {"tag"}


@pytest.mark.parametrize(
    ("state", "phase", "epsilon", "standing"),
    [
        ("preparing", "preparing", 0, Standing.RESERVED),
        ("computing", "computing", 5, Standing.RESERVED),
        ("released", "released", 0, Standing.SPENT),
        ("failed", "preparing", 5, Standing.GIVEN_BACK),
        ("failed", "computing", 0, Standing.GIVEN_BACK),
        ("failed", "computing", 5, Standing.SPENT),
        ("failed", "comparing", 0, Standing.SPENT),
    ],
)
def test_what_a_run_costs(state: str, phase: str, epsilon: int, standing: Standing) -> None:
    run = Run(
        tag="t", plan="p", agreement="a", coordinator="c", state=RunState(state), phase=phase,
        failure=None, detail=None, parties=3, threshold=1, epsilon_milli=epsilon,
        result_digest=None, started_at=NOW, ended_at=None,
    )  # fmt: skip
    assert ledger_of([run]).entries[0].standing is standing


# --- cases ----------------------------------------------------------------------------------


FILE = "0" * 64


def opened(database: Database, identity: Identity) -> Cases:
    return Cases(database, Journal(database, identity, SystemClock()), KEY, builtin())


def gathered(count: int, seed: int = 1) -> Any:
    return gather_file("x.csv", BytesIO(made_up(count, seed)), builtin())


async def test_an_import_replaces_and_what_stayed_is_not_written_again(
    database: Database, identity: Identity
) -> None:
    kept = opened(database, identity)
    await kept.load()
    assert kept.summary().cases == 0
    first = await kept.replace(gathered(50), FILE, NOW)
    assert (first.number, first.imported, first.replaced) == (1, 50, 0)
    second = await kept.replace(gathered(40), FILE, NOW)
    assert (second.number, second.imported, second.replaced) == (2, 40, 10)
    history = kept.now.history
    assert len(history.cases) == 50
    assert len(history.current) == 40
    async with database.reading() as session:
        emptied = select(func.count()).where(DataspaceCase.sealed.is_(None))
        assert await session.scalar(emptied) == 10
    again = opened(database, identity)
    await again.load()
    assert again.now.gathered.people == kept.now.gathered.people
    assert again.now.gathered.references == kept.now.gathered.references
    for name, values in kept.now.gathered.table.columns.items():
        assert np.array_equal(values, again.now.gathered.table.columns[name])
    assert np.array_equal(again.now.history.cases, history.cases)


async def test_a_changed_case_is_one_case_in_two_versions(
    database: Database, identity: Identity
) -> None:
    kept = opened(database, identity)
    head = b"case_reference,gender\n"
    for rows in (b"A,feminine\nB,feminine\n", b"A,masculine\nB,feminine\n"):
        await kept.replace(gather_file("x.csv", BytesIO(head + rows), builtin()), FILE, NOW)
    history = kept.now.history
    assert sorted(history.cases.tolist()) == [0, 0, 1]
    assert history.until.min() == 2


async def test_a_source_is_read_and_never_written(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "own.db"
    with sqlite3.connect(path) as own:
        own.execute("CREATE TABLE people (ref TEXT, sex TEXT, noted TEXT)")
        own.execute("INSERT INTO people VALUES ('A', 'feminine', 'PLANTED'), ('B', NULL, '')")
    vocabulary = builtin()
    mapping = Mapping(
        name="own",
        vocabulary=vocabulary.name,
        version=vocabulary.version,
        columns={
            "ref": Source(column="case_reference"),
            "sex": Source(column="gender"),
            "noted": None,
        },
    )
    source = SqlSource(url=f"sqlite:///{path}", table="people", mapping=mapping)
    found = await gather_source(source, vocabulary)
    assert found.references == ("A", "B")
    assert found.table.columns["gender"].tolist() == [1, 0]
    missing = source.model_copy(update={"table": "nothing"})
    with pytest.raises(Unavailable) as refused:
        await gather_source(missing, vocabulary)
    assert str(path) not in str(refused.value)
    written = tmp_path / "source.json"
    for table in ("people; DROP TABLE people", "people WHERE 1", 'a"b'):
        document = source.model_dump(mode="json") | {"table": table}
        written.write_text(__import__("json").dumps(document))
        written.chmod(0o600)
        with pytest.raises(ConfigurationError) as wrong:
            read_source(written)
        assert "sqlite" not in str(wrong.value)
    written.chmod(0o644)
    with pytest.raises(ConfigurationError):
        read_source(written)


# --- log and officers -----------------------------------------------------------------------


async def test_entries_written_at_once_make_one_chain(
    database: Database, identity: Identity
) -> None:
    journal = Journal(database, identity, SystemClock())
    assert await journal.head() is None
    await asyncio.gather(
        *(
            journal.append(Kind.IMPORT, number=n, rows_at_least=1, file="0" * 64)
            for n in range(20)
        )
    )
    log = verify_chain(await journal.entries(), identity.did, identity.signer.multikey)
    assert log.head[0] == 20
    assert len(await journal.entries(15)) == 5


async def test_an_officers_key_opens_until_it_ends(database: Database) -> None:
    key = await create_officer(database, frozenset({OfficerDuty.DATA}), NOW)
    officer = await recognise(database, key.reveal())
    officer.require(OfficerDuty.DATA)
    with pytest.raises(Forbidden):
        officer.require(OfficerDuty.LEGAL)
    for wrong in ("", "hvo", "hvo__", f"hvo_{officer.id}_x", key.reveal() + "x", "hvn_a_b"):
        with pytest.raises(NotAuthenticated):
            await recognise(database, wrong)
    await end_officer(database, officer.id, NOW)
    with pytest.raises(NotAuthenticated):
        await recognise(database, key.reveal())
    with pytest.raises(NotFound):
        await end_officer(database, officer.id, NOW)
    assert isinstance(officer, Officer)
