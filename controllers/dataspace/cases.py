"""The organisation's own cases: imported as a whole, sealed at rest, coded columns in memory.

An import replaces what was there before and is in the log, or nothing is changed and the log
does not speak of it. Each row is sealed by itself and known by a keyed digest, so that of two
imports those that stayed are not written again. Of a row that has gone only its place is left,
with the imports that it came and went with: what a plan selected is held against what earlier
ones did (dataspace.gating.differencing).
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controllers.dataspace.journal import Journal
from controllers.sealing import Seal
from controllers.store.database import Database
from controllers.store.models import DataspaceCase, DataspaceImport
from core.secret import Secret
from dataspace.gathering.coded import coded_table, column_type
from dataspace.gathering.coding import Gathered
from dataspace.gathering.matchkeys import Key, PersonKeys
from dataspace.gathering.persons import number_persons
from dataspace.recording.log import Kind, rows_bucket
from dataspace.vocabulary.model import Role, Vocabulary

NEVER = 2**31 - 1  # the import that ends a row version that is there
_CHUNK = 2_000
_STRICT = 2  # of a person's keys, those that tell two people apart

type Document = dict[str, Any]
type Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Imported:
    """`imported` cases are there now; `replaced` of those before are not any more."""

    number: int
    imported: int
    replaced: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How many cases there are, which columns they have, and since when."""

    cases: int
    columns: tuple[str, ...]
    since: datetime | None


class History(NamedTuple):
    """Every row version there ever was, in order: the number of its case, the imports that it
    came and went with (NEVER: it is there)."""

    cases: Ints
    since: Ints
    until: Ints

    @property
    def current(self) -> Ints:
        """Where the rows that are there now stand, in their order."""
        return np.flatnonzero(self.until == NEVER)


@dataclass(frozen=True, slots=True, repr=False)
class OwnCasesNow:
    """What there is after an import; replaced as a whole, so that a reader sees one state."""

    gathered: Gathered
    history: History
    since: datetime | None
    number: int


