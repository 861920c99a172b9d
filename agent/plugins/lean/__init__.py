"""Makes ACA-Py spend less on what is not cryptography, and say less (docs/adr/0021).

Nothing of its protocols or its cryptography is touched:
- models.py    the marshmallow schemas that every record and message passes through are made
               once, not for every pass; messages kept in a record are read when needed
- records.py   a record that is saved is not written out a second time for a log nobody reads
- caches.py    what expired is looked for now and then, not with each question
- contexts.py  settings are copied at once, not one by one
- standing.py  a session on a store stays open for the next who needs one
- shortcuts.py  which mediator there is: none
- peers.py, definitions.py, kept.py  what never changes is read from a store once
- envelopes.py  messages are packed with keys that were read before
- routing.py  whose message it is, remembered
- sessions.py  as many sessions on a store as are needed at once, none waiting forever
- tenants.py   whose token it is, without reading the store for every call
- finding.py   a record is found without going through all that earlier exchanges left
- announcing.py  webhooks tell ids of the few changes that somebody waits for, never a record
"""

from __future__ import annotations

import asyncio

from acapy_agent.config.injection_context import InjectionContext

from agent.cores import let_arithmetic_roam
from agent.launch import collect_garbage_seldom
from agent.plugins.lean import (
    announcing,
    caches,
    contexts,
    definitions,
    envelopes,
    finding,
    models,
    peers,
    records,
    routing,
    sessions,
    shortcuts,
    standing,
    tenants,
)

_READY_AFTER = 3.0  # seconds, after which all routes and models are there


async def setup(context: InjectionContext) -> None:
    """Called by ACA-Py when it starts."""
    models.install()
    records.install()
    caches.install()
    contexts.install()
    peers.install()
    definitions.install()
    envelopes.install()
    routing.install()
    standing.install()
    sessions.install()
    shortcuts.install()
    tenants.install()
    finding.install()
    announcing.install()
    let_arithmetic_roam()
    asyncio.get_running_loop().call_later(_READY_AFTER, collect_garbage_seldom)
