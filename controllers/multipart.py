"""A form with files (multipart/form-data, RFC 7578) as it comes: no part is held as a whole.

Parts come in the order of the form's fields, each once; what nobody takes of one is passed over
when the next one is asked for.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from core.errors import InvalidInput, TooLarge

# its warnings name bytes of the form, which may be a case's
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

MEDIA_TYPE: Final = "multipart/form-data"
_MOST_PARTS: Final = 50
_LONGEST_MARK: Final = 70  # RFC 2046, section 5.1.1


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
    kind, options = parse_options_header(content_type)
    mark = options.get(b"boundary", b"")
    if kind.decode("latin-1") != MEDIA_TYPE or not 1 <= len(mark) <= _LONGEST_MARK:
        raise _not_the_form()
    body = _Body(mark, stream)
    names: set[str] = set()
    while (headers := await body.head()) is not None:
        part = _part(headers, body.content())
        if part.name in names or len(names) == _MOST_PARTS:
            raise _not_the_form()
        names.add(part.name)
        yield part
        async for _ in part.content:
            pass
    if not names:
        raise _not_the_form()
    async for _ in stream:
        pass  # what stands after the last means nothing


def _part(headers: Mapping[bytes, bytes], content: AsyncGenerator[bytes]) -> Part:
    _, options = parse_options_header(headers.get(b"content-disposition", b""))
    name, filename = options.get(b"name"), options.get(b"filename")
    if not name:
        raise _not_the_form()
    shown = filename.decode("utf-8", "replace") if filename is not None else None
    return Part(name.decode("utf-8", "replace"), shown, content)


class _Body:
    """What the parser has found in the bytes that came, and was not taken yet: the headers of a
    part, then its content in pieces, then None for its end."""

    def __init__(self, mark: bytes, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._found: deque[dict[bytes, bytes] | bytes | None] = deque()
        self._is_over = False
        self._headers: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        found = self._found
        self._parser = MultipartParser(
            mark,
            {
                "on_header_field": self._on_name,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_part_data": lambda data, start, end: found.append(data[start:end]),
                "on_part_end": lambda: found.append(None),
                "on_end": self._on_end,
            },
        )

    async def head(self) -> dict[bytes, bytes] | None:
        """The headers of the next part; None: there is none any more."""
        while not self._found:
            if self._is_over:
                return None
            await self._more()
        found = self._found.popleft()
        return found if isinstance(found, dict) else {}

    async def content(self) -> AsyncGenerator[bytes]:
        """What stands in the part whose headers were taken."""
        while True:
            while not self._found:
                await self._more()
            found = self._found.popleft()
            if not isinstance(found, bytes):
                return
            yield found

    async def _more(self) -> None:
        chunk = await anext(self._stream, None)
        if chunk is None or self._is_over:
            raise _not_the_form()
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _not_the_form() from None

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _on_headers(self) -> None:
        self._found.append(self._headers)
        self._headers = {}

    def _on_end(self) -> None:
        self._is_over = True


def _not_the_form() -> InvalidInput:
    return InvalidInput("This is not the form of this page", code="not-the-form")
