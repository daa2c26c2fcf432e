"""sql: the proof. Walks the chain, replays entries into empty tables and compares them with the store's.

    report = verify(store_tx, scratch_tx, registry)                    # everything, from the first entry
    report = verify(store_tx, scratch_tx, registry, report.mark)       # later: replays only what is new
    report.ok, report.first_wrong   # False, Wrong(epoch, seq, "sale_line: net_minor is 259, the entry says 258")

**Always.** The whole chain is walked by hash, through all lives (sync/walk.py), and must still hold the head that the
last good run proved: entries that vanished from the end are found. Every row of every fact table is read. Every cache
is computed anew, and every rule that must hold between facts is asked.

**In full**, each entry is replayed and each fact table compared with the replay, row by row, cell by cell.

**From a mark** only newer entries are replayed. The mark holds a digest of every fact table (sync/compare.py), and a
table must now hold what it held then plus what the replay wrote:

| table | newer entries among those that write it | proof |
|---|---|---|
| append-only | some or none | digest of the mark + digest of the rows replayed = digest of the table |
| changes rows | none | digest of the mark = digest of the table |
| changes rows | some | all entries of the kinds in `Table.written_by`, old ones too, are replayed; row by row |

(and so for every further table that those older entries write)

So a bit that flipped in a row proved long ago is found by the next run, full or not. A digest says that a table is
wrong, not where: the report then names no entry, and the caller runs in full to learn it (kiosk/life/proof.py).

What is wrong in several places is named by its earliest entry, in the order of the lives and their numbers. Findings
show no value of a `personal` column.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from loyalty.tables import Table, TableClass
from loyalty.transactions import Tx
from sync.chain import Head, epoch_text
from sync.compare import Digest, columns_of, compare_rows, digest_rows, list_differences
from sync.facts import Body
from sync.journal import Apply
from sync.walk import Broken, Walk, Wrong

CacheCheck = Callable[[Tx], Iterator[str]]
_Joint = Callable[[Tx], Iterator[tuple[str, str]]]
_DIFFERENCES_LOOKED_AT = 1_000
RULE = "rule "


class JointCheck(msgspec.Struct, frozen=True):
    """A check of several things in one pass: it answers each sentence behind the name of what is wrong."""

    find: _Joint


class Registry(msgspec.Struct, frozen=True):
    """What compose knows: every table, how each kind is applied, how each cache is computed anew, and by name what must
    hold between facts whoever wrote them. A check answers a sentence for each thing that is wrong; one JointCheck may
    stand under several names and is run once."""

    tables: tuple[Table, ...]
    appliers: Mapping[type[Body], Apply]
    caches: Mapping[str, CacheCheck | JointCheck]
    rules: Mapping[str, CacheCheck | JointCheck] = {}

    def facts(self) -> list[Table]:
        """The tables that a replay must rebuild exactly."""
        return [table for table in self.tables if table.table_class is TableClass.FACT]


class Mark(msgspec.Struct, frozen=True):
    """A proved head, and what every fact table held then. `epoch` is 16, `hash` 64 hex digits."""

    epoch: str
    seq: int
    hash: str
    tables: dict[str, Digest]

    def head(self) -> Head:
        """The head as the journal has it. Raises ValueError for a mark that is none."""
        return Head(int(self.epoch, 16), self.seq, bytes.fromhex(self.hash))


class Report(msgspec.Struct, kw_only=True):
    """What `counterfoil verify --json` prints, and the mark for the next run. `entries` counts those replayed; `breach`
    says that chain and tables hold and only a rule between facts is broken: that was written by a program, and no copy
    knows better. `tables` has the rules too, by their names behind RULE."""

    ok: bool = True
    entries: int = 0
    epochs: int = 0
    head: dict[str, object] | None = None
    first_wrong: Wrong | None = None
    tables: dict[str, bool] = {}
    breach: bool = False
    mark: Mark | None = None


class _Replay(msgspec.Struct, frozen=True):
    """What a replay put into the scratch database. `whole` are the tables it rebuilt from their first row; of the
    others it wrote the newer rows, on top of `before`."""

    whole: frozenset[str]
    before: dict[str, Digest]


def verify(store: Tx, scratch: Tx, registry: Registry, since: Mark | None = None, *, full: bool = False) -> Report:
    """Prove the journal and everything made from it. `scratch` is an empty database of the same schema.

    `since` is the mark of the last good run; `full` replays from the first entry all the same. Never raises for what it
    finds in the data: the report names the first wrong entry.
    """
    report = Report()
    walk = Walk(store, since.head() if since else None)
    base = None if full else since
    try:
        replay = _replay(store, scratch, registry, walk, base, report)
    except Broken as broken:
        report.ok, report.first_wrong = False, broken.wrong
        return report
    finally:
        report.epochs = len(walk.lives)
        head = walk.newest
        if head is not None:
            report.head = {"epoch": epoch_text(head.epoch), "seq": head.seq, "hash": head.hash.hex()}
    order = {epoch_text(epoch): n for n, epoch in enumerate(walk.lives)}
    digests: dict[str, Digest] = {}
    for table in registry.facts():
        if base is None or table.name in replay.whole:
            same, digests[table.name] = compare_rows(store, scratch, table)
            wrong = None if same else _first_difference(store, scratch, table, order)
        else:
            digests[table.name] = digest_rows(store, table, columns_of(scratch, table))
            wrong = _check_digest(scratch, table, base, replay, digests[table.name])
        _note(report, table.name, wrong, order)
    findings = _Findings(store)
    for name, check in registry.caches.items():
        what = findings.first(name, check)
        _note(report, name, Wrong("", 0, f"{name}: {what}") if what else None, order)
    proved = report.ok
    for name, rule in registry.rules.items():
        what = findings.first(name, rule)
        _note(report, f"{RULE}{name}", Wrong("", 0, f"{RULE}{name}: {what}") if what else None, order)
    report.breach = proved and not report.ok
    if report.ok and walk.head is not None:
        head = walk.head
        report.mark = Mark(epoch_text(head.epoch), head.seq, head.hash.hex(), digests)
    return report


def _replay(store: Tx, scratch: Tx, registry: Registry, walk: Walk, since: Mark | None, report: Report) -> _Replay:
    """Walk every chain in the order of its lives; apply what is new, and what must be replayed together with it.

    Raises Broken.
    """
    proved = _row_of(store, since.head()) if since else 0
    new = {
        kind for (kind,) in store.execute("SELECT DISTINCT kind FROM journal NOT INDEXED WHERE rowid > ?", (proved,))
    }
    whole = _list_whole(registry, new)
    again = frozenset(kind for table in whole for kind in table.written_by) if since else frozenset()
    before: dict[str, Digest] | None = None
    for entry in walk.entries(lambda row, kind: row > proved or kind in again):
        is_new = walk.row > proved
        if is_new and before is None:
            before = _digest_scratch(scratch, registry) if again else {}
        try:
            if walk.counts:
                registry.appliers[type(entry.body)](scratch, entry)
        except Exception as error:
            raise Broken(entry.epoch, entry.seq, f"{entry.kind} cannot be applied: {error}") from error
        report.entries += is_new
    return _Replay(frozenset(table.name for table in whole), before or {})


def _list_whole(registry: Registry, new: Iterable[str]) -> list[Table]:
    """The tables to be rebuilt from their first row because entries of the kinds `new` may have changed a row.

    Old entries that are replayed for one table may write others as well; those are then rebuilt too.
    """
    kinds: set[str] = set(new)
    while True:
        whole = [table for table in registry.facts() if not table.append_only and kinds.intersection(table.written_by)]
        more = kinds.union(*(table.written_by for table in whole))
        if more == kinds:
            return whole
        kinds = more


def _row_of(store: Tx, head: Head) -> int:
    """The number of the row of a proved head; 0 where it is gone, which the walk will tell."""
    row = store.execute(
        "SELECT rowid FROM journal NOT INDEXED WHERE epoch = ? AND seq = ?", (head.epoch, head.seq)
    ).fetchone()
    return int(row[0]) if row else 0


def _digest_scratch(scratch: Tx, registry: Registry) -> dict[str, Digest]:
    """What replaying older entries put into the tables that only grow: those rows the mark knows already."""
    tables = (table for table in registry.facts() if table.append_only)
    return {table.name: digest_rows(scratch, table, columns_of(scratch, table)) for table in tables}


def _check_digest(scratch: Tx, table: Table, since: Mark, replay: _Replay, found: Digest) -> Wrong | None:
    proved = since.tables.get(table.name)
    written = digest_rows(scratch, table, columns_of(scratch, table))
    if proved is not None and found == proved.plus(written).minus(replay.before.get(table.name, Digest())):
        return None
    return Wrong("", 0, f"{table.name}: the rows are not those that were proved")


def _first_difference(store: Tx, scratch: Tx, table: Table, order: Mapping[str, int]) -> Wrong | None:
    """The difference that stands earliest in the journal; one without an entry only if there is no other.

    A changed key makes two differences: a row that nothing explains, and the one that is missing, which has an entry.
    """
    looked_at = islice(list_differences(store, scratch, table), _DIFFERENCES_LOOKED_AT)
    return min(looked_at, key=lambda wrong: _place(wrong, order), default=None)


def _place(wrong: Wrong, order: Mapping[str, int]) -> tuple[bool, int, int]:
    """Where in the history something stands: a later life's first entry comes behind the earlier one's last."""
    return wrong.seq == 0, order.get(wrong.epoch, len(order)), wrong.seq


class _Findings:
    """What the checks say, the first thing under each name."""

    def __init__(self, store: Tx) -> None:
        self._store = store
        self._joint: dict[JointCheck, tuple[dict[str, str], str | None]] = {}

    def first(self, name: str, check: CacheCheck | JointCheck) -> str | None:
        """The first sentence about `name`; None when there is none."""
        if not isinstance(check, JointCheck):
            return _first_stale(self._store, check)
        if check not in self._joint:
            self._joint[check] = first_of_each(check.find(self._store))
        found, broken_off = self._joint[check]
        return found.get(name, broken_off)


def _first_stale(store: Tx, check: CacheCheck) -> str | None:
    try:
        return next(check(store), None)
    except Exception as error:  # noqa: BLE001  a fact that was changed may be one that cannot be computed with at all
        return _broken_off(error)


def _broken_off(error: Exception) -> str:
    return f"it cannot be computed anew: {error}"


def first_of_each(findings: Iterator[tuple[str, str]]) -> tuple[dict[str, str], str | None]:
    """The first sentence under each name, and what to say of every other name should the check break off."""
    found: dict[str, str] = {}
    try:
        for name, sentence in findings:
            found.setdefault(name, sentence)
    except Exception as error:  # noqa: BLE001  a fact that was changed may be one that cannot be computed with at all
        return found, _broken_off(error)
    return found, None


def _note(report: Report, table: str, wrong: Wrong | None, order: Mapping[str, int]) -> None:
    report.tables[table] = wrong is None
    if wrong is not None:
        report.ok = False
        if report.first_wrong is None or _place(wrong, order) < _place(report.first_wrong, order):
            report.first_wrong = wrong
