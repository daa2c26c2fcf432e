"""pure: bundles of head office as a simulated shop finds them in what it was told: which are whole, and what the price
is once they are in use, by the real rules (sync.protocol.feed, sync.bundle_values)."""

from collections.abc import Mapping

import msgspec

from kiosk.simulate.feed import GLOBAL, read_value
from kiosk.simulate.told import Told
from sync.bundle_values import HEAD, PART_PREFIX, PRODUCT, Word, choose, part_key
from sync.facts.bundles import BundleChange
from sync.protocol.feed import Bundle, checksum_of

SKU = "milk"
_head = msgspec.json.Decoder(Bundle)
_change = msgspec.json.Decoder(BundleChange)


def whole_bundles(told: Told) -> list[Bundle]:
    """The bundles that are here whole, in the order in which they begin."""
    heads = [head for _, value in told.values(GLOBAL, HEAD) if (head := read_value(_head, value)) is not None]
    whole = [head for head in heads if _is_whole(told, head)]
    return sorted(whole, key=lambda head: (head.active_at, head.version))


def _is_whole(told: Told, head: Bundle) -> bool:
    parts = [(head.part_entity, key, value) for key, value in told.values(GLOBAL, head.part_entity)]
    return head.is_complete(len(parts), checksum_of(parts))


def price_with(told: Told, begun: Mapping[int, int]) -> int:
    """The price where these bundles (version -> instant) are in use; 0 where none of them says one. Raises
    msgspec.DecodeError for a damaged row."""
    words = []
    for version, active_at in begun.items():
        value = told.value(GLOBAL, f"{PART_PREFIX}{version}", part_key(PRODUCT, SKU))
        if value is not None:
            words.append(Word(GLOBAL, active_at, version, _change.decode(value)))
    change = choose(words)
    return int(bytes(change.definition)) if change is not None and change.definition else 0
