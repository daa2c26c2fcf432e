"""pure: what stands behind points that were set aside while a head office has the last word."""

from uuid import UUID

from msgspec import Struct


class LeasePart(Struct, frozen=True):
    """Points taken of one lease."""

    lease: UUID
    points: int


class HoldBacking(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Points of leases, and the rest on the floor: `floor_minor` counts against the limits until it is acknowledged."""

    leases: tuple[LeasePart, ...] = ()
    floor_points: int = 0
    floor_minor: int = 0
