"""Nothing about a person, and no key, stays where it is not sealed (docs/adr/0006).

Marked values go through issuing, checks and refusals, honest and not; then everything that
an installation writes is searched for them. What is found is told by its name, never shown.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes

import httpx
import pytest

from agent.foreign import send, tampered
from controllers.qr import qr_code
from controllers.story.cast import Cast
from controllers.story.issuing import eligibility, entitlement, in_days, issue
from controllers.story.outside import Outside, key_of
from controllers.story.people import Desk, Json, Phone, Refused
from tests.scenarios.holders import new_phone, prepare
from tests.scenarios.searching import database_files, database_text, files_below, found_in
from tests.support.installation import Installation
from tests.support.overheard import Overheard, controllers_log, overhearing

pytestmark = pytest.mark.agents

GIVEN, FAMILY = "Qwertimaria", "Zxcvgonzalez"
IDENTITY: dict[str, str | int] = {
    "given_names": GIVEN,
    "family_name": FAMILY,
    "birthdate_dateint": 19980412,
    "assurance_level": 2,
}
AMOUNT: dict[str, str | int] = {"amount_minor": 100, "currency": "USD"}
FORGED = "zforgedreference"
# attributes whose values are references or names: what would tell who somebody is
TELLING = ("given_names", "family_name", "subject_ref", "payment_ref")


@dataclass
class Planted:
    """Every marked value by its name, and what was answered and made on the way."""

    wallet_id: str = ""  # no secret: what a search must find
    values: dict[str, str] = field(default_factory=dict, repr=False)
    problems: list[Json] = field(default_factory=list, repr=False)
    made: list[Json] = field(default_factory=list, repr=False)

    def plant(self, **values: str) -> None:
        self.values |= {name.replace("_", " "): value for name, value in values.items()}

    def link(self, name: str, made: Json) -> Json:
        """A link that was handed out, with its code if it has one."""
        self.made.append(made)
        self.values[f"{name} link"] = str(made["link"]).rpartition("/")[2]
        if "code" in made:
            self.values[f"{name} code"] = str(made["code"])
        return made


@pytest.fixture(scope="module")
async def log_file(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    path = tmp_path_factory.mktemp("logs") / "controllers.log"
    with controllers_log(path):
        yield path


@pytest.fixture(scope="module")
def heard(installation: Installation) -> Iterator[Overheard]:
    with overhearing(installation) as listening:
        yield listening


@pytest.fixture(scope="module")
async def planted(
    log_file: Path,
    heard: Overheard,
    installation: Installation,
    cast: Cast,
    outside: Outside,
) -> Planted:
    """Play it all; afterwards every wallet is locked and every exchange is done."""
    phone = await new_phone(cast)
    found = Planted(phone.wallet_id)
    plant_keys(found, installation, cast, phone)
    await issued(found, cast, phone)
    await checked(found, cast, phone)
    await attacked(found, cast, outside, phone)
    await refused(found, cast, phone)
    await garbled(found, installation)
    await phone.lock()
    await asyncio.sleep(1.5)  # the sweep and the worker finish what is under way
    return found


def plant_keys(found: Planted, installation: Installation, cast: Cast, phone: Phone) -> None:
    secrets = installation.secrets
    found.plant(
        wallet_key=phone.key,
        unused_wallet_key=base64.urlsafe_b64encode(token_bytes(32)).decode().rstrip("="),
        store_key=key_of(phone).reveal(),
        session=bearer(phone.open),
        operator_key=secrets.operator_key.reveal(),
        sealing_key=secrets.sealing_key.reveal(),
        session_key=secrets.session_key.reveal(),
        registry_key=secrets.registry_write_key.reveal(),
    )
    for name, agent in secrets.agents.items():
        found.values |= {
            f"{name} admin key": agent.admin_key.reveal(),
            f"{name} wallet key": agent.wallet_key.reveal(),
            f"{name} jwt secret": agent.jwt_secret.reveal(),
            f"{name} webhook key": agent.webhook_key.reveal(),
        }
    for (slug, role), desk in cast.desks.items():
        found.values[f"{slug} {role} key"] = bearer(desk).split("_", 2)[2]


def bearer(caller: object) -> str:
    """The token that a caller sends."""
    client: httpx.AsyncClient = vars(caller)["_http"]
    return client.headers["authorization"].removeprefix("Bearer ")


async def issued(found: Planted, cast: Cast, phone: Phone) -> None:
    identity = IDENTITY | {"issued_dateint": in_days(0), "expires_dateint": in_days(365)}
    for slug, credential, values in (
        ("shelter-a", "identity", identity),
        ("shelter-a", "service-eligibility", eligibility()),
        ("fund", "support-entitlement", entitlement()),
    ):
        found.link(credential, await issue(cast, phone, slug, credential, **values))
    declined = await cast.issuing("shelter-a").offer("identity", **identity)
    seen = await phone.look(declined["link"], found.link("declined", declined)["code"])
    await phone.open.post(f"/api/wallet/offers/{seen['id']}/decline")
    for held in await phone.credentials():
        for value in held["values"]:
            if value["attribute"] in TELLING:
                found.values[value["attribute"]] = value["value"]


async def checked(found: Planted, cast: Cast, phone: Phone) -> None:
    for slug, name, parameters in (
        ("shelter-b", "shelter", {}),
        ("court", "court", {}),
        ("payer", "payment", AMOUNT),
        ("payer", "payment", AMOUNT),  # refused: used already
    ):
        desk = cast.checking(slug)
        asked = found.link(f"{name} {len(found.made)}", await desk.ask(name, **parameters))
        await phone.show(asked)
        await desk.verdict(asked)
    asked = found.link("declined check", await cast.checking("court").ask("court"))
    await phone.say_no(await phone.look(asked["link"]))


async def attacked(found: Planted, cast: Cast, outside: Outside, phone: Phone) -> None:
    court = cast.checking("court")
    for number, attribute in enumerate(("given_names", "subject_ref")):
        asked = found.link(f"forged {number}", await court.ask("court"))
        prepared = await prepare(outside, phone, asked)
        forged = tampered(prepared.presentation, attribute, FORGED)
        await send(prepared.invitation, forged, reply_to=None)
        await court.verdict(asked)
        forged["requested_proof"]["revealed_attr_groups"]["identity"]["values"] = GIVEN
        await send(prepared.invitation, forged)
    found.plant(forged=FORGED, second_session=bearer(phone.open))


async def refused(found: Planted, cast: Cast, phone: Phone) -> None:
    """Everything said wrongly that a person might say wrongly, with marked values in it."""
    desk, court = cast.issuing("shelter-a"), cast.checking("court")
    offer = found.link("mistyped", await desk.offer("service-eligibility", **eligibility()))
    nobody = Desk(cast.base_url, f"hvn_{GIVEN}_{FAMILY}")
    unknown = Phone(phone.wallet_id, "A" * 43, cast.base_url)
    for asking in (
        phone.look(offer["link"], "WRONG2"),
        phone.look(f"{offer['link']}x"),
        phone.look(f"https://{GIVEN}.invalid/l/{'x' * 43}"),
        desk.offer("identity", given_names=GIVEN, family_name=19980412),
        desk.offer("identity", birthdate_dateint=FAMILY, assurance_level=GIVEN),
        desk.offer("service-eligibility", region=GIVEN, status=FAMILY),
        desk.post("/api/issuer/issuances", {"credential": GIVEN, "values": [FAMILY]}),
        desk.post("/api/issuer/issuances", {GIVEN: FAMILY}),
        desk.post("/api/issuer/revocations", {"issuance_ids": [GIVEN]}),
        desk.get(f"/api/issuer/issuances/{GIVEN}"),
        court.ask("payment", currency=GIVEN, amount_minor=FAMILY),
        court.post("/api/verifier/checks", {"check": GIVEN, "parameters": {FAMILY: GIVEN}}),
        court.post("/api/wallet/links", {"link": GIVEN}),
        nobody.ask("court"),
        unknown.unlock(),
        phone.open.post("/api/wallet/offers/none/accept"),
        phone.look_at_invitation({"@type": GIVEN, FAMILY: GIVEN}, {"issuer": FAMILY}),
    ):
        with pytest.raises(Refused) as told:
            await asking
        found.problems.append(told.value.problem)
    await nobody.close()


async def garbled(found: Planted, installation: Installation) -> None:
    """Rubbish at the agents' own doors, and values that only an agent would refuse."""
    head = base64.urlsafe_b64encode(json.dumps({"kid": FORGED, "alg": GIVEN}).encode()).decode()
    settings = installation.settings
    async with httpx.AsyncClient(trust_env=False) as stranger:
        for _, port in (settings.org_ports, settings.wallet_ports):
            for message in (
                f"{GIVEN} {FAMILY}",
                json.dumps({"@type": GIVEN, "@id": FAMILY, "comment": FORGED}),
                json.dumps(
                    {"protected": head, "iv": GIVEN, "ciphertext": FAMILY, "tag": GIVEN}
                ),
                json.dumps({"protected": GIVEN, "iv": [], "ciphertext": {}, "tag": FAMILY}),
            ):
                for kind in ("application/didcomm-envelope-enc", "application/json", GIVEN):
                    await stranger.post(
                        f"http://127.0.0.1:{port}/",
                        content=message,
                        headers={"Content-Type": kind},
                    )
        for name, agent in installation.secrets.agents.items():
            await stranger.post(
                f"{settings.internal_url}/webhooks/{name}/topic/issue_credential_v2_0/",
                json={"cred_ex_id": f"{GIVEN}\x00", "by_format": {FAMILY: FORGED}},
                headers={"x-api-key": f"{agent.webhook_key.reveal()}x"},
            )
        for key in (f"{GIVEN}-{FAMILY}", FORGED):
            await stranger.post(
                f"{settings.base_url}/api/wallet/wallets",
                json={"key": found.values["unused wallet key"]},
                headers={"Idempotency-Key": key},
            )


