"""Short answers about exchanges, and answers that wait (docs/adr/0021).

ACA-Py's own routes answer with whole records, and can only be asked again and again until
something has happened. These answer with the few fields that are used, read straight from the
store, and return at the moment of the change.
"""

from __future__ import annotations

from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.core.event_bus import EventBus

from agent.plugins.waiting.board import Board


async def setup(context: InjectionContext) -> None:
    """Called by ACA-Py when it starts."""
    board = Board()
    board.listen(context.inject(EventBus))
    context.injector.bind_instance(Board, board)
