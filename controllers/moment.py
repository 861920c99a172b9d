"""The controllers' clock: one function, so that there is one place to look for time."""

from __future__ import annotations

from datetime import datetime

from core.clock import SystemClock

_CLOCK = SystemClock()


def now() -> datetime:
    """The current time in UTC."""
    return _CLOCK.now()
