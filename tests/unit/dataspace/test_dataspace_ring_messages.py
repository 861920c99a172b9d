"""Frames: what is written is read again, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import VerificationError
from dataspace.ring.messages import (
    OVERHEAD,
    Attested,
    Batch,
    Done,
    Marks,
    Message,
    Stopped,
    decode,
    encode,
)

run = st.binary(min_size=32, max_size=32)
short, long = st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)
messages = st.one_of(
    st.builds(Batch, run, short, short, long, long, long, st.binary()),
    st.builds(Attested, run, short, long),
    st.builds(Marks, run, short, long, long, long, st.binary()),
    st.builds(Done, run),
    st.builds(Stopped, run),
)


@given(messages)
def test_a_frame_is_read_as_it_was_written(message: Message) -> None:
    assert decode(encode(message)) == message
    body = getattr(message, "tokens", getattr(message, "marks", b""))
    assert len(encode(message)) <= OVERHEAD + len(body)


@given(st.binary(max_size=100))
def test_other_bytes_are_refused_or_mean_just_that(frame: bytes) -> None:
    try:
        message = decode(frame)
    except VerificationError:
        return
    assert encode(message) == frame


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x01" + bytes(31),
        b"\x01" + bytes(32 + 15),
        b"\x02" + bytes(32 + 5),
        b"\x02" + bytes(32 + 7),
        b"\x03" + bytes(32 + 13),
        b"\x04" + bytes(33),
        b"\x00" + bytes(32),
        b"\x05" + bytes(33),
        b"\x06" + bytes(32),
    ],
)
def test_frames_of_no_message(frame: bytes) -> None:
    with pytest.raises(VerificationError) as refused:
        decode(frame)
    assert refused.value.step == "frame"


@given(messages)
def test_no_message_shows_tokens_sizes_or_the_run(message: Message) -> None:
    shown = repr(message)
    assert "tokens" not in shown
    assert "marks" not in shown
    assert "run" not in shown
    assert "size" not in shown
