"""A party that shows another certificate than its own: the files given as arguments."""

import ssl
from typing import Any

from common import ARGUMENTS, play


def change() -> None:
    from dataspace.computing.connecting import Connections

    secured = Connections._secured

    def posing(self: Any, context: ssl.SSLContext) -> ssl.SSLContext:
        context = secured(self, context)
        context.load_cert_chain(ARGUMENTS[0], ARGUMENTS[1])
        return context

    Connections._secured = posing


play(change)
