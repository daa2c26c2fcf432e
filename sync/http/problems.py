"""pure: RFC 9457 problem details, and the errors of the HTTP layer itself.

Any exception that carries `code`, `hint` and `status` becomes `application/problem+json`; nothing of another exception
is shown. The packages below need no common base for it, loyalty.errors.Problem is only the usual one.

    >>> problem_of(PreconditionRequired(), "a1-7").status
    428

    Problem
    ├── BrokenRequest        400  the bytes could not be read (cut off, badly compressed)
    │   └── NotJson          400  the bytes are no JSON
    ├── Unauthorized         401  no token, or a wrong one
    ├── PeerNotAllowed       403  the caller stands outside the shop's network
    ├── MethodNotAllowed     405
    ├── TooSlow              408  the body did not arrive in time
    ├── PreconditionFailed   412  If-Match names an older version
    ├── BodyTooLarge         413
    ├── UnsupportedMedia     415
    ├── HostNotAllowed       421  the Host header is not a name of this service
    ├── PreconditionRequired 428  If-Match is missing
    ├── TooManyRequests      429  with Retry-After
    ├── InternalError        500  stands for every exception that is no problem
    ├── StorageUnavailable   503  the outcome is unknown; the same id asks again
    └── ReadOnly             503  nothing was written
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol, cast, runtime_checkable

import msgspec

from loyalty.errors import Problem

PROBLEM_JSON = "application/problem+json"
PROBLEM_TYPE_PREFIX = "/problems/"

DETAIL_MAX_CHARACTERS = 400
"""A detail may quote the request; a request of a megabyte must not come back as a detail of a megabyte."""


@runtime_checkable
class ProblemLike(Protocol):
    """What makes an exception a problem. `detail`, `pointer`, `extra`, `errors`, `headers` are used when present."""

    @property
    def code(self) -> str: ...
    @property
    def hint(self) -> str: ...
    @property
    def status(self) -> int: ...


class FieldError(msgspec.Struct, frozen=True):
    """One wrong place in the request: an RFC 6901 JSON Pointer and a sentence."""

    pointer: str
    detail: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The members every problem answer has (RFC 9457 section 3.1, and `code`, `hint`, `errors` of ours)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    errors: tuple[FieldError, ...]
    instance: str


class ProblemAnswer(msgspec.Struct, frozen=True):
    """A problem made ready for the wire: HTTP status, headers beyond the usual ones, JSON body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class BrokenRequest(Problem):
    """The request could not be read to its end."""

    code, hint, status = "broken_request", "Send the request again.", 400


class NotJson(BrokenRequest):
    """The request is not JSON."""

    code, hint = "not_json", "Send one JSON document in UTF-8 in which no object names a member twice."


class Unauthorized(Problem):
    """This device or person is not signed in."""

    code, hint, status = "unauthorized", "Sign in again; if that fails, pair the device again.", 401

    def __init__(self, detail: str = "", *, token_was_sent: bool = False) -> None:
        super().__init__(detail)
        # RFC 6750 section 3.1: no error code when the request carried no token at all.
        challenge = 'Bearer realm="counterfoil"'
        self.headers = {"WWW-Authenticate": f'{challenge}, error="invalid_token"' if token_was_sent else challenge}


class PeerNotAllowed(Problem):
    """This service answers only inside the shop's own network."""

    code, hint, status = (
        "peer_not_allowed",
        "Connect from the shop's network, or add this network to the configuration.",
        403,
    )


class MethodNotAllowed(Problem):
    """This address does not know that method."""

    code, hint, status = "method_not_allowed", "Use one of the methods named in the Allow header.", 405

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(f"Allowed here: {', '.join(allowed)}.")
        self.headers = {"Allow": ", ".join(allowed)}


class PreconditionFailed(Problem):
    """Somebody else changed this in the meantime."""

    code, hint, status = "precondition_failed", "Load it again, repeat the change and save once more.", 412


class TooSlow(Problem):
    """The request did not arrive in time."""

    code, hint, status = "too_slow", "Look at the network between the device and the store, then send it again.", 408


class BodyTooLarge(Problem):
    """The request is larger than this address takes."""

    code, hint, status = "body_too_large", "Send less at once.", 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"At most {limit_bytes} bytes are taken here.", limit_bytes=limit_bytes)


class UnsupportedMedia(Problem):
    """The request is of a content type that this address does not take."""

    code, hint, status = "unsupported_media", "Name the right Content-Type; JSON is application/json in UTF-8.", 415


class HostNotAllowed(Problem):
    """The service was called by a name that is not its own."""

    code, hint, status = "host_not_allowed", "Call it by its address, or add the name to the configuration.", 421


class PreconditionRequired(Problem):
    """A change must say which version it was made on."""

    code, hint, status = "precondition_required", "Send the ETag of the loaded version as If-Match.", 428


class TooManyRequests(Problem):
    """Too many requests came from one place."""

    code, hint, status = "too_many_requests", "Wait a moment and try again.", 429

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Try again in {retry_after_s} s.", retry_after_s=retry_after_s)
        self.headers = {"Retry-After": str(retry_after_s)}


class InternalError(Problem):
    """The service made a mistake."""

    code, hint, status = (
        "internal_error",
        "Try again with the same id. If it stays, note the instance and call support.",
        500,
    )


class StorageUnavailable(Problem):
    """The disk did not answer. Whether this was saved is not known yet."""

    code, hint, status = "storage_unavailable", "Send the same again with the same id: it is never booked twice.", 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


class ReadOnly(Problem):
    """The service can only be read at the moment. Nothing was saved."""

    code, status = "read_only", 503
    hint = "Call whoever looks after the store: the message names the command that mends it."
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "5"}


_MEMBERS = frozenset(ProblemDetails.__struct_fields__)
_encode = msgspec.json.Encoder().encode


def as_problem(error: BaseException) -> ProblemLike:
    """`error` itself when it is a problem, else an InternalError that says nothing about it."""
    # Asking a Protocol looks at every member by name, and a rush is answered with nothing but problems.
    if isinstance(error, (Problem, ProblemLike)) and isinstance(error.status, int) and 400 <= error.status <= 599:
        return error
    return InternalError()


def problem_of(error: BaseException, instance: str) -> ProblemAnswer:
    """The answer for `error`. `instance` names this one occurrence: the request id that the log line carries too."""
    problem = as_problem(error)
    title = (type(problem).__doc__ or problem.code).strip().splitlines()[0]
    detail = _shorten(str(getattr(problem, "detail", "") or title))
    details: dict[str, object] = {
        "type": PROBLEM_TYPE_PREFIX + problem.code,
        "title": title,
        "status": problem.status,
        "detail": detail,
        "code": problem.code,
        "hint": problem.hint,
        "errors": _field_errors(problem, detail),
        "instance": instance,
    }
    extra = cast("Mapping[str, object]", getattr(problem, "extra", None) or {})
    details.update({name: value for name, value in extra.items() if name not in _MEMBERS})
    headers = cast("Mapping[str, str]", getattr(problem, "headers", None) or {})
    return ProblemAnswer(problem.status, headers, _encode(details))


def _field_errors(problem: ProblemLike, detail: str) -> tuple[FieldError, ...]:
    several = cast("tuple[FieldError, ...] | None", getattr(problem, "errors", None))
    if several:
        return tuple(several)
    pointer = cast("str | None", getattr(problem, "pointer", None))
    return () if pointer is None else (FieldError(pointer, detail),)


def _shorten(text: str) -> str:
    return text if len(text) <= DETAIL_MAX_CHARACTERS else text[: DETAIL_MAX_CHARACTERS - 1] + "…"
