"""edge: the store as the agent sees it (sync/agent/store_side.py), and the line itself where there is a head office.

agent = make_agent(door, on_new_life)      # None for a store that is its own authority
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kiosk import __version__
from kiosk.bundles.feed_bundles import note_told, versions_in
from kiosk.bundles.restating import has_to_restate, note_mended, note_zones, restate_some
from kiosk.life import healing, link_notes
from kiosk.life.bootstrap import Bootstrap, Installed
from kiosk.life.day_side import DaySide
from kiosk.life.enrolment import Enrolment, HubFileDamaged, read_enrolment
from kiosk.life.feed_bases import attach_installed, forget_damaged, overwrite_gone
from kiosk.life.feed_rows import find_wrong, keep_page, read_doubted, read_position
from kiosk.life.laying import lay_over, list_touched
from kiosk.life.restored import erase_again
from kiosk.life.setting_aside import apply_or_set_aside
from kiosk.life.told import list_bases, read_members
from kiosk.points.lease_report import read_report
from kiosk.points.link import note_line, note_pushed, note_read
from kiosk.points.told_accounts import are_waiting, keep_accounts_of
from kiosk.points.waiting_accounts import make_some
from kiosk.sales.told_returns import doubt_whole, follow_returns, note_whole
from kiosk.web.door import Door
from loyalty.transactions import Tx
from sync import marks
from sync.agent.agent import Agent
from sync.agent.client import HubClient
from sync.agent.day_prover import DayProver
from sync.agent.key import StoreKeyDamaged, load_key
from sync.agent.lease_reporter import LeaseReporter
from sync.agent.puller import Puller
from sync.agent.status_teller import StatusTeller
from sync.chain import Head, epoch_text
from sync.db import SqliteError, connect
from sync.journal import Origin, read_life
from sync.journal_mending import LoggedOp, take_back
from sync.protocol.messages import PrinterState, StoreStatus
from sync.protocol.pull_store import ApplyPage

logger = logging.getLogger(__name__)
_ERASED = "erased by head office"


class ShopSide:
    """What the agent does to this store."""

    def __init__(self, door: Door, on_new_life: Callable[[], None]) -> None:
        self.database = door.database
        self._door = door
        self._on_new_life = on_new_life

    def now_ms(self) -> int:
        """The store's clock."""
        return self._door.now_ms()

    def read_cursors(self, tx: Tx) -> Sequence[Head]:
        """What head office had acknowledged when the store last ran."""
        return link_notes.read_cursors(tx)

    def save_cursor(self, tx: Tx, head: Head) -> None:
        """Keep what head office acknowledged."""
        note_pushed(tx, head.epoch, head.seq)

    def note_line(self, tx: Tx, *, online: bool) -> None:
        """The line came up or went down."""
        note_line(tx, online=online, now_ms=self.now_ms())

    def note(self, tx: Tx, name: str, value: str | None) -> None:
        """Something a person should find later."""
        link_notes.note(tx, name, value)

    def take_back(self, tx: Tx, last: Head, ops: Sequence[LoggedOp]) -> None:
        """Append and apply entries that this disk had lost."""
        self._door.need_writable()
        origin, op_id = Origin(now_ms=self.now_ms()), self._door.new_id()
        set_aside = take_back(tx, self._door.shop.journal, apply_or_set_aside, origin, op_id, last, ops)
        fields = {"epoch": epoch_text(last.epoch), "seq": last.seq, "entries": len(ops), "set_aside": set_aside}
        keep_accounts_of(tx, last.epoch, last.seq - len(ops))
        note_mended(tx, ops)
        doubt_whole(tx)
        logger.warning("entries came back from head office", extra={"fields": fields})

    def note_whole(self, tx: Tx) -> None:
        """Nothing is missing here any more: what follows from it may be decided."""
        self._door.need_writable()
        note_whole(tx, self._door.shop, self.now_ms())

    def note_lost_life(self, tx: Tx, ordinal: int) -> bool:
        """Head office holds a life that this disk has lost. The next one of this store gets a number behind it."""
        marks.note_ordinal(self._door.config.data_dir(), ordinal)
        life = read_life(tx)
        return life is not None and ordinal >= life[1]

    def begin_new_life(self, common: Head) -> None:
        """Stop booking and begin a new life, which the next start of this service carries out."""
        folder = self._door.config.data_dir()
        plan = healing.Plan(epoch=epoch_text(common.epoch), seq=common.seq, hash=common.hash.hex())
        renew(self._door, folder, plan, self._on_new_life)


