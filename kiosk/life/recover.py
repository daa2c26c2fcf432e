"""edge: the store of a lost disk, made anew from what head office holds of it (`counterfoil recover`).

    code ─► new key, new session ─► every life, entry by entry ─► tables ─► a new life ─► proof ─► store.sqlite

Made under another name and proved before it gets its own, like a new store: there is a whole one or none. What never
reached head office is gone with the disk. So the new life leaves one letter out: the disk may have begun a life that
nobody heard of, and no receipt number may be given twice. Leases of the lives before count no longer. Names and PINs of
operators and the devices' tokens were on that disk alone; a manager's PIN is given anew.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from kiosk import __version__
from kiosk.compose import now_ms
from kiosk.config import Config
from kiosk.coupons.keyring import prepare_keys
from kiosk.identity.people import PAIRING_RANDOM_BYTES, OperatorId, Pin, SaveOperator, WrongOperatorId
from kiosk.identity.people_service import create_pairing_code
from kiosk.identity.people_store import write_secret
from kiosk.life.enrolment import Enrolment, join
from kiosk.life.initialise import NameUnfit, PinUnfit, StoreExists
from kiosk.life.lives import Begun, write_first_entry
from kiosk.life.proof import prove_open
from kiosk.life.restored import settle_copy
from kiosk.life.setting_aside import apply_or_set_aside
from kiosk.life.start import (
    DATABASE_NAME,
    MAKING_NAME,
    RestoreUnfinished,
    lack_of_store,
    lock_folder,
    remove_database,
)
from kiosk.migrations import migrate
from kiosk.points.link import note_line, note_pushed
from loyalty.errors import InvalidInput, Problem
from loyalty.ids import uuid7
from loyalty.transactions import Tx
from sync import marks
from sync.agent.client import HubClient, HubRefused
from sync.agent.fetching import read_ops
from sync.agent.journal_reader import read_heads
from sync.agent.key import load_key, sign
from sync.chain import ZERO_HASH, Head, decode_content, epoch_text
from sync.db import connect
from sync.durable_files import sync_path
from sync.facts.lives import EntriesRecovered, SetAside
from sync.facts.members import MemberErased
from sync.facts.store import EpochStarted, OperatorChanged
from sync.journal import Entry, Origin, Private, entry_of
from sync.journal_mending import HistoryWrong, append_op
from sync.pins import hash_pin
from sync.protocol.messages import PROTOCOL, EpochHead, HeldOp, SessionOpen, session_signed_bytes
from sync.repairs import MENDINGS

_OWNER_ONLY = 0o600
_FENCED = "fenced"


class NothingHeld(Problem):
    """Head office holds nothing of this store yet."""

    code, status = "nothing_held", 500
    hint = "It is joined now. Make it as a new store: counterfoil init --config FILE"


class RecoveryWrong(Problem):
    """What was made from head office's entries does not hold."""

    code, status = "recovery_wrong", 500
    hint = "Nothing was put in place. Run it once more; if it comes back, tell support what this prints."


class Recovered(Struct, frozen=True, kw_only=True):
    """What was made, and the code to pair the first till with. `set_aside` entries contradict others of this store."""

    data_dir: Path
    entries: int
    lives: int
    set_aside: int
    pairing_code: str


class _Held(Struct, frozen=True):
    """One life as head office holds it: its head, and its number among the lives."""

    head: Head
    ordinal: int


def recover(config: Config, url: str, code: str, manager: str, name: str, pin: str) -> Recovered:
    """Make the store of `config` anew with one manager who may sign in.

    Raises WrongOperatorId, NameUnfit, PinUnfit, StoreExists, StoreInUse, what `enrolment.join` raises, NothingHeld,
    HubSilent, HubRefused, HistoryWrong, RecoveryWrong; no store was made then, and it can be run again.
    """
    _check(manager, OperatorId, WrongOperatorId)
    _check({"name": name, "role": "manager"}, SaveOperator, NameUnfit)
    _check(pin, Pin, PinUnfit)
    folder = config.data_dir()
    lock = lock_folder(folder)
    try:
        if (folder / DATABASE_NAME).exists():
            raise StoreExists(str(folder))
        lack = lack_of_store(folder)
        if isinstance(lack, RestoreUnfinished):  # the store is still here, it only needs to be put in place
            raise lack
        enrolment = join(config, url, code)
        with _making(folder) as connection:
            asyncio.run(_fetch_everything(connection, folder, enrolment))
            made = _make(connection, config, (manager, name, hash_pin(pin)))
            report = prove_open(connection, None, full=True)
            if not report.ok and not report.breach:
                raise RecoveryWrong(str(report.first_wrong))
            # Beside the unfinished file these marks are nobody's; the rename makes both a store.
            marks.renew(connection, folder, os.urandom(16).hex())
            marks.note_clean_stop(folder)
    finally:
        os.close(lock)
    return made


