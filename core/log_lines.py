"""Log lines: one JSON object each, with nothing in it that somebody sent.

1. Our own loggers write their text and its arguments; tests/architecture allows only harmless
   ones.
2. Of everybody else's, the text is written if it stands as a constant in the code that logs,
   with a mark where its arguments would be. A text that was put together may hold anything
   (ACA-Py repeats messages it could not read), so only its place is written.
3. Of an error, its class, its causes' classes and the places it went through are written; never
   its text, which repeats values as well.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from pathlib import PurePath
from types import CodeType, FrameType, TracebackType

from pythonjsonlogger.json import JsonFormatter

from core.correlation import current

LOGGER = logging.getLogger(__name__)

_OURS = frozenset(
    {"__main__", "agent", "controllers", "core", "credential_defs", "dataspace", "governance"}
)
_PLACEHOLDER = re.compile(r"%(?:\([^)]*\))?[-+ #0-9.*]*[a-zA-Z]")
_FRAMES, _CAUSES = 4, 4
_LEFT_OUT = "…"


class LogLine(JsonFormatter):
    """Formats a record as one JSON object."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if (identifier := current()) is not None:
            line["correlation_id"] = identifier
        if (error := _error_of(record)) is not None:
            line["error"] = describe(error)
        return self.jsonify_log_record(line)


def write_lines(level: int) -> None:
    """Let this process write such lines, to standard error, and nothing in another form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    write_what_nobody_caught()


def write_what_nobody_caught() -> None:
    """An error that ends the process or a thread, and a warning, as such lines too."""
    logging.captureWarnings(True)
    sys.excepthook = _ended
    threading.excepthook = lambda given: _ended(
        given.exc_type, given.exc_value, given.exc_traceback
    )


def describe(error: BaseException) -> dict[str, object]:
    """An error without its text: classes, from the outermost in, and the last places."""
    kinds: list[str] = []
    cause = error
    while len(kinds) < _CAUSES:
        kinds.append(type(cause).__name__)
        following = cause.__cause__ or cause.__context__
        if following is None:
            break
        cause = following
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{_place(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return {"classes": kinds, "places": places}


def _ended(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if error is not None and not issubclass(kind, KeyboardInterrupt):
        LOGGER.critical("ended by an error", exc_info=(kind, error, trace))


def _message(record: logging.LogRecord) -> str:
    if record.name.split(".", 1)[0] in _OURS:
        return record.getMessage()
    text = record.msg if isinstance(record.msg, str) else ""
    if not _stands_in_the_code(text, record):
        return f"a text that is not fixed, at {_place(record.pathname)}:{record.lineno}"
    return _PLACEHOLDER.sub(_LEFT_OUT, text) if record.args else text


def _stands_in_the_code(text: str, record: logging.LogRecord) -> bool:
    """Whether the function that logs has this very text among its constants."""
    code = _code_that_logs(record)
    return code is not None and text in code.co_consts


def _code_that_logs(record: logging.LogRecord) -> CodeType | None:
    """Formatting happens below the call that logs, so its frame is among ours."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        code = frame.f_code
        if code.co_filename == record.pathname and code.co_name == record.funcName:
            return code
        frame = frame.f_back
    return None


def _error_of(record: logging.LogRecord) -> BaseException | None:
    if record.exc_info and record.exc_info[1] is not None:
        return record.exc_info[1]
    given = record.args if isinstance(record.args, tuple) else ()
    named = next((each for each in given if isinstance(each, BaseException)), None)
    # a failure that is told from within its handler, which is where most are
    return named or (sys.exception() if record.levelno >= logging.WARNING else None)


def _place(filename: str) -> str:
    """The end of a path: the folders of a machine are nobody's business."""
    return "/".join(PurePath(filename).parts[-2:])
