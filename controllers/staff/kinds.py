"""The words of the desks: what somebody may do, what can be proposed, and where that stands."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Duty(StrEnum):
    """What somebody may do at a desk."""

    ISSUE = "issue"
    CHECK = "check"
    REVOKE = "revoke"
    ADMINISTER = "administer"


class Kind(StrEnum):
    """What is proposed."""

    WITHDRAW = "withdraw"
    ISSUE = "issue"
    OPTION = "option"


class State(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    AGREEING = "agreeing"  # agreed to, and being done: what is killed then is gone on with
    AGREED = "agreed"
    DECLINED = "declined"
    LAPSED = "lapsed"


# what somebody has to be allowed to do to propose something, and to agree to it
RESTS_ON: Mapping[Kind, Duty] = {
    Kind.WITHDRAW: Duty.REVOKE,
    Kind.ISSUE: Duty.ISSUE,
    Kind.OPTION: Duty.ADMINISTER,
}
