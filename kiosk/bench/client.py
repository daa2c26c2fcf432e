"""edge: an HTTP/1.1 client that costs next to nothing, for load from the same two cores the server runs on.

It speaks to our own services only: keep-alive, one request at a time on a connection, answers with Content-Length.
Whatever else arrives closes the connection and says so, rather than being guessed at.

    connection = await connect("http://127.0.0.1:8080")
    answer = await connection.ask(encode_request("GET", "/v1/store", connection.host, token))
    answer.status, answer.body

A request whose answer did not come (ConnectionLost, AnswerLate) may have been carried out or not: the server may have
committed and died before it spoke. Whoever sent a sale asks again with the same id and the same bytes; a new id would
sell it twice. The connection is closed either way, so a late answer can never be taken for that of the next request.
"""

import asyncio
import re
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

from loyalty.errors import Problem

HEAD_LIMIT_BYTES = 65_536
BODY_LIMIT_BYTES = 268_435_456

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,12})[ \t]*\r\n", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close[ \t]*\r\n", re.IGNORECASE)
_KEEP_ALIVE = re.compile(rb"\r\nconnection:[ \t]*keep-alive[ \t]*\r\n", re.IGNORECASE)
_NO_WORD = re.compile(r"[^\x21-\x7e]")
_NO_TEXT = re.compile(r"[^\x20-\x7e]")


class ClientProblem(Problem):
    """The service did not answer as it should."""

    code, hint, status = "client.problem", "Look at the service's log.", 503


class ConnectionLost(ClientProblem):
    """The connection broke before the answer came. The request may have been carried out."""

    code, hint = "client.connection_lost", "Ask again with the same id: nothing is booked twice."


class AnswerLate(ClientProblem):
    """No answer came in time. The request may have been carried out."""

    code, hint = "client.answer_late", "Ask again with the same id: nothing is booked twice."


class WrongAnswer(ClientProblem):
    """What came back is no answer this client can read."""

    code, hint = "client.wrong_answer", "Check that the address is that of a Counterfoil service."


class Answer(NamedTuple):
    """An HTTP answer. `head` is the status line and the headers as they came; `body` is complete."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header called `name`, in any case, or None."""
        wanted = name.lower().encode("latin-1")
        for line in self.head.split(b"\r\n")[1:]:
            found, colon, value = line.partition(b":")
            if colon and found.strip().lower() == wanted:
                return value.strip().decode("latin-1")
        return None


def encode_request(
    method: str,
    path: str,
    host: str,
    token: str | None = None,
    body: bytes = b"",
    content_type: str = "application/json",
    headers: dict[str, str] | None = None,
) -> bytes:
    """The bytes of a request, ready to be sent as often as wanted. `path` holds the query and is encoded already.

    Raises ValueError for what could end a line early (white space, control characters, anything but ASCII), and for
    HEAD, whose answer names a length that never comes.
    """
    fields = {"Host": host, **(headers or {})}
    if token is not None:
        fields["Authorization"] = f"Bearer {token}"
    if body or method in ("POST", "PUT", "PATCH"):
        fields |= {"Content-Type": content_type, "Content-Length": str(len(body))}
    if method == "HEAD":
        raise ValueError("this client does not speak HEAD")
    if any(_NO_WORD.search(text) for text in (method, path, host, *fields)):
        raise ValueError("a method, path or header name holds more than visible ASCII")
    if any(_NO_TEXT.search(value) for value in fields.values()):
        raise ValueError("a header holds more than printable ASCII")
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join((*lines, "\r\n")).encode("ascii") + body


async def connect(url: str, timeout_s: float = 10.0) -> "Connection":
    """A connection to the service at `url` (http or https; a path in it is not used).

    `timeout_s` also bounds every request, unless `ask` is told otherwise. Raises ConnectionLost when nobody answers
    there, WrongAnswer for what is no address.
    """
    try:
        parts = urlsplit(url)
        name, port = parts.hostname, parts.port
    except ValueError as error:  # a port of letters, half an IPv6 address
        raise WrongAnswer(f"{url!r} is not an address: {error}.") from error
    if parts.scheme not in ("http", "https") or not name:
        raise WrongAnswer(f"{url!r} is not an address such as http://127.0.0.1:8080.")
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    host = parts.netloc.rpartition("@")[2]
    loop = asyncio.get_running_loop()
    opening = loop.create_connection(
        lambda: Connection(loop, host, timeout_s), name, port or (443 if secure else 80), ssl=secure
    )
    try:
        async with asyncio.timeout(timeout_s):
            _, connection = await opening
    except (OSError, TimeoutError, UnicodeError) as error:
        raise ConnectionLost(f"{host} cannot be reached: {error or 'it does not answer'}.") from error
    return connection


