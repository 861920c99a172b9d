"""The steps of a run, and what people are told when one fails. Words of ours, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

type Step = Literal[
    "start",
    "listening",
    "connecting",
    "identities",
    "agreeing",
    "inputs",
    "computing",
    "messages",
    "answering",
]

STEPS: tuple[Step, ...] = get_args(Step.__value__)

WORDS: Mapping[Step, str] = {
    "start": "this node could not start its part of the computation",
    "listening": "this node cannot listen at the address that was agreed for it",
    "connecting": "not every organisation's node could be reached; is each of them running?",
    "identities": "a node showed a certificate that is not the one agreed for it",
    "agreeing": "the nodes were given different computations to do; approve one plan again",
    "inputs": "what this organisation brings does not fit the plan",
    "computing": "the computation stopped: a node was lost, or too slow",
    "messages": "a node sent something that is no part of the computation",
    "answering": "not every node reached the end, so nothing was released; run it again",
}


class Stopped(Exception):
    """A party cannot go on; `step` says where. Its process ends with it."""

    def __init__(self, step: Step) -> None:
        super().__init__(step)
        self.step: Step = step