class Cases:
    """The cases in the node's database, and the same as a table in memory."""

    def __init__(
        self, database: Database, journal: Journal, sealing_key: Secret, vocabulary: Vocabulary
    ) -> None:
        self._database, self._journal, self._vocabulary = database, journal, vocabulary
        self._seal = Seal(sealing_key, "dataspace-case")
        self._file_seal = Seal(sealing_key, "dataspace-import")
        self._writing = asyncio.Lock()
        none = np.zeros(0, np.int64)
        self.now = OwnCasesNow(
            _gathered([], vocabulary), History(none, none, none), since=None, number=0
        )

    def summary(self) -> Summary:
        table = self.now.gathered.table
        return Summary(len(table), tuple(sorted(table.columns)), self.now.since)

    async def load(self) -> None:
        """Read the cases into memory, at start."""
        await self._refresh({})

    async def replace(self, gathered: Gathered, file_sum: str, at: datetime) -> Imported:
        """These are the cases from now on, and the log says so: or nothing is changed.

        `file_sum` is the SHA-256 (hex) of where they came from; the log, which other nodes
        read, has it keyed: a file of few cases can be guessed whole.
        """
        async with self._writing:
            rows = await asyncio.to_thread(self._named, gathered)
            async with self._journal.transaction() as session:
                imported = await self._write(session, rows, at)
                await self._journal.add(
                    session,
                    Kind.IMPORT,
                    number=imported.number,
                    rows_at_least=rows_bucket(imported.imported),
                    file=self._file_seal.pseudonym(file_sum),
                )
            await self._refresh(rows)  # not before the commit: what is not there is not seen
            return imported

    def _named(self, gathered: Gathered) -> dict[str, Document]:
        """Each row under its keyed digest; equal rows are told apart by counting."""
        named: dict[str, Document] = {}
        seen: Counter[str] = Counter()
        for row in _rows(gathered):
            content = json.dumps(row, sort_keys=True, separators=(",", ":"))
            seen[content] += 1
            named[self._seal.pseudonym(f"{seen[content]}|{content}")] = row
        return named

    async def _write(
        self, session: AsyncSession, rows: Mapping[str, Document], at: datetime
    ) -> Imported:
        known = select(DataspaceCase.pseudonym).where(DataspaceCase.until.is_(None))
        before = set((await session.scalars(known)).all())
        number = (await session.scalar(select(func.max(DataspaceImport.number))) or 0) + 1
        gone = before - rows.keys()
        for some in batched(sorted(gone), _CHUNK, strict=False):
            ended = update(DataspaceCase).where(
                DataspaceCase.until.is_(None), DataspaceCase.pseudonym.in_(some)
            )
            await session.execute(ended.values(until=number, sealed=None))
        new = [name for name in rows if name not in before]
        for some in batched(new, _CHUNK, strict=False):
            sealed = await asyncio.to_thread(self._sealed, some, rows, number)
            await session.execute(insert(DataspaceCase), sealed)
        session.add(DataspaceImport(number=number, cases=len(rows), created_at=at))
        return Imported(number, len(rows), len(gone))

    def _sealed(
        self, names: Iterable[str], rows: Mapping[str, Document], number: int
    ) -> list[dict[str, Any]]:
        return [
            {
                "pseudonym": name,
                "case_pseudonym": self._case(name, rows[name]),
                "sealed": self._seal.seal(rows[name], name),
                "since": number,
            }
            for name in names
        ]

    def _case(self, name: str, row: Document) -> str:
        """The same for all versions of one case: by its reference, or by its person."""
        keys = [key for key in row["person"][:_STRICT] if key is not None]
        identity = row["reference"] or (keys[0] if keys else None)
        return self._seal.pseudonym(f"case|{identity}") if identity else name

    async def _refresh(self, known: Mapping[str, Document]) -> None:
        """Read everything anew; rows that are at hand are not opened again."""
        listed = select(
            DataspaceCase.pseudonym,
            DataspaceCase.case_pseudonym,
            DataspaceCase.since,
            DataspaceCase.until,
            DataspaceCase.sealed,
        )
        newest = select(DataspaceImport).order_by(DataspaceImport.number.desc()).limit(1)
        async with self._database.reading() as session:
            rows = (await session.execute(listed.order_by(DataspaceCase.id))).all()
            last = await session.scalar(newest)
        gathered, history = await asyncio.to_thread(self._made, rows, known)
        since, number = (last.created_at, last.number) if last is not None else (None, 0)
        self.now = OwnCasesNow(gathered, history, since, number)

    def _made(
        self, rows: Sequence[Any], known: Mapping[str, Document]
    ) -> tuple[Gathered, History]:
        current = [row for row in rows if row.until is None]
        documents = [
            known.get(row.pseudonym) or self._seal.open(row.sealed or b"", row.pseudonym)
            for row in current
        ]
        numbers: dict[str, int] = {}
        cases = [numbers.setdefault(row.case_pseudonym, len(numbers)) for row in rows]
        until = [NEVER if row.until is None else row.until for row in rows]
        columns = (cases, [row.since for row in rows], until)
        history = History(*(np.array(each, np.int64) for each in columns))
        return _gathered(documents, self._vocabulary), history


# --- a row as a document, and back -----------------------------------------------------------


def _rows(gathered: Gathered) -> Iterator[Document]:
    columns = {name: values.tolist() for name, values in gathered.table.columns.items()}
    for at, keys in enumerate(gathered.people):
        yield {
            "codes": {name: values[at] for name, values in columns.items()},
            "person": [_hex(key) for key in keys],
            "links": {role.value: _hex(keys[at]) for role, keys in gathered.links.items()},
            "reference": gathered.references[at],
        }


def _gathered(rows: Sequence[Document], vocabulary: Vocabulary) -> Gathered:
    names = {name for row in rows for name in row["codes"]} & vocabulary.columns.keys()
    columns = {}
    for name in sorted(names):
        dtype, missing = column_type(vocabulary, name)[:2]
        columns[name] = np.array([row["codes"].get(name, missing) for row in rows], dtype)
    people = tuple(_person(row["person"]) for row in rows)
    roles = [Role(role) for role in sorted({role for row in rows for role in row["links"]})]
    return Gathered(
        table=coded_table(vocabulary, columns, number_persons(people)),
        people=people,
        links={role: tuple(_key(row["links"].get(role)) for row in rows) for role in roles},
        references=tuple(row["reference"] for row in rows),
    )


def _person(keys: Sequence[str | None]) -> PersonKeys:
    first, second, third = map(_key, keys)
    return first, second, third


def _key(text: str | None) -> Key:
    return bytes.fromhex(text) if text is not None else None


def _hex(key: Key) -> str | None:
    return key.hex() if key is not None else None
