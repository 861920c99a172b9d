"""What was read once and never changes; with a store, it is forgotten when that is closed."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from aries_askar.bindings import StoreHandle

_MOST = 64


class Kept[Name, Value](OrderedDict[Name, Value]):
    """The newest few."""

    def __init__(self, most: int = _MOST) -> None:
        super().__init__()
        self._most = most

    def keep(self, name: Name, value: Value) -> Value:
        """Keep one more; answers it."""
        if len(self) >= self._most:
            self.popitem(last=False)
        self[name] = value
        return value


def kept_with(store: StoreHandle, kind: str) -> Kept[Any, Any]:
    """What is kept of one kind with an open store."""
    kinds: dict[str, Kept[Any, Any]] | None = getattr(store, "haven_kept", None)
    if kinds is None:
        kinds = store.haven_kept = {}
    return kinds.setdefault(kind, Kept())


def forget_with(store: StoreHandle) -> None:
    """A store is being closed."""
    store.__dict__.pop("haven_kept", None)
