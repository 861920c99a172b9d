"""Leafing through what grows: a page of plans or of the log, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import HTMLResponse

from controllers.dataspace.console.entry import Visitor
from controllers.dataspace.console.nodes import NodeClient
from controllers.dataspace.console.words import Words, minute

ENTRIES = 50  # of a log, on one page

OlderThan = Annotated[str, Query(pattern=r"^[A-Za-z0-9:_-]{0,128}$")]
"""The plan whose predecessors are wanted; empty: the newest."""

Below = Annotated[int, Query(ge=0, le=2**62)]
"""The number of an entry whose predecessors are wanted; 0: the newest."""


async def plans_of(node: NodeClient, before: str) -> Mapping[str, Any]:
    """What templates take of a node's plans: those of the page, those that wait for its
    organisation, where the next page begins. The first page begins with what waits."""
    found = await node.get(f"/plans?before={before}" if before else "/plans")
    waiting: Sequence[Mapping[str, Any]] = found["waiting"]
    digests = {each["digest"] for each in waiting}
    plans = found["items"]
    if not before:
        plans = [*waiting, *(each for each in plans if each["digest"] not in digests)]
    return {"plans": plans, "waiting": waiting, "older": found["older"]}


async def last_entries(
    node: NodeClient, about: Mapping[str, Any], below: int, most: int
) -> list[dict[str, object]]:
    """The last entries of a node's log, or the last ones below a number; in their order.
    `about` is what the node says of itself."""
    last = min(below - 1 if below else about["log"]["entries"], about["log"]["entries"])
    first = max(0, last - most)
    if last <= first:
        return []
    entries = await node.get(f"/log?after={first}&most={last - first}")
    return list(entries["items"])


async def log_page(
    visitor: Visitor,
    place: str,
    about: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    below: int = 0,
    compared: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    """A page of a node's log, the newest entry first, and what is left of its budget."""
    node = visitor.node(place)
    entries = await last_entries(node, about, below, ENTRIES)
    return await visitor.page(
        "log.html",
        at=place,
        node=about,
        ledger=await node.get("/ledger"),
        entries=entries[::-1],
        older=entries[0]["number"] if entries and entries[0]["number"] != 1 else None,
        compared=compared,
        words=Words({}, visitor.language),
        names=names,
        minute=minute,
    )
