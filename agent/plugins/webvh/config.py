"""The plugin's settings, read once when ACA-Py starts.

Each comes from the environment; a value under `haven_webvh` in ACA-Py's plugin configuration
(`--plugin-config-value haven_webvh.did_domain=...`) takes precedence.

- HAVEN_DID_DOMAIN: the domain whose DIDs this installation hosts
- HAVEN_HOST_MAP: JSON object, host to origin, for hosts that are asked over plain HTTP
- HAVEN_REGISTRY_WRITE_URL: origin of the registry's write API, on the loopback interface
- HAVEN_REGISTRY_WRITE_KEY_FILE: a file of mode 0600 with the bearer secret of that API
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigurationError

SETTINGS_KEY = "haven_webvh"
_MIN_KEY_LENGTH = 16


@dataclass(frozen=True, slots=True)
class WebvhConfig:
    """Where identifiers live and how to write them."""

    did_domain: str
    host_map: Mapping[str, str]
    write_url: str
    write_key: str = field(repr=False)


def read_config(settings: Mapping[str, object], environ: Mapping[str, str]) -> WebvhConfig:
    """Read the settings.

    Args:
        settings: What stands under `haven_webvh` in ACA-Py's plugin configuration.

    Raises:
        ConfigurationError: one is missing or cannot be used.
    """

    def value(name: str, default: str | None = None) -> str:
        found = settings.get(name) or environ.get(f"HAVEN_{name.upper()}") or default
        if not found:
            raise ConfigurationError(f"the webvh plugin needs HAVEN_{name.upper()}")
        return found if isinstance(found, str) else json.dumps(found)

    return WebvhConfig(
        did_domain=value("did_domain"),
        host_map=_read_map(value("host_map", "{}")),
        write_url=value("registry_write_url").rstrip("/"),
        write_key=read_key_file(Path(value("registry_write_key_file"))),
    )


def read_key_file(path: Path) -> str:
    """The secret in a file that only its owner may read.

    Raises:
        ConfigurationError: no such file, others may read it, or the secret is too short.
    """
    try:
        readable_by_others = path.stat().st_mode & 0o077
        key = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise ConfigurationError("the registry's write key cannot be read") from None
    if readable_by_others:
        raise ConfigurationError("the registry's write key file must have mode 0600")
    if len(key) < _MIN_KEY_LENGTH:
        raise ConfigurationError("the registry's write key is too short")
    return key


def _read_map(text: str) -> dict[str, str]:
    try:
        mapping = json.loads(text)
    except ValueError:
        raise ConfigurationError("HAVEN_HOST_MAP is not JSON") from None
    if not isinstance(mapping, dict) or not all(isinstance(v, str) for v in mapping.values()):
        raise ConfigurationError("HAVEN_HOST_MAP must map hosts to origins")
    return mapping
