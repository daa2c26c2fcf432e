"""edge: the store itself over HTTP: who it is, whether it is well, what happens in it."""

import shutil
import time

import msgspec
from msgspec import Struct

from kiosk import __version__
from kiosk.bundles.bundle_store import read_active
from kiosk.points.link import count_queued, read_line
from kiosk.shifts.business_day import utc_text
from kiosk.shop import Caller, Shop, day_of
from kiosk.web.door import ANY_DEVICE, STAFF, Door, Session
from kiosk.web.kiosk import AskedConsent
from kiosk.web.seen import show_head
from kiosk.web.table import RouteTable
from loyalty.transactions import Tx
from sync.chain import JournalMark, epoch_text
from sync.db import SQLITE_VERSION
from sync.http.calls import Call
from sync.http.events import Event, serve_events
from sync.http.routes import PUBLIC, Answer
from sync.journal import read_after, read_head

routes = RouteTable(tag="store")
HELP_CHANGED = "help.changed"
_EVENTS_AT_ONCE = 200
_SEQ_DIGITS = 18  # more do not fit into the 64 bits of a sequence number


class Link(Struct, frozen=True):
    """The line to head office, and how many entries have not arrived there. A store that is enrolled nowhere is its own
    authority (`alone`): nothing waits, it is online."""

    state: str
    since: str | None
    queued: int
    alone: bool


class ActiveBundle(Struct, frozen=True):
    """The bundle of head office that this store sells by: its number, the instant it counts from in all stores, and
    when it began here, which is later where it came late."""

    version: int
    active_from: str
    begun_at: str


class StoreAnswer(Struct, frozen=True, kw_only=True):
    """Who and where this store is."""

    code: str
    name: str
    currency: str
    currency_digits: int
    locale: str
    time_zone: str
    business_day: str
    link: Link
    version: str
    till: str
    role: str
    operator: str | None
    tender_kinds: list[str]
    cash_rounding_step_minor: int
    prices_include_tax: bool
    consents: list[AskedConsent]
    read_only: str | None
    journal: JournalMark
    bundle: ActiveBundle | None


class Check(Struct, frozen=True):
    """One thing that must be well."""

    name: str
    ok: bool
    detail: str


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether the store can sell, check by check."""

    ok: bool
    checks: list[Check]
    sqlite: str
    synchronous: int
    commits: int
    jobs: int


@routes.get("/v1/store", "The store and who is signed in", roles=ANY_DEVICE, response=StoreAnswer)
async def show(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/store."""
    session, terms = call.session, door.shop.terms
    business_day, link, journal, bundle = await door.read(call, _look)
    return StoreAnswer(
        code=terms.store,
        name=terms.store_name,
        currency=terms.currency,
        currency_digits=terms.currency_digits,
        locale=terms.locale,
        time_zone=terms.time_zone,
        business_day=business_day,
        link=link,
        version=__version__,
        till=session.till,
        role=session.role,
        operator=session.operator,
        tender_kinds=sorted(terms.tender_kinds),
        cash_rounding_step_minor=terms.cash_rounding_step_minor,
        prices_include_tax=terms.tax.mode == "included",
        consents=[AskedConsent(each.channel, each.purpose) for each in door.config.loyalty.consents],
        read_only=door.read_only,
        journal=journal,
        bundle=bundle,
    )


@routes.get("/livez", "The process answers", roles=PUBLIC, response=bytes, produces="text/plain")
async def alive(_door: Door, _call: Call[Session, None, None]) -> object:
    """GET /livez."""
    return Answer(200, b"alive\n", {"Content-Type": "text/plain; charset=utf-8"})


@routes.get("/readyz", "The store can sell", roles=PUBLIC, response=Readiness, problems=(503,), lan_only=True)
async def ready(door: Door, _call: Call[Session, None, None]) -> object:
    """GET /readyz."""
    readiness = _readiness(door)
    return Answer(200 if readiness.ok else 503, readiness)


@routes.get(
    "/v1/events",
    "What happens, as server-sent events",
    roles=STAFF,
    response=bytes,
    produces="text/event-stream",
)
async def events(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/events: entries of this life as they are committed; `Last-Event-ID` goes on behind the last one seen.
    Between them `help.changed` says that the calls for help are others now."""
    epoch, told = door.shop.journal.epoch, 0

    async def read_next(cursor: str | None) -> list[Event]:
        nonlocal told
        found = await door.database.read(lambda tx: _events(tx, epoch, cursor))
        if found or cursor is None or told == door.help_calls.changes:
            return found
        # No entry: it carries the place where the listener stands, so that a line that breaks goes on right there.
        told = door.help_calls.changes
        return [Event(cursor, HELP_CHANGED, b"{}")]

    return await serve_events(call.request, read_next, door.bell.wait)


def _look(tx: Tx, shop: Shop, caller: Caller) -> tuple[str, Link, JournalMark, ActiveBundle | None]:
    """Business day, line, newest entry and bundle, all of one moment."""
    line, day, journal = read_line(tx), day_of(tx, caller, shop.terms), show_head(tx, shop, caller)
    found = read_active(tx)
    bundle = ActiveBundle(found.version, utc_text(found.active_at), utc_text(found.at)) if found else None
    if line is None:
        return day, Link("online", None, 0, alone=True), journal, bundle
    state = "online" if line.online else "offline"
    return day, Link(state, utc_text(line.since), count_queued(tx), alone=False), journal, bundle


def _readiness(door: Door) -> Readiness:
    """Ask the parts that a sale needs. Anybody on the LAN may read this, so it names no member and no row."""
    database, folder = door.database, door.config.data_dir()
    free_mb = shutil.disk_usage(folder).free // 2**20
    needed = door.config.maintenance.minimum_free_mb
    silent = time.monotonic() - database.busy_since if database.busy_since else 0.0
    checks = [
        Check("writer", database.is_alive(), f"busy for {silent:.0f} s"),
        Check("disk", free_mb >= needed, f"{free_mb} MB free, {needed} needed"),
        Check(
            "writable", door.read_only is None, "read-only: counterfoil doctor says why" if door.read_only else "yes"
        ),
    ]
    return Readiness(
        ok=all(check.ok for check in checks),
        checks=checks,
        sqlite=SQLITE_VERSION,
        synchronous=database.synchronous,
        commits=database.commits,
        jobs=database.jobs,
    )


def _events(tx: Tx, epoch: int, cursor: str | None) -> list[Event]:
    """Entries after the cursor `epoch:seq`; without one, or with one of another life, from the present head on.

    The screen behind another life's cursor reloads what it shows: `epoch` is in every id.
    """
    here, _, seq = (cursor or "").partition(":")
    text = epoch_text(epoch)
    if here != text or not (seq.isascii() and seq.isdecimal() and len(seq) <= _SEQ_DIGITS):
        head = read_head(tx, epoch)
        return [Event(f"{text}:{head.seq}", "head", msgspec.json.encode({"epoch": text, "seq": head.seq}))]
    return [
        Event(f"{text}:{number}", kind, msgspec.json.encode({"seq": number, "kind": kind, "op_id": op_id}))
        for number, kind, op_id in read_after(tx, epoch, int(seq), _EVENTS_AT_ONCE)
    ]
