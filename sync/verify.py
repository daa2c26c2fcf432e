"""sql: the proof. Walks the chain, replays the entries into empty tables and compares them with the store's.

    report = verify(store_tx, scratch_tx, registry, since=None)
    report.ok, report.first_wrong   # False, Wrong(epoch, seq, "sale_line: net_minor is 259, the entry says 258")

`since` is the mark of an earlier good run: then only newer entries are replayed and the rows they touch compared, and
the size of every append-only table is checked against the mark. Without it everything is compared, row by row, both
ways.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec

from loyalty.tables import Table, TableClass
from loyalty.transactions import Row, Tx
from sync.chain import ZERO_HASH, chain_hash, decode_content, epoch_text
from sync.facts import Body
from sync.facts.members import MemberErased
from sync.facts.store import EpochStarted
from sync.journal import Apply, Entry, Private, entry_of, private_hash_of

CacheCheck = Callable[[Tx], Iterator[str]]
_PAGE = 500
_DIFFERENCES_LOOKED_AT = 1_000


class Registry(msgspec.Struct, frozen=True):
    """What compose knows: every table, how each kind is applied, and how each cache is computed anew."""

    tables: tuple[Table, ...]
    appliers: Mapping[type[Body], Apply]
    caches: Mapping[str, CacheCheck]

    def facts(self) -> list[Table]:
        """The tables that a replay must rebuild exactly."""
        return [table for table in self.tables if table.table_class is TableClass.FACT]


class Wrong(msgspec.Struct, frozen=True):
    """The first entry that does not hold. `epoch` is 16 hex digits; seq 0 means a row that no entry explains."""

    epoch: str
    seq: int
    what: str


class Mark(msgspec.Struct, frozen=True):
    """A proved head: a later run starts behind it."""

    epoch: str
    seq: int
    hash: str
    rows: dict[str, int]


class Report(msgspec.Struct, kw_only=True):
    """What `counterfoil verify --json` prints, and the mark for the next run."""

    ok: bool = True
    entries: int = 0
    epochs: int = 0
    head: dict[str, object] | None = None
    first_wrong: Wrong | None = None
    tables: dict[str, bool] = {}
    mark: Mark | None = None


class _Broken(Exception):
    def __init__(self, epoch: int, seq: int, what: str) -> None:
        super().__init__(what)
        self.wrong = Wrong(epoch_text(epoch), seq, what)


def verify(store: Tx, scratch: Tx, registry: Registry, since: Mark | None = None) -> Report:
    """Prove the journal and everything made from it. `scratch` is an empty database of the same schema.

    Never raises for what it finds in the data: the report names the first wrong entry.
    """
    report = Report()
    try:
        _replay(store, scratch, registry, since, report)
    except _Broken as broken:
        report.ok, report.first_wrong = False, broken.wrong
        return report
    for table in registry.facts():
        differences = _compare_touched(store, scratch, table, since) if since else _compare(store, scratch, table)
        _note(report, table.name, _first_named(differences))
    if since is None:
        for name, check in registry.caches.items():
            what = _first_stale(store, check)
            _note(report, name, Wrong("", 0, f"{name}: {what}") if what else None)
    if report.ok and report.head is not None:
        report.mark = Mark(
            epoch=str(report.head["epoch"]),
            seq=int(str(report.head["seq"])),
            hash=str(report.head["hash"]),
            rows={table.name: _count(store, table) for table in registry.facts() if table.append_only},
        )
    return report


def walk_all(store: Tx) -> tuple[list[Entry], Wrong | None]:
    """Every entry of every life in order, and the first that does not hold, if any."""
    entries: list[Entry] = []
    personal = _PersonalData()
    try:
        for epoch in _epochs(store):
            entries.extend(_walk(store, epoch, 0, ZERO_HASH, personal))
        personal.check(store)
    except _Broken as broken:
        return entries, broken.wrong
    return entries, None


def _first_named(differences: Iterator[Wrong]) -> Wrong | None:
    """The difference that stands earliest in the journal; one without an entry only if there is no other.

    A changed key makes two differences: a row that nothing explains, and the one that is missing, which has an entry.
    """
    looked_at = islice(differences, _DIFFERENCES_LOOKED_AT)
    return min(looked_at, key=lambda wrong: (wrong.seq == 0, wrong.seq), default=None)


def _first_stale(store: Tx, check: CacheCheck) -> str | None:
    try:
        return next(check(store), None)
    except Exception as error:  # noqa: BLE001  a fact that was changed may be one that cannot be computed with at all
        return f"it cannot be computed anew: {error}"


def _note(report: Report, table: str, wrong: Wrong | None) -> None:
    report.tables[table] = wrong is None
    if wrong is not None:
        report.ok = False
        if report.first_wrong is None or 0 < wrong.seq < (report.first_wrong.seq or wrong.seq + 1):
            report.first_wrong = wrong


def _replay(store: Tx, scratch: Tx, registry: Registry, since: Mark | None, report: Report) -> None:
    """Walk every chain in the order of its lives and apply each entry to the scratch database."""
    personal = _PersonalData()
    start = int(since.epoch, 16) if since else None
    skipping = since is not None
    for epoch in _epochs(store):
        report.epochs += 1
        seq, previous = 0, ZERO_HASH
        if since is not None and skipping:
            if epoch != start:
                continue
            skipping = False
            seq, previous = since.seq, bytes.fromhex(since.hash)
            _check_mark(store, epoch, since)
        for entry in _walk(store, epoch, seq, previous, personal):
            try:
                registry.appliers[type(entry.body)](scratch, entry)
            except Exception as error:
                raise _Broken(epoch, entry.seq, f"{entry.kind} cannot be applied: {error}") from error
            report.entries += 1
            seq, previous = entry.seq, entry.hash
        report.head = {"epoch": epoch_text(epoch), "seq": seq, "hash": previous.hex()}
    if since is not None and skipping:
        raise _Broken(int(since.epoch, 16), since.seq, "the entry proved last time is gone, and its epoch with it")
    personal.check(store)
    if since is None:
        _check_strays(store)


def _epochs(store: Tx) -> list[int]:
    """The epochs of the journal in the order of their lives, as their own first entries tell it.

    The `life` table is not asked: it is one of the tables that are to be proved.
    """
    first = store.execute("SELECT epoch, content FROM journal WHERE seq = 1").fetchall()
    ordinals: dict[int, int] = {}
    for epoch, raw in first:
        try:
            body = msgspec.json.decode(decode_content(raw).body, type=EpochStarted)
        except (msgspec.DecodeError, TypeError) as error:
            raise _Broken(epoch, 1, f"the first entry of the epoch cannot be read: {error}") from error
        ordinals[epoch] = body.ordinal
    for epoch, seq in store.execute("SELECT epoch, min(seq) FROM journal GROUP BY epoch"):
        if epoch not in ordinals:
            raise _Broken(epoch, 1, f"the entry is missing, the first one of this epoch is {seq}")
    return sorted(ordinals, key=lambda epoch: ordinals[epoch])


def _check_mark(store: Tx, epoch: int, since: Mark) -> None:
    row = store.execute("SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch, since.seq)).fetchone()
    if row is None or row[0].hex() != since.hash:
        raise _Broken(epoch, since.seq, "the entry proved last time is gone or has another hash")


def _walk(store: Tx, epoch: int, seq: int, previous: bytes, personal: "_PersonalData") -> Iterator[Entry]:
    """Entries of one epoch in order, each with its link checked. Raises _Broken at the first that does not hold."""
    while True:
        page = store.execute(
            "SELECT journal.seq, journal.op_id, kind, content, hash, member, salt, bytes FROM journal"
            " LEFT JOIN journal_private ON journal_private.epoch = journal.epoch AND journal_private.seq = journal.seq"
            " WHERE journal.epoch = ? AND journal.seq > ? ORDER BY journal.seq LIMIT ?",
            (epoch, seq, _PAGE),
        ).fetchall()
        for row in page:
            seq += 1
            entry = _check_entry(epoch, seq, previous, row)
            personal.note(entry)
            yield entry
            previous = row[4]
        if len(page) < _PAGE:
            return


def _check_entry(epoch: int, seq: int, previous: bytes, row: Row) -> Entry:
    found, op_id, kind, raw, entry_hash, member, salt, data = row
    if found != seq:
        raise _Broken(epoch, seq, f"the entry is missing, the next one is {found}")
    if not _is_link(epoch, seq, previous, raw, entry_hash):
        raise _Broken(epoch, seq, "content or hash was changed: the chain does not fit")
    try:
        content = decode_content(raw)
        private = Private(UUID(bytes=member), salt, data) if member is not None else None
        entry = entry_of(epoch, seq, entry_hash, content, private)
    except (msgspec.DecodeError, KeyError, ValueError, TypeError) as error:
        raise _Broken(epoch, seq, f"the content cannot be read: {error}") from error
    if entry.kind != kind or entry.op_id.bytes != op_id:
        raise _Broken(epoch, seq, "the row's kind or op_id is not the entry's")
    return entry


def _is_link(epoch: int, seq: int, previous: bytes, content: Any, entry_hash: Any) -> bool:  # noqa: ANN401  cells
    """Whether a row is the next of the chain. A damaged file may hold cells of any type and numbers of any size."""
    try:
        return bool(chain_hash(epoch, seq, previous, content) == entry_hash)
    except (TypeError, OverflowError):
        return False


class _PersonalData:
    """Personal data must be the very bytes an entry names. It may only be missing where a later erasure explains it,
    and then it must be: so this is judged at the end of the walk."""

    def __init__(self) -> None:
        self._missing: list[tuple[int, int, UUID]] = []
        self._erased: set[UUID] = set()

    def note(self, entry: Entry) -> None:
        """Look at one entry. Raises _Broken for data that is not the entry's."""
        if isinstance(entry.body, MemberErased):
            self._erased.add(entry.body.member)
        expected = getattr(entry.body, "private", None)
        if expected is None:
            if entry.private is not None:
                raise _Broken(entry.epoch, entry.seq, "personal data beside an entry that names none")
            return
        member: UUID = entry.body.member  # type: ignore[attr-defined]  # every body with `private` has `member`
        if entry.private is None:
            self._missing.append((entry.epoch, entry.seq, member))
        elif entry.private.member != member or private_hash_of(entry.private) != expected:
            raise _Broken(entry.epoch, entry.seq, "the personal data was changed")

    def check(self, store: Tx) -> None:
        """After the last entry. Raises _Broken for what no erasure explains and for what an erasure forbids."""
        for epoch, seq, member in self._missing:
            if member not in self._erased:
                raise _Broken(epoch, seq, "the personal data is missing and no erasure explains it")
        for member in self._erased:
            row = store.execute("SELECT epoch, seq FROM journal_private WHERE member = ?", (member.bytes,)).fetchone()
            if row is not None:
                raise _Broken(row[0], row[1], "personal data of a member who was erased")


