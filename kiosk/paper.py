"""sql: queues papers in the transaction of what they document."""

from uuid import UUID

from kiosk.shop import Caller, Shop
from kiosk.terms import Terms
from loyalty.transactions import Tx
from printers.contents import Content, encode_content
from printers.spool import submit


def printer_of(terms: Terms, role: str) -> str:
    """The name of the printer beside whoever asks."""
    return terms.kiosk_printer if role == "kiosk" and terms.kiosk_printer else terms.receipt_printer


def queue_paper(
    tx: Tx,
    shop: Shop,
    caller: Caller,
    job: UUID,
    kind: str,
    reference: UUID,
    member: UUID | None,
    content: Content,
) -> None:
    """Queue a paper at the printer of whoever asks for it. `reference` is the fact it documents, `member` whose data it
    may hold, so that erasing finds it."""
    submit(
        tx,
        job_id=job,
        printer=printer_of(shop.terms, caller.role),
        kind=kind,
        content=encode_content(content),
        now_ms=caller.now_ms,
        reference=reference,
        member=member,
    )
