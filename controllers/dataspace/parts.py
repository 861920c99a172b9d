"""This node's part in one run: what goes in, and how it is computed with the others.

Nodes whose data do not go in, or that do not compute, have the part of a bystander: they
verify, log and compare like all others.
"""

from __future__ import annotations

import asyncio

from controllers.dataspace.part import Part, Setting
from controllers.dataspace.ring_part import RingPart
from controllers.dataspace.shares_part import SharesPart
from dataspace.questions.base import Engine


async def make_part(setting: Setting) -> Part:
    """This node's part. Raises InvalidInput: its own figures do not fit the plan."""
    kind = SharesPart if setting.question.engine is Engine.SHARES else RingPart
    return await asyncio.to_thread(kind, setting)