def _check_strays(store: Tx) -> None:
    """Personal data may only lie beside an entry: nothing would ever erase it elsewhere."""
    stray = store.execute(
        "SELECT epoch, seq FROM journal_private WHERE NOT EXISTS (SELECT 1 FROM journal"
        " WHERE journal.epoch = journal_private.epoch AND journal.seq = journal_private.seq) LIMIT 1"
    ).fetchone()
    if stray is not None:
        raise _Broken(stray[0], stray[1], "personal data beside an entry that does not exist")


def _columns(tx: Tx, table: Table) -> list[str]:
    return [row[1] for row in tx.execute(f"PRAGMA table_info({table.name})")]


def _compare(store: Tx, scratch: Tx, table: Table) -> Iterator[Wrong]:
    """Every row of both sides in key order; yields the differences."""
    columns = _columns(scratch, table)
    keys = [columns.index(key) for key in table.key]
    select = f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY {', '.join(table.key)}"  # noqa: S608  names of ours
    ours, theirs = iter(store.execute(select)), iter(scratch.execute(select))
    have, want = next(ours, None), next(theirs, None)
    while have is not None or want is not None:
        have_key = [_rank(have[i]) for i in keys] if have is not None else None
        want_key = [_rank(want[i]) for i in keys] if want is not None else None
        if have is not None and (want_key is None or (have_key is not None and have_key < want_key)):
            yield _wrong_row(store, table, columns, have, "a row that no entry explains")
            have = next(ours, None)
        elif want is not None and (have_key is None or (want_key is not None and want_key < have_key)):
            yield _wrong_row(store, table, columns, want, "a row is missing")
            want = next(theirs, None)
        else:
            if have != want and have is not None and want is not None:
                yield _wrong_row(store, table, columns, want, _difference(columns, have, want))
            have, want = next(ours, None), next(theirs, None)


