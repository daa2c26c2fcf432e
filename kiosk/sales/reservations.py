"""sql: what head office keeps for this store's next fact: what has to be asked for, and what is given back.

    commands = list_coupon_commands(tx, shop, caller, sale)     # to be asked before the sale is booked
    kept = still_kept(tx, kept)                                 # inside the sale's own transaction
    give_back(tx, shop, now_ms, in_use)                         # what was never used, as facts

A reservation is named after the fact it is for, so an answer that was lost is found again by asking once more. It is
kept in memory only, for the one request that asked: a copy of the database, or a life that comes back, has none.

Given back is whatever head office lists for this store in the feed and no request is working with: by a fact that bars
the reservation for ever, in the journal behind every sale that could have used it. The writer does one thing after the
other, so either the sale is there first and nothing is given back, or the sale finds the fact and goes without.
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

import msgspec

from kiosk.commands import CompleteSale, TakeBack
from kiosk.coupons.coupon_check import look_at_coupons
from kiosk.coupons.coupon_store import CouponRow
from kiosk.coupons.gift_card_store import read_activated
from kiosk.coupons.gift_cards import GIFT_CARD, GiftCardNeedsLine, KeptCard, read_card_code
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.points.lease_report import count_reports
from kiosk.points.link import read_line
from kiosk.sales.sale_store import UnknownSale, find_sale
from kiosk.shop import Caller, Shop
from loyalty.ids import derived_uuid
from loyalty.transactions import Tx
from sync.chain import epoch_text
from sync.facts.reserving import ReservationEnded
from sync.journal import Origin, find, read_head
from sync.protocol.commands import CouponUseCommand, GiftCardCommand, ReservationValue


class Kept(NamedTuple):
    """What head office keeps for one fact of this store: uses of coupons by serial, money of gift cards by card.
    `reports` is how many reports this store had made when it asked (kiosk/points/lease_report.py); `tokens` are what
    typed codes of other stores' coupons stand for."""

    coupons: Mapping[int, UUID] = {}
    cards: Mapping[str, KeptCard] = {}
    reports: int = 0
    tokens: Tokens = NO_TOKENS


NOTHING_KEPT = Kept()
_decode = msgspec.json.Decoder(ReservationValue).decode
_TOLD = "SELECT key, value FROM feed_row WHERE entity = 'reservation' AND length(value) > 0 ORDER BY key"


def list_coupon_commands(
    tx: Tx, shop: Shop, caller: Caller, command: CompleteSale, tokens: Tokens = NO_TOKENS
) -> list[CouponUseCommand]:
    """What head office has to keep before this sale can be booked: the uses of coupons that other stores take too.
    Nothing where the line is down, or the sale is booked already."""
    line = read_line(tx)
    if line is None or not line.online or find(tx, command.id) is not None:
        return []
    shown = look_at_coupons(tx, shop, caller, command.coupons, command.member, tokens=tokens).shown
    uses = [each.use for each in shown]
    epoch = shop.journal.epoch
    head = read_head(tx, epoch)
    return [
        CouponUseCommand(
            id=name_reservation(tx, command.id, f"coupon {use.serial} {command.member}"),
            sale=command.id,
            serial=use.serial,
            issuer=use.store or shop.terms.store,
            uses_max=use.uses_max,
            member=command.member,
            epoch=epoch_text(epoch),
            seq=head.seq,
        )
        for use in uses
        if use is not None and use.last_day
    ]


def use_command(tx: Tx, shop: Shop, op: UUID, row: CouponRow) -> CouponUseCommand:
    """The command that keeps the use of an own coupon for the fact `op`, which is no sale."""
    epoch = shop.journal.epoch
    return CouponUseCommand(
        id=name_reservation(tx, op, f"coupon {row.serial}"),
        sale=op,
        serial=row.serial,
        issuer=shop.terms.store,
        uses_max=row.uses_max,
        member=row.member,
        epoch=epoch_text(epoch),
        seq=read_head(tx, epoch).seq,
    )


def name_reservation(tx: Tx, op: UUID, about: str) -> UUID:
    """The name of what is reserved for the fact `op`: the same as long as it was not given back, then another one."""
    attempt = 1
    while find(tx, _end_id(name := derived_uuid(op, f"reserve {about} {attempt}"))) is not None:
        attempt += 1
    return name


def list_card_commands(tx: Tx, shop: Shop, _: Caller, command: CompleteSale) -> list[GiftCardCommand]:
    """What head office has to keep of gift cards before this sale can be booked: what each of them pays, and all that
    was put on those that come back in it. Nothing where the line is down, or the sale is booked already. Raises
    WrongGiftCardCode."""
    amounts: dict[str, int] = {}
    for index, tender in enumerate(command.tenders):
        if tender.kind == GIFT_CARD:
            card, _ending = read_card_code(tender.code or "", f"/tenders/{index}/code")
            amounts[card] = amounts.get(card, 0) + tender.amount_minor
    for text in dict.fromkeys(line.sale for line in command.returns):
        with contextlib.suppress(UnknownSale):
            sale, lines = find_sale(tx, text), {line.line for line in command.returns if line.sale == text}
            for card, amount in _sold_cards(tx, sale, lines).items():
                amounts[card] = amounts.get(card, 0) + amount
    return _card_commands(tx, shop, command.id, amounts)


