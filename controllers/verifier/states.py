"""Where a check stands, and what the desk sees of its end."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a check stands."""

    WAITING = "waiting"
    JUDGING = "judging"
    DONE = "done"


class Verdict(StrEnum):
    """What the desk sees."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SHOWN = "not-shown"
