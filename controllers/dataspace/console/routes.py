"""The console's pages at one organisation: ask, look, approve, run, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import HTMLResponse

from controllers.dataspace.console.answers import findings_of, has_models, meaning_of
from controllers.dataspace.console.asking import PERIODS, filled, most_cells, plan_of
from controllers.dataspace.console.charts import chart_of
from controllers.dataspace.console.entry import (
    AtConsole,
    Door,
    Fields,
    Sent,
    SpaceRoute,
    Visitor,
    go,
    words_of,
)
from controllers.dataspace.console.leafing import Below, OlderThan, log_page, plans_of
from controllers.dataspace.console.nodes import NodeClient
from controllers.dataspace.console.questions import (
    Offered,
    question_at,
    question_or_none,
    questions_at,
)
from controllers.dataspace.console.words import Words, day, minute
from controllers.rendering import STRICT
from core.errors import HavenError, InvalidInput, NodeRefused, NotFound

router = APIRouter(route_class=SpaceRoute, include_in_schema=False)

# what stands in an address goes into one to a node: nothing but what ids are made of
Place = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9:_-]{1,128}$")]
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]

UNFINISHED = frozenset(("preparing", "computing", "comparing"))


async def words_at(visitor: Visitor, node: NodeClient) -> Words:
    """The words of a node's vocabulary, and of its space, in the person's language."""
    names = names_of(await node.get("/node"))
    return Words(await node.get("/vocabulary"), visitor.language, names)


@router.get("/")
async def start(visitor: AtConsole, before: OlderThan = "") -> Response:
    """Who is in the space, what is agreed, which questions there are."""
    place = visitor.session.places[0]
    node = visitor.node(place)
    words, questions = await words_at(visitor, node), await questions_at(node)
    return await visitor.page(
        "start.html",
        at="" if visitor.console.door is Door.LINK else place,
        place=place,
        node=await node.get("/node"),
        questions=questions,
        titles=titles_of(questions, words),
        **await plans_of(node, before),
        words=words,
        day=day,
    )


@router.get("/at/{place}")
async def desk(visitor: AtConsole, place: Place, before: OlderThan = "") -> HTMLResponse:
    """One organisation's desk: what waits for it, its cases, its questions."""
    node = visitor.node(place)
    about = await node.get("/node")
    words, questions = await words_at(visitor, node), await questions_at(node)
    return await visitor.page(
        "desk.html",
        at=place,
        node=about,
        **await plans_of(node, before),
        questions=questions if about["holds_data"] else [],
        titles=titles_of(questions, words),
        cases=await node.get("/cases/summary") if about["holds_data"] else None,
        words=words,
        people=_people(visitor, place),
    )


def _people(visitor: Visitor, place: str) -> tuple[str, ...]:
    members = visitor.console.members
    return () if members is None else members.of(place)


@router.get("/at/{place}/ask/{name}")
async def form(visitor: AtConsole, place: Place, name: Name) -> HTMLResponse:
    """A question's form, as its example fills it in."""
    node = visitor.node(place)
    about, words = await node.get("/node"), await words_at(visitor, node)
    question = await question_at(node, name)
    return await _form(visitor, place, question, filled(question, about, words))


@router.post("/at/{place}/ask/{name}")
async def asked(visitor: AtConsole, place: Place, name: Name, fields: Sent) -> Response:
    """Look at a plan before it is sent, or send it."""
    node = visitor.node(place)
    question, words = await question_at(node, name), await words_at(visitor, node)
    try:
        plan = plan_of(fields, question, words)
        if fields.one("step") == "send":
            made = await node.post("/plans", plan)
            return go(f"/at/{place}/plans/{made['digest']}")
    except InvalidInput as err:
        return await _form(
            visitor, place, question, fields, problem=words_of(visitor.language, err)
        )
    except NodeRefused as err:
        problem = words_of(visitor.language, err)
        return await _form(visitor, place, question, fields, problem=problem, checks=err.checks)
    step = "change" if fields.one("step") == "change" else "look"
    looked = plan if step == "look" else None
    return await _form(visitor, place, question, fields, looked=looked)


