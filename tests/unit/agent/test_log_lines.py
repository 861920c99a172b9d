"""Log lines: JSON, one each, and nothing in them that somebody sent."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.operations import operation
from agent.supervisor import turn_over
from core.correlation import become, correlated, current, fresh
from core.log_lines import LogLine, _ended, describe
from tests.architecture.source import ROOT

PLANTED = "Qwertimaria, born 19980412"


class Written:
    """A logger of some name, and what it wrote."""

    def __init__(self, name: str) -> None:
        self._stream = io.StringIO()
        self.log = logging.Logger(name)
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(LogLine())
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def line(self) -> dict[str, Any]:
        (only,) = self.text.splitlines()
        found: dict[str, Any] = json.loads(only)
        return found


def failing() -> None:
    raise ValueError(PLANTED)


def test_a_line_of_ours_says_when_who_and_what() -> None:
    written = Written("controllers.some")
    with correlated("0123456789abcdef"):
        written.log.warning("tried %d times", 3)
    line = written.line
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"]) == ("warning", "controllers.some")
    assert (line["message"], line["correlation_id"]) == ("tried 3 times", "0123456789abcdef")


def test_without_work_there_is_no_correlation() -> None:
    written = Written("controllers.some")
    written.log.info("started")
    assert "correlation_id" not in written.line


def test_a_strangers_arguments_are_left_out() -> None:
    written = Written("acapy_agent.some")
    written.log.warning("Failed for %s after %5.1f s: %(x)s", PLANTED, 2.0)
    assert written.line["message"] == "Failed for … after … s: …"


@pytest.mark.parametrize("name", ["acapy_agent.messaging", "asyncio", "root", "aiohttp.server"])
def test_a_strangers_text_that_was_put_together_is_left_out(name: str) -> None:
    written = Written(name)
    written.log.error(f"Message cannot be read: {PLANTED}")
    assert "agent/test_log_lines.py" in written.line["message"]
    assert "Qwertimaria" not in written.text


def test_a_strangers_fixed_text_is_written() -> None:
    written = Written("acapy_agent.some")
    written.log.error("100% of this stands in the code")
    assert written.line["message"] == "100% of this stands in the code"


@pytest.mark.parametrize("name", ["acapy_agent.some", "controllers.some"])
def test_of_an_error_its_text_is_left_out(name: str) -> None:
    written = Written(name)
    try:
        try:
            failing()
        except ValueError as error:
            raise RuntimeError(PLANTED) from error
    except RuntimeError:
        written.log.exception("it failed")
    assert written.line["error"]["classes"] == ["RuntimeError", "ValueError"]
    assert written.line["error"]["places"][0].startswith("agent/test_log_lines.py:")
    assert "Qwertimaria" not in written.text


def test_an_error_among_the_arguments_is_described() -> None:
    written = Written("acapy_agent.some")
    written.log.warning("it failed: %s", ValueError(PLANTED))
    assert written.line["error"]["classes"] == ["ValueError"]
    assert "Qwertimaria" not in written.text


def test_a_failure_that_is_told_from_within_its_handler_is_described() -> None:
    written = Written("acapy_agent.some")
    try:
        failing()
    except ValueError as error:
        written.log.error("Unexpected error: %s, stack=%s", str(error), repr(error))
    assert written.line["message"] == "Unexpected error: …, stack=…"
    assert written.line["error"]["classes"] == ["ValueError"]
    assert "Qwertimaria" not in written.text


def test_an_error_that_is_its_own_cause_is_described_too() -> None:
    error = ValueError(PLANTED)
    error.__context__ = error
    assert set(describe(error)["classes"]) == {"ValueError"}  # type: ignore[call-overload] # a list


def test_what_ends_a_process_is_written_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.handler.setFormatter(LogLine())
    try:
        failing()
    except ValueError:
        _ended(*sys.exc_info())  # type: ignore[arg-type] # there is one
    assert "ended by an error" in caplog.text
    assert "Qwertimaria" not in caplog.text


# --- correlation ----------------------------------------------------------------------------


def test_an_id_lasts_as_long_as_its_work() -> None:
    with correlated("outer"):
        with correlated("inner"):
            become("found")
            assert current() == "found"
        assert current() == "outer"
    assert current() is None


def test_ids_are_random() -> None:
    assert len({fresh() for _ in range(100)}) == 100


# --- the names of calls to agents -----------------------------------------------------------


def paths_called() -> set[str]:
    """Every path that the adapters ask an agent for; what is filled in is `{}`."""
    found = set()
    for name in ("organisations.py", "wallets.py", "admin.py"):
        nodes = list(ast.walk(ast.parse((ROOT / "agent" / name).read_text())))
        parts = {
            id(part)
            for each in nodes
            if isinstance(each, ast.JoinedStr)
            for part in each.values
        }
        texts = {template(node) for node in nodes if id(node) not in parts}
        found |= {text for text in texts if text.startswith("/") and len(text) > 1}
    return found


def template(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(template(part) or "{}" for part in node.values)
    return ""


def test_every_call_that_is_made_keeps_its_name() -> None:
    called = paths_called()
    assert "/vault/wallets/{}/sessions" in called
    # a word that is missing here is added in agent/operations.py
    assert [path for path in called if operation("GET", path) != f"GET {path}"] == []


@pytest.mark.parametrize("path", ["/sreypov", "/a/b/c/d/e/f/g/h/i", "/wallets/2024?name=sok"])
def test_other_words_are_left_out(path: str) -> None:
    named = operation("BREW", path)
    assert named.startswith("OTHER /")
    assert not {"sreypov", "sok", "a", "2024"} & set(named.replace("?", "/").split("/"))


# --- turning a log over ---------------------------------------------------------------------


def test_a_log_is_turned_over_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "agent.log"
    with log.open("ab") as child:  # as a child has it
        for number in range(3):
            child.write(f"{number}".encode() * 100)
            child.flush()
            turn_over(log, limit=50)
            assert log.read_bytes() == b""
        child.write(b"goes on")
        child.flush()
    turn_over(log, limit=50)
    assert log.read_bytes() == b"goes on"
    older = tmp_path / "agent.log.1"
    assert older.read_bytes() == b"2" * 100
    assert older.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["agent.log", "agent.log.1"]
