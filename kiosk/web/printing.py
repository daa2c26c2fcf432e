"""edge: print jobs over HTTP: what is queued, how it looks, once more."""

from uuid import UUID

from msgspec import Struct

from kiosk.business_day import utc_text
from kiosk.shop import Caller, Shop
from kiosk.web.door import STAFF, Door, Session
from kiosk.web.table import RouteTable
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from printers import spool
from printers.render import MEDIA_TYPES, Form, render
from sync.http.calls import Call
from sync.http.paging import InvalidCursor, Page, PageQuery

routes = RouteTable(tag="printing", roles=STAFF)


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
    if asked.after is not None:
        raise InvalidCursor(pointer="/after")  # the newest fit on one page, whose `next` is null
    found = await door.database.read(
        lambda tx: spool.list_jobs(tx, state=asked.state, reference=asked.reference, limit=asked.limit)
    )
    return Page(tuple(_line(job) for job in found), None)


@routes.get("/v1/print-jobs/{id}.png", "A paper as a picture", response=bytes, produces=MEDIA_TYPES["png"])
async def picture(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.png."""
    return await _paper(door, call.id(), "png")


@routes.get("/v1/print-jobs/{id}.txt", "A paper as text", response=bytes, produces="text/plain")
async def text(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.txt."""
    return await _paper(door, call.id(), "txt")


@routes.get("/v1/print-jobs/{id}.bin", "A paper as its printer gets it", response=bytes, produces=MEDIA_TYPES["bin"])
async def commands(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.bin."""
    return await _paper(door, call.id(), "bin")


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


async def _paper(door: Door, job_id: UUID, form: Form) -> bytes:
    job = await door.database.read(lambda tx: spool.get(tx, job_id))
    return await door.helper.run(render, job.content, door.profile_of(job.printer), form, job.copy_number)


def _reprint(tx: Tx, _: Shop, caller: Caller, job: UUID, random: bytes) -> PrintJobLine:
    return _line(spool.reprint(tx, job, derived_uuid(job, f"copy {random.hex()}"), caller.now_ms))


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
