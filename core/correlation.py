"""What joins the log lines of one piece of work: an id that says nothing by itself.

For a request it is random, made here and never taken from a caller: a chosen one could carry a
value into the log. For work in the background it is a keyed digest of what is worked on, so
that lines about one exchange can be joined while none of them names it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CURRENT: ContextVar[str | None] = ContextVar("haven_correlation", default=None)

LENGTH = 16


def current() -> str | None:
    """The id of the work that is being done now, if it has one."""
    return _CURRENT.get()


def fresh() -> str:
    """An id for a request: 64 random bits, short enough to be read out."""
    return secrets.token_hex(LENGTH // 2)


def become(identifier: str) -> None:
    """Go on under another id, until the surrounding `correlated` ends."""
    _CURRENT.set(identifier)


@contextmanager
def correlated(identifier: str | None) -> Iterator[None]:
    """Everything inside is logged with this id."""
    token = _CURRENT.set(identifier)
    try:
        yield
    finally:
        _CURRENT.reset(token)
