"""What every answer is held to, whatever was asked.

1. No answer says that something was not foreseen (500), nor anything else from 500 on.
2. A refusal is a problem document (RFC 9457) of a type that docs/api.md lists; a page for a
   person is the one exception, below /l/.
3. A refusal tells nothing of the inside: no trace, no file, no library, no statement of SQL.
4. A refusal repeats nothing that was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from core.errors import HavenError

_INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|, line \d+|acapy|askar|anoncreds\.|sqlalchemy|sqlite|asyncpg|"
    r"pydantic|fastapi|starlette|aiohttp|httpx|SELECT |INSERT |<class |object at 0x|"
    r"127\.0\.0\.1",
    re.IGNORECASE,
)
_SHORTEST_ECHO = 5  # shorter texts stand in every sentence
_FRAMEWORK = "about:blank"


class Answered(Protocol):
    """What is looked at; answers of requests and of httpx have it."""

    status_code: int
    headers: Any
    content: bytes


def slugs(kind: type[HavenError] = HavenError) -> Iterator[str]:
    """Every type of problem there is."""
    yield f"urn:haven:problem:{kind.slug}"
    for child in kind.__subclasses__():
        yield from slugs(child)


def judge(answer: Answered, sent: Any = None, known: frozenset[str] = frozenset()) -> None:
    """Hold an answer to the list above; `known` are texts that any answer may hold."""
    assert answer.status_code < 500, (answer.status_code, answer.content[:300])
    if answer.status_code < 400:
        return
    text = answer.content.decode()
    assert not _INSIDE.search(text), text[:300]
    echoed = [each for each in texts_in(sent) if each in text and each not in known]
    assert echoed == [], text[:300]
    media_type = _media_type(answer)
    if media_type.startswith("text/html"):
        return
    assert media_type == "application/problem+json"
    problem = json.loads(text)
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == answer.status_code
    assert problem["type"] in {_FRAMEWORK, *slugs()}
    assert problem["title"]
    assert problem["detail"]
    assert not problem["type"].endswith(":internal")


def _media_type(answer: Answered) -> str:
    value = answer.headers["content-type"]
    return str(value[0] if isinstance(value, list) else value)


def texts_in(sent: Any) -> Iterator[str]:
    """Every text in what was sent that is long enough to be known again: keys, values."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            yield from texts_in(name)
            yield from texts_in(value)
    elif isinstance(sent, list | tuple):
        for each in sent:
            yield from texts_in(each)
    elif isinstance(sent, str) and len(sent) >= _SHORTEST_ECHO:
        yield sent
