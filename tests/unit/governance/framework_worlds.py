"""Generated frameworks and questions: small worlds in which every kind of answer is likely."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from governance_sample import DOCUMENT, did
from hypothesis import strategies as st

from governance.documents import serialise
from governance.engine import Act, Framework, Recognise, parse_framework
from governance.timestamps import format_time

NAMES = ["harbour", "river", "court", "police", 'quo"te', "back\\slash", "ខ្មែរ", "new\nline"]
DIDS = [did(f"n{index}") for index in range(5)]
ROLES = ["shelter", "court", 'odd "role" \\', "empty"]
CREDENTIALS = list(DOCUMENT["credentials"])
PURPOSES = ["shelter-intake", "court-proceeding", "benefit-payment"]
COMPUTATIONS = ["tabulation", "overlap", "estimate"]
RESOURCES = {"issue": CREDENTIALS, "ask": PURPOSES, "compute": COMPUTATIONS}
_START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = [
    _START + timedelta(days=30 * step, seconds=off) for step in range(4) for off in (0, 1)
]

moments = st.sampled_from(MOMENTS)


@st.composite
def roles(draw: st.DrawFn) -> dict[str, Any]:
    """Roles with any rights."""
    return {
        name: {
            action: draw(st.lists(st.sampled_from(known), unique=True, max_size=3))
            for action, known in RESOURCES.items()
        }
        for name in ROLES
    }


@st.composite
def entries(draw: st.DrawFn) -> dict[str, Any]:
    """A participant's entry; sometimes in a role that there is not."""
    starts = draw(moments)
    until = draw(st.none() | moments)
    return {
        "did": draw(st.sampled_from(DIDS)),
        "role": draw(st.sampled_from([*ROLES, "no-such-role"])),
        "name": draw(st.sampled_from(NAMES)),
        "jurisdictions": [],
        "from": format_time(starts),
        "until": None if until is None else format_time(until),
        "ended_because": None,
    }


@st.composite
def endorsements(draw: st.DrawFn, index: int) -> dict[str, Any]:
    """Another ecosystem, recognised for anything."""
    return {
        "id": f"e{index}",
        "authority": draw(st.sampled_from(DIDS)),
        "name": "Others",
        "endpoint": "https://registry.example",
        "scope": {
            action: draw(st.lists(st.sampled_from(known), unique=True, max_size=2))
            for action, known in RESOURCES.items()
            if draw(st.booleans())
        },
        "from": format_time(draw(moments)),
        "until": format_time(draw(moments)),
    }


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A whole document."""
    made = copy.deepcopy(DOCUMENT)
    made["roles"] = draw(roles())
    made["participants"] = draw(st.lists(entries(), max_size=6))
    count = draw(st.integers(0, 3))
    made["endorsements"] = [draw(endorsements(index)) for index in range(count)]
    return made


@st.composite
def questions(draw: st.DrawFn) -> tuple[Act | Recognise, datetime]:
    """A question about somebody, perhaps unknown, and a moment."""
    action = draw(st.sampled_from(list(RESOURCES)))
    resource = draw(st.sampled_from(RESOURCES[action]))
    who = draw(st.sampled_from([*DIDS, did("nobody")]))
    kind = draw(st.sampled_from([Act, Recognise]))
    return kind(who, action, resource), draw(moments)


def read(document: dict[str, Any]) -> Framework:
    """As the engine has it."""
    return parse_framework(serialise(document))
