"""pure: the end of a reservation that was not used, as the store that had it reports it."""

from uuid import UUID

from msgspec import Struct


class ReservationEnded(Struct, frozen=True, kw_only=True):
    """No entry behind this one uses the reservation, which head office kept for the fact `op` of this store: whoever
    has applied it has seen all that it was ever used for. `kind` is that of the command that asked for it."""

    reservation: UUID
    kind: str
    op: UUID
