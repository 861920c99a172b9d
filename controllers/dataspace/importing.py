"""A file of cases comes in, with its mapping or without: all of it, or nothing changes.

1. A file need not fit into memory, and rests nowhere but in the node's folder, without a name
   and only while it is read.
2. A mapping that comes with a file is kept if the file came in by it. It is written beside the
   kept one first, where a full disk is noticed while nothing has changed, and takes its place
   after the cases are there. A node that is killed between the two has the new cases and the
   earlier mapping; the next import of such a file says so, and the mapping is given again.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from starlette.requests import ClientDisconnect

from controllers.dataspace.cases import Imported
from controllers.dataspace.node import Node
from controllers.dataspace.sources import MAPPING, gather_file, own_mapping, read_mapping
from controllers.multipart import parts_of
from controllers.secrets import write_private
from core.errors import InvalidInput
from dataspace.vocabulary.mapping import Mapping

MOST_MAPPING: Final = 1024 * 1024  # bytes, as of every other body
_NEXT: Final = f".{MAPPING}.next"

type Chunks = AsyncIterator[bytes]


class _Resting:
    """A file while it is read, and the digest of what has come."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.digest = hashlib.sha256()

    async def take(self, chunks: Chunks) -> None:
        """Write what comes to the disk, a piece at a time."""
        async for chunk in chunks:
            self.digest.update(chunk)
            await asyncio.to_thread(self.file.write, chunk)


class Importing:
    """What officers of one node bring in. One import is open at a time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._folder = node.books.identity.folder
        self._one = asyncio.Lock()

    async def file(self, name: str, chunks: Chunks) -> Imported:
        """Replace the cases by those of a file, which `name` tells the kind of.

        Raises InvalidInput (TooLarge): with `code`, line and column, no value. Forbidden: this
        node holds no cases. Conflict: the log is busy.
        """
        with self._resting() as resting:
            with _broken_off():
                await resting.take(chunks)
            return await self._import(name, resting, None)

    async def form(self, content_type: str, chunks: Chunks) -> Imported:
        """The same for a form with a `file` and, if one was chosen, its `mapping`.

        Raises as `file`; also for a mapping that is none, or does not fit.
        """
        name, document = "", None
        with self._resting() as resting:
            with _broken_off():
                async for part in parts_of(content_type, chunks):
                    if part.name == "mapping" and part.filename != "":
                        document = await part.whole(MOST_MAPPING)
                    if part.name == "file" and part.filename:
                        name = part.filename
                        await resting.take(part.content)
            if not name:
                raise InvalidInput("There is no file of cases in it", code="import-no-file")
            return await self._import(name, resting, document)

    async def keep_mapping(self, document: bytes) -> None:
        """Read the files that come from now on by this mapping. Raises InvalidInput."""
        mapping = self._fitting(document)
        async with self._one:
            write_private(self._folder / MAPPING, mapping.model_dump_json(indent=1))

    async def _import(self, name: str, resting: _Resting, document: bytes | None) -> Imported:
        given = None if document is None else self._fitting(document)
        vocabulary = self._node.outside.vocabulary
        resting.file.seek(0)
        async with self._one:
            mapping = given or own_mapping(self._folder)
            gathered = await asyncio.to_thread(
                gather_file, name, resting.file, vocabulary, mapping
            )
            with _beside(self._folder, given):
                return await self._node.import_cases(gathered, resting.digest.hexdigest())

    def _fitting(self, document: bytes) -> Mapping:
        mapping = read_mapping(document)
        mapping.check(self._node.outside.vocabulary)
        return mapping

    @contextmanager
    def _resting(self) -> Iterator[_Resting]:
        with tempfile.TemporaryFile(dir=self._folder) as file:
            yield _Resting(file)


@contextmanager
def _beside(folder: Path, mapping: Mapping | None) -> Iterator[None]:
    """Keep a mapping if what is done within comes to its end."""
    if mapping is None:
        yield
        return
    waiting = folder / _NEXT
    try:
        write_private(waiting, mapping.model_dump_json(indent=1))
        yield
        waiting.replace(folder / MAPPING)
    finally:
        waiting.unlink(missing_ok=True)


@contextmanager
def _broken_off() -> Iterator[None]:
    """Whoever sends a file and goes has sent none; that is no failure of this node's."""
    try:
        yield
    except ClientDisconnect:
        raise InvalidInput("The file did not come whole", code="import-broken-off") from None
