"""After a restore no PIN has more tries than before, and nothing forgotten opens again."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from controllers.backup.locks import give_no_try_back
from controllers.moment import now
from controllers.sealing import Seal
from controllers.store.brief import Steps
from controllers.store.database import Database
from controllers.store.models import WalletDevice, WalletRecovery
from controllers.wallet.locks.ladder import RESTORED, Count, Counts, attempt
from controllers.wallet.locks.rows import RECOVERY, Device, DeviceRows, Slot
from core.secret import Secret

KEY = Secret("the sealing key of the backup")
NAMES = ("phone", "stolen", "tablet")
SLOTS = (Slot("a", "box a"), Slot("b", "box b"))


@dataclass
class Place:
    """A database, and what is in it."""

    path: Path
    key: Secret = KEY

    @property
    def address(self) -> str:
        return f"sqlite+aiosqlite:///{self.path}"

    @property
    def database(self) -> Database:
        return Database(self.address)

    async def put(self, name: str, device: Device, *, new: bool = False) -> None:
        rows, database = DeviceRows(self.key), self.database

        def work(steps: Steps) -> None:
            if new:
                rows.add(steps, name, device)
            rows.put(steps, name, device)

        await database.write(work)
        await database.close()

    async def devices(self) -> dict[str, Device]:
        database = self.database
        found = await database.rows(select(WalletDevice.__table__))
        await database.close()
        opened = DeviceRows(self.key).opened
        return {row.device_digest: opened(row.device_digest, row.sealed) for row in found}

    async def change(self, *statements: object) -> None:
        database = self.database
        for statement in statements:
            await database.change(statement)  # type: ignore[arg-type] # statements they are
        await database.close()

    async def restored(self, survived: str | None = None) -> dict[str, Device]:
        database = self.database
        await give_no_try_back(database, self.key, survived)
        await database.close()
        return await self.devices()

    async def codes(self) -> dict[str, bytes]:
        database = self.database
        found = await database.rows(select(WalletRecovery.__table__))
        await database.close()
        return {row.lookup_digest: row.sealed for row in found}


@pytest.fixture
async def backup(tmp_path: Path, sqlite_template: Path) -> Place:
    place = Place(tmp_path / "backup.db")
    shutil.copyfile(sqlite_template, place.path)
    for name in NAMES:
        await place.put(name, Device(SLOTS), new=True)
    for name in ("code", "replaced"):
        sealed = Seal(KEY, RECOVERY).seal("box", name)
        await place.change(insert(WalletRecovery).values(lookup_digest=name, sealed=sealed))
    return place


@pytest.fixture
async def later(backup: Place, tmp_path: Path) -> Place:
    """It went on: a phone was forgotten, a code replaced, a PIN changed, another tried."""
    place = Place(tmp_path / "later.db")
    shutil.copyfile(backup.path, place.path)
    await place.put("phone", Device(SLOTS, tried(7)))
    await place.put("tablet", Device(SLOTS).with_slot(1, Slot("c", "box c")))
    await place.put("new", Device(SLOTS), new=True)
    await place.change(
        delete(WalletDevice).where(WalletDevice.device_digest == "stolen"),
        update(WalletRecovery)
        .where(WalletRecovery.lookup_digest == "replaced")
        .values(lookup_digest="instead"),
    )
    return place


def tried(times: int) -> Counts:
    return Count(times, now()), Count(times, now())


async def test_without_a_newer_database_the_right_pin_opens_and_few_wrong_ones_wait(
    backup: Place,
) -> None:
    await backup.put("tablet", Device(SLOTS, tried(20)))
    found = await backup.restored()
    assert {name: each.counts[0].wrong for name, each in found.items()} == {
        "phone": RESTORED,
        "stolen": RESTORED,
        "tablet": 20,
    }
    assert attempt(found["phone"].counts, 1, now()).opened == 1
    assert attempt(found["tablet"].counts, 1, now()).opened is None
    counts = found["phone"].counts
    for _ in range(4):
        last = attempt(counts, None, now())
        counts = last.counts
    assert last.wait > timedelta(hours=23)
    rows = (
        sqlite3.connect(backup.path).execute("SELECT forget_at FROM wallet_device").fetchall()
    )
    assert all(forget_at for (forget_at,) in rows), "it is forgotten in its time"


async def test_a_newer_database_tells_what_was_tried_changed_and_forgotten(
    backup: Place, later: Place
) -> None:
    found = await backup.restored(later.address)
    assert found == {
        name: each for name, each in (await later.devices()).items() if name != "new"
    }
    assert found["phone"].counts[0].wrong == 7
    assert found["tablet"].slots[1].box == "box c"
    codes = await backup.codes()
    assert codes.keys() == {"code"}, "neither the replaced one, nor one that no wallet knows"
    assert Seal(KEY, RECOVERY).open(codes["code"], "code") == "box"


async def test_what_was_sealed_with_another_key_meanwhile_stays_as_it_was(
    backup: Place, tmp_path: Path, sqlite_template: Path
) -> None:
    rotated = Place(tmp_path / "rotated.db", Secret("the key after it was changed"))
    shutil.copyfile(sqlite_template, rotated.path)
    await rotated.put("phone", Device(SLOTS), new=True)
    found = await backup.restored(rotated.address)
    assert found.keys() == {"phone"}, "what was forgotten is forgotten all the same"
    assert found["phone"].counts[0].wrong == RESTORED


async def test_a_database_from_before_there_were_devices_changes_nothing(
    backup: Place, tmp_path: Path
) -> None:
    sqlite3.connect(tmp_path / "old.db").close()
    found = await backup.restored(f"sqlite+aiosqlite:///{tmp_path}/old.db")
    assert found.keys() == set(NAMES)
    assert (await backup.codes()).keys() == {"code", "replaced"}
