"""`haven governance` as a person types it, against a Haven that runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from typer.testing import CliRunner

from agent.webvh.didlog import create_log
from controllers.cli import app
from controllers.governance.command_line import months_from
from controllers.organisations.service import did_of
from controllers.secrets import load_or_create
from core.proof import SeedSigner
from governance.documents import packaged_rules
from tests.support.installation import Swift, free_port_base


@dataclass
class Told:
    status: int
    text: str


type Command = Callable[..., Awaitable[Told]]


@pytest.fixture
async def haven(swift: Swift, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, in a thread of its own: Haven answers meanwhile."""
    monkeypatch.setenv("COLUMNS", "300")
    authority = await swift.haven.organisations.create("authority", "Authority")
    await swift.haven.accreditation.found(authority)
    await swift.haven.accreditation.admit(authority, "governance-authority", "Authority")
    house = await swift.haven.organisations.create("house", "House")
    await swift.haven.accreditation.admit(house, "shelter", {"en": "Harbour House"})
    where = ["--data", str(swift.settings.data_dir)]
    where += ["--port-base", str(swift.settings.port_base)]

    async def run(*arguments: object, typed: str = "") -> Told:
        given = ["governance", *(str(each) for each in arguments), *where]
        done = await asyncio.to_thread(CliRunner().invoke, app, given, input=typed)
        return Told(done.exit_code, done.output)

    return run


async def test_the_framework_at_a_glance(haven: Command) -> None:
    told = await haven("show")
    assert told.status == 0
    for part in ("Harbour House", "shelter", "Takes part", "a change needs: 1", "(0 d)"):
        assert part in told.text
    spanish = await haven("show", "--language", "es")
    assert "refugio" in spanish.text


async def test_nothing_is_done_without_a_yes(haven: Command, swift: Swift) -> None:
    before = (await swift.haven.governance.current()).sequence
    told = await haven("suspend", "house", typed="\n")
    assert "Harbour House is suspended" in told.text
    assert "Sign and publish? [y/N]" in told.text
    assert "Nothing was changed." in told.text
    assert (await swift.haven.governance.current()).sequence == before
    assert await swift.haven.drafts.open() == []


async def test_a_shelter_comes_stays_half_a_year_and_is_suspended(
    haven: Command, swift: Swift
) -> None:
    joined = await haven(
        "join", "hill", "shelter", "Hill House", "--months", 6, "--jurisdiction", "US-CA",
        "--new", "--label", "Hill", typed="y\n",
    )  # fmt: skip
    assert joined.status == 0, joined.text
    assert "Hill House takes part as shelter, until" in joined.text
    assert "It is in force, as version" in joined.text
    hill = did_of(await swift.haven.organisations.by_slug("hill"))
    ((entry,),) = [
        (await swift.haven.governance.current()).participants[each] for each in (hill,)
    ]
    assert entry.until == months_from(datetime.now(UTC), 6)
    assert entry.jurisdictions == ("US-CA",)
    granted = await haven("grant", "hill", "identity")
    assert "It may issue this now" in granted.text
    asked = ("decide", "issue", "hill", "identity")
    assert "yes" in (await haven(*asked)).text
    stolen = await haven("suspend", "hill", "--withdraw", "--yes")
    assert "All cards of this kind from Hill House are refused" in stolen.text
    assert "Cards that are affected: " in stolen.text
    denied = (await haven(*asked)).text
    assert "no" in denied
    assert "participant-not-current" in denied
    assert "participants/" in denied
    assert (
        "Hill House takes part as shelter"
        in (await haven("come-back", "hill", "--until", "2090-01-01", "--yes")).text
    )
    assert "takes no part as shelter" in (await haven("leave", "hill", "--yes")).text
    history = await haven("history", "--last", 4)
    assert "Hill House is suspended" in history.text
    first = await haven("history", "--last", 50)
    assert "The first version" in first.text


async def test_renewing_and_other_rules(haven: Command, tmp_path: Path) -> None:
    assert "It is in force" in (await haven("renew", "--yes")).text
    roles = packaged_rules()["roles"]
    roles["court"]["ask"] = []
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"roles": roles}))
    told = await haven("rules", file, "--yes")
    assert "In the role court one may no longer ask" in told.text
    assert "2.0.0: a large change" in told.text
    file.write_text('{"roles": {"court": 1}}')
    wrong = await haven("rules", file, "--yes")
    assert (wrong.status, "malformed, in: roles" in wrong.text) == (1, True)
    file.write_text("[")
    assert (await haven("rules", file)).status == 1


async def test_others_are_recognised_and_no_more(haven: Command) -> None:
    told = await haven(
        "recognise", "neighbour", "did:webvh:QmX:neighbour.example:a", "The neighbours",
        "--endpoint", "https://registry.neighbour.example", "--issue", "identity",
        "--until", "2090-01-01", "--yes",
    )  # fmt: skip
    assert "Others are recognised here: The neighbours." in told.text
    asked = ("decide", "recognise", "did:webvh:QmX:neighbour.example:a", "issue", "identity")
    assert "yes" in (await haven(*asked)).text
    assert (
        "no longer: The neighbours"
        in (await haven("recognise", "neighbour", "--end", "--yes")).text
    )


