"""pure: from facts to the contents that printers defines. What is on the paper is decided here, how it looks is
printers' affair."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

from kiosk.offers.offer_words import discount_text, reason_texts
from kiosk.sales.tender import EXCHANGE, POINTS_DEBT
from kiosk.shifts.business_day import last_day, local_text
from kiosk.terms import Terms
from loyalty.offers.texts import say_lowest_price
from loyalty.points.account import Balance
from loyalty.tax import parse_rate
from printers.contents import (
    Discount,
    JournalMark,
    PointsBlock,
    ReceiptContent,
    ReceiptLine,
    ReceiptTotals,
    ReturnedLine,
    StoreHeader,
    TaxLine,
    Tender,
    TenderKind,
)
from sync.chain import Stamp
from sync.facts.returns import Refunded, ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SoldLine, TaxTotal, Tendered

_HASH_DIGITS = 8
_KINDS = {kind.value: kind for kind in TenderKind}


def store_header(terms: Terms) -> StoreHeader:
    """Head and foot of every paper of the shop."""
    return StoreHeader(
        name=terms.store_name,
        address_lines=terms.address_lines,
        tax_id=terms.tax_id or None,
        footer_lines=terms.footer_lines,
    )


def tax_marks(rates: Iterable[str]) -> Mapping[str, str]:
    """A letter for each rate, the highest first: 23 -> A, 8 -> B, 5.5 -> C, 5.25 -> D."""
    return _mark_rates(frozenset(rates))


@functools.lru_cache(maxsize=256)
def _mark_rates(rates: frozenset[str]) -> Mapping[str, str]:
    """Kept, since nearly every receipt of a shop has the same few rates."""
    ordered = sorted(rates, key=lambda rate: Fraction(*parse_rate(rate)), reverse=True)
    return {rate: chr(ord("A") + index) for index, rate in enumerate(ordered)}


def sale_receipt(terms: Terms, stamp: Stamp, sale: SaleCompleted) -> ReceiptContent:
    """The receipt of a sale, with what came back in it if it is an exchange."""
    marks = tax_marks([tax.rate for tax in sale.taxes] + [line.tax_rate for line in sale.lines])
    texts = reason_texts(sale.offers, sale.language, sale.currency)
    points = None
    if sale.member is not None and sale.balance is not None:
        points = _points(sale.balance, sale.points_earned, sale.points_redeemed, terms)
    return _paper(
        terms,
        stamp,
        "sale",
        sale,
        lines=tuple([_line(line, marks, texts, sale) for line in sale.lines]),
        returned=tuple([line for taken in sale.returned for line in _returned(taken, marks)]),
        totals=ReceiptTotals(
            gross_minor=sale.gross_minor,
            discount_minor=sale.discount_minor,
            net_minor=sale.net_minor,
            rounding_minor=sale.rounding_minor,
            due_minor=sale.due_minor,
            saved_minor=sum([use.discount_minor for use in sale.offers]),
        ),
        taxes=_taxes(sale.taxes, marks),
        prices_include_tax=sale.terms.mode == "included",
        tenders=_tenders(sale.tenders) + _refunds([refund for taken in sale.returned for refund in taken.refunds]),
        change_minor=sale.change_minor,
        points=points,
        qr_text=sale.number,
        # The shopper's. The reasons on it are told in this language; a paper in two would look like a mistake.
        locale=sale.language,
    )


def void_receipt(terms: Terms, stamp: Stamp, sale: SaleCompleted) -> ReceiptContent:
    """The paper that says a sale was undone: everything of it, negative."""
    marks = tax_marks(tax.rate for tax in sale.taxes)
    return _paper(
        terms,
        stamp,
        "void",
        sale,
        original_number=sale.number,
        returned=tuple(
            ReturnedLine(
                name=line.name,
                quantity_milli=line.quantity_milli,
                unit=line.unit,
                amount_minor=-line.net_minor,
                tax_mark=marks.get(line.tax_rate, ""),
                original_number=sale.number,
            )
            for line in sale.lines
        ),
        totals=ReceiptTotals(
            gross_minor=-sale.net_minor,  # the lines above it are what was paid for them, discounts taken off
            net_minor=-sale.net_minor,
            rounding_minor=-sale.rounding_minor,
            due_minor=-sale.due_minor,
        ),
        taxes=tuple(TaxLine(marks[tax.rate], tax.rate, -tax.base_minor, -tax.tax_minor) for tax in sale.taxes),
        prices_include_tax=sale.terms.mode == "included",
        tenders=_given_back(sale),
    )


def return_receipt(terms: Terms, stamp: Stamp, body: ReturnTaken, *, tax_added: bool) -> ReceiptContent:
    """The paper of a return: what came back, what was given back for it. `tax_added` is how it was sold."""
    taken = body.taken
    marks = tax_marks(line.tax_rate for line in taken.lines)
    net = sum(line.net_minor for line in taken.lines)
    total = net + sum(line.tax_minor for line in taken.lines) if tax_added else net
    given_back = sum(refund.amount_minor for refund in taken.refunds)
    points = None
    if taken.member is not None and taken.balance is not None:
        points = _points(taken.balance, -taken.points_clawed_back, -taken.points_given_back, terms)
    return _paper(
        terms,
        stamp,
        "return",
        body,
        original_number=taken.sale_number,
        returned=_returned(taken, marks),
        totals=ReceiptTotals(
            gross_minor=-net,
            net_minor=-net,
            rounding_minor=total - given_back,
            due_minor=-given_back,
        ),
        taxes=tuple(
            TaxLine(
                mark,
                rate,
                -sum(
                    line.net_minor - (0 if tax_added else line.tax_minor)
                    for line in taken.lines
                    if line.tax_rate == rate
                ),
                -sum(line.tax_minor for line in taken.lines if line.tax_rate == rate),
            )
            for rate, mark in marks.items()
        ),
        prices_include_tax=not tax_added,
        tenders=_refunds(taken.refunds),
        points=points,
    )


def _paper(
    terms: Terms,
    stamp: Stamp,
    title: Literal["sale", "void", "return"],
    document: SaleCompleted | ReturnTaken,
    *,
    totals: ReceiptTotals,
    taxes: tuple[TaxLine, ...],
    prices_include_tax: bool,
    tenders: tuple[Tender, ...],
    lines: tuple[ReceiptLine, ...] = (),
    returned: tuple[ReturnedLine, ...] = (),
    change_minor: int = 0,
    original_number: str | None = None,
    points: PointsBlock | None = None,
    qr_text: str | None = None,
    locale: str = "",
) -> ReceiptContent:
    """A paper with its head and foot: who, when, where, under which number. The rest is the caller's. Its language is
    `locale`, else the shop's."""
    return ReceiptContent(
        store=store_header(terms),
        title=title,
        number=document.number,
        original_number=original_number,
        business_day=stamp.business_day,
        at_local=local_text(stamp.at, terms.time_zone),
        till=document.till,
        operator=stamp.operator or "",
        locale=locale or terms.locale,
        currency=document.currency,
        currency_digits=terms.currency_digits,
        lines=lines,
        returned=returned,
        totals=totals,
        taxes=taxes,
        prices_include_tax=prices_include_tax,
        tenders=tenders,
        change_minor=change_minor,
        points=points,
        journal=JournalMark(stamp.mark.epoch, stamp.mark.seq, stamp.mark.hash[:_HASH_DIGITS]),
        qr_text=qr_text,
    )


