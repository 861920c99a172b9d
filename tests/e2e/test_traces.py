"""What is left behind: in the browser after leaving and after locking, and on the server.

Marked values go into a wallet by hand, on real agents; then everything that the browser keeps
and everything that the installation writes is searched for them. What is found is told by its
name, never shown. And: with all that the server has, the wallet's store does not open.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aries_askar import Store
from aries_askar.error import AskarError

from agent.keys import raw_wallet_key
from agent.stores import base_name, opened
from controllers.installation import wallet_options
from controllers.sealing import Seal
from controllers.store.brief import table_of
from controllers.store.models import WalletDevice, WalletRecovery
from controllers.story.cast import Cast
from controllers.story.issuing import eligibility, in_days
from controllers.story.people import Json
from controllers.wallet.locks.rows import RECOVERY, DeviceRows
from controllers.wallet.locks.service import digest_of
from tests.e2e.app import PIN, App
from tests.e2e.heard import Heard
from tests.e2e.kept import Kept, kept_by, told
from tests.e2e.phones import Browsers, Phones, Site
from tests.e2e.tour import take
from tests.scenarios.searching import files_below
from tests.support.installation import Installation
from tests.support.overheard import controllers_log

pytestmark = [pytest.mark.agents, pytest.mark.browser]

GIVEN, FAMILY, REGION = "Qwertimaria", "Zxcvgonzalez", "QX-7ZP"
IDENTITY: dict[str, str | int] = {
    "given_names": GIVEN,
    "family_name": FAMILY,
    "birthdate_dateint": 19980412,
    "assurance_level": 2,
}
WHO = ("Harbour House", "District Court", "River House")  # public, but not on her phone
# what may stand in the browser: said by name, and nothing else is there
MAY_KEEP = {"device"}
TELLING = ("subject_ref", "payment_ref", "link_shelter", "link_court")
# a page of the app's own origin that is not the app, to look at what is kept there
PLAIN = "/wallet/manifest.en.webmanifest"
STATIC = (".js", ".css", ".json", ".svg", ".png", ".webmanifest", ".txt", "/wallet/")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_HEX = 64  # digits of 32 bytes


@dataclass
class Story:
    """What was planted, what was seen afterwards, and the log that was written meanwhile."""

    log: Path
    heard: Heard = field(default_factory=Heard)
    planted: dict[str, str] = field(default_factory=dict, repr=False)
    public: dict[str, str] = field(default_factory=dict, repr=False)
    kept: dict[str, Kept] = field(default_factory=dict, repr=False)
    left_at: str = ""

    @property
    def in_browser(self) -> dict[str, str]:
        """Nothing of this may be in a browser."""
        return self.planted | self.public | self.heard.without(*MAY_KEEP)

    @property
    def at_server(self) -> dict[str, str]:
        """Nothing of this may be at the server. A wallet's id is its own to know."""
        return self.planted | self.heard.without("wallet_id")


