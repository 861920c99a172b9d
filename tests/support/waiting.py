"""Waiting for what agents do on their own time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until[T](
    look: Callable[[], Awaitable[T]],
    good: Callable[[T], object] = bool,
    *,
    seconds: float = 15.0,
) -> T:
    """Look again and again until what is seen is good, and answer it.

    Raises TimeoutError, without what was seen: it may hold values.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = await look()
        if good(seen):
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} seconds")
        await asyncio.sleep(0.04)
