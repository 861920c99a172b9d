"""ACA-Py plugin: wallets whose key the server does not keep.

A holder's wallet is an *unmanaged* sub-wallet: an encrypted store of its own whose raw key
arrives with each session and is in no file and no record. Start ACA-Py with

    --plugin agent.plugins.vault
    --multitenancy-config wallet_type=agent.plugins.vault.manager.vaultmanager

Outside an open session nothing happens in such a wallet: no admin request reaches it, and no
inbound message is read (docs/adr/0012). Messages wait, encrypted as they came, for the next
session (docs/adr/0026).

- manager.py   makes, opens, closes and destroys wallets
- opened.py    a wallet that is open
- inbox.py     messages into open wallets, and for closed ones
- held.py      where they wait
- once.py      what arrives twice counts once
- notes.py, routes.py   what the controllers call
"""

from acapy_agent.config.injection_context import InjectionContext

from agent.plugins.vault import inbox, once


async def setup(context: InjectionContext) -> None:
    """The manager is named on the command line, the routes load themselves."""
    inbox.install()
    once.install()
