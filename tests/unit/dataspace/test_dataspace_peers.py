"""Who may connect to a node, what it believes of a message, and what it tells a stranger."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from controllers.dataspace.certificates import (
    environment_of,
    fingerprint,
    make_certificate,
    require_environment,
)
from controllers.dataspace.envelopes import Envelope, fresh_id, open_envelope, seal_envelope
from controllers.dataspace.identity import Identity, create_identity, load_identity
from controllers.dataspace.peers import MOST_MESSAGE, Peers, Space
from core.canonical import Json, canonicalize
from core.clock import SystemClock
from core.errors import (
    ConfigurationError,
    Conflict,
    Forbidden,
    Unavailable,
    VerificationError,
)
from dataspace.agreeing.agreement import Environment, Participant
from dataspace.vocabulary.model import cases
from tests.support.space import identities, terms_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Told(Exception):
    """Something that holds a value."""


async def _echo(sender: Participant, body: Json) -> Json:
    return {"from": sender.did, "said": body}


async def _breaks(_sender: Participant, _body: Json) -> Json:
    raise Told("PLANTED value")


class Three:
    """Three nodes' networks, listening."""

    def __init__(self, who: list[Identity], space: Space) -> None:
        self.who, self.space = who, space
        self.peers = [Peers(each, space, SystemClock()) for each in who]
        for each in self.peers:
            each.on("echo", _echo)
            each.on("breaks", _breaks)

    def member(self, number: int) -> Participant:
        return self.space.terms.participants[number]

    async def start(self) -> None:
        for each, member in zip(self.peers, self.space.terms.participants, strict=True):
            await each.start("127.0.0.1", member.port)

    async def stop(self) -> None:
        await asyncio.gather(*(each.stop() for each in self.peers))


def space_of(who: list[Identity], **changed: Any) -> Space:
    terms = terms_of(who, cases(), **changed)
    return Space(terms, terms.digest, {each.did: each.certificate for each in who})


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[Three]:
    who = identities(tmp_path, 3)
    made = Three(who, space_of(who))
    await made.start()
    yield made
    await made.stop()


async def test_a_peer_is_known_by_its_certificate(three: Three) -> None:
    answer = await three.peers[0].ask(three.member(1), "echo", {"a": 1}, seconds=5)
    assert answer == {"from": three.who[0].did, "said": {"a": 1}}


async def test_answers_are_codes_and_no_words(three: Three) -> None:
    for kind, code in (("breaks", "internal"), ("nothing", "not-served")):
        with pytest.raises(Conflict) as refused:
            await three.peers[0].ask(three.member(1), kind, {}, seconds=5)
        assert refused.value.code == code
        assert "PLANTED" not in str(refused.value)


async def test_nobody_there_is_said_in_time(three: Three) -> None:
    await three.peers[1].stop()
    with pytest.raises(Unavailable):
        await three.peers[0].ask(three.member(1), "echo", {}, seconds=2)


async def _slow(_sender: Participant, _body: Json) -> Json:
    await asyncio.sleep(2)
    return {}


async def test_a_peer_that_does_not_answer_in_time(three: Three) -> None:
    three.peers[1].on("slow", _slow)
    with pytest.raises(Unavailable):
        await three.peers[0].ask(three.member(1), "slow", {}, seconds=0.3)


# --- strangers ------------------------------------------------------------------------------


async def _posted(three: Three, context: ssl.SSLContext, data: bytes = b"{}") -> int:
    url = f"https://127.0.0.1:{three.member(1).port}/peer/messages"
    async with aiohttp.ClientSession() as session:
        try:
            async with session.post(url, data=data, ssl=context) as answer:
                await answer.read()
                return answer.status
        except aiohttp.ClientError:
            return 0


def _context(three: Three, pair: tuple[Path, Path] | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=three.who[1].certificate)
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


async def test_without_a_certificate_of_the_space_there_is_no_connection(
    three: Three, tmp_path: Path
) -> None:
    assert await _posted(three, _context(three, None)) == 0
    made = make_certificate("org0", Environment.SANDBOX, datetime.now(UTC))
    (tmp_path / "x.crt").write_bytes(made.certificate)
    (tmp_path / "x.key").write_bytes(made.key)
    stranger = _context(three, (tmp_path / "x.crt", tmp_path / "x.key"))
    assert await _posted(three, stranger) == 0


async def test_an_older_tls_is_not_spoken(three: Three) -> None:
    own = (three.who[0].certificate_file, three.who[0].key_file)
    context = _context(three, own)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert await _posted(three, context) == 0


async def test_what_is_no_message_is_refused_without_an_echo(three: Three) -> None:
    own = (three.who[0].certificate_file, three.who[0].key_file)
    for data in (b"", b"PLANTED", b'{"a":1}', b"[" * 100_000):
        assert await _posted(three, _context(three, own), data) == 422
    assert await _posted(three, _context(three, own), b" " * (MOST_MESSAGE + 1)) == 413


async def test_a_node_in_anothers_place(three: Three) -> None:
    """Node 2 listens where node 1 should: its certificate is another one."""
    moved = three.member(1).model_copy(update={"port": three.member(2).port})
    with pytest.raises(Unavailable):
        await three.peers[0].ask(moved, "echo", {}, seconds=5)


