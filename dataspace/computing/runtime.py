"""MPyC's runtime, made ready without surprises. Only a party's own process may import it.

Importing MPyC reads `sys.argv`, sets asyncio's policy and makes a singleton; so it is imported
here, once, in a process that does nothing else, with arguments that are written here.
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

from dataspace.computing import messages
from dataspace.computing.fields import STATISTICAL


def make_runtime(me: int, parties: int) -> Any:
    """The runtime of party `me` of `parties`, not connected, whose messages hold no programs.

    One party alone computes in the open: that is for tests of circuits, and party.py refuses
    it. The addresses given to MPyC are never used, because connecting.py connects.
    """
    addresses = [word for number in range(parties) for word in ("-P", f"party{number}:1")]
    options = ["--index", str(me), "--sec-param", str(STATISTICAL), "--no-log"]
    sys.argv = ["party", *addresses, *options]
    import mpyc.runtime  # noqa: PLC0415  # reads the arguments above when it is imported

    mpyc.runtime.pickle = SimpleNamespace(dumps=messages.dumps, loads=messages.loads)
    return mpyc.runtime.mpc