def key_file(folder: Path, key: object) -> Path:
    path = folder / "key.pem"
    assert isinstance(key, Ed25519PrivateKey) or hasattr(key, "private_bytes")
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[union-attr]
    )
    return path


async def test_a_signer_signs_with_a_key_of_her_own(
    haven: Command, swift: Swift, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes_raw()
    log = create_log(
        domain="ministry.example",
        opaque="a" * 20,
        update_key=SeedSigner(b"u" * 32),
        next_update_key=SeedSigner(b"n" * 32).multikey,
        assertion_key=SeedSigner(seed).multikey,
        now=datetime.now(UTC),
    )
    swift.network.keep_log(log.did, [log.entry])
    told = await haven("signers", log.did, "--threshold", 2, "--yes")
    assert "It waits for signatures." in told.text
    assert f"{log.did}: has not signed" in told.text
    (draft,) = await swift.haven.drafts.open()
    file, pem = tmp_path / "draft.json", key_file(tmp_path, key)
    assert (await haven("export", draft.id, file)).status == 0
    assert (await haven("export", draft.id, file)).status == 1  # it is there already
    signing = ("sign-file", file, "--key", pem, "--method", log.verification_method)
    refused = await haven(*signing, typed="n\n")
    assert "Nothing was signed." in refused.text
    shown = await haven(*signing, typed="y\n")
    assert "A change needs so many signatures now: 2." in shown.text
    added = await haven("add-proof", draft.id, tmp_path / "draft.proof.json")
    assert "It is in force" in added.text, added.text
    assert (await swift.haven.governance.current()).signers.threshold == 2

    other = key_file(tmp_path, generate_private_key(SECP256R1()))
    for key_path, method in (
        (other, log.verification_method),
        (pem, "nobody"),
        (file, "did:a#b"),
    ):
        wrong = await haven("sign-file", file, "--key", key_path, "--method", method, "--yes")
        assert wrong.status == 1
    content = json.loads(file.read_text())
    content["before"]["sequence"] += 1
    file.write_text(json.dumps(content))
    told = await haven(*signing)
    assert "does not follow" in told.text


async def test_drafts_are_listed_signed_and_dropped(haven: Command, swift: Swift) -> None:
    assert "Nothing waits." in (await haven("drafts")).text
    await haven("signers", "house", "--threshold", 2, "--yes")
    (draft,) = await swift.haven.drafts.open()
    listed = await haven("drafts")
    assert draft.id in listed.text
    assert "Harbour House: has not signed" in listed.text
    assert "It waits" in (await haven("sign", draft.id, "--yes")).text
    assert "Nothing was changed" in (await haven("sign", draft.id, typed="n\n")).text
    assert await swift.haven.drafts.open()
    assert "It was dropped." in (await haven("drop", draft.id)).text
    again = await haven("sign", draft.id, "--yes")
    assert (again.status, "It was dropped." in again.text) == (0, True)


async def test_what_cannot_be_is_said_in_words(haven: Command, tmp_path: Path) -> None:
    for arguments, words in (
        (("leave", "nobody-here"), "There is no organisation of this short name"),
        (("come-back", "house"), "is not suspended"),
        (("join", "house", "shelter", "Again"), "already"),
        (("decide", "issue", "house", "a", "b", "c"), "not a question"),
        (("join", "house", "court", "x", "--until", "soon"), "YYYY-MM-DD"),
        (("add-proof", "x", tmp_path / "none"), "cannot be read"),
    ):
        told = await haven(*arguments)
        assert told.status == 1, arguments
        assert words in told.text
    both = await haven("join", "house", "court", "x", "--until", "2090-01-01", "--months", 1)
    assert both.status == 2
    assert (await haven("show", "--language", "fr")).status == 2


def test_it_says_when_haven_does_not_run(tmp_path: Path) -> None:
    given = ["governance", "show", "--data", str(tmp_path), "--port-base"]
    given.append(str(free_port_base()))
    none = CliRunner().invoke(app, given)
    assert none.exit_code == 1
    load_or_create(tmp_path)
    silent = CliRunner().invoke(app, given)
    assert (silent.exit_code, "does not run" in silent.output) == (1, True)


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [("2026-08-31", 6, "2027-02-28"), ("2026-12-01", 1, "2027-01-01"),
     ("2026-01-15", 24, "2028-01-15"), ("2027-11-30", 3, "2028-02-29")],
)  # fmt: skip
def test_months_end_on_the_same_day(day: str, months: int, end: str) -> None:
    begun = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert months_from(begun, months).date().isoformat() == end
