"""A form with files (multipart/form-data, RFC 7578) as it comes: no part is held as a whole.

Parts come in the order of the form's fields, each once; what nobody takes of one is passed over
when the next one is asked for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final

from core.errors import InvalidInput, TooLarge

MEDIA_TYPE: Final = "multipart/form-data"
_BOUNDARY = re.compile(
    r'multipart/form-data;\s*boundary=(?:"([^"]{1,70})"|([^";,\s]{1,70}))\s*', re.IGNORECASE
)
_NAME = re.compile(r'[;\s]name="([^"]*)"')
_FILENAME = re.compile(r'[;\s]filename="((?:[^"\\]|\\.)*)"')
_MOST_HEAD = 8 * 1024
_MOST_PARTS = 50
_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One field. `filename` is None where it is no file, "" where no file was chosen."""

    name: str
    filename: str | None
    content: AsyncGenerator[bytes]

    async def whole(self, most: int) -> bytes:
        """All of a small part. Raises TooLarge, and what reading the form raises."""
        taken = b""
        async for chunk in self.content:
            taken += chunk
            if len(taken) > most:
                raise TooLarge("This is more than this field holds", code="too-large")
        return taken


def is_form(content_type: str) -> bool:
    """Whether a body says of itself that it is such a form."""
    return content_type.lower().startswith(MEDIA_TYPE)


async def parts_of(content_type: str, stream: AsyncIterator[bytes]) -> AsyncGenerator[Part]:
    """The parts of a form, while its body comes.

    Raises InvalidInput: it is no such form, it ends before its end, or a field comes twice; and
    what the stream raises.
    """
    found = _BOUNDARY.fullmatch(content_type)
    if found is None:
        raise _not_the_form()
    body = _Body(f"\r\n--{found[1] or found[2]}".encode("latin-1"), stream)
    async for _ in body.until_mark():
        pass  # what stands before the first part means nothing
    names: set[str] = set()
    while not await body.is_last():
        part = await body.head()
        if part.name in names or len(names) == _MOST_PARTS:
            raise _not_the_form()
        names.add(part.name)
        yield part
        async for _ in part.content:
            pass
    async for _ in stream:
        pass  # nor does what stands after the last


class _Body:
    """What has come and was not taken, with what comes."""

    def __init__(self, mark: bytes, stream: AsyncIterator[bytes]) -> None:
        self._mark, self._stream = mark, stream
        self._waiting = b"\r\n"  # no line stands before the first mark

    async def until_mark(self) -> AsyncGenerator[bytes]:
        """What stands before the next mark, as it comes; the mark is taken too."""
        while (at := self._waiting.find(self._mark)) < 0:
            sure = max(len(self._waiting) - len(self._mark) + 1, 0)
            chunk, self._waiting = self._waiting[:sure], self._waiting[sure:]
            if chunk:
                yield chunk
            await self._more()
        chunk = self._waiting[:at]
        self._waiting = self._waiting[at + len(self._mark) :]
        if chunk:
            yield chunk

    async def is_last(self) -> bool:
        """Whether the mark that was just taken ends the form, or begins a part."""
        while len(self._waiting) < len("--"):
            await self._more()
        sign, self._waiting = self._waiting[:2], self._waiting[2:]
        if sign not in (b"--", b"\r\n"):
            raise _not_the_form()
        return sign == b"--"

    async def head(self) -> Part:
        """The lines before a part's content, and the part."""
        while (at := self._waiting.find(_END_OF_HEAD)) < 0:
            if len(self._waiting) > _MOST_HEAD:
                raise _not_the_form()
            await self._more()
        if at > _MOST_HEAD:
            raise _not_the_form()
        lines, self._waiting = self._waiting[:at], self._waiting[at + len(_END_OF_HEAD) :]
        text = lines.decode("utf-8", "replace")
        name, filename = _NAME.search(text), _FILENAME.search(text)
        if name is None:
            raise _not_the_form()
        return Part(name[1], filename[1] if filename else None, self.until_mark())

    async def _more(self) -> None:
        chunk = await anext(self._stream, None)
        if chunk is None:
            raise _not_the_form()
        self._waiting += chunk


def _not_the_form() -> InvalidInput:
    return InvalidInput("This is not the form of this page", code="not-the-form")
