"""pure: lists in pages. A cursor is opaque to its reader: it says after which row to go on, never how many to skip.

A cursor holds a position, not a permission, so it needs no secret; its check digits bind it to one list (`purpose`), so
that a mistyped cursor, or one of another list or filter, is refused and not silently read as a wrong place.

    >>> cursor = encode_cursor((1700, b"id"), "sales")
    >>> decode_cursor(cursor, "sales", tuple[int, bytes])
    (1700, b'id')
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec

from loyalty.errors import InvalidInput

CURSOR_MAX_CHARACTERS = 400
DEFAULT_LIMIT, LIMIT_MAX = 50, 200
_CHECK_BYTES = 6

ItemT = TypeVar("ItemT")
PositionT = TypeVar("PositionT")

Cursor = Annotated[str, msgspec.Meta(max_length=CURSOR_MAX_CHARACTERS)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=LIMIT_MAX)]


class Page(msgspec.Struct, Generic[ItemT], frozen=True):
    """The shape of every list: `next` is the cursor to give as `after`, null on the last page."""

    items: tuple[ItemT, ...]
    next: str | None


class PageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`?after=<cursor>&limit=`: the base of every list's query; add filters in a subclass."""

    after: Cursor | None = None
    limit: Limit = DEFAULT_LIMIT


class InvalidCursor(InvalidInput):
    """This page address is damaged or belongs to another list."""

    code, hint = "invalid_cursor", "Start again at the first page, without after=."


def encode_cursor(position: object, purpose: str) -> str:
    """A cursor for a position: a tuple of integers, texts and bytes."""
    content = msgspec.msgpack.encode(position)
    return base64.urlsafe_b64encode(_check(content, purpose) + content).rstrip(b"=").decode()


def decode_cursor(cursor: str, purpose: str, shape: type[PositionT]) -> PositionT:
    """The position in a cursor. Raises InvalidCursor (422) for one that encode_cursor did not make for `purpose`."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, content = raw[:_CHECK_BYTES], raw[_CHECK_BYTES:]
        if check != _check(content, purpose):
            raise InvalidCursor(pointer="/after")
        return msgspec.msgpack.decode(content, type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise InvalidCursor(pointer="/after") from error


def page_of(rows: Sequence[ItemT], limit: int, cursor_after: Callable[[ItemT], str]) -> Page[ItemT]:
    """A page from `limit + 1` rows asked for: the one too many only says that there is a next page.

    >>> page_of([1, 2, 3], 2, str)
    Page(items=(1, 2), next='2')
    """
    if len(rows) <= limit:
        return Page(tuple(rows), None)
    items = tuple(rows[:limit])
    return Page(items, cursor_after(items[-1]))


def _check(content: bytes, purpose: str) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECK_BYTES, person=b"cursor", key=purpose.encode()[:64]).digest()
