"""edge: PINs as argon2id hashes (RFC 9106), compared beside the event loop and never beside each other.

    pins = Pins()
    stored = await pins.hash("4711")
    await pins.matches(stored, "4711")     # True

One comparison takes 19 MiB and some 20 ms of a core (the interpreter lock is released meanwhile). Two at a time would
take both cores of a small machine from the sales, so they wait for each other.
"""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

# What OWASP's Password Storage Cheat Sheet names for argon2id where memory is short: m=19 MiB, t=2, p=1.
_HASHER = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)


class Pins:
    """Hashes and compares PINs, one at a time."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Semaphore(1)
        self._dummy = _HASHER.hash("there is no such operator")

    async def hash(self, pin: str) -> str:
        """A PIN as it may be stored: an argon2id text with its own salt."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(_HASHER.hash, pin)

    async def matches(self, stored: str | None, pin: str) -> bool:
        """Whether `pin` is the stored one. Without a stored one the same work is done, and the answer is no."""
        async with self._one_at_a_time:
            is_right = await asyncio.to_thread(_matches, stored or self._dummy, pin)
        return is_right and stored is not None


def hash_pin(pin: str) -> str:
    """`Pins.hash` for the command line, where nobody waits."""
    return _HASHER.hash(pin)


def _matches(stored: str, pin: str) -> bool:
    try:
        return _HASHER.verify(stored, pin)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
