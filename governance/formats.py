"""Documents of an earlier format, read as this one.

Format 1 was not signed, counted its versions in whole numbers and never expired. What was
decided under it has to stay readable; nobody makes one any more, and a reader that has seen a
signed version takes no unsigned one after it (`governance.loading`).
"""

from __future__ import annotations

from typing import Any

from core.errors import InvalidInput
from governance.entry import Entry

FORMAT = "2.0"
_NEVER = "9999-12-31T23:59:59Z"


def is_signed_format(top: Entry) -> bool:
    """Whether documents of this format carry signatures."""
    return top.text("format").split(".")[0] == "2"


def in_this_format(top: Entry) -> Entry:
    """The document itself, or an older one with what it did not have written out."""
    match top.text("format").split(".")[0]:
        case "2":
            return top
        case "1":
            return _from_the_first(top)
    raise InvalidInput("this version of the framework format is not known")


def _from_the_first(top: Entry) -> Entry:
    number = top.integer("version", least=1)
    authority = top.did("authority")
    member = {"did": authority, "from": "1970-01-01T00:00:00Z", "until": None}
    return Entry(
        top.values
        | {
            "version_id": top.did_url("id"),
            "version": f"0.{number}.0",
            "sequence": number,
            "expires_at": _NEVER,
            "validity_days": 90,
            "previous": None,
            "signers": {"threshold": 1, "members": [member]},
            "jurisdictions": [],
            "documents": [],
            "computations": {},
            "endorsements": [],
            "roles": {name: _role(raw) for name, raw in top.mapping("roles").items()},
            "participants": [_participant(raw) for raw in top.items("participants")],
        }
    )


def _role(raw: Any) -> Any:
    return {"compute": [], **raw} if isinstance(raw, dict) else raw


def _participant(raw: Any) -> Any:
    more: dict[str, Any] = {"jurisdictions": [], "ended_because": None}
    return {**more, **raw} if isinstance(raw, dict) else raw