@contextlib.contextmanager
def _making(folder: Path) -> Iterator[Any]:
    """An empty database under another name, which gets its own where the block ends well."""
    making = folder / MAKING_NAME
    remove_database(making)
    making.touch(_OWNER_ONLY)
    try:
        with contextlib.closing(connect(making)) as connection:
            migrate(connection)
            yield connection
        sync_path(making)
        making.replace(folder / DATABASE_NAME)
    except BaseException:
        remove_database(making)
        raise
    sync_path(folder)


async def _fetch_everything(connection: Any, folder: Path, enrolment: Enrolment) -> None:  # noqa: ANN401  pysqlite3
    """Every life into the journal, the first one first; nothing is applied yet."""
    client = HubClient(enrolment.url)
    try:
        session, heads = await open_session(client, folder, enrolment.store)
        held = [_Held(_head_of(head), await _ordinal_of(client, session, head.epoch)) for head in heads if head.seq > 0]
        if not held:
            raise NothingHeld(enrolment.url)
        for life in sorted(held, key=lambda each: each.ordinal):
            await _fetch_life(connection, client, session, life.head)
    finally:
        await client.close()


async def open_session(client: HubClient, folder: Path, store: UUID) -> tuple[str, tuple[EpochHead, ...]]:
    """A session of this command alone. Whoever had the floor before loses it."""
    key = load_key(folder)
    assert key is not None, "joining made one"
    run, fence = os.urandom(16).hex(), 0
    for count in (1, 2):
        message = SessionOpen(
            store=store,
            run=run,
            count=count,
            fence=fence,
            protocol_min=PROTOCOL,
            protocol_max=PROTOCOL,
            version=__version__,
            heads=(),
            sent_at=now_ms(),
            signature="",
        )
        try:
            answer = await client.open_session(replace(message, signature=sign(key, session_signed_bytes(message))))
        except HubRefused as refused:
            if refused.refusal != _FENCED or count == 2:
                raise
            fence = refused.fence
        else:
            return answer.session, answer.heads
    raise AssertionError("the second try answers or raises")


async def _ordinal_of(client: HubClient, session: str, epoch: str) -> int:
    """Which life of the store an epoch is, as its first entry says."""
    page = await client.read_entries(session, epoch, 0, limit=1)
    if not page.items:
        raise HistoryWrong(f"Head office names epoch {epoch} and has no entry of it.")
    try:
        content = decode_content(page.items[0].content.encode())
        return msgspec.json.decode(content.body, type=EpochStarted).ordinal
    except msgspec.DecodeError as error:
        raise HistoryWrong(f"The first entry of epoch {epoch} begins no life.") from error


async def _fetch_life(connection: Any, client: HubClient, session: str, last: Head) -> None:  # noqa: ANN401  pysqlite3
    head, after = Head(last.epoch, 0, ZERO_HASH), 0
    while head.seq < last.seq:
        page = await client.read_entries(session, epoch_text(last.epoch), after)
        if not page.items:
            break
        connection.execute("BEGIN IMMEDIATE")
        head = _append_page(connection, head, page.items)
        connection.execute("COMMIT")
        after = head.seq
    if head.seq < last.seq:
        raise HistoryWrong(f"Head office named entry {last.seq} of epoch {epoch_text(last.epoch)} and sent {head.seq}.")


def _append_page(tx: Tx, head: Head, items: tuple[HeldOp, ...]) -> Head:
    for item, op in zip(items, read_ops(items), strict=True):
        head = append_op(tx, head, op)
        if (head.seq, head.hash.hex()) != (item.seq, item.hash):
            raise HistoryWrong(f"Entry {item.seq} of epoch {epoch_text(head.epoch)} does not follow the one before it.")
    return head


