"""The proxies' templates: nginx takes them, and they keep to themselves what they see."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from controllers.settings import Settings
from tests.support.installation import free_port_base
from tests.support.proxy import (
    KINDS,
    TEMPLATES,
    fill_in,
    make_certificate,
    missing,
    running_proxies,
)
from tests.support.topology import proxy_values
from tests.support.waiting import until

EACH = pytest.mark.parametrize("kind", KINDS)


def template(kind: str) -> str:
    return (TEMPLATES / kind / "haven.conf.template").read_text()


@EACH
def test_nothing_that_names_a_request_is_written(kind: str) -> None:
    assert "access_log off;" in template(kind)
    assert "error_log stderr emerg;" in template(kind)


@EACH
def test_nobody_behind_the_proxy_learns_where_a_caller_is(kind: str) -> None:
    assert 'X-Forwarded-For ""' in template(kind)
    assert "$remote_addr" not in template(kind)


@EACH
def test_a_missing_value_is_not_left_out_silently(kind: str) -> None:
    with pytest.raises(KeyError):
        fill_in(template(kind), {})


def test_nginxs_own_variables_stay_as_they_are() -> None:
    assert fill_in("$host ${PROXY_A} $1", {"PROXY_A": "b"}) == "$host b $1"


async def test_nginx_takes_them_and_answers_under_its_own_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = missing()
    if reason:
        pytest.skip(reason)
    first, files = free_port_base(), make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(files.certificate))
    values = proxy_values(Settings(port_base=first + 3), first, files)
    with running_proxies(tmp_path, values):
        async with httpx.AsyncClient(base_url=f"https://localhost:{first}") as outside:

            async def answered() -> int:
                try:
                    return (await outside.get("/")).status_code
                except httpx.ConnectError:
                    return 0

            assert await until(answered) == 502, "nobody is behind it"
            assert (await outside.get("/metrics")).status_code == 404
            assert (await outside.get("/didcomm/wallets/9")).status_code == 502
        async with httpx.AsyncClient(base_url=f"https://127.0.0.1:{first}") as stranger:
            with pytest.raises(httpx.ConnectError):
                await stranger.get("/")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{first + 1}") as agent:
            assert (await agent.post("/api/wallet/wallets")).status_code == 403
        assert [(tmp_path / f"{kind}.log").read_text() for kind in KINDS] == ["", ""]