# --- where it is looked for ---------------------------------------------------------------


def test_every_kind_of_value_was_planted(planted: Planted) -> None:
    """A search for nothing would find nothing."""
    assert set(TELLING) <= set(planted.values)
    assert planted.values["given_names"] == GIVEN
    assert all(len(value) >= 6 for value in planted.values.values())
    assert len(planted.problems) == 17
    assert len(planted.made) == 12


def test_no_agent_s_log_has_it(installation: Installation, planted: Planted) -> None:
    logs = files_below(installation.settings.log_dir)
    assert {"org-agent.log", "wallet-agent.log"} <= set(logs)
    assert b"pack_format.py" in logs["org-agent.log"], "the attacks were noticed"
    found = {name: found_in(content, planted.values) for name, content in logs.items()}
    assert {name: told for name, told in found.items() if told} == {}


def test_the_controllers_log_has_none(planted: Planted, log_file: Path) -> None:
    assert found_in(log_file.read_bytes(), planted.values) == set()


async def test_no_row_has_it(installation: Installation, planted: Planted) -> None:
    """All tables: the webhooks' inbox, checks, links and sessions among them."""
    rows = await database_text(installation.haven.database)
    assert planted.wallet_id in rows, "the search works"
    assert found_in(rows.encode(), planted.values) == set()


