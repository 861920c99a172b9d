"""The officers' API: a plan's life as an organisation's own people see it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from controllers.dataspace import report_page as report_page_module
from controllers.dataspace.officer_api import officer_app
from controllers.dataspace.officers import OfficerDuty, create_officer
from controllers.dataspace.report_page import TEXTS
from controllers.texts import LANGUAGES
from dataspace.agreeing.agreement import Environment
from dataspace.agreeing.negotiating import State
from tests.support.space import Space, made_up, running_space

EVERYTHING = frozenset(OfficerDuty)


@dataclass
class Desks:
    """The officers of each node, by its place in the terms."""

    space: Space
    clients: list[httpx.AsyncClient]

    async def ok(self, at: int, method: str, path: str, **more: Any) -> Any:
        answer = await self.clients[at].request(method, f"/api{path}", **more)
        assert answer.is_success, answer.text
        is_json = "json" in answer.headers.get("content-type", "") and answer.content
        return answer.json() if is_json else answer


async def client_of(space: Space, at: int, duties: frozenset[OfficerDuty]) -> httpx.AsyncClient:
    node = space.nodes[at]
    key = await create_officer(node.books.database, duties, space.outside.clock.now())
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(officer_app(node)),
        base_url="http://node.test",
        headers={"Authorization": f"Bearer {key.reveal()}"},
    )


@asynccontextmanager
async def desks_of(folder: Path, **more: Any) -> AsyncIterator[Desks]:
    async with running_space(folder, **more) as space, AsyncExitStack() as stack:
        made = [await client_of(space, at, EVERYTHING) for at in range(len(space.nodes))]
        for each in made:
            await stack.enter_async_context(each)
        yield Desks(space, made)


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Desks]:
    async with desks_of(tmp_path) as made:
        yield made


def body(**changed: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "operation": "counts",
        "title": "Cases by gender",
        "purpose": "prevalence",
        "groups": [{"column": "gender"}],
        "runs": 2,
        "days": 3,
    }
    return usual | changed


async def until_ended(desks: Desks, at: int, tag: str) -> dict[str, Any]:
    for _ in range(500):
        run: dict[str, Any] = await desks.ok(at, "GET", f"/runs/{tag}")
        if run["state"] in ("released", "failed"):
            return run
        await asyncio.sleep(0.02)
    raise AssertionError("the run does not end")


async def test_a_plan_from_question_to_answer(desks: Desks) -> None:
    about = await desks.ok(0, "GET", "/node")
    assert about["agreement"]["state"] == State.FINALIZED
    assert about["cases"] == 60
    assert about["parties"] == {"parties": 3, "t": 1}
    offered = await desks.ok(0, "GET", "/questions")
    assert {"counts", "overlaps"} <= {each["name"] for each in offered["items"]}
    view = await desks.ok(0, "POST", "/plans", json=body())
    digest = view["digest"]
    assert (view["state"], view["gate"]["admitted"]) == ("waiting", True)
    assert [row[0] for row in view["reveals"]["own"]["rows"]][:2] == ["feminine", "masculine"]
    for at in range(3):
        path = f"/plans/{digest}/approve"
        view = await desks.ok(at, "POST", path, json={"duty": "data", "days": 2})
    assert {each["state"] for each in view["approvals"]} == {"approved"}
    tag = (await desks.ok(0, "POST", f"/plans/{digest}/run"))["tag"]
    run = await until_ended(desks, 0, tag)
    assert (run["state"], run["failure"], run["t"]) == ("released", None, 1)
    view = await desks.ok(0, "GET", f"/plans/{digest}")
    assert (view["state"], view["results"]) == ("answered", [tag])
    assert view["runs"] == {"done": 1, "allowed": 2}
    result = await desks.ok(0, "GET", f"/results/{tag}")
    assert result["released"]["columns"] == ["gender", "cases"]
    assert len(result["signatures"]) == 4
    csv = await desks.ok(0, "GET", f"/results/{tag}.csv")
    assert csv.text.startswith("gender,cases\r\n")
    report = await desks.ok(0, "GET", f"/results/{tag}/report")
    assert "Cases by gender" in report.text
    assert "withheld" in report.text
    ledger = await desks.ok(1, "GET", "/ledger")
    assert (ledger["plans"], ledger["runs"]) == (1, 1)
    compared = await desks.ok(2, "POST", "/log/compare")
    assert compared["agree"]
    kinds = [each["kind"] for each in (await desks.ok(1, "GET", "/log"))["items"]]
    assert kinds == [
        "import", "plan-received", "approved", "run-begun", "run-released", "heads-compared",
    ]  # fmt: skip
    for at in (1, 2, 3):
        assert (await desks.clients[at].get(f"/api/results/{tag}")).status_code == 404
        assert (await desks.ok(at, "GET", f"/plans/{digest}"))["state"] == "answered"


async def test_another_organisation_sees_the_plan_and_not_my_table(desks: Desks) -> None:
    mine = await desks.ok(0, "POST", "/plans", json=body())
    theirs = await desks.ok(1, "GET", f"/plans/{mine['digest']}")
    evaluator = await desks.ok(3, "GET", f"/plans/{mine['digest']}")
    assert theirs["plan"] == mine["plan"]
    assert theirs["reveals"]["own"] != mine["reveals"]["own"]
    assert evaluator["reveals"]["own"] is None
    assert evaluator["reveals"]["sentences"][0]["key"] == "nothing-goes-in"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"threshold": 3}, "threshold-too-low"),
        ({"purpose": "curiosity"}, "purpose-not-agreed"),
        ({"groups": [{"column": "given_name"}]}, "question-malformed"),
        ({"operation": "anything"}, "question-other"),
        ({"receivers": ["did:web:stranger.example"]}, "receiver-not-agreed"),
        ({"groups": "gender"}, None),
    ],
)
async def test_a_plan_that_the_own_gate_refuses(
    desks: Desks, changed: dict[str, Any], code: str | None
) -> None:
    answer = await desks.clients[0].post("/api/plans", json=body(**changed))
    assert answer.status_code == 422
    if code is not None:
        assert answer.json()["code"] == code
    assert not (await desks.ok(1, "GET", "/plans"))["items"]


async def test_who_writes_a_malformed_plan_is_told_what_is_wrong_with_it(desks: Desks) -> None:
    groups = [{"column": "registered_on", "period": "year"}]
    answer = await desks.clients[0].post("/api/plans", json=body(groups=groups))
    problem = answer.json()
    assert problem["code"] == "question-malformed"
    assert "registered_on" in problem["detail"]


async def test_refusing_withdrawing_and_approving_again(desks: Desks) -> None:
    digest = (await desks.ok(0, "POST", "/plans", json=body()))["digest"]
    await desks.ok(1, "POST", f"/plans/{digest}/refuse", json={"reason_code": "not-now"})
    view = await desks.ok(0, "GET", f"/plans/{digest}")
    assert view["state"] == "refused"
    assert (await desks.clients[0].post(f"/api/plans/{digest}/run")).status_code in (409, 410)
    for at in range(3):
        await desks.ok(at, "POST", f"/plans/{digest}/approve", json={"duty": "data", "days": 2})
    assert (await desks.ok(0, "GET", f"/plans/{digest}"))["state"] == "approved"
    await desks.ok(2, "POST", f"/plans/{digest}/withdraw")
    assert (await desks.ok(0, "GET", f"/plans/{digest}"))["state"] == "withdrawn"
    wrong = {"duty": "data", "days": 300}
    answer = await desks.clients[0].post(f"/api/plans/{digest}/approve", json=wrong)
    assert answer.status_code == 422
    evaluator = await desks.clients[3].post(
        f"/api/plans/{digest}/approve", json={"duty": "data", "days": 2}
    )
    assert evaluator.status_code == 403


async def test_each_officer_does_their_own_duty(desks: Desks) -> None:
    digest = (await desks.ok(0, "POST", "/plans", json=body()))["digest"]
    async with await client_of(desks.space, 0, frozenset({OfficerDuty.LEGAL})) as legal:
        assert (await legal.get("/api/plans")).status_code == 200
        approve = await legal.post(f"/api/plans/{digest}/approve", json={"duty": "data"})
        run = await legal.post(f"/api/plans/{digest}/run")
        cases = await legal.post("/api/cases", content=made_up(40))
        assert [each.status_code for each in (approve, run, cases)] == [403] * 3
    nobody = httpx.AsyncClient(
        transport=httpx.ASGITransport(officer_app(desks.space.nodes[0])),
        base_url="http://node.test",
    )
    async with nobody:
        for path in ("/node", "/plans", "/log", "/ledger", "/cases/summary", "/agreement"):
            assert (await nobody.get(f"/api{path}")).status_code == 401
    assert (await desks.clients[0].get("/docs")).status_code == 404


async def test_cases_are_imported_whole_or_not_at_all(desks: Desks) -> None:
    before = await desks.ok(0, "GET", "/cases/summary")
    wrong = await desks.clients[0].post("/api/cases", content=b"gender\nfeminine\nPLANTED\n")
    assert wrong.status_code == 422
    assert "PLANTED" not in wrong.text
    assert "line 3" in wrong.json()["detail"]
    assert await desks.ok(0, "GET", "/cases/summary") == before
    done = await desks.ok(0, "POST", "/cases", content=made_up(30))
    assert done == {"imported": 30, "replaced": 30}
    renamed = made_up(30).replace(b"gender", b"sex", 1)
    assert (await desks.clients[0].post("/api/cases", content=renamed)).status_code == 422
    names = renamed.split(b"\n", 1)[0].decode().split(",")
    columns = {each: {"column": "gender" if each == "sex" else each} for each in names}
    mapping = {"name": "own", "vocabulary": "cases", "version": "1", "columns": columns}
    assert (
        await desks.clients[0].put("/api/cases/mapping", json=mapping | {"version": "0"})
    ).status_code == 422
    await desks.ok(0, "PUT", "/cases/mapping", json=mapping)
    assert (await desks.ok(0, "POST", "/cases", content=renamed))["imported"] == 30
    evaluator = await desks.clients[3].post("/api/cases", content=made_up(30))
    assert evaluator.status_code == 403


async def test_whoever_ends_the_agreement_ends_it_for_all(desks: Desks) -> None:
    digest = (await desks.ok(0, "POST", "/plans", json=body()))["digest"]
    ended = await desks.ok(2, "POST", "/agreement/end", json={"reason_code": "project-over"})
    assert ended["state"] == State.TERMINATED
    for at in range(4):
        assert (await desks.ok(at, "GET", "/node"))["agreement"]["state"] == State.TERMINATED
    refused = await desks.clients[0].post("/api/plans", json=body(title="Another"))
    assert refused.status_code == 410
    view = await desks.ok(0, "GET", f"/plans/{digest}")
    assert view["state"] in ("waiting", "expired", "refused")


async def test_owners_alone_see_their_ranked_cases(tmp_path: Path) -> None:
    async with desks_of(tmp_path, holders=3, roles=("shelter", "police", "shelter")) as desks:
        for at in range(3):
            rows = b"case_reference,trafficker,gender\n" + b"".join(
                f"REF{at}-{n},Boss {n if n < 5 else n + 100 * at},feminine\n".encode()
                for n in range(40)
            )
            await desks.ok(at, "POST", "/cases", content=rows)
        asked = body(
            operation="priorities",
            purpose="prevention",
            groups=[],
            link=["trafficker"],
            receivers=[each.did for each in desks.space.terms.holders],
        )
        digest = (await desks.ok(0, "POST", "/plans", json=asked))["digest"]
        for at in range(3):
            await desks.ok(at, "POST", f"/plans/{digest}/approve", json={"days": 2})
        tag = (await desks.ok(0, "POST", f"/plans/{digest}/run"))["tag"]
        run = await until_ended(desks, 0, tag)
        assert run["failure"] is None
        for at in range(3):
            found = await desks.ok(at, "GET", f"/priorities/{tag}")
            assert found["rows"]
            place = found["columns"].index("case")
            assert {str(row[place])[:5] for row in found["rows"]} == {f"REF{at}-"}
        assert (await desks.clients[3].get(f"/api/priorities/{tag}")).status_code == 404


async def test_who_else_knows_a_stated_case_is_told_to_the_asker_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """LINK_REVEAL: a plan of its own that every data and every legal officer approves."""
    async with desks_of(tmp_path, holders=3, roles=("shelter", "police", "shelter")) as desks:
        for at in range(3):
            rows = b"case_reference,trafficker,gender\n" + b"".join(
                f"REF{at}-{n},Boss {n if n < 5 * at + 5 else n + 100 * at},feminine\n".encode()
                for n in range(40)
            )
            await desks.ok(at, "POST", "/cases", content=rows)
        asked = body(
            operation="reveal",
            purpose="prevention",
            groups=[],
            link=["trafficker"],
            cases=["REF0-1", "REF0-30"],
            runs=1,
        )
        view = await desks.ok(0, "POST", "/plans", json=asked)
        digest = view["digest"]
        for at in range(3):
            shown = await desks.clients[at].get(f"/api/plans/{digest}")
            assert "REF0-" not in shown.text
            await desks.ok(at, "POST", f"/plans/{digest}/approve", json={"days": 2})
        early = await desks.clients[0].post(f"/api/plans/{digest}/run")
        if early.status_code < 300:  # begun, and refused by every node that it asks
            ended = await until_ended(desks, 0, early.json()["tag"])
            assert ended["state"] == "failed"
        for at in range(3):
            yes = {"duty": "legal", "days": 2}
            await desks.ok(at, "POST", f"/plans/{digest}/approve", json=yes)
        tag = (await desks.ok(0, "POST", f"/plans/{digest}/run"))["tag"]
        run = await until_ended(desks, 0, tag)
        assert run["failure"] is None
        found = await desks.ok(0, "GET", f"/priorities/{tag}")
        place = found["columns"].index("case")
        assert {row[place] for row in found["rows"]} == {"REF0-1"}
        others = [each.did for each in desks.space.terms.holders[1:]]
        assert all(any(did in str(row) for row in found["rows"]) for did in others)
        for at in (1, 2, 3):
            assert (await desks.clients[at].get(f"/api/priorities/{tag}")).status_code == 404
        assert "REF0-" not in caplog.text


def test_the_report_page_is_said_in_every_language_with_the_same_parts() -> None:
    def parts(language: str) -> dict[str, set[str]]:
        say = TEXTS.keys(language)
        raw = {key: TEXTS.said_or(language, key, "") for key in say}
        return {key: set(re.findall(r"{(\w+)}", text)) for key, text in raw.items()}

    assert parts("en") == parts("es") == parts("km")
    page = Path(report_page_module.__file__).read_text(encoding="utf-8")
    said = set(re.findall(r'say\("([a-z.]+)"', page)) | {each.value for each in Environment}
    assert said == set(parts("en"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_report_is_printed_in_the_readers_language(
    tmp_path: Path, language: str
) -> None:
    async with desks_of(tmp_path, holders=3) as desks:
        digest = (await desks.ok(0, "POST", "/plans", json=body()))["digest"]
        for at in range(3):
            await desks.ok(at, "POST", f"/plans/{digest}/approve", json={"days": 2})
        tag = (await desks.ok(0, "POST", f"/plans/{digest}/run"))["tag"]
        await until_ended(desks, 0, tag)
        path = f"/api/results/{tag}/report?language={language}"
        page = (await desks.clients[0].get(path)).text
    assert f'<html lang="{language}">' in page
    assert TEXTS.say_in(language)("intelligence") in page
    assert TEXTS.say_in(language)("signed") in page
