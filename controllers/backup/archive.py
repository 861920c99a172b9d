"""The form of a backup: one encrypted stream that cannot be cut, changed or mixed up unseen.

    magic | length of the header | header (JSON) | SHA-256 of all that | chunk | chunk | ...

1. The header names the version of the form and the parameters of scrypt, and holds a check
   value of the passphrase, so that a wrong passphrase and a damaged file are told apart.
2. Each chunk is sealed with AES-256-GCM under a key that only this archive has. Its number,
   and whether it is the last one, are in the nonce; the header's digest is authenticated with
   it. So a chunk that is missing, moved, changed or added is noticed, and so is a cut end.
3. Nothing is given to a reader before its chunk was authenticated; that the archive is whole
   is known only at its end, so what was read before counts only then.

Memory is constant: one chunk.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import struct
from collections.abc import Buffer
from dataclasses import dataclass
from typing import IO, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.errors import InvalidInput, NotAuthenticated, VerificationError
from core.secret import Secret

MAGIC = b"HAVEN-BACKUP\n"
VERSION = 1
CHUNK = 1024 * 1024
_TAG = 16
_DIGEST = 32
_LENGTH = struct.Struct(">I")
_NONCE = struct.Struct(">7sIB")  # random, number, whether it is the last
_LARGEST_HEADER = 64 * 1024
_LOG2_N, _R, _P = 17, 8, 1  # 128 MiB and some tenths of a second for one guess
_MOST_LOG2_N = 20


@dataclass(frozen=True, slots=True)
class Strength:
    """How dear one guess of the passphrase is; tests take a weaker one."""

    log2_n: int = _LOG2_N


class SealedWriter(io.RawIOBase):
    """Writes an archive; it is whole only after `finish`."""

    def __init__(
        self, target: IO[bytes], passphrase: Secret, *, strength: Strength | None = None
    ) -> None:
        salt, self._prefix = os.urandom(32), os.urandom(7)
        header: dict[str, Any] = {
            "version": VERSION,
            "kdf": "scrypt",
            "log2_n": (strength or Strength()).log2_n,
            "r": _R,
            "p": _P,
            "salt": salt.hex(),
            "nonce_prefix": self._prefix.hex(),
        }
        key, check = _keys(passphrase, header)
        header["check"] = check.hex()
        encoded = json.dumps(header, sort_keys=True).encode()
        start = MAGIC + _LENGTH.pack(len(encoded)) + encoded
        self._aead, self._aad = AESGCM(key), hashlib.sha256(start).digest()
        self._target, self._waiting, self._number = target, bytearray(), 0
        target.write(start + self._aad)

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        self._waiting += memoryview(data)
        while len(self._waiting) > CHUNK:  # the last chunk stays until it is known to be it
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return memoryview(data).nbytes

    def finish(self) -> None:
        """Write the last chunk."""
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = _NONCE.pack(self._prefix, self._number, last)
        self._target.write(self._aead.encrypt(nonce, plain, self._aad))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads an archive; what it gives is authenticated, and whole once it has ended.

    Raises InvalidInput (no archive of ours, or of a newer form), NotAuthenticated (another
    passphrase) and VerificationError (damaged or cut).
    """

    def __init__(self, source: IO[bytes], passphrase: Secret) -> None:
        header, self._aad = _read_header(source)
        key, check = _keys(passphrase, header)
        if not hmac.compare_digest(check.hex(), str(header.get("check"))):
            raise NotAuthenticated("This passphrase does not open this backup")
        self._aead, self._prefix = AESGCM(key), bytes.fromhex(header["nonce_prefix"])
        self._source, self._number = source, 0
        self._plain, self._ended = memoryview(b""), False
        self._next = source.read(CHUNK + _TAG)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        wanted = memoryview(buffer)
        while not self._plain and not self._ended:
            self._open_chunk()
        part = self._plain[: wanted.nbytes]
        wanted[: part.nbytes] = part
        self._plain = self._plain[part.nbytes :]
        return part.nbytes

    def drain(self) -> None:
        """Read to the end, so that a cut or changed end is noticed."""
        while self.read(CHUNK):
            continue

    def _open_chunk(self) -> None:
        chunk, self._next = self._next, self._source.read(CHUNK + _TAG)
        last = not self._next
        nonce = _NONCE.pack(self._prefix, self._number, last)
        try:
            self._plain = memoryview(self._aead.decrypt(nonce, chunk, self._aad))
        except (InvalidTag, ValueError) as err:
            raise _damaged() from err
        self._number, self._ended = self._number + 1, last


def _damaged() -> VerificationError:
    return VerificationError("This backup is damaged or incomplete", step="archive")


def _read_header(source: IO[bytes]) -> tuple[dict[str, Any], bytes]:
    start = source.read(len(MAGIC) + _LENGTH.size)
    if not start.startswith(MAGIC) or len(start) < len(MAGIC) + _LENGTH.size:
        raise InvalidInput("This is not a backup of Haven")
    (length,) = _LENGTH.unpack(start[len(MAGIC) :])
    if length > _LARGEST_HEADER:
        raise _damaged()
    encoded, digest = source.read(length), source.read(_DIGEST)
    if hashlib.sha256(start + encoded).digest() != digest:
        raise _damaged()
    header: dict[str, Any] = json.loads(encoded)
    if header.get("version") != VERSION:
        raise InvalidInput("This backup was made by a newer Haven; restore it with that one")
    return header, digest


def _keys(passphrase: Secret, header: dict[str, Any]) -> tuple[bytes, bytes]:
    """The key of the chunks, and the check value; independent of each other."""
    if not 1 <= header["log2_n"] <= _MOST_LOG2_N or (header["r"], header["p"]) != (_R, _P):
        raise _damaged()  # a header that would take all memory
    scrypt = Scrypt(
        salt=bytes.fromhex(header["salt"]), length=32, n=2 ** header["log2_n"], r=_R, p=_P
    )
    root = scrypt.derive(passphrase.reveal().encode())
    return (
        HKDFExpand(SHA256(), 32, b"haven backup chunks").derive(root),
        HKDFExpand(SHA256(), 32, b"haven backup check").derive(root),
    )
