"""The controllers' process: both listeners in one event loop.

    python -m controllers.serve

It is started by `haven up`, and ends when its supervisor does.
"""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from agent.launch import collect_garbage_seldom, die_with_parent, use_all_files_allowed
from agent.profiling import profile_if_asked
from controllers import logs
from controllers.app import build
from controllers.haven import Haven
from controllers.listening import listener
from controllers.secrets import load
from controllers.settings import read_settings
from core.errors import HavenError


async def serve(haven: Haven, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    settings = haven.settings
    await haven.start()
    collect_garbage_seldom()
    servers = [
        listener(haven.public_app, settings.host, settings.public_port),
        listener(haven.internal_app, settings.internal_host, settings.internal_port),
    ]
    running = [asyncio.create_task(server.serve()) for server in servers]
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    await haven.stop()


async def _run() -> None:
    settings = read_settings()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(build(settings, load(settings.secrets_folder)), stop)


def main() -> None:
    """Run until told to stop."""
    die_with_parent()
    use_all_files_allowed()
    profile_if_asked("controllers")
    logs.configure()
    try:
        uvloop.run(_run())
    except HavenError as err:  # in our words, which hold no value
        sys.exit(f"{err.title}. {err.detail}")


if __name__ == "__main__":
    main()
