"""The one place where errors become HTTP: RFC 9457 problem details.

`type` is stable (`urn:haven:problem:<slug>`); `detail` is made for the person in front and
holds no value. What we did not foresee is logged by its class and place, not by its text.
"""

from __future__ import annotations

import errno
import logging
import traceback
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.correlation import current
from core.errors import HavenError, InvalidInput, StorageFull, TooLarge, Unavailable

LOGGER = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """RFC 9457 problem details; further members say more where there is more to say."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:haven:problem:not-found"])
    title: str = Field(examples=["There is nothing here"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no check with this id"])
    code: str | None = Field(
        None,
        examples=["link-ended"],
        description="What happened, closer than `type`, for an app to say in other words",
    )
    request_id: str | None = Field(None, examples=["5f0c6a1b9d3e7a42"])


def problem(error: HavenError) -> JSONResponse:
    """The answer for an error of the tree in core/errors.py."""
    body = {
        "type": f"urn:haven:problem:{error.slug}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **_request_id(),
        **{name: value for name, value in error.extra.items() if name not in _RESERVED},
    }
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if "wait_seconds" in error.extra:
        headers["Retry-After"] = str(error.extra["wait_seconds"])
    return JSONResponse(body, error.status, headers=headers, media_type=MEDIA_TYPE)


_RESERVED = ("type", "title", "status", "detail", "request_id")


def _request_id() -> dict[str, str]:
    """What a person at the desk can quote, so that the lines of the log are found."""
    identifier = current()
    return {} if identifier is None else {"request_id": identifier}


def install(
    app: FastAPI, most_body: int, most_at: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Register the handlers on an app, and the guard around it; `most_at` are paths that take
    larger bodies."""
    app.add_exception_handler(HavenError, _haven)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Guard, most_body=most_body, most_at=most_at)


class Guard:
    """Around everything: limits a body's size, and answers what nobody foresaw.

    Written as plain ASGI, because the framework's own handler for unforeseen errors raises
    them again, and the server then logs a trace with whatever values the error repeats.
    """

    def __init__(
        self,
        app: ASGIApp,
        most_body: int,
        most_at: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._most_body, self._most_at = most_body, most_at

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, taken = False, 0
        most = self._most_at.get(scope["path"], self._most_body)

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge("This is more than is taken at once")
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, limited, noted)
        except Exception as error:  # a process boundary: said in general words, and logged
            known = error if isinstance(error, HavenError) else storage_problem(error)
            if known is None:
                _log_unforeseen(error)
            if not started:
                await problem(known or _UNFORESEEN)(scope, receive, send)


def storage_problem(error: Exception) -> StorageFull | Unavailable | None:
    """What it means for the person in front when the database or the disk fails; None for an
    error of another kind. Whatever was being written was rolled back as a whole."""
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return _FULL
    if not isinstance(error, (OperationalError, InterfaceError)):
        return None
    # the driver's words are looked at and never passed on
    return _FULL if any(told in str(error.orig) for told in _NO_SPACE) else _NO_DATABASE


async def _haven(_request: Request, error: Exception) -> JSONResponse:
    return problem(error if isinstance(error, HavenError) else HavenError("Unknown error"))


async def _validation(request: Request, error: Exception) -> JSONResponse:
    """Says which fields are wrong and how; never what was in them."""
    found: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    ours = _names_of(request.app)
    wrong = "; ".join(f"{_place(item['loc'], ours)}: {_complaint(item)}" for item in found[:10])
    return problem(InvalidInput(wrong or "The request is not in the expected form"))


def _place(location: tuple[Any, ...], ours: frozenset[str]) -> str:
    """Where it is wrong, in our own names: other keys are the caller's, and may be values."""
    known = [str(part) for part in location[1:] if isinstance(part, int) or part in ours]
    return ".".join(known)[:80] or "request"


def _names_of(app: FastAPI) -> frozenset[str]:
    """Every name of a field or parameter in the app's own description (made once)."""
    names: set[str] = set()
    waiting: list[Any] = [app.openapi()]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            names.update(part.get("properties", ()))
            names.update([part["name"]] if {"name", "in"} <= part.keys() else ())
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return frozenset(names)


def _complaint(item: dict[str, Any]) -> str:
    # messages of value errors are ours; pydantic's own may repeat the input, so its kind it is
    return str(item["type"]).replace("_", " ")


async def _http(_request: Request, error: Exception) -> JSONResponse:
    # the framework wraps what reading a body raises
    if isinstance(error.__cause__, HavenError):
        return problem(error.__cause__)
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 400:  # the framework's word for a body that it cannot even decode
        return problem(InvalidInput("The body of the request cannot be read"))
    title = {404: "There is nothing here", 405: "This cannot be done here"}.get(
        status, "Refused"
    )
    body = {"type": "about:blank", "title": title, "status": status, "detail": title}
    body |= _request_id()
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def _log_unforeseen(error: Exception) -> None:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    LOGGER.error("unforeseen %s at line %s", type(error).__name__, frame.lineno)


# SQLite's words and PostgreSQL's
_NO_SPACE = ("disk is full", "No space left on device")
_FULL = StorageFull(
    "Nothing was saved, because the disk is full. Please tell whoever runs this, and try again."
)
_NO_DATABASE = Unavailable("The database does not answer. Nothing was saved; please try again.")
_UNFORESEEN = HavenError("This should not have happened; please try again")


def _refusal(why: str) -> dict[str, Any]:
    return {
        "description": f"{why} (problem details, RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }


# each by its number and none by default: a test finds an answer that is not described
RESPONSES: dict[int | str, dict[str, Any]] = {
    401: _refusal("No key or session, or one that opens nothing"),
    403: _refusal("Not with this key or code, or not by the framework"),
    404: _refusal("There is nothing here"),
    409: _refusal("Not possible any more, or not yet"),
    410: _refusal("It was there, and has ended"),
    413: _refusal("More than is taken at once"),
    422: _refusal("What was sent cannot be meant, or does not hold"),
    429: _refusal("Too many tries"),
    503: _refusal("A part of the system does not answer"),
}
