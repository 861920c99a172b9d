"""Reads the product's code as syntax trees, and finds what the rules of the house forbid.

Each finder takes a tree and yields the lines it objects to, so that the tests can show on
small examples that it sees what it should, and then run it over the whole product.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("core", "agent", "controllers", "governance", "credential_defs", "dataspace")

LOG_METHODS = frozenset(
    {"debug", "info", "warning", "error", "exception", "critical", "log"},
)

# What may stand in a log line: ids made by us or by the agents, states, counts, times, names
# of code. Before a name is added here: could it ever hold a personal value, a pseudonym, a
# token or a key (docs/adr, decision 6)? Then it may not. A dotted name allows only that pair.
LOG_NAMES = frozenset(
    {
        "agent", "attempt", "count", "duration", "elapsed", "event_id", "exchange_id",
        "frame.name", "interval", "job_id", "kind", "limit", "lineno", "method", "pid", "port",
        "process", "reason", "request_id", "returncode", "revision", "role", "route", "rule_id",
        "seconds", "slug", "spec.name", "state", "status", "status_code", "step", "topic",
        "tries", "version",
    }
)  # fmt: skip


def files() -> list[Path]:
    """Every Python file of the product."""
    return sorted(path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def short(path: Path) -> str:
    """The path as people write it: from the root of the checkout."""
    return path.relative_to(ROOT).as_posix()


def asserts(module: ast.AST) -> Iterator[int]:
    """`assert` disappears under `python -O`, so it validates nothing."""
    return (node.lineno for node in ast.walk(module) if isinstance(node, ast.Assert))


def swallowed(module: ast.AST) -> Iterator[int]:
    """Broad handlers that do nothing, also written as `suppress(Exception)`."""
    for node in ast.walk(module):
        if (
            isinstance(node, ast.ExceptHandler)
            and _is_broad(node.type)
            and _is_empty(node.body)
        ):
            yield node.lineno
        if isinstance(node, ast.Call) and _last_name(node.func) == "suppress":
            yield from (argument.lineno for argument in node.args if _is_broad(argument))


def long_functions(module: ast.AST, limit: int) -> Iterator[tuple[str, int]]:
    """Functions of more than `limit` lines, decorators and docstring included."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            length = (node.end_lineno or node.lineno) - first + 1
            if length > limit:
                yield node.name, length


def unsafe_logging(module: ast.AST) -> Iterator[tuple[int, str]]:
    """Log lines whose text is not fixed, or that carry a name which is not in LOG_NAMES."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _is_logging(node):
            yield from ((node.lineno, complaint) for complaint in _complaints(node))


def _complaints(call: ast.Call) -> Iterator[str]:
    method = _last_name(call.func)
    arguments = call.args[1:] if method == "log" else call.args
    if not arguments or not _is_text(arguments[0]):
        yield "the text of a log line is a fixed string, its values are arguments"
    for value in [*arguments[1:], *(k.value for k in call.keywords if k.arg == "extra")]:
        yield from (f"{name} is not in LOG_NAMES" for name in _names(value))


def _names(value: ast.expr) -> Iterator[str]:
    """What a log argument shows, by its last name; calls and subscripts show anything."""
    if isinstance(value, ast.Constant) or _is_harmless_call(value):
        return
    if isinstance(value, ast.Dict):
        for item in value.values:
            yield from _names(item)
        return
    name = _last_name(value)
    owner = _last_name(value.value) if isinstance(value, ast.Attribute) else ""
    if LOG_NAMES.isdisjoint({name, f"{owner}.{name}"}):
        yield ast.unparse(value)


def _is_harmless_call(value: ast.expr) -> bool:
    """`len(x)` is a number; `type(x).__name__` is a name of code."""
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in {"len", "round"}
    return (
        isinstance(value, ast.Attribute)
        and value.attr in {"__name__", "__qualname__"}
        and isinstance(value.value, ast.Call)
        and _last_name(value.value.func) == "type"
    )


def _is_logging(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in LOG_METHODS:
        return False
    receiver = _last_name(call.func.value).lower().strip("_")
    return receiver in {"log", "logger", "logging"} or receiver.endswith(("_log", "_logger"))


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _last_name(node: ast.expr) -> str:
    """`a.b.c` -> "c"; "" where there is no name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _is_broad(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    if isinstance(kind, ast.Tuple):
        return any(_is_broad(item) for item in kind.elts)
    return _last_name(kind) in {"Exception", "BaseException"}


def _is_empty(body: list[ast.stmt]) -> bool:
    return all(
        isinstance(line, ast.Pass | ast.Continue)
        or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        for line in body
    )
