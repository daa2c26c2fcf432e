"""edge: structured logs, one JSON object a line, and the id of the request that a line belongs to.

Personal data stays out by construction: an access line names the route's template and never the path, the query or an
address of a person; an unexpected exception is logged by its type and its frames, never by its message, because a
message may quote the very phone number that broke it.

    {"at":"2026-11-21T14:05:00.123Z","level":"info","logger":"counterfoil.access","message":"request",
     "request":"5f2a9c1e-1","method":"POST","route":"/v1/sales","status":201,"ms":1.9,"trace":"4bf9…"}
"""

import contextvars
import datetime as dt
import logging
import re
import time
import traceback
from collections.abc import Mapping
from types import TracebackType

import msgspec

REQUEST_ID: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")

_ACCESS_NAME = "counterfoil.access"
access_logger = logging.getLogger(_ACCESS_NAME)
error_logger = logging.getLogger("counterfoil.errors")

# W3C Trace Context, version 00. All-zero ids are invalid there.
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ACCESS_HEAD = f'"level":"info","logger":"{_ACCESS_NAME}","message":"request"'
_encode = msgspec.json.Encoder(enc_hook=repr).encode


class AccessLine(msgspec.Struct, omit_defaults=True):
    """What is known of a request when it has been answered. `trace` is the trace id of its traceparent."""

    request: str
    method: str
    route: str
    status: int
    ms: float
    trace: str = ""


def read_trace_id(traceparent: str | None) -> str:
    """The trace id of a valid traceparent header, else an empty text."""
    if not traceparent:
        return ""
    found = _TRACEPARENT.fullmatch(traceparent)
    return found[1] if found else ""


_BLANK = vars(logging.LogRecord(_ACCESS_NAME, logging.INFO, "", 0, "request", None, None))


def log_access(line: AccessLine) -> None:
    """Writes one access line. Copies a blank record: the usual way looks for the calling frame, the thread and the
    process first, for lines that name none of them."""
    record = logging.LogRecord.__new__(logging.LogRecord)
    now_s = time.time()
    vars(record).update(_BLANK, created=now_s, msecs=now_s % 1 * 1000, fields=line)
    access_logger.handle(record)


def log_unexpected(error: BaseException, route: str) -> None:
    """Logs an exception that is no problem: its type, the types it came from, and where; no message, no values."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 5:
        chain.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    fields = {"route": route, "error": " from ".join(chain), "frames": name_frames(error.__traceback__)}
    error_logger.error("unexpected error", extra={"fields": fields})


def name_frames(trace: TracebackType | None) -> list[str]:
    """The frames of a traceback as `function (module file:line)`, innermost last, at most 20."""
    return [
        f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})"
        for frame in traceback.extract_tb(trace)[-20:]
    ]


class JsonFormatter(logging.Formatter):
    """One JSON object per record. `extra={"fields": {...}}` joins its members; exceptions show type and frames only."""

    def __init__(self) -> None:
        super().__init__()
        self._second = (0, "")  # a busy service writes many lines a second, and naming one costs more than the rest

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        fields = getattr(record, "fields", None)
        if isinstance(fields, AccessLine):
            return f'{{"at":"{self._name_time(record)}",{_ACCESS_HEAD},{_encode(fields).decode()[1:]}'
        line: dict[str, object] = {
            "at": self._name_time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = REQUEST_ID.get()
        if request_id:
            line["request"] = request_id
        if isinstance(fields, Mapping):
            line.update(fields)
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__qualname__
            line["frames"] = name_frames(record.exc_info[2])
        return _encode(line).decode()

    def _name_time(self, record: logging.LogRecord) -> str:
        second = int(record.created)
        known, text = self._second
        if second != known:
            text = dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
            self._second = (second, text)
        return f"{text}.{int(record.msecs):03d}Z"


def set_up_logging(stream_handler: logging.Handler, level: int = logging.INFO) -> None:
    """Sends every record of this process to `stream_handler` as JSON. Called once, by whoever starts the process."""
    stream_handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [stream_handler]
    root.setLevel(level)
