"""Changing keys without agents: what is refused, and what breaks off and is finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from aries_askar import Store
from sqlalchemy import insert, select

from agent.stores import base_name
from controllers.installation import org_options, wallet_options
from controllers.moment import now
from controllers.rotating import rotate_keys
from controllers.running import only_one
from controllers.sealing import Seal
from controllers.secrets import load, load_or_create
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.models import Check, Organisation, Reservation, WalletRecovery
from controllers.wallet.locks.rows import RECOVERY, Device, DeviceRows, Slot
from core.errors import ConfigurationError, Conflict, Unavailable


@dataclass
class Stopped:
    """A stopped installation: secrets, a database, and the three lists of stores."""

    settings: Settings

    async def opens(self) -> bool:
        """Whether every list opens with the key in secrets.json."""
        secrets = load(self.settings.data_dir)
        options = [org_options(self.settings, secrets)]
        options += [wallet_options(self.settings, secrets, shard) for shard in range(2)]
        for each in options:
            uri = f"sqlite://{each.home}/wallet/{base_name(each)}/sqlite.db"
            store = await Store.open(uri, "raw", each.secrets.wallet_key.reveal())
            await store.close()
        return True


@pytest.fixture
async def stopped(tmp_path: Path) -> Stopped:
    settings = Settings(data_dir=tmp_path / "data", wallet_agents=2)
    secrets = load_or_create(settings.data_dir)
    options = [org_options(settings, secrets)]
    options += [wallet_options(settings, secrets, shard) for shard in range(2)]
    for each in options:
        folder = each.home / "wallet" / base_name(each)
        folder.mkdir(parents=True)
        key = each.secrets.wallet_key.reveal()
        await (await Store.provision(f"sqlite://{folder}/sqlite.db", "raw", key)).close()
    database = Database(settings.store_url)
    await database.migrate()
    await database.close()
    return Stopped(settings)


async def reserve(settings: Settings) -> None:
    """A payment that was accepted and can not be accepted again in its period."""
    database, at = Database(settings.store_url), now()
    async with database.transaction() as session:
        session.add(
            Organisation(
                id="o", slug="o", label="O", wallet_id="w", token_issued_at=1, created_at=at
            )
        )
        await session.flush()
        session.add(
            Check(
                id="c",
                organisation_id="o",
                name="payment",
                parameters={},
                framework_version=1,
                state="done",
                created_at=at,
                updated_at=at,
                expires_at=at,
            )
        )
        await session.flush()
        session.add(
            Reservation(
                pseudonym="p",
                period="2026-11",
                check_id="c",
                amount=1,
                period_ends=at + timedelta(days=3),
            )
        )
    await database.close()


async def test_every_list_of_stores_gets_its_new_key(stopped: Stopped) -> None:
    before = load(stopped.settings.data_dir)
    await rotate_keys(stopped.settings, sealing=False, forget_payments=False)
    after = load(stopped.settings.data_dir)
    assert await stopped.opens()
    for name in ("org", "wallets"):
        assert before.agents[name].wallet_key != after.agents[name].wallet_key
    assert before.sealing_key == after.sealing_key, "only when it is asked for"
    assert before.operator_key != after.operator_key
    assert (stopped.settings.data_dir / "secrets.json").stat().st_mode & 0o777 == 0o600


async def test_what_broke_off_is_finished_by_asking_again(
    stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def falls(*_: object) -> None:
        raise Unavailable("in the middle")

    folder = stopped.settings.data_dir
    with monkeypatch.context() as broken:
        broken.setattr("controllers.rotating._seal_anew", falls)
        with pytest.raises(Unavailable):
            await rotate_keys(stopped.settings, sealing=True, forget_payments=False)
    made = load(folder, "secrets.next.json")
    await rotate_keys(stopped.settings, sealing=True, forget_payments=False)
    assert load(folder).operator_key == made.operator_key
    assert await stopped.opens()


async def test_the_sealing_key_waits_for_payments(stopped: Stopped) -> None:
    await reserve(stopped.settings)
    before = load(stopped.settings.data_dir)
    with pytest.raises(Conflict, match="second time"):
        await rotate_keys(stopped.settings, sealing=True, forget_payments=False)
    assert load(stopped.settings.data_dir).operator_key == before.operator_key
    assert not (stopped.settings.data_dir / "secrets.next.json").exists()
    await rotate_keys(stopped.settings, sealing=True, forget_payments=True)
    assert load(stopped.settings.data_dir).sealing_key != before.sealing_key


async def test_while_haven_runs_no_key_is_changed(stopped: Stopped) -> None:
    before = load(stopped.settings.data_dir)
    refused = pytest.raises(ConfigurationError, match="runs already")
    with only_one(stopped.settings.data_dir), refused:
        await rotate_keys(stopped.settings, sealing=False, forget_payments=False)
    assert load(stopped.settings.data_dir).operator_key == before.operator_key


async def test_without_an_installation_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no secrets"):
        await rotate_keys(Settings(data_dir=tmp_path), sealing=False, forget_payments=False)
    assert not (tmp_path / "secrets.json").exists()


async def test_pins_and_recovery_codes_open_with_the_new_sealing_key(stopped: Stopped) -> None:
    settings, old = stopped.settings, load(stopped.settings.data_dir).sealing_key
    device = Device((Slot("a", "box a"), Slot("b", "box b")))
    database = Database(settings.store_url)
    await database.write(lambda steps: DeviceRows(old).add(steps, "d", device))
    sealed = Seal(old, RECOVERY).seal("box", "r")
    await database.change(insert(WalletRecovery), lookup_digest="r", sealed=sealed)
    await rotate_keys(settings, sealing=True, forget_payments=False)
    new = load(settings.data_dir).sealing_key
    assert new != old
    assert await database.read(lambda steps: DeviceRows(new).get(steps, "d")) == device
    row = await database.row(select(WalletRecovery.__table__))
    assert row is not None
    assert Seal(new, RECOVERY).open(row.sealed, "r") == "box"
    await database.close()
