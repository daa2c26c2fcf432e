"""pure: who is calling. `Authorization: Bearer <token>` (RFC 6750) becomes the SHA-256 of the token, never the token:
only its hash is stored, so a copied database signs nobody in.

`resolve` is given by the door: hash in, session or None out. It is called for every request and must not wait: the door
keeps the sessions in memory and forgets one when it is revoked.

    >>> read_bearer("Bearer abc") == hash_token("abc")
    True
"""

import hashlib
from collections.abc import Callable
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


def admit(header: str | None, roles: frozenset[str], resolve: Resolve[SessionT]) -> SessionT:
    """The caller's session. Raises Unauthorized for a missing, unknown or ended token, Forbidden for another role."""
    session = resolve(read_bearer(header))
    if session is None:
        raise Unauthorized("The token is unknown or has ended.", token_was_sent=True)
    if session.role not in roles:
        raise Forbidden(f"A {session.role} may not do this.")
    return session
