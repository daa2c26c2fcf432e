"""edge: asks head office to keep things for a sale before it is booked, and never waits long for it.

    kept = await reserve_for_sale(door, call)
    await door.write(call, complete_sale, call.body, kept)

The writer is not held meanwhile: what is needed is read from a snapshot, and the sale looks again at everything. A sale
with nothing to reserve asks nobody and reads nothing for it.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from kiosk.commands import CompleteSale, ExchangeLine, TakeBack, VoidSale
from kiosk.coupons.coupon_refusals import CouponOfAnother, CouponUsed, CouponVoid
from kiosk.coupons.coupon_service import list_reissue_commands, list_void_coupon_commands
from kiosk.coupons.coupons import ReissueCoupon, VoidCoupon
from kiosk.coupons.gift_card_service import AskBalance, CardBalance
from kiosk.coupons.gift_cards import (
    GIFT_CARD,
    GiftCardNeedsLine,
    GiftCardShort,
    GiftCardSpent,
    KeptCard,
    UnknownGiftCard,
)
from kiosk.coupons.typed_codes import NO_TOKENS, Tokens
from kiosk.points.lease_report import count_reports
from kiosk.sales.own_returns import name_own_exchange, name_own_return, name_void
from kiosk.sales.reservations import (
    NOTHING_KEPT,
    Kept,
    ask_card,
    list_card_commands,
    list_coupon_commands,
    list_return_commands,
    list_void_commands,
)
from kiosk.sales.returns import NothingLeftToReturn, RefundTooLarge
from kiosk.sales.returns_elsewhere import (
    ForeignSale,
    ReturnedElsewhereNow,
    ReturnNeedsLine,
    is_booked,
    is_foreign,
    name_return,
    read_foreign,
)
from kiosk.sales.sale_service import AlreadyReturned, name_exchanged
from kiosk.web.door import Door, Session
from loyalty.errors import Problem
from sync.agent.client import HubRefused, HubSilent
from sync.http.calls import Call
from sync.protocol.commands import CouponUseCommand, GiftCardCommand, ReservedAnswer, ReturnReserveCommand

logger = logging.getLogger(__name__)
PATIENCE_S = 2.0
IN_USE_S = 120.0
"""How long what was asked for is not given back, though the sale was not booked: the cashier may be mending it."""

_REFUSED: Mapping[str, type[Problem]] = {
    "coupon_spent": CouponUsed,
    "coupon_ended": CouponVoid,
    "coupon_of_another": CouponOfAnother,
    "card_not_known": UnknownGiftCard,
}


_NO_RETURN: Mapping[str, type[Problem]] = {
    "return_gone": NothingLeftToReturn,
    "refund_gone": RefundTooLarge,
    "return_pending": ReturnedElsewhereNow,
    "return_changed": ReturnedElsewhereNow,
}


async def reserve_for_sale(door: Door, call: Call[Session, CompleteSale, None], tokens: Tokens = NO_TOKENS) -> Kept:
    """What is kept for a sale's coupons and gift cards. What head office did not answer is not in it, so the rules
    without a line decide. Raises CouponUsed, CouponVoid, CouponOfAnother, UnknownGiftCard, GiftCardShort and, of a card
    that comes back, GiftCardSpent where head office says so, WrongGiftCardCode."""
    body = call.body
    commands: list[CouponUseCommand | GiftCardCommand] = []
    if door.reserver is None:
        return NOTHING_KEPT
    if body.coupons:
        commands += await door.read(call, list_coupon_commands, body, tokens)
    pays = any(tender.kind == GIFT_CARD for tender in body.tenders)
    if pays or body.returns:
        commands += await door.read(call, list_card_commands, body)
    if not commands:
        return NOTHING_KEPT._replace(tokens=tokens) if tokens else NOTHING_KEPT
    kept = await (_ask_all if pays else _ask_to_cancel)(door, commands)
    return kept._replace(tokens=tokens)


async def reserve_for_void(door: Door, call: Call[Session, VoidSale, None], sale: UUID) -> Kept:
    """What is kept of gift cards that a sale sold which is to be voided, and of its goods; raises as above,
    GiftCardSpent, AlreadyReturned, ReturnedElsewhereNow."""
    if door.reserver is None:
        return NOTHING_KEPT
    try:
        await _keep_own(door, await door.read(call, name_void, sale), None)
    except NothingLeftToReturn as gone:
        raise AlreadyReturned from gone
    return await _ask_to_cancel(door, await door.read(call, list_void_commands, sale))


async def reserve_for_coupon_void(door: Door, call: Call[Session, VoidCoupon, None], serial: str) -> Kept:
    """The use of a coupon that is to be voided, and whose points come back; raises CouponUsed, CouponVoid,
    CouponNotFound."""
    if door.reserver is None:
        return NOTHING_KEPT
    commands = await door.read(call, list_void_coupon_commands, serial)
    return await _ask_all(door, commands) if commands else NOTHING_KEPT


async def reserve_for_reissue(door: Door, call: Call[Session, ReissueCoupon, None], serial: str) -> Kept:
    """The same before it is issued again."""
    if door.reserver is None:
        return NOTHING_KEPT
    commands = await door.read(call, list_reissue_commands, serial, call.body)
    return await _ask_all(door, commands) if commands else NOTHING_KEPT


async def reserve_for_return(door: Door, call: Call[Session, TakeBack, None]) -> Kept:
    """The same of gift cards that come back."""
    if door.reserver is None:
        return NOTHING_KEPT
    return await _ask_to_cancel(door, await door.read(call, list_return_commands, call.body))


async def find_balance(door: Door, call: Call[Session, AskBalance, None]) -> CardBalance | None:
    """What is on a gift card as head office knows it; None in a store that is its own authority. Raises
    UnknownGiftCard, GiftCardNeedsLine, WrongGiftCardCode."""
    question = await door.read(call, ask_card, call.body.code, door.new_id()) if door.reserver is not None else None
    if question is None:
        return None
    kept = (await _ask_all(door, [question])).cards.get(question.card)
    if kept is None:
        raise GiftCardNeedsLine(pointer="/code")
    return CardBalance(ending=kept.ending, balance_minor=kept.amount_minor, currency=question.currency)


async def find_foreign(
    door: Door, call: Call[Session, Any, None], text: str, *, by_id: bool = True
) -> ForeignSale | None:
    """Another store's sale by receipt number or, `by_id`, by id; None for what the own books say, and for what nobody
    knows. A till that asks whether its own sale was booked must not wait for head office.

    Raises ReturnNeedsLine where head office does not answer.
    """
    if door.reserver is None or not await door.read(call, is_foreign, text, by_id=by_id):
        return None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return read_foreign(await door.reserver.read_sale(text.strip()))
    except HubRefused as refused:
        if refused.refusal == "not_found":
            return None
        raise ReturnNeedsLine(pointer="/sale") from refused
    except (HubSilent, TimeoutError) as silent:
        raise ReturnNeedsLine(pointer="/sale") from silent


async def reserve_return(door: Door, call: Call[Session, TakeBack, None]) -> ForeignSale | None:
    """Another store's sale with its goods kept for this return; None for an own receipt, whose goods are kept if head
    office answers, and for a return that is booked already. Raises what `find_foreign` raises, NothingLeftToReturn,
    ReturnedElsewhereNow, and what looking at the sale raises."""
    if door.reserver is None or await door.read(call, is_booked, call.body):
        return None
    door.need_writable()
    foreign = await find_foreign(door, call, call.body.sale)
    if foreign is None:
        await _keep_own(door, await door.read(call, name_own_return, call.body), "/sale")
        return None
    return await _keep_goods(door, foreign, await door.read(call, name_return, call.body, foreign))


async def find_exchanged(
    door: Door, call: Call[Session, Any, None], returns: Sequence[ExchangeLine]
) -> dict[str, ForeignSale]:
    """Other stores' sales among those that goods come back from in an exchange, by how the request names them. Raises
    ReturnNeedsLine."""
    found = {text: await find_foreign(door, call, text) for text in dict.fromkeys(line.sale for line in returns)}
    return {text: foreign for text, foreign in found.items() if foreign is not None}


async def reserve_exchange(
    door: Door, call: Call[Session, CompleteSale, None], tokens: Tokens = NO_TOKENS
) -> dict[str, ForeignSale]:
    """The same with their goods, and the money that goes back for them, kept for this sale, and the goods of own sales
    if head office answers; nothing for a sale that is booked already. Raises what `reserve_return` and pricing
    raise."""
    if door.reserver is None or await door.read(call, is_booked, call.body):
        return {}
    door.need_writable()
    foreign = await find_exchanged(door, call, call.body.returns)
    own = await door.read(call, name_own_exchange, call.body)
    commands = await door.read(call, name_exchanged, call.body, foreign, tokens) if foreign else {}
    await _keep_own(door, own, "/returns")
    return {text: await _keep_goods(door, each, commands[text]) for text, each in foreign.items()}


async def _keep_goods(door: Door, foreign: ForeignSale, command: ReturnReserveCommand) -> ForeignSale:
    assert door.reserver is not None
    reports = await door.database.read(count_reports)
    note_in_use(door, [command.id])
    try:
        async with asyncio.timeout(PATIENCE_S):
            granted = await door.reserver.reserve(command)
    except HubRefused as refused:
        raise _NO_RETURN.get(refused.refusal, ReturnNeedsLine)(pointer="/sale") from refused
    except (HubSilent, TimeoutError) as silent:
        raise ReturnNeedsLine(pointer="/sale") from silent
    return replace(foreign, reservation=granted.reservation, reports=reports)


async def _keep_own(door: Door, commands: Sequence[ReturnReserveCommand], pointer: str | None) -> None:
    """Keep goods of own sales from all other stores. Only a word of head office that they came back elsewhere, or are
    coming back now, is a refusal: without its answer own receipts are taken back as without a line, and nothing has to
    be remembered of an answer, because the own books decide."""
    assert door.reserver is not None
    if commands:
        door.need_writable()
        note_in_use(door, [command.id for command in commands])
    reserver = door.reserver

    async def ask(command: ReturnReserveCommand) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await reserver.reserve(command)
        except HubRefused as refused:
            if refused.refusal in _NO_RETURN:
                raise _NO_RETURN[refused.refusal](pointer=pointer) from refused
            logger.warning("head office keeps nothing", extra={"fields": {"code": refused.refusal}})
        except (HubSilent, TimeoutError):
            pass

    for answer in await asyncio.gather(*map(ask, commands), return_exceptions=True):
        if isinstance(answer, BaseException):
            raise answer


def note_in_use(door: Door, reservations: Sequence[UUID]) -> None:
    """These are being worked with."""
    now = time.monotonic()
    for reservation in [each for each, until in door.reserved_until.items() if until <= now]:
        del door.reserved_until[reservation]
    door.reserved_until.update(dict.fromkeys(reservations, now + IN_USE_S))


def list_in_use(door: Door) -> set[UUID]:
    """Reservations that are not to be given back yet."""
    now = time.monotonic()
    return {reservation for reservation, until in door.reserved_until.items() if until > now}


async def _ask_to_cancel(door: Door, commands: Sequence[CouponUseCommand | GiftCardCommand]) -> Kept:
    """Keep the money of cards that come back. Raises GiftCardSpent where some of it is gone."""
    if not commands:
        return NOTHING_KEPT
    try:
        return await _ask_all(door, commands)
    except GiftCardShort as short:
        raise GiftCardSpent from short


async def _ask_all(door: Door, commands: Sequence[CouponUseCommand | GiftCardCommand]) -> Kept:
    """Ask for all of them at once, in the time of one. A store that can book nothing asks for nothing."""
    door.need_writable()
    reports = await door.database.read(count_reports)
    note_in_use(door, [command.id for command in commands])
    answers = await asyncio.gather(*(_ask(door, command) for command in commands), return_exceptions=True)
    coupons: dict[int, UUID] = {}
    cards: dict[str, KeptCard] = {}
    for command, answer in zip(commands, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None and isinstance(command, CouponUseCommand):
            coupons[command.serial] = answer.reservation
        elif answer is not None and isinstance(command, GiftCardCommand):
            # A question is told what is on the card, a payment has what it asked for.
            amount = command.amount_minor or answer.balance_minor
            cards[command.card] = KeptCard(answer.reservation, answer.ending, amount)
    return Kept(coupons, cards, reports)


async def _ask(door: Door, command: CouponUseCommand | GiftCardCommand) -> ReservedAnswer | None:
    assert door.reserver is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await door.reserver.reserve(command)
    except HubRefused as refused:
        if refused.refusal == "card_short":
            detail = f"{refused.balance_minor} is on it."
            raise GiftCardShort(detail, balance_minor=refused.balance_minor) from refused
        if refused.refusal in _REFUSED:
            raise _REFUSED[refused.refusal] from refused
        logger.warning("head office keeps nothing", extra={"fields": {"code": refused.refusal}})
        return None
    except (HubSilent, TimeoutError):
        return None
