"""The arithmetic's floor: the bare AnonCreds calls, in processes of their own.

    python -m controllers.bench.floor PART REPETITIONS KEYS    prints a JSON array

A repetition's time is the processor time of the whole process, all threads. For the floor of
the throughput as many such processes run at once as the machine has cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.arithmetic import Kind, Press, check, new_link_secret
from controllers.moment import now
from controllers.story.issuing import eligibility, guardianship, new_links, only
from core.errors import Unavailable
from core.presentation import PresentationAsk
from credential_defs import load_all
from governance.checks import instantiate
from governance.documents import new_framework, packaged_rules, serialise, with_schema
from governance.engine import parse_framework

PARTS = ("issue", "check", "guardian")
_VARIANTS = {"check": "plain", "guardian": "representative"}
_WARM_UP = 2
_AUTHORITY = "did:webvh:bench:haven.localhost:authority"


@dataclass(frozen=True, slots=True)
class Floor:
    """Processor seconds of one repetition; repetitions a second on all cores."""

    mean: float
    median: float
    per_second: float


async def measure(part: str, repetitions: int, keys: Path, *, crowded: bool) -> Floor:
    """Run the bare calls of a part alone, and with `crowded` on all cores at once."""
    alone = await _run(part, repetitions, keys)
    cores = os.cpu_count() or 1
    rate = cores / statistics.mean(alone)
    if crowded:
        together = await asyncio.gather(
            *(_run(part, repetitions, keys, wall=True) for _ in range(cores))
        )
        rate = sum(1 / statistics.mean(each) for each in together)
    return Floor(statistics.mean(alone), statistics.median(alone), rate)


async def _run(part: str, repetitions: int, keys: Path, *, wall: bool = False) -> list[float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controllers.bench.floor",
        part, str(repetitions), str(keys), "wall" if wall else "cpu",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise Unavailable("The bare calls failed; what they said stands above")
    return [float(seconds) for seconds in json.loads(output)]


# --- in the process of its own ----------------------------------------------------------------


def _ask(variant: str) -> PresentationAsk:
    """The very request that the framework makes for the check at a shelter."""
    document = new_framework(packaged_rules(), _AUTHORITY, now())
    for credential in document["credentials"]:
        document = with_schema(document, credential, _schema_id(credential), now())
    framework = parse_framework(serialise(document))
    return instantiate(framework, "shelter", variant, {}, as_of=now()).ask


def _schema_id(credential: str) -> str:
    return f"{_AUTHORITY}/resources/{credential}"


def _press(credential: str, keys: Path) -> Press:
    """A press as large as in production. Its keys take seconds to make and are kept."""
    definition = load_all()[credential]
    kept = keys / f"{credential}.json"
    kind = Kind(
        _schema_id(credential), definition.attribute_names, definition.settings.registry_size
    )
    if kept.exists():
        return Press(kind, json.loads(kept.read_text()))
    press = Press(kind)
    keys.mkdir(parents=True, exist_ok=True)
    temporary = keys / f".{credential}.{os.getpid()}"
    temporary.write_text(json.dumps(press.keys()))
    temporary.replace(kept)
    return press


def _values(part: str) -> dict[str, dict[str, str]]:
    links = new_links()
    given: dict[str, Mapping[str, Any]] = {"service-eligibility": eligibility()}
    if part == "guardian":
        child = eligibility(held_for_other=1, **only(links, "shelter", "court"))
        given = {"guardianship": guardianship(links), "service-eligibility": child}
    known = load_all()
    return {name: known[name].validate_values(values) for name, values in given.items()}


def _work(part: str, keys: Path) -> Callable[[], object]:
    values, secret = _values(part), new_link_secret()
    presses = {name: _press(name, keys) for name in values}
    if part == "issue":
        ((name, press),) = presses.items()
        return lambda: press.issue(values[name], secret)
    ask = _ask(_VARIANTS[part])
    by_schema = {press.kind.schema_id: name for name, press in presses.items()}
    names = [by_schema[one.schema_id] for one in ask.asks]
    held = [(presses[name], presses[name].issue(values[name], secret)) for name in names]
    return lambda: check(ask, held, secret)


def main() -> None:
    """Print the seconds of each repetition."""
    part, repetitions, keys, clock = sys.argv[1:]
    work = _work(part, Path(keys))
    read = time.perf_counter if clock == "wall" else time.process_time
    seconds = []
    for _ in range(_WARM_UP + int(repetitions)):
        began = read()
        work()
        seconds.append(read() - began)
    print(json.dumps(seconds[_WARM_UP:]))


if __name__ == "__main__":
    main()
