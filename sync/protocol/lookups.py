"""pure: a store asks for a member whom nobody told it of, because her card or phone was shown there.

    POST /sync/v1/member-lookups   {"kind": "card", "value": "29000000000000000039"}
                             200   {"members": ["0199…"]}

What is told of her comes with the feed, right after; from then on the store is told of every change, as one that knows
her. An answer without members says that head office knows nobody either.
"""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct


class MemberLookup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`value` is the whole card number, or the whole phone number in E.164 form."""

    kind: Literal["card", "phone"]
    value: Annotated[str, Meta(min_length=4, max_length=40)]


class MembersFound(Struct, frozen=True, kw_only=True):
    """The members with this identifier, oldest first; few, or none where many share one."""

    members: tuple[UUID, ...]
