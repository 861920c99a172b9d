"""Playing a story step by step: what was expected, what happened, how long it took."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from controllers.story.people import Refused
from core.errors import HavenError


@dataclass(frozen=True, slots=True)
class Told:
    """One step that was played."""

    number: str
    title: str
    expected: str
    happened: str
    milliseconds: float

    @property
    def as_expected(self) -> bool:
        return self.expected == self.happened


@dataclass
class Teller:
    """Plays steps and remembers them. A step that differs does not stop the story."""

    console: Console | None = None
    told: list[Told] = field(default_factory=list)

    async def step(
        self, number: str, title: str, expected: str, play: Callable[[], Awaitable[str]]
    ) -> Told:
        """Play one step; a refusal or an error is what happened."""
        began = time.perf_counter()
        try:
            happened = await play()
        except Refused as refused:
            happened = f"refused: {refused.why}"
        except HavenError as err:
            happened = f"error: {err.slug}"
        elapsed = (time.perf_counter() - began) * 1000
        told = Told(number, title, expected, happened, elapsed)
        self.told.append(told)
        if self.console:
            mark = "[green]ok[/green]" if told.as_expected else "[red bold]NO[/]"
            line = f"  {mark}  {number:<5} {elapsed:>6.0f} ms  {escape(title)}"
            self.console.print(line, soft_wrap=True)
        return told

    @property
    def well(self) -> bool:
        """Whether every step went as expected."""
        return bool(self.told) and all(told.as_expected for told in self.told)

    def table(self) -> Table:
        """Everything that was played."""
        table = Table(show_lines=False)
        for heading in ("", "step", "expected", "happened"):
            table.add_column(heading, overflow="fold")
        table.add_column("ms", justify="right")
        for told in self.told:
            style = None if told.as_expected else "bold red"
            table.add_row(
                told.number,
                escape(told.title),
                escape(told.expected),
                escape(told.happened),
                f"{told.milliseconds:.0f}",
                style=style,
            )
        return table
