"""A backup comes back as it was, or is refused: nothing in between."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.backup import archive
from controllers.backup.archive import SealedReader, SealedWriter, Strength
from core.errors import HavenError, InvalidInput, NotAuthenticated, VerificationError
from core.secret import Secret

PASSPHRASE = Secret("an unlikely passphrase for tests")
QUICK = Strength(log2_n=2)


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "CHUNK", 64)


def sealed(content: bytes, piece: int = 50) -> bytes:
    target = io.BytesIO()
    writer = SealedWriter(target, PASSPHRASE, strength=QUICK)
    for start in range(0, len(content), piece):
        writer.write(content[start : start + piece])
    writer.finish()
    return target.getvalue()


def opened(stored: bytes, passphrase: Secret = PASSPHRASE) -> bytes:
    return SealedReader(io.BytesIO(stored), passphrase).read()


WHOLE = sealed(bytes(range(256)), 256)


@given(st.binary(max_size=400), st.integers(1, 200))
def test_what_was_sealed_is_read(content: bytes, piece: int) -> None:
    assert opened(sealed(content, piece)) == content


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 127, 128, 129, 192])
def test_at_the_edges_of_chunks(size: int) -> None:
    assert opened(sealed(b"x" * size)) == b"x" * size


@given(st.data())
def test_cut_anywhere_it_is_refused(data: st.DataObject) -> None:
    stored = sealed(b"y" * 300)
    length = data.draw(st.integers(0, len(stored) - 1))
    with pytest.raises((VerificationError, InvalidInput)):
        opened(stored[:length])


@given(st.data())
def test_with_any_bit_changed_it_is_refused(data: st.DataObject) -> None:
    stored = bytearray(sealed(b"z" * 300))
    at = data.draw(st.integers(0, len(stored) - 1))
    stored[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(HavenError):
        opened(bytes(stored))


@given(st.binary(min_size=1, max_size=200))
def test_with_anything_added_it_is_refused(more: bytes) -> None:
    with pytest.raises(VerificationError):
        opened(sealed(b"w" * 200) + more)


def test_chunks_cannot_change_places() -> None:
    stored = sealed(b"a" * 64 + b"b" * 64 + b"c" * 10)
    chunk = 64 + 16
    body = len(stored) - 2 * chunk - 26
    first, second = stored[body : body + chunk], stored[body + chunk : body + 2 * chunk]
    with pytest.raises(VerificationError):
        opened(stored[:body] + second + first + stored[body + 2 * chunk :])


def test_a_chunk_of_another_archive_does_not_fit() -> None:
    one, other = sealed(b"a" * 200), sealed(b"b" * 200)
    with pytest.raises(VerificationError):
        opened(one[:-80] + other[-80:])


def test_a_wrong_passphrase_is_called_so() -> None:
    with pytest.raises(NotAuthenticated):
        opened(WHOLE, Secret("another passphrase altogether"))


def test_something_else_is_called_so() -> None:
    with pytest.raises(InvalidInput):
        opened(b"PK\x03\x04 some other file")


def test_nothing_of_the_content_shows() -> None:
    assert b"a name that must not show" not in sealed(b"a name that must not show" * 9)
    assert sealed(b"same") != sealed(b"same")


def test_draining_notices_a_cut_end() -> None:
    reader = SealedReader(io.BytesIO(sealed(b"q" * 300)[:-80]), PASSPHRASE)
    with pytest.raises(VerificationError):
        reader.drain()
