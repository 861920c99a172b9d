"""A node's part in a run of secret sharing among the compute nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from controllers.dataspace.part import BasePart, Result, Setting
from controllers.dataspace.saying import Ready
from core.errors import InvalidInput, Unavailable, VerificationError
from dataspace.agreeing.agreement import Participant
from dataspace.computing.job import circuit_of, field_modulus
from dataspace.computing.shares import combine, split
from dataspace.planning.seeing import parties_of
from dataspace.questions.base import (
    Inputs,
    SharesQuestion,
)
from dataspace.releasing.noise import add_noise

SHARES = "run-shares"


class SharesPart(BasePart):
    """Secret sharing among the compute nodes; other holders hand them additive shares."""

    def __init__(self, setting: Setting) -> None:
        question = cast(SharesQuestion, setting.question)
        parties = parties_of(question, setting.plan, setting.terms)
        self._circuit = question.circuit(setting.plan, setting.vocabulary, len(setting.holders))
        self._inputs: Inputs = {}
        if setting.me in setting.holders:
            table = setting.own.gathered.table
            self._inputs = question.inputs(setting.plan, table, add_noise)
        super().__init__(setting, _joined(self._inputs))
        self.be_party(self._circuit, parties)
        self._sharing = [p.did for p in setting.holders if p.did not in parties]
        self._shares: dict[str, Mapping[str, Sequence[int]]] = {}
        self._all_here = asyncio.Event()

    async def compute(self, readies: Mapping[str, Ready]) -> Result | None:
        me = self.setting.me.did
        if me in self._sharing:
            await self._hand_out()
        if me not in self.parties:
            return None
        residues = await self._residues()
        return await self.circuit(self._circuit, self._inputs, readies, residues)

    @property
    def _modulus(self) -> int:
        circuit = self._circuit
        return field_modulus(circuit.name, circuit.parameters, len(self.parties))

    async def _hand_out(self) -> None:
        if not circuit_of(self._circuit.name).shareable:
            raise InvalidInput("this computation takes no shares", code="not-shareable")
        shares = {
            name: split(values.tolist(), self._modulus, len(self.parties))
            for name, values in self._inputs.items()
        }
        async with asyncio.TaskGroup() as group:
            for at, did in enumerate(self.parties):
                member = self.setting.terms.participant(did)
                body = {
                    "run": self.setting.tag,
                    "shares": {
                        name: [format(each, "x") for each in parts[at]]
                        for name, parts in shares.items()
                    },
                }
                if member is not None:
                    group.create_task(
                        self.setting.peers.ask(
                            member, SHARES, body, seconds=self.setting.seconds
                        )
                    )

    def take_shares(self, sender: Participant, shares: Any) -> None:
        if sender.did not in self._sharing or sender.did in self._shares:
            raise VerificationError("nobody waits for these shares", step="shares")
        lengths = {name: len(values) for name, values in self._inputs.items()}
        try:
            read = {
                str(name): [int(str(each), 16) for each in values]
                for name, values in dict(shares).items()
            }
        except (TypeError, ValueError) as err:
            raise VerificationError("these are no shares", step="shares") from err
        if {name: len(values) for name, values in read.items()} != lengths:
            raise VerificationError("these shares are of another table", step="shares")
        self._shares[sender.did] = read
        if len(self._shares) == len(self._sharing):
            self._all_here.set()

    async def _residues(self) -> dict[str, Sequence[int]]:
        if not self._sharing:
            return {}
        try:
            async with asyncio.timeout(self.setting.seconds):
                await self._all_here.wait()
        except TimeoutError as err:
            raise Unavailable("shares are missing", code="shares-missing") from err
        return {
            name: combine([each[name] for each in self._shares.values()], self._modulus)
            for name in self._inputs
        }


def _joined(inputs: Inputs) -> np.ndarray[Any, Any]:
    flat = [np.ravel(inputs[name]).astype(np.int64) for name in sorted(inputs)]
    return np.concatenate(flat) if flat else np.zeros(0, np.int64)
