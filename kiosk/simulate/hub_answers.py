"""pure: what a simulated head office and its shops say to each other beside the messages of the product."""

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from loyalty.leases import Lease
from loyalty.points.account import Account
from sync.protocol.messages import PullAnswer


class HeldEntry(NamedTuple):
    """An entry as head office gives it back."""

    op_id: UUID
    content: bytes


class Wait:
    """There is nothing to tell yet; the request waits."""


WAIT: Final = Wait()


class Pulled(NamedTuple):
    """What a shop reads: a page of the feed, which says how far each of its lives is applied, and the accounts, with
    what is lent to others taken off, as they are at `at_ms`."""

    page: PullAnswer
    accounts: Mapping[bytes, Account]
    at_ms: int


class LeaseReport(NamedTuple):
    """What a shop tells with every reading: the leases it holds, and how many entries wait to be sent."""

    leases: Mapping[UUID, Lease]
    queued: int


class Granted(NamedTuple):
    """The answer to a request for a lease; 0 points: nothing is free."""

    points: int
