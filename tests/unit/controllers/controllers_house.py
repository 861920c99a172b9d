"""A whole installation on agents in memory, without sockets, with a clock that tests move.

The organisations of `CAST` exist, with an identity, a role and their grants. Steps that many
tests begin with are methods here; everything else is reached through `haven` and `network`.
"""

from __future__ import annotations

import base64
import copy
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx
from sqlalchemy import inspect, text

from agent.admin import AdminApi
from agent.announcements import Announcement
from agent.organisations import OrganisationsAgent
from agent.wallets import WalletsAgent
from controllers.access import Role
from controllers.app import assemble
from controllers.haven import Haven
from controllers.secrets import load_or_create
from controllers.settings import Settings
from controllers.store.database import Database
from controllers.store.models import Check, Issuance, Organisation
from controllers.verifier.service import Verdict
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.moves import MoveService
from controllers.wallet.offers import OfferService
from controllers.wallet.requests import RequestService
from controllers.wallet.service import WalletService
from controllers.wallet.sessions import OpenWallet
from core.errors import HavenError
from core.ports import TenantRef
from core.secret import Secret
from tests.fakes.agents import FakeOrganisations, FakeWallets
from tests.fakes.network import FakeNetwork

# slug -> role in the framework, credentials it may issue
CAST: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "harbour": ("shelter", ("service-eligibility", "identity")),
    "river": ("shelter", ()),
    "office": ("guardianship-office", ("guardianship",)),
    "fund": ("support-fund", ("support-entitlement",)),
    "court": ("court", ()),
    "payer": ("payment-provider", ()),
}
FUTURE = 20990101
ELIGIBILITY: Mapping[str, str | int | bool] = {
    "status": "assessed",
    "shelter_until": FUTURE,
    "household_size": 2,
    "region": "KH-12",
}
ENTITLEMENT: Mapping[str, str | int | bool] = {
    "payment_ref": "plantedpaymentreferenceabc",
    "limit_minor": 12000,
    "currency": "USD",
    "support_until": FUTURE,
}
IDENTITY: Mapping[str, str | int | bool] = {
    "given_names": "Planted-Given",
    "family_name": "Planted-Family",
    "birthdate_dateint": 19970314,
    "assurance_level": 3,
    "issued_dateint": 20260105,
    "expires_dateint": FUTURE,
}
PAYMENT: Mapping[str, int | str] = {"amount_minor": 4500, "currency": "USD"}


@dataclass
class MovedClock:
    """The machine's clock, moved by what a test says has passed."""

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset


