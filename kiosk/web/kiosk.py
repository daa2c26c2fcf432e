"""edge: what only a kiosk asks: what it may show, whether its printer prints, and codes as pictures."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from kiosk.members.member_views import show_consents
from kiosk.members.members import ConsentAnswer
from kiosk.paper import printer_of
from kiosk.web.door import KIOSK, SHOPPERS, Door, Session
from kiosk.web.proofs import need_proof
from kiosk.web.seen import show_head
from kiosk.web.table import RouteTable
from printers.errors import PrinterProblem, PrinterUnreachable
from printers.symbols import trace_qr
from sync.chain import JournalMark
from sync.http.calls import Call
from sync.http.paging import Page

routes = RouteTable(tag="kiosk", roles=SHOPPERS)
CodeText = Annotated[str, Meta(min_length=1, max_length=600)]


class AskedConsent(Struct, frozen=True):
    """One thing that members are asked."""

    channel: str
    purpose: str


class PrinterAnswer(Struct, frozen=True):
    """Whether a paper would come out now; `problem` is the code of what keeps it from that."""

    ready: bool
    problem: str | None
    hint: str | None


class KioskAnswer(Struct, frozen=True, kw_only=True):
    """What a kiosk screen goes by. While `read_only` nothing can be booked; `withheld_offers` only staff give."""

    store: str
    till: str
    locale: str
    time_zone: str
    idle_seconds: int
    countdown_seconds: int
    consents: tuple[AskedConsent, ...]
    withheld_offers: tuple[str, ...]
    printer: PrinterAnswer
    read_only: bool
    journal: JournalMark


class DrawCode(Struct, frozen=True, forbid_unknown_fields=True):
    """POST /v1/qr-codes."""

    text: CodeText


class DrawnCode(Struct, frozen=True):
    """A QR code as an SVG path in a square of `size` modules, its quiet zone included."""

    size: int
    path: str


@routes.get("/v1/kiosk", "What a kiosk may show, and whether its printer prints", roles={KIOSK}, response=KioskAnswer)
async def show(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/kiosk."""
    own, problem = door.config.kiosk, await check_printer(door)
    return KioskAnswer(
        store=door.shop.terms.store_name,
        till=call.session.till,
        locale=door.shop.terms.locale,
        time_zone=door.shop.terms.time_zone,
        idle_seconds=own.idle_seconds,
        countdown_seconds=own.countdown_seconds,
        consents=tuple(AskedConsent(each.channel, each.purpose) for each in door.config.loyalty.consents),
        withheld_offers=own.withheld_offers,
        printer=PrinterAnswer(problem is None, problem.code if problem else None, problem.hint if problem else None),
        read_only=door.read_only is not None,
        journal=await door.read(call, show_head),
    )


@routes.get("/v1/members/{id}/consents", "What a member consents to", response=Page[ConsentAnswer])
async def consents(door: Door, call: Call[Session, None, None]) -> object:
    """GET /v1/members/{id}/consents. At a kiosk the member is proved first."""
    member: UUID = call.id()
    await need_proof(door, call, member)
    return await door.read(call, show_consents, member)


@routes.post("/v1/qr-codes", "A text as a QR code to show", body=DrawCode, response=DrawnCode)
async def draw(door: Door, call: Call[Session, DrawCode, None]) -> object:
    """POST /v1/qr-codes. A POST, because what is in a code does not belong into an address that is logged."""
    return DrawnCode(*await door.helper.run(trace_qr, call.body.text))


async def check_printer(door: Door) -> PrinterProblem | None:
    """What keeps the printer beside the kiosk from printing, None if nothing is known to."""
    worker = door.printers.get(printer_of(door.shop.terms, KIOSK))
    return await worker.check() if worker is not None else PrinterUnreachable()
