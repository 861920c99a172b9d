"""The controllers' log: JSON lines on standard error, which the supervisor keeps in a file."""

from __future__ import annotations

import logging

from core.log_lines import write_lines

# what they say is of addresses, or of no use
_CHATTY = ("httpx", "httpcore", "alembic", "aiohttp", "uvicorn", "opentelemetry")


def configure() -> None:
    """Set logging up for this process, once."""
    write_lines(logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
