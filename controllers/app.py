"""The composition root: everything is built here, once, and handed inwards.

Two listeners: a public one (APIs, links, the registry's read side) and one on loopback only
(webhooks, the registry's write side, tails uploads), because ACA-Py sends no credentials with
its tails files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from agent.admin import AdminApi
from agent.organisations import OrganisationsAgent
from agent.sharding import ShardedWallets, Wallets
from agent.wallets import WalletsAgent
from controllers import problems
from controllers.backup.settling import ClosedUntilSettled
from controllers.desks.routers import routers as desk_routers
from controllers.desks.services import Desks
from controllers.events import EventStream
from controllers.federation import router as federation_routes
from controllers.federation.service import Federation
from controllers.governance import changing as changing_routes
from controllers.governance import faces
from controllers.governance import router as governance_routes
from controllers.governance.accreditation import AccreditationService
from controllers.governance.drafts import Drafts
from controllers.governance.service import GovernanceService
from controllers.governance.signatory import OrganisationsSign
from controllers.governance.site.router import routers as site_routers
from controllers.governance.site.service import Site
from controllers.haven import Haven
from controllers.idempotency import Repeatable
from controllers.issuer import router as issuer_routes
from controllers.issuer.revoking import Revoker
from controllers.issuer.service import IssuerService
from controllers.limits import Limits, Networks, limiter_of
from controllers.links import moves as moves_routes
from controllers.links import router as links_routes
from controllers.links.service import LinkService
from controllers.observing import Observing
from controllers.organisations.service import OrganisationService
from controllers.registry.logs import Logs
from controllers.registry.router import public_router, write_router
from controllers.registry.service import RegistryService
from controllers.sealing import Seal
from controllers.secrets import InstallationSecrets
from controllers.settings import Settings
from controllers.shell import Shell
from controllers.shell import routes as shell_routes
from controllers.statements import StatementMaker
from controllers.store.database import Database
from controllers.tracing import FRAMEWORKS_OWN
from controllers.trqp import routes as trqp
from controllers.verifier import router as verifier_routes
from controllers.verifier.judging import Judge
from controllers.verifier.service import VerifierService
from controllers.wallet import evidence as evidence_routes
from controllers.wallet import router as wallet_routes
from controllers.wallet.fetching import LinkFetcher
from controllers.wallet.locks import router as lock_routes
from controllers.wallet.locks.service import LockService
from controllers.wallet.moves import MoveService
from controllers.wallet.notes import Notes
from controllers.wallet.offers import OfferService
from controllers.wallet.requests import RequestService
from controllers.wallet.service import WalletService
from controllers.wallet.sessions import SessionService
from controllers.webhooks import router as webhooks_router
from controllers.webhooks.inbox import Inbox
from controllers.webhooks.worker import Purge, Worker
from core.ports import DidLogs

STATIC = Path(__file__).parent / "static"
VERSION = "0.1.0"
MOST_BODY = 256 * 1024
MOST_TAILS_BODY = 10 * 1024 * 1024


def build(settings: Settings, secrets: InstallationSecrets) -> Haven:
    """Build everything; opens nothing yet."""
    org_secrets, wallet_secrets = secrets.agents["org"], secrets.agents["wallets"]
    observing = Observing(settings, secrets)
    org_api = AdminApi(
        settings.org_admins, org_secrets.admin_key, observer=observing.calls_to("organisations")
    )
    told = observing.calls_to("wallets")
    shards = [
        AdminApi([url], wallet_secrets.admin_key, observer=told)
        for url in settings.wallet_admins
    ]
    wallets = [WalletsAgent(api, wallet_secrets.jwt_secret) for api in shards]
    return assemble(
        settings,
        secrets,
        org_api=org_api,
        wallets_api=shards[0],
        further_shards=shards[1:],
        org=OrganisationsAgent(org_api, org_secrets.jwt_secret),
        wallets=wallets[0] if len(wallets) == 1 else ShardedWallets(wallets),
        observing=observing,
    )


def assemble(
    settings: Settings,
    secrets: InstallationSecrets,
    *,
    org_api: AdminApi,
    wallets_api: AdminApi,
    org: OrganisationsAgent,
    wallets: Wallets,
    further_shards: Sequence[AdminApi] = (),
    observing: Observing | None = None,
    did_logs: DidLogs | None = None,
) -> Haven:
    """Build on the given agents; tests put others in their place."""
    observing = observing or Observing(settings, secrets)
    ground = _Ground.of(settings, org, did_logs)
    database, governance, public_app = ground.database, ground.governance, _public_app()
    desks = Desks.built(settings, secrets, database)
    desk = _Desk(settings, secrets, ground, org, observing)
    issuer, verifier, notes = desk.issuer(), desk.verifier(), Notes(wallets)
    locks = LockService(database, notes, secrets.sealing_key)
    sessions = _sessions(settings, secrets, database, wallets, locks)
    links, inbox, events = LinkService(database), Inbox(database), EventStream(database)
    repeatable = Repeatable(database, Seal(secrets.sealing_key, "repeatable"))
    purging = (verifier, links, inbox, sessions, locks, repeatable, events, desks)
    purges = [*(each.purge for each in purging), governance.refresh, ground.drafts.finish]
    haven = Haven(
        settings=settings,
        secrets=secrets,
        database=database,
        org_api=org_api,
        wallets_api=wallets_api,
        further_shards=tuple(further_shards),
        org=org,
        wallets=wallets,
        registry=ground.registry,
        did_logs=ground.did_logs,
        governance=governance,
        drafts=ground.drafts,
        federation=Federation(governance),
        organisations=ground.organisations,
        accreditation=ground.accreditation(settings, org),
        issuer=issuer,
        verifier=verifier,
        sessions=sessions,
        locks=locks,
        wallet=_wallet(settings, governance, wallets, notes, public_app),
        links=links,
        desks=desks,
        inbox=inbox,
        worker=desk.worker(inbox, issuer, verifier, purges),
        repeatable=repeatable,
        events=events,
        observing=observing,
        public_app=public_app,
        internal_app=FastAPI(title="Haven, inside", openapi_url=None, telemetry=FRAMEWORKS_OWN),
    )
    return _equipped(haven)


def _equipped(haven: Haven) -> Haven:
    _equip_public(haven)
    _equip_internal(haven)
    _observe(haven)
    return haven


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything stands on: the store, who there is, and the rules."""

    database: Database
    registry: RegistryService
    did_logs: DidLogs
    organisations: OrganisationService
    governance: GovernanceService
    drafts: Drafts

    @classmethod
    def of(
        cls, settings: Settings, org: OrganisationsAgent, did_logs: DidLogs | None
    ) -> _Ground:
        database = Database(settings.store_url)
        registry = RegistryService(database, domain=settings.did_domain)
        logs = did_logs or Logs(registry, domain=settings.did_domain)
        organisations = OrganisationService(database, org)
        signatory = OrganisationsSign(organisations, org, logs)
        governance = GovernanceService(database, signatory)
        drafts = Drafts(database, governance, signatory)
        return cls(database, registry, logs, organisations, governance, drafts)

    def accreditation(
        self, settings: Settings, org: OrganisationsAgent
    ) -> AccreditationService:
        return AccreditationService(
            self.governance, self.organisations, org, settings.registry_size, settings.base_url
        )


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the issuing and the checking side are both built from."""

    settings: Settings
    secrets: InstallationSecrets
    ground: _Ground
    org: OrganisationsAgent
    observing: Observing

    def issuer(self) -> IssuerService:
        return IssuerService(
            database=self.ground.database,
            governance=self.ground.governance,
            organisations=self.ground.organisations,
            agent=self.org,
            revoker=Revoker(self.ground.database, self.org),
            statements=StatementMaker(self.org),
            seal=Seal(self.secrets.sealing_key, "issuance"),
            offer_minutes=self.settings.offer_minutes,
        )

    def verifier(self) -> VerifierService:
        return VerifierService(
            database=self.ground.database,
            governance=self.ground.governance,
            organisations=self.ground.organisations,
            agent=self.org,
            judge=Judge(self.org, self.org),
            statements=StatementMaker(self.org),
            seal=Seal(self.secrets.sealing_key, "check"),
            check_minutes=self.settings.check_minutes,
            observe_verdict=self.observing.metrics.answer_to_verdict.observe,
        )

    def worker(
        self,
        inbox: Inbox,
        issuer: IssuerService,
        verifier: VerifierService,
        purges: Sequence[Purge],
    ) -> Worker:
        return Worker(
            inbox=inbox,
            issuer=issuer,
            verifier=verifier,
            purges=purges,
            sweep_seconds=self.settings.sweep_seconds,
            watch=self.observing.watch,
        )


def _public_app() -> FastAPI:
    # no pages that describe the API: they load scripts from a third party
    return FastAPI(
        title="Haven",
        version=VERSION,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        telemetry=FRAMEWORKS_OWN,
    )


def _sessions(
    settings: Settings,
    secrets: InstallationSecrets,
    database: Database,
    wallets: Wallets,
    locks: LockService,
) -> SessionService:
    return SessionService(
        database,
        wallets,
        Seal(secrets.session_key, "session"),
        settings.session_minutes,
        before_destroying=locks.forget_wallet,
    )


def _wallet(
    settings: Settings,
    governance: GovernanceService,
    wallets: Wallets,
    notes: Notes,
    app: FastAPI,
) -> WalletService:
    own = f"http://127.0.0.1:{settings.public_port}"
    fetcher = LinkFetcher({settings.base_url: own}, app=app)
    return WalletService(
        holder=wallets,
        presenting=wallets,
        governance=governance,
        fetcher=fetcher,
        notes=notes,
        offers=OfferService(
            holder=wallets,
            verify_statement=wallets.verify_statement,
            governance=governance,
            fetcher=fetcher,
            notes=notes,
        ),
        requests=RequestService(
            holder=wallets,
            presenting=wallets,
            verify_statement=wallets.verify_statement,
            governance=governance,
            fetcher=fetcher,
            notes=notes,
        ),
        moves=MoveService(holder=wallets, governance=governance, fetcher=fetcher, notes=notes),
    )


def _equip_public(haven: Haven) -> None:
    app = haven.public_app
    app.state.haven = haven
    app.add_middleware(ClosedUntilSettled, database=haven.database)
    problems.install(app, MOST_BODY)
    networks = Networks(haven.settings.trusted_proxies)
    app.add_middleware(Limits, limiter=limiter_of(haven.settings), networks=networks)
    # first: routes are tried in their order, and this is asked a thousand times a second
    registry = trqp.routes(haven.governance, haven.database, haven.settings.base_url)
    app.mount(trqp.PLACE, registry, name="trqp")
    for routes in (
        issuer_routes,
        verifier_routes,
        wallet_routes,
        evidence_routes,
        lock_routes,
        governance_routes,
        changing_routes,
        federation_routes,
        links_routes,
        moves_routes,
    ):
        app.include_router(routes.router)
    for desk_router in desk_routers():
        app.include_router(desk_router)
    settings = haven.settings
    for site in site_routers(Site(haven.governance, settings.base_url, settings.leave_to)):
        app.include_router(site)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    pinned = haven.settings.framework_authority
    shell = Shell(haven.settings.leave_to, authority=pinned)
    app.mount("/wallet", shell_routes(shell), name="wallet")
    app.include_router(faces.router)
    app.include_router(public_router(haven.registry))


def _equip_internal(haven: Haven) -> None:
    app = haven.internal_app
    problems.install(app, MOST_TAILS_BODY)
    app.include_router(webhooks_router.router(haven.worker, haven.secrets.agents))
    app.include_router(write_router(haven.registry, haven.secrets.registry_write_key.reveal()))


def _observe(haven: Haven) -> None:
    """Last, so that it stands around all that was added before."""
    haven.observing.surround(
        public_app=haven.public_app,
        internal_app=haven.internal_app,
        database=haven.database,
        worker=haven.worker,
        org_api=haven.org_api,
        wallets_apis=(haven.wallets_api, *haven.further_shards),
    )
