"""Codes for what comes from elsewhere: each problem of a wallet says what it is
(docs/wallet-and-links.md lists them), also when the error was raised further inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import HavenError, NotFound, Unavailable, VerificationError


@contextmanager
def told_as(code: str, *kinds: type[HavenError]) -> Iterator[None]:
    """Errors of these kinds have this code, unless they have one that says more."""
    try:
        yield
    except kinds as err:
        err.extra.setdefault("code", code)
        raise


@contextmanager
def verifying() -> Iterator[None]:
    """While a statement is verified: what its author publishes may not hold, not be there, or
    not be reached."""
    with (
        told_as("cannot-verify", VerificationError, NotFound),
        told_as("other-side-away", Unavailable),
    ):
        yield
