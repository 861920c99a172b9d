"""What chapter 6 is played with."""

from __future__ import annotations

from dataclasses import dataclass, field

from controllers.story.cast import Cast
from controllers.story.issuing import Holders
from controllers.story.outside import Outside
from controllers.story.people import Desk, Phone

ELIGIBILITY = "service-eligibility"


@dataclass
class Scene:
    """What the refusals are tried with."""

    cast: Cast
    holders: Holders
    outside: Outside
    shelter: Desk
    payer: Desk
    definitions: dict[str, str] = field(default_factory=dict)

    async def phone(self) -> Phone:
        """A new open wallet."""
        return await (await Phone.new(self.cast.base_url)).unlock()
