"""A head office without its doors: what stores have pushed lies in the inbox, and the appliers take it from there.

    office = Office(runner, storage)
    office.take_in(STORE, journal_of(connection))      # a real store's journal
    office.apply_all(STORE)
    office.rows("account")

Facts of a test's own are logged by a `Shop`, which writes entries as a journal does and decides nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync.chain import ZERO_HASH, Head, chain_hash, private_hash
from sync.engines import Storage
from sync.facts import kind_of
from sync.facts.members import Consent, MemberEnrolled, PrivateProfile
from sync.facts.points import PointsPosted
from sync.facts.sales import SaleCompleted, SoldLine, TaxTerms
from sync.facts.store import EpochStarted
from sync.facts.vouchers import SaleVouchers
from sync.hub.applier import Applied, apply_next
from sync.hub.inbox import add_ops, lock_epoch, move_head
from sync.hub.received import ReceivedOp

T = TypeVar("T")
NOW_MS = 1_800_000_000_000
STORE, OTHER, THIRD = (UUID(int=0x1000 + n) for n in range(3))
Row = tuple[Any, ...]


class Office:
    """Head office's database, driven by hand."""

    def __init__(self, runner: asyncio.Runner, storage: Storage) -> None:
        self.storage = storage
        self._runner = runner
        self.now_ms = NOW_MS + 86_400_000

    def do(self, job: Callable[[Tx], T]) -> T:
        """One transaction."""
        return self._runner.run(self.storage.write(job))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Something of the storage's own."""
        return self._runner.run(work)

    def take_in(
        self, store: UUID, journal: Mapping[int, Sequence[ReceivedOp]], *, now_ms: int | None = None, offset_ms: int = 0
    ) -> None:
        """What these entries of a store come to when they are pushed at `now_ms`."""
        at = self.now_ms if now_ms is None else now_ms
        for epoch, ops in journal.items():
            self.do(lambda tx, epoch=epoch, ops=ops: take_in(tx, store, epoch, ops, at, offset_ms))  # type: ignore[misc]

    def apply_all(self, store: UUID, limit: int = 500) -> list[Applied]:
        """Apply everything that came in from a store, batch by batch."""
        epochs = self.do(
            lambda tx: tx.execute(
                "SELECT epoch FROM epoch_head WHERE store = ? ORDER BY ordinal", (store.bytes,)
            ).fetchall()
        )
        done = []
        for (epoch,) in epochs:
            more = True
            while more:
                applied = self.do(lambda tx, epoch=epoch: apply_next(tx, store, epoch, self.now_ms, limit=limit))  # type: ignore[misc]
                done.append(applied)
                more = applied.more
        return done

    def rows(self, table: str, columns: str = "*") -> list[Row]:
        """All rows of a table, in an order that does not depend on where they lie."""
        return sorted(self.do(lambda tx: tx.execute(f"SELECT {columns} FROM {table}").fetchall()), key=repr)

    def incidents(self) -> list[tuple[str, int, list[Any]]]:
        """Open incidents: kind, amount, and what they name."""
        rows = self.rows("incident", "kind, amount, refs, state")
        return [(kind, amount, msgspec.json.decode(refs)) for kind, amount, refs, state in rows if state == "open"]

    def feed(self, store: UUID | None = None) -> dict[tuple[str, str], Any]:
        """What a store's bucket (or the one of all) says now, by entity and key."""
        bucket = f"store:{store}" if store else "global"
        rows = [row for row in self.rows("feed", "bucket, entity, key, value") if row[0] == bucket]
        return {(row[1], row[2]): msgspec.json.decode(row[3]) if row[3] is not None else None for row in rows}


def take_in(tx: Tx, store: UUID, epoch: int, ops: Sequence[ReceivedOp], now_ms: int, offset_ms: int) -> None:
    """What a push of these entries writes; those that are here already are left out."""
    held = lock_epoch(tx, store, epoch, now_ms)
    fresh = [op for op in ops if op.seq > held.head.seq]
    if fresh:
        assert fresh[0].seq == held.head.seq + 1
        add_ops(tx, store, epoch, fresh, now_ms, offset_ms)
        head = Head(epoch, fresh[-1].seq, fresh[-1].hash)
        move_head(tx, store, msgspec.structs.replace(held, head=head, announced=head))


def journal_of(connection: Any) -> dict[int, list[ReceivedOp]]:  # noqa: ANN401  pysqlite3 has no types
    """A store's whole journal as it would be pushed, by life."""
    private = {
        (epoch, seq): (UUID(bytes=member), salt, data)
        for epoch, seq, member, salt, data in connection.execute(
            "SELECT epoch, seq, member, salt, bytes FROM journal_private"
        )
    }
    journal: dict[int, list[ReceivedOp]] = {}
    rows = connection.execute("SELECT epoch, seq, op_id, kind, content, hash FROM journal ORDER BY rowid").fetchall()
    for epoch, seq, op_id, kind, content, entry_hash in rows:
        version = msgspec.json.decode(content)["v"]
        op = ReceivedOp(seq, UUID(bytes=op_id), kind, version, content, entry_hash, private.get((epoch, seq)))
        journal.setdefault(epoch, []).append(op)
    return journal


