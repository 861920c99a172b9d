"""Getting tails files: through the host map, within limits, and never half a file.

ACA-Py downloads straight into the file that others look for, blocks its event loop meanwhile,
and puts a name chosen by the issuer into the path. This takes the place of that method.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import base58
from acapy_agent.anoncreds.models.revocation import RevRegDef
from acapy_agent.anoncreds.revocation.revocation import (
    AnonCredsRevocation,
    AnonCredsRevocationError,
)

from agent.webvh.fetch import MAX_TAILS_BYTES, Fetcher
from agent.webvh.identifiers import is_tails_hash
from core.errors import HavenError, VerificationError


async def fetch_tails(fetcher: Fetcher, location: str, tails_hash: str, target: Path) -> None:
    """Download a tails file to `target`, which holds the whole file or is not there.

    Raises:
        VerificationError: step `digest`; the content has another hash.
        NotFound, Unavailable: it cannot be had.
    """
    if not is_tails_hash(tails_hash):
        raise VerificationError("this is not the hash of a tails file", step="digest")
    content = await fetcher.get(location, max_bytes=MAX_TAILS_BYTES)
    if str(base58.b58encode(sha256(content).digest()), "ascii") != tails_hash:
        raise VerificationError("the tails file has another hash", step="digest")
    await asyncio.to_thread(_write, content, target)


def _write(content: bytes, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tails-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def replace_retrieval(fetcher: Fetcher) -> None:
    """Let ACA-Py get tails files this way."""
    AnonCredsRevocation.retrieve_tails = make_retrieval(fetcher)


def make_retrieval(fetcher: Fetcher) -> Callable[[Any, RevRegDef], Awaitable[str]]:
    """A method in the shape of `AnonCredsRevocation.retrieve_tails`."""

    async def retrieve_tails(self: AnonCredsRevocation, rev_reg_def: RevRegDef) -> str:
        value = rev_reg_def.value
        target = Path(self.get_local_tails_path(rev_reg_def))
        try:
            await fetch_tails(fetcher, value.tails_location, value.tails_hash, target)
        except HavenError as error:
            raise AnonCredsRevocationError(error.detail) from error
        return str(target)

    return retrieve_tails