def list_void_commands(tx: Tx, shop: Shop, _: Caller, sale: UUID) -> list[GiftCardCommand]:
    """The same before a sale is voided that sold gift cards: their money must still be on them."""
    return _card_commands(tx, shop, derived_uuid(sale, "void"), _sold_cards(tx, sale, None))


def list_return_commands(tx: Tx, shop: Shop, _: Caller, command: TakeBack) -> list[GiftCardCommand]:
    """The same before sold gift cards come back. An unknown receipt has none."""
    try:
        sale = find_sale(tx, command.sale)
    except UnknownSale:
        return []
    return _card_commands(tx, shop, command.id, _sold_cards(tx, sale, {line.line for line in command.lines}))


def ask_card(tx: Tx, shop: Shop, _: Caller, code: str, name: UUID) -> GiftCardCommand | None:
    """The question what is on a card; None where this store is its own authority. Raises WrongGiftCardCode,
    GiftCardNeedsLine."""
    line = read_line(tx)
    if line is None:
        return None
    card, _ending = read_card_code(code, "/code")
    if not line.online:
        raise GiftCardNeedsLine(pointer="/code")
    return _card_command(tx, shop, name, name, card, 0)


def _sold_cards(tx: Tx, sale: UUID, lines: set[int] | None) -> dict[str, int]:
    activated = [each for each in read_activated(tx, sale) if lines is None or each.line in lines]
    return {each.card: each.amount_minor for each in activated}


def _card_commands(tx: Tx, shop: Shop, op: UUID, amounts: Mapping[str, int]) -> list[GiftCardCommand]:
    line = read_line(tx) if amounts else None
    if line is None or not line.online or find(tx, op) is not None:
        return []
    return [
        _card_command(tx, shop, name_reservation(tx, op, f"card {card} {amount}"), op, card, amount)
        for card, amount in amounts.items()
        if amount > 0
    ]


def _card_command(tx: Tx, shop: Shop, name: UUID, op: UUID, card: str, amount: int) -> GiftCardCommand:
    epoch = shop.journal.epoch
    return GiftCardCommand(
        id=name,
        op=op,
        card=card,
        amount_minor=amount,
        currency=shop.terms.currency,
        epoch=epoch_text(epoch),
        seq=read_head(tx, epoch).seq,
    )


def still_kept(tx: Tx, kept: Kept) -> Kept:
    """What was not given back meanwhile. Where nothing was kept nothing is read."""
    return Kept(
        {serial: each for serial, each in kept.coupons.items() if counts_still(tx, each, kept.reports)},
        {card: each for card, each in kept.cards.items() if counts_still(tx, each.reservation, kept.reports)},
        kept.reports,
        kept.tokens,
    )


def counts_still(tx: Tx, reservation: UUID, reports: int) -> bool:
    """Whether what was asked for after so many `reports` may be used now: it was not given back, and no report was made
    since. A head office that was put back from a backup may have forgotten it, and believes what the report said."""
    return is_kept(tx, reservation) and count_reports(tx) == reports


def is_kept(tx: Tx, reservation: UUID) -> bool:
    """Whether a reservation was not given back."""
    return find(tx, _end_id(reservation)) is None


def has_reservations(tx: Tx) -> bool:
    """Whether head office says that it keeps anything for this store."""
    select = "SELECT 1 FROM feed_row WHERE entity = 'reservation' AND length(value) > 0 LIMIT 1"
    return tx.execute(select).fetchone() is not None


def give_back(tx: Tx, shop: Shop, now_ms: int, in_use: Collection[UUID]) -> int:
    """Give back what head office keeps for this store and nobody will use; how many. `in_use` are reservations that a
    request is working with."""
    given = 0
    for reservation, told in _list_told(tx):
        if reservation in in_use or find(tx, told.op) is not None or not is_kept(tx, reservation):
            continue
        body = ReservationEnded(reservation=reservation, kind=told.kind, op=told.op)
        shop.journal.record(tx, Origin(now_ms=now_ms), _end_id(reservation), body)
        given += 1
    return given


def _list_told(tx: Tx) -> Iterator[tuple[UUID, ReservationValue]]:
    """What head office keeps for this store, by its name. One that this release cannot read must not keep all others
    from going back."""
    for key, raw in tx.execute(_TOLD).fetchall():
        with contextlib.suppress(ValueError):
            yield UUID(key), _decode(raw)


def _end_id(reservation: UUID) -> UUID:
    """The name of the fact that gives it back: one for each, whoever finds it first."""
    return derived_uuid(reservation, "reservation end")