def _rank(cell: Any) -> tuple[int, Any]:  # noqa: ANN401  a damaged file may hold a cell of any type
    """A cell in the order of SQLite: nothing, numbers, texts, bytes (sqlite.org/datatype3.html, section 4.1)."""
    kinds: tuple[tuple[type, ...], ...] = ((type(None),), (int, float), (str,), (bytes,))
    kind = next(n for n, types in enumerate(kinds) if isinstance(cell, types))
    return (kind, cell) if kind else (kind, 0)


def _compare_touched(store: Tx, scratch: Tx, table: Table, since: Mark) -> Iterator[Wrong]:
    """Only the rows that the replayed entries wrote, and the size of tables that never change a row."""
    columns = _columns(scratch, table)
    keys = [columns.index(key) for key in table.key]
    where = " AND ".join(f"{key} = ?" for key in table.key)
    select = f"SELECT {', '.join(columns)} FROM {table.name}"  # noqa: S608  names of ours
    for want in scratch.execute(select):
        have = store.execute(f"{select} WHERE {where}", [want[i] for i in keys]).fetchone()
        if have is None:
            yield _wrong_row(store, table, columns, want, "a row is missing")
        elif have != want:
            yield _wrong_row(store, table, columns, want, _difference(columns, have, want))
    if table.append_only and table.name in since.rows:
        expected = since.rows[table.name] + _count(scratch, table)
        if (found := _count(store, table)) != expected:
            yield Wrong("", 0, f"{table.name}: {found} rows, the journal explains {expected}")


def _difference(columns: list[str], have: Row, want: Row) -> str:
    at = next(i for i in range(len(columns)) if have[i] != want[i])
    return f"{columns[at]} is {_show(have[at])}, the entry says {_show(want[at])}"


def _show(value: Any) -> str:  # noqa: ANN401  a cell is whatever SQLite holds
    return value.hex() if isinstance(value, bytes) else repr(value)


def _wrong_row(store: Tx, table: Table, columns: list[str], row: Row, what: str) -> Wrong:
    """Name the entry behind a row, through the op_id the row carries."""
    epoch, seq = 0, 0
    if table.op is not None:
        op_id = row[columns.index(table.op)]
        found = store.execute(
            "SELECT epoch, seq FROM journal WHERE op_id = ? ORDER BY seq LIMIT 1", (op_id,)
        ).fetchone()
        epoch, seq = found or (0, 0)
    return Wrong(epoch_text(epoch), seq, f"{table.name}: {what}")


def _count(tx: Tx, table: Table) -> int:
    row = tx.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608  a name of ours
    return int(row[0]) if row else 0
