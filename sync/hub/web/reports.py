"""edge: reports, and what leaves head office for the books. JSON, or the same columns as CSV (`Accept: text/csv`), or
the first picture (`Accept: image/svg+xml`)."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from loyalty.transactions import Tx
from sync.http.calls import Call
from sync.http.routes import Answer
from sync.http.table import RouteTable
from sync.hub import stores
from sync.hub.door import OFFICE, Door, OfficeSession
from sync.hub.reports.accounting import COLUMNS, rows_of
from sync.hub.reports.book_rows import read_day_entries, read_days
from sync.hub.reports.catalogue import BUILDERS, UnknownReport, build_report
from sync.hub.reports.charts import Picture, charts_of
from sync.hub.reports.days import check_days, time_text
from sync.hub.reports.exposure import StoreRow, is_silent, risk_of
from sync.hub.reports.member_rows import read_stores
from sync.hub.reports.poslog import write_poslog
from sync.hub.reports.report import Asked, Cell, Note, Report, as_csv, as_items, write_csv

routes = RouteTable(tag="reports", roles=OFFICE)

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", max_length=10)]
_MINUTE_MS = 60_000
_CSV, _SVG, _XML = "text/csv; charset=utf-8", "image/svg+xml", "application/xml; charset=utf-8"


class ReportQuery(Struct, frozen=True, kw_only=True):
    """Business days from `from` to `to`, both included (the last 28 if none are named); of one store or all.
    `charts`: pictures too."""

    since: Day | None = msgspec.field(default=None, name="from")
    until: Day | None = msgspec.field(default=None, name="to")
    store: UUID | None = None
    charts: bool = False


class DayQuery(Struct, frozen=True, kw_only=True):
    """One business day of one store."""

    store: UUID
    day: Day


class MissingStore(Struct, frozen=True):
    """A store whose newest figures are not in here: it has been silent since `last_contact`."""

    store: str
    last_contact: str | None


class ReportAnswer(Struct, frozen=True, kw_only=True):
    """A report. `items` have the names of `columns`; `data_until` is when the last of the talking stores was heard."""

    report: str
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    store: UUID | None
    as_of: str
    data_until: str | None
    missing: list[MissingStore]
    columns: tuple[str, ...]
    figures: dict[str, Cell]
    items: list[dict[str, Cell]]
    notes: tuple[Note, ...]
    charts: tuple[Picture, ...] = ()


class ReportList(Struct, frozen=True):
    """The names of all reports, in the order a screen lists them."""

    items: list[str]
    next: str | None = None


@routes.get("/v1/reports", "All reports", response=ReportList)
async def list_reports(_door: Door, _call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/reports."""
    return ReportList(list(BUILDERS))


@routes.get("/v1/reports/{name}", "One report: JSON, CSV or a picture", query=ReportQuery, response=ReportAnswer)
async def show_report(door: Door, call: Call[OfficeSession, None, ReportQuery]) -> object:
    """GET /v1/reports/{name}."""
    name, query = call.text("name"), call.query
    if name not in BUILDERS:
        raise UnknownReport
    asked = _asked(door, query.since, query.until, query.store)

    def read(tx: Tx) -> tuple[Report, list[StoreRow]]:
        if query.store is not None:
            stores.need_store(tx, query.store)
        return build_report(tx, name, asked, risk_of(door.settings)), read_stores(tx)

    report, known = await door.read(read)
    wanted = call.request.headers.get("Accept", "")
    if "text/csv" in wanted:
        return _file(as_csv(report), _CSV, f"{name}-{report.since}-{report.until}.csv")
    pictures = charts_of(report) if query.charts or _SVG in wanted else ()
    if _SVG in wanted and pictures:
        return Answer(200, pictures[0].svg.encode(), {"Content-Type": _SVG})
    return _answer(door, query, report, known, pictures)


@routes.get(
    "/v1/exports/journal-entries",
    "The days of the stores as journal entries for the books (CSV)",
    query=ReportQuery,
    response=bytes,
    produces=_CSV,
    problems=(409,),
)
async def export_books(door: Door, call: Call[OfficeSession, None, ReportQuery]) -> object:
    """GET /v1/exports/journal-entries."""
    asked = _asked(door, call.query.since, call.query.until, call.query.store)
    accounts = door.settings.accounts.by_name()
    days = await door.read(lambda tx: read_days(tx, asked))
    return _file(write_csv(COLUMNS, rows_of(days, accounts)), _CSV, f"journal-{asked.since}-{asked.until}.csv")


@routes.get(
    "/v1/exports/poslog",
    "The documents of a store's day as POSLog XML",
    query=DayQuery,
    response=bytes,
    produces=_XML,
)
async def export_poslog(door: Door, call: Call[OfficeSession, None, DayQuery]) -> object:
    """GET /v1/exports/poslog."""
    query = call.query
    day, _ = check_days(query.day, query.day, door.now_ms())

    def read(tx: Tx) -> tuple[str, bytes]:
        code = stores.need_store(tx, query.store).code
        return code, write_poslog(code, read_day_entries(tx, query.store.bytes, day))

    code, content = await door.read(read)
    return _file(content, _XML, f"poslog-{code}-{day}.xml")


def _answer(
    door: Door, query: ReportQuery, report: Report, known: list[StoreRow], pictures: tuple[Picture, ...]
) -> ReportAnswer:
    now_ms, after_ms = door.now_ms(), door.settings.silent_after_minutes * _MINUTE_MS
    asked = [row for row in known if query.store in (None, UUID(bytes=row.store))]
    silent = [row for row in asked if is_silent(row, now_ms, after_ms)]
    heard = [row.last_contact for row in asked if row.last_contact is not None and row not in silent]
    return ReportAnswer(
        report=report.name,
        since=report.since,
        until=report.until,
        store=query.store,
        as_of=time_text(now_ms) or "",
        data_until=time_text(min(heard, default=None)),
        missing=[MissingStore(row.code, time_text(row.last_contact)) for row in silent],
        columns=report.columns,
        figures=dict(report.figures),
        items=as_items(report),
        notes=report.notes,
        charts=pictures,
    )


def _asked(door: Door, since: str | None, until: str | None, store: UUID | None) -> Asked:
    now_ms = door.now_ms()
    first, last = check_days(since, until, now_ms)
    return Asked(since=first, until=last, now_ms=now_ms, store=store.bytes if store is not None else None)


def _file(content: bytes, kind: str, name: str) -> Answer:
    return Answer(200, content, {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'})
