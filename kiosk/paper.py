"""sql: queues papers in the transaction of what they document."""

from uuid import UUID

from kiosk.shop import Caller, Shop
from loyalty.transactions import Tx
from printers.contents import Content, encode_content
from printers.spool import submit


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
    """Queue a receipt. `reference` is the fact it documents, `member` whose data it may hold, so that erasing finds
    it."""
    submit(
        tx,
        job_id=job,
        printer=shop.terms.receipt_printer,
        kind=kind,
        content=encode_content(content),
        now_ms=caller.now_ms,
        reference=reference,
        member=member,
    )
