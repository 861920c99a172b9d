"""A whole installation is backed up while it runs, lost, and restored elsewhere.

The first installation goes on after the backup: it issues and withdraws what the backup does
not know of. Twice it is restored: with nothing but the backup, and with the controllers'
database that survived.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from controllers.backup.restoring import restore
from controllers.backup.settling import unsettled
from controllers.backup.taking import take
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.models import Issuance, PublishedResource
from controllers.story.checking import why_refused
from controllers.story.issuing import eligibility
from controllers.story.people import Json, Phone
from core.errors import HavenError
from core.secret import Secret
from tests.scenarios.restoring import PASSPHRASE, QUICK, Again, Entry, entries, key, opened
from tests.scenarios.small import gather_small
from tests.support.installation import running_installation

pytestmark = pytest.mark.agents


@dataclass
class Lost:
    """What is left of the first installation: its backup, its people, its old database."""

    backup: Path
    folder: Path
    keys: dict[str, str]
    good: Phone
    revoked: Phone
    revoked_later: Phone
    before: set[Entry]
    after: set[Entry]


@pytest.fixture(scope="module", autouse=True)
def two_wallet_agents() -> Iterator[None]:
    """The wallets are spread over two agents."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HAVEN_WALLET_AGENTS", "2")
        yield


@pytest.fixture(scope="module")
async def lost(tmp_path_factory: pytest.TempPathFactory) -> Lost:
    """An installation, backed up while it works, and stopped some time after that."""
    room = tmp_path_factory.mktemp("backup")
    folder, backup = room / "first", room / "haven.backup"
    async with running_installation(folder) as first:
        (folder / "did-domain").write_text(first.settings.did_domain)
        small = await gather_small(first.settings)
        phones = [await small.phone() for _ in range(3)]
        issued = [await small.issue(phone, **eligibility()) for phone in phones]
        await small.issues.revoke(issued[1])
        before = await entries(first.haven.database)
        taken = await take(first.settings, backup, PASSPHRASE, strength=QUICK)
        assert taken.stores == 9, "the database, three lists, two tenants, three wallets"
        await small.issue(await small.phone(), **eligibility())
        await small.issues.revoke(issued[2])
        after = await entries(first.haven.database) - before
        keys = {role: await key(first, role) for role in ("issue", "check")}
        await small.close()
    return Lost(backup, folder, keys, *phones, before, after)


async def restored(lost: Lost, folder: Path, survived: str | None) -> AsyncIterator[Again]:
    settings = Settings(data_dir=folder, registry_size=32)
    await restore(settings, lost.backup, PASSPHRASE, survived=survived)
    await closed(settings)
    async with running_installation(folder) as installation:
        again = await opened(installation)
        yield again
        await again.close()


async def closed(settings: Settings) -> None:
    """What is left to do is noted, and until it is done nobody may use the API."""
    database = Database(settings.store_url)
    assert len(await unsettled(database)) == 2
    await database.close()


async def listed(database: Database, registry_id: str) -> list[int]:
    """The newest published list of a registry."""
    async with database.reading() as session:
        documents = [
            json.loads(each)
            for each in await session.scalars(select(PublishedResource.document))
        ]
    by_id: dict[str, Json] = {each["id"]: each for each in documents}
    newest = by_id[by_id[registry_id]["links"][-1]["id"]]
    found: list[int] = newest["content"]["revocationList"]
    return found


# --- with the database that survived ------------------------------------------------------


@pytest.fixture(scope="module")
async def informed(
    lost: Lost, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Again]:
    survived = f"sqlite+aiosqlite:///{lost.folder}/haven.db"
    async for again in restored(lost, tmp_path_factory.mktemp("informed") / "data", survived):
        yield again


async def test_what_was_withdrawn_after_the_backup_stays_withdrawn(
    informed: Again, lost: Lost
) -> None:
    assert await informed.verdict(lost.revoked_later) == "refused: revocation: revoked"
    assert await informed.verdict(lost.good) == "accepted"


# --- with nothing but the backup ----------------------------------------------------------


