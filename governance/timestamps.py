"""Times of a framework document: RFC 3339, UTC, written with a final `Z`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from core.errors import InvalidInput

_RFC3339_UTC = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z"
)


def parse_time(value: object, field: str) -> datetime:
    """The moment that `value` names; InvalidInput names `field` (RFC 3339, section 5.6)."""
    if not isinstance(value, str) or not _RFC3339_UTC.fullmatch(value):
        raise InvalidInput(f"{field} must be an RFC 3339 time in UTC, ending in Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput(f"{field} is not a date of the calendar") from error


def format_time(moment: datetime) -> str:
    """`moment` as RFC 3339 in UTC; fractions of a second are cut off, never rounded up."""
    in_utc = require_zone(moment).astimezone(UTC)
    return in_utc.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def require_zone(moment: datetime) -> datetime:
    """`moment` itself; InvalidInput if it has no time zone and so names no moment."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidInput("a moment must have a time zone")
    return moment
