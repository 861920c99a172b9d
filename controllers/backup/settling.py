"""What is left to do when a restored installation first runs, before anybody may use it.

A backup is older than the moment it is restored in. What was issued since is not in it, and
that is dangerous twice: an entry of a revocation registry could be given to a second
credential, and a credential that nobody here knows of could never be withdrawn. So:

1. `haven restore` lets every registry of the backup count as used up (agent/stores.py), and
   notes them in the data folder;
2. while that note is there, the API answers that it is being brought in order;
3. every definition gets new registries;
4. in the old ones, each entry that no issuance here has is withdrawn: what was issued after the
   backup is refused, and has to be issued again;
5. the note is removed. A failure at any step is repaired by doing it again.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.registries import renew_registries
from agent.stores import RetiredRegistry
from controllers.organisations.service import did_of, tenant_of
from controllers.problems import problem
from controllers.secrets import write_private
from controllers.store.models import Issuance, Organisation
from core.errors import HavenError, Unavailable

if TYPE_CHECKING:
    from controllers.haven import Haven

LOGGER = logging.getLogger(__name__)

_NOTE, _LOCK = "restored.json", "settling.lock"
_BATCH = 200  # ACA-Py asks its store for all of them in one question
_WAIT_SECONDS = 2.0


class SettledRegistry(BaseModel):
    """A registry of the backup; all of it is public."""

    model_config = ConfigDict(frozen=True)

    wallet_id: str
    registry_id: str
    definition_id: str
    size: int
    entries: int


class Settlement(BaseModel):
    """The note that a restore leaves in the data folder."""

    model_config = ConfigDict(frozen=True)

    made_at: datetime
    registries: tuple[SettledRegistry, ...]

    @classmethod
    def of(cls, made_at: datetime, retired: list[RetiredRegistry]) -> Settlement:
        """From what was found in the stores."""
        return cls(
            made_at=made_at,
            registries=tuple(SettledRegistry(**asdict(each)) for each in retired),
        )


def write_settlement(data_dir: Path, settlement: Settlement) -> None:
    """Leave the note."""
    write_private(data_dir / _NOTE, settlement.model_dump_json(indent=1))


def is_unsettled(data_dir: Path) -> bool:
    """Whether there is something left to do."""
    return (data_dir / _NOTE).exists()


class ClosedUntilSettled:
    """Answers every request to the API with 503 until the note is gone."""

    def __init__(self, app: ASGIApp, data_dir: Path) -> None:
        self._app, self._data_dir = app, data_dir
        self._unsettled = is_unsettled(data_dir)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run one request."""
        closed = self._unsettled and scope["type"] == "http"
        if closed and scope["path"].startswith("/api/"):
            self._unsettled = is_unsettled(self._data_dir)
            if self._unsettled:
                await problem(_CLOSED)(scope, receive, send)
                return
        await self._app(scope, receive, send)


_CLOSED = Unavailable(
    "This installation was restored from a backup and is being brought in order; "
    "please try again in a few minutes"
)


def close_until_settled(app: FastAPI, data_dir: Path) -> None:
    """Put the guard around an app, if the data folder was just restored."""
    if is_unsettled(data_dir):
        app.add_middleware(ClosedUntilSettled, data_dir=data_dir)


async def settle(haven: Haven) -> None:
    """Bring a restored installation in order, trying again until it is; then it is open."""
    data_dir = haven.settings.data_dir
    while is_unsettled(data_dir):
        try:
            with _alone(data_dir) as mine:
                if mine and await haven.org_api.ready():
                    await _settle_once(haven)
        except HavenError as error:
            LOGGER.warning("not in order yet: %s", type(error).__name__)
        if is_unsettled(data_dir):
            await asyncio.sleep(_WAIT_SECONDS)


@contextmanager
def _alone(data_dir: Path) -> Iterator[bool]:
    """Whether this process is the one that does it; replicas on one folder wait."""
    with (data_dir / _LOCK).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


async def _settle_once(haven: Haven) -> None:
    note = haven.settings.data_dir / _NOTE
    if not note.exists():
        return
    settlement = Settlement.model_validate_json(note.read_text())
    by_wallet: dict[str, list[SettledRegistry]] = defaultdict(list)
    for registry in settlement.registries:
        by_wallet[registry.wallet_id].append(registry)
    for organisation in await haven.organisations.all():
        # a tenant whose organisation the backup does not know can do nothing
        await _settle_organisation(haven, organisation, by_wallet[organisation.wallet_id])
    note.unlink()
    LOGGER.warning("the restored installation is in order, and open")


async def _settle_organisation(
    haven: Haven, organisation: Organisation, registries: list[SettledRegistry]
) -> None:
    token = haven.org.token(tenant_of(organisation))
    sizes = {each.definition_id: each.size for each in registries}
    for definition_id, size in sizes.items():
        await renew_registries(haven.org_api, token, did_of(organisation), definition_id, size)
    for registry in registries:
        await _withdraw_unknown(haven, organisation, registry)


async def _withdraw_unknown(
    haven: Haven, organisation: Organisation, registry: SettledRegistry
) -> None:
    async with haven.database.reading() as session:
        known = set(
            await session.scalars(
                select(Issuance.registry_index).where(
                    Issuance.registry_id == registry.registry_id
                )
            )
        )
    unknown = [index for index in range(1, registry.entries) if index not in known]
    for start in range(0, len(unknown), _BATCH):
        batch = unknown[start : start + _BATCH]
        await haven.org.revoke(tenant_of(organisation), registry.registry_id, batch)
    LOGGER.info("%s entries without an issuance were withdrawn", len(unknown))