def test_the_database_file_has_none(installation: Installation, planted: Planted) -> None:
    """Also not in pages that were freed, nor in the write-ahead log."""
    content = database_files(installation.settings)
    assert planted.wallet_id.encode() in content, "the search works"
    assert found_in(content, planted.values) == set()


def test_no_problem_document_repeats_it(planted: Planted) -> None:
    told = [
        (str(problem["type"]), found_in(str(problem).encode(), planted.values))
        for problem in planted.problems
    ]
    assert [each for each in told if each[1]] == []


def test_a_link_says_nothing_but_its_token(
    installation: Installation, planted: Planted
) -> None:
    base_url = installation.settings.base_url
    for made in planted.made:
        token = str(made["link"]).removeprefix(f"{base_url}/l/")
        assert token in planted.values.values()
        assert len(token) == 43  # 256 bits, base64url


def test_a_qr_code_holds_its_link_and_nothing_else(planted: Planted) -> None:
    """The same picture is made from the link alone."""
    for made in planted.made:
        assert made["qr"] == qr_code(made["link"]).model_dump()


@pytest.mark.parametrize("agent", ["wallets", "org"])
def test_locked_stores_show_none(
    installation: Installation, planted: Planted, agent: str
) -> None:
    """The holder's store and the organisations': sealed by Askar, values and names alike."""
    stores = files_below(installation.settings.data_dir / agent)
    assert any(name.endswith("sqlite.db") for name in stores)
    found = {name: found_in(content, planted.values) for name, content in stores.items()}
    assert {name: told for name, told in found.items() if told} == {}


