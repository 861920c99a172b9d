"""A TCP proxy that hands bytes on later, as a long line would: for measurements and tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

_CHUNK = 2**16


@contextlib.asynccontextmanager
async def delaying(host: str, port: int, seconds: float) -> AsyncIterator[int]:
    """Listens on a port of `host`, which it yields, and passes on to `port` and back.

    Each direction is `seconds` late and otherwise as fast as before. A connection is accepted
    whether anybody listens behind or not, as proxies do, and closed if nobody does.
    """
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            running.add(task)
            task.add_done_callback(running.discard)
        try:
            behind_reader, behind_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(
            _hand_on(reader, behind_writer, seconds), _hand_on(behind_reader, writer, seconds)
        )

    server = await asyncio.start_server(serve, host, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _hand_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    """Reads at once and writes later, so that more than one chunk is under way."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def write() -> None:
        while True:
            due, chunk = await chunks.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                writer.close()
                return
            writer.write(chunk)
            await writer.drain()

    async def read() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = await reader.read(_CHUNK)
            except ConnectionError:
                chunk = b""
            chunks.put_nowait((loop.time() + seconds, chunk))

    with contextlib.suppress(ConnectionError):
        await asyncio.gather(write(), read())
