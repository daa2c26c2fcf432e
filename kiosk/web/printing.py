"""edge: print jobs over HTTP: what is queued, how it looks, once more."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from kiosk.business_day import utc_text
from kiosk.shop import Caller, Shop
from kiosk.web.door import STAFF, Door, Session
from kiosk.web.table import RouteTable
from loyalty.errors import NotFound
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from printers import spool
from printers.render import MEDIA_TYPES, Form, render
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery
from sync.http.routes import Answer

routes = RouteTable(tag="printing", roles=STAFF)


class UnknownPaper(NotFound):
    """There is no such paper."""

    code, hint = "unknown_paper", "Use .png, .txt or .bin after the id of a print job."


class PrintJobLine(Struct, frozen=True, kw_only=True):
    """A print job as the till shows it."""

    id: UUID
    printer: str
    kind: str
    reference: UUID | None
    state: str
    copy_number: int
    attempts: int
    created_at: str
    problem: str | None


class JobsQuery(PageQuery, frozen=True, kw_only=True):
    """Which jobs: of one state, of one sale; the newest first."""

    state: spool.PrintState | None = None
    reference: UUID | None = None


@routes.get("/v1/print-jobs", "Print jobs, newest first", query=JobsQuery, response=Page[PrintJobLine])
async def jobs(door: Door, call: Call[Session, None, JobsQuery]) -> object:
    """GET /v1/print-jobs."""
    asked = call.query
    found = await door.database.read(
        lambda tx: spool.list_jobs(tx, state=asked.state, reference=asked.reference, limit=asked.limit)
    )
    return Page(tuple(_line(job) for job in found), None)


@routes.get(
    "/v1/print-jobs/{paper}",
    "A paper as .png, .txt or .bin",
    response=bytes,
    produces="image/png",
    problems=(404,),
)
async def paper(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.png, .txt and .bin."""
    job_id, form = _name(call.text("paper"))
    job = await door.database.read(lambda tx: spool.get(tx, job_id))
    data = await door.helper.run(render, job.content, door.profile_of(job.printer), form, job.copy_number)
    return Answer(200, data, {"Content-Type": MEDIA_TYPES[form]})


@routes.post(
    "/v1/print-jobs/{id}/reprint",
    "Print once more, marked COPY",
    response=PrintJobLine,
    statuses=(201,),
    problems=(404, 409),
)
async def again(door: Door, call: Call[Session, None, None]) -> object:
    """POST /v1/print-jobs/{id}/reprint."""
    return await door.write(call, _reprint, call.id(), door.random_bytes(8))


def _reprint(tx: Tx, _: Shop, caller: Caller, job: UUID, random: bytes) -> PrintJobLine:
    return _line(spool.reprint(tx, job, derived_uuid(job, f"copy {random.hex()}"), caller.now_ms))


def _name(text: str) -> tuple[UUID, Form]:
    stem, _, suffix = text.rpartition(".")
    forms: dict[str, Literal["bin", "png", "txt"]] = {"png": "png", "txt": "txt", "bin": "bin"}
    try:
        return UUID(stem), forms[suffix]
    except (ValueError, KeyError):
        raise UnknownPaper(text[:60]) from None


def _line(job: spool.PrintJob) -> PrintJobLine:
    return PrintJobLine(
        id=job.id,
        printer=job.printer,
        kind=job.kind,
        reference=job.reference,
        state=job.state,
        copy_number=job.copy_number,
        attempts=job.attempts,
        created_at=utc_text(job.created_at),
        problem=job.problem,
    )
