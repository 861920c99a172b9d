"""One organisation's node: everything of it put together, started and stopped."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from controllers.dataspace.agreements import Agreements
from controllers.dataspace.cases import Cases, Imported
from controllers.dataspace.catching_up import CatchingUp
from controllers.dataspace.comparing import Comparing
from controllers.dataspace.coordinating import Coordinating
from controllers.dataspace.framework import Rules
from controllers.dataspace.identity import Identity
from controllers.dataspace.journal import Journal
from controllers.dataspace.judging import Gatekeeper
from controllers.dataspace.keeping import Keeping
from controllers.dataspace.open_runs import OpenRuns
from controllers.dataspace.part import Compute
from controllers.dataspace.partaking import Partaking
from controllers.dataspace.peers import Peers
from controllers.dataspace.plans import Plans
from controllers.dataspace.runs import Runs
from controllers.dataspace.settings import NodeSettings
from controllers.store.database import Database
from core.clock import Clock
from core.errors import Forbidden, VerificationError
from dataspace.gathering.coding import Gathered
from dataspace.questions.base import Question
from dataspace.recording.log import Kind
from dataspace.vocabulary.model import Vocabulary

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outside:
    """What a node is given from outside: rules, questions, vocabulary, time, computing."""

    rules: Rules
    questions: Mapping[str, Question]
    vocabulary: Vocabulary
    clock: Clock
    compute: Compute


@dataclass(frozen=True, slots=True)
class Books:
    """A node's database, and what is kept in it. All of it that needs no other node."""

    settings: NodeSettings
    identity: Identity
    database: Database
    keeping: Keeping
    journal: Journal
    runs: Runs
    agreements: Agreements


@asynccontextmanager
async def opened_books(
    settings: NodeSettings, identity: Identity, clock: Clock
) -> AsyncIterator[Books]:
    """The node's database, brought to the newest version; closed afterwards."""
    database = Database(settings.store_url)
    try:
        await database.migrate()
        keeping, journal = Keeping(database), Journal(database, identity, clock)
        agreements = Agreements(identity, keeping, journal, clock)
        await agreements.load()
        runs = Runs(database, identity.sealing_key)
        yield Books(settings, identity, database, keeping, journal, runs, agreements)
    finally:
        await database.close()


class Node:
    """A node that lives under an agreement; its parts are for its officers' API and tests."""

    def __init__(self, books: Books, outside: Outside) -> None:
        """Raises ConfigurationError: no agreement was adopted; VerificationError: the terms
        are of another vocabulary, or a certificate is not as it has to be."""
        self.books, self.outside = books, outside
        settings, identity, clock = books.settings, books.identity, outside.clock
        agreements = books.agreements
        if agreements.agreement.terms.vocabulary != outside.vocabulary.digest():
            raise VerificationError("the terms name another vocabulary", step="vocabulary")
        self.cases = Cases(
            books.database, books.journal, identity.sealing_key, outside.vocabulary
        )
        self.peers = Peers(identity, agreements.space, clock)
        self.gate = Gatekeeper(
            identity=identity,
            agreements=agreements,
            keeping=books.keeping,
            runs=books.runs,
            cases=self.cases,
            rules=outside.rules,
            questions=outside.questions,
            vocabulary=outside.vocabulary,
            clock=clock,
        )
        self.plans = Plans(
            identity=identity,
            agreements=agreements,
            keeping=books.keeping,
            journal=books.journal,
            gate=self.gate,
            clock=clock,
        )
        self.comparing = Comparing(
            identity, books.journal, self.peers, clock, settings.answer_seconds
        )
        self.catching_up = CatchingUp(agreements, books.keeping, self.plans, self.peers, clock)
        self.open_runs = OpenRuns(books.runs, books.journal, clock)
        self.partaking = self._partaking()
        self.coordinating = Coordinating(
            identity=identity,
            settings=settings,
            agreements=agreements,
            plans=self.plans,
            gate=self.gate,
            peers=self.peers,
            partaking=self.partaking,
            open_runs=self.open_runs,
            clock=clock,
        )

    def _partaking(self) -> Partaking:
        books, outside = self.books, self.outside
        return Partaking(
            identity=books.identity,
            settings=books.settings,
            agreements=books.agreements,
            plans=self.plans,
            runs=books.runs,
            open_runs=self.open_runs,
            journal=books.journal,
            cases=self.cases,
            gate=self.gate,
            peers=self.peers,
            comparing=self.comparing,
            vocabulary=outside.vocabulary,
            compute=outside.compute,
            clock=outside.clock,
        )

    async def start(self) -> None:
        """Read the cases, settle what was interrupted, and listen for the other nodes."""
        await self._settle()
        await self.cases.load()
        self.books.agreements.connect(self.peers)
        self.plans.connect(self.peers)
        await self.peers.start(self.books.settings.host, self.books.agreements.own.port)
        self.catching_up.start()

    async def _settle(self) -> None:
        for tag in await self.books.runs.fail_interrupted(self.outside.clock.now()):
            run = await self.books.runs.run(tag)
            await self.books.journal.append(
                Kind.RUN_FAILED, run=tag, plan=run.plan, phase=run.phase
            )
            LOGGER.warning("a run was interrupted and has failed in state %s", run.state)

    async def stop(self) -> None:
        """Give up what is open, and close every connection."""
        await self.catching_up.stop()
        await self.coordinating.stop()
        await self.open_runs.stop()
        await self.peers.stop()

    async def import_cases(self, gathered: Gathered, file_sum: str) -> Imported:
        """These are the organisation's cases from now on. `file_sum` is the SHA-256 (hex) of
        where they came from. Raises Forbidden: this node holds no data."""
        if not self.books.agreements.own.holds_data:
            raise Forbidden("This node holds no cases under its agreement", code="no-data")
        return await self.cases.replace(gathered, file_sum, self.outside.clock.now())


@asynccontextmanager
async def running_node(books: Books, outside: Outside) -> AsyncIterator[Node]:
    """A node that listens for the others, until the block ends."""
    node = Node(books, outside)
    try:
        await node.start()
        yield node
    finally:
        await node.stop()
