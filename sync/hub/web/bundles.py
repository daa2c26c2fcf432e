"""edge: what head office decides for its stores: products, offers, earning rules, campaigns, and the bundles in which
they begin at one instant everywhere.

Each PUT is a bundle of its own, which begins as soon as the stores can have it, or at `?active_from=`; a campaign holds
any number of changes. `?zone=` or `?store=` says that it is meant for those alone.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from loyalty.earning_rules.rule import RuleTerms
from loyalty.offers.request import OfferRequest
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, OFFER, PRODUCT
from sync.facts.bundles import BundleChange
from sync.http.calls import Call
from sync.http.etag import require_match, strong_etag
from sync.http.paging import Page, PageQuery, decode_cursor, encode_cursor, page_of
from sync.http.problems import PreconditionFailed
from sync.http.routes import Answer
from sync.http.table import RouteTable
from sync.hub.applier import apply_own
from sync.hub.bundle_board import BundleAnswer, BundlePage, read_audience, show_bundle, show_bundle_page
from sync.hub.bundles import (
    BundleUnknown,
    Decision,
    Plan,
    Speaker,
    bundles_of_campaign,
    find_decision,
    list_bundles,
    list_words,
    need_bundle,
    plan_bundle,
    withdraw_bundle,
)
from sync.hub.campaigns import PutCampaign, etag_of, list_plans, withdraw_campaign
from sync.hub.decisions import (
    DecisionMissing,
    OfficeProduct,
    Sort,
    bucket_for,
    check_codes,
    end_change,
    instant_of,
    is_said,
    list_names,
    offer_change,
    product_change,
    rule_change,
)
from sync.hub.door import HEAD_OFFICE, OFFICE, Door, OfficeSession
from sync.hub.own_facts import lock_journal
from sync.hub.times import Instant, utc_text

routes = RouteTable(tag="bundles", roles=HEAD_OFFICE)
_PURPOSE = "bundles"
_ID = frozenset({"id"})
_VERSION_DIGITS = 15


class ScopeQuery(Struct, frozen=True, kw_only=True):
    """Whom it is meant for: a price zone, one store, or (neither) all stores."""

    zone: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    store: UUID | None = None


class DecideQuery(ScopeQuery, frozen=True, kw_only=True):
    """From when on; as soon as the stores can have it where nothing is said."""

    active_from: Instant | None = None


class DecisionsQuery(PageQuery, frozen=True, kw_only=True):
    """Whose list."""

    zone: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    store: UUID | None = None


class DecisionAnswer(Struct, frozen=True, kw_only=True):
    """The newest word of head office on one thing, and the bundle that it begins in. `state` is live, ended, or nothing
    (in a zone or store: what all stores are told counts); `definition` is the whole of it."""

    id: str
    sort: str
    state: str
    definition: msgspec.Raw
    bundle: int
    active_from: str


class CampaignAnswer(Struct, frozen=True, kw_only=True):
    """A campaign by the bundles it is made of; those that were withdrawn are not among them."""

    id: str
    bundles: list[BundleAnswer]


class _Wish(Struct, frozen=True):
    """One call that decides something: about what, for whom, and by whom."""

    sort: Sort
    name: str
    query: DecideQuery
    if_match: str | None


def speaker_of(door: Door, user: str) -> Speaker:
    """Who decides, at this moment."""
    settings = door.settings
    lead_ms = settings.bundle_lead_seconds * 1000
    return Speaker(user, door.now_ms(), lead_ms, frozenset(settings.tax_classes), door.new_id)


def _declare(path: str, parameter: str, what: str, sort: Sort, kind: type) -> None:
    """The calls that are the same for every sort: listed, shown, made, ended."""
    one = f"{path}/{{{parameter}}}"

    @routes.get(
        path,
        f"What head office says of every {what}",
        query=DecisionsQuery,
        response=Page[DecisionAnswer],
        roles=OFFICE,
    )
    async def show_all(door: Door, call: Call[OfficeSession, None, DecisionsQuery]) -> object:
        return await door.read(lambda tx: _list(tx, sort, call.query))

    @routes.get(
        one, f"What head office says of one {what}", query=ScopeQuery, response=DecisionAnswer, roles=OFFICE, texts=_ID
    )
    async def show(door: Door, call: Call[OfficeSession, None, ScopeQuery]) -> object:
        query, name = call.query, call.text(parameter)
        return _tagged(200, await door.read(lambda tx: _find(tx, bucket_for(tx, query.zone, query.store), sort, name)))

    @routes.put(
        one,
        f"Make or change one {what} in the stores",
        body=kind,
        query=DecideQuery,
        response=DecisionAnswer,
        statuses=(200, 201),
        problems=(409, 412, 428),
        texts=_ID,
        max_body_bytes=1024 * 1024,
    )
    async def put(door: Door, call: Call[OfficeSession, Any, DecideQuery]) -> object:
        wish = _Wish(sort, call.text(parameter), call.query, call.if_match)
        return await _decide(door, call.session.user, wish, call.body)

    @routes.delete(
        one,
        f"End one {what}; in a zone or store, say no more of it",
        query=DecideQuery,
        response=DecisionAnswer,
        problems=(404, 412, 428),
        texts=_ID,
    )
    async def end(door: Door, call: Call[OfficeSession, None, DecideQuery]) -> object:
        wish = _Wish(sort, call.text(parameter), call.query, call.if_match)
        return await _decide(door, call.session.user, wish, None)


_declare("/v1/products", "sku", "product", PRODUCT, OfficeProduct)
_declare("/v1/offers", "id", "offer", OFFER, OfferRequest)
_declare("/v1/earning-rules", "id", "earning rule", EARNING_RULE, RuleTerms)


@routes.get("/v1/campaigns/{id}", "One campaign", response=CampaignAnswer, roles=OFFICE, texts=_ID)
async def show_campaign(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/campaigns/{id}."""
    return await door.read(lambda tx: _campaign(tx, call.text("id"), door.now_ms()))


