"""A whole installation in a thread of its own, with people in it, for tests that shout at it.

schemathesis calls and waits; the controllers live in an event loop. So the loop has a thread,
and real sockets are between the two. The agents are in memory. Nothing is swept in the
background: what changes in the database was changed by a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import sqlite3
import threading
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controllers.story.cast import Cast, gather_cast
from controllers.story.issuing import eligibility, entitlement, in_days, issue
from controllers.story.people import Phone
from controllers.story.telling import Teller
from core.errors import HavenError
from tests.support.installation import Swift, running_on_fakes

_NEVER = 3600.0
_PATIENCE = 30.0
# what a refused request may change: that a wallet is in use, that a code was tried, that an
# answer is kept for a repetition
_MAY_CHANGE = {
    "wallet_session": {"expires_at"},
    "link": {"tries_left", "claim_digest"},
}
_LEFT_OUT = {"repeatable_request", "alembic_version"}
_COUNTED = ("organisation", "issuance", "check_made", "reservation", "api_key", "link")
_NEWEST = "SELECT id FROM {} ORDER BY created_at DESC, rowid DESC LIMIT 1"
PAYMENT = {"amount_minor": 100, "currency": "USD"}


@dataclass
class Inhabited:
    """What runs, who may do what, and what there is to be asked about."""

    swift: Swift
    cast: Cast
    phone: Phone
    loop: asyncio.AbstractEventLoop
    known: dict[str, list[str]] = field(default_factory=dict)
    samples: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.swift.settings.public_port}"

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run something in the installation's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_PATIENCE)

    def bearers(self) -> dict[str, str]:
        """A token of each kind."""
        return {
            "operator": self.swift.secrets.operator_key.reveal(),
            "issue": _token(self.cast.issuing("shelter-a")),
            "check": _token(self.cast.checking("payer")),
            "wallet": _token(self.phone.open),
            "unknown": "hvn_0123456789abcdef_nobody",
        }

    def fitting(self, path: str) -> str:
        """The kind of token that a path asks for."""
        for part, kind in (
            ("/issuer/", "issue"),
            ("/verifier/", "check"),
            ("/wallet/", "wallet"),
        ):
            if part in path:
                return kind
        return "operator"

    def reopen(self) -> None:
        """Unlock the wallet again."""
        self.run(_unlocked(self.phone))

    def advance(self) -> None:
        """Let the worker take up the newest issuance and check, as its sweep would in time."""
        haven = self.swift.haven
        with sqlite3.connect(self.swift.settings.data_dir / "haven.db") as database:
            (issuance,) = database.execute(_NEWEST.format("issuance")).fetchone()
            (check,) = database.execute(_NEWEST.format("check_made")).fetchone()
        database.close()
        for _ in range(3):  # a step back, and forward again
            for work in (haven.issuer.advance(issuance), haven.verifier.advance(check)):
                with contextlib.suppress(HavenError):  # as the worker: it tries again
                    self.run(work)

    def fingerprint(self) -> str:
        """Everything that is stored, here and on the agents, in one value."""
        with sqlite3.connect(self.swift.settings.data_dir / "haven.db") as database:
            self._settle(database)
            digest = hashlib.sha256()
            for table, row in _rows(database):
                digest.update(f"{table}{row}".encode())
        database.close()
        digest.update(str(_agents(self.swift)).encode())
        return digest.hexdigest()

    def counts(self) -> dict[str, int]:
        """How much there is of what must not come into being twice, once all is at rest."""
        with sqlite3.connect(self.swift.settings.data_dir / "haven.db") as database:
            self._settle(database)
            found = {
                table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in _COUNTED
            }
        database.close()
        mine = self.swift.network.wallets[self.phone.wallet_id]
        found["credentials"] = len(mine.credentials)
        found["receipts"] = len([key for key in mine.notes if key[0] == "history"])
        return found

    def _settle(self, database: sqlite3.Connection) -> None:
        """Wait until the worker has handled what was announced to it."""
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            waiting = database.execute("SELECT count(*) FROM inbox WHERE handled < heard")
            if waiting.fetchone()[0] == 0:
                return
            time.sleep(0.01)
        raise TimeoutError("the worker does not come to rest")


def _rows(database: sqlite3.Connection) -> Iterator[tuple[str, list[Any]]]:
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in sorted(tables):
        if table in _LEFT_OUT:
            continue
        cursor = database.execute(f'SELECT * FROM "{table}" ORDER BY 1')
        kept = [
            position
            for position, column in enumerate(cursor.description)
            if column[0] not in _MAY_CHANGE.get(table, ())
        ]
        for row in cursor:
            yield table, [row[position] for position in kept]


def _agents(swift: Swift) -> list[Any]:
    """What the agents hold, counted; and where every exchange stands."""
    network = swift.network
    return [
        len(network.tenants),
        len(network.definitions),
        len(network.schemas),
        [(each.issued, len(each.lists)) for each in network.registries.values()],
        [(each.state, each.forgotten) for each in network.issuances],
        [(key, each.state) for key, each in network.requests.items()],
        [
            (key, sorted(each.credentials), sorted(each.notes))
            for key, each in network.wallets.items()
        ],
    ]


def _token(caller: object) -> str:
    return str(vars(caller)["_http"].headers["authorization"]).removeprefix("Bearer ")


async def _unlocked(phone: Phone) -> Phone:
    """Unlocked here, and let go of the client: only its token is used."""
    await phone.unlock()
    await phone.open.close()
    return phone


@contextmanager
def inhabited(folder: Path) -> Iterator[Inhabited]:
    """Start it, people it, give it, stop it."""
    started: list[Inhabited] = []
    failed: list[BaseException] = []
    ready, done = threading.Event(), threading.Event()

    async def live() -> None:
        async with running_on_fakes(folder, sweep_seconds=_NEVER) as swift:
            started.append(await _peopled(swift))
            ready.set()
            await asyncio.to_thread(done.wait)
            await started[0].cast.close()

    def lived() -> None:
        try:
            asyncio.run(live())
        except BaseException as error:  # told to the test, which waits for it
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=lived, name="inhabited")
    thread.start()
    try:
        ready.wait()
        if failed:
            raise failed[0]
        yield started[0]
    finally:
        done.set()
        thread.join()
    if failed:
        raise failed[0]


async def _peopled(swift: Swift) -> Inhabited:
    teller = Teller()
    cast = await gather_cast(teller, swift.settings, swift.secrets.operator_key)
    phone = await (await Phone.new(cast.base_url)).unlock()
    world = Inhabited(swift, cast, phone, asyncio.get_running_loop())
    await _issuances(world)
    await _checks(world)
    await _government(world)
    held, history = await phone.credentials(), await phone.open.get("/api/wallet/history")
    world.known["credential_id"] = [each["id"] for each in held]
    world.known["entry_id"] = [each["id"] for each in history["items"]]
    world.known["wallet_id"] = [phone.wallet_id]
    return world


async def _issuances(world: Inhabited) -> None:
    """Credentials that are held, an offer that is looked at, one that nobody opened."""
    desk, phone = world.cast.issuing("shelter-a"), world.phone
    identity = {
        "given_names": "Invented",
        "family_name": "Person",
        "birthdate_dateint": 19980412,
        "assurance_level": 2,
        "issued_dateint": in_days(0),
        "expires_dateint": in_days(365),
    }
    made = [
        await issue(world.cast, phone, "shelter-a", "identity", **identity),
        await issue(world.cast, phone, "shelter-a", "service-eligibility", **eligibility()),
    ]
    await issue(world.cast, phone, "fund", "support-entitlement", **entitlement())
    for each in made:
        await desk.issued(each)
    waiting = await desk.offer("service-eligibility", **eligibility())
    looked_at = await desk.offer("service-eligibility", **eligibility())
    seen = await phone.look(looked_at["link"], looked_at["code"])
    world.samples["offer"] = waiting
    world.known["offer_id"] = [seen["id"]]
    world.known["ended issuance_id"] = [each["id"] for each in made]
    world.known["issuance_id"] = [made[0]["id"], waiting["id"], looked_at["id"]]
    world.known["token"] = [_token_of(waiting), _token_of(looked_at)]


async def _checks(world: Inhabited) -> None:
    """A check that was answered, one that is looked at, one that nobody opened."""
    desk, phone = world.cast.checking("payer"), world.phone
    answered = await desk.ask("payment", **PAYMENT)
    await phone.show(answered)
    await desk.verdict(answered)
    waiting, looked_at = (
        await desk.ask("payment", **PAYMENT),
        await desk.ask("payment", **PAYMENT),
    )
    seen = await phone.look(looked_at["link"])
    world.samples["check"] = waiting
    world.known["request_id"] = [seen["id"]]
    world.known["ended check_id"] = [answered["id"]]
    world.known["check_id"] = [answered["id"], waiting["id"], looked_at["id"]]
    world.known["token"] += [_token_of(waiting), _token_of(looked_at)]


async def _government(world: Inhabited) -> None:
    """An organisation, a key and a grant that nobody else needs."""
    operator = world.cast.operator
    spare = {"slug": "spare", "label": "Spare House", "role": "shelter", "name": "Spare"}
    await operator.post("/api/governance/organisations", spare)
    await operator.post("/api/governance/organisations/spare/keys", {"role": "issue"})
    keys = await operator.get("/api/governance/organisations/spare/keys")
    granted = await operator.post(
        "/api/governance/grants", {"organisation": "spare", "credential": "identity"}
    )
    world.known["slug"] = ["spare"]
    world.known["key_id"] = [each["id"] for each in keys["items"]]
    world.known["grant_id"] = [granted["grant_id"]]
    renewing = {"operation": {"kind": "renew"}}
    drafts = [await operator.post("/api/governance/drafts", renewing) for _ in range(3)]
    await operator.post(f"/api/governance/drafts/{drafts[0]['id']}/drop", {})
    world.known["draft_id"] = [each["id"] for each in drafts]


def _token_of(made: dict[str, Any]) -> str:
    return str(made["link"]).rpartition("/")[2]