@dataclass
class House:
    """The installation, and who is in it."""

    haven: Haven
    network: FakeNetwork
    clock: MovedClock
    organisations: dict[str, Organisation] = field(default_factory=dict)
    grants: dict[tuple[str, str], str] = field(default_factory=dict)
    announced: bool = True

    @property
    def database(self) -> Database:
        return self.haven.database

    @property
    def wallet(self) -> WalletService:
        return self.haven.wallet

    @property
    def fakes(self) -> tuple[FakeOrganisations, FakeWallets]:
        return cast(FakeOrganisations, self.haven.org), cast(FakeWallets, self.haven.wallets)

    def of(self, slug: str) -> Organisation:
        return self.organisations[slug]

    def tenant(self, slug: str) -> TenantRef:
        return TenantRef(self.of(slug).wallet_id, self.of(slug).token_issued_at)

    def pass_time(self, **span: float) -> None:
        """For us and for the agents."""
        self.clock.offset += timedelta(**span)
        self.network.offset += timedelta(**span)

    async def key(self, slug: str, role: Role) -> str:
        made = await self.haven.organisations.new_key(self.of(slug), role)
        return made.reveal()

    def client(self, key: str | None = None, **options: Any) -> httpx.AsyncClient:
        """Talks to the public app in this process."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.haven.public_app, raise_app_exceptions=False),
            base_url=self.haven.settings.base_url,
            headers=headers,
            **options,
        )

    async def announce(self, announcement: Announcement) -> None:
        """What the organisations' agent's webhooks say, unless they do not arrive."""
        if self.announced:
            await self.haven.inbox.put(announcement)

    async def go_on_at_once(self, announcement: Announcement) -> None:
        """In place of `announce`: a worker that goes on with an issuance when it moves."""
        found = await self.haven.issuer.by_connection(announcement.invitation_id or "")
        found = found or await self.haven.issuer.by_exchange(announcement.record_id)
        if found is not None:
            with suppress(HavenError):
                await self.haven.issuer.advance(found)

    # --- the steps of an issuance -----------------------------------------------------------

    async def new_wallet(self) -> OpenWallet:
        key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        wallet_id = await self.haven.sessions.create_wallet(key)
        session, _ = await self.haven.sessions.open(wallet_id, key)
        return await self.haven.sessions.recognise(session)

    async def offered(
        self,
        slug: str = "harbour",
        credential: str = "service-eligibility",
        values: Mapping[str, Any] = ELIGIBILITY,
    ) -> tuple[Issuance, str, str]:
        """The issuance, its link and the desk's code."""
        issuance, link = await self.haven.issuer.create(self.of(slug), credential, values)
        return issuance, self.address(link.token), link.code or ""

    def address(self, token: str) -> str:
        return f"{self.haven.settings.base_url}/l/{token}"

    async def connect(self, issuance: Issuance, wallet: OpenWallet) -> None:
        """The wallet connects; nothing is offered yet."""
        meeting = await self.haven.issuer.meetings.by_invitation(issuance.id)
        await self.fakes[1].connect(wallet.token, meeting.invitation or {})

    async def issue(
        self,
        wallet: OpenWallet,
        slug: str = "harbour",
        credential: str = "service-eligibility",
        values: Mapping[str, Any] = ELIGIBILITY,
    ) -> Issuance:
        """From the desk into the wallet."""
        issuance, *_ = await self.offered(slug, credential, values)
        return await self.taken(issuance, wallet)

    async def taken(self, issuance: Issuance, wallet: OpenWallet) -> Issuance:
        """An offer goes into a wallet that may be of any make."""
        await self.connect(issuance, wallet)
        await self.haven.issuer.advance(issuance.id)
        (exchange,) = [
            each.holder_side or ""
            for each in self.network.issuances
            if each.reference == issuance.id
        ]
        await self.fakes[1].accept_offer(wallet.token, exchange)
        await self.haven.issuer.advance(issuance.id)
        return await self.issuance(issuance.id)

    async def issuance(self, issuance_id: str) -> Issuance:
        async with self.database.reading() as session:
            return await session.get_one(Issuance, issuance_id)

    # --- the steps of a check ---------------------------------------------------------------

    async def check(
        self, slug: str, name: str, parameters: Mapping[str, int | str] | None = None
    ) -> tuple[Check, str]:
        """The check and its link."""
        check, link = await self.haven.verifier.start(self.of(slug), name, parameters or {})
        return check, self.address(link.token)

    async def present(self, check: Check, wallet: OpenWallet, variant: str = "plain") -> str:
        """The wallet answers as an honest one does; the exchange on the verifier's side."""
        made = await self.haven.verifier.request(check.id, variant)
        invitation = dict(made.invitation)
        request = await self.wallet.requests.take_in(wallet, invitation, dict(made.statement))
        await self.wallet.requests.answer(wallet, request.id, None)
        return made.exchange_id

    async def judged(self, check: Check) -> Check:
        await self.haven.verifier.advance(check.id)
        return await self.stored_check(check)

    async def stored_check(self, check: Check) -> Check:
        async with self.database.reading() as session:
            return await session.get_one(Check, check.id)

    async def accepted(self, check: Check, wallet: OpenWallet) -> bool:
        await self.present(check, wallet)
        return (await self.judged(check)).verdict == Verdict.ACCEPTED

    # --- looking behind ---------------------------------------------------------------------

    async def raw_rows(self) -> str:
        """Every stored value of every table, as text, sealed ones too."""
        found: list[str] = []
        async with self.database.engine.connect() as connection:
            for table in await connection.run_sync(_tables):
                rows = await connection.execute(text(f'SELECT * FROM "{table}"'))
                found += [
                    value.decode("latin-1") if isinstance(value, bytes) else str(value)
                    for row in rows
                    for value in row
                ]
        return "\n".join(found)


