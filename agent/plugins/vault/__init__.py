"""ACA-Py plugin: wallets whose key the server does not keep.

A holder's wallet is an *unmanaged* sub-wallet: an encrypted store of its own whose raw key
arrives with each session and is in no file and no record. Start ACA-Py with

    --plugin agent.plugins.vault
    --multitenancy-config wallet_type=agent.plugins.vault.manager.vaultmanager

Outside an open session nothing happens in such a wallet: no admin request reaches it, and no
inbound message is read (docs/adr/0012).
"""

from acapy_agent.config.injection_context import InjectionContext


async def setup(context: InjectionContext) -> None:
    """Nothing to bind: the manager is named on the command line, the routes load themselves."""
