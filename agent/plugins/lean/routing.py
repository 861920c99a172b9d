"""Whose message it is, without reading route and tenant from the store for each message.

A route leads from a key to a tenant and never to another one: it is remembered. That the tenant
is still there is believed as long as for its token (tenants.py).
"""

from __future__ import annotations

import weakref
from collections import OrderedDict

from acapy_agent.multitenant.base import BaseMultitenantManager
from acapy_agent.protocols.routing.v1_0.manager import RouteNotFoundError, RoutingManager
from acapy_agent.storage.error import StorageNotFoundError
from acapy_agent.wallet.models.wallet_record import WalletRecord

from agent.plugins.lean.tenants import record_of

_MOST = 10_000

_routes: weakref.WeakKeyDictionary[BaseMultitenantManager, OrderedDict[str, str]] = (
    weakref.WeakKeyDictionary()
)


def install() -> None:
    """Put ours in place of ACA-Py's; doing it twice changes nothing."""
    BaseMultitenantManager._get_wallet_by_key = _get_wallet_by_key


async def _get_wallet_by_key(
    self: BaseMultitenantManager, recipient_key: str
) -> WalletRecord | None:
    """The tenant that a key belongs to, if there is one."""
    routes = _routes.setdefault(self, OrderedDict())
    try:
        if recipient_key not in routes:
            found = await RoutingManager(self._profile).get_recipient(recipient_key)
            _remember(routes, recipient_key, str(found.wallet_id))
        return await record_of(self, routes[recipient_key])
    except RouteNotFoundError:
        return None
    except StorageNotFoundError:  # the tenant was removed
        routes.pop(recipient_key, None)
        return None


def _remember(routes: OrderedDict[str, str], key: str, wallet_id: str) -> None:
    if len(routes) >= _MOST:
        routes.popitem(last=False)
    routes[key] = wallet_id
