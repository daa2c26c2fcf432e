"""Which keys of a store every other store is told: its own ones, by its own name, on a list that holds."""

import datetime as dt

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from loyalty.keys import KEYS_PER_STORE, ListedKey, SignedKeyList, first_key_id, public_hex, sign_key_list
from sync.facts.coupons import KeysListed
from sync.feed_values import key_name
from tests.sync.hub.hubkit import RunningHub, Shop

ROOT, OTHER_ROOT, STORE = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
DAY = dt.date(2026, 11, 21)
OWN, ANOTHERS = first_key_id("S001"), first_key_id("S002")


def listed(kid: int, store: str = "S001") -> ListedKey:
    return ListedKey(kid=kid, store=store, public=public_hex(STORE), not_before=DAY, not_after=DAY)


def signed(*keys: ListedKey) -> SignedKeyList:
    return sign_key_list(ROOT, 1, keys)


async def told(shop: Shop, keys: SignedKeyList) -> list[str]:
    """What the feed names after a store has listed these keys."""
    shop.write("keys.listed", KeysListed(version=1, root=keys.root, content=keys.content, signature=keys.signature))
    assert (await shop.push(shop.ops))[0] == 200
    await shop.hub.hub.appliers.settle()
    _, page = await shop.pull()
    return [item["key"] for item in page["items"] if item["entity"] == "coupon_key"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (signed(listed(OWN), listed(OWN + KEYS_PER_STORE - 1)), [OWN, OWN + KEYS_PER_STORE - 1]),
        (signed(listed(OWN), listed(OWN + 1, "S002")), [OWN]),
        (signed(listed(OWN), listed(OWN + KEYS_PER_STORE)), [OWN]),
        (signed(listed(ANOTHERS)), []),
        (signed(listed(ANOTHERS, "S002")), []),
        (msgspec.structs.replace(signed(listed(OWN)), root=public_hex(OTHER_ROOT)), []),
        (msgspec.structs.replace(signed(listed(OWN)), content="{}"), []),
    ],
    ids=["its own", "another's name", "beyond its numbers", "another's number", "another's key", "root", "content"],
)
async def test_a_store_names_keys_for_itself_alone(
    small_hub: RunningHub, keys: SignedKeyList, expected: list[int]
) -> None:
    shop = await small_hub.enrol("S001")
    await shop.open_session()
    assert await told(shop, keys) == [key_name(kid, "S001") for kid in expected]