async def test_a_participant_that_speaks_in_anothers_name(three: Three) -> None:
    """Node 2's connection, node 0's words: the signature has to be the connection's."""
    envelope = _envelope(three, sender=three.who[0].did)
    data = canonicalize(seal_envelope(envelope, three.who[0]), step="test")
    own = (three.who[2].certificate_file, three.who[2].key_file)
    assert await _posted(three, _context(three, own), data) == 422


async def test_a_message_counts_once(three: Three) -> None:
    envelope = _envelope(three, sender=three.who[0].did)
    data = canonicalize(seal_envelope(envelope, three.who[0]), step="test")
    own = (three.who[0].certificate_file, three.who[0].key_file)
    assert [await _posted(three, _context(three, own), data) for _ in range(2)] == [200, 422]


def _envelope(three: Three, **changed: Any) -> Envelope:
    usual = {
        "kind": "echo",
        "id": fresh_id(),
        "sender": three.who[0].did,
        "to": three.who[1].did,
        "agreement": three.space.digest,
        "at": datetime.now(UTC),
        "body": {},
    }
    return Envelope(**usual | changed)


@pytest.mark.parametrize(
    ("changed", "step"),
    [
        ({"to": "did:web:somebody.example"}, "receiver"),
        ({"agreement": "zOther"}, "receiver"),
        ({"at": datetime.now(UTC) - timedelta(hours=1)}, "time"),
        ({"at": datetime.now(UTC) + timedelta(hours=1)}, "time"),
    ],
)
async def test_a_message_for_others_or_another_time(
    three: Three, changed: dict[str, Any], step: str
) -> None:
    sealed = seal_envelope(_envelope(three, **changed), three.who[0])
    with pytest.raises(VerificationError) as refused:
        open_envelope(
            canonicalize(sealed, step="test"),
            sender=three.member(0),
            to=three.who[1].did,
            agreement=three.space.digest,
            now=datetime.now(UTC),
        )
    assert refused.value.step == step


async def test_a_changed_message(three: Three) -> None:
    sealed = {**seal_envelope(_envelope(three), three.who[0]), "kind": "other"}
    with pytest.raises(VerificationError) as refused:
        open_envelope(
            canonicalize(sealed, step="test"),
            sender=three.member(0),
            to=three.who[1].did,
            agreement=three.space.digest,
            now=datetime.now(UTC),
        )
    assert refused.value.step == "proof"


# --- certificates ---------------------------------------------------------------------------


def test_a_sandbox_certificate_is_refused_by_a_production_node(tmp_path: Path) -> None:
    real = identities(tmp_path / "real", 3, Environment.PRODUCTION)
    toys = identities(tmp_path / "toys", 3)
    space = space_of(real)
    space.require_whole()
    mixed = [real[0], real[1], replace(real[2], certificate=toys[2].certificate), real[3]]
    with pytest.raises(VerificationError) as refused:
        Peers(real[0], space_of(mixed), SystemClock())
    assert refused.value.step == "environment"
    with pytest.raises(VerificationError):
        require_environment(toys[0].der, Environment.PRODUCTION)


def test_a_certificate_that_the_terms_do_not_name(tmp_path: Path) -> None:
    who = identities(tmp_path, 3)
    space = space_of(who)
    swapped = {**space.certificates, who[1].did: who[2].certificate}
    with pytest.raises(VerificationError) as refused:
        replace(space, certificates=swapped).require_whole()
    assert refused.value.step == "certificate"
    with pytest.raises(Forbidden):
        space.who(None)


def test_a_certificate_says_what_it_was_made_for() -> None:
    for kind in Environment:
        made = make_certificate("A" * 100, kind, NOW)
        der = ssl.PEM_cert_to_DER_cert(made.certificate.decode())
        assert environment_of(der) is kind
        assert len(fingerprint(der)) == 64


# --- the folder -----------------------------------------------------------------------------


def test_a_folder_keeps_its_identity(tmp_path: Path) -> None:
    (made, *_) = identities(tmp_path, 1)
    again = load_identity(made.folder)
    assert (again.did, again.signer.multikey) == (made.did, made.signer.multikey)
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert all(each.stat().st_mode & 0o077 == 0 for each in made.folder.iterdir())
    assert "Secret(***)" not in repr(made)
    assert made.signer.multikey != made.analyst.multikey
    with pytest.raises(Conflict):
        create_identity(
            made.folder,
            did=made.did,
            name="x",
            role="shelter",
            environment=Environment.SANDBOX,
            at=NOW,
        )


@pytest.mark.parametrize("name", ["identity.seed", "peer.key", "sealing.key", "node.json"])
def test_a_folder_that_others_may_read_is_not_used(tmp_path: Path, name: str) -> None:
    (made, *_) = identities(tmp_path, 1)
    (made.folder / name).chmod(0o644)
    with pytest.raises(ConfigurationError):
        load_identity(made.folder)


@pytest.mark.parametrize("name", ["identity.seed", "peer.crt", "analyst.seed"])
def test_a_folder_that_lacks_something(tmp_path: Path, name: str) -> None:
    (made, *_) = identities(tmp_path, 1)
    (made.folder / name).unlink()
    with pytest.raises(ConfigurationError):
        load_identity(made.folder)
