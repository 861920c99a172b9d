"""ristretto255 (RFC 9496) as the ring uses it: hash into the group, blind, refuse what is none.

A token is the 32-byte encoding of a group element. An identifier becomes a token by
hash_to_ristretto255 (RFC 9380, appendix B), whose domain separation tag holds what the tokens
are for: those of two studies, runs or match keys are unrelated points. Blinding is a
multiplication by a secret scalar, so it commutes: after every holder's blinding two tokens are
equal exactly if their identifiers were, whoever blinded first (the DDH-based intersection of
Meadows 1986 and Huberman, Franklin and Hogg 1999).

The group is libsodium's, from the library that `rbcl` brings. It is called through ctypes and
not through rbcl's functions, since those take only immutable bytes: a secret scalar that was
once in such an object can never be overwritten. ctypes lets go of the interpreter's lock
during a call, so threads share the cores.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path

import rbcl.rbcl

from core.errors import Conflict, InvalidInput, VerificationError

TOKEN = 32  # bytes of an element's canonical encoding (RFC 9496, section 4.3.2)
_HASH = 64
_MOST_TAG = 255  # RFC 9380, section 5.3.1
_LIBRARY = rbcl.rbcl._sodium
_SUITE = b"HAVEN-RING-V1-with-ristretto255_XMD:SHA-512_R255MAP_RO_"
_ABSORBED = sha512(bytes(128))  # Z_pad: a block of zeros stands before every message


def _function(name: str, arguments: int) -> ctypes._NamedFuncPointer:
    """A function object of our own: rbcl's are cached at the library, and keep their types."""
    found: ctypes._NamedFuncPointer = _LIBRARY[name]
    found.argtypes = [ctypes.c_void_p] * arguments
    return found


_multiply = _function("crypto_scalarmult_ristretto255", 3)
_from_hash = _function("crypto_core_ristretto255_from_hash", 2)
_is_valid = _function("crypto_core_ristretto255_is_valid_point", 1)
_random_scalar = _function("crypto_core_ristretto255_scalar_random", 1)
_zero = _LIBRARY["sodium_memzero"]
_zero.argtypes, _zero.restype = [ctypes.c_void_p, ctypes.c_size_t], None

# rbcl writes the library to a temporary file at each start and leaves it there; once it is
# loaded the file is not needed (where a system keeps it locked, it stays).
with suppress(OSError):
    Path(sys.modules["rbcl._sodium"].lib_path).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Domain:
    """What tokens are for. Tokens of two domains that differ anywhere cannot be joined.

    `agreement` is the id of the study's agreement, `run` the tag of one run, `key` the name of
    the match key (or of the kind of link).
    """

    purpose: str
    period: str
    agreement: str
    run: str
    key: str

    def separation_tag(self) -> bytes:
        """The tag (DST) of RFC 9380: suite, then each part after its length in two bytes.

        Raises InvalidInput: a part is empty or longer than 1,000 characters.
        """
        tag = _SUITE
        for part in (self.purpose, self.period, self.agreement, self.run, self.key):
            if not 1 <= len(part) <= 1_000:
                raise InvalidInput("every part of a token's domain is named, and shortly")
            data = part.encode()
            tag += len(data).to_bytes(2) + data
        return tag


def hash_to_group(tag: bytes, identifiers: Iterable[bytes]) -> bytes:
    """A token for each identifier: hash_to_ristretto255 (RFC 9380, appendix B) with SHA-512.

    `tag` is a domain separation tag; one longer than 255 bytes is hashed as section 5.3.3 says.
    Nobody knows the discrete logarithm of such a token, on which the blinding rests.
    """
    if len(tag) > _MOST_TAG:
        tag = sha512(b"H2C-OVERSIZE-DST-" + tag).digest()
    prime = tag + bytes((len(tag),))
    hashes = b"".join(_expanded(each, prime) for each in identifiers)
    count = len(hashes) // _HASH
    out = ctypes.create_string_buffer(count * TOKEN)
    source, target = _address(hashes), ctypes.addressof(out)
    for place in range(count):
        _from_hash(target + place * TOKEN, source + place * _HASH)
    return out.raw[: count * TOKEN]


def _expanded(message: bytes, prime: bytes) -> bytes:
    """expand_message_xmd (RFC 9380, section 5.3.1) to 64 bytes, which is one block."""
    first = _ABSORBED.copy()
    first.update(message + b"\x00\x40\x00" + prime)
    return sha512(first.digest() + b"\x01" + prime).digest()


class Scalar:
    """The secret of one node in one run. It is made here, never leaves, and is destroyed.

    Python gives no promise about memory, but this value lives in one buffer of ours that
    libsodium fills and `destroy` overwrites; no copy is made in between.
    """

    __slots__ = ("_alive", "_value")

    def __init__(self) -> None:
        self._value = ctypes.create_string_buffer(TOKEN)
        _random_scalar(ctypes.addressof(self._value))
        self._alive = True

    def blind(self, tokens: bytes) -> bytes:
        """Each token times the scalar, in their order.

        Raises:
            VerificationError: step `length` where this is no whole number of tokens, step
                `point` where one is no canonical encoding of an element, or is the identity.
            Conflict: the scalar was destroyed.
        """
        if not self._alive:
            raise Conflict("the key of this run was destroyed; a new run has a new one")
        _whole(tokens)
        out = ctypes.create_string_buffer(len(tokens) or 1)
        source, target = _address(tokens), ctypes.addressof(out)
        secret = ctypes.addressof(self._value)
        for at in range(0, len(tokens), TOKEN):
            if _multiply(target + at, secret, source + at):
                raise _no_point()
        return out.raw[: len(tokens)]

    def destroy(self) -> None:
        """Overwrite the secret; nothing can be blinded any more. May be called again."""
        self._alive = False
        _zero(ctypes.addressof(self._value), TOKEN)

    def __repr__(self) -> str:
        return "Scalar(***)"

    def __reduce__(self) -> str:
        raise TypeError("the secret of a run does not leave its process")


def require_points(tokens: bytes) -> None:
    """Every token is the canonical encoding of an element, and none is the identity.

    Raises VerificationError: step `length` or `point`.
    """
    _whole(tokens)
    source = _address(tokens)
    for at in range(0, len(tokens), TOKEN):
        if not _is_valid(source + at) or not any(tokens[at : at + TOKEN]):
            raise _no_point()


def _whole(tokens: bytes) -> None:
    if len(tokens) % TOKEN:
        raise VerificationError("a list does not hold whole tokens", step="length")


def _no_point() -> VerificationError:
    return VerificationError("a list holds something that is no token", step="point")


def _address(data: bytes) -> int:
    """Where the bytes are. The caller keeps `data` alive while it uses the address."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
