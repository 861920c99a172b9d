"""What the ring costs: every party a process of its own, connected by mutual TLS on loopback.

Beside it the same answer by plain Python sets, and by the obvious secure way: every identifier
compared with every other one inside MPyC, which is measured on a few rows and extrapolated,
since it grows with the square. Made-up identifiers only. Used by `haven dataspace bench`.
"""

from __future__ import annotations

import asyncio
import multiprocessing as mp
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.errors import Unavailable
from dataspace.ring.counting import evaluate_count
from dataspace.ring.group import Scalar, hash_to_group
from dataspace.ring.loopback import Loopback, make_certificates
from dataspace.ring.protocol import count_with
from dataspace.ring.terms import Terms

_HOLDERS = ("shelter", "police", "labour")
_EVALUATOR = "evaluator"
_START = 120.0  # seconds for all processes to start and to connect


@dataclass(frozen=True, slots=True)
class RingCost:
    """One run of the ring, and the same by plain sets. Times in seconds, memory in MiB.

    seconds: from the moment when all are connected until the evaluator has counted and all
    have been told. memory: the highest resident set of each node's process. floor: of a process
    that has loaded the same and done nothing. bare: processor seconds that libsodium alone
    takes for as many hashes and multiplications, from a sample taken right after, which says
    how busy the machine was. plain: the same counts by sets, in one process.
    """

    identifiers: int
    holders: int
    tls: bool
    seconds: float
    processor_seconds: float
    memory: dict[str, float]
    floor: float
    bare: float
    plain: float


def measure_ring(
    identifiers: int, *, keys: int = 1, threads: int | None = None, tls: bool = True
) -> RingCost:
    """Three holders of `identifiers` people each, a third of them in common.

    threads: how many multiply at each holder. If nothing is said the holders share this
    machine's cores: more threads than cores only wait for each other.

    Raises ArithmeticError: the ring counted something else than plain sets do.
    """
    terms = _terms(identifiers, keys)
    with TemporaryDirectory() as folder:
        if tls:
            make_certificates(Path(folder), (*terms.holders, terms.evaluator))
        threads = threads or max(1, (os.process_cpu_count() or 1) // len(terms.holders))
        job = _Job(terms, identifiers, threads, Path(folder) if tls else None)
        begun, told = _run_parties(job)
    expected, plain = _plain(terms, identifiers)
    if told[terms.evaluator].counted != expected:
        raise ArithmeticError("the ring and plain sets count differently")
    return RingCost(
        identifiers=identifiers,
        holders=len(terms.holders),
        tls=tls,
        seconds=max(each.ended for each in told.values()) - begun,
        processor_seconds=sum(each.processor for each in told.values()),
        memory={name: each.memory for name, each in told.items()},
        floor=min(each.floor for each in told.values()),
        bare=_bare(terms, identifiers),
        plain=plain,
    )


@dataclass(frozen=True, slots=True)
class PairwiseCost:
    """The obvious way: `rows` rows in each of three lists, every pair compared in MPyC."""

    rows: int
    seconds: float

    def extrapolated(self, rows: int) -> float:
        """Seconds for lists of so many rows: comparisons grow with the square."""
        return self.seconds * (rows / self.rows) ** 2


def measure_pairwise(rows: int = 30) -> PairwiseCost:
    """Three MPyC parties on this machine, without TLS, 32-bit identifiers; only the sums of
    equal pairs are opened.

    Raises subprocess.SubprocessError: the computation failed or took more than ten minutes.
    """
    program = Path(__file__).with_name("pairwise.py")
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, str(program), str(rows), "-M3", "--no-log"],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    return PairwiseCost(rows, float(done.stdout.split()[-1]))


# --- one party, in its own process ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Job:
    """What all parties of a measured run are started with."""

    terms: Terms
    identifiers: int
    threads: int
    folder: Path | None


@dataclass(frozen=True, slots=True)
class _Told:
    """What a party's process tells of itself at the end."""

    ended: float
    processor: float
    memory: float
    floor: float
    counted: dict[frozenset[str], int] | None