@pytest.fixture(scope="module")
async def again(lost: Lost, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Again]:
    """Restored after the first installation and all its data are gone."""
    shutil.rmtree(lost.folder)
    async for each in restored(lost, tmp_path_factory.mktemp("again") / "data", None):
        yield each


async def test_an_old_credential_verifies(again: Again, lost: Lost) -> None:
    assert await again.verdict(lost.good) == "accepted"


async def test_the_withdrawn_one_is_refused(again: Again, lost: Lost) -> None:
    assert await again.verdict(lost.revoked) == "refused: revocation: revoked"


async def test_no_entry_is_given_a_second_time(again: Again, lost: Lost) -> None:
    phone = await again.small.phone()
    await again.small.issue(phone, **eligibility())
    database = again.installation.haven.database
    fresh = await entries(database) - lost.before
    assert len(fresh) == 1
    assert {registry for registry, _ in fresh}.isdisjoint(
        {registry for registry, _ in lost.before | lost.after}
    )
    _, found = await again.small.check(phone)
    assert why_refused(found) == "accepted"


async def test_what_the_backup_does_not_know_of_is_withdrawn(again: Again, lost: Lost) -> None:
    ((registry_id, unknown),) = lost.after
    found = await listed(again.installation.haven.database, registry_id)
    assert found[unknown] == 1
    standing = {index for index, entry in enumerate(found) if not entry and index}
    known = {index for registry, index in lost.before if registry == registry_id}
    assert standing < known
    assert len(known - standing) == 1, "the one that was withdrawn before the backup"


async def test_an_old_credential_can_still_be_withdrawn(again: Again, lost: Lost) -> None:
    async with again.installation.haven.database.reading() as session:
        query = (
            select(Issuance).where(Issuance.revoked_at.is_(None)).order_by(Issuance.created_at)
        )
        first = (await session.scalars(query)).first()
    assert first is not None
    await again.small.issues.revoke({"id": first.id})
    assert await again.verdict(lost.good) == "refused: revocation: revoked"


async def test_sessions_and_keys_of_the_first_one(again: Again, lost: Lost) -> None:
    """A session of before opens nothing; a key made after the backup is not known."""
    base_url = again.small.base_url
    held = lost.good.open
    bearer = held._http.headers["Authorization"].removeprefix("Bearer ")
    for path, shown in (
        ("/api/wallet/credentials", bearer),
        ("/api/issuer/issuances", lost.keys["issue"]),
    ):
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(
                f"{base_url}{path}", headers={"Authorization": f"Bearer {shown}"}
            )
        assert answer.status_code == 401


# --- refused, and nothing changed ---------------------------------------------------------


@pytest.mark.parametrize("harm", ["cut", "changed", "passphrase", "full", "other"])
async def test_a_restore_that_cannot_be_leaves_nothing(
    lost: Lost, tmp_path: Path, harm: str
) -> None:
    stored, target = bytearray(lost.backup.read_bytes()), tmp_path / "new" / "data"
    if harm == "cut":
        del stored[len(stored) * 3 // 4 :]
    if harm == "changed":
        stored[len(stored) // 2] ^= 1
    if harm == "other":
        stored[:] = b"no backup at all"
    if harm == "full":
        target.mkdir(parents=True)
        (target / "something").write_text("of somebody's")
    before = sorted(target.parent.rglob("*"))
    (tmp_path / "copy").write_bytes(stored)
    passphrase = Secret("another one entirely") if harm == "passphrase" else PASSPHRASE
    with pytest.raises(HavenError) as refusal:
        await restore(Settings(data_dir=target), tmp_path / "copy", passphrase)
    assert refusal.value.detail
    assert sorted(target.parent.rglob("*")) == before


async def test_the_backup_is_private_and_shows_nothing(lost: Lost) -> None:
    assert lost.backup.stat().st_mode & 0o777 == 0o600
    stored = lost.backup.read_bytes()
    assert b"shelter" not in stored
    assert b"SQLite format" not in stored


async def test_the_restored_secrets_are_private(again: Again) -> None:
    data_dir = again.installation.settings.data_dir
    assert data_dir.stat().st_mode & 0o077 == 0
    assert (data_dir / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert load_or_create(data_dir).operator_key
