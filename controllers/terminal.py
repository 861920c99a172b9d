"""What commands say at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape

from core.errors import HavenError


def told[Result](work: Callable[[], Result]) -> Result:
    """The result of `work`; its error in words, with status 1."""
    try:
        return work()
    except HavenError as err:
        console = Console(stderr=True)
        console.print(f"[bold]{err.title}.[/bold] {escape(err.detail)}")
        sys.exit(1)