def _terms(identifiers: int, keys: int) -> Terms:
    return Terms(
        purpose="measuring",
        period="2025",
        agreement="none",
        run=f"measured-{identifiers}",
        keys=tuple(f"key-{key}" for key in range(keys)),
        holders=_HOLDERS,
        evaluator=_EVALUATOR,
        minimum=1,
        most=2**20,
        seconds=1_800.0,
    )


def _identifiers(place: int, identifiers: int) -> range:
    """Every list begins a third later than the one before: a third is on all three."""
    first = identifiers * place // 3
    return range(first, first + identifiers)


def _records(terms: Terms, place: int, identifiers: int) -> list[tuple[bytes | None, ...]]:
    keys = range(len(terms.keys))
    return [
        tuple(b"made-up %d %d" % (key, each) for key in keys)
        for each in _identifiers(place, identifiers)
    ]


def _plain(terms: Terms, identifiers: int) -> tuple[dict[frozenset[str], int], float]:
    lists = [
        {record[0] for record in _records(terms, place, identifiers)}
        for place in range(len(terms.holders))
    ]
    begun = time.perf_counter()
    found: dict[frozenset[str], int] = {}
    for each in set.union(*lists):
        on = frozenset(
            name for name, people in zip(terms.holders, lists, strict=True) if each in people
        )
        found[on] = found.get(on, 0) + 1
    return found, time.perf_counter() - begun


def _bare(terms: Terms, identifiers: int, sample: int = 500) -> float:
    """Processor seconds of libsodium for a run: each token is hashed once, blinded by all."""
    scalar, tag = Scalar(), terms.separation_tags()[0]
    begun = time.process_time()
    tokens = hash_to_group(tag, [b"%d" % each for each in range(sample)])
    hashed = time.process_time()
    scalar.blind(tokens)
    blinded = time.process_time() - hashed
    scalar.destroy()
    each = hashed - begun + blinded * len(terms.holders)
    lists = len(terms.holders) * terms.padded(identifiers) * len(terms.keys)
    return each / sample * lists


def _run_parties(job: _Job) -> tuple[float, dict[str, _Told]]:
    context, terms = mp.get_context("spawn"), job.terms
    names = (*terms.holders, terms.evaluator)
    pipes: dict[str, Connection] = {}
    processes = []
    for name in names:
        ours, theirs = context.Pipe()
        processes.append(context.Process(target=_party, args=(name, job, theirs), daemon=True))
        processes[-1].start()
        pipes[name] = ours
    try:
        ports = dict(zip(names, _all_say(pipes.values(), _START), strict=True))
        for pipe in pipes.values():
            pipe.send(ports)
        _all_say(pipes.values(), _START)
        begun = time.monotonic()
        for pipe in pipes.values():
            pipe.send("go")
        told = dict(zip(names, _all_say(pipes.values(), terms.seconds), strict=True))
    finally:
        for process in processes:
            process.join(5)
            process.kill()
    return begun, told


def _all_say(pipes: Iterable[Connection], seconds: float) -> list[Any]:
    said = []
    for pipe in pipes:
        if not pipe.poll(seconds):
            raise Unavailable("a party of the measured ring does not answer")
        said.append(pipe.recv())
    return said


def _party(name: str, job: _Job, pipe: Connection) -> None:
    asyncio.run(_part(name, job, pipe))


async def _part(name: str, job: _Job, pipe: Connection) -> None:
    terms, network = job.terms, Loopback(name, job.folder)
    floor = _peak()
    holds = name in terms.holders
    records = _records(terms, terms.place(name), job.identifiers) if holds else []
    pipe.send(await network.listen())
    ports = await asyncio.to_thread(pipe.recv)
    after = (terms.after(terms.place(name)), terms.evaluator) if holds else terms.holders
    await network.connect(ports, after)
    pipe.send("connected")
    await asyncio.to_thread(pipe.recv)
    begun, counted = time.process_time(), None
    if holds:
        await count_with(terms, name, records, network, threads=job.threads)
    else:
        counted = (await evaluate_count(terms, network)).patterns
    ended, processor = time.monotonic(), time.process_time() - begun
    pipe.send(_Told(ended, processor, _peak(), floor, counted))
    await network.close()


def _peak() -> float:
    """MiB of this process's highest resident set (Linux). getrusage would count its parent's,
    whose pages a new process has until it loads its own program."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
