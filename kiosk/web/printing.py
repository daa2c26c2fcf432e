"""edge: print jobs over HTTP: what is queued, how it looks, once more."""

from uuid import UUID

from msgspec import Struct

from kiosk.shifts.business_day import utc_text
from kiosk.shifts.shift_service import refuse_foreign_paper
from kiosk.shop import Caller, Shop
from kiosk.web.door import STAFF, Door, Session
from kiosk.web.table import RouteTable
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from printers import spool
from printers.render import MEDIA_TYPES, Form, render
from sync.http.calls import Call
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of

routes = RouteTable(tag="printing", roles=STAFF)
_PURPOSE = "print jobs"


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
    before = decode_cursor(asked.after, _PURPOSE, tuple[int, UUID]) if asked.after else None
    found = await door.database.read(
        lambda tx: spool.list_jobs(
            tx, state=asked.state, reference=asked.reference, before=before, limit=asked.limit + 1
        )
    )
    page = page_of(found, asked.limit, lambda job: encode_cursor((job.created_at, job.id), _PURPOSE))
    return Page(tuple(_line(job) for job in page.items), page.next)


@routes.get("/v1/print-jobs/{id}.png", "A paper as a picture", response=bytes, produces=MEDIA_TYPES["png"])
async def picture(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.png."""
    return await _paper(door, call, "png")


@routes.get("/v1/print-jobs/{id}.txt", "A paper as text", response=bytes, produces="text/plain")
async def text(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.txt."""
    return await _paper(door, call, "txt")


@routes.get("/v1/print-jobs/{id}.bin", "A paper as its printer gets it", response=bytes, produces=MEDIA_TYPES["bin"])
async def commands(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/print-jobs/{id}.bin."""
    return await _paper(door, call, "bin")


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


async def _paper(door: Door, call: Call[Session, None, None], form: Form) -> bytes:
    job = await door.read(call, _find, call.id())
    return await door.helper.run(render, job.content, door.profile_of(job.printer), form, job.copy_number)


def _find(tx: Tx, _: Shop, caller: Caller, job: UUID) -> spool.PrintJob:
    """The job, if the caller may see it: a cashier who has to count a drawer may not look into its X on paper.

    Raises UnknownPrintJob, NotYourTill, ManagersPaper.
    """
    found = spool.get(tx, job)
    refuse_foreign_paper(tx, caller, found.kind, found.reference)
    return found


def _reprint(tx: Tx, shop: Shop, caller: Caller, job: UUID, random: bytes) -> PrintJobLine:
    _find(tx, shop, caller, job)
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