def renew(door: Door, folder: Path, plan: healing.Plan, on_new_life: Callable[[], None]) -> None:
    """Note the plan, book nothing more, and ask whoever runs this service to start it anew."""
    healing.write_plan(folder, plan)
    door.follow_finding(healing.NOTICE)
    on_new_life()


class FeedReader:
    """What head office tells, written into this store."""

    def __init__(self, door: Door, bootstrap: Bootstrap | None = None) -> None:
        """Without `bootstrap` everything is read page by page."""
        self._door = door
        self._bootstrap = bootstrap

    async def position(self) -> tuple[str | None, dict[str, int], tuple[str, ...]]:
        """Where the last page ended, and which buckets are in doubt since."""
        return await self._door.database.read(lambda tx: (*read_position(tx), read_doubted(tx)))

    async def bootstrap(self, client: HubClient, session: str, timeline: int) -> Installed | None:
        """Install what head office offers in files, where it has very much to tell."""
        installed = await self._bootstrap.run(client, session, timeline) if self._bootstrap is not None else None
        if installed is not None:
            await make_waiting(self._door)
            await self._door.instant.look(self._door.now_ms())
        return installed

    async def keep_page(self, page: ApplyPage) -> tuple[str, ...]:
        """Write a page; whoever it says was erased is erased here in the same transaction."""
        self._door.need_writable()
        wrong, erased = await self._door.database.write(lambda tx: self._keep(tx, page))
        if erased:
            await self._door.database.erase_traces()
            await overwrite_gone(self._door.database)
        if page.dropped or versions_in(page.puts):
            await self._door.instant.look(self._door.now_ms())
        await make_waiting(self._door)
        return wrong

    async def note_read(self, applied: dict[str, int]) -> None:
        """Everything was read: what head office has counted is acknowledged, and accounts are as of now. Not before
        all of them were made anew of what was read. What a zone said that the store has left, or come into, is looked
        at anew."""
        door = self._door
        await make_waiting(door)
        while await door.database.read(has_to_restate):
            door.need_writable()
            await door.instant.look(door.now_ms())
            await door.database.write(lambda tx: restate_some(tx, door.shop, door.now_ms(), door.new_id))
        epoch, counted = door.shop.journal.epoch, {int(life, 16): seq for life, seq in applied.items()}
        now_ms, uptime = door.now_ms(), door.uptime()

        def write(tx: Tx) -> None:
            if not are_waiting(tx):
                note_read(tx, epoch, now_ms, uptime, counted)

        await door.database.write(write)

    async def audit(self) -> tuple[str, ...]:
        """Add everything up anew, in the helper process."""
        wrong, damaged = await self._door.helper.run(audit, self._door.database.path)
        if damaged:
            await forget_damaged(self._door.database, damaged)
        return (*wrong, *damaged)

    def _keep(self, tx: Tx, page: ApplyPage) -> tuple[tuple[str, ...], bool]:
        touched = list_touched(tx, page)
        note_zones(tx, page.dropped, page.generations)
        wrong = keep_page(tx, page)
        members = read_members(put.key for put in page.puts if put.entity == "erased" and put.value is not None)
        journal, now_ms = self._door.shop.journal, self._door.now_ms()
        lay_over(tx, touched, journal, now_ms)
        follow_returns(tx, self._door.shop, now_ms, touched)
        note_told(tx, now_ms, versions_in(page.puts))
        erased = [erase_again(tx, journal, now_ms, member, _ERASED) for member in members]
        # One whom this store was only told of leaves traces in the file, too.
        is_forgotten = any(put.entity == "member" and put.value is None for put in page.puts)
        return wrong, is_forgotten or any(erased)


