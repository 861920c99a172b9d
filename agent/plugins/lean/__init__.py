"""Makes ACA-Py spend less on what is not cryptography, and say less (docs/adr/0021).

Nothing of its protocols or its cryptography is touched:
- models.py    the marshmallow schemas that every record and message passes through are made
               once, not for every pass; messages kept in a record are read when needed
- records.py   a record that is saved is not written out a second time for a log nobody reads
- sessions.py  as many sessions on a store as are needed at once, none waiting forever
- tenants.py   whose token it is, without reading the store for every call
- finding.py   a record is found without going through all that earlier exchanges left
- announcing.py  webhooks tell ids of the few changes that somebody waits for, never a record
"""

from __future__ import annotations

import asyncio

from acapy_agent.config.injection_context import InjectionContext

from agent.launch import collect_garbage_seldom
from agent.plugins.lean import announcing, finding, models, records, sessions, tenants

_READY_AFTER = 3.0  # seconds, after which all routes and models are there


async def setup(context: InjectionContext) -> None:
    """Called by ACA-Py when it starts."""
    models.install()
    records.install()
    sessions.install()
    tenants.install()
    finding.install()
    announcing.install()
    asyncio.get_running_loop().call_later(_READY_AFTER, collect_garbage_seldom)