class Connection(asyncio.Protocol):
    """One keep-alive connection; made by `connect`. `host` is what its requests name in Host."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, timeout_s: float) -> None:
        self.host = host
        self._loop = loop
        self._timeout_s = timeout_s
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._received = bytearray()
        self._wanted = 0
        self._lost: ClientProblem | None = None

    @property
    def is_open(self) -> bool:
        """False once either side has closed, or something went wrong: then `connect` again."""
        return self._transport is not None and self._lost is None

    async def ask(self, request: bytes, timeout_s: float | None = None) -> Answer:
        """Send `request` (from `encode_request`) and wait for its answer, whatever its status.

        Raises ConnectionLost, AnswerLate or WrongAnswer, after which this connection is closed; RuntimeError when a
        request is still under way on it.
        """
        if self._waiting is not None:
            raise RuntimeError("one request at a time on a connection")
        if self._transport is None or self._lost is not None:
            raise ConnectionLost(self._lost.detail if self._lost else "")
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting = waiting
        limit = self._loop.call_later(self._timeout_s if timeout_s is None else timeout_s, self._fail, AnswerLate())
        self._transport.write(request)
        try:
            return await waiting
        except asyncio.CancelledError:
            self._fail(ConnectionLost("The request was given up before its answer came."))
            raise
        finally:
            limit.cancel()
            self._waiting = None

    def close(self) -> None:
        """Close the connection. A request under way ends with ConnectionLost."""
        self._fail(ConnectionLost("The connection was closed."))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop: the other side closed, or the line broke."""
        self._fail(ConnectionLost(f"{self.host} closed the connection{f': {error}' if error else ''}."))

    def data_received(self, data: bytes) -> None:
        """Called by the loop with what arrived; an answer mostly comes in one piece and is then never copied."""
        if self._received:
            self._received += data
            if len(self._received) < self._wanted:
                return
            data = bytes(self._received)
            self._received.clear()
        try:
            answer = self._read_answer(data)
        except WrongAnswer as problem:
            self._fail(problem)
            return
        if answer is not None and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def _read_answer(self, data: bytes) -> Answer | None:
        """The answer in `data`, or None when there is more to come; then `data` is kept. Raises WrongAnswer."""
        if self._waiting is None or self._waiting.done():
            raise WrongAnswer("Something came that nobody asked for.")
        status = 100
        while status < 200:  # "100 Continue" and its like only announce the answer that follows them
            end = data.find(b"\r\n\r\n") + 4
            if end == 3:
                if len(data) > HEAD_LIMIT_BYTES:
                    raise WrongAnswer("The headers do not end.")
                self._keep(data, len(data) + 1)
                return None
            status, length = read_head(data, end)
            if status < 200:
                data = data[end:]
        if len(data) != end + length:
            if len(data) > end + length:
                raise WrongAnswer("More came than the answer's length.")
            self._keep(data, end + length)
            return None
        head = data[:end]
        if _CLOSE.search(head) or (head.startswith(b"HTTP/1.0") and not _KEEP_ALIVE.search(head)):
            self._end(ConnectionLost(f"{self.host} closed the connection after its last answer."))
        return Answer(status, head, data[end:])

    def _keep(self, data: bytes, wanted: int) -> None:
        """Put aside the beginning of an answer until `wanted` bytes of it are here."""
        self._received[:] = data
        self._wanted = wanted

    def _fail(self, problem: ClientProblem) -> None:
        """End the connection, and with it the request under way, whose outcome nobody knows now."""
        self._end(problem)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(problem)

    def _end(self, problem: ClientProblem) -> None:
        """Close once, keeping the first reason. Abort rather than close: nothing that is still unsent may follow."""
        if self._lost is None:
            self._lost = problem
            if self._transport is not None:
                self._transport.abort()


def read_head(data: bytes, end: int) -> tuple[int, int]:
    """Status and length of the body from an answer whose head is `data[:end]`. Raises WrongAnswer."""
    found = _STATUS.match(data)
    if found is None:
        raise WrongAnswer(f"This is no HTTP answer: {data[:40]!r}.")
    status = int(found[2])
    if status < 200 or status in (204, 304):
        return status, 0
    length = _LENGTH.search(data, 0, end)
    if length is None or _CODING.search(data, 0, end):
        raise WrongAnswer("The answer does not say its length in Content-Length.")
    if int(length[1]) > BODY_LIMIT_BYTES:
        raise WrongAnswer("The answer is larger than anything a service sends.")
    return status, int(length[1])
