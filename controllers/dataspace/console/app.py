"""The console as an app: its pages, the static files, and nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

import controllers
from controllers.dataspace.console import routes, signing, tour
from controllers.dataspace.console.entry import Console, error_page
from core.errors import NotFound

_STATIC = Path(controllers.__file__).parent / "static"


def console_app(console: Console) -> FastAPI:
    """Every page of the console."""
    app = FastAPI(title="Haven, data space", openapi_url=None)
    app.state.console = console
    for each in (signing.router, tour.router, routes.router):
        app.include_router(each)
    app.mount("/static", StaticFiles(directory=_STATIC))
    app.add_exception_handler(HTTPException, _missing)
    return app


async def _missing(request: Request, _err: Exception) -> Response:
    return await error_page(request, NotFound("There is no such page"))
