"""Many issuances over small registries, which fill and are followed by new ones; then many
revocations at once; then every credential is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from controllers.bench.cast import ELIGIBILITY
from controllers.bench.exchanges import Batch, check, issue_kept, own_values, run
from controllers.bench.figures import Report
from controllers.bench.house import House, Topology, running
from controllers.bench.people import Desk, Phone
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.models import Issuance
from controllers.story.people import Json

_REGISTRY, _ISSUANCES, _REVOCATIONS, _AT_ONCE = 32, 200, 25, 8


@dataclass(frozen=True, slots=True)
class Held:
    """A wallet, and the one issuance whose credential it holds."""

    phone: Phone
    offer: Json


async def registries(report: Report, data_dir: Path, topology: Topology) -> None:
    """200 issuances, 8 at once, over registries of 32; 25 revocations; 200 checks."""
    async with running(
        data_dir, topology, credentials=(ELIGIBILITY,), registry_size=_REGISTRY
    ) as house:
        held = await _issue(report, house)
        revoked, good = held[:_REVOCATIONS], held[_REVOCATIONS:]
        await _revoke(report, house, revoked)
        await _show(report, house, revoked, "registry.revoked_but_not_refused", "refused")
        await _show(report, house, good, "registry.good_but_not_accepted", "accepted")


async def give(desk: Desk, phone: Phone) -> Held:
    """An eligibility for a wallet. Raises Lost."""
    return Held(phone, (await issue_kept(desk, phone, ELIGIBILITY, own_values()))[0])


async def revoke_at_once(desk: Desk, held: Sequence[Held]) -> Batch[None]:
    """Withdraw these credentials, one call for each, all at the same moment."""
    return await run([partial(desk.revoke, each.offer) for each in held], len(held))


async def _issue(report: Report, house: House) -> list[Held]:
    phones = (await run([partial(Phone.new, house.line)] * _ISSUANCES, 4)).done
    desk = house.cast.issuing[ELIGIBILITY]
    batch = await run([partial(give, desk, phone) for phone in phones], _AT_ONCE)
    failed = _ISSUANCES - len(batch.done)
    report.add("registry.issuances.failed", failed, "", batch.why)
    report.add("registry.issuances.per_second", len(batch.done) / batch.seconds, "/s")
    used, duplicates = await entries(house.settings)
    report.add("registry.used", used, "", f"registries of {_REGISTRY} entries")
    report.add("registry.issuances.duplicate_entries", duplicates, "")
    counts = await run([each.phone.credentials for each in batch.done], _AT_ONCE)
    missing = sum(len(found) != 1 for found in counts.done) + len(counts.lost)
    report.add("registry.issuances.missing_in_wallet", missing, "", counts.why)
    return batch.done


async def _revoke(report: Report, house: House, held: Sequence[Held]) -> None:
    desk = house.cast.issuing[ELIGIBILITY]
    batch = await revoke_at_once(desk, held)
    failed = len(held) - len(batch.done)
    report.add("registry.revocations.failed", failed, "", batch.why)
    report.add("registry.revocations.seconds", batch.seconds, "s", f"{len(held)} at once")


async def _show(
    report: Report, house: House, held: Sequence[Held], name: str, expected: str
) -> None:
    works = [partial(check, house.cast.checks, each.phone, expected=expected) for each in held]
    batch = await run(works, _AT_ONCE)
    report.add(name, len(held) - len(batch.done), "", batch.why or f"of {len(held)}")


async def connections(settings: Settings) -> int:
    """Over how many different connections credentials were issued."""
    database = Database(settings.store_url)
    try:
        async with database.reading() as session:
            count = select(func.count(Issuance.connection_id.distinct()))
            return int(await session.scalar(count) or 0)
    finally:
        await database.close()


async def entries(settings: Settings) -> tuple[int, int]:
    """How many registries were used, and how many issuances share an entry with another."""
    database = Database(settings.store_url)
    entry = (Issuance.registry_id, Issuance.registry_index)
    issued = Issuance.registry_id.is_not(None)
    try:
        async with database.reading() as session:
            registries_ = await session.scalar(
                select(func.count(Issuance.registry_id.distinct()))
            )
            rows = await session.scalar(select(func.count()).where(issued))
            distinct = select(*entry).where(issued).distinct().subquery()
            different = await session.scalar(select(func.count()).select_from(distinct))
    finally:
        await database.close()
    return int(registries_ or 0), int(rows or 0) - int(different or 0)
