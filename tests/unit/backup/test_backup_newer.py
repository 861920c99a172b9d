"""What is taken over from a controllers' database that survived, and what is not."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from controllers.backup.newer import Newer, end_what_was_under_way, take_over
from controllers.moment import now
from controllers.store.database import Database
from controllers.store.models import (
    ApiKey,
    Check,
    FrameworkVersion,
    Issuance,
    Organisation,
    Passkey,
    Proposal,
    Reservation,
    StaffCeremony,
    StaffDuty,
    StaffEnrolment,
    StaffMember,
    StaffSession,
    WalletSession,
)
from core.errors import Unavailable


def address(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def pair(
    tmp_path: Path, sqlite_template: Path
) -> AsyncIterator[tuple[Database, Database]]:
    """A database as the backup has it, and as it went on afterwards."""
    at = now()
    shutil.copyfile(sqlite_template, tmp_path / "backup.db")
    backup = Database(address(tmp_path / "backup.db"))
    async with backup.transaction() as session:
        session.add(
            Organisation(
                id="o", slug="o", label="O", wallet_id="w", token_issued_at=1, created_at=at
            )
        )
        await session.flush()
        for key in ("stolen", "good"):
            session.add(
                ApiKey(
                    id=key,
                    organisation_id="o",
                    role="issue",
                    secret_digest=key,
                    created_at=at,
                )
            )
        session.add(FrameworkVersion(version=1, document="{}", created_at=at))
    await backup.close()
    shutil.copyfile(tmp_path / "backup.db", tmp_path / "later.db")
    later = Database(address(tmp_path / "later.db"))
    backup = Database(address(tmp_path / "backup.db"))
    yield backup, later
    await backup.close()
    await later.close()


async def went_on(later: Database) -> None:
    """A key is ended, a grant is withdrawn, a payment is made."""
    at = now()
    async with later.transaction() as session:
        await session.execute(update(ApiKey).where(ApiKey.id == "stolen").values(ended_at=at))
        session.add(FrameworkVersion(version=2, document='{"withdrawn": 1}', created_at=at))
        session.add(
            Check(
                id="c",
                organisation_id="o",
                name="payment",
                parameters={},
                framework_version=2,
                state="done",
                sealed_disclosed=b"sealed",
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


async def test_what_was_ended_withdrawn_or_paid_is_not_forgotten(
    pair: tuple[Database, Database], tmp_path: Path
) -> None:
    backup, later = pair
    await went_on(later)
    taken = await take_over(backup, address(tmp_path / "later.db"))
    assert taken == Newer(frameworks=1, ended_keys=1, reservations=1, registries=0)
    async with backup.reading() as session:
        ended = {
            key.id: key.ended_at is not None for key in await session.scalars(select(ApiKey))
        }
        assert ended == {"stolen": True, "good": False}
        assert (await session.get_one(FrameworkVersion, 2)).document == '{"withdrawn": 1}'
        assert (await session.get_one(Reservation, ("p", "2026-11"))).check_id == "c"
        check = await session.get_one(Check, "c")
        assert check.sealed_disclosed is None, "what was disclosed is not taken along"
    again = await take_over(backup, address(tmp_path / "later.db"))
    assert again == Newer(), "a second time there is nothing left to take"


async def test_what_is_no_database_of_ours_changes_nothing(
    pair: tuple[Database, Database], tmp_path: Path
) -> None:
    backup, _ = pair
    (tmp_path / "other.db").touch()
    with pytest.raises(Unavailable, match="survived"):
        await take_over(backup, address(tmp_path / "other.db"))


async def test_what_was_under_way_has_ended(pair: tuple[Database, Database]) -> None:
    backup, _ = pair
    at = now()
    later = at + timedelta(minutes=10)
    common = {
        "organisation_id": "o",
        "credential": "c",
        "definition_id": "d",
        "created_at": at,
        "updated_at": at,
        "expires_at": later,
    }
    async with backup.transaction() as session:
        session.add(Issuance(id="offered", state="offered", sealed_values=b"v", **common))
        session.add(
            Issuance(id="sent", state="sent", registry_id="r", registry_index=3, **common)
        )
        session.add(Issuance(id="issued", state="issued", **common))
        session.add(WalletSession(session_digest="s", wallet_id="w", expires_at=later))
    await end_what_was_under_way(backup)
    async with backup.reading() as session:
        found = {each.id: each for each in await session.scalars(select(Issuance))}
        assert (await session.scalars(select(WalletSession))).all() == []
    assert found["offered"].state == "failed"
    assert found["offered"].sealed_values is None
    assert found["sent"].state == "sent", "it is signed and noted: it can be withdrawn"
    assert found["issued"].state == "issued"


async def test_nobody_may_do_anything_at_a_desk_after_a_restore(
    pair: tuple[Database, Database],
) -> None:
    """Who was dismissed, or lost a duty or a device, after the backup stays without it."""
    backup, _ = pair
    at = now()
    later = at + timedelta(hours=1)
    of = {"organisation_id": "o", "created_at": at}
    async with backup.transaction() as session:
        session.add(StaffMember(id="m", sealed_name=b"n", **of))
        await session.flush()
        session.add(StaffDuty(id=1, member_id="m", duty="issue", given_at=at))
        session.add(StaffEnrolment(token_digest="t", member_id="m", expires_at=later))
        session.add(StaffCeremony(id="c", kind="enrol", challenge=b"c", expires_at=later))
        session.add(
            Passkey(
                credential_digest="k",
                member_id="m",
                public_key=b"p",
                sign_count=0,
                created_at=at,
            )
        )
        session.add(
            StaffSession(
                session_digest="s",
                member_id="m",
                browser_digest="b",
                network_digest="n",
                seen_at=at,
                expires_at=later,
            )
        )
        session.add(
            Proposal(
                id="p",
                kind="issue",
                sealed_content=b"v",
                state="open",
                proposed_by="m",
                expires_at=later,
                **of,
            )
        )
    await end_what_was_under_way(backup)
    async with backup.reading() as session:
        for gone in (StaffSession, StaffCeremony):
            assert (await session.scalars(select(gone))).all() == []
        for ended in (StaffDuty, Passkey):
            assert all(each.ended_at for each in await session.scalars(select(ended)))
        assert (await session.get_one(StaffEnrolment, "t")).used_at is not None
        proposal = await session.get_one(Proposal, "p")
        assert (proposal.state, proposal.sealed_content) == ("lapsed", None)
        assert (await session.get_one(StaffMember, "m")).dismissed_at is None  # a name, no more
