"""Shops that give coupons, for tests: an offer by coupon, a second store of the chain, coupons issued and shown."""

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.commands import LineRequest, QuoteBasket
from kiosk.coupons.coupon_service import issue_coupon
from kiosk.coupons.coupon_store import read_registry
from kiosk.coupons.coupons import CouponAnswer, IssueCoupon
from kiosk.coupons.keyring import FOLDER_NAME, _load, _record
from kiosk.offers.offer_service import put_offer
from kiosk.sales.sale_service import quote_basket
from loyalty.coupons import CouponBody, Signer, make_token, offer_number
from loyalty.keys import ListedKey, sign_key_list
from loyalty.offers.offer import Conditions, Goods, PercentOff
from loyalty.offers.request import OfferRequest
from tests.kiosk.selling import Till
from tests.kiosk.shopkit import caller, new_id, perform

OFFER = "CHOC20"
CHOCOLATE = "101"
PRICE, REDUCED = 259, 207
"""Chocolate, and with 20 percent (51.8, rounded to 52) off."""


def offer_request(percent: str = "20", **more: Any) -> OfferRequest:  # noqa: ANN401
    """A percentage off chocolate, for whoever shows a coupon."""
    fields: dict[str, Any] = {
        "title": {"en": "Chocolate week", "pl": "Tydzień czekolady"},
        "effect": PercentOff(percent=percent, goods=Goods(products=(CHOCOLATE,))),
        "trigger": "coupon",
    }
    return OfferRequest(**{**fields, **more})


def make_offer(till: Till, offer: str = OFFER, **more: Any) -> None:  # noqa: ANN401
    """Make a coupon offer, as the manager does."""
    perform(till.connection, put_offer, till.shop, manager(till), new_id(), offer, offer_request(**more), None)


def members_only(till: Till, offer: str = "MEMBERS") -> None:
    """An offer whose coupons only members get."""
    make_offer(till, offer, conditions=Conditions(member_required=True))


def manager(till: Till) -> Any:  # noqa: ANN401
    """The manager, at the time of the till."""
    return caller("manager", at_ms=till.who.now_ms)


def issue(till: Till, offer: str = OFFER, **more: Any) -> CouponAnswer:  # noqa: ANN401
    """Issue a coupon at the till."""
    return till.do(issue_coupon, IssueCoupon(**{"id": new_id(), "offer": offer, **more})).answer


def quote(till: Till, *codes: str, sku: str = CHOCOLATE, **more: Any) -> Any:  # noqa: ANN401
    """Price one piece of chocolate with coupons."""
    lines = (LineRequest(sku=sku),)
    return till.do(quote_basket, QuoteBasket(lines=lines, coupons=codes, **more))


def list_key(till: Till, folder: Path, **fields: Any) -> None:  # noqa: ANN401
    """Put a key onto the shop's list under its own root, or change one that is there."""
    keys = folder / "data" / FOLDER_NAME
    connection = till.connection
    connection.execute("BEGIN IMMEDIATE")
    registry = read_registry(connection)
    assert registry is not None
    present = registry.keys.get(fields["kid"])
    listed = msgspec.structs.replace(present, **fields) if present else ListedKey(**fields)
    signed = sign_key_list(
        _load(keys / "root.key"), registry.version + 1, {**registry.keys, listed.kid: listed}.values()
    )
    _record(connection, keys, till.shop.journal.epoch, till.who.now_ms, signed)
    connection.execute("COMMIT")


class OtherStore:
    """A store S002 of the same chain: its key is on the list, its ledger is elsewhere."""

    def __init__(self, till: Till, folder: Path, kid: int = 20) -> None:
        self.signer = Signer(kid, Ed25519PrivateKey.from_private_bytes(bytes([kid]) * 32))
        self.last_day = dt.date(2027, 1, 31)
        list_key(
            till,
            folder,
            kid=kid,
            store="S002",
            public=self.signer.public,
            not_before=dt.date(2026, 1, 1),
            not_after=dt.date(2030, 12, 31),
        )

    def coupon(self, serial: int, offer: str = OFFER, **more: Any) -> str:  # noqa: ANN401
        """A token of that store."""
        fields: dict[str, Any] = {
            "kid": self.signer.kid,
            "offer": offer_number(offer),
            "version": 1,
            "last_day": self.last_day,
            "serial": serial,
            "scope": "chain",
        }
        return make_token(self.signer, CouponBody(**{**fields, **more}))
