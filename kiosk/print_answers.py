"""pure: what the shop answers about a paper that was asked for."""

from uuid import UUID

from msgspec import Struct


class PrintJobAnswer(Struct, frozen=True):
    """The paper that was asked for."""

    id: UUID
    state: str