def _tables(connection: Any) -> list[str]:
    return list(inspect(connection).get_table_names())


def assembled(
    data_dir: Path, database_url: str, clock: MovedClock, network: FakeNetwork
) -> House:
    """The installation on these agents; nobody is gathered."""
    settings = Settings(data_dir=data_dir, database_url=database_url, registry_size=32)
    haven = assemble(
        settings,
        load_or_create(data_dir),
        org_api=AdminApi(["http://127.0.0.1:1"], Secret("unused")),
        wallets_api=AdminApi(["http://127.0.0.1:1"], Secret("unused")),
        # by their ports the same, as the contract test shows
        org=cast(OrganisationsAgent, FakeOrganisations(network)),
        wallets=cast(WalletsAgent, FakeWallets(network)),
        did_logs=network,
    )
    house = House(haven, network, clock)
    haven.wallet = _wallet_without_sockets(haven)
    network.listener = house.announce
    return house


async def build_house(data_dir: Path, database_url: str) -> House:
    """Everything built and everybody there."""
    house = assembled(data_dir, database_url, MovedClock(), FakeNetwork())
    haven = house.haven
    await haven.database.migrate()
    authority = await haven.organisations.create("authority", "Authority")
    await haven.accreditation.found(authority)
    house.organisations["authority"] = authority
    for slug, (role, credentials) in CAST.items():
        created = await haven.organisations.create(slug, slug.capitalize())
        house.organisations[slug] = created
        await haven.accreditation.admit(created, role, {"en": slug.capitalize()})
        for credential in credentials:
            granted = await haven.accreditation.grant(created, credential)
            house.grants[slug, credential] = granted.grant_id
    return house


def copy_of(house: House, data_dir: Path, clock: MovedClock) -> House:
    """A house with the same people in a copied folder; the first one must be closed."""
    shutil.copytree(house.haven.settings.data_dir, data_dir)
    network = copy.deepcopy(replace(house.network, listener=None))
    copied = assembled(data_dir, f"sqlite+aiosqlite:///{data_dir}/haven.db", clock, network)
    copied.organisations, copied.grants = dict(house.organisations), dict(house.grants)
    return copied


def _wallet_without_sockets(haven: Haven) -> WalletService:
    """The wallet's services as `assemble` builds them, but fetching links in this process."""
    transport = httpx.ASGITransport(haven.public_app, raise_app_exceptions=False)
    base_url = haven.settings.base_url
    fetcher, built = LinkFetcher({base_url: base_url}, transport=transport), haven.wallet
    return WalletService(
        holder=haven.wallets,
        presenting=haven.wallets,
        governance=haven.governance,
        fetcher=fetcher,
        notes=built.notes,
        offers=OfferService(
            holder=haven.wallets,
            verify_statement=haven.wallets.verify_statement,
            governance=haven.governance,
            fetcher=fetcher,
            notes=built.notes,
        ),
        requests=RequestService(
            holder=haven.wallets,
            presenting=haven.wallets,
            verify_statement=haven.wallets.verify_statement,
            governance=haven.governance,
            fetcher=fetcher,
            notes=built.notes,
        ),
        moves=MoveService(
            holder=haven.wallets,
            governance=haven.governance,
            fetcher=fetcher,
            notes=built.notes,
        ),
    )


async def close_house(house: House) -> None:
    await house.haven.stop()


def planted(*values: Any, inside: str) -> list[Any]:
    """Which of the values can be read in a text."""
    return [each for each in values if str(each) in inside]
