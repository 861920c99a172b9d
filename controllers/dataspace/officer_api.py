"""The officers' API of one node: JSON on loopback, a bearer key for each officer.

It is for the organisation's own people and programs. What may leave the organisation goes over
peers.py alone.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from controllers.dataspace.importing import MOST_MAPPING, Importing
from controllers.dataspace.journal import MOST_SHOWN
from controllers.dataspace.node import Node
from controllers.dataspace.officers import Officer, OfficerDuty, recognise
from controllers.dataspace.plans import Draft
from controllers.dataspace.report_page import report_page
from controllers.dataspace.views import Views
from controllers.multipart import is_form
from controllers.problems import install, problem
from core.errors import HavenError, NotAuthenticated, PlanRefused
from dataspace.gathering.reading import DEFAULT_LIMITS
from dataspace.planning.statements import Duty

MOST_BODY = 1024 * 1024  # of all else: it is read before anybody looks at the key
MOST_DIGEST = 128
MOST_NUMBER = 2**62  # larger ones fit into no database
MOST_UPLOAD = DEFAULT_LIMITS.most_bytes + MOST_MAPPING + MOST_BODY  # with the form around them
_bearer = HTTPBearer(auto_error=False)

router = APIRouter(prefix="/api")


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ApproveBody(_Body):
    """For which duty, and for how many days."""

    duty: Duty = Duty.DATA
    days: int = Field(14, ge=1, le=366)


class RefuseBody(_Body):
    """Why not: a code that the others are told."""

    reason_code: str = Field("no-reason-given", pattern=r"^[a-z][a-z0-9_-]{0,63}$")
    duty: Duty = Duty.DATA


class EndBody(_Body):
    """Why the agreement ends: a code that the others are told."""

    reason_code: str = Field("no-reason-given", pattern=r"^[a-z][a-z0-9_-]{0,63}$")


def officer_app(node: Node) -> FastAPI:
    """The app of one node, for a listener on loopback."""
    app = FastAPI(title="Haven data space: a node's officers", docs_url=None, redoc_url=None)
    app.state.node, app.state.views = node, Views(node)
    app.state.importing = Importing(node)
    app.include_router(router)
    install(app, MOST_BODY, {"/api/cases": MOST_UPLOAD})
    app.add_exception_handler(PlanRefused, _plan_refused)
    return app


async def _plan_refused(_request: Request, error: Exception) -> JSONResponse:
    """As every problem, with the gate's checks beside it."""
    known = error if isinstance(error, HavenError) else HavenError("Unknown error")
    answer = problem(known)
    checks = list(error.checks) if isinstance(error, PlanRefused) else []
    body = json.loads(bytes(answer.body)) | {"checks": checks}
    return JSONResponse(body, answer.status_code, media_type=answer.media_type)


def _node(request: Request) -> Node:
    found: Node = request.app.state.node
    return found


def _views(request: Request) -> Views:
    found: Views = request.app.state.views
    return found


def _importing(request: Request) -> Importing:
    found: Importing = request.app.state.importing
    return found


TheNode = Annotated[Node, Depends(_node)]
TheImporting = Annotated[Importing, Depends(_importing)]
TheViews = Annotated[Views, Depends(_views)]


