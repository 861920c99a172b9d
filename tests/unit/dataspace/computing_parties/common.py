"""What the misbehaving parties have in common: each is Haven's own party with one change."""

from __future__ import annotations

import sys
from collections.abc import Callable

from dataspace.computing import party

ARGUMENTS = sys.argv[1:]


def play(change: Callable[[], None]) -> None:
    """Runs the party; `change` is made once MPyC is ready and before it connects."""
    make = party.make_runtime

    def make_changed(me: int, parties: int) -> object:
        runtime = make(me, parties)
        change()
        return runtime

    party.make_runtime = make_changed
    sys.exit(party.main())
