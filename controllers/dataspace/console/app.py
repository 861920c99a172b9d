"""The console as an app: its pages, the static files, and nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import controllers
from controllers.dataspace.console import (
    cases,
    deciding,
    keys,
    leaving,
    routes,
    signing,
    tour,
)
from controllers.dataspace.console.entry import Console, Door, error_page
from controllers.dataspace.officer_api import MOST_UPLOAD
from controllers.problems import Guard
from core.errors import HavenError, InvalidInput, NotFound

_UNREAD = 400
_MOST_BODY = 256 * 1024
_STATIC = Path(controllers.__file__).parent / "static"


def console_app(console: Console) -> FastAPI:
    """Every page of the console."""
    app = FastAPI(title="Haven, data space", openapi_url=None)
    app.state.console = console
    app.include_router(keys.router if console.door is Door.KEY else signing.router)
    if console.sample_day is not None:
        app.include_router(tour.router)
    app.include_router(leaving.router)
    if console.door is Door.KEY:  # whoever holds real cases, and nobody's sandbox
        app.include_router(cases.router)
    app.include_router(routes.router)
    app.include_router(deciding.router)
    app.mount("/static", StaticFiles(directory=_STATIC))
    app.add_exception_handler(HTTPException, _missing)
    files = {f"/at/{place}/cases": MOST_UPLOAD for place in console.nodes.places}
    large = files if console.door is Door.KEY else {}
    app.add_middleware(Guard, most_body=_MOST_BODY, most_at=large)
    return app


async def _missing(request: Request, err: Exception) -> Response:
    """What the framework refuses by itself: a path that there is not, a body without form."""
    cause = err.__cause__
    if isinstance(cause, HavenError):  # of a body that was too large while it was read
        return await error_page(request, cause)
    unread = isinstance(err, HTTPException) and err.status_code == _UNREAD
    return await error_page(
        request,
        InvalidInput("This is not what this page sends")
        if unread
        else NotFound("There is no such page"),
    )
