"""Whole runs of the ring in memory, for its tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dataspace.ring.counting import Counted, evaluate_count
from dataspace.ring.lists import Record
from dataspace.ring.priorities import Case, Ranked, evaluate_priorities, prioritise_with
from dataspace.ring.protocol import count_with
from dataspace.ring.terms import Padding, Terms
from tests.fakes.ring_network import RingNetwork

HOLDERS = ("shelter", "police", "labour")
EVALUATOR = "university"


def terms(**other: Any) -> Terms:
    """Terms of a small ring: buckets of 4, parts of 3, so that every list has several parts."""
    usual = Terms(
        purpose="How many people are exploited",
        period="2025",
        agreement="agreement-7",
        run="run-1",
        keys=("name-and-birth",),
        holders=HOLDERS,
        evaluator=EVALUATOR,
        minimum=0,
        padding=Padding.MULTIPLE,
        bucket=4,
        batch=3,
        seconds=30,
    )
    return replace(usual, **other)


def network(of: Terms) -> RingNetwork:
    return RingNetwork(*of.holders, of.evaluator)


def one_key(*names: str) -> list[Record]:
    return [(name.encode(),) for name in names]


async def count_all(
    of: Terms, lists: Mapping[str, Sequence[Record]], net: RingNetwork
) -> list[Any]:
    """What the evaluator and then each holder comes to: a result or an error."""
    return await asyncio.gather(
        evaluate_count(of, net.node(of.evaluator)),
        *[count_with(of, name, lists[name], net.node(name)) for name in of.holders],
        return_exceptions=True,
    )


async def counted(of: Terms, lists: Mapping[str, Sequence[Record]]) -> Counted:
    outcome, *holders = await count_all(of, lists, network(of))
    assert holders == [None] * len(of.holders), outcome
    assert isinstance(outcome, Counted)
    return outcome


async def prioritise_all(
    of: Terms, cases: Mapping[str, Sequence[Case]], net: RingNetwork
) -> list[Any]:
    return await asyncio.gather(
        evaluate_priorities(of, net.node(of.evaluator)),
        *[prioritise_with(of, name, cases[name], net.node(name)) for name in of.holders],
        return_exceptions=True,
    )


async def ranked(of: Terms, cases: Mapping[str, Sequence[Case]]) -> dict[str, list[Ranked]]:
    nothing, *told = await prioritise_all(of, cases, network(of))
    assert nothing is None
    assert all(isinstance(each, list) for each in told), told
    return dict(zip(of.holders, told, strict=True))