@routes.put(
    "/v1/campaigns/{id}",
    "Plan prices, offers and rules that begin together, in place of what of the campaign has not begun",
    body=PutCampaign,
    response=CampaignAnswer,
    statuses=(200, 201),
    problems=(409, 412, 428),
    texts=_ID,
    max_body_bytes=8 * 1024 * 1024,
)
async def put_campaign(door: Door, call: Call[OfficeSession, PutCampaign, None]) -> object:
    """PUT /v1/campaigns/{id}."""
    name, say, asked = call.text("id"), speaker_of(door, call.session.user), call.body

    def plan(tx: Tx) -> tuple[bool, Answer]:
        lock_journal(tx, say.now_ms)
        is_new = not bundles_of_campaign(tx, name)
        withdraw_campaign(tx, name, say, call.if_match)
        apply_own(tx, say.now_ms, door.version)
        for each in list_plans(tx, name, asked, say):
            plan_bundle(tx, each, say)
            apply_own(tx, say.now_ms, door.version)
        return is_new, _campaign(tx, name, say.now_ms)

    is_new, answer = await door.write(plan)
    return msgspec.structs.replace(answer, status=201 if is_new else 200)


@routes.get("/v1/bundles", "Bundles, the newest first", query=PageQuery, response=Page[BundleAnswer], roles=OFFICE)
async def show_bundles(door: Door, call: Call[OfficeSession, None, PageQuery]) -> object:
    """GET /v1/bundles."""
    query, now_ms = call.query, door.now_ms()
    before = decode_cursor(query.after, _PURPOSE, tuple[int])[0] if query.after else None

    def read(tx: Tx) -> list[BundleAnswer]:
        audience = read_audience(tx)
        return [show_bundle(tx, row, audience, now_ms) for row in list_bundles(tx, before, query.limit + 1)]

    return page_of(await door.read(read), query.limit, lambda bundle: encode_cursor((bundle.version,), _PURPOSE))


