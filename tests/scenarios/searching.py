"""Looking for planted values wherever an installation writes."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from controllers.settings import Settings
from controllers.store.database import Database


async def database_text(database: Database) -> str:
    """Every row of every table, on whatever engine; bytes as Latin-1 so that none is lost."""
    async with database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        found = []
        for table in tables:
            rows = await connection.execute(text(f'SELECT * FROM "{table}"'))
            found += [readable(value) for row in rows for value in row]
    return "\n".join(found)


def readable(value: object) -> str:
    """A column's value as text."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def database_files(settings: Settings) -> bytes:
    """The controllers' SQLite database with its log: what is deleted may rest there too."""
    return b"".join(path.read_bytes() for path in settings.data_dir.glob("haven.db*"))


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, by its place in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def found_in(content: bytes, planted: dict[str, str]) -> set[str]:
    """The names of the planted values that stand in the content; never the values."""
    return {name for name, value in planted.items() if value.encode() in content}
