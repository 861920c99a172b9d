"""A bounded memory of verified things, with or without an age limit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf


class BoundedCache[Value]:
    """Keeps at most `size` values and forgets the one that was used longest ago.

    Args:
        clock: Seconds that only grow (`time.monotonic`); ages are measured with it.
    """

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._values: OrderedDict[str, tuple[float, Value]] = OrderedDict()

    def get(self, key: str, *, max_age: float = inf) -> Value | None:
        """The value kept under `key`, unless it is older than `max_age` seconds."""
        kept = self._values.get(key)
        if kept is None or self._clock() - kept[0] > max_age:
            return None
        self._values.move_to_end(key)
        return kept[1]

    def put(self, key: str, value: Value, *, taken_at: float | None = None) -> None:
        """Keep a value; its age counts from `taken_at`, the moment before it was asked for."""
        self._values[key] = (self._clock() if taken_at is None else taken_at, value)
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)

    def __len__(self) -> int:
        return len(self._values)
