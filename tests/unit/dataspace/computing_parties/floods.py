"""A party that announces a message of 4 GB."""

from typing import Any

from common import play


def change() -> None:
    from dataspace.computing.exchange import Exchange

    def send(self: Any, pc: int, payload: bytes) -> None:
        if pc > -(2**63) + 10:
            self.transport.write(pc.to_bytes(8, "little", signed=True) + b"\xff\xff\xff\xff")
        else:
            plain(self, pc, payload)

    plain = Exchange.send
    Exchange.send = send


play(change)
