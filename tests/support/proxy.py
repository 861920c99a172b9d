"""nginx in front of an installation, from the very templates that docker/ uses.

Needs Debian's `nginx-light` (`scripts/test` installs it). It runs in the foreground as a child
on ports of its own and in a folder of its own; an installed service is never touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from string import Template

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.errors import ConfigurationError

KINDS = ("public", "inside")  # one process each, as in docker/
TEMPLATES = Path(__file__).parents[2] / "docker" / "nginx"
_PLACES = ("/usr/sbin/nginx", "/usr/local/sbin/nginx")


def program() -> str | None:
    """Where nginx is; Debian keeps it outside an ordinary PATH."""
    found = shutil.which("nginx") or next((p for p in _PLACES if Path(p).exists()), None)
    return str(found) if found else None


def missing() -> str | None:
    """Why there can be no proxy here; None where there can. With CI=true it must be there."""
    if program() is not None:
        return None
    reason = "nginx is not on this machine (Debian: nginx-light)"
    if os.environ.get("CI") == "true":
        raise ConfigurationError(f"{reason}; in CI its tests must run")
    return reason


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for `localhost` that vouches for itself, and its key."""

    certificate: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Valid for an hour, for this machine's own names."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = Certificate(folder / "certificate.pem", folder / "key.pem")
    paths.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths.key.touch(mode=0o600)
    paths.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """What nginx's image makes of a template. KeyError for a value that is missing."""
    wanted = [name for name in Template(template).get_identifiers() if name.isupper()]
    return Template(template).safe_substitute({name: values[name] for name in wanted})


def write_configuration(folder: Path, values: Mapping[str, str]) -> None:
    """Each template, filled in, below a main file for a process without privileges."""
    for kind in KINDS:
        template = (TEMPLATES / kind / "haven.conf.template").read_text()
        (folder / f"{kind}.conf").write_text(fill_in(template, values))
        main = _MAIN.format(kind=kind, temporary=_TEMPORARY)
        (folder / f"nginx-{kind}.conf").write_text(main)


_TEMPORARY = " ".join(
    f"{name}_temp_path temporary/{name};"
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)
_MAIN = """daemon off;
worker_processes 1;
pid {kind}.pid;
error_log stderr emerg;
events {{ worker_connections 256; }}
http {{
    {temporary}
    include {kind}.conf;
}}
"""


@contextmanager
def running_proxies(folder: Path, values: Mapping[str, str]) -> Iterator[None]:
    """Run the public and the inner proxy until the block ends."""
    nginx = program()
    if nginx is None:
        raise ConfigurationError("nginx is missing")
    (folder / "temporary").mkdir()
    write_configuration(folder, values)
    # as root nginx would give its work to another user, who cannot reach this folder
    user = ["-g", "user root;"] if os.geteuid() == 0 else []
    started = []
    try:
        for kind in KINDS:
            command = [nginx, "-p", str(folder), "-c", f"nginx-{kind}.conf", "-e", "stderr"]
            with (folder / f"{kind}.log").open("wb") as log:
                started.append(subprocess.Popen([*command, *user], stdout=log, stderr=log))
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(10)