def _make(connection: Any, config: Config, manager: tuple[str, str, str]) -> Recovered:  # noqa: ANN401  pysqlite3
    """The tables, the new life and the manager, in one transaction."""
    folder, own = config.data_dir(), config.store
    connection.execute("BEGIN IMMEDIATE")
    set_aside, unexplained, entries = _apply_everything(connection)
    connection.execute("COMMIT")
    heads = read_heads(connection)
    marks.reserve_ordinal(connection, folder)  # that of a life which nobody heard of
    ordinal = marks.reserve_ordinal(connection, folder)
    connection.execute("BEGIN IMMEDIATE")
    begun = write_first_entry(connection, own.code, own.currency, own.time_zone, reason="recovered", ordinal=ordinal)
    for n, head in enumerate(heads):
        _tell_recovered(connection, begun, n, head, set_aside.get(head.epoch, []))
        note_pushed(connection, head.epoch, head.seq)
    note_line(connection, online=False, now_ms=begun.now_ms)
    settle_copy(connection, begun.journal, begun.now_ms, unexplained, frozenset())
    prepare_keys(connection, folder, own.code, begun.journal.epoch, begun.now_ms, config.coupons.key_days)
    operator, name, pin_hash = manager
    hired = OperatorChanged(operator=operator, role="manager", active=True)
    begun.journal.record(connection, Origin(now_ms=begun.now_ms), uuid7(begun.now_ms, os.urandom(10)), hired)
    write_secret(connection, operator, name, pin_hash)
    code = create_pairing_code(connection, "till", begun.now_ms, os.urandom(PAIRING_RANDOM_BYTES)).code
    connection.execute("COMMIT")
    return Recovered(
        data_dir=folder,
        entries=entries,
        lives=len(heads),
        set_aside=sum(each.code == "conflict" for part in set_aside.values() for each in part),
        pairing_code=code,
    )


def _apply_everything(tx: Tx) -> tuple[dict[int, list[SetAside]], frozenset[UUID], int]:
    """Replay the journal as it came: what was set aside, by life; members whose personal data is gone and whom no entry
    erases; and how many entries there are."""
    set_aside: dict[int, list[SetAside]] = {}
    missing, erased, seen = set[UUID](), set[UUID](), set[bytes]()
    repeated = {row[0] for row in tx.execute("SELECT op_id FROM journal GROUP BY op_id HAVING count(*) > 1")}
    entries = 0
    for epoch, seq, raw, entry_hash in tx.execute("SELECT epoch, seq, content, hash FROM journal ORDER BY rowid"):
        entries += 1
        content = decode_content(raw)
        private = _private_of(tx, epoch, seq)
        entry = entry_of(epoch, seq, entry_hash, content, private)
        if private is None and getattr(entry.body, "private", None) is not None:
            missing.add(entry.body.member)  # type: ignore[attr-defined]  # every body with `private` has `member`
        if isinstance(entry.body, MemberErased):
            erased.add(entry.body.member)
        code = _apply_once(tx, entry, repeated, seen)
        if code is not None:
            set_aside.setdefault(epoch, []).append(SetAside(seq=seq, code=code))
    return set_aside, frozenset(missing - erased), entries


def _apply_once(tx: Tx, entry: Entry, repeated: set[bytes], seen: set[bytes]) -> str | None:
    """Why the entry has no effect, if so. What the lost disk says of its own lives is not true of this one."""
    op_id = entry.op_id.bytes
    if op_id in seen or entry.kind in MENDINGS:
        return "repeated"
    if op_id in repeated:
        seen.add(op_id)
    return apply_or_set_aside(tx, entry)


def _private_of(tx: Tx, epoch: int, seq: int) -> Private | None:
    row = tx.execute(
        "SELECT member, salt, bytes FROM journal_private WHERE epoch = ? AND seq = ?", (epoch, seq)
    ).fetchone()
    return Private(UUID(bytes=row[0]), row[1], row[2]) if row else None


def _tell_recovered(tx: Tx, begun: Begun, n: int, head: Head, set_aside: list[SetAside]) -> None:
    body = EntriesRecovered(
        epoch=epoch_text(head.epoch), from_seq=1, seq=head.seq, hash=head.hash.hex(), set_aside=tuple(set_aside)
    )
    op_id = uuid7(begun.now_ms, n.to_bytes(2) + os.urandom(8))
    begun.journal.record(tx, Origin(now_ms=begun.now_ms), op_id, body)


def _head_of(head: EpochHead) -> Head:
    return Head(int(head.epoch, 16), head.seq, bytes.fromhex(head.hash))


def _check(value: object, kind: Any, problem: type[InvalidInput]) -> None:  # noqa: ANN401  any type msgspec knows
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        raise problem from None
