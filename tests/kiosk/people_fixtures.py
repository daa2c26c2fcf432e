"""A shop of members and people: a real SQLite file behind the real writer, the real journal, a clock that is set."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from kiosk.members.apply_members import (
    apply_consent_recorded,
    apply_member_changed,
    apply_member_enrolled,
    apply_member_erased,
)
from kiosk.members.member_service import (
    CHANGE_RANDOM_BYTES,
    ENROL_RANDOM_BYTES,
    change_member,
    enrol_member,
    erase_member,
)
from kiosk.members.member_views import show_member
from kiosk.members.members import ChangeMember, EnrolMember, EraseMember, MemberAnswer, SavedMember, tag_of
from kiosk.outcome import Outcome
from kiosk.points.apply_points import apply_points_fact
from kiosk.schema import TABLES as KIOSK_TABLES
from kiosk.shifts.apply_counter import apply_epoch_started, apply_operator_changed
from kiosk.shop import Caller, Shop
from kiosk.terms import Terms
from loyalty.earning import EarnRule
from loyalty.ids import uuid7
from loyalty.points.program import Program
from loyalty.points_proof import check_points
from loyalty.rounding import Rounding
from loyalty.schema import TABLES as LOYALTY_TABLES
from loyalty.tables import Table, TableClass
from loyalty.tax import TaxMode, TaxRounding, TaxRules
from loyalty.transactions import Tx
from printers.schema import INDEXES, KEYS, LOCAL_TABLES
from sync.db import Database, connect
from sync.facts.members import ConsentRecorded, MemberChanged, MemberEnrolled, MemberErased
from sync.facts.points import PointsAdjusted
from sync.facts.store import EpochStarted, OperatorChanged
from sync.journal import Journal, Origin
from sync.schema import TABLES as SYNC_TABLES
from sync.verify import JointCheck, Mark, Registry, Report, verify

P = ParamSpec("P")
T = TypeVar("T")

EPOCH = 0x0123_4567_89AB_CDEF
NOW_MS = 1_795_273_200_000
TABLES = (
    *SYNC_TABLES,
    *LOYALTY_TABLES,
    *KIOSK_TABLES,
    *(Table(name, TableClass.LOCAL, KEYS[name], ddl, INDEXES.get(name, ())) for name, ddl in LOCAL_TABLES.items()),
)
APPLIERS = {
    EpochStarted: apply_epoch_started,
    OperatorChanged: apply_operator_changed,
    MemberEnrolled: apply_member_enrolled,
    MemberChanged: apply_member_changed,
    MemberErased: apply_member_erased,
    ConsentRecorded: apply_consent_recorded,
    PointsAdjusted: apply_points_fact,
}
REGISTRY = Registry(tables=TABLES, appliers=APPLIERS, caches={"account": JointCheck(check_points)})
TERMS = Terms(
    store="S001",
    currency="EUR",
    currency_digits=2,
    time_zone="Europe/Warsaw",
    day_cutover_minutes=240,
    locale="en",
    tax=TaxRules(TaxMode("included"), TaxRounding("line"), Rounding("half_up")),
    rates=(),
    cash_rounding_step_minor=1,
    tender_kinds=frozenset({"cash"}),
    return_days=30,
    earn_rule=EarnRule("base", 1, 1, 100, "net"),
    program=Program(time_zone="Europe/Warsaw", adjust_limits={"manager": 100_000}),
    needs_approval=frozenset(),
    cashier_discount_percent=100,
    label_patterns=(),
    phone_prefix="48",
    receipt_printer="receipt",
    store_name="Corner shop",
)
ANNA = {"name": "Anna Kowalska", "phone": "600 100 200", "email": "Anna.K@Example.test", "locale": "pl"}


def op(number: int) -> UUID:
    """The id of the number-th thing somebody does."""
    return uuid7(NOW_MS + number, number.to_bytes(10))


def create(path: Path | str) -> Any:  # noqa: ANN401  pysqlite3 has no types
    """A database with all tables."""
    connection = connect(path)
    for table in TABLES:
        connection.execute(table.ddl)
        for index in table.indexes:
            connection.execute(index)
    return connection


class Place:
    """The shop. `write` and `read` run a service as the signed-in manager of T01, or whoever `as_` says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "store.db"
        create(self.path).close()
        self.database = Database(self.path)
        self.shop = Shop(Journal(EPOCH, APPLIERS), 1, TERMS)
        self.now_ms = NOW_MS
        self.manager = self.caller()

    def caller(self, role: str = "manager", operator: str | None = "ola", till: str = "T01") -> Caller:
        """Somebody who calls now."""
        return Caller(device=op(900), till=till, role=role, operator=operator, now_ms=self.now_ms)

    async def open(self) -> None:
        life = EpochStarted(store="S001", currency="EUR", time_zone="Europe/Warsaw", ordinal=1, reason="new")
        await self.database.open()
        await self.database.write(
            lambda tx: self.shop.journal.record(tx, Origin(now_ms=self.now_ms), op(999_999), life)
        )

    async def write(
        self,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a service in a write transaction, one millisecond after the one before."""
        self.now_ms += 1
        caller = self.caller()
        return await self.database.write(lambda tx: service(tx, self.shop, caller, *args, **kwargs))

    async def read(
        self,
        service: Callable[Concatenate[Tx, Shop, Caller, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a service on a snapshot."""
        caller = self.caller()
        return await self.database.read(lambda tx: service(tx, self.shop, caller, *args, **kwargs))

    async def enrol(self, number: int, **fields: Any) -> Outcome[SavedMember]:  # noqa: ANN401  whatever the field is
        """Enrol Anna, but for the named fields, under op(number)."""
        command = EnrolMember(**{"id": op(number), **ANNA, **fields})
        return await self.write(enrol_member, command, os.urandom(ENROL_RANDOM_BYTES))

    async def change(self, member: UUID, **fields: Any) -> SavedMember:  # noqa: ANN401  whatever the field is
        """Change a member on its present version."""
        tag = tag_of(await self.read(show_member, member))
        random = os.urandom(CHANGE_RANDOM_BYTES)
        return await self.write(change_member, member, ChangeMember(**fields), tag, random)

    async def erase(self, member: UUID, reason: str = "asked for it") -> Outcome[MemberAnswer]:
        """Forget a member, and empty the log as the handler does."""
        saved = await self.write(erase_member, member, EraseMember(reason=reason))
        await self.database.erase_traces()
        return saved

    async def rows(self, select: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a table holds."""
        return await self.database.read(lambda tx: tx.execute(select, parameters).fetchall())

    async def verify(self, since: Mark | None = None) -> Report:
        """Replay the journal into empty tables and compare."""
        scratch = create(":memory:")
        try:
            return await self.database.read(lambda tx: verify(tx, scratch, REGISTRY, since))
        finally:
            scratch.close()

    def traces_of(self, *texts: str) -> list[str]:
        """Which of these texts stand anywhere in a file of the data folder."""
        files = {path.name: path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}
        return [f"{text} in {name}" for text in texts for name, content in files.items() if text.encode() in content]
