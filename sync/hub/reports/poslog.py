"""pure: the documents of a business day as POSLog XML, for head-office systems that read it.

The shape is that of ARTS (OMG) POSLog 6, namespace http://www.nrf-arts.org/IXRetail/namespace/. The schema is not at
hand where this was written, so no claim of validity is made; this is the subset, and all of it:

    POSLog > Transaction: RetailStoreID WorkstationID SequenceNumber BusinessDayDate BeginDateTime EndDateTime
             OperatorID CurrencyCode ReceiptNumber
      RetailTransaction [TransactionStatus Delivered | PostVoided] > LineItem*
        Sale | Return: ItemID Description Quantity[@UnitOfMeasureCode EA|KGM] ActualSalesUnitPrice ExtendedAmount
              RetailPriceModifier*: Amount[@Action Subtract] PromotionID | ReasonCode
              TransactionLink (Return)
        Tax:    TaxableAmount Amount Percent
        Tender[@TenderType Cash | CreditDebit | GiftCard | LoyaltyPoints | Voucher | Other]: Amount TenderChange/Amount
      LoyaltyAccount: CustomerID PointsAwarded PointsRedeemed        (the member's id, never a name)
      Total*[@TotalType TransactionGrandAmount | TransactionTaxAmount]
      TransactionLink (of a void: the sale)
      TillID BusinessDayDate of a closed shift: TenderControlTransaction > TillSettle > TenderSummary*

Amounts are decimals with the digits of their currency, quantities have three, times are UTC.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from loyalty.money import currency_exponent
from sync.facts.returns import ReturnTaken, TakenBack
from sync.facts.sales import SaleCompleted, SaleVoided, SoldLine, Tendered
from sync.facts.shifts import ShiftClosed
from sync.hub.accepted import Accepted
from sync.hub.reports.accounting import decimal_text
from sync.hub.reports.days import time_text

NAMESPACE = "http://www.nrf-arts.org/IXRetail/namespace/"
_TENDERS = {
    "cash": "Cash",
    "card": "CreditDebit",
    "gift_card": "GiftCard",
    "points": "LoyaltyPoints",
    "points_debt": "LoyaltyPoints",
    "exchange": "Voucher",
}


def write_poslog(store: str, entries: Iterable[Accepted]) -> bytes:
    """The documents among these entries of one store, in their order, as an XML document in UTF-8."""
    root = ET.Element("POSLog", {"xmlns": NAMESPACE, "MajorVersion": "6", "MinorVersion": "0", "FixVersion": "0"})
    for entry in entries:
        write = _WRITERS.get(type(entry.body))
        if write is not None:
            write(_begin(root, store, entry), entry.body)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _begin(root: ET.Element, store: str, entry: Accepted) -> ET.Element:
    body: Any = entry.body
    transaction = ET.SubElement(root, "Transaction", {"CancelFlag": "false"})
    _put(transaction, "RetailStoreID", store)
    _put(transaction, "WorkstationID", body.till)
    _put(transaction, "SequenceNumber", entry.seq)
    _put(transaction, "BusinessDayDate", entry.business_day or "")
    for name in ("BeginDateTime", "EndDateTime"):
        _put(transaction, name, time_text(entry.at) or "")
    _put(transaction, "OperatorID", entry.operator or "")
    _put(transaction, "CurrencyCode", body.currency)
    return transaction


def _sale(transaction: ET.Element, sale: SaleCompleted) -> None:
    money = _money_of(sale.currency)
    _put(transaction, "ReceiptNumber", sale.number)
    retail = ET.SubElement(transaction, "RetailTransaction", {"TransactionStatus": "Delivered"})
    for line in sale.lines:
        _sold(_line_item(retail), line, money)
    for taken in sale.returned:
        _returned(retail, taken, money)
    for tax in sale.taxes:
        _tax(_line_item(retail), tax.rate, money(tax.base_minor), money(tax.tax_minor))
    _tenders(retail, sale.tenders, sale.change_minor, money)
    if sale.member is not None:
        loyalty = ET.SubElement(retail, "LoyaltyAccount")
        _put(loyalty, "CustomerID", sale.member)
        _put(loyalty, "PointsAwarded", sale.points_earned)
        _put(loyalty, "PointsRedeemed", sale.points_redeemed)
    _total(retail, "TransactionGrandAmount", money(sale.due_minor))
    _total(retail, "TransactionTaxAmount", money(sum(tax.tax_minor for tax in sale.taxes)))


def _void(transaction: ET.Element, void: SaleVoided) -> None:
    money = _money_of(void.currency)
    _put(transaction, "ReceiptNumber", void.sale_number)
    retail = ET.SubElement(transaction, "RetailTransaction", {"TransactionStatus": "PostVoided"})
    link = ET.SubElement(retail, "TransactionLink", {"ReasonCode": "PostVoid"})
    _put(link, "ReceiptNumber", void.sale_number)
    _put(link, "Reason", void.reason)
    _tenders(retail, void.tenders, void.change_minor, money, refund=True)
    _total(retail, "TransactionGrandAmount", money(-void.due_minor))


def _return(transaction: ET.Element, body: ReturnTaken) -> None:
    money = _money_of(body.currency)
    _put(transaction, "ReceiptNumber", body.number)
    retail = ET.SubElement(transaction, "RetailTransaction", {"TransactionStatus": "Delivered"})
    _returned(retail, body.taken, money)
    _total(retail, "TransactionGrandAmount", money(-sum(refund.amount_minor for refund in body.taken.refunds)))


def _closed(transaction: ET.Element, shift: ShiftClosed) -> None:
    money = _money_of(shift.currency)
    control = ET.SubElement(transaction, "TenderControlTransaction")
    settle = ET.SubElement(control, "TillSettle")
    _put(settle, "TillID", shift.till)
    for count in shift.counts:
        summary = ET.SubElement(settle, "TenderSummary", {"TenderType": _TENDERS.get(count.kind, "Other")})
        _put(summary, "Expected", money(count.expected_minor))
        _put(summary, "Counted", money(count.counted_minor))
        _put(summary, "OverShort", money(count.variance_minor))


def _sold(item: ET.Element, line: SoldLine, money: Callable[[int], str]) -> None:
    sold = ET.SubElement(item, "Sale", {"ItemType": "Stock"})
    _goods(sold, line.sku, line.name, line.quantity_milli, line.unit)
    _put(sold, "ActualSalesUnitPrice", money(line.unit_price_minor))
    _put(sold, "ExtendedAmount", money(line.net_minor))
    for discount in line.discounts:
        modifier = ET.SubElement(sold, "RetailPriceModifier")
        ET.SubElement(modifier, "Amount", {"Action": "Subtract"}).text = money(discount.amount_minor)
        _put(modifier, *(("PromotionID", discount.offer) if discount.offer else ("ReasonCode", discount.reason)))


def _returned(retail: ET.Element, taken: TakenBack, money: Callable[[int], str]) -> None:
    for line in taken.lines:
        back = ET.SubElement(_line_item(retail), "Return", {"ItemType": "Stock"})
        _goods(back, line.sku, line.name, line.quantity_milli, line.unit)
        _put(back, "ExtendedAmount", money(-line.net_minor))
        link = ET.SubElement(back, "TransactionLink", {"ReasonCode": "Return"})
        _put(link, "ReceiptNumber", taken.sale_number)
        _tax(_line_item(retail), line.tax_rate, None, money(-line.tax_minor))
    for refund in taken.refunds:
        tender = ET.SubElement(_line_item(retail), "Tender", _tender_type(refund.kind, refund=True))
        _put(tender, "Amount", money(-refund.amount_minor))


def _tenders(
    retail: ET.Element,
    tenders: Iterable[Tendered],
    change_minor: int,
    money: Callable[[int], str],
    *,
    refund: bool = False,
) -> None:
    for tendered in tenders:
        tender = ET.SubElement(_line_item(retail), "Tender", _tender_type(tendered.kind, refund=refund))
        _put(tender, "Amount", money(-tendered.amount_minor if refund else tendered.amount_minor))
        if tendered.kind == "cash" and change_minor:
            change = ET.SubElement(tender, "TenderChange")
            _put(change, "Amount", money(-change_minor if refund else change_minor))
            change_minor = 0


def _tender_type(kind: str, *, refund: bool) -> dict[str, str]:
    return {"TenderType": _TENDERS.get(kind, "Other"), "TypeCode": "Refund" if refund else "Sale"}


def _goods(item: ET.Element, sku: str, name: str, quantity_milli: int, unit: str) -> None:
    _put(item, "ItemID", sku)
    _put(item, "Description", name)
    quantity = ET.SubElement(item, "Quantity", {"UnitOfMeasureCode": "KGM" if unit == "kg" else "EA"})
    quantity.text = decimal_text(quantity_milli, 3)


def _tax(item: ET.Element, rate: str, base: str | None, amount: str) -> None:
    tax = ET.SubElement(item, "Tax", {"TaxType": "VAT"})
    if base is not None:
        _put(tax, "TaxableAmount", base)
    _put(tax, "Amount", amount)
    _put(tax, "Percent", rate)


def _line_item(retail: ET.Element) -> ET.Element:
    item = ET.SubElement(retail, "LineItem")
    _put(item, "SequenceNumber", len(retail.findall("LineItem")))
    return item


def _total(retail: ET.Element, kind: str, amount: str) -> None:
    ET.SubElement(retail, "Total", {"TotalType": kind}).text = amount


def _put(parent: ET.Element, name: str, value: object) -> None:
    ET.SubElement(parent, name).text = "".join(
        character for character in str(value) if character >= " " or character in "\t\n"
    )


def _money_of(currency: str) -> Callable[[int], str]:
    digits = currency_exponent(currency)
    return lambda minor: decimal_text(minor, digits)


_WRITERS: Mapping[type, Callable[[ET.Element, Any], None]] = {
    SaleCompleted: _sale,
    SaleVoided: _void,
    ReturnTaken: _return,
    ShiftClosed: _closed,
}