def _points(balance: Balance, earned: int, redeemed: int, terms: Terms) -> PointsBlock:
    """What happened to the points, and what the shopper may count on: below nothing, points are owed. Of what ends, the
    soonest is told."""
    ending, ends_at = balance.expiring[0] if balance.expiring else (0, None)
    return PointsBlock(
        earned=earned,
        redeemed=redeemed,
        active=balance.active - balance.debt,
        pending=balance.pending,
        ending=ending,
        ends_on=last_day(ends_at, terms.time_zone) if ends_at is not None else None,
    )


def _line(line: SoldLine, marks: Mapping[str, str], texts: Mapping[str, str], sale: SaleCompleted) -> ReceiptLine:
    """A line with its reasons (`texts` are those of offers) and the lowest price before a reduction."""
    lowest = line.lowest_price_minor
    return ReceiptLine(
        name=line.name,
        quantity_milli=line.quantity_milli,
        unit=line.unit,
        unit_price_minor=line.unit_price_minor,
        gross_minor=line.gross_minor,
        discounts=tuple([Discount(discount_text(each, texts), each.amount_minor) for each in line.discounts]),
        net_minor=line.net_minor,
        tax_mark=marks[line.tax_rate],
        note=say_lowest_price(lowest, sale.language, sale.currency) if lowest is not None else None,
    )


def _returned(taken: TakenBack, marks: Mapping[str, str]) -> tuple[ReturnedLine, ...]:
    return tuple(
        ReturnedLine(
            name=line.name,
            quantity_milli=line.quantity_milli,
            unit=line.unit,
            amount_minor=-line.net_minor,
            tax_mark=marks.get(line.tax_rate, ""),
            original_number=taken.sale_number,
        )
        for line in taken.lines
    )


def _taxes(taxes: Sequence[TaxTotal], marks: Mapping[str, str]) -> tuple[TaxLine, ...]:
    return tuple([TaxLine(marks[tax.rate], tax.rate, tax.base_minor, tax.tax_minor) for tax in taxes])


def _tenders(tenders: Iterable[Tendered]) -> tuple[Tender, ...]:
    return tuple([_tender(tender.kind, tender.amount_minor) for tender in tenders])


def _refunds(refunds: Iterable[Refunded]) -> tuple[Tender, ...]:
    """Money that left the shop; an exchange's credit stays in it and is already among the tenders."""
    return tuple([_tender(refund.kind, -refund.amount_minor) for refund in refunds if refund.kind != EXCHANGE])


def _given_back(sale: SaleCompleted) -> tuple[Tender, ...]:
    change = sale.change_minor
    tenders = []
    for tender in sale.tenders:
        kept = tender.amount_minor
        if tender.kind == "cash" and change:
            kept, change = kept - min(kept, change), change - min(kept, change)
        if kept:
            tenders.append(_tender(tender.kind, -kept))
    return tuple(tenders)


def _tender(kind: str, amount_minor: int) -> Tender:
    if kind == EXCHANGE:
        return Tender(TenderKind.CREDIT_NOTE, amount_minor)
    if kind == POINTS_DEBT:
        return Tender(TenderKind.POINTS, amount_minor)
    known = _KINDS.get(kind)
    return Tender(known, amount_minor) if known else Tender(TenderKind.OTHER, amount_minor, kind.replace("_", " "))
