"""A party that writes down all that it receives and opens, as a corrupted one could.

The file named by the argument gets JSON: `received` (bytes by sender), `opened` (what
Engine.open gave) and `outputs` (every opening that MPyC makes, also of masked values).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from common import ARGUMENTS, play

SEEN: dict[str, Any] = {"received": {}, "opened": [], "outputs": []}


def write() -> None:
    Path(ARGUMENTS[0]).write_text(json.dumps(SEEN))


def change() -> None:
    from mpyc.runtime import Runtime

    from dataspace.computing.connecting import Connections
    from dataspace.computing.engine import Engine
    from dataspace.computing.exchange import Exchange

    received, opened, output = Exchange.data_received, Engine.open, Runtime.output
    part = Connections.part

    def data_received(self: Any, data: bytes) -> None:
        sender = str(self.certified)
        SEEN["received"][sender] = SEEN["received"].get(sender, "") + bytes(data).hex()
        received(self, data)

    async def open_(self: Any, label: str, values: Any) -> Any:
        found = await opened(self, label, values)
        SEEN["opened"].append([label, found])
        return found

    def output_(self: Any, x: Any, *args: Any, **options: Any) -> Any:
        future = output(self, x, *args, **options)

        def keep(done: Any) -> None:
            found = done.result()
            value = getattr(found, "value", found)
            SEEN["outputs"].append([] if value is None else [int(v) for v in np.ravel(value)])

        future.add_done_callback(keep)
        return future

    async def part_(self: Any) -> None:
        await part(self)
        write()

    Exchange.data_received, Engine.open, Runtime.output = data_received, open_, output_
    Connections.part = part_


play(change)
