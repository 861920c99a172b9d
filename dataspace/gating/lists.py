"""The shortest list that may enter a comparison of lists.

How many of a list of one are known elsewhere is whether this one is: a question of membership,
whatever the answer is called. So each node counts its own distinct people before it blinds
anything, and counts the tokens of every other when they come round.

What this does not see: a list of one real and many made-up people is long enough. What stands
against it are the agreement, the officers of every holder, and that lists are what was imported
(with its hash in the log) and not what an asker writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from core.errors import Forbidden, VerificationError
from dataspace.agreeing.agreement import Participant

CODES: Final = ("list-too-short", "list-of-another-too-short", "no-linkage")


def distinct(keys: Iterable[bytes | str]) -> int:
    """The length that counts: the same person many times is one."""
    return len(set(keys))


def is_long_enough(length: int, least: int) -> bool:
    """Whether a list of `length` distinct people may enter. An empty one may: it says nothing
    about anybody, and an organisation without cases of this kind must not stop the others."""
    return length == 0 or length >= least


def require_own_list(length: int, least: int) -> None:
    """Raises Forbidden, code `list-too-short`; how short is not told."""
    if not is_long_enough(length, least):
        raise Forbidden(
            "this selection names too few people to be compared with others' lists",
            code="list-too-short",
        )


def require_lists(lengths: Mapping[str, int], least: int) -> None:
    """For tokens that came round: that no participant's list is too short.

    Raises VerificationError: step `lists`, code `list-of-another-too-short`.
    """
    if not all(is_long_enough(each, least) for each in lengths.values()):
        raise VerificationError(
            "a participant's list names too few people",
            step="lists",
            code="list-of-another-too-short",
        )


def require_may_link(own: Participant) -> None:
    """The last word before anything is blinded, whatever gate and people said.

    Raises Forbidden, code `no-linkage`: its law forbids to give away even blinded identifiers
    (34 U.S.C. 12291(b)(2)).
    """
    if own.no_linkage:
        raise Forbidden(
            "the law of this organisation forbids to blind identifiers and send them",
            code="no-linkage",
        )