async def _form(
    visitor: Visitor,
    place: str,
    question: Offered,
    fields: Fields,
    *,
    problem: str = "",
    checks: Sequence[Mapping[str, Any]] = (),
    looked: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    node = visitor.node(place)
    words = await words_at(visitor, node)
    about = await node.get("/node")
    return await visitor.page(
        "ask.html" if looked is None else "look.html",
        200 if not problem else 422,
        at=place,
        node=about,
        question=question,
        fields=fields,
        problem=problem,
        checks=checks,
        plan=looked,
        cells=most_cells(looked, words) if looked else None,
        periods=PERIODS,
        words=words,
        names=names_of(about),
    )


def titles_of(questions: Sequence[Offered], words: Words) -> dict[str, str]:
    return {each.name: each.title(words) for each in questions}


def names_of(node: Mapping[str, Any]) -> dict[str, str]:
    return {each["did"]: each["name"] for each in node["agreement"]["participants"]}


@router.get("/at/{place}/runs/{tag}")
async def run(visitor: AtConsole, place: Place, tag: Id, part: str = "") -> Response:
    """How far a run is; the page looks again by itself, also without scripts."""
    node = visitor.node(place)
    running = await node.get(f"/runs/{tag}")
    about = {
        "run": running,
        "place": place,
        "tag": tag,
        "live": running["state"] in UNFINISHED,
        "result": await _has_result(node, tag) if running["state"] == "released" else False,
        "words": Words({}, visitor.language),
    }
    if part:
        return visitor.part("run_live.html", **about)
    return await visitor.page("run.html", at=place, **about)


async def _has_result(node: NodeClient, tag: str) -> bool:
    """Whether this node is a receiver. Raises Unavailable."""
    try:
        await node.get(f"/results/{tag}")
    except NodeRefused:
        return False
    return True


@router.get("/at/{place}/results/{tag}")
async def result(visitor: AtConsole, place: Place, tag: Id) -> HTMLResponse:
    """What came out: table, chart, what was suppressed and why."""
    node = visitor.node(place)
    found, words = await node.get(f"/results/{tag}"), await words_at(visitor, node)
    released = found["released"]
    about = await node.get("/node")
    view = await _view_or_none(node, str(found.get("plan") or found.get("digest") or ""))
    return await visitor.page(
        "result.html",
        at=place,
        tag=tag,
        result=found,
        released=released,
        chart=chart_of(released, words),
        findings=findings_of(released, words),
        models=has_models(released),
        meaning=meaning_of(released, view["plan"] if view else None, words),
        plan=view["plan"] if view else None,
        guards=await _guards_of(node, view),
        words=words,
        names=names_of(about),
        minute=minute,
        day=day,
    )


async def _guards_of(node: NodeClient, view: Mapping[str, Any] | None) -> Sequence[str]:
    """Which of a plan's limits its question goes by."""
    question = await question_or_none(node, view["plan"]["operation"]) if view else None
    return question.guards if question else ()


async def _view_or_none(node: NodeClient, digest: str) -> Mapping[str, Any] | None:
    if not digest:
        return None
    try:
        found: Mapping[str, Any] = await node.get(f"/plans/{digest}")
    except HavenError:
        return None
    return found


@router.get("/at/{place}/results/{tag}/{kind}")
async def file(visitor: AtConsole, place: Place, tag: Id, kind: Name) -> Response:
    """The answer as JSON or CSV, or its signed report."""
    paths = {
        "json": f"/results/{tag}",
        "csv": f"/results/{tag}.csv",
        "report": f"/results/{tag}/report?language={visitor.language}",
    }
    if kind not in paths:
        raise NotFound("There is no such file")
    content, media = await visitor.node(place).file(paths[kind])
    headers = dict(STRICT)
    if kind == "report":
        # the node's page, with its own style in it; it may do nothing else
        headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
        )
    else:
        headers["Content-Disposition"] = f'attachment; filename="answer.{kind}"'
    return Response(content, media_type=media, headers=headers)


@router.get("/at/{place}/priorities/{tag}")
async def priorities(visitor: AtConsole, place: Place, tag: Id) -> HTMLResponse:
    """An owner's own cases, ranked, with reasons: for this organisation alone."""
    node = visitor.node(place)
    return await visitor.page(
        "priorities.html",
        at=place,
        tag=tag,
        found=await node.get(f"/priorities/{tag}"),
        words=await words_at(visitor, node),
    )


@router.get("/at/{place}/log")
async def log(visitor: AtConsole, place: Place, below: Below = 0) -> HTMLResponse:
    """The node's log and what is left of its budget."""
    return await _log(visitor, place, None, below)


@router.post("/at/{place}/log/compare")
async def compare(visitor: AtConsole, place: Place, _fields: Sent) -> HTMLResponse:
    """Ask all nodes for the heads of their logs."""
    return await _log(visitor, place, await visitor.node(place).post("/log/compare"))


@router.get("/at/{place}/log/compare")
async def compared(visitor: AtConsole, place: Place) -> Response:
    """The log, for who chose another language where the logs had been compared."""
    visitor.node(place)
    return visitor.back(f"/at/{place}/log")


async def _log(
    visitor: Visitor, place: str, compared: Mapping[str, Any] | None, below: int = 0
) -> HTMLResponse:
    about = await visitor.node(place).get("/node")
    return await log_page(
        visitor, place, about, names_of(about), below=below, compared=compared
    )
