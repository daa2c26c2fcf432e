"""pure: what happened to the lives of a database besides their beginning: one was cut, one came back.

A life is an epoch. Both facts stand in the newest life and speak of another; the journal itself is what they are about
(sync/repairs.py reads them before a walk).
"""

from msgspec import Struct


class EpochCut(Struct, frozen=True, kw_only=True):
    """A life goes only to (`seq`, `hash`) from now on: head office holds another history behind that place. What stood
    there, up to (`lost_seq`, `lost_hash`), is logged again in the life of this entry, with the same ids and the same
    bytes."""

    epoch: str
    seq: int
    hash: str
    lost_seq: int
    lost_hash: str


class SetAside(Struct, frozen=True, kw_only=True):
    """An entry that stays in the journal and has no effect here. `code` says why: `repeated` (its id stands elsewhere
    in the journal and counted there) or `conflict` (it contradicts what happened here meanwhile)."""

    seq: int
    code: str


class EntriesRecovered(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Entries `from_seq` to (`seq`, `hash`) of a life came back from head office: this disk had lost them."""

    epoch: str
    from_seq: int
    seq: int
    hash: str
    set_aside: tuple[SetAside, ...] = ()
