"""A party that dies or stalls: `fails.py (dies|stalls) (connected|computing|answering)`."""

import os
import time
from typing import Any

from common import ARGUMENTS, play

HOW = {"dies": lambda: os._exit(9), "stalls": lambda: time.sleep(600)}[ARGUMENTS[0]]


def change() -> None:
    from dataspace.computing import running
    from dataspace.computing.connecting import Connections
    from dataspace.computing.engine import Engine

    def end(*_: Any, **__: Any) -> None:
        HOW()

    if ARGUMENTS[1] == "connected":
        running._compute = end
    elif ARGUMENTS[1] == "computing":
        Engine.at_least = end
    else:
        Connections.part = end


play(change)