# --- what went over the wires ---------------------------------------------------------------


def test_no_webhook_carries_a_value(heard: Overheard, planted: Planted) -> None:
    """ACA-Py's own hold whole records; ours hold ids alone (agent/plugins/lean)."""
    assert any(b"cred_ex_id" in body for body in heard.webhooks), "they were heard"
    honest = [body for body in heard.webhooks if GIVEN.encode() + b"\\u0000" not in body]
    assert found_in(b"\n".join(honest), planted.values) == set()


def test_nothing_published_carries_a_value(heard: Overheard, planted: Planted) -> None:
    """DID logs, definitions, revocation lists, tails: what the agents write to the registry."""
    assert found_in(b"\n".join(heard.written), planted.values) == set()


def test_no_address_carries_a_value(heard: Overheard, planted: Planted) -> None:
    """Only a link's own token stands in an address, and that is what a link is. What this test
    itself puts into addresses wrongly is left out."""
    secret = {
        name: value
        for name, value in planted.values.items()
        if not name.endswith(" link") and value not in (GIVEN, FAMILY)
    }
    assert any(b"/l/" in address for address in heard.addresses), "they were heard"
    assert found_in(b"\n".join(heard.addresses), secret) == set()


def test_no_refusal_and_no_head_repeats_a_value(heard: Overheard, planted: Planted) -> None:
    assert len(heard.refusals) > 20
    assert found_in(b"\n".join(heard.refusals), planted.values) == set()
    assert found_in(b"\n".join(heard.answer_heads), planted.values) == set()


async def test_no_metric_carries_a_value(installation: Installation, planted: Planted) -> None:
    async with httpx.AsyncClient(trust_env=False) as monitoring:
        told = await monitoring.get(f"{installation.settings.internal_url}/metrics")
    assert told.status_code == 200
    assert found_in(told.content, planted.values) == set()


@pytest.mark.skipif(
    not Path("/proc/self/cmdline").exists(), reason="only Linux lists processes"
)
@pytest.mark.parametrize("agent", ["wallets", "org"])
def test_no_list_of_processes_shows_a_value(
    installation: Installation, planted: Planted, agent: str
) -> None:
    """The command line is for everybody to read. The environment, which only this user may
    read, holds the agent's own keys: nobody else's, and nothing of a person."""
    child = next(
        each for name, each in installation.agents.items() if name.startswith(agent[:3])
    )
    listed = Path(f"/proc/{child.pid}")
    assert found_in((listed / "cmdline").read_bytes(), planted.values) == set()
    environment = found_in((listed / "environ").read_bytes(), planted.values)
    assert all(name.startswith(f"{agent} ") for name in environment), environment


def test_only_the_files_of_secrets_hold_a_secret(
    installation: Installation, planted: Planted
) -> None:
    """Everything below the data folder: databases, logs, tails, whatever lies about."""
    files = files_below(installation.settings.data_dir)
    found = {name: found_in(content, planted.values) for name, content in files.items()}
    holding = {name for name, told in found.items() if told}
    assert holding <= {"secrets.json", "registry-write.key"}
