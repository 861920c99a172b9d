"""Where a passphrase comes from: a file, or a person's fingers; never the command line."""

from __future__ import annotations

from pathlib import Path

import typer

from core.errors import ConfigurationError, InvalidInput
from core.secret import Secret

SHORTEST = 16


def read_passphrase(file: Path | None, *, new: bool) -> Secret:
    """The first line of a file that only its owner may read, or what is typed.

    Raises ConfigurationError for a file that others may read, InvalidInput if a new
    passphrase is short.
    """
    if file is None:
        typed = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=new)
        return _long_enough(str(typed), new=new)
    try:
        others = file.stat().st_mode & 0o077
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as err:
        raise ConfigurationError("The passphrase file cannot be read") from err
    if others:
        raise ConfigurationError("The passphrase file can be read by others; set mode 0600")
    return _long_enough(lines[0].strip() if lines else "", new=new)


def _long_enough(text: str, *, new: bool) -> Secret:
    if new and len(text) < SHORTEST:
        raise InvalidInput(
            f"The passphrase has fewer than {SHORTEST} characters. Whoever finds the backup "
            "can try as many as they like: take five random words or more."
        )
    return Secret(text)
