"""Connections of a measured ring: length-prefixed frames over asyncio streams on loopback.

Not for real nodes, whose transport binds certificates to agreed identities: here each party
trusts one authority made for the run, and a sender is whom its certificate names.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from core.errors import Unavailable
from dataspace.ring.messages import Message, decode, encode

_HOST = "127.0.0.1"
_WAITING = 4  # frames read ahead of who takes them, so that a slow party slows its senders
_MOST_FRAME = 2**24


class Loopback:
    """One party's `Network`. With `folder` (of `make_certificates`) every connection is TLS."""

    def __init__(self, name: str, folder: Path | None) -> None:
        self._name, self._folder = name, folder
        self._inbox: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(_WAITING)
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def listen(self) -> int:
        """The port that this party is reached at."""
        context = _context(self._folder, self._name, ssl.PROTOCOL_TLS_SERVER)
        self._server = await asyncio.start_server(self._read, _HOST, 0, ssl=context)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def connect(self, ports: Mapping[str, int], names: Sequence[str]) -> None:
        """Open a connection to each party that this one sends to."""
        context = _context(self._folder, self._name, ssl.PROTOCOL_TLS_CLIENT)
        for name in names:
            _, writer = await asyncio.open_connection(
                _HOST, ports[name], ssl=context, server_hostname=name if context else None
            )
            self._writers[name] = writer
            writer.write(_framed(self._name.encode()))
            await writer.drain()

    async def send(self, to: str, message: Message) -> None:
        writer = self._writers[to]
        writer.write(_framed(encode(message)))
        try:
            await writer.drain()
        except OSError:
            raise Unavailable("a party of the ring is gone") from None

    async def receive(self) -> tuple[str, Message]:
        sender, frame = await self._inbox.get()
        return sender, decode(frame)

    async def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        if self._server:
            self._server.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = (await _frame(reader)).decode()
            certificate = writer.get_extra_info("peercert")
            sender = _named(certificate) if certificate else said
            while True:
                await self._inbox.put((sender, await _frame(reader)))
        except asyncio.IncompleteReadError:
            writer.close()


def make_certificates(folder: Path, names: Sequence[str]) -> None:
    """An authority of one day, and a certificate and key for each party, as files."""
    authority = Ed25519PrivateKey.generate()
    _write(folder, "authority", authority, _certificate("authority", authority, authority))
    for name in names:
        key = Ed25519PrivateKey.generate()
        _write(folder, name, key, _certificate(name, key, authority))


def _certificate(
    name: str, key: Ed25519PrivateKey, authority: Ed25519PrivateKey
) -> x509.Certificate:
    now, is_authority = datetime.now(UTC), key is authority
    names = [x509.DNSName(name), x509.IPAddress(IPv4Address(_HOST))]
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name("authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()),
            critical=False,
        )
        .sign(authority, None)
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(
    folder: Path, name: str, key: Ed25519PrivateKey, certificate: x509.Certificate
) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(pem)
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(Encoding.PEM))


def _context(folder: Path | None, name: str, side: int) -> ssl.SSLContext | None:
    if folder is None:
        return None
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    context.load_verify_locations(folder / "authority.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _named(certificate: Mapping[str, Any]) -> str:
    return str(dict(pair for part in certificate["subject"] for pair in part)["commonName"])


def _framed(frame: bytes) -> bytes:
    return len(frame).to_bytes(4) + frame


async def _frame(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4))
    if size > _MOST_FRAME:
        raise Unavailable("a frame of the ring is too long")
    return await reader.readexactly(size)
