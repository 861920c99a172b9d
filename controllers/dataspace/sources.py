"""Where cases come from: a CSV or Excel file, or one table of an organisation's own database.

A database is read, never written, and only the table or view that a file in the node's folder
names. No part of a statement comes from the network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import ColumnClause, column, make_url, select, table, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from core.errors import ConfigurationError, InvalidInput, TooLarge, Unavailable
from dataspace.gathering.coding import Gathered, gather
from dataspace.gathering.excel import read_xlsx
from dataspace.gathering.reading import DEFAULT_LIMITS, Row, Rows, read_csv
from dataspace.vocabulary.mapping import Mapping, same_names
from dataspace.vocabulary.model import Vocabulary, parse

MAPPING, SOURCE = "mapping.json", "source.json"  # in the node's folder
_READERS = {".csv": read_csv, ".xlsx": read_xlsx}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}(\.[A-Za-z_][A-Za-z0-9_$]{0,62})?")


class SqlSource(BaseModel):
    """`url` is SQLAlchemy's, of PostgreSQL or SQLite; `table` a table or view, `schema.table`
    where it needs to be; of it the columns are read that the mapping names, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: str = Field(repr=False, max_length=2000)
    table: str = Field(pattern=f"^{_NAME.pattern}$")
    mapping: Mapping


def gather_file(
    name: str, source: BinaryIO, vocabulary: Vocabulary, mapping: Mapping | None = None
) -> Gathered:
    """The cases in a file. Raises InvalidInput (TooLarge) with line and column, no value."""
    reader = _READERS.get(Path(name).suffix.lower())
    if reader is None:
        raise InvalidInput("A file of cases is .csv or .xlsx", code="import-kind")
    rows = reader(source)
    return gather(rows, mapping or _own_names(vocabulary, rows.header), vocabulary)


def _own_names(vocabulary: Vocabulary, header: Sequence[str]) -> Mapping:
    """For a file with the vocabulary's own names and codes: of the columns that it has."""
    whole, named = same_names(vocabulary), {name.casefold() for name in header}
    kept = {name: each for name, each in whole.columns.items() if name in named}
    return whole.model_copy(update={"columns": kept})


def read_mapping(document: str | bytes) -> Mapping:
    """A mapping from JSON. Raises InvalidInput, naming the place and no value."""
    return parse(Mapping, document)


def own_mapping(folder: Path) -> Mapping | None:
    """The mapping in a node's folder, if there is one. Raises InvalidInput: it is none."""
    path = folder / MAPPING
    return read_mapping(path.read_bytes()) if path.exists() else None


def read_source(path: Path) -> SqlSource:
    """The database that a file names. Raises ConfigurationError, which names no value of it."""
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path.name} can be read by others; set its mode to 0600")
        return SqlSource.model_validate_json(path.read_bytes())
    except OSError as err:
        raise ConfigurationError(
            f"There is no {path.name} in the node's folder that names a table; "
            "without one, name a file of cases"
        ) from err
    except ValidationError as err:
        where = ".".join(map(str, err.errors()[0]["loc"])) or "the file"
        raise ConfigurationError(
            f"The source is not described as it has to be: {where}"
        ) from None


async def read_rows(source: SqlSource) -> Rows:
    """All rows of the table, as strings. Raises Unavailable, TooLarge, ConfigurationError."""
    engine = create_async_engine(_read_only(source.url))
    names = [name for name, each in source.mapping.columns.items() if each is not None]
    schema, _, name = source.table.rpartition(".")
    columns: list[ColumnClause[Any]] = [column(each) for each in names]
    wanted = select(*columns).select_from(table(name, schema=schema or None))
    try:
        async with engine.connect() as connection:
            await _hold_to_reading(connection)
            found = await connection.stream(wanted.limit(DEFAULT_LIMITS.most_rows + 1))
            rows = [[_written(value) for value in row] async for row in found]
    except (SQLAlchemyError, OSError) as err:
        # the driver's words may repeat the address and its password
        raise Unavailable(
            "The database of the cases cannot be read; look at url, table and columns in "
            f"{SOURCE}"
        ) from err
    finally:
        await engine.dispose()
    if len(rows) > DEFAULT_LIMITS.most_rows:
        most = DEFAULT_LIMITS.most_rows
        raise TooLarge(f"the table has more than {most:,} rows", code="import-rows", most=most)
    return _rows(names, rows)


def _rows(names: Sequence[str], rows: Sequence[list[str]]) -> Rows:
    numbered = (Row(line, values) for line, values in enumerate(rows, 2))
    return Rows(tuple(names), numbered)


def _read_only(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (SQLAlchemyError, ValueError):
        # its words repeat what it took for a port: the end of a password with @ and : in it
        raise ConfigurationError(
            "The url of the source cannot be read; in a password, @ : / are %40 %3A %2F"
        ) from None
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+asyncpg")
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database).resolve().as_uri()
        return URL.create(
            "sqlite+aiosqlite", database=path, query={"mode": "ro", "uri": "true"}
        )
    raise ConfigurationError("A source of cases is PostgreSQL or a SQLite file")


async def _hold_to_reading(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SET TRANSACTION READ ONLY"))


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value)


async def gather_source(source: SqlSource, vocabulary: Vocabulary) -> Gathered:
    """The cases in a database's table. Raises as `read_rows` and `gather` do."""
    return gather(await read_rows(source), source.mapping, vocabulary)
