"""sql: what a sale lost because its goods came back at other stores, as its entry says. Decides nothing."""

from kiosk.coupons.apply_coupons import give_back_coupons, void_coupons
from kiosk.offers.apply_offers import give_back_offers
from kiosk.points.apply_postings import post_points
from loyalty.transactions import Tx
from sync.facts.points import ledger_postings
from sync.facts.returns import ReturnFollowed
from sync.journal import Entry


def apply_return_followed(tx: Tx, entry: Entry) -> None:
    """Uses that count no longer, coupons that are void and points that go. One that was given back already breaks the
    transaction."""
    body = entry.body
    assert isinstance(body, ReturnFollowed)
    give_back_offers(tx, entry.op_id, body.sale, body.offers)
    if body.vouchers is not None:
        give_back_coupons(tx, entry, body.vouchers.given_back)
        void_coupons(tx, entry, body.vouchers.voided)
    postings = (*body.postings, *body.referral)
    if postings:
        post_points(tx, ledger_postings(entry.op_id, entry.epoch, entry.seq, postings))