async def make_waiting(door: Door) -> None:
    """Make anew the accounts that wait for it, some at a time: whoever sells comes in between."""
    while await door.database.read(are_waiting):
        door.need_writable()
        await door.database.write(make_some)


def audit(database: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The buckets that do not add up, or those whose snapshots cannot be read. Top-level, so that the helper process
    can run it."""
    with contextlib.closing(connect(database, read_only=True)) as connection:
        attach_installed(connection, database)
        try:
            return find_wrong(connection), ()
        except SqliteError:
            # A page of one of them, nobody can tell which.
            return (), tuple(base.bucket for base in list_bases(connection))


class HeadOffice:
    """The store's side of the line: a task that sends, one that reads, one that proves each day; one client."""

    def __init__(
        self, door: Door, enrolment: Enrolment, key: Ed25519PrivateKey, on_new_life: Callable[[], None]
    ) -> None:
        self._client = HubClient(enrolment.url)
        self.puller = Puller(FeedReader(door, Bootstrap(door, enrolment)), self._client, self._end_session)
        self.agent = Agent(
            ShopSide(door, on_new_life),
            self._client,
            key,
            store=enrolment.store,
            version=__version__,
            on_session=self._begin_session,
        )
        self._leases = LeaseReporter(lambda: door.database.write(read_report), self._client)
        self.status = StatusTeller(self._look_at_devices, self._client, lambda: self.agent.session)
        self._door = door
        self.days = DayProver(DaySide(door), self._client, lambda: self.agent.session, store=enrolment.store)

    def start(self) -> None:
        """Begin."""
        self.puller.start()
        self.agent.start()
        self.days.start()
        self.status.start()

    def wake(self) -> None:
        """Something was committed."""
        self.agent.wake()

    async def stop(self) -> None:
        """End; nothing is lost by it."""
        await self.status.stop()
        await self._leases.stop()
        await self.days.stop()
        await self.puller.stop()
        await self.agent.stop()
        await self._client.close()

    def collectors(self) -> Iterable[Collector]:
        """What /metrics shows of the line."""
        return [_LineCollector(self.agent)]

    async def _look_at_devices(self) -> StoreStatus:
        """Ask each printer, and count what waits."""
        printers = []
        for name, worker in self._door.printers.items():
            problem = await worker.check()
            printers.append(PrinterState(name=name, state=problem.code if problem is not None else "ready"))
        return StoreStatus(printers=tuple(printers), queued=self.agent.queued)

    def _begin_session(self, session: str) -> None:
        self.puller.begin_session(session)
        self._leases.begin_session(session)

    def _end_session(self, session: str, fence: int) -> None:
        self.agent.end_session(session, fence)


class _LineCollector(Collector):
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def collect(self) -> Iterable[Metric]:
        """Up or down, and what waits."""
        yield GaugeMetricFamily("counterfoil_link_online", "1 while head office answers.", int(self._agent.is_online))
        yield GaugeMetricFamily(
            "counterfoil_link_queued", "Entries head office has not acknowledged.", self._agent.queued
        )


def make_head_office(door: Door, on_new_life: Callable[[], None]) -> HeadOffice | None:
    """The line of a store that has joined a head office; None for one that is its own authority. A key or a file that
    is damaged does not keep the shop from selling: it is offline until somebody mends it, and the doctor says how."""
    folder = door.config.data_dir()
    try:
        enrolment, key = read_enrolment(folder), load_key(folder)
    except (HubFileDamaged, StoreKeyDamaged):
        logger.exception("the store cannot speak to head office")
        return None
    return HeadOffice(door, enrolment, key, on_new_life) if enrolment is not None and key is not None else None
