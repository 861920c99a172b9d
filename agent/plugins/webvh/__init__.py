"""ACA-Py plugin: did:webvh identities, AnonCreds without a ledger, honest revocation.

Load with `--plugin agent.plugins.webvh`; settings are in `agent.plugins.webvh.config`.
"""

from __future__ import annotations

import os
from typing import Any

from acapy_agent.anoncreds.registry import AnonCredsRegistry
from acapy_agent.config.injection_context import InjectionContext
from acapy_agent.resolver.did_resolver import DIDResolver

from agent.plugins.webvh import rollover
from agent.plugins.webvh.config import SETTINGS_KEY, read_config
from agent.plugins.webvh.registrar import WebvhAnonCredsRegistry
from agent.plugins.webvh.resolver import VerifyingWebvhResolver, replace_resolver
from agent.plugins.webvh.runtime import WebvhRuntime
from agent.plugins.webvh.tails import replace_retrieval
from agent.webvh.fetch import HttpFetcher
from agent.webvh.reader import WebvhReader
from agent.webvh.writer import RegistryWriter


async def setup(context: InjectionContext) -> None:
    """Called by ACA-Py when it starts.

    Raises:
        ConfigurationError: a setting is missing or wrong; ACA-Py does not start then.
    """
    plugin_config: dict[str, Any] = context.settings.get("plugin_config") or {}
    config = read_config(plugin_config.get(SETTINGS_KEY) or {}, os.environ)
    fetcher = HttpFetcher(config.host_map)
    reader = WebvhReader(fetcher)
    runtime = WebvhRuntime(
        config=config,
        fetcher=fetcher,
        reader=reader,
        writer=RegistryWriter(config.write_url, config.write_key),
    )
    context.injector.bind_instance(WebvhRuntime, runtime)
    context.inject(AnonCredsRegistry).register(WebvhAnonCredsRegistry(runtime))
    replace_resolver(context.inject(DIDResolver), VerifyingWebvhResolver(reader))
    replace_retrieval(fetcher)
    rollover.install()
