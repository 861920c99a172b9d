"""Where a database is, if it is a file."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url


def sqlite_file(url: str) -> Path | None:
    """The file behind the address of a SQLite database; None for another database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database)).resolve()