@routes.get("/v1/bundles/{version}", "One bundle, with every store it is for", response=BundlePage, roles=OFFICE)
async def show_one_bundle(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """GET /v1/bundles/{version}."""
    version, now_ms = _read_version(call.text("version")), door.now_ms()
    return await door.read(lambda tx: show_bundle_page(tx, need_bundle(tx, version), now_ms))


@routes.post(
    "/v1/bundles/{version}/withdraw",
    "A bundle shall not begin",
    response=BundleAnswer,
    problems=(404, 409),
)
async def withdraw(door: Door, call: Call[OfficeSession, None, None]) -> object:
    """POST /v1/bundles/{version}/withdraw: the same again changes nothing."""
    version, say = _read_version(call.text("version")), speaker_of(door, call.session.user)

    def end(tx: Tx) -> BundleAnswer:
        withdraw_bundle(tx, version, say)
        apply_own(tx, say.now_ms, door.version)
        return show_bundle(tx, need_bundle(tx, version), read_audience(tx), say.now_ms)

    return await door.write(end)


async def _decide(door: Door, user: str, wish: _Wish, body: object) -> Answer:
    """Plan one change as a bundle of its own, unless it is said already; 201 where the thing is new. The answer is what
    was planned now; its tag that of the word that counts last, which is another one where that begins later."""
    say = speaker_of(door, user)

    def decide(tx: Tx) -> Answer:
        lock_journal(tx, say.now_ms)
        bucket = bucket_for(tx, wish.query.zone, wish.query.store)
        known = find_decision(tx, bucket, wish.sort, wish.name)
        change = _change(tx, bucket, wish, body, say)
        if known is not None:
            require_match(wish.if_match, _tag(known))
        elif wish.if_match is not None:
            raise PreconditionFailed
        version = known.version if known is not None else 0
        if not is_said(known, change):
            check_codes(tx, bucket, [change])
            active_at = instant_of(wish.query.active_from)
            plan = Plan(bucket=bucket, changes=(change,), title=wish.name, active_at=active_at)
            version = plan_bundle(tx, plan, say)
            apply_own(tx, say.now_ms, door.version)
        words = {word.version: word for word in list_words(tx, bucket, wish.sort, wish.name)}
        tag = _tag(_need(tx, bucket, wish.sort, wish.name))
        return Answer(201 if known is None else 200, _answer(words[version]), {"ETag": tag})

    return await door.write(decide)


def _change(tx: Tx, bucket: str, wish: _Wish, body: object, say: Speaker) -> BundleChange:
    """What is asked for, checked."""
    if isinstance(body, OfferRequest):
        return offer_change(tx, bucket, wish.name, body)
    if isinstance(body, OfficeProduct):
        return product_change(wish.name, body, say.tax_classes)
    if isinstance(body, RuleTerms):
        return rule_change(tx, bucket, wish.name, body)
    return end_change(tx, bucket, wish.sort, wish.name)


def _list(tx: Tx, sort: Sort, query: DecisionsQuery) -> Page[DecisionAnswer]:
    bucket = bucket_for(tx, query.zone, query.store)
    purpose = f"{sort} {bucket}"
    (after,) = decode_cursor(query.after, purpose, tuple[str]) if query.after else ("",)
    names = list_names(tx, bucket, sort, after, query.limit + 1)
    found = [find_decision(tx, bucket, sort, name) for name in names]
    page = page_of(names, query.limit, lambda name: encode_cursor((name,), purpose))
    shown = [_answer(each) for each in found[: len(page.items)] if each is not None]
    return Page(tuple(shown), page.next)


def _find(tx: Tx, bucket: str, sort: Sort, name: str) -> DecisionAnswer:
    return _answer(_need(tx, bucket, sort, name))


def _need(tx: Tx, bucket: str, sort: Sort, name: str) -> Decision:
    decision = find_decision(tx, bucket, sort, name)
    if decision is None:
        raise DecisionMissing(name[:64])
    return decision


def _answer(decision: Decision) -> DecisionAnswer:
    change = decision.change
    word = "live" if change.live else "ended"
    return DecisionAnswer(
        id=change.name,
        sort=change.sort,
        state=word if change.definition else "nothing",
        definition=change.definition or msgspec.Raw(b"null"),
        bundle=decision.version,
        active_from=utc_text(decision.active_at),
    )


def _tag(decision: Decision) -> str:
    return strong_etag(decision.version)


def _tagged(status: int, answer: DecisionAnswer) -> Answer:
    return Answer(status, answer, {"ETag": strong_etag(answer.bundle)})


def _campaign(tx: Tx, name: str, now_ms: int) -> Answer:
    bundles = bundles_of_campaign(tx, name)
    if not bundles:
        raise DecisionMissing(name[:64])
    audience = read_audience(tx)
    shown = CampaignAnswer(id=name, bundles=[show_bundle(tx, bundle, audience, now_ms) for bundle in bundles])
    return Answer(200, shown, {"ETag": etag_of(bundles)})


def _read_version(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _VERSION_DIGITS:
        raise BundleUnknown
    return int(text)