class Shop:
    """Writes entries of one life, whatever they say. Its clock goes on by a second with each."""

    def __init__(self, store: UUID = STORE, epoch: int = 7, at_ms: int = NOW_MS) -> None:
        self.store, self.epoch, self.now_ms = store, epoch, at_ms
        self.ops: list[ReceivedOp] = []
        self._random = Random(epoch)
        self._sales = 0
        self.log(EpochStarted(store=f"S{epoch:03}", currency="EUR", time_zone="UTC", ordinal=1, reason="test"))

    @property
    def journal(self) -> dict[int, list[ReceivedOp]]:
        """What it would push."""
        return {self.epoch: self.ops}

    def id(self) -> UUID:
        """A new id, in the order of time."""
        return uuid7(self.now_ms, self._random.randbytes(10))

    def log(
        self,
        body: Struct,
        op_id: UUID | None = None,
        *,
        private: tuple[UUID, bytes, bytes] | None = None,
        **more: object,
    ) -> UUID:
        """One entry more; its id."""
        kind, version = kind_of(type(body))
        return self.log_raw({"v": version, "kind": kind, "body": body, **more}, op_id, private)

    def log_raw(
        self, content: dict[str, object], op_id: UUID | None = None, private: tuple[UUID, bytes, bytes] | None = None
    ) -> UUID:
        """One entry with any content."""
        identity = op_id or self.id()
        whole = {"op_id": identity, "at": self.now_ms, "business_day": "2027-01-15", **content}
        raw = msgspec.json.encode(whole)
        seq, before = (self.ops[-1].seq, self.ops[-1].hash) if self.ops else (0, ZERO_HASH)
        entry_hash = chain_hash(self.epoch, seq + 1, before, raw)
        kind, version = str(content["kind"]), int(str(content["v"]))
        self.ops.append(ReceivedOp(seq + 1, identity, kind, version, raw, entry_hash, private))
        self.now_ms += 1_000
        return identity

    def relog(self, op: ReceivedOp) -> None:
        """An entry of an earlier life once more: the same bytes."""
        seq, before = (self.ops[-1].seq, self.ops[-1].hash)
        entry_hash = chain_hash(self.epoch, seq + 1, before, op.content)
        self.ops.append(op._replace(seq=seq + 1, hash=entry_hash))

    def enrol(
        self,
        member: UUID,
        phone: str | None = None,
        name: str = "Anna",
        consents: Sequence[Consent] = (),
        *,
        brought_card: bool = False,
        **more: object,
    ) -> UUID:
        """A member joins; `more` is of the profile."""
        data = msgspec.json.encode(PrivateProfile(name=name, phone=phone, **more))  # type: ignore[arg-type]
        body = MemberEnrolled(
            request="",
            member=member,
            locale="en",
            private=private_hash(b"salt", data),
            consents=tuple(consents),
            brought_card=brought_card,
        )
        return self.log(body, member, private=(member, b"salt", data))

    def sell(
        self,
        member: UUID | None = None,
        *,
        earn: int = 0,
        pay: int = 0,
        vouchers: SaleVouchers | None = None,
        sku: str = "100",
        number: str | None = None,
        **more: object,
    ) -> UUID:
        """A sale of one piece that earns points, or is paid with some."""
        self._sales += 1
        postings = []
        if pay:
            postings.append(self.posting(member, "redeem", -pay, n=1))
        if earn:
            postings.append(self.posting(member, "earn", earn, n=2))
        line = SoldLine(
            line=1,
            sku=sku,
            name="Thing",
            department="D",
            quantity_milli=1000,
            unit_price_minor=100,
            gross_minor=100,
            net_minor=100,
            tax_rate="0",
            tax_minor=0,
        )
        body = SaleCompleted(
            request="",
            number=number or f"S{self.epoch:03}-T01-{self._sales:06}",
            till="T01",
            series=1,
            n=self._sales,
            shift=UUID(int=self.epoch),
            currency="EUR",
            terms=TaxTerms("included", "line", "half_up"),
            lines=(line,),
            gross_minor=100,
            discount_minor=0,
            net_minor=100,
            taxes=(),
            due_minor=100,
            paid_minor=100,
            price_book=1,
            member=member,
            postings=tuple(postings),
            vouchers=vouchers,
            **more,  # type: ignore[arg-type]
        )
        return self.log(body)

    def posting(self, member: UUID | None, kind: Any, points: int, n: int = 1, **more: Any) -> PointsPosted:  # noqa: ANN401
        """A posting at this shop's own time."""
        assert member is not None
        return PointsPosted(n=n, member=member, kind=kind, points=points, effective_at=self.now_ms, **more)
