"""Changing the installation's own keys, while it is stopped.

1. New secrets are made and laid beside the old ones, in `secrets.next.json`.
2. The stores that list tenants and wallets are given their new keys; if asked, the values that
   rest sealed are sealed anew.
3. The new secrets take the place of the old ones. The next start uses them.

Whatever breaks off is finished by asking again: the keys that were made are in the file.

Not changed here: the keys in organisations' stores (they sign credentials and identities), and
holders' keys, which only they have. docs/operations.md says what to do if one was stolen.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from agent.stores import rekey_base, store_is_there
from controllers.backup.taking import keys_lock
from controllers.installation import org_options, wallet_options
from controllers.issuer.references import pseudonym_of
from controllers.moment import now
from controllers.running import only_one
from controllers.sealing import Seal
from controllers.secrets import (
    InstallationSecrets,
    generate,
    load,
    registry_key_file,
    write_private,
)
from controllers.settings import MOST_OF_EACH, Settings
from controllers.store.database import Database
from controllers.store.models import (
    Check,
    DeskPlace,
    Issuance,
    Proposal,
    RepeatableRequest,
    Reservation,
    StaffMember,
    StaffSession,
    WalletDevice,
    WalletRecovery,
)
from controllers.wallet.locks.rows import DEVICE, RECOVERY
from core.errors import Conflict
from core.secret import Secret

_NEXT = "secrets.next.json"


async def rotate_keys(settings: Settings, *, sealing: bool, forget_payments: bool) -> None:
    """Change every key that needs only a restart; with `sealing`, that of sealed values too.

    Raises:
        ConfigurationError: Haven runs on this data folder, or there is no installation.
        Conflict: payments are reserved whose digests would be lost; nothing was changed.
        Unavailable: a store does not open.
    """
    load(settings.secrets_folder)  # there is an installation
    with only_one(settings.data_dir), keys_lock(settings.secrets_folder):
        old = load(settings.secrets_folder)
        database = Database(settings.store_url)
        try:
            await database.migrate()
            if sealing and not forget_payments:
                await _require_no_reservation(database)
            following = _following(settings.secrets_folder, old, sealing=sealing)
            await _rekey_stores(settings, old, following)
            if old.sealing_key != following.sealing_key:
                await _seal_anew(database, old.sealing_key, following.sealing_key)
        finally:
            await database.close()
        (settings.secrets_folder / _NEXT).replace(settings.secrets_folder / "secrets.json")
        key_file = registry_key_file(settings.secrets_folder)
        write_private(key_file, following.registry_write_key.reveal())


async def _require_no_reservation(database: Database) -> None:
    async with database.reading() as session:
        query = select(func.count()).where(Reservation.period_ends > now())
        count = await session.scalar(query.select_from(Reservation))
    if count:
        raise Conflict(
            f"{count} payments are still reserved, by a digest under the sealing key: with "
            "another one they could be paid a second time. Wait until their periods are "
            "over, or say --forget-payments and compare with the till."
        )


def _following(folder: Path, old: InstallationSecrets, *, sealing: bool) -> InstallationSecrets:
    """The secrets that come next: those of an attempt that broke off, or new ones."""
    path = folder / _NEXT
    if not path.exists():
        made = generate()
        if not sealing:
            made["sealing_key"] = old.sealing_key.reveal()
        write_private(path, json.dumps(made, indent=1))
    return load(folder, _NEXT)


async def _rekey_stores(
    settings: Settings, old: InstallationSecrets, following: InstallationSecrets
) -> None:
    org = org_options(settings, old)
    if org.database_url is not None or store_is_there(org):
        await rekey_base(org, following.agents["org"].wallet_key)
    for shard in range(MOST_OF_EACH):
        wallets = wallet_options(settings, old, shard)
        if store_is_there(wallets):
            await rekey_base(wallets, following.agents["wallets"].wallet_key)


# --- sealed values ------------------------------------------------------------------------


async def _seal_anew(database: Database, old: Secret, new: Secret) -> None:
    """One transaction: every sealed value of every kind, or none."""
    async with database.transaction() as session:
        for model, key, column, purpose in (
            (Issuance, Issuance.id, "sealed_values", "issuance"),
            (Issuance, Issuance.id, "sealed_invitation", "issuance"),
            (Issuance, Issuance.id, "sealed_reference", "issuance"),
            (StaffMember, StaffMember.id, "sealed_name", "staff"),
            (DeskPlace, DeskPlace.id, "sealed_name", "staff"),
            (Proposal, Proposal.id, "sealed_content", "staff"),
            (Check, Check.id, "sealed_disclosed", "check"),
            (WalletDevice, WalletDevice.device_digest, "sealed", DEVICE),
            (WalletRecovery, WalletRecovery.lookup_digest, "sealed", RECOVERY),
        ):
            sealed = getattr(model, column)
            rows = await session.execute(select(key, sealed).where(sealed.is_not(None)))
            opening, sealing = Seal(old, purpose), Seal(new, purpose)
            for row_id, content in rows.all():
                again = _again(opening, sealing, content, row_id)
                await session.execute(
                    update(model).where(key == row_id).values({column: again})
                )
        await _find_references_anew(session, Seal(new, "issuance"))
        # sessions are bound to a browser and a network by digests under the key
        await session.execute(delete(StaffSession))
        # answers to requests that may be repeated for a day, found by a digest under the key
        await session.execute(delete(RepeatableRequest))


async def _find_references_anew(session: AsyncSession, seal: Seal) -> None:
    """Organisations find issuances by a digest of their reference under the key."""
    query = select(Issuance.id, Issuance.organisation_id, Issuance.sealed_reference)
    rows = await session.execute(query.where(Issuance.sealed_reference.is_not(None)))
    for row in rows.all():
        reference = seal.open(row.sealed_reference or b"", row.id)
        found_by = pseudonym_of(seal, row.organisation_id, reference)
        await session.execute(
            update(Issuance).where(Issuance.id == row.id).values(reference_pseudonym=found_by)
        )


def _again(opening: Seal, sealing: Seal, content: bytes, context: str) -> bytes:
    document: Any = opening.open(content, context)
    return sealing.seal(document, context)
