"""pure: who is calling. `Authorization: Bearer <token>` (RFC 6750) becomes the SHA-256 of the token, never the token:
only its hash is stored, so a copied database signs nobody in.

`resolve` is given by the door: hash in, session or None out, for every request. A store's must not wait: it keeps the
sessions in memory and forgets one when it is revoked. Head office runs as several processes, so its resolve may be a
coroutine function that asks the database.

    >>> read_bearer("Bearer abc") == hash_token("abc")
    True
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from loyalty.errors import Forbidden
from sync.http.problems import Unauthorized

TOKEN_MAX_CHARACTERS = 512


class Session(Protocol):
    """The least a session must say. Doors add device, operator, till, shift … and type their calls with it."""

    @property
    def role(self) -> str: ...


SessionT = TypeVar("SessionT", bound=Session)
Resolve = Callable[[bytes], SessionT | None]
ResolveLater = Callable[[bytes], Awaitable[SessionT | None]]


def hash_token(token: str) -> bytes:
    """SHA-256 of the token as it stands in the header: what a door stores and looks up (32 bytes)."""
    # Header bytes beyond ASCII arrive as lone surrogates; they must end as a wrong token, not as an encoding error.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def read_bearer(header: str | None) -> bytes:
    """The token's hash from an Authorization header. Raises Unauthorized when there is no bearer token."""
    if not header:
        raise Unauthorized("The request carries no token.")
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_MAX_CHARACTERS:
        raise Unauthorized("The Authorization header is not of the form: Bearer <token>.")
    return hash_token(token)


def admit(session: SessionT | None, roles: frozenset[str]) -> SessionT:
    """The caller's session. Raises Unauthorized for an unknown or ended token, Forbidden for another role."""
    if session is None:
        raise Unauthorized("The token is unknown or has ended.", token_was_sent=True)
    if session.role not in roles:
        raise Forbidden(f"A {session.role} may not do this.")
    return session
