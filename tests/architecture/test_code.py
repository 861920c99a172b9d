"""The rules of the house, held over the whole product, each finder first shown on examples."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import source

FILES = source.files()
FILE_LINES = 400
FUNCTION_LINES = 60

each_file = pytest.mark.parametrize("path", FILES, ids=source.short)


def test_imports_point_inwards() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as main; main()",
        ],
        cwd=source.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_file
def test_no_assert_validates(path: Path) -> None:
    assert list(source.asserts(source.tree(path))) == []


@each_file
def test_no_failure_is_swallowed(path: Path) -> None:
    assert list(source.swallowed(source.tree(path))) == []


@each_file
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < FILE_LINES


@each_file
def test_functions_stay_readable(path: Path) -> None:
    if "migrations/versions" in path.as_posix():
        pytest.skip("a migration is a list of tables, written by Alembic and read by it")
    assert list(source.long_functions(source.tree(path), FUNCTION_LINES - 1)) == []


@each_file
def test_log_lines_carry_only_allowed_names(path: Path) -> None:
    assert list(source.unsafe_logging(source.tree(path))) == []


def test_every_product_folder_is_looked_at() -> None:
    assert {path.relative_to(source.ROOT).parts[0] for path in FILES} >= {
        "core", "agent", "controllers", "governance", "credential_defs",
    }  # fmt: skip


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept Exception: pass",
        "try: f()\nexcept: pass",
        "for x in y:\n try: f()\n except (ValueError, Exception): continue",
        "try: f()\nexcept BaseException: ...",
        "with contextlib.suppress(Exception): f()",
    ],
)
def test_swallowing_is_seen(code: str) -> None:
    assert list(source.swallowed(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "try: f()\nexcept ValueError: pass",
        "try: f()\nexcept Exception:\n raise Unavailable('x') from None",
        "with suppress(FileNotFoundError): f()",
    ],
)
def test_narrow_or_answered_handlers_pass(code: str) -> None:
    assert not list(source.swallowed(ast.parse(code)))


@pytest.mark.parametrize(
    "call",
    [
        'log.info(f"got {state}")',
        'logger.info("got %s" % state)',
        'log.info("got {}".format(state))',
        'log.info("got " + state)',
        'log.warning("token %s", token)',
        'self._log.error("%s", credential.value)',
        'LOGGER.info("%s", payload)',
        'logging.info("%s", body["state"])',
        'log.info("%s", describe(state))',
        'log.log(10, "%s", secret)',
        'log.info("seen", extra={"who": person.name})',
        'log.info("seen %s", person.frame.name.first)',
        'log.info("seen %s", name)',
        "log.info(message)",
    ],
)
def test_unsafe_log_lines_are_seen(call: str) -> None:
    assert list(source.unsafe_logging(ast.parse(call)))


@pytest.mark.parametrize(
    "call",
    [
        'log.info("started")',
        'log.info("exchange %s is now %s", exchange_id, record.state)',
        'log.log(10, "%s tries", tries)',
        'log.error("failed with %s", type(error).__name__)',
        'log.info("%d waiting", len(waiting))',
        'log.info("settled", extra={"exchange_id": exchange_id})',
        'log.error("at %s", error.frame.name)',
        "math.log(value)",
        "catalog.info(name)",
    ],
)
def test_safe_log_lines_pass(call: str) -> None:
    assert not list(source.unsafe_logging(ast.parse(call)))


def test_long_functions_and_asserts_are_seen() -> None:
    long = ast.parse("def f():\n" + "    g()\n" * 60 + "    assert h\n")
    assert list(source.long_functions(long, 60)) == [("f", 62)]
    assert list(source.asserts(long)) == [62]
