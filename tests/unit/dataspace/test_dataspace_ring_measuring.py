"""What is measured is the real thing: processes, mutual TLS, and the right count."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from dataspace.ring.loopback import Loopback, make_certificates
from dataspace.ring.measuring import PairwiseCost, measure_ring
from dataspace.ring.messages import Done


def test_a_small_ring_of_processes() -> None:
    cost = measure_ring(90)
    assert cost.tls
    assert set(cost.memory) == {"shelter", "police", "labour", "evaluator"}
    assert cost.seconds > 0
    assert all(peak >= cost.floor > 0 for peak in cost.memory.values())


def test_pairs_grow_with_the_square() -> None:
    assert PairwiseCost(30, 2.0).extrapolated(300) == 200.0


async def test_a_sender_is_whom_its_certificate_names(tmp_path: Path) -> None:
    make_certificates(tmp_path, ("a", "b"))
    one, other = Loopback("a", tmp_path), Loopback("b", tmp_path)
    ports = {"b": await other.listen()}
    await one.connect(ports, ["b"])
    await one.send("b", Done(bytes(32)))
    assert await other.receive() == ("a", Done(bytes(32)))
    await one.close()
    await other.close()


async def test_another_authority_is_refused(tmp_path: Path) -> None:
    for folder in ("ours", "theirs"):
        (tmp_path / folder).mkdir()
        make_certificates(tmp_path / folder, ("a", "b"))
    other = Loopback("b", tmp_path / "theirs")
    ports = {"b": await other.listen()}
    with pytest.raises(ssl.SSLError):
        await Loopback("a", tmp_path / "ours").connect(ports, ["b"])
    await other.close()