async def _officer(
    node: TheNode,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Officer:
    if given is None:
        raise NotAuthenticated("An officer's key is needed")
    return await recognise(node.books.database, given.credentials)


AnyOfficer = Annotated[Officer, Depends(_officer)]


# --- what there is --------------------------------------------------------------------------


@router.get("/node")
async def get_node(officer: AnyOfficer, views: TheViews) -> Any:
    """This node, its agreement, its log, and the duties of who asks."""
    return {**await views.node(), "duties": sorted(officer.duties)}


@router.get("/vocabulary")
async def get_vocabulary(_: AnyOfficer, views: TheViews) -> Any:
    """Columns, code lists, constraints."""
    return views.vocabulary()


@router.get("/questions")
async def get_questions(_: AnyOfficer, views: TheViews) -> Any:
    """What can be asked."""
    return views.questions()


@router.get("/agreement")
async def get_agreement(_: AnyOfficer, node: TheNode) -> Any:
    """The space file as it is now."""
    return node.books.agreements.document()


@router.get("/ledger")
async def get_ledger(_: AnyOfficer, views: TheViews) -> Any:
    """What was spent."""
    return await views.ledger()


@router.get("/log")
async def get_log(
    _: AnyOfficer,
    views: TheViews,
    after: Annotated[int, Query(ge=0, le=MOST_NUMBER)] = 0,
    most: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = MOST_SHOWN,
) -> Any:
    """Entries of the log after a number, at most so many."""
    return await views.log(after, most)


@router.get("/cases/summary")
async def get_cases(_: AnyOfficer, views: TheViews) -> Any:
    """How many cases there are, and by which mapping files are read."""
    return views.cases()


# --- the agreement --------------------------------------------------------------------------


@router.post("/agreement/accept")
async def accept_agreement(officer: AnyOfficer, node: TheNode, views: TheViews) -> Any:
    """Sign the terms for the organisation."""
    officer.require(OfficerDuty.LEGAL)
    await node.books.agreements.sign()
    return views.agreement()


@router.post("/agreement/end")
async def end_agreement(
    officer: AnyOfficer, node: TheNode, views: TheViews, body: EndBody | None = None
) -> Any:
    """End the agreement for everybody."""
    officer.require(OfficerDuty.LEGAL)
    await node.books.agreements.end((body or EndBody()).reason_code)
    return views.agreement()


# --- plans ----------------------------------------------------------------------------------


@router.post("/plans", status_code=201)
async def post_plan(officer: AnyOfficer, node: TheNode, views: TheViews, body: Draft) -> Any:
    """Ask a question: the plan is sent to all."""
    officer.require(OfficerDuty.ANALYST)
    return await views.plan((await node.plans.propose(body)).digest)


@router.get("/plans")
async def get_plans(
    _: AnyOfficer,
    views: TheViews,
    before: Annotated[str | None, Query(max_length=MOST_DIGEST)] = None,
) -> Any:
    """A page of the list of plans, the newest first, or those before one."""
    return await views.plans(before)


@router.get("/plans/{digest}")
async def get_plan(_: AnyOfficer, views: TheViews, digest: str) -> Any:
    """One plan, with what this organisation would put in."""
    return await views.plan(digest)


@router.post("/plans/{digest}/approve")
async def approve(
    officer: AnyOfficer, node: TheNode, views: TheViews, digest: str, body: ApproveBody
) -> Any:
    """Say yes for the organisation."""
    officer.require(OfficerDuty(body.duty.value))
    await node.plans.approve(digest, body.duty, body.days)
    return await views.plan(digest)


@router.post("/plans/{digest}/refuse")
async def refuse(
    officer: AnyOfficer, node: TheNode, views: TheViews, digest: str, body: RefuseBody
) -> Any:
    """Say no for the organisation."""
    officer.require(OfficerDuty(body.duty.value))
    await node.plans.refuse(digest, body.duty, body.reason_code)
    return await views.plan(digest)


@router.post("/plans/{digest}/withdraw")
async def withdraw(officer: AnyOfficer, node: TheNode, views: TheViews, digest: str) -> Any:
    """Take back what the organisation approved."""
    officer.require(OfficerDuty.DATA, OfficerDuty.LEGAL)  # it takes both their words back
    await node.plans.withdraw(digest)
    return await views.plan(digest)


@router.post("/plans/{digest}/run", status_code=202)
async def run_plan(officer: AnyOfficer, node: TheNode, digest: str) -> Any:
    """Begin a run; it goes on by itself."""
    officer.require(OfficerDuty.ANALYST)
    return {"tag": await node.coordinating.start(digest)}


# --- runs and results -----------------------------------------------------------------------


@router.get("/runs/{tag}")
async def get_run(_: AnyOfficer, views: TheViews, tag: str) -> Any:
    """How far a run is, or how it failed."""
    return await views.run(tag)


@router.get("/results/{tag}.csv")
async def get_result_csv(_: AnyOfficer, views: TheViews, tag: str) -> Response:
    """The table as CSV."""
    return PlainTextResponse(await views.csv(tag), media_type="text/csv; charset=utf-8")


@router.get("/results/{tag}/report")
async def get_report(
    _: AnyOfficer, views: TheViews, tag: str, language: str = "en"
) -> Response:
    """A page to print, with the signatures of all."""
    found = await views.result(tag)
    plan = await views.asked(found["plan"])
    page = report_page(found, views.agreement(), views.vocabulary(), plan, language)
    return HTMLResponse(page)


@router.get("/results/{tag}")
async def get_result(_: AnyOfficer, views: TheViews, tag: str) -> Any:
    """What came out, at a receiver."""
    return await views.result(tag)


@router.get("/priorities/{tag}")
async def get_priorities(_: AnyOfficer, views: TheViews, tag: str) -> Any:
    """The organisation's own ranked cases."""
    return await views.priorities(tag)


@router.post("/log/compare")
async def compare_logs(_: AnyOfficer, views: TheViews) -> Any:
    """Look at all other nodes' logs now."""
    return await views.compare()


# --- cases ----------------------------------------------------------------------------------


@router.put("/cases/mapping", status_code=204)
async def put_mapping(officer: AnyOfficer, importing: TheImporting, request: Request) -> None:
    """How the organisation's own columns and codes become the vocabulary's, for files that
    come after it."""
    officer.require(OfficerDuty.DATA)
    await importing.keep_mapping(await request.body())


@router.post("/cases")
async def post_cases(
    officer: AnyOfficer,
    importing: TheImporting,
    request: Request,
    name: Annotated[str, Query(pattern=r"\.(csv|xlsx)$", max_length=200)] = "cases.csv",
) -> Any:
    """Replace the organisation's cases by those of a file: all of them, or nothing changes.

    The file is the body of the request; or the body is a form with a `file` and, if there is
    one, its `mapping`, and both are taken or neither. Without a mapping of its own a file is
    read by the one that was put here, else by the vocabulary's own names and codes."""
    officer.require(OfficerDuty.DATA)
    kind = request.headers.get("content-type", "")
    if is_form(kind):
        imported = await importing.form(kind, request.stream())
    else:
        imported = await importing.file(name, request.stream())
    return {"imported": imported.imported, "replaced": imported.replaced}
