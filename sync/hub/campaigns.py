"""sql: a campaign: prices, offers and earning rules that begin at one instant, and end at one, if they shall.

    withdraw_campaign(tx, "summer", say, if_match)          # then applier.apply_own
    for plan in list_plans(tx, "summer", asked, say): …     # one bundle that begins it, and one that ends it

A campaign that has not begun can be put anew: its bundles are withdrawn and others planned. One that runs can be put
anew as well: what differs begins at the new instant, and an end that was planned is planned again. Its end takes back
its offers and rules; a price has no end, because nobody could say what it should be then: a price for a time is an
offer.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from loyalty.earning_rules.rule import RuleTerms
from loyalty.offers.request import OfferRequest
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, EVERYBODY, OFFER
from sync.facts.bundles import BundleChange
from sync.http.etag import require_match, strong_etag
from sync.http.problems import PreconditionFailed
from sync.hub.bundles import (
    BundleRow,
    Plan,
    Speaker,
    bundles_of_campaign,
    can_withdraw,
    find_decision,
    withdraw_bundle,
)
from sync.hub.decisions import (
    DecisionRefused,
    OfficeProduct,
    Wrong,
    bucket_for,
    check_codes,
    instant_of,
    is_said,
    offer_change,
    product_change,
    rule_change,
)
from sync.hub.times import Instant

Name = Annotated[str, Meta(min_length=1, max_length=64)]


class PutCampaign(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """PUT /v1/campaigns/{id}: everything that shall change at `active_from` (none: as soon as the stores can have it),
    in all stores, a `zone` or one `store`. At `ends_at` the offers and rules end."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    active_from: Instant | None = None
    ends_at: Instant | None = None
    zone: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    store: UUID | None = None
    products: Annotated[dict[Name, OfficeProduct], Meta(max_length=10_000)] = {}
    offers: Annotated[dict[Name, OfferRequest], Meta(max_length=1_000)] = {}
    earning_rules: Annotated[dict[Name, RuleTerms], Meta(max_length=200)] = {}


def withdraw_campaign(tx: Tx, name: str, say: Speaker, if_match: str | None) -> None:
    """What of a campaign can still be withdrawn is. Raises PreconditionRequired, PreconditionFailed."""
    present = bundles_of_campaign(tx, name)
    if present:
        require_match(if_match, etag_of(present))
    elif if_match is not None:
        raise PreconditionFailed
    for bundle in present:
        if can_withdraw(bundle, say.now_ms, say.lead_ms):
            withdraw_bundle(tx, bundle.version, say)


def list_plans(tx: Tx, name: str, asked: PutCampaign, say: Speaker) -> list[Plan]:
    """The bundles that make a campaign; none where nothing differs from what is said already.

    Raises DecisionRefused, WrongScope.
    """
    begin, end = asked.active_from, asked.ends_at
    if end is not None and begin is not None and end <= begin:
        raise DecisionRefused([Wrong("/ends_at", "never_runs", "It would end before it begins.")])
    bucket = bucket_for(tx, asked.zone, asked.store)
    changes = _begin(tx, bucket, asked, say)
    news = [each for each in changes if not is_said(find_decision(tx, bucket, each.sort, each.name), each)]
    parts = [(news, begin)]
    if end is not None:
        parts.append((_end(bucket, changes), end))
    return [
        Plan(bucket=bucket, changes=tuple(part), title=asked.title, campaign=name, active_at=instant_of(moment))
        for part, moment in parts
        if part
    ]


def etag_of(bundles: list[BundleRow]) -> str:
    """The version of a campaign."""
    return strong_etag(*(bundle.version for bundle in bundles))


def _begin(tx: Tx, bucket: str, asked: PutCampaign, say: Speaker) -> list[BundleChange]:
    """What the campaign says, checked; each fault is named with its place in the request. Raises DecisionRefused."""
    changes: list[BundleChange] = []
    faults: list[Wrong] = []
    for field, things in (
        ("products", asked.products),
        ("offers", asked.offers),
        ("earning_rules", asked.earning_rules),
    ):
        for name, thing in things.items():
            try:
                if isinstance(thing, OfficeProduct):
                    changes.append(product_change(name, thing, say.tax_classes))
                elif isinstance(thing, OfferRequest):
                    changes.append(offer_change(tx, bucket, name, thing))
                else:
                    changes.append(rule_change(tx, bucket, name, thing))
            except DecisionRefused as refused:
                faults += [Wrong(f"/{field}/{name}{each.pointer}", each.code, each.message) for each in refused.faults]
    if not changes and not faults:
        faults = [Wrong("", "empty", "It changes nothing.")]
    if faults:
        raise DecisionRefused(faults)
    check_codes(tx, bucket, changes)
    return changes


def _end(bucket: str, changes: list[BundleChange]) -> list[BundleChange]:
    """The end of everything that has one: of what a zone or a store was told apart, the chain's word counts again."""
    ending = [change for change in changes if change.sort in (OFFER, EARNING_RULE)]
    if bucket != EVERYBODY:
        return [BundleChange(sort=change.sort, name=change.name) for change in ending]
    return [
        BundleChange(sort=change.sort, name=change.name, live=False, definition=change.definition) for change in ending
    ]