@pytest.fixture(scope="module")
async def story(
    browsers: Browsers,
    site: Site,
    cast: Cast,
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Play it all; afterwards the wallet is locked."""
    log = tmp_path_factory.mktemp("logs") / "controllers.log"
    found = Story(log)
    with controllers_log(log):
        async with AsyncExitStack() as stack:
            phones = Phones(browsers, stack)
            await play(found, App(await phones(site)), cast)
            assert phones.troubles == []
        await asyncio.sleep(1.5)  # the sweep and the worker finish what is under way
    return found


async def play(found: Story, app: App, cast: Cast) -> None:
    phone = app.phone
    phone.expect("401")
    found.heard.listen(phone)
    await carry_out(found, app, cast)
    # (a) she leaves quickly, with a card open before her
    await app.page.locator("main button.card[data-card=identity]").click()
    await app.screen("card")
    assert await kept_by_now(found, app) >= {"given names", "family name"}, "the search works"
    await app.leave_quickly()
    found.left_at = app.page.url
    found.kept["left, the page"] = await kept_by(app.page)
    await app.page.goto(phone.site.base_url + PLAIN)  # the same tab: its session storage
    found.kept["left, the origin"] = await kept_by(app.page)
    # (b) she opens it again, looks, and locks
    await phone.reopen()
    await app.unlock()
    await app.go("history")
    await app.page.locator("main button.row").first.click()
    await app.screen("receipt")
    await app.lock()
    found.kept["locked"] = await kept_by(app.page)
    # once more with a link that waits, and a wrong PIN typed
    await app.unlock()
    await app.lock()
    await app.unlock("908172", then=None)
    await app.said()
    found.kept["locked, after a wrong PIN"] = await kept_by(app.page)
    await found.heard.complete()


async def kept_by_now(found: Story, app: App) -> set[str]:
    """What of the planted stands on the page now."""
    return (await kept_by(app.page)).told(found.planted)


async def carry_out(found: Story, app: App, cast: Cast) -> None:
    """Set up, take two cards, show one, leave an offer waiting."""
    shelter, court = cast.issuing("shelter-a"), cast.checking("court")
    code = await app.set_up()
    words = code.split()
    identity = IDENTITY | {"issued_dateint": in_days(0), "expires_dateint": in_days(365)}
    made = [
        await take(app, shelter, "identity", **identity),
        await take(app, shelter, "service-eligibility", **eligibility(region=REGION)),
    ]
    asked = await court.ask("court")
    await app.paste(asked["link"], "request")
    await app.press("request.accept")
    await app.outcome("shown")
    assert (await court.verdict(asked))["verdict"] == "accepted"
    waiting = await shelter.offer("service-eligibility", **eligibility(region=REGION))
    await app.paste(waiting["link"], "deskcode")
    await app.enter_desk_code(waiting["code"])
    await app.page.locator("header").get_by_label(app.says("go.back")).click()
    await app.screen("home")
    await found.heard.complete()
    found.planted |= {
        "given names": GIVEN,
        "family name": FAMILY,
        "region": REGION,
        "PIN": PIN,
        "wrong PIN": "908172",
        "recovery words": code,
        "recovery words, the last": " ".join(words[-3:]),
        "recovery words, as a list": json.dumps(words[:3]),
        **await references(app, found.heard.sessions[-1]),
    }
    for place, each in enumerate((*made, waiting, asked)):
        found.planted[f"link {place}"] = str(each["link"]).rpartition("/")[2]
        if "code" in each:
            found.planted[f"desk code {place}"] = each["code"]
    found.public |= {each: each for each in WHO}
    found.public |= await receipts(app, found.heard.sessions[-1])


async def references(app: App, session: str) -> dict[str, str]:
    """The references on the cards."""
    cards = await ask(app, session, "credentials")
    assert len(cards) == 2
    return {
        f"{place} {value['attribute']}": value["value"]
        for place, card in enumerate(cards)
        for value in card["values"]
        if value["attribute"] in TELLING and value["value"]
    }


async def receipts(app: App, session: str) -> dict[str, str]:
    """The ids in the history. That of a question is known to who asked it."""
    history = await ask(app, session, "history")
    assert {each["event"] for each in history} == {"received", "shown"}
    return {f"receipt {place}": each["id"] for place, each in enumerate(history)}


async def ask(app: App, session: str, what: str) -> list[Json]:
    """What the wallet answers in a session."""
    headers = {"Authorization": f"Bearer {session}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as wallet:
        answer = await wallet.get(f"{app.phone.site.base_url}/api/wallet/{what}")
    found: list[Json] = answer.json()["items"]
    return found


# --- in the browser --------------------------------------------------------------------------

LOOKS = ("left, the page", "left, the origin", "locked", "locked, after a wrong PIN")


def test_every_kind_of_value_was_planted(story: Story) -> None:
    """A search for nothing would find nothing."""
    kinds = {name.split()[0] for name in story.heard.secrets}
    assert kinds == {"key", "device", "proof", "box", "lookup", "wallet_id", "session"}
    assert len(story.heard.sessions) == 3
    assert sum(name.startswith("link") for name in story.planted) == 4
    assert sum(name.startswith("desk code") for name in story.planted) == 3
    assert {name for name in story.planted if name.endswith("_ref")}
    assert all(len(value) >= 6 for value in story.in_browser.values())
    assert set(story.kept) == set(LOOKS)


@pytest.mark.parametrize("look", LOOKS)
def test_the_browser_keeps_none_of_it(story: Story, look: str) -> None:
    """Storage of every kind, the page with its hidden parts, its address, title and state."""
    assert story.kept[look].told(story.in_browser) == set()


@pytest.mark.parametrize("look", LOOKS[1:])
def test_the_app_keeps_only_what_is_known(story: Story, look: str) -> None:
    """The language; of the device an id, a salt and a key that no script reads out; and how
    far the public rules had come, which says the same of everybody."""
    found = story.kept[look].found
    assert dict(found["local"]) == {"language": "en"}
    assert found["session"] == {}
    assert (found["cookies"], found["jar"]) == ("", [])
    assert list(found["databases"]) == ["app"]
    kept = dict(found["databases"]["app"]["kept"])
    assert list(found["databases"]["app"]) == ["kept"]
    device, seen = kept.pop("device"), kept.pop("rules")
    assert kept == {}
    assert set(seen) == {"authority", "sequence", "digest", "signers"}
    assert [each["did"] for each in seen["signers"]["members"]] == [seen["authority"]]
    assert set(device) == {"id", "salt", "key"}
    assert device["id"] == story.heard.first("device")
    assert len(base64.b64decode(device["salt"]["bytes"])) == 16
    secret = device["key"]["cryptoKey"]
    assert (secret["type"], secret["extractable"], secret["usages"]) == (
        "secret",
        False,
        ["sign"],
    )
    assert set(secret["exported"].values()) == {"InvalidAccessError"}


@pytest.mark.parametrize("look", LOOKS[1:])
def test_only_the_app_s_own_files_are_cached(story: Story, look: str, site: Site) -> None:
    """The same for everybody: whose phone this is, is in none of them."""
    found = story.kept[look].found
    addresses = [name.partition(" ")[2] for name in found["cached"]]
    assert addresses
    assert all(each.startswith(site.app) and "#" not in each for each in addresses)
    assert all(each.endswith(STATIC) for each in addresses)


def test_a_tab_that_was_left_shows_nothing_of_it(story: Story, site: Site) -> None:
    page = story.kept["left, the page"].found["page"]
    assert story.left_at == site.leave_to
    assert (page["name"], page["state"]) == ("", "null")
    assert page["title"] == "Elsewhere"
    assert story.kept["left, the page"].found["local"] == {}


@pytest.mark.parametrize("look", LOOKS[2:])
def test_a_locked_page_says_nothing_but_that_it_is_locked(
    story: Story, look: str, site: Site
) -> None:
    page = story.kept[look].found["page"]
    assert page["address"] == site.app
    assert page["title"] == "Cards"
    # how many entries of the app lie behind this one, whatever was opened
    assert json.loads(page["state"] or "null") in (None, {"behind": 1})
    assert page["name"] == ""
    assert page["fields"] == [""] * len(page["fields"])


# --- at the server, with the wallet locked --------------------------------------------------


def sqlite_text(file: Path) -> bytes:
    """Every column of every row of every table, whatever it is named."""
    address = f"file:{file}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=20)) as database:
        database.text_factory = bytes
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = [row[0].decode() for row in names.fetchall()]
        rows = [row for each in tables for row in database.execute(f'SELECT * FROM "{each}"')]
    return b"\x00".join(
        column if isinstance(column, bytes) else str(column).encode()
        for row in rows
        for column in row
    )


def test_no_file_of_the_installation_has_it(installation: Installation, story: Story) -> None:
    """Byte by byte: databases with pages that were freed, stores, logs, whatever lies about."""
    files = files_below(installation.settings.data_dir)
    assert {"haven.db", "secrets.json"} <= set(files)
    assert any(name.endswith("sqlite.db") for name in files)
    assert any(story.heard.first("wallet_id").encode() in each for each in files.values())
    found = {name: told(content, story.at_server) for name, content in files.items()}
    assert {name: each for name, each in found.items() if each} == {}


def test_no_row_of_a_database_has_it(installation: Installation, story: Story) -> None:
    """All tables of the controllers' database and of the agents' stores."""
    files = [
        path
        for path in sorted(installation.settings.data_dir.rglob("*.db"))
        if path.read_bytes()[:15] == b"SQLite format 3"
    ]
    assert len(files) > 3
    contents = {path.parent.name + "/" + path.name: sqlite_text(path) for path in files}
    assert any(story.heard.first("wallet_id").encode() in each for each in contents.values())
    found = {name: told(content, story.at_server) for name, content in contents.items()}
    assert {name: each for name, each in found.items() if each} == {}


def test_no_log_has_it(installation: Installation, story: Story) -> None:
    """Neither the controllers' nor the agents': no id of a device, no proof, no box, no PIN."""
    logs = files_below(installation.settings.log_dir) | {"ours": story.log.read_bytes()}
    assert {"org-agent.log", "wallet-agent.log"} <= set(logs)
    found = {name: told(content, story.at_server) for name, content in logs.items()}
    assert {name: each for name, each in found.items() if each} == {}


async def test_nothing_that_the_server_has_opens_the_wallet(
    installation: Installation, story: Story
) -> None:
    """Every secret and every value that is kept, unsealed as far as its own keys unseal it,
    is tried as the key of the wallet's store. The phone's key opens it."""
    wallet_id = story.heard.first("wallet_id")
    name, record = await store_of(installation, wallet_id)
    values = [
        *texts_of(json.loads((installation.settings.data_dir / "secrets.json").read_text())),
        *texts_of(record),
        *await rows_of(installation, wallet_id),
        *await unsealed(installation, story.heard.first("device")),
    ]
    home = wallet_options(installation.settings, installation.secrets).home
    address = f"sqlite://{home / 'wallet' / name / 'sqlite.db'}"
    tried = {key for value in values for key in candidates(value)}
    assert len(tried) > 40
    opening = [key for key in tried if await opens(address, key)]
    assert opening == []
    right = base64.urlsafe_b64decode(story.heard.first("key") + "=")
    assert await opens(address, raw_wallet_key(right).reveal()), "the phone's key does"


async def opens(address: str, key: str) -> bool:
    try:
        store = await Store.open(address, "raw", key)
    except AskarError:
        return False
    await store.close()
    return True


async def store_of(installation: Installation, wallet_id: str) -> tuple[str, Json]:
    """What the wallet agent keeps of a wallet, and how the store is called."""
    options = wallet_options(installation.settings, installation.secrets)
    async with (
        opened(options, base_name(options), options.secrets.wallet_key) as store,
        store.session() as session,
    ):
        entry = await session.fetch("wallet_record", wallet_id)
    record = entry.value_json
    assert "wallet.key" not in record["settings"]
    return record["settings"]["wallet.name"], record | {"tags": entry.tags}


async def rows_of(installation: Installation, wallet_id: str) -> list[str]:
    """The rows about this wallet, and those that say of nobody whose they are."""
    found = []
    with closing(sqlite3.connect(installation.settings.data_dir / "haven.db")) as database:
        tables = ("wallet_session", "wallet_device", "wallet_recovery", "repeatable_request")
        for table in tables:
            cursor = database.execute(f"SELECT * FROM {table}")
            names = [each[0] for each in cursor.description]
            for row in cursor.fetchall():
                if "wallet_id" in names and row[names.index("wallet_id")] != wallet_id:
                    continue
                found += [each.hex() if isinstance(each, bytes) else str(each) for each in row]
    return found


async def unsealed(installation: Installation, device: str) -> list[str]:
    """What the installation's own keys lay open of this wallet's device and of every code."""
    database, key = installation.haven.database, installation.secrets.sealing_key
    table = table_of(WalletDevice)
    async with database.reading() as session:
        devices = (await session.execute(table.select())).all()
        codes = (await session.execute(table_of(WalletRecovery).select())).all()
    mine = [each for each in devices if each.device_digest == digest_of(device)]
    assert len(mine) == 1
    slots = DeviceRows(key).opened(mine[0].device_digest, mine[0].sealed).slots
    boxes = [str(Seal(key, RECOVERY).open(each.sealed, each.lookup_digest)) for each in codes]
    assert boxes
    return [text for each in slots for text in (each.proof, each.box)] + boxes


def texts_of(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        for each in found.values():
            yield from texts_of(each)
    elif isinstance(found, list | tuple):
        for each in found:
            yield from texts_of(each)
    else:
        yield str(found)


def candidates(value: str) -> set[str]:
    """The keys that a value could be or hold: itself, its bytes, a digest of it, and each run
    of 32 bytes at the ends of something longer."""
    raws = {hashlib.sha256(value.encode()).digest(), value.encode()}
    if len(value) >= _HEX:
        with_hex = _bytes_or_none(lambda: bytes.fromhex(value))
        raws |= {with_hex} if with_hex else set()
    as_text = _bytes_or_none(
        lambda: base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_")
    )
    raws |= {as_text} if as_text else set()
    longer = {raw for raw in raws if len(raw) > 32}
    raws |= {each for raw in longer for each in (raw[:32], raw[12:44], raw[-32:], raw[-48:-16])}
    raws |= {hashlib.sha256(raw).digest() for raw in set(raws)}
    keys = [raw for raw in raws if len(raw) == 32]
    return (
        {value} | {raw_wallet_key(raw).reveal() for raw in keys} | {base58(raw) for raw in keys}
    )


def base58(raw: bytes) -> str:
    """The bytes as a key is written."""
    number, letters = int.from_bytes(raw), ""
    while number:
        number, place = divmod(number, 58)
        letters = BASE58[place] + letters
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + letters


def _bytes_or_none(read: Any) -> bytes | None:
    try:
        return bytes(read())
    except (ValueError, binascii.Error):
        return None
