"""sql: a store leaves a price zone, or joins one: the things that the zone names become what the others, or it, say.

    note_zones(tx, dropped, told)                    # in the transaction that drops or brings a bucket
    note_mended(tx, ops)                             # in the one that logs entries again, or takes them back
    while restate_some(tx, shop, now_ms, new_id): …  # once everything was read, so that every word is here

A bundle makes things different when it begins, and never again. So when a bucket goes, what only it said would stay
until somebody names it again; and where a store comes back into a zone, bundles that began long ago would say nothing.
Both are looked at anew by the rule that always holds (sync/bundle_values.py): the narrowest word in use counts,
and what nobody says anything of any more is not sold, is no offer, is no rule.

The same for entries that are logged again in a later life, or come back from head office: they stand behind what was
changed since, and an older price would be the last word. What head office names becomes what its newest word says. Of
what only the store itself changed the last one logged counts, as everywhere.

Until everything is read nothing changes: between two zones no article has a price of neither. A store that lost its
disk reads its present zone and comes to what that says; what only a former zone had said stays, as it does where the
zone changed while the disk was lost.
"""

import logging
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

import msgspec

from kiosk.bundles.activation import AT_ONCE_MAX, record_changes
from kiosk.bundles.bundle_plan import BundlePlan, CannotUse, plan_activation
from kiosk.bundles.bundle_store import read_begun, read_words
from kiosk.life.link_notes import note, read_note
from kiosk.shop import Shop
from loyalty.earning_rules.rule import WrongRule
from loyalty.offers.offer import WrongOffer
from loyalty.transactions import Tx
from sync.bundle_values import EARNING_RULE, OFFER, PRODUCT, is_zone, part_key, version_of
from sync.chain import decode_content
from sync.facts import decode_body
from sync.facts.bundles import BundleChange
from sync.facts.catalogue import ProductsChanged
from sync.facts.earning import DefinitionChanged
from sync.facts.offers import OfferChanged
from sync.journal import Origin
from sync.journal_mending import LoggedOp

logger = logging.getLogger(__name__)
_NOTE = "things_to_restate"
_IF_NAMED = "?"  # in front of a thing that stays as it is where no bundle names it
_CHANGING = ("products.changed", "offer.changed", "definition.changed")
_PARTS = "SELECT key, entity FROM feed_row WHERE bucket = ? AND entity GLOB 'bundle:*' AND length(value) > 0"
_decode = msgspec.json.Decoder(tuple[str, ...]).decode


def note_zones(tx: Tx, dropped: Iterable[str], told: Collection[str]) -> None:
    """These buckets go, and those are told, in this transaction: note the things of zones that are left. A zone that is
    told for the first time is noted by its name: its things come with the pages."""
    known = {bucket for (bucket,) in tx.execute("SELECT bucket FROM feed_bucket").fetchall()}
    found = [bucket for bucket in told if is_zone(bucket) and bucket not in known]
    for bucket in dropped:
        found += _things_of(tx, bucket) if is_zone(bucket) else []
    if found:
        _save(tx, [*_load(tx), *found])


def note_mended(tx: Tx, ops: Iterable[LoggedOp]) -> None:
    """These entries stand behind others now that were made later: note what they change."""
    found = [_IF_NAMED + name for op in ops for name in _changed_by(op)]
    if found:
        _save(tx, [*_load(tx), *found])


def has_to_restate(tx: Tx) -> bool:
    """Whether anything is to be looked at anew."""
    return read_note(tx, _NOTE) is not None


def restate_some(tx: Tx, shop: Shop, now_ms: int, new_id: Callable[[], UUID]) -> bool:
    """Make things what counts now, as facts; whether more are left. Call it when everything was read."""
    names: dict[str, None] = {}
    for name in _load(tx):
        if name.startswith(_IF_NAMED):
            named = name.removeprefix(_IF_NAMED)
            names.update({named: None} if _is_said(tx, named) else {})
        else:
            names.update(dict.fromkeys(_things_of(tx, name) if is_zone(name) else (name,)))
    now, later = list(names)[:AT_ONCE_MAX], list(names)[AT_ONCE_MAX:]
    origin = Origin(now_ms=now_ms)
    for plan in _plans(tx, shop, now, now_ms):
        record_changes(tx, shop.journal, origin, new_id, plan)
    _save(tx, later)
    return bool(later)


def _plans(tx: Tx, shop: Shop, names: Collection[str], now_ms: int) -> Iterable[BundlePlan]:
    """What changes; where something of it cannot be used here, thing by thing, and that one stays as it is."""
    parts, begun = [_part(name) for name in names], read_begun(tx)
    try:
        yield plan_activation(tx, shop.terms, parts, begun, now_ms)
    except (CannotUse, msgspec.DecodeError, WrongOffer, WrongRule) as problem:
        if len(parts) == 1:
            fields = {"thing": parts[0].name, "reason": str(problem)}
            logger.error("what head office says of a thing cannot be used here", extra={"fields": fields})  # noqa: TRY400
            return
        for name in names:
            yield from _plans(tx, shop, [name], now_ms)


def _changed_by(op: LoggedOp) -> Iterable[str]:
    content = decode_content(op.content)
    if content.kind not in _CHANGING:
        return
    body = decode_body(content.kind, content.v, content.body)
    if isinstance(body, ProductsChanged):
        yield from (part_key(PRODUCT, product.sku) for product in body.products)
    elif isinstance(body, OfferChanged):
        yield part_key(OFFER, body.offer)
    elif isinstance(body, DefinitionChanged) and body.sort == EARNING_RULE:
        yield part_key(EARNING_RULE, body.name)


def _is_said(tx: Tx, name: str) -> bool:
    """Whether a bundle in use names a thing."""
    part = _part(name)
    return bool(read_words(tx, part.sort, part.name, read_begun(tx)))


def _part(name: str) -> BundleChange:
    sort, _, thing = name.partition("/")
    return BundleChange(sort=sort, name=thing)


def _things_of(tx: Tx, bucket: str) -> list[str]:
    """What the bundles of a bucket name that are in use."""
    begun = read_begun(tx)
    rows = tx.execute(_PARTS, (bucket,)).fetchall()
    return sorted({key for key, entity in rows if version_of(entity) in begun})


def _load(tx: Tx) -> tuple[str, ...]:
    text = read_note(tx, _NOTE)
    return _decode(text) if text is not None else ()


def _save(tx: Tx, names: Collection[str]) -> None:
    note(tx, _NOTE, msgspec.json.encode(list(dict.fromkeys(names))).decode() if names else None)
